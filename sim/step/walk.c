/* walk.c - see walk.h. */
#include "sim/step/walk.h"

#include "sim/llm/memory.h"
#include "sim/step/exchange.h"

size_t walk_first(const struct world *w)
{
	return model_first_block(w->model);
}

size_t walk_last(const struct world *w)
{
	return model_last_block(w->model);
}

struct walk walk_begin(struct program *p, const struct placement *at, enum phase phase, struct shape s,
		       uint32_t micro)
{
	return (struct walk){.program = p,
			     .shard_groups = at->shard_groups[phase],
			     .shape = s,
			     .phase = phase,
			     .micro = micro,
			     .ends = arena_array(&p->arena, at->blocks_n, sizeof(struct deps))};
}

static double numbers_B(const struct world *w, double numbers)
{
	return format_bytes((enum format_id)w->scenario->precision.compute, numbers);
}

size_t walk_feeds(const struct world *w, const struct shape *s, size_t block, struct feed out[FEEDS])
{
	const struct model *m = w->model;
	const struct block k = model_block(m, block);
	const double rows = (double)graph_rows(s), hidden = (double)m->hidden;
	size_t n = 0;

	if (block == walk_first(w))
		return 0;
	switch (k.part.role) {
	case ROLE_SHARED:
		out[n++] = (struct feed){block - 1, numbers_B(w, rows * hidden), false};
		break;
	case ROLE_EXPERTS: {
		const size_t router = model_block_of(m, ROLE_ROUTER, k.layer);
		const double each =
			(m->norms ? hidden : 0) + (double)experts_width(m) + (double)m->experts->active;

		out[n++] = (struct feed){router, numbers_B(w, rows * each), false};
		if (router != block - 1)
			out[n++] = (struct feed){block - 1, numbers_B(w, rows * hidden), true};
		break;
	}
	case ROLE_HEAD: /* only the last token of each sequence needs these blocks */
		out[n++] = (struct feed){block - 1, numbers_B(w, (double)graph_head_rows(s) * hidden), false};
		break;
	case ROLE_EMBEDDING:
	case ROLE_ATTENTION:
	case ROLE_FFN:
	case ROLE_ROUTER:
	case ROLE_N:
		out[n++] = (struct feed){block - 1, numbers_B(w, rows * hidden), false};
		break;
	}
	return n;
}

static struct label label_of(const struct walk *k, size_t block)
{
	const struct block b = model_block(k->program->world->model, block);

	return (struct label){.phase = k->phase,
			      .part = b.part,
			      .layer = b.layer,
			      .micro = k->micro,
			      .grad_part = k->grad_part};
}

static size_t router_of(const struct walk *k, size_t block)
{
	const struct model *m = k->program->world->model;

	return model_block_of(m, ROLE_ROUTER, model_block(m, block).layer);
}

const struct shards *walk_out(const struct walk *k, size_t block)
{
	return &k->shard_groups[k->shard_groups[block].by_experts ? router_of(k, block) : block];
}

static double rows_B(const struct walk *k)
{
	return numbers_B(k->program->world,
			 (double)graph_rows(&k->shape) * (double)k->program->world->model->hidden);
}

/* Divides a shard group into the devices on machines that another shard group also uses, and the others. */
struct halves {
	struct shards with, without;
};
static struct halves part_shards(const struct world *w, const struct shards *shards,
				 const struct shards *other)
{
	struct halves h = {{.n = 0}, {.n = 0}};

	for (int i = 0; i < shards->n; i++) {
		struct shards *to = shard_group_beside(w, other, shards->unit[i]) ? &h.with : &h.without;

		to->unit[to->n++] = shards->unit[i];
	}
	return h;
}

/* Is the block the last of several on its shard group? What goes on from a single block, such as attention apart from the
 * FFN, is within a layer. */
static bool ends_stage(const struct walk *k, size_t block)
{
	const struct world *w = k->program->world;
	const struct shards *s = &k->shard_groups[block];

	return (block > walk_first(w) && shard_group_same(s, s - 1)) ||
	       (block < walk_last(w) && shard_group_same(s, s + 1));
}

/* Transfers from a shard group that holds the whole tensor. */
static struct deps carry(struct walk *k, size_t from, const struct shards *to, double bytes,
			 struct label label)
{
	const struct shards *out = walk_out(k, from);
	const double share = shard_group_sends(out, to);

