/*
 * seek.h - the search of a plan (fleets.h) asks the simulation of each fleet.
 *
 * Layer plan, private to it.
 */
#ifndef SIM_PLAN_SEEK_H
#define SIM_PLAN_SEEK_H
#include "sim/plan/plan.h"

struct plan_ahead { /* a fleet that the search may ask for next */
	const int *counts;
	int first; /* whether its first replication holds the load with headroom; -1: that is not known */
};

struct plan_seeking {
	struct plan_result *r;
	struct arena *arena;            /* of what is found */
	struct arena scratch;           /* joined services, one at a time */
	struct plan_verdicts *verdicts; /* NULL: nothing is known, and nobody asks */
	bool refused;                   /* a verdict could not be kept */
	bool unbuilt; /* the last fleet could not be built, of which the answer tells: that is found out again */
	struct plan_ahead ahead[FLEETS_AHEAD];
	size_t ahead_n;
};

/* The groups as the kinds of a search, in the arena. */
struct fleet_kind *plan_seek_kinds(struct arena *a, const struct plan_result *r);

/* Finds the best fleet of the kinds by the plan's goal, and adds what was looked at to the result's counts. The result's threads run
 * at a time, each a fleet or a replication. */
struct fleets plan_seek(struct plan_seeking *x, const struct fleet_kind *kinds);

/* Runs the load as asked on a fleet: all of the row but its parts. */
void plan_seek_run(struct plan_seeking *x, const int *counts, struct plan_row *row);

/* Whether the search is one process's share of the fleets. */
bool plan_seeks_share(const struct plan_seeking *x);

#endif
