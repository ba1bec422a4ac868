/*
 * range.h - the fleets that a plan shows over a range: how much each holds with fewer and more servers, and its
 * latencies under smaller and larger loads. For a picture.
 *
 * Layer plan.
 */
#ifndef SIM_PLAN_RANGE_H
#define SIM_PLAN_RANGE_H
#include "sim/plan/plan.h"

enum { RANGE_STEPS = 8, RANGE_BOUNDS = 3 };

struct range_size { /* a fleet of so many servers like those of a row */
	int servers;
	double usd, holds; /* holds: the largest load, NAN: not known */
};

struct range_bound { /* a latency that is drawn; bound: of the SLO in seconds, NAN: none */
	enum slo_metric metric;
	enum slo_stat stat;
	double bound;
};

struct range_latency { /* a row's under one load; NAN: it does not run */
	double of[RANGE_BOUNDS];
	bool overloaded;
};

struct plan_range {
	size_t loads_n;            /* RANGE_STEPS; 0: a batch, whose size is no load per second */
	double loads[RANGE_STEPS]; /* ascending, the asked one among them */
	struct range_bound bounds[RANGE_BOUNDS];
	size_t bounds_n;
	struct range_row {
		size_t sizes_n;
		struct range_size sizes[RANGE_STEPS]; /* ascending; of mixed fleets that one alone */
		struct range_latency at[RANGE_STEPS]; /* for each load */
	} rows[PLAN_ROWS];
};

/* After plan_make(). Simulates. 0, or -1 where it was stopped. */
int plan_range_of(struct plan_result *r, struct plan_range *out);

#endif