	label.payload = PAYLOAD_ACTIVATIONS;
	label.stage = ends_stage(k, from);
	if (share < 1 && to->n > 1)
		return program_hand_parts(k->program, out, to, bytes, label, &k->ends[from]);
	return program_hand_over(k->program, out, to, bytes * share, label, &k->ends[from]);
}

/* ---- forward ---- */

/* If shared and routed experts have the same devices nothing is transferred, and one collective sums both
 * outputs. */
static bool sit_alike(const struct walk *k, size_t shared, size_t experts)
{
	return shard_group_same(&k->shard_groups[shared], &k->shard_groups[experts]);
}

static struct deps shared_forward(struct walk *k, size_t block, const struct deps *after)
{
	const struct label label = label_of(k, block);
	const struct shards *shards = &k->shard_groups[block];
	struct shape s = k->shape;
	struct deps made;

	if (sit_alike(k, block, block + 1))
		return program_ops(k->program, &s, shards, label, after);
	s.no_end = true;
	made = program_ops(k->program, &s, shards, label, after);
	/* on the router's devices its partial sums are added to those of the experts on other devices */
	return k->shard_groups[block + 1].by_experts && sit_alike(k, block, router_of(k, block))
		       ? made
		       : program_whole(k->program, &s, shards, label, &made);
}

/* Sends the output of shared experts on other devices to the devices on which the layer ends. */
static struct deps add_shared(struct walk *k, const struct feed *late, const struct shards *shards,
			      struct deps x)
{
	const struct deps sum = carry(k, late->from, shards, late->bytes, label_of(k, late->from));

	deps_join(k->program, &x, &sum);
	return program_end(k->program, &k->shape, shards, label_of(k, late->from), &x);
}

static struct deps experts_forward(struct walk *k, size_t block, const struct feed *late,
				   const struct deps *after)
{
	const struct label label = label_of(k, block);
	const struct shards *shards = &k->shard_groups[block];
	const struct deps made = program_ops(k->program, &k->shape, shards, label, after);
	const struct deps x = program_whole(k->program, &k->shape, shards, label, &made);

	return late && !sit_alike(k, late->from, block) ? add_shared(k, late, shards, x) : x;
}

static struct exchange exchange_of(struct walk *k, size_t block)
{
	return (struct exchange){k->program, &k->shape, &k->shard_groups[block], walk_out(k, block),
				 label_of(k, block)};
}

static struct deps exchange_forward(struct walk *k, size_t block, const struct feed *late,
				    const struct deps *after)
{
	const struct exchange e = exchange_of(k, block);
	const bool joins = late && sit_alike(k, late->from, router_of(k, block));
	struct deps x = exchange_put(&e, after, joins ? &k->ends[late->from] : NULL);

	if (joins)
		x = program_end(k->program, &k->shape, e.home, label_of(k, late->from), &x);
	else if (late)
		x = add_shared(k, late, e.home, x);
	return program_end(k->program, &k->shape, e.home, e.label, &x);
}

static struct deps exchange_backward(struct walk *k, size_t block, const struct deps *after)
{
	const struct exchange e = exchange_of(k, block);
	const struct deps begun = program_end(k->program, &k->shape, e.home, e.label, after);

	return exchange_put(&e, &begun, NULL);
}

/* Sends the router's rows once to a machine that holds experts of both kinds. */
static struct deps feed_experts(struct walk *k, size_t block, const struct feed *f, size_t shared)
{
	const struct halves to =
		part_shards(k->program->world, &k->shard_groups[block], &k->shard_groups[shared]);
	struct deps there = carry(k, f->from, &to.without, f->bytes, label_of(k, block)), rest;

	if (!to.with.n)
		return there;
	rest = carry(k, f->from, &to.with, f->bytes - rows_B(k), label_of(k, block));
	deps_join(k->program, &there, &rest);
	deps_join(k->program, &there, &k->rows);
	return there;
}

/* If every device of a split completes the output by itself, the next block on the same devices depends
 * only on its own device, whose queue keeps the order. */
