/*
 * generate_job.h - the job `generate`: one request for each sequence; the prompt is read, tokens follow.
 *
 * Layer predict.
 */
#ifndef SIM_PREDICT_GENERATE_JOB_H
#define SIM_PREDICT_GENERATE_JOB_H
#include "sim/predict/program_job.h"
#include "sim/step/generate.h"

extern const struct job_type generate_job;

/* Programs of the job: prefill with the first decode step, then decode steps at several contexts. */
enum { GENERATE_FIRST = 0, GENERATE_LATER = 1 };

/* What users measure, as calibrated; all 0 where the job did not run. */
struct generate_times generate_job_times(const struct job_run *r);

#endif
