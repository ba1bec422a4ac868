/*
 * ingest_wide.h - rows of tables that people write of their results; wide_head.h has their columns.
 *
 * Layer runs. Such a table has a model, a machine or a format in each row and a rate in each of several columns, or a test in
 * each row. A cell that says that nothing was measured, "-", "N/A", "OOM" or an empty one, is no run, and is counted; one that is
 * neither that nor a rate is an error, and so is a row that is short of cells.
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

/* Is the text one of n words, in any case? */
bool wide_is_any(const char *text, const char *const *words, size_t n);

/* Is the text a unit of rates, "t/s", "tok/s"? */
bool wide_is_rate_unit(const char *text);

/* Does a cell say that nothing was measured? */
bool wide_is_empty(const char *cell);

/* Reads "123.4", "~45 t/s", "1,234.5 ± 6.7 tok/s" of a column by the head's style: rate in tokens/s, *sd its standard deviation,
 * untouched where there is none. 1: nothing was measured, which is counted, or it is a comparison, "+5 %"; -1 with the reading's
 * err: anything else, or a number of a form that may be two. */
int wide_rate(struct reading *r, int line, const struct wide_head *h, size_t column, const char *cell,
	      double *rate, double *sd);

/* What the cells of a row show of how the table writes fractions, of enum wide_style. */
unsigned wide_style_of(const struct wide_head *h, const struct cells *row);

/* Does a text hold a word, in any case? */
bool wide_holds(const char *text, const char *word);

/* Lines below such a table that look like rows of it, but are none for sure. */
struct wide_skipped {
	size_t n;
	int line; /* of the first; 0: there is none */
};

/* The text with bars in those of its tables that have tabs, commas or several blanks between columns, and whose head is of such
 * a table. Cells that tabs, commas or semicolons part may be quoted as in RFC 4180. Lines keep their numbers. In the arena. */
const char *wide_as_bars(struct arena *a, const char *text, struct wide_skipped *skipped);

#endif
