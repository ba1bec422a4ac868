/*
 * job_schedule.h - what a job does over time, ready to be drawn: a schedule of its programs, a load while it is served.
 *
 * Layer report. For the verbs `schedule` and `report`.
 */
#ifndef SIM_REPORT_JOB_SCHEDULE_H
#define SIM_REPORT_JOB_SCHEDULE_H
#include "sim/base/err.h"
#include "sim/predict/program_job.h"
#include "sim/predict/served.h"
#include "sim/report/schedule.h"

/* A part of a job of programs that ran, in the arena, with a title and its memory. A trace keeps every block; a picture
 * of many micro-batches shows their passes. */
struct schedule job_schedule(struct arena *a, const struct job_run *r, const struct drawn_part *part,
			     bool trace);

/* Whether the job ran that part. */
bool job_schedule_ran(const struct job_run *r, const struct drawn_part *part);

/* Serves the load once more and appends its picture over a window as DOT text. 0, or -1 with err. */
int load_schedule_dot(struct arena *a, const struct served *load, sim_ns from_ns, sim_ns to_ns,
		      struct str *out, struct err *err);

#endif
