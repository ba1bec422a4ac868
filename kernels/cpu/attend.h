/*
 * attend.h - attention proper on the CPU: softmax(QK')V over a cache of keys and values, f32.
 *
 * Prefill is done by blocks with a running softmax (Dao et al., arXiv:2205.14135), the masked half left out;
 * decode reads each key and value once for all query heads that share it.
 */
#ifndef KERNELS_CPU_ATTEND_H
#define KERNELS_CPU_ATTEND_H
#include <stdbool.h>
#include <stdint.h>

#include "kernels/cpu/pool.h"

struct kv_cache {
	int64_t heads, kv_heads, head_dim; /* heads: a multiple of kv_heads */
	const float *keys, *values;        /* [kv_heads][stride][head_dim] */
	int64_t stride;                    /* tokens that the cache has room for */
};

bool attend_can(int64_t heads, int64_t kv_heads, int64_t head_dim);

/* out, queries: [queries_n][heads][head_dim]. The last query sees all `context` keys, the one before it one
 * less, ...; context >= queries_n. */
void attend_prefill(struct pool *p, const struct kv_cache *a, float *out, const float *queries,
		    int64_t queries_n, int64_t context);

/* out, query: [heads][head_dim] */
void attend_decode(struct pool *p, const struct kv_cache *a, float *out, const float *query, int64_t context);

#endif
