/*
 * shard_group.h - the devices that run one block in one phase: its split over them, and the properties of
 * their runtimes that change its operators or its memory.
 *
 * Layer place.
 */
#ifndef SIM_PLACE_SHARD_GROUP_H
#define SIM_PLACE_SHARD_GROUP_H
#include "sim/llm/routing.h"
#include "sim/world/world.h"

/* The most devices of one block: a set of them is a word of 64 bits. */
enum { SHARDS_MAX = 64 };

/* The devices of one block in one phase, and how the block is split over them. */
struct shards {
	int n; /* number of devices; several: split by tensor, by experts or by data */
	size_t unit[SHARDS_MAX];
	/* they add up to 1; in a data split 0: in proportion to the devices' speed */
	double share[SHARDS_MAX];
	int ranks; /* each device stands for so many equal ones, which share its part by tensors; 0: for itself */
	bool by_tokens; /* of a tensor split: what it does not divide, each device does for its part of the tokens */
	bool overlaps; /* of ranks that one stands for: sums go on beside the products that make and use them */
	bool by_experts; /* each device has whole experts; their numbers: shard_group_experts() */
	bool data;       /* each device runs whole blocks for its share of the micro-batches */
};

bool shard_group_same(const struct shards *a, const struct shards *b);
/* The number of a layer's experts on each device of a split by experts. */
void shard_group_experts(const struct model *m, const struct shards *s, int64_t counts[SHARDS_MAX]);
/* The rows of so many tokens that reach the experts of some of the devices (bit i: device i), and the
 * experts hit there. */
struct routed shard_group_routed(const struct model *m, const struct shards *s, uint64_t devices,
				 double tokens);
/* The share of a tensor of rows that each device sends to its like in another group: ranks that divide rows have a part of them each
 * (Korthikanti et al., arXiv:2205.05198, section 4.2.2; get_tensor_shapes() in NVIDIA/Megatron-LM@d98e8a64
 * megatron/core/pipeline_parallel/schedules.py). 1: all. */
double shard_group_sends(const struct shards *from, const struct shards *to);
/* Returns whether a device of the group is on that unit's machine and so shares its memory. */
bool shard_group_beside(const struct world *w, const struct shards *s, size_t unit);

/* Returns whether a prefill on any of the devices runs the head for every token. */
bool shard_group_all_logits(const struct world *w, const struct shards *s);
/* Returns whether all devices run the blocks after the last layer's attention of a prefill for the last token
 * alone. */
bool shard_group_caches_only(const struct world *w, const struct shards *s);
bool shard_group_last_row(const struct world *w, const struct shards *s);
/* Returns whether the first device runs the last token of a prompt as a step of its own. */
bool shard_group_last_apart(const struct world *w, const struct shards *s);
/* The model as run by the first of the group's devices on that machine; by the group's first device if
 * there is none, or if mi is WORLD_NONE. A group without devices has the world's model. */
const struct model *shard_group_model(const struct world *w, const struct shards *s, size_t mi);
/* The largest number of copies that any device of the group keeps in training. If a runtime's profile has
 * no `train_copies`: the logits and their gradient, and the scores if its attention writes them. */
struct train_copies shard_group_copies(const struct world *w, const struct shards *s);
/* Returns whether attention on any of the devices writes its scores to memory. */
bool shard_group_writes_scores(const struct world *w, const struct shards *s);

#endif
