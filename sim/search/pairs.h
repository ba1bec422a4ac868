/*
 * pairs.h - pairs of layer maps, one from each of two best-first searches, the least bound first.
 *
 * Layer search. The order is total: by bound, then by number.
 */
#ifndef SIM_SEARCH_PAIRS_H
#define SIM_SEARCH_PAIRS_H
#include <stdint.h>

#include "sim/base/heap.h"

struct pair { /* the i-th of one search with the j-th of another; j is unused where one layer map is for both
		 groups */
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

/* struct pairs; zeroed: empty */
HEAP_DEFINE(pairs, struct pair, pair_before, HEAP_UNTRACKED);

#endif
