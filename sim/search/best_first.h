/*
 * best_first.h - the layer maps of one kind on one set of devices, the best first, as far as a bound can
 * tell.
 *
 * Layer search. A dynamic program over the layers (Bellman, 1957) gives, for every state of a half-made
 * layer map (where each group is, and has been), the least that the rest can cost; a best-first search (Hart,
 * Nilsson & Raphael, IEEE Trans. SSC 4(2), 1968) then takes layer maps out in the order of their bound.
 * Half-made layer maps whose weights do not fit are given up.
 */
#ifndef SIM_SEARCH_BEST_FIRST_H
#define SIM_SEARCH_BEST_FIRST_H
#include "sim/search/goal.h"

enum { EXACT_UNITS = 4 }; /* the program's states grow as 4^(2 units) */

struct best_first_ask {
	const struct block_costs *block_costs;
	unsigned phase_groups; /* bits: a layer map for phase group 0, for phase group 1, or for both */
	unsigned units;        /* bits: just these are used */
	unsigned kind;         /* just these features */
	struct rate rate;      /* what is to be small */
};

struct found {
	struct layer_map layer_map;
	const uint8_t *at; /* the unit of each block */
	double bound;      /* of the rate; of these phase groups alone */
	struct phase_group_sum sums[PHASE_GROUPS];
};

struct best_first; /* opaque */
struct best_first *best_first_new(const struct best_first_ask *ask);
void best_first_free(struct best_first *s);

/* The i-th best, or NULL if there are not so many (or best_first_cut() says why not). Stays where it is. */
const struct found *best_first_at(struct best_first *s, size_t i);

double
best_first_least(const struct best_first *s); /* no layer map of the ask is below; INFINITY: there is none */
bool best_first_cut(const struct best_first *s); /* given up: too many half-made layer maps */

#endif
