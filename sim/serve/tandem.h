/*
 * tandem.h - the stages of a pipeline replica as queues in tandem: several batches go through one after another.
 *
 * Layer serve. As many batches are in flight as there are devices. Each is a server of its own with the
 * sequences that were dealt to it at admission, and an iteration of it is a pass through all stages in order.
 * A stage holds one batch at a time, first come first served, so that an iteration's way through the pipeline
 * is known when it begins. With enough sequences the period of a batch is the number of batches times the
 * longest stage; a batch alone takes the sum of the stages.
 */
#ifndef SIM_SERVE_TANDEM_H
#define SIM_SERVE_TANDEM_H
#include <stddef.h>

#include "sim/base/clock.h"

struct tandem {
	size_t stages;
	struct clock *free; /* when each stage is through with the batches that entered so far */
};

struct tandem tandem_new(size_t stages);
void tandem_release(struct tandem *p);

/* A batch enters at `now`, not before any that entered earlier; stage_fs: how long it holds each stage;
 * between_fs: what passes besides. Returns when it is out. */
struct clock tandem_enter(struct tandem *p, struct clock now, const int64_t *stage_fs, span_fs between_fs);

#endif
