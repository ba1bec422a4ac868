/* groups.h - of how many threads the groups of a plan's kernels are, and how many outputs or splits they share; for plan.c. */
#ifndef KERNELS_GPU_GROUPS_H
#define KERNELS_GPU_GROUPS_H
#include "kernels/gpu/plan.h"

enum { SIMD_WIDTH = 32 };

/* a / b, rounded up */
static inline uint32_t up(int64_t a, int64_t b)
{
	return (uint32_t)((a + b - 1) / b);
}

/* x is rounded to 8 bits: weights in blocks on a backend that does so. */
bool plan_is_rounded(const struct plan *p);

/* One row whose weights have not a piece of 8 or 16 for each thread (should_use_small_k of ggml-cuda/mmvq.cu). */
bool plan_is_short(const struct plan *p);

/* Threads of a group that takes a few rows, and rows of weights that it takes, in the kernel for 1 << made_for rows of x. */
int plan_gemv_threads(const struct plan *p);
int plan_gemv_rows(const struct plan *p, int made_for);

/* Heads that share keys are rows of one product, as in llama.cpp (gqa_opt_applies of ggml_cuda_get_best_fattn_kernel(),
 * ggml-cuda/fattn.cu of ggml-org/llama.cpp@d775b896). */
bool plan_heads_together(const struct bench_case *c, const struct plan_limits *l);

/* Groups that share the keys of one head. */
uint32_t plan_decode_splits(const struct bench_case *c, const struct plan_limits *l);

#endif
