/*
 * plan.h - `lemursim plan`: which machines hold a load for the least, and why no fewer do.
 *
 * Layer plan. Groups (group.h) are what may be bought; fleets of them are searched best first (fleets.h) under
 * the load at its size with headroom (load.h). The winner is then built as a scenario of its own and looked at
 * closely: how much it holds (capacity.h) and how sure that is, what one machine more or fewer does, what it
 * costs (money.h).
 */
#ifndef SIM_PLAN_PLAN_H
#define SIM_PLAN_PLAN_H
#include "sim/base/workers.h"
#include "sim/plan/capacity.h"
#include "sim/plan/fleets.h"
#include "sim/plan/group.h"
#include "sim/plan/hours.h"
#include "sim/plan/load.h"
#include "sim/plan/money.h"
#include "sim/plan/verdicts.h"

enum { PLAN_ROWS = 12, PLAN_NOTES = 32 };

enum plan_why {
	PLAN_HOLDS,
	PLAN_MISSES,   /* the simulated load misses its SLO, or the batch ends late */
	PLAN_NO_SPARE, /* it holds, but not without one of its servers */
	PLAN_SLOW,     /* on an idle machine already */
	PLAN_TOO_MUCH, /* more work than it can do */
	PLAN_TOO_DEAR, /* as many as the work takes cost more than the budget */
	PLAN_UNFIT     /* the weights and a cache do not fit */
};

struct plan_capacity {
	double load;   /* the largest that holds in every run of the load */
	double lo, hi; /* P10 and P90 over draws of the calibration, NAN: not asked */
	double mean,
		half; /* over runs of the load, each by itself: a 95 % confidence interval; NAN: not known */
	double hole;  /* a smaller load that does not; 0: none was found */
	bool known;
};

struct plan_row {
	struct fleet_share *parts;
	size_t parts_n;
	const char *name; /* "2 x m4pro" */
	const char *settings;
	double usd;
	int machines, servers;
	enum plan_why why;
	bool ran; /* the following is known: under the load as asked */
	struct service_summary m;
	double watts, energy; /* mean while the load lasts; J per token of an answer; NAN: not known */
	double usd_month;     /* its price over its life, and electricity */
	struct plan_capacity holds;
	bool pareto; /* no other row holds for less of price, latency and energy */
};

struct plan_counts {
	size_t candidates; /* kinds of server */
	size_t bounds, ruled_out, simulations;
	bool proved;
};

/* The parts of a fleet's scenario. */
struct plan_from {
	struct loader *l;
	const struct world *plan;
	const struct yml *root;
	const char **unbuilt; /* why the first of the pools that cannot be built cannot; NULL: none was met */
};

struct plan_result {
	struct plan_from from;
	const char *title, *path;
	const char *computed; /* model, formats, load, seed; weights and runtime are each row's */
	struct plan_load load;
	int up_to;     /* machines of a fleet */
	double budget; /* USD of a fleet; INFINITY: none */
	struct group_list groups;
	struct plan_row rows[PLAN_ROWS];
	size_t rows_n;
	const struct plan_row *best; /* NULL: none holds */
	const struct plan_row
		*nearest; /* comes closest where none holds; NULL: there is nothing to choose from */
	const struct plan_row *below; /* the dearest that costs less than the best and does not hold; NULL */
	struct plan_capacity more, fewer; /* the best with one server more, and fewer */
	struct plan_hours hours;          /* for servers like the best's; n 0: none were asked */
	struct plan_money money;          /* the best's */
	const struct world *world;        /* the best's, or the nearest's */
	struct plan_counts counts;
	const char *notes[PLAN_NOTES];
	size_t notes_n;
	uint64_t seed;
};

struct plan_ask {
	const char *path;
	const struct texts *sets;
	int64_t seed, draws; /* -1: as the scenario says, 8 */
	const volatile int *stop;
	struct workers_ask workers;     /* threads that run replications or draws at a time */
	struct plan_verdicts *verdicts; /* known, and found out for others; NULL: one process does all */
};

/* 0, or -1: complaints are in the loader's diags, or it was stopped. plan_free() ends it in any case; its
 * memory is the loader's arena. Of a share of the verdicts there is no answer: groups and counts alone are set. */
int plan_make(struct loader *l, const struct plan_ask *ask, struct plan_result *out);
void plan_free(struct plan_result *r);

/* "TTFT p95" of a bound. */
const char *plan_bound_name(enum slo_metric metric, enum slo_stat stat);

#endif
