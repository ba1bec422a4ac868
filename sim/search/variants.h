/*
 * variants.h - how else a job may go about its work, whatever the seating: groups of sequences, schedules.
 *
 * Layer search. The first is as the scenario has it. A dimension is added as a row of the table in
 * variants.c.
 */
#ifndef SIM_SEARCH_VARIANTS_H
#define SIM_SEARCH_VARIANTS_H
#include "sim/search/block_costs.h"

struct variant {
	const struct world *w; /* whose workload goes about it so */
	const char *options; /* the key of an assignment that says so: "train: {schedule: zb-h1}"; "": none */
	const char *words;   /* "schedule zb-h1"; "" */
	struct block_costs block_costs;
};
enum { VARIANTS = 16 };
size_t variants_make(struct arena *a, const struct world *w, enum job job, struct variant out[VARIANTS]);

#endif
