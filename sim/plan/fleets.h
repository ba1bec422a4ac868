/*
 * fleets.h - the search for the fleet: which numbers of which kinds of server hold the load for the least.
 *
 * Layer plan. Pure: kinds have prices and bounds, and functions of the caller say the rest. A candidate is a
 * number of servers of each kind; servers of one kind are equal, so that each fleet is looked at once.
 * Candidates are taken in ascending order of the least that their goal can come to. A candidate is left out by
 * nothing but a bound: its servers together cannot do the work, a kind misses the SLO on an idle machine, it
 * costs more than the budget, or the least of its goal is no better than the best found. All others are
 * simulated until that bound ends the search; of equal ones the kind that was given first wins. Fleets of whole
 * servers are looked at before pools.
 */
#ifndef SIM_PLAN_FLEETS_H
#define SIM_PLAN_FLEETS_H
#include <stdbool.h>
#include <stddef.h>

enum { FLEET_KINDS = 4096, FLEET_SPARE = 2, FLEETS_AHEAD = 32 };

/* A server does all of a request, or one half of it; a fleet has the first sort, or one kind of each of the others. */
enum fleet_role { FLEET_WHOLE, FLEET_PREFILL, FLEET_DECODE };

struct fleet_kind {
	enum fleet_role role;
	double usd;   /* price of one server */
	int machines; /* in one server */
	int up_to;    /* servers of it in a fleet */
	double rate;  /* most work per second of one server; INFINITY: not known */
	double prompt,
		answer; /* the same for prompts alone and answers alone: what holds where kinds mix; in pools
				  prompts bound the one, answers the other */
	bool never;     /* it misses the SLO on an idle machine, or does not fit */
	int set;        /* kinds of unlike sets stand in no fleet together */
	int name;       /* kinds of one name are one kind of machine: they count once, and never mix */
};

/* The verdict on a candidate. */
enum fleet_why { FLEET_HOLDS, FLEET_FAILS, FLEET_SPARE_FAILS, FLEET_BOUND, FLEET_STOPPED };
struct fleet {
	int *counts;              /* servers of each kind; the search's arena */
	double usd, least, value; /* price; bound of the goal, and the goal itself where it holds */
	int machines, servers;
	enum fleet_why why;
	size_t order; /* place among the simulated */
};

struct fleets_ask {
	const struct fleet_kind *kinds;
	size_t n;
	int up_to;     /* machines */
	int mixed;     /* kinds of machine */
	int spare;     /* servers that may be gone, at most FLEET_SPARE */
	double work;   /* per second; 0: not known, so that rates bound nothing */
	double budget; /* USD; INFINITY: none */
	/* Does the load hold? 1, 0, or -1 to stop. */
	int (*holds)(void *self, const int *counts);
	/* A lower bound of the goal that adding servers never lowers, and the goal of one that holds. NULL:
	 * the price is both. */
	double (*least)(void *self, const int *counts);
	double (*value)(void *self, const int *counts);
	/* Told, before the first of them is asked for, of the fleets that are asked for in this order as long as none holds; at most
	 * FLEETS_AHEAD, which live until the search ends. NULL: nobody looks ahead. */
	void (*ahead)(void *self, int *const *counts, size_t n);
	/* Returns whether a fleet is to be looked at, by one of several processes; NULL: all are. */
	bool (*mine)(void *self, const int *counts);
	void *self;
	size_t runs_most;
};

struct fleets {
	struct fleet *tried; /* simulated, in that order */
	size_t tried_n;
	const struct fleet *best; /* NULL: none holds */
	size_t bounds;            /* candidates whose bounds were looked at */
	size_t ruled_out;         /* by a bound */
	size_t runs;              /* verdicts asked for */
	bool proved;              /* nothing but bounds left a candidate out: the best is the best */
	bool stopped;
};

struct arena;
struct fleets fleets_find(struct arena *a, const struct fleets_ask *ask);

#endif
