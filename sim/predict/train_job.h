/*
 * train_job.h - the job `train`: one optimizer step over all micro-batches.
 *
 * Layer predict.
 */
#ifndef SIM_PREDICT_TRAIN_JOB_H
#define SIM_PREDICT_TRAIN_JOB_H
#include "sim/predict/program_job.h"

extern const struct job_type train_job;

#endif
