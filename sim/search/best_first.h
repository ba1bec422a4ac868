/*
 * best_first.h - enumerates the layer maps of one kind on one set of devices in ascending order of their
 * lower bound.
 *
 * Layer search. A dynamic program over the layers (Bellman, 1957) computes, for every state of a partial
 * layer map (the device of each group of roles, and the devices that it has used), the least cost of the
 * remaining layers. A best-first search (Hart, Nilsson and Raphael, IEEE Trans. SSC 4(2), 1968) with that
 * cost as its heuristic then yields complete layer maps by ascending bound. Partial layer maps whose weights
 * exceed the memory of a machine are dropped.
 *
 * The dynamic program visits the states alone that the search can reach. Twins are told apart by the order in which a layer map
 * comes to use them, from the embedding on: the enumerated one takes them in the order of their numbers.
 */
#ifndef SIM_SEARCH_BEST_FIRST_H
#define SIM_SEARCH_BEST_FIRST_H
#include "sim/search/goal.h"

enum { EXACT_UNITS = 4 }; /* the states of the dynamic program grow as 4^(2 units) */

struct best_first_ask {
	const struct block_costs *block_costs;
	unsigned phase_groups; /* bits: bound phase group 0, phase group 1, or both with one layer map */
	unsigned units;        /* bits: exactly these units are used */
	unsigned kind;         /* exactly these features, see space.h */
	struct rate rate;      /* the weights of the bound that is minimized */
	/* [unit]: its last twin before it (twins.h). Of layer maps that differ by an exchange of twins alone one is then
	 * enumerated. NULL: all are */
	const size_t *twins;
};

struct found {
	struct layer_map layer_map;
	const uint8_t *at; /* [block]: unit index */
	double bound;      /* lower bound of the rate over the phase groups asked for */
	struct phase_group_sum sums[PHASE_GROUPS];
};

struct best_first; /* opaque */
struct best_first *best_first_new(const struct best_first_ask *ask);
/* The dynamic program, before anything is asked of it; several searches may begin at a time. */
void best_first_begin(struct best_first *s);
void best_first_free(struct best_first *s);

/* The layer map with the i-th smallest bound, or NULL if there are fewer, or if the search was truncated
 * (best_first_truncated()). The pointer stays valid until best_first_free(). */
const struct found *best_first_at(struct best_first *s, size_t i);

/* A lower bound of all layer maps asked for; INFINITY if there are none. */
double best_first_lower_bound(const struct best_first *s);
/* True if the search stopped because it had too many partial layer maps. */
bool best_first_truncated(const struct best_first *s);

#endif
