/*
 * runtime_kernels.h - how the programs that people measure with run a layer: kernels and passes, counted in
 * their source.
 *
 * Layer calib. Counts are of a dense Llama layer on Metal, from the code that builds its graph and the code
 * that issues it; what was merged when is in runtime_kernels.c. A layer with a mixture of experts, a norm on
 * q and k or a bias has more: the graph knows those operators, and each costs the kernels of its kind.
 */
#ifndef SIM_RUNS_RUNTIME_KERNELS_H
#define SIM_RUNS_RUNTIME_KERNELS_H
#include "sim/runs/ingest.h"
#include "sim/hw/hw.h"

struct runtime_kernels {
	const char *name;
	double layer_s; /* overhead of a layer where the runs do not tell */
	struct fusion norm, rope, kv_append, kv_repeat, scores, linear, activation, residual;
};

/* The program that made these runs, by its name, build and flags; NULL: not one that is known here, as a csv
 * that does not say. */
const struct runtime_kernels *runtime_kernels_of(const struct runs *r);

/* -1 with err where rows of one file were made by different programs, or by one that runs a layer in two
 * ways. */
int runs_one_runtime(const struct runs *r, struct err *err);

#endif
