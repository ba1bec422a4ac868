/*
 * listed_devices.h - how many devices a log of llama.cpp lists, and which of them hold weights.
 *
 * Layer runs. llama.cpp shares a model among all GPUs that it finds unless -dev, -sm none or -ts say otherwise; integrated ones are taken
 * only where no other is found (src/ of ggml-org/llama.cpp, where it lists a model's devices). Its log names each by its number,
 * "  Device 1: NVIDIA GeForce RTX 3090, compute capability 8.6", and what each holds, "load_tensors: CUDA1 model buffer size =
 * 4155.99 MiB"; a table below has no column of them.
 */
#ifndef SIM_RUNS_LISTED_DEVICES_H
#define SIM_RUNS_LISTED_DEVICES_H
#include <stdbool.h>
#include <stdint.h>

#include "sim/base/mem.h"

enum { LISTED_CUDA, LISTED_ROCM, LISTED_VULKAN, LISTED_SYCL, LISTED_KINDS };

/* Each member is all 0 where a log lists none. Of the sets bit i is device i. */
struct listed_devices {
	uint64_t cards[LISTED_KINDS], integrated[LISTED_KINDS];
	uint64_t used[LISTED_KINDS], holding[LISTED_KINDS]; /* "using device CUDA0", and of weights */
	int64_t found[LISTED_KINDS];                        /* as many as the log says that it found */
};

void listed_devices_take(struct listed_devices *l, const char *line);

/* Does a line or a name tell a chip's own GPU? */
bool listed_devices_is_integrated(const char *text);
/* Is the line of a chip's own GPU, beside cards that have been listed? */
bool listed_devices_is_beside(const struct listed_devices *l, const char *line);
/* Is it of the first card, behind chips' own GPUs alone? The line has been taken. */
bool listed_devices_is_first_card(const struct listed_devices *l, const char *line);

/* "CUDA0/CUDA1", as llama-bench's column of devices has them, in the arena; NULL: one at most. backend: that of a row,
 * "CUDA,BLAS"; NULL: not said. */
const char *listed_devices_several(struct arena *a, const struct listed_devices *l, const char *backend);

#endif
