/*
 * trace_facts.h - what a trace of kernels says of a runtime, as rows of a data sheet.
 *
 * Layer family. Counts of kernels for each operator (norm.kernels, ...) go with a machine's samples by `--facts`
 * (sim/calib/datasheet.h), in the place of counts read in a runtime's source.
 */
#ifndef SIM_FAMILY_TRACE_FACTS_H
#define SIM_FAMILY_TRACE_FACTS_H
#include "sim/base/output_columns.h"
#include "sim/llm/model.h"
#include "sim/runs/kernel_trace.h"

/* Appends a table for reading: kernels of each kind, for each layer and each operator, and the names that are of no kind.
 * m: the model that ran; NULL: a dense one as Llama is, of any number of layers. */
void trace_table(const struct kernel_trace *t, const struct model *m, struct str *out);

enum { TRACE_FACTS_COLUMNS = 3 };
extern const struct output_column trace_facts_csv[TRACE_FACTS_COLUMNS];

/* Appends the csv. -1 with err where no layer can be told: a trace without a kernel of attention. */
int trace_facts(const struct kernel_trace *t, const struct model *m, struct str *out, struct err *err);

#endif
