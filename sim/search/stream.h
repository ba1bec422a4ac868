/*
 * stream.h - the seatings of one kind on one set of devices, the best first, as far as a bound can tell.
 *
 * Layer search. A dynamic program over the layers (Bellman, 1957) gives, for every state of a half-made
 * seating (where each group is, and has been), the least that the rest can cost; a best-first search (Hart,
 * Nilsson & Raphael, IEEE Trans. SSC 4(2), 1968) then takes seatings out in the order of their bound.
 * Half-made seatings whose weights do not fit are given up.
 */
#ifndef SIM_SEARCH_STREAM_H
#define SIM_SEARCH_STREAM_H
#include "sim/search/goal.h"

enum { EXACT_UNITS = 4 }; /* the program's states grow as 4^(2 units) */

struct stream_ask {
	const struct prices *prices;
	unsigned legs;    /* bits: a seating for leg 0, for leg 1, or for both */
	unsigned units;   /* bits: just these are used */
	unsigned kind;    /* just these features */
	struct rate rate; /* what is to be small */
};

struct found {
	struct seating seating;
	const uint8_t *at; /* the unit of each block */
	double bound;      /* of the rate; of these legs alone */
	struct leg_sum sums[LEGS];
};

struct stream; /* opaque */
struct stream *stream_new(const struct stream_ask *ask);
void stream_free(struct stream *s);

/* The i-th best, or NULL if there are not so many (or stream_cut() says why not). Stays where it is. */
const struct found *stream_at(struct stream *s, size_t i);

double stream_least(const struct stream *s); /* no seating of the ask is below; INFINITY: there is none */
bool stream_cut(const struct stream *s);     /* given up: too many half-made seatings */
size_t stream_nodes(const struct stream *s); /* half-made seatings looked at */

#endif
