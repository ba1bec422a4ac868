/*
 * runtime_kernels.h - the kernels and memory passes of a transformer layer under llama.cpp and mlx_lm, counted in
 * their source.
 *
 * Layer runs. Counts are of a dense Llama layer on Metal, from the code that builds its graph and the code
 * that issues it; what was merged when is in runtime_kernels.c. A layer with a mixture of experts, a norm on q and k or a bias has more operators: the graph
 * (sim/llm/graph.h) has them, and each costs the kernels of its kind.
 */
#ifndef SIM_RUNS_RUNTIME_KERNELS_H
#define SIM_RUNS_RUNTIME_KERNELS_H
#include "sim/runs/ingest.h"
#include "sim/hw/hw.h"

struct runtime_kernels {
	const char *name;
	double layer_s; /* seconds of overhead of a layer, where the runs do not determine it */
	struct fusion norm, rope, kv_append, kv_repeat, scores, linear, activation, residual;
};

/* The counts of the program that made these runs, by its name and by the build and the flags that any of them says; NULL:
 * there are none of it, or a csv does not name it. */
const struct runtime_kernels *runtime_kernels_of(const struct runs *r);

/* The build of llama.cpp, and flash attention on or off, as the first of the rows that says it; else 0, FLASH_UNSAID. */
int64_t runs_build(const struct runs *r);
enum flash runs_flash(const struct runs *r);

/* Does it have rows with flash attention, and rows without it? */
bool runs_flash_on_and_off(const struct runs *r);
/* Drops the rows that say they are without flash attention, in place; the others keep their order. Returns their number. */
size_t runs_take_fused(struct runs *r);

/* -1 with err where rows have different counts: of two programs, or of one with and without a flag. A row that does not
 * say its build or flag (llama-batched-bench's table) is of the same program as the others. */
int runs_one_runtime(const struct runs *r, struct err *err);

#endif
