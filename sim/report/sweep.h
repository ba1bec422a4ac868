/*
 * sweep.h - a grid of what-ifs: for each cell of it how every assignment does, and what splitting gains.
 *
 * Layer report. Everything is borrowed from the caller's arenas.
 */
#ifndef SIM_REPORT_SWEEP_H
#define SIM_REPORT_SWEEP_H
#include "sim/predict/rows.h"
#include "sim/report/result.h"

struct sweep_entry { /* an assignment in a cell */
	bool alone;  /* it uses one machine */
	bool fits;
	const struct metric *metric; /* NULL: does not fit */
	/* Against the best that uses one machine: how many times as good, and the share of draws in which it
	 * is better. NAN where one of the two has no value. */
	double times, won;
};

struct sweep_cell {
	const char *const *values;         /* one for each axis, as written */
	const struct sweep_entry *entries; /* one for each assignment */
	size_t best_alone;                 /* an entry; names_n where no single machine runs it */
};

struct sweep {
	const char *title, *metric;
	const char *const *axes; /* "workload.generate.batch" */
	size_t axes_n;
	const char *const *names; /* of assignments */
	size_t names_n;
	const struct sweep_cell *cells;
	size_t cells_n;
};

/* table, md: a row a cell, a column for each assignment that splits; csv, json, jsonl: a record for each cell
 * and assignment. */
void sweep_write(struct str *out, const struct sweep *s, enum result_format format);

#endif
