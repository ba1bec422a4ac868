/*
 * variants.h - the options of a job that a search tries with every layer map: groups of sequences, schedules.
 *
 * Layer search. The first variant has the scenario's own options; the others are the trials of the job's
 * struct search_job.
 */
#ifndef SIM_SEARCH_VARIANTS_H
#define SIM_SEARCH_VARIANTS_H
#include "sim/search/block_costs.h"

struct variant {
	const struct world *w; /* the world with these options in its workload */
	const char *options; /* the options as a key of an assignment: "train: {schedule: zb-h1}"; "": none */
	const char *words;   /* "schedule zb-h1"; "" */
	struct block_costs block_costs;
};
enum { VARIANTS = 16 };
size_t variants_make(struct arena *a, const struct world *w, enum job job, struct variant out[VARIANTS]);

#endif
