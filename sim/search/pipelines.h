/*
 * pipelines.h - pipelines over unlike machines: the layers cut in proportion to what each device does.
 *
 * Layer search; for anneal.c. A class of devices is those of equal speed and memory, wherever they are in the network: unlike
 * twins (twins.h), which a ring does not have. The sets that are gone through are the subsets of the classes, each with some or
 * all devices of its slowest class; of more than PIPELINE_CLASSES classes only the fastest so many, taken whole. In a set the
 * devices follow one another as in the network, from the one behind its widest gap.
 */
#ifndef SIM_SEARCH_PIPELINES_H
#define SIM_SEARCH_PIPELINES_H
#include "sim/search/anneal_state.h"
#include "sim/search/goal.h"

enum { PIPELINE_CLASSES = 6 };

struct pipelines {
	const struct anneal_space *space;
	const struct block_costs *costs;
	const double *speed; /* [unit] */
	size_t fast_n, classes_n;
	uint8_t fast[SPACE_UNITS]; /* units, the fastest class first; a class in the order of the network */
	size_t class_begin[SPACE_UNITS + 1]; /* [class]: where in fast[] it begins */
	uint8_t network[SPACE_UNITS]; /* units, each next to the one before where there is such an order */
	size_t subset, slowest_n,
		slowest_at; /* of the classes, as bits or as a number of them; of its slowest class */
};

/* costs: of any variant. speed, memory: [unit]; only ratios and what is equal matter. Both are borrowed. */
void pipelines_make(struct pipelines *p, const struct anneal_space *space, const struct block_costs *costs,
		    const double *speed, const double *memory);

/* Goes on to the next set of two units or more, and writes it; false: there are no more. */
bool pipelines_next(struct pipelines *p, struct unit_set *out);

/* The layers divided over a set so that the device that takes longest, at rates[unit] layers per second, takes as short as it
 * can where none has more than most[unit] layers. Returns false where the layers are more than that. */
bool pipelines_cut(const struct pipelines *p, const struct unit_set *units, const double *rates,
		   const size_t *most, struct anneal_state *out);

/* Lowers most[unit] to the layers that fit of what such a cut gives each device of a machine that has too little memory: over
 * is [machine], what is missing relative to what there is. */
void pipelines_limit(const struct pipelines *p, const struct anneal_state *of, const double *over,
		     size_t *most);

/* About what the metric comes to, rather than its bound: a first pass fills the pipeline, then the busiest device does what
 * is left. */
double pipelines_estimate(const struct block_costs *p, const struct rate *r,
			  const struct phase_group_sum sums[PHASE_GROUPS]);

#endif
