/*
 * ingest_wide.h - rows of tables that people write of their results; wide_head.h has their columns.
 *
 * Layer runs. Such a table has a model, a machine or a format in each row and a rate in each of several columns, or a test in
 * each row. A cell that says that nothing was measured, "-" or "OOM", is no row; one that is neither that nor a rate is an error.
 */
#ifndef SIM_RUNS_INGEST_WIDE_H
#define SIM_RUNS_INGEST_WIDE_H
#include "sim/runs/wide_head.h"

/* How long prompts and answers of llama-bench's commands in a text were; 0: there is none, or they differ. */
struct bench_lengths {
	int64_t prompt, gen;
};
struct bench_lengths bench_lengths_of(struct arena *a, const char *text);

/* Adds the runs of a row; -1 with the reading's err. */
int ingest_wide_row(struct reading *r, int line, const struct wide_head *h, const struct bench_lengths *said,
		    const struct cells *row);

/* The text with bars in those of its tables that have tabs, commas or several blanks between columns, and whose head is of such
 * a table. In the arena. */
const char *wide_as_bars(struct arena *a, const char *text);

#endif
