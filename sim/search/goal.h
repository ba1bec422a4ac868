/*
 * goal.h - the question put to a search: a metric to optimize and limits on others; and lower bounds of
 * metrics.
 *
 * Layer search. Internally every goal is minimized: a rate such as tok/s is replaced by the time per token
 * that it is the inverse of.
 */
#ifndef SIM_SEARCH_GOAL_H
#define SIM_SEARCH_GOAL_H
#include "sim/predict/metrics.h"
#include "sim/search/block_costs.h"

struct goal {
	const struct metric_info *metric;    /* the metric asked for: decode_tok_per_s */
	const struct metric_info *minimized; /* the metric that is minimized in its place: tpot_s */
};

/* 0, or -1 with err if the metric is unknown or cannot be a goal. */
int goal_parse(const char *name, struct goal *g, struct err *err);

/* The value of the metric asked for where the minimized one has this value. */
double goal_value(const struct world *w, const struct goal *g, double minimized);

/* A limit as written: "ttft_s <= 2 s", "decode_tok_per_s >= 8 tok/s". */
struct limit {
	const struct metric_info *metric;
	bool at_least; /* false: at most */
	double value;
	const char *text;
};
int limit_parse(const char *text, struct limit *l, struct err *err);
/* Rewrites a limit as an upper bound *most of a metric *minimized for which a lower bound is known.
 * Returns false if the limit cannot be written so. */
bool limit_minimized(const struct world *w, const struct limit *l, const struct metric_info **minimized,
		     double *most);
bool limit_holds(const struct limit *l, double value); /* false for NAN */

/* The weights of a metric's lower bound, as far as it is a sum of times: see rate_bound(). No run whose
 * times have these sums has less of the metric. */
struct rate {
	/* per second of a phase group's chain; the bound is the larger of this sum and of each `busiest`
	 * term */
	double phase_group[PHASE_GROUPS];
	/* per second of the busiest device of a phase group; last: of both together */
	double busiest[PHASE_GROUPS + 1];
	double busy[SPACE_UNITS]; /* per second of each device, added to the above */
};

/* The weights of a minimized metric. units: those that take part; their machines draw idle
 * power and cost money. phase_group[0] is NAN where a power or price is not known. */
struct rate goal_rate(const struct block_costs *p, const struct metric_info *minimized,
		      const struct unit_set *units);

/* goal_rate() plus goal_tie for each second of the whole run, so that of equal candidates the one with the
 * shorter run wins. */
extern const double goal_tie;
struct rate goal_rate_tied(const struct block_costs *p, const struct metric_info *minimized,
			   const struct unit_set *units);

/* The lower bound of the metric for these sums. */
double rate_bound(const struct block_costs *p, const struct rate *r,
		  const struct phase_group_sum phase_groups[PHASE_GROUPS]);

/* The sum of log(bound / limit) over the limits that the bounds of a candidate on `units` exceed; 0 where
 * all limits may hold, INFINITY where a limit of 0 is exceeded. */
double limits_violation(const struct block_costs *p, const struct limit *limits, size_t n,
			const struct unit_set *units,
			const struct phase_group_sum phase_groups[PHASE_GROUPS]);

#endif
