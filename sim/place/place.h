/*
 * place.h - rules into seats: which device, or devices, runs each block of each phase.
 *
 * Layer place. Blocks are numbered along the model, as model_block() says.
 */
#ifndef SIM_PLACE_PLACE_H
#define SIM_PLACE_PLACE_H
#include "sim/llm/routing.h"
#include "sim/world/world.h"

enum { SHARDS_MAX = 8 };

struct shards {
	int n; /* devices; more than one: a split by tensor, by experts, or by data */
	size_t unit[SHARDS_MAX];
	double share[SHARDS_MAX]; /* sum 1; of data, 0: as fast as each is */
	bool by_experts;          /* each has so many whole experts, shard_group_experts() says how many */
	bool data;                /* each runs whole blocks, for its share of the micro-batches */
};

struct placement {
	const struct world *world;
	const struct assignment *assignment;
	size_t blocks_n; /* model_blocks() */
	const struct shards
		*shard_groups[PHASE_N]; /* blocks_n each; NULL for a phase that the workload lacks */
	const struct placement *draft;  /* of the model that drafts, in its world; NULL: none does */
};

/* 0, or -1 with complaints: a device or role nobody knows, ranges that overlap or leave the model, shares
 * that do not add up, blocks that no rule places, machines that no link joins. */
int placement_make(struct arena *a, const struct world *w, const struct assignment *from, struct placement *p,
		   struct diags *diags);

bool shard_group_same(const struct shards *a, const struct shards *b);
/* Experts of a layer on each device of a split by experts. */
void shard_group_experts(const struct model *m, const struct shards *s, int64_t counts[SHARDS_MAX]);
/* What comes to some of them (bit i: device i) of so many tokens. */
struct routed shard_group_routed(const struct model *m, const struct shards *s, unsigned devices,
				 double tokens);
/* Is a device of the seat on that unit's machine? They share its memory. */
bool shard_group_beside(const struct world *w, const struct shards *s, size_t unit);

/* Does a prefill on any of these devices run the head over every token? Does its attention write the scores?
 */
bool shard_group_all_logits(const struct world *w, const struct shards *s);
/* Do all devices of a seat run what follows attention in the last layer of a prefill for one token? */
bool shard_group_last_row(const struct world *w, const struct shards *s);
bool shard_group_last_apart(const struct world *w, const struct shards *s);
/* The model as the first of the group's devices runs it that is on that machine; the group's first device
 * where none is, or where mi is WORLD_NONE. A group without devices has the world's model. */
const struct model *shard_group_model(const struct world *w, const struct shards *s, size_t mi);
/* The most copies that any device of the group keeps when it trains. Where a runtime's profile does not say:
 * the logits and their gradient, and the scores where its attention writes them. */
struct train_copies shard_group_copies(const struct world *w, const struct shards *s);
bool shard_group_writes_scores(const struct world *w, const struct shards *s);

bool placement_uses(const struct placement *p, enum phase phase, size_t unit);
struct generate placement_generate(const struct placement *p); /* how this assignment generates */
struct train placement_train(const struct placement *p);       /* and trains */
bool phase_asked(const struct workload *k, enum phase phase);

#endif
