/*
 * sweep.h - writes the result of a sweep.
 *
 * Layer report.
 */
#ifndef SIM_REPORT_SWEEP_H
#define SIM_REPORT_SWEEP_H
#include "sim/report/html.h"
#include "sim/report/result.h"
#include "sim/sweep/sweep.h"

enum { SWEEP_CSV = 9 };
extern const struct output_column sweep_csv[SWEEP_CSV]; /* the columns of a csv */

/* Appends the sweep. table, md: a row for each cell with a column for each assignment that splits; csv,
 * json, jsonl: a record for each cell and assignment. Every cell must have been run. */
/* width: columns of what is written for people; 0: as many as the table takes. */
void sweep_write(struct str *out, const struct sweep *s, enum result_format format, int width);

/* The same table for a page; texts are in the arena. Bold: it pays, in nine draws of ten or more. */
struct html_table sweep_html_table(struct arena *a, const struct sweep *s);

#endif
