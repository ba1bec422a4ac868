/*
 * goal.h - what is asked of a search: one metric as good as can be, others within limits.
 *
 * Layer search. Inside, less is better: a rate is sought as the time behind it.
 */
#ifndef SIM_SEARCH_GOAL_H
#define SIM_SEARCH_GOAL_H
#include "sim/predict/metrics.h"
#include "sim/search/block_costs.h"

struct goal {
	const struct metric_info *metric; /* as asked: decode_tok_per_s */
	const struct metric_info *sought; /* less of it is better: tpot_s */
};

/* 0, or -1 with err: a metric nobody knows, or one that is no goal. */
int goal_parse(const char *name, struct goal *g, struct err *err);

/* "ttft_s <= 2 s", "decode_tok_per_s >= 8 tok/s" */
struct limit {
	const struct metric_info *metric;
	bool at_least; /* else at most */
	double value;
	const char *text;
};
int limit_parse(const char *text, struct limit *l, struct err *err);
/* The same as "no more than `most` of a metric that bounds are known for"; false if it is none such. */
bool limit_sought(const struct world *w, const struct limit *l, const struct metric_info **sought,
		  double *most);
bool limit_holds(const struct limit *l, double value); /* false for NAN */

/* What a metric is made of, as far as bounds go: seconds of each leg and of each busy device, each at its
 * price. No run of these sums has less of the metric. */
struct rate {
	double phase_group[PHASE_GROUPS]; /* for each second of a leg's chain; the sum, or one of the next,
					   * whichever is more
					   */
	double busiest[PHASE_GROUPS +
		       1];        /* for each second of the device that is busiest in a leg, in both */
	double busy[SPACE_UNITS]; /* and for each second of any device */
};

/* Of the metric that is sought; units: those that take part, as bits (their machines draw idle power and cost
 * money). NAN in leg[0] where a watt or a price is not known. */
struct rate goal_rate(const struct block_costs *p, const struct metric_info *sought, unsigned units);

/* Among equals the one whose whole run is shorter: a second of it counts as this much of the goal. */
extern const double goal_tie;
struct rate goal_rate_tied(const struct block_costs *p, const struct metric_info *sought, unsigned units);

/* The least of the metric. */
double rate_bound(const struct block_costs *p, const struct rate *r,
		  const struct phase_group_sum phase_groups[PHASE_GROUPS]);

/* How far the bounds of what runs on some units are beyond limits, at least: logarithms of ratios, added up;
 * 0 where all may be kept. */
double limits_beyond(const struct block_costs *p, const struct limit *limits, size_t n, unsigned units,
		     const struct phase_group_sum phase_groups[PHASE_GROUPS]);

#endif
