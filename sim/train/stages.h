/*
 * stages.h - a placement seen as pipelines: replicas, the chunks of each, their times and their orders.
 *
 * Layer train. A replica is one of the devices of a data split (or the whole placement) and its share of the
 * micro-batches. A chunk is a run of blocks at one seat, forward and backward; a stage is a device that runs
 * chunks, so layers that are not contiguous interleave.
 */
#ifndef SIM_TRAIN_STAGES_H
#define SIM_TRAIN_STAGES_H
#include "sim/step/program.h"
#include "sim/train/pipeline.h"
#include "sim/train/trainable.h"

struct replica {
	struct placement at;    /* without data splits */
	uint32_t first, micros; /* its micro-batches, of the step's */
	size_t *bounds;         /* chunk c is blocks bounds[c] .. bounds[c + 1] - 1 */
	struct pipeline pipe;   /* as the schedule sees it: joint, or B and W apart */
	struct stage_orders stage_orders;
	struct simulated_orders simulated_orders;
};

struct stages {
	struct replica *replicas;
	size_t n;
	size_t first, last; /* blocks that there are */
	struct trainable trainable;
};

/* 0, or -1 with complaints: data splits that do not go together, a layout that the schedule cannot have,
 * fewer micro-batches than replicas. */
int stages_check(const struct placement *at, struct diags *diags);

/* For a placement that stages_check() let pass. The program tells times; everything else is in the arena. */
struct stages stages_make(struct arena *a, struct program *p, const struct placement *at);

/* Time of a block's pass at its seat; 0 where it has none. */
sim_ns stages_block_ns(struct program *p, const struct stages *s, const struct replica *r, size_t block,
		       enum pass_kind pass);

/* Does a block have that pass? B: from the lowest trained block up; W: where something is trained. */
bool stages_has(const struct stages *s, const struct replica *r, size_t block, enum pass_kind pass);

struct label stages_label(const struct stages *s, const struct replica *r, size_t block, enum pass_kind pass);

/* So many micro-batches shared out: by shares (largest remainders), or, where they are 0, so that the device
 * that takes longest takes the least time (ns of one micro-batch on each). */
void stages_share_out(uint32_t micros, size_t n, const double *shares, const sim_ns *ns, uint32_t *out);

#endif
