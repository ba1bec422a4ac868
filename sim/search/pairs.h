/*
 * pairs.h - a heap of pairs of layer maps, one from each of two best-first searches, the smallest bound
 * first.
 *
 * Layer search. The order is total: by bound, then by index.
 */
#ifndef SIM_SEARCH_PAIRS_H
#define SIM_SEARCH_PAIRS_H
#include <stdint.h>

#include "sim/base/heap.h"

/* the i-th layer map of one search with the j-th of another; j is unused where both groups share one layer
 * map */
struct pair {
	double bound;
	uint32_t combo, i, j;
};

static inline bool pair_before(void *ctx, const struct pair *a, const struct pair *b)
{
	(void)ctx;
	if (a->bound != b->bound)
		return a->bound < b->bound;
	if (a->combo != b->combo)
		return a->combo < b->combo;
	return a->i != b->i ? a->i < b->i : a->j < b->j;
}

/* struct pairs; all zero is the empty heap */
HEAP_DEFINE(pairs, struct pair, pair_before, HEAP_UNTRACKED);

#endif