static bool each_has_its_own(const struct walk *k, size_t from, size_t block)
{
	const enum role role = model_block(k->program->world->model, from).part.role;

	return (role == ROLE_EMBEDDING || role == ROLE_ROUTER) && k->shard_groups[from].n > 1 &&
	       shard_group_same(&k->shard_groups[from], &k->shard_groups[block]);
}

static struct deps forward(struct walk *k, size_t block, const struct deps *also)
{
	const struct label label = label_of(k, block);
	struct feed feeds[FEEDS];
	const size_t n = walk_feeds(k->program->world, &k->shape, block, feeds);
	const struct feed *late = n > 1 ? &feeds[1] : NULL;
	struct deps after = {.n = 0};

	if (k->shard_groups[block].by_experts)
		after = k->ends[router_of(k, block)];
	else if (n && each_has_its_own(k, feeds[0].from, block))
		after.n = 0;
	else if (late)
		after = feed_experts(k, block, &feeds[0], late->from);
	else if (n)
		after = carry(k, feeds[0].from, &k->shard_groups[block], feeds[0].bytes, label);
	k->rows = after;
	if (also)
		deps_join(k->program, &after, also);
	if (label.part.role == ROLE_SHARED)
		return shared_forward(k, block, &after);
	if (k->shard_groups[block].by_experts)
		return exchange_forward(k, block, late, &after);
	if (label.part.role == ROLE_EXPERTS)
		return experts_forward(k, block, late, &after);
	return program_block(k->program, &k->shape, &k->shard_groups[block], label, &after);
}

/* ---- backward ---- */

/* The gradient of a block's output, from the block that consumed it. */
static struct deps gradient(struct walk *k, size_t block, const struct shards *to, struct label label)
{
	struct feed feeds[FEEDS];

	if (block == walk_last(k->program->world))
		return (struct deps){.n = 0};
	walk_feeds(k->program->world, &k->shape, block + 1, feeds);
	return carry(k, block + 1, to, feeds[0].bytes, label);
}

/* The output of the shared experts was added to the experts' sum, so its gradient is that of the sum; it
 * is sent once to a machine that holds both kinds. */
static struct deps gradient_of_shared(struct walk *k, size_t block)
{
	const struct halves to =
		part_shards(k->program->world, &k->shard_groups[block], walk_out(k, block + 1));
	struct deps there = gradient(k, block + 1, &to.without, label_of(k, block));

	if (to.with.n)
		deps_join(k->program, &there, &k->rows);
	return there;
}

/* The gradients from both kinds of experts; if they are on one machine, the sum of them. */
static struct deps gradient_of_router(struct walk *k, size_t block)
{
	const struct world *w = k->program->world;
	const struct label label = label_of(k, block);
	const struct shards *shards = &k->shard_groups[block];
	const size_t experts = model_block_of(w->model, ROLE_EXPERTS, label.layer), shared = block + 1;
	struct feed f[FEEDS];
	struct deps one, there;

	walk_feeds(w, &k->shape, experts, f);
	if (shared != experts &&
	    shard_group_beside(w, walk_out(k, experts), k->shard_groups[shared].unit[0])) {
		deps_join(k->program, &k->ends[experts], &k->ends[shared]);
		return carry(k, experts, shards, f[0].bytes, label);
	}
	there = carry(k, experts, shards, f[0].bytes, label);
	if (shared != experts) {
		one = carry(k, shared, shards, rows_B(k), label);
		deps_join(k->program, &there, &one);
	}
	return there;
}

static struct deps backward(struct walk *k, size_t block, const struct deps *also)
{
	const struct label label = label_of(k, block);
	struct deps after;

	if (label.part.role == ROLE_ROUTER)
		after = gradient_of_router(k, block);
	else if (label.part.role == ROLE_SHARED)
		after = gradient_of_shared(k, block);
	else
		after = gradient(k, block, walk_out(k, block), label);
	k->rows = after;
	if (also)
		deps_join(k->program, &after, also);
	if (k->shard_groups[block].by_experts)
		return exchange_backward(k, block, &after);
	return program_block(k->program, &k->shape, &k->shard_groups[block], label, &after);
}

struct deps walk_block(struct walk *k, size_t block, const struct deps *also)
{
	k->ends[block] = k->phase == PHASE_BACKWARD ? backward(k, block, also) : forward(k, block, also);
	return k->ends[block];
}
