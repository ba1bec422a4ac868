/*
 * columns.h - what people see first of a result: which metrics, under which heads, in which digits.
 *
 * Layer report. Shared by the table for terminals and the one for GitHub.
 */
#ifndef SIM_REPORT_COLUMNS_H
#define SIM_REPORT_COLUMNS_H
#include "sim/report/result.h"

enum { COLUMNS_MAX = 24 };

struct column {
	const char *metric;
	const char *head, *unit;
	double scale;       /* value times scale is in the unit */
	double best, worst; /* the extremes of all rows, as printed */
	bool no_best;       /* metric_info.no_best */
};

/* The columns that occur, in the order that the metrics of the jobs give them (predict/job.h). Metrics that
 * no job has come only where no known one occurs. */
size_t columns_of(const struct result *r, struct column columns[COLUMNS_MAX]);

/* The row's metric, or NULL if it does not apply: a row that does not fit shows no numbers. */
const struct metric *columns_metric(const struct assignment_row *row, const struct column *c);

/* Whether this row's value is the best of its column, as printed; false if it is the only one or the metric has no best. */
bool columns_is_best(const struct result *r, const struct column *c, size_t row);

/* The worst provenance of the column's values. */
enum provenance columns_from(const struct result *r, const struct column *c);

void columns_value(struct str *out, const struct metric *m,
		   const struct column *c); /* in the column's unit */
void columns_interval(struct str *out, const struct metric *m,
		      const struct column *c); /* "8.1–9.4", or nothing */
void columns_chance(struct str *out, const struct metric *m, const struct column *c); /* "±0.3", or nothing */
void columns_size(struct str *out, double bytes);                                     /* "12.1 GiB" */
void columns_fits(struct str *out,
		  const struct assignment_row *row); /* "yes", "train no", "no: 12.1 GiB short on m5" */

#endif
