/*
 * run_params.h - whether a number of parameters and an architecture, as llama.cpp tells them, are of a model.
 *
 * Layer family. llama.cpp counts every tensor of a file. A file may hold the layers that predict further tokens, which
 * it does not run (Qwen3.5, GLM-4.5), with tables of tokens of their own or without, and a head apart from the table that
 * it is tied to.
 */
#ifndef SIM_FAMILY_RUN_PARAMS_H
#define SIM_FAMILY_RUN_PARAMS_H
#include <stdbool.h>

#include "sim/llm/model.h"
#include "sim/runs/ingest.h"

/* Is that a number of parameters that a file of the model may have, but for a share `off`? */
bool run_params_are(const struct model *m, double params, double off);

/* Of the bytes that a row says of its file, those of the tensors that run: all, but for the share of the layers that predict
 * further tokens where the row's number of parameters has them. */
double run_bytes_that_run(const struct model *m, const struct run *run);

/* Does llama.cpp call models of that architecture otherwise than the row does? False where the row does not say. */
bool run_is_other_architecture(const struct model *m, const struct run *run);

#endif
