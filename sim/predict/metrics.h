/*
 * metrics.h - the row of an assignment: every metric with its interval, the memory, who is busy, what limits
 * it.
 *
 * Layer predict. The names of the metrics are the stable ones of the JSON results.
 */
#ifndef SIM_PREDICT_METRICS_H
#define SIM_PREDICT_METRICS_H
#include "sim/predict/draws.h"
#include "sim/predict/predict.h"
#include "sim/predict/rows.h"

/* Leaves the samples behind the intervals in the prediction, for explain_verdicts(). */
struct assignment_row prediction_row(struct arena *a, struct prediction *p, const struct draws *d);

/* Whether a metric goes by that name; if not and near is given, the closest that does, or NULL. */
bool metric_known(const char *name, const char **near);

#endif
