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

enum metric_id {
	M_PREFILL,
	M_TTFT,
	M_DECODE,
	M_TPOT,
	M_E2EL,
	M_TRAIN,
	M_STEP,
	M_FORWARD,
	M_BACKWARD,
	M_OPTIMIZER,
	M_WAITING,
	M_BUBBLE,
	M_MFU,
	M_PER_USD, /* only where a scenario speaks of money */
	M_ENERGY,
	M_USD,
	M_TRAIN_ENERGY,
	M_TRAIN_USD,
	METRIC_N
};
struct metric_info {
	const char *name, *unit;
	bool of_training, less; /* less is better */
};
extern const struct metric_info metric_info[METRIC_N];

/* Every metric at the calibrated values; NAN where it does not apply. */
struct metric_values {
	double of[METRIC_N];
};
struct metric_values prediction_values(const struct prediction *p);

/* Leaves the samples behind the intervals in the prediction, for explain_verdicts(). */
struct assignment_row prediction_row(struct arena *a, struct prediction *p, const struct draws *d);

int metric_find(const char *name, enum metric_id *m, struct err *err); /* by its name; -1 with a hint */
/* "2 s", "40 tok/s", "5 J/tok", "85 %": in the metric's own unit. */
int metric_parse(enum metric_id m, const char *text, double *value, struct err *err);

#endif
