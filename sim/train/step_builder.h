/*
 * step_builder.h - a training step while its program is built; train.c builds it block by block, known_passes.c puts passes again.
 *
 * Layer train, and private to it.
 */
#ifndef SIM_TRAIN_STEP_BUILDER_H
#define SIM_TRAIN_STEP_BUILDER_H
#include "sim/step/walk.h"
#include "sim/train/chunk_pass.h"
#include "sim/train/gathers.h"
#include "sim/train/gradients.h"
#include "sim/train/stages.h"

/* A pass of one micro-batch through one chunk. They are added to the program in the order of their expected starts, since a
 * queue runs its tasks in the order in which they were added. */
struct chunk_action {
	sim_ns at_ns; /* when it is expected to start */
	uint32_t replica, micro, chunk;
	enum pass_kind kind;
};

/* What a step is built with. */
struct builder {
	const struct world *w;
	const struct train *t;
	struct program *p;
	struct stages st;
	VEC(struct chunk_action) passes;
	struct walk *fore, *back; /* [micro] */
	/* [micro][block]: tasks after which kept activations are on the devices of backward */
	struct deps *saved;
	/* [micro][block]: tasks that computed the input's gradient; W may run after them */
	struct deps *inputs;
	struct deps *loss; /* [replica]: the host has the loss */
	size_t blocks_n;
	struct gradients gradients;
	struct chunk_pass **known; /* [replica]: [chunk * PASS_N + pass] */
	struct deps *ends, *before,
		*kept; /* of one pass: ends of its blocks, what it waits for, what it began with */
	struct gathers gathers;
	struct arena arena;
};

/* An entry of a table [micro][block]. */
static inline struct deps *builder_entry(const struct builder *b, struct deps *table, uint32_t micro,
					 size_t block)
{
	return &table[(size_t)micro * b->blocks_n + block];
}

/* Appends the pass of a chunk block by block. ends: [block of the chunk], empty where it has no such pass. */
void builder_put_blocks(struct builder *b, const struct chunk_action *k, struct deps *ends);

/* Sets up `known`, `ends`, `before` and `kept`: no pass is known yet. */
void builder_know_none(struct builder *b);

/* Appends the pass of a chunk: block by block, or as that of an earlier micro-batch was where they are alike. */
void builder_put_pass(struct builder *b, const struct chunk_action *k);

#endif
