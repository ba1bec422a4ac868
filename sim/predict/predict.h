/*
 * predict.h - one assignment of a world: every job that the workload asks for, run where it fits in memory.
 *
 * Layer predict. What the jobs have in common; job.h says what each of them does.
 */
#ifndef SIM_PREDICT_PREDICT_H
#define SIM_PREDICT_PREDICT_H
#include "sim/predict/job.h"

struct prediction {
	struct placement at;
	struct job_run jobs[JOB_N];
};

/* Runs what fits. The prediction refers to itself, so it must not be copied; its memory is in the arena, but
 * for what prediction_release() gives back. */
void prediction_make(struct arena *a, const struct placement *at, struct prediction *p);
/* As prediction_make(), of the jobs alone that have a metric which is asked for, [metric of metric_at()]; NULL: all have. The
 * others are as if the workload did not ask for them. */
void prediction_make_asked(struct arena *a, const struct placement *at, const bool *asked,
			   struct prediction *p);
/* As prediction_make_asked(), of placement i of some of a world, all[i]. A job that an earlier one of them has, too, is not made but
 * taken from there once that one has been made, by prediction_share(): the same devices for every block of its phases, under options
 * of the workload alone. The earlier ones must be released after it. */
void prediction_make_among(struct arena *a, const struct placement *at, size_t i, const bool *asked,
			   struct prediction *all);
void prediction_share(struct prediction *p);
void prediction_release(struct prediction *p);

bool prediction_fits(const struct prediction *p); /* any job that is asked */
/* Whether a job fits in any assignment of a scenario; at: [assignment], or NULL for a scenario without placements. */
bool prediction_any_fits(const struct placement *at);
bool prediction_uses(const struct prediction *p, size_t machine);
size_t prediction_machines(const struct prediction *p); /* how many its jobs use */

/* Every metric as calibrated; NAN where it does not apply. 0, or -1 with err: see job_type.values. */
int prediction_values(const struct prediction *p, struct metric_values *v, struct err *err);

const char *queue_name(struct arena *a, const struct world *w, size_t q); /* "m5.gpu", "tb m5>m4pro" */

#endif
