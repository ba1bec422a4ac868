/*
 * job_schedule.h - what a job does over time, ready to be drawn: a schedule of its programs, a load while it is served.
 *
 * Layer report. For the verbs `schedule` and `report`.
 */
#ifndef SIM_REPORT_JOB_SCHEDULE_H
#define SIM_REPORT_JOB_SCHEDULE_H
#include "sim/base/err.h"
#include "sim/draw/schedule.h"
#include "sim/predict/program_job.h"
#include "sim/predict/served.h"

/* A part of a job of programs that ran, in the arena, with a title and its memory. A trace keeps every block; a picture
 * of many micro-batches shows their passes, and only with all_links the links that hardly do anything. */
struct schedule job_schedule(struct arena *a, const struct job_run *r, const struct drawn_part *part,
			     bool trace, bool all_links);

/* Whether the job ran that part. */
bool job_schedule_ran(const struct job_run *r, const struct drawn_part *part);

/* A copy of a placement whose machines have room for anything, so that what does not fit can be run and drawn. In the
 * arena. */
struct placement job_schedule_roomy(struct arena *a, const struct placement *at);
/* Of a job that ran in such a placement: sets its memory against what the machines really have. Returns what is missing,
 * "does not fit: 3.10 GiB short on m5"; NULL: it fits. */
const char *job_schedule_missing(struct arena *a, struct job_run *r, const struct world *real);

/* Serves the load once more and appends its picture over a window as DOT text. 0, or -1 with err. */
int load_schedule_dot(struct arena *a, const struct served *load, sim_ns from_ns, sim_ns to_ns,
		      const struct picture_look *look, struct str *out, struct err *err);

#endif
