/*
 * search_job.h - what a search must know of a job: its goals, its variants, and what its passes cost.
 *
 * Layer search. A job that can be a goal has a struct search_job in a file of its own and a row in the table
 * of search_jobs.c; a job without one is no goal. A job has two phase groups (space.h): its first phase, and
 * all that follow.
 */
#ifndef SIM_SEARCH_SEARCH_JOB_H
#define SIM_SEARCH_SEARCH_JOB_H
#include "sim/search/block_costs.h"
#include "sim/search/goal.h"
#include "sim/search/variants.h"

/* A metric, and what stands for it inside the search: a rate is sought as the time behind it. */
struct search_metric {
	const char *name, *sought;
	bool goal; /* else only a limit can be set on it */
	double (*amount)(
		const struct workload *k); /* metric = amount / sought; NULL: the metric is sought itself */
	struct rate (*rate)(const struct block_costs *p); /* NULL: of power and price, or no bound is known */
};

/* An option of the job to try, see variants.h. */
struct trial {
	const char *key; /* of the assignment's options */
	int64_t value;
	bool (*set)(struct workload *k, int64_t value); /* false: nothing new, or not possible */
};

/* A generated token that travels from the last block to the first one of the next pass. */
struct token_trips {
	double times, bytes;
};

struct search_job {
	const struct search_metric *metrics;
	size_t metrics_n;

	const struct trial *trials;
	size_t trials_n;
	const char *(*value_text)(struct arena *a, int64_t value); /* of a trial, as it is written in YAML */
	const char *(*trial_words)(struct arena *a, const char *text); /* "schedule zb-h1", of that text */
	bool (*as_given)(const struct workload *k); /* can the options of the scenario itself be searched? */

	/* Adds the job's programs to costs: block_costs_add_program(), block_costs_add_transfers(). */
	void (*price)(struct arena *a, struct block_costs *p);
	/* Does an operator hold up the pass that it is part of? The device is busy with it either way. */
	bool (*in_pass)(const struct workload *k, enum phase phase, const struct op *op);
	struct shape (*shape)(const struct workload *k,
			      int phase_group); /* what a pass of a phase group runs over */
	double (*passes)(const struct workload *k,
			 int phase_group); /* that follow one another, as decode steps do */
	double (*in_flight)(const struct workload *k,
			    int phase_group); /* passes on their way at the same time */
	struct token_trips (*token)(const struct workload *k, int phase_group); /* NULL: nothing travels so */
	bool backward; /* the second group goes from the last block to the first */
	bool (*streams)(const struct workload *k); /* weights may stay on a disk; NULL: never */
};

const struct search_job *search_job(enum job job); /* NULL: the job cannot be searched */

/* Rates that several jobs have alike: the first phase group's pass; all of the job. */
struct rate rate_of_first_group(const struct block_costs *p);
struct rate rate_of_whole(const struct block_costs *p);

#endif
