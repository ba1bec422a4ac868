/* trainable.c - see trainable.h. */
#include "sim/train/trainable.h"

#include <math.h>

struct shape train_shape(const struct train *t)
{
	const int64_t ranks = t->options.context_parallel, own = t->tokens / ranks;

	return (struct shape){
		.batch = t->batch,
		.tokens = own,
		/* of an early and a late part as many tokens are seen as of one in the middle */
		.past = (t->tokens - own) / 2,
		.contexts = ranks > 1 ? ranks : 0,
		.sums = t->micro_batches > 1,
		.gradient_B = train_gradient_B(t),
		.all_logits = true,
		.train_weights = t->method == TRAIN_FULL,
		.lora_rank = t->method == TRAIN_FULL ? 0 : t->rank,
		.adapters = train_adapters(t),
		.scores_again = t->options.recompute == RECOMPUTE_SELECTIVE};
}

static struct shape shape_of(const struct world *w, const struct train *t, struct block b)
{
	struct shape shape = train_shape(t);

	if (t->layers && b.layer < w->model->layers - t->layers) { /* the ends are layer -1 */
		shape.train_weights = false;
		shape.adapters = 0;
		shape.lora_rank = 0;
	}
	return shape;
}

/* Bytes of a number of the gradients that are kept. */
static double shape_gradient_B(const struct world *w, const struct shape *s)
{
	return s->gradient_B > 0 ? s->gradient_B
				 : format_bytes((enum format_id)w->scenario->precision.compute, 1);
}

double trainable_gradient_B(const struct trainable *t)
{
	return shape_gradient_B(t->world, &t->blocks[0].shape);
}

/* What a block like an earlier one trains is not counted again: like: the one two before it, which in most models has the
 * same part; NULL at the start. */
static struct trainable_block block_of(const struct world *w, const struct train *t, size_t block,
				       const struct trainable_block *like)
{
	const struct block b = model_block(w->model, block);
	struct trainable_block k = {.shape = shape_of(w, t, b)};

	if (like && shape_same(&like->shape, &k.shape) &&
	    part_same(model_block(w->model, block + 2).part, b.part))
		return *like;
	k.numbers = graph_trainable(w->model, &k.shape, b.part);
	k.weights_B = format_bytes((enum format_id)w->scenario->precision.compute, k.numbers);
	k.gradient_B = shape_gradient_B(w, &k.shape) * k.numbers;
	return k;
}

struct trainable trainable_make(struct arena *a, const struct world *w, const struct train *train)
{
	const size_t n = model_blocks(w->model);
	struct trainable t = {w, *train, n, arena_array(a, n, sizeof *t.blocks)};

	for (size_t i = n; i-- > 0;) {
		t.blocks[i] = block_of(w, train, i, i + 2 < n ? &t.blocks[i + 2] : NULL);
		if (t.blocks[i].numbers > 0)
			t.lowest = i ? i : 1;
	}
	return t;
}

double trainable_tied_copy(const struct trainable *t, const struct placement *at)
{
	const struct model *m = t->world->model;
	const size_t first = model_first_block(m), last = model_last_block(m);
	const struct shards *groups = at->shard_groups[PHASE_BACKWARD];

	if (!m->tied_head || !m->ends || t->train.method != TRAIN_FULL ||
	    groups[first].unit[0] == groups[last].unit[0])
		return 0;
	return t->blocks[first].numbers;
}

static double saved_B(const struct world *w, const struct shape *s, size_t block, const struct shards *shards)
{
	const struct train_copies c = shard_group_copies(w, shards);
	const struct copies copies = {c.logits, c.logits_f32, c.scores, c.scores_f32, c.adapter_inputs_f32};

	return graph_saved_B(shard_group_model(w, shards, WORLD_NONE), &w->scenario->precision, s,
			     model_block(w->model, block).part, &copies);
}

/* The gradients of the scores, or of the logits, and their inputs, while a block's backward pass runs. */
static double backward_copies_B(const struct world *w, const struct shape *s, size_t block,
				const struct shards *shards)
{
	const struct train_copies c = shard_group_copies(w, shards);
	const struct part part = model_block(w->model, block).part;
	const bool head = part.role == ROLE_HEAD;

	return graph_copies_B(shard_group_model(w, shards, WORLD_NONE), &w->scenario->precision, s, part,
			      head ? c.logits_backward : c.scores_backward,
			      head ? c.logits_backward_f32 : c.scores_backward_f32);
}

double trainable_kept_B(const struct trainable *t, size_t block, const struct shards *shards)
{
	const struct world *w = t->world;
	const struct shape *s = &t->blocks[block].shape;
	const enum role role = model_block(w->model, block).part.role;

	if (block < t->lowest)
		return 0;
	if (t->train.options.recompute != RECOMPUTE_FULL)
		return saved_B(w, s, block, shards);
	if (role == ROLE_EMBEDDING || (role == ROLE_HEAD && !w->model->ends))
		return 0;
	return (double)(s->batch * s->tokens) * graph_hidden_B(w->model, &w->scenario->precision);
}

double trainable_recompute_B(const struct trainable *t, size_t block, const struct shards *shards)
{
	struct shape s = t->blocks[block].shape;
	double bytes;

	if (block < t->lowest)
		return 0;
	bytes = backward_copies_B(t->world, &s, block, shards);
	if (t->train.options.recompute == RECOMPUTE_NONE)
		return bytes;
	s.scores_again = false;
	return bytes + fmax(0, saved_B(t->world, &s, block, shards) - trainable_kept_B(t, block, shards));
}

/* Scales of eight-bit moments: four bytes for a block of 2048. */
static const double byte_moment = 1 + 4.0 / 2048;

static double moments_B(const struct train *t)
{
	const double each = t->states == DTYPE_F32 ? 4 : 2;

	switch ((enum optimizer)t->optimizer) {
	case OPTIMIZER_NONE:
	case OPTIMIZER_SGD:
		return 0;
	case OPTIMIZER_MOMENTUM:
		return each;
	case OPTIMIZER_ADAM:
	case OPTIMIZER_ADAMW:
		return 2 * each;
	case OPTIMIZER_ADAM_8BIT:
		return 2 * byte_moment;
	case OPTIMIZER_N:
		break;
	}
	BUG("no such optimizer");
}

double optimizer_state_B(const struct train *t)
{
	return moments_B(t) + (t->master && t->optimizer != OPTIMIZER_NONE ? 4 : 0);
}

double optimizer_traffic_B(const struct train *t, double width_B, double gradient_B)
{
	const double p_and_g =
		/* the gradient is read and the weight written; the weight, or its copy in f32, is read */
		gradient_B + (t->master ? 1 : 2) * width_B;

	return t->optimizer == OPTIMIZER_NONE ? 0 : p_and_g + 2 * optimizer_state_B(t);
}
