/*
 * walk.h - one pass over the blocks of a placement: who feeds whom, what crosses between their shard groups.
 *
 * Layer step. Blocks are put in order, forward from the first, backward from the last, each after those that
 * feed it; wherever two shard groups differ their hand-over is inserted. A dense layer is a chain. In a layer
 * with experts the router's shard group hands its normed rows to the shared experts and to the experts, which
 * may then run at once; what both make is summed where the experts end, so what goes around them (the
 * residual) goes there too, beside the routing weights. A layer split by experts ends where its router is
 * (exchange.h). Backward, gradients go the same ways back.
 */
#ifndef SIM_STEP_WALK_H
#define SIM_STEP_WALK_H
#include "sim/step/program.h"

/* What a block takes from one before it. */
struct feed {
	size_t from;
	double bytes;
	bool late; /* wanted at the block's end only, for its last sum */
};
enum { FEEDS = 2 };
size_t walk_feeds(const struct world *w, const struct shape *s, size_t block, struct feed out[FEEDS]);

struct walk {
	struct program *program;
	const struct shards *shard_groups; /* of the phase, one for each block */
	struct shape shape;                /* of this micro-batch; all_logits may change on the way */
	enum phase phase;
	enum grad_part grad_part; /* backward: of both gradients, or that of the inputs alone */
	uint32_t micro;
	struct deps *ends; /* private: of each block */
	struct deps rows;  /* private: what came into the last block is there */
};

/* The walk's own memory is in the program. */
struct walk walk_begin(struct program *p, const struct placement *at, enum phase phase, struct shape s,
		       uint32_t micro);

/* Blocks that there are: the ends are numbered even where a model has none. */
size_t walk_first(const struct world *w);
size_t walk_last(const struct world *w);

/* The next block, after what feeds it and after `also` (may be NULL). Returns what has to end for it to have
 * ended; where its output is whole then, walk_out() says. */
struct deps walk_block(struct walk *k, size_t block, const struct deps *also);
const struct shards *walk_out(const struct walk *k, size_t block);

#endif
