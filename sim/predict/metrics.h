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

/* Leaves each job's values and draws in the prediction, for explain_verdicts(). */
struct assignment_row prediction_row(struct arena *a, struct prediction *p, const struct draws *d);

/* Only the metrics that are asked for, [metric]; NULL: all. Nothing is drawn of other jobs, and of the row what limits it and
 * which queues are busy is left out. */
struct assignment_row prediction_asked(struct arena *a, struct prediction *p, const struct draws *d,
				       const bool *asked);

/* Adds to the rows of all assignments of a scenario by how much each metric differs from the best, where jobs
 * leave something to chance (job_type.paired). */
void prediction_differences(struct arena *a, const struct prediction *all, struct assignment_row *rows,
			    size_t n);

#endif
