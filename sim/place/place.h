/*
 * place.h - placements: the devices that run each block of the model in each phase, from an assignment's
 * rules.
 *
 * Layer place. Blocks are numbered along the model as in model_block().
 */
#ifndef SIM_PLACE_PLACE_H
#define SIM_PLACE_PLACE_H
#include "sim/place/shard_group.h"

struct placement {
	const struct world *world;
	const struct assignment *assignment;
	size_t blocks_n; /* model_blocks() */
	/* [phase][block]; NULL for a phase that the workload lacks */
	const struct shards *shard_groups[PHASE_N];
	/* [block]: the devices of a prompt copy its weights from the device that decodes it, pass by pass; NULL: no block */
	const bool *copied;
	/* placement of the draft model of speculative decoding, in its own world; NULL: none */
	const struct placement *draft;
};

/* Applies the rules of an assignment. 0, or -1 with diagnostics: an unknown device or role, layer ranges
 * that overlap in part or exceed the model, shares that do not add up, blocks that no rule places,
 * machines that no link joins. */
int placement_make(struct arena *a, const struct world *w, const struct assignment *from, struct placement *p,
		   struct diags *diags);

/* Gives each device of a block in a training step the share of one of the ranks that it stands for. A placement that
 * placement_make() made has it. */
void placement_share_among_equals(struct shards *s, const struct train_options *o);

/* The model as the devices that decode run it, with its windows if any of them honours one: the window
 * divides a context into pieces within which a decode step's time is smooth. The placement must have
 * decode. */
const struct model *placement_decoding_model(const struct placement *p);

bool placement_uses(const struct placement *p, enum phase phase, size_t unit);
/* the options of generation of this assignment */
struct generate placement_generate(const struct placement *p);
struct train placement_train(const struct placement *p); /* the options of training of this assignment */

#endif
