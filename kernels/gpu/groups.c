/* groups.c - see groups.h. */
#include "kernels/gpu/groups.h"

enum {
	SHORT_ROWS = 4,
	DECODE_KEYS_MIN = 64, /* of one split */
	DECODE_SPLITS_MAX = 256
};

bool plan_is_rounded(const struct plan *p)
{
	return p->c.dtype > SAMPLE_BF16 && p->style->rounds;
}

bool plan_is_short(const struct plan *p)
{
	const int piece = p->c.dtype == SAMPLE_Q8 ? 8 : 16;

	return p->style->short_rows && plan_is_rounded(p) && p->c.m == 1 &&
	       p->c.k < piece * p->style->gemv_threads;
}

/* The fewest threads that take a row of k in as few steps as any, two numbers each (launch_mul_mat_vec_f_cuda() of ggml-cuda/mmvf.cu). */
static int one_row_threads(int64_t k, int most)
{
	int best = SIMD_WIDTH;

	for (int threads = SIMD_WIDTH; threads <= most; threads += SIMD_WIDTH)
		if (up(k, 2 * threads) < up(k, 2 * best))
			best = threads;
	return best;
}

int plan_gemv_threads(const struct plan *p)
{
	return p->c.m > 1 || plan_is_rounded(p) || !p->style->one_row_threads
		       ? p->style->gemv_threads
		       : one_row_threads(p->c.k, p->style->one_row_threads);
}

int plan_gemv_rows(const struct plan *p, int made_for)
{
	return plan_is_short(p)
		       ? SHORT_ROWS
		       : (plan_is_rounded(p) ? p->style->blocks_gemv_rows : p->style->gemv_rows)[made_for];
}

bool plan_heads_together(const struct bench_case *c, const struct plan_limits *l)
{
	return l->style->heads_groups_core && c->heads > c->kv_heads && !l->no_prefill;
}

uint32_t plan_decode_splits(const struct bench_case *c, const struct plan_limits *l)
{
	const int groups =
		plan_heads_together(c, l) ? l->style->heads_groups_core : l->style->decode_groups_core;
	int64_t splits = l->cores * groups / c->kv_heads;

	if (splits > up(c->n, DECODE_KEYS_MIN))
		splits = up(c->n, DECODE_KEYS_MIN);
	return (uint32_t)(splits < 1 ? 1 : splits > DECODE_SPLITS_MAX ? DECODE_SPLITS_MAX : splits);
}
