/*
 * pairs.h - pairs of seatings, one of each of two streams, the least bound first: a binary heap.
 *
 * Layer search. The order is total: by bound, then by number.
 */
#ifndef SIM_SEARCH_PAIRS_H
#define SIM_SEARCH_PAIRS_H
#include <stdint.h>

#include "sim/base/vec.h"

struct pair { /* the i-th of one stream with the j-th of another; j of a single stream is unused */
	double bound;
	uint32_t combo, i, j;
};

struct pairs { /* zeroed: empty */
	struct pair *at;
	size_t n, room;
};
void pairs_put(struct pairs *h, struct pair p);
struct pair pairs_take(struct pairs *h); /* h must not be empty */
void pairs_release(struct pairs *h);

#endif
