/*
 * hours.h - how many servers each hour needs, of a day's profile or of a trace.
 *
 * Layer plan. Against two scalings by division: by what one server holds, and by the most work that one can do.
 * The difference to the latter is what queueing adds to the bound of perfect scaling.
 */
#ifndef SIM_PLAN_HOURS_H
#define SIM_PLAN_HOURS_H
#include "sim/plan/load.h"

struct plan_hour {
	double load;  /* with headroom, in the unit of the load */
	int servers;  /* the least that hold it; 0: no load; more than were looked at: one more */
	int by_one;   /* load over what one server holds, rounded up; 0: one holds nothing */
	int by_bound; /* load over the most work that one can do, rounded up; 0: not known */
};

struct plan_hours {
	const struct plan_hour *at;
	size_t n;      /* 0: neither a day nor a trace, or servers of several kinds */
	double span_s; /* length of each: 3600, or a twelfth of a short trace */
	int peak;
	double mean, mean_by_one, mean_by_bound; /* servers */
	size_t above;                            /* hours that no number of servers looked at holds */
};

/* The largest load that each number of equal servers holds: holds[k - 1] of k. bound: of one; INFINITY: not
 * known. */
struct plan_hours plan_hours_of(struct arena *a, const double *loads, size_t n, const double *holds,
				size_t most, double bound);

/* The loads of each hour, in the unit of the load; n 0: there is no profile. */
size_t plan_hour_loads(struct arena *a, const struct world *plan, const struct plan_load *load,
		       double **loads, double *span_s);

#endif
