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
	uint64_t requests; /* that the replication has; 0: as many as the trace or the time has */
	int64_t cut_ns;    /* what is measured begins */
};

/* Runs the load of an assignment once, as calibrated, before an observer. The placement is one of scenario_place(). 0, or -1
 * with err: it does not fit, it was stopped, a trace is broken. */
struct serve_watch {
	int replication; /* which one, from 0: the same streams of random numbers as in the metrics */
	const struct observer *observer;
	uint64_t seed;
	bool each_iteration;
	const volatile int *stop;
	struct serve_seen *seen; /* set; NULL: an assignment that does not fit is an error */
};
/* How many replications the metrics are means over. */
int serve_job_replications(const struct world *w);
int serve_job_watch(struct arena *a, const struct placement *at, const struct serve_watch *watch,
		    struct err *err);

#endif
