/*
 * serve_job.h - the job `serve`: requests come to one server, to replicas or to pools, and wait, are read and
 * answered.
 *
 * Layer predict.
 */
#ifndef SIM_PREDICT_SERVE_JOB_H
#define SIM_PREDICT_SERVE_JOB_H
#include "sim/predict/job.h"

struct observer; /* serve/request.h */

extern const struct job_type serve_job;

struct serve_seen {
	bool fits, overloaded;
	int64_t cut_ns; /* what is measured begins */
};

/* Runs the load of an assignment once, as calibrated, before an observer: the first replication. The placement
 * is one of scenario_place(). 0, or -1 with err: it does not fit, it was stopped, a trace is broken. */
struct serve_watch {
	const struct observer *observer;
	uint64_t seed;
	bool each_iteration;
	const volatile int *stop;
	struct serve_seen *seen; /* set; NULL: an assignment that does not fit is an error */
};
int serve_job_watch(struct arena *a, const struct placement *at, const struct serve_watch *watch,
		    struct err *err);

#endif
