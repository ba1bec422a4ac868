/*
 * place.h - from an assignment's rules to placements: the devices that run each block of the model in each
 * phase.
 *
 * Layer place. Blocks are numbered along the model as in model_block().
 */
#ifndef SIM_PLACE_PLACE_H
#define SIM_PLACE_PLACE_H
#include "sim/llm/routing.h"
#include "sim/world/world.h"

enum { SHARDS_MAX = 8 };

/* The devices of one block in one phase, and how the block is split over them. */
struct shards {
	int n; /* devices; more than one: a split by tensor, by experts, or by data */
	size_t unit[SHARDS_MAX];
	double share[SHARDS_MAX]; /* they add up to 1; of a data split, 0: by the devices' speed */
	bool by_experts;          /* each has whole experts, as many as shard_group_experts() says */
	bool data;                /* each runs whole blocks, for its share of the micro-batches */
};

struct placement {
	const struct world *world;
	const struct assignment *assignment;
	size_t blocks_n; /* model_blocks() */
	const struct shards
		*shard_groups[PHASE_N]; /* blocks_n each; NULL for a phase that the workload lacks */
	const struct placement *
		draft; /* of the draft model of speculative decoding, in its own world; NULL: there is none */
};

/* 0, or -1 with diagnostics: an unknown device or role, layer ranges that overlap in part or exceed the
 * model, shares that do not add up, blocks that no rule places, machines that no link joins. */
int placement_make(struct arena *a, const struct world *w, const struct assignment *from, struct placement *p,
		   struct diags *diags);

bool shard_group_same(const struct shards *a, const struct shards *b);
/* The number of a layer's experts on each device of a split by experts. */
void shard_group_experts(const struct model *m, const struct shards *s, int64_t counts[SHARDS_MAX]);
/* The rows that reach some of the devices (bit i: device i) and the experts hit there, of so many tokens. */
struct routed shard_group_routed(const struct model *m, const struct shards *s, unsigned devices,
				 double tokens);
/* Is a device of the group on that unit's machine, so that they share its memory? */
bool shard_group_beside(const struct world *w, const struct shards *s, size_t unit);

/* Does a prefill on any of the devices run the head over every token? */
bool shard_group_all_logits(const struct world *w, const struct shards *s);
/* Do all devices of the group run what follows attention in a prefill's last layer for the last token alone?
 * Does the first one run the last token of a prompt as a step of its own? */
bool shard_group_last_row(const struct world *w, const struct shards *s);
bool shard_group_last_apart(const struct world *w, const struct shards *s);
/* The model as the first of the group's devices runs it that is on that machine; the group's first device
 * where none is, or where mi is WORLD_NONE. A group without devices has the world's model. */
const struct model *shard_group_model(const struct world *w, const struct shards *s, size_t mi);
/* The most copies that any device of the group keeps when it trains. Where a runtime's profile does not say:
 * the logits and their gradient, and the scores where its attention writes them. */
struct train_copies shard_group_copies(const struct world *w, const struct shards *s);
/* Does attention on any of the devices write its scores to memory? */
bool shard_group_writes_scores(const struct world *w, const struct shards *s);

/* The model as the devices that decode run it, with its windows where any of them keeps to one: pieces of a
 * context on which a decode step's time is smooth follow from it. The placement decodes. */
const struct model *placement_decoding_model(const struct placement *p);

bool placement_uses(const struct placement *p, enum phase phase, size_t unit);
struct generate placement_generate(const struct placement *p); /* how this assignment generates */
struct train placement_train(const struct placement *p);       /* and trains */

#endif
