/*
 * trainable.h - the part of a model that a step trains, and the bytes that its blocks keep and update.
 *
 * Layer train.
 */
#ifndef SIM_TRAIN_TRAINABLE_H
#define SIM_TRAIN_TRAINABLE_H
#include "sim/llm/memory.h"
#include "sim/place/place.h"

/* The shape of a micro-batch in a block that is trained. */
struct shape train_shape(const struct train *t);

struct trainable {
	const struct world *world;
	struct train train;
	/* The lowest block with a backward pass; nothing below it is trained. The embedding's own gradient
	 * is a scatter of a few rows, so it has no pass. */
	size_t lowest;
	struct trainable_block {
		struct shape shape;           /* without trained weights, gradients only pass through */
		double numbers;               /* number of trained weights, each with a gradient */
		double weights_B, gradient_B; /* of these, and of their gradients as they are kept */
	} * blocks;
};
struct trainable trainable_make(struct arena *a, const struct world *w, const struct train *t);

/* Numbers of a tied head that is on other devices than the embedding, whose table it has a copy of; 0: there is none. The copies are
 * equal because their gradients are summed (Narayanan et al., arXiv:2104.04473, section 3; _allreduce_word_embedding_grads() in
 * NVIDIA/Megatron-LM@d98e8a64 megatron/core/distributed/finalize_model_grads.py). */
double trainable_tied_copy(const struct trainable *t, const struct placement *at);

double trainable_gradient_B(const struct trainable *t); /* of a number, as gradients are kept */

/* Bytes that the forward pass of a block keeps on its devices for the backward pass: all inputs of
 * gradients, the block's input (full recomputation), or nothing below the lowest trained block. */
double trainable_kept_B(const struct trainable *t, size_t block, const struct shards *shards);
/* Further bytes alive while the backward pass runs in the block: recomputed activations, and the gradients
 * of attention scores if the runtime writes them. */
double trainable_recompute_B(const struct trainable *t, size_t block, const struct shards *shards);

/* Bytes of optimizer state for each trained weight: two moments in f32 (Adam, Kingma & Ba,
 * arXiv:1412.6980; AdamW, arXiv:1711.05101), one (momentum), two of eight bits with a scale in f32 for
 * every 2048 of them (Dettmers et al., arXiv:2110.02861, section 2.1); and a copy in f32 if the optimizer
 * keeps one. */
double optimizer_state_B(const struct train *t);
/* Bytes of memory traffic of a weight in one update: weight and gradient in the given widths, states read
 * and written. */
double optimizer_traffic_B(const struct train *t, double width_B, double gradient_B);

#endif
