/*
 * anneal_starts.h - which machines the chains of the annealing begin with.
 *
 * Layer search. Of equal machines only their number matters, so a set of devices is a number of each kind. Where there are few
 * kinds all such numbers are gone through, in steps of a quarter where there are many machines of a kind.
 */
#ifndef SIM_SEARCH_ANNEAL_STARTS_H
#define SIM_SEARCH_ANNEAL_STARTS_H
#include "sim/search/anneal_state.h"
#include "sim/search/goal.h"

/* The speed of each device ([unit]) as the inverse of its cost for all blocks, at the rates of the goal; only the ratios of the
 * speeds are used. */
void anneal_starts_speeds(const struct block_costs *p, const struct metric_info *minimized, double *speed);

enum { STARTS_KINDS = 16, STARTS_LEVELS = 32, STARTS_SETS = 1000, STARTS_KEPT = 24 };

/* The kinds of units: the first of each, and its twins in their order. Of more than STARTS_KINDS the fastest are taken. */
struct anneal_starts {
	const struct anneal_space *space;
	size_t kinds_n;
	uint8_t kinds[STARTS_KINDS];
	bool all_kinds; /* none is left out */
	/* numbers of each kind, ascending from 0: as many as make STARTS_SETS sets at most; an odometer over them */
	size_t levels_n[STARTS_KINDS], at[STARTS_KINDS];
	uint8_t levels[STARTS_KINDS][STARTS_LEVELS];
};

struct start { /* of a set of devices the best that was looked at */
	struct anneal_state state;
	struct unit_set units;
	double energy;
};
struct start_list { /* the few best, in ascending order of their energy */
	size_t n;
	struct start at[STARTS_KEPT];
};
/* Keeps the state, which is on these units, if it is the best of its set and that is one of the `most` best. */
void start_list_keep(struct start_list *s, size_t most, const struct anneal_state *p,
		     const struct unit_set *units, double energy);

/* speed: [unit], in layers per second. */
void anneal_starts_make(struct anneal_starts *s, const struct anneal_space *space, const double *speed);

/* Goes on to the next set of two units or more, and writes it; false: there are no more. Where no unit has a twin there are
 * none, since a chain begins with each order of all of them anyway. */
bool anneal_starts_next(struct anneal_starts *s, struct unit_set *out);

#endif
