/*
 * pipeline.h - the stages of a pipeline replica, through which several batches go one after another.
 *
 * Layer serve. As many batches are in flight as there are devices. Each is a server of its own with the
 * sequences that were dealt to it at admission, and an iteration of it is a pass through all stages in order.
 * A stage holds one batch at a time, first come first served, so that an iteration's way through the pipeline
 * is known when it begins. With enough sequences the period of a batch is the number of batches times the
 * longest stage; a batch alone takes the sum of the stages.
 */
#ifndef SIM_SERVE_PIPELINE_H
#define SIM_SERVE_PIPELINE_H
#include <stddef.h>

#include "sim/serve/clock.h"

struct pipeline {
	size_t stages;
	struct clock *free; /* when each stage is through with the batches that entered so far */
};

struct pipeline pipeline_new(size_t stages);
void pipeline_release(struct pipeline *p);

/* A batch enters at `now`, not before any that entered earlier; stage_fs: how long it holds each stage;
 * between_fs: what passes besides. Returns when it is out. */
struct clock pipeline_enter(struct pipeline *p, struct clock now, const int64_t *stage_fs,
			    span_fs between_fs);

#endif
