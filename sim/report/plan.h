/*
 * plan.h - writes a plan: its sentences, then a table of the fleets.
 *
 * Layer report.
 */
#ifndef SIM_REPORT_PLAN_H
#define SIM_REPORT_PLAN_H
#include "sim/plan/plan.h"
#include "sim/report/html.h"
#include "sim/report/result.h"

enum { PLAN_CSV_FIRST = 6, PLAN_CSV_VALUES = 9 };
extern const struct output_column plan_csv_first[PLAN_CSV_FIRST], plan_csv_values[PLAN_CSV_VALUES],
	plan_csv_last[1];

void plan_write(struct str *out, const struct plan_result *r, enum result_format format, const char *version,
		int width);

/* Whether a fleet holds, in words: "yes", "no: does not fit". */
const char *plan_row_verdict(const struct plan_row *row);

/* The numbers that a fleet has, in the order of the csv's columns, by their names there. Returns n of them, in the arena. */
const struct metric *plan_row_metrics(struct arena *a, const struct plan_result *r,
				      const struct plan_row *row, size_t *n);

/* The table of the fleets for a page; texts are in the arena. */
struct html_table plan_html_table(struct arena *a, const struct plan_result *r);

#endif
