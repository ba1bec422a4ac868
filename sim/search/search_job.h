/*
 * search_job.h - the functions and tables by which a search knows a job: its goals, its variants, the costs
 * of its passes.
 *
 * Layer search. A job that can be a goal has a struct search_job in a file of its own and a row in the table
 * of search_jobs.c; a job without one cannot be a goal. A job has two phase groups (space.h): its first
 * phase, and all later phases.
 */
#ifndef SIM_SEARCH_SEARCH_JOB_H
#define SIM_SEARCH_SEARCH_JOB_H
#include "sim/place/footprint_table.h"
#include "sim/search/block_costs.h"
#include "sim/search/goal.h"
#include "sim/search/variants.h"

/* A metric, and the metric that is minimized in its place: for a rate, the time that it is the inverse of. */
struct search_metric {
	const char *name, *minimized;
	bool goal; /* false: the metric can only be a limit */
	/* metric = amount / minimized; NULL: the metric itself is minimized */
	double (*amount)(const struct workload *k);
	/* NULL: a metric of power or price (goal.c), or one without a known bound */
	struct rate (*rate)(const struct block_costs *p);
};

/* A value of one of the job's options to try, see variants.h. */
struct trial {
	const char *key; /* key of the assignment's options */
	int64_t value;
	/* false: the value is set already, or is not possible */
	bool (*set)(struct workload *k, int64_t value);
};

/* The generated tokens that are sent from the last block to the first block of the next pass. */
struct token_trips {
	double times, bytes;
};

struct search_job {
	const struct search_metric *metrics;
	size_t metrics_n;

	const struct trial *trials;
	size_t trials_n;
	/* the value of a trial as it is written in YAML */
	const char *(*value_text)(struct arena *a, int64_t value);
	/* "schedule zb-h1", from the text "zb-h1" */
	const char *(*trial_words)(struct arena *a, const char *text);
	/* NULL, or whether the scenario's own options can be searched */
	bool (*as_given)(const struct workload *k);

	/* Adds the job's programs to the costs with block_costs_add_program() and
	 * block_costs_add_transfers(). */
	void (*add_costs)(struct arena *a, struct block_costs *p);
	/* Does an operator delay the pass that it is part of? The device is busy with it in either case. */
	bool (*in_pass)(const struct workload *k, enum phase phase, const struct op *op);
	/* the shape that one pass of a phase group processes */
	struct shape (*shape)(const struct workload *k, int phase_group);
	/* number of passes in sequence, such as decode steps */
	double (*passes)(const struct workload *k, int phase_group);
	/* number of passes that may overlap */
	double (*in_flight)(const struct workload *k, int phase_group);
	struct token_trips (*token)(const struct workload *k, int phase_group); /* NULL: no tokens are sent */
	bool backward; /* the second phase group runs from the last block to the first */
	bool (*streams)(const struct workload *k); /* whether weights may stay on a disk; NULL: never */
	/* the table that footprints of candidates are summed from; NULL: there is none, and a candidate is placed to know
	 * its footprint */
	struct footprint_table *(*memory)(struct arena *a, const struct world *w,
					  const struct unit_slots *slots);
};

const struct search_job *search_job(enum job job); /* NULL: the job cannot be searched */

/* Rates that several jobs share: the pass of the first phase group; the whole job. */
struct rate rate_of_first_group(const struct block_costs *p);
struct rate rate_of_whole(const struct block_costs *p);

#endif
