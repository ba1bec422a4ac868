/*
 * walk.h - one pass over the blocks of a placement: the order of the blocks and the transfers between
 * shard groups.
 *
 * Layer step. Blocks are appended in dependency order, forward from the first or backward from the
 * last. Where two shard groups differ, the transfer between them is inserted.
 *
 * A dense layer is a chain of blocks. In a layer with experts, the router's shard group sends its
 * normed rows to the shared experts and to the routed experts, which may then run at the same time.
 * Their outputs are summed on the devices of the routed experts, so the residual and the routing
 * weights are sent there, too. A layer split by experts ends on the devices of its router (exchange.h).
 * In the backward pass gradients take the same paths in reverse.
 */
#ifndef SIM_STEP_WALK_H
#define SIM_STEP_WALK_H
#include "sim/step/program.h"

/* An input that a block receives from an earlier block. */
struct feed {
	size_t from;
	double bytes;
	bool late; /* needed only for the sum at the end of the block */
};
enum { FEEDS = 2 };
size_t walk_feeds(const struct world *w, const struct shape *s, size_t block, struct feed out[FEEDS]);

struct walk {
	struct program *program;
	const struct shards *shard_groups; /* [block]: the shard group of this phase */
	struct shape shape;                /* the micro-batch's shape; all_logits may change between blocks */
	enum phase phase;
	enum grad_part grad_part; /* in the backward pass: both gradients, or those of inputs alone */
	uint32_t micro;
	struct deps *ends; /* private: [block]: its last tasks */
	struct deps rows;  /* private: the tasks that delivered the input of the last block */
};

/* Begins a pass; its memory is in the program's arena. */
struct walk walk_begin(struct program *p, const struct placement *at, enum phase phase, struct shape s,
		       uint32_t micro);

/* The first and the last block that exist: embedding and head have numbers even in a model without them. */
size_t walk_first(const struct world *w);
size_t walk_last(const struct world *w);

/* Appends a block after its inputs and after `also` (may be NULL), with the transfers that it needs.
 * Returns the tasks after which its output is complete; walk_out() is the shard group that then holds
 * the output. */
struct deps walk_block(struct walk *k, size_t block, const struct deps *also);
const struct shards *walk_out(const struct walk *k, size_t block);

#endif
