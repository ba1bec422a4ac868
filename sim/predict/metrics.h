/*
 * metrics.h - the row of an assignment: every metric with its interval, the memory, which queues are busy,
 * what limits it.
 *
 * Layer predict.
 */
#ifndef SIM_PREDICT_METRICS_H
#define SIM_PREDICT_METRICS_H
#include "sim/predict/draws.h"
#include "sim/predict/predict.h"
#include "sim/predict/rows.h"

/* Leaves each job's values and draws in the prediction, for explain_verdicts(). 0, or -1 with err: see job_type.values. */
int prediction_row(struct arena *a, struct prediction *p, const struct draws *d, struct assignment_row *row,
		   struct err *err);

/* Only the metrics that are asked for, [metric]; NULL: all. Nothing is drawn of other jobs, and of the row what limits it and
 * which queues are busy is left out. */
int prediction_asked(struct arena *a, struct prediction *p, const struct draws *d, const bool *asked,
		     struct assignment_row *row, struct err *err);

/* Adds to the rows of all assignments of a scenario by how much each metric differs from the best, where jobs
 * leave something to chance (job_type.paired). */
void prediction_differences(struct arena *a, const struct prediction *all, struct assignment_row *rows,
			    size_t n);

#endif
