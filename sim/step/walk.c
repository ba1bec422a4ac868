/* walk.c - see walk.h. */
#include "sim/step/walk.h"

#include "sim/llm/memory.h"

size_t walk_first(const struct world *w)
{
	return w->model->ends ? 0 : 1;
}

size_t walk_last(const struct world *w)
{
	return model_blocks(w->model) - (w->model->ends ? 1 : 2);
}

struct walk walk_begin(struct prog *p, const struct placement *at, enum phase phase, struct shape s,
		       uint32_t micro)
{
	return (struct walk){.prog = p,
			     .seats = at->seats[phase],
			     .shape = s,
			     .phase = phase,
			     .micro = micro,
			     .ends = arena_array(&p->arena, at->blocks_n, sizeof(struct waits))};
}

static double numbers_B(const struct world *w, double numbers)
{
	return format_bytes((enum format_id)w->scenario->precision.compute, numbers);
}

size_t walk_feeds(const struct world *w, const struct shape *s, size_t block, struct feed out[FEEDS])
{
	const struct model *m = w->model;
	const struct block k = model_block(m, block);
	const double rows = (double)(s->batch * s->tokens), hidden = (double)m->hidden;
	size_t n = 0;

	if (block == walk_first(w))
		return 0;
	switch (k.part.role) {
	case ROLE_SHARED:
		out[n++] = (struct feed){block - 1, numbers_B(w, rows * hidden), false};
		break;
	case ROLE_EXPERTS: {
		const size_t router = model_block_of(m, ROLE_ROUTER, k.layer);
		const double each = (m->norms ? 2 : 1) * hidden + (double)m->experts->active;

		out[n++] = (struct feed){router, numbers_B(w, rows * each), false};
		if (router != block - 1)
			out[n++] = (struct feed){block - 1, numbers_B(w, rows * hidden), true};
		break;
	}
	case ROLE_HEAD: /* logits of the last token of each sequence need no other */
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

static struct tag tag_of(const struct walk *k, size_t block, const char *what)
{
	const struct block b = model_block(k->prog->world->model, block);

	return (struct tag){
		.phase = k->phase, .part = b.part, .layer = b.layer, .micro = k->micro, .what = what};
}

const struct seat *walk_out(const struct walk *k, size_t block)
{
	return &k->seats[block];
}

/* ---- forward ---- */

static struct waits fed(struct walk *k, size_t block, const struct feed *f)
{
	return prog_hand_over(k->prog, walk_out(k, f->from), &k->seats[block], f->bytes,
			      tag_of(k, block, "activations"), &k->ends[f->from]);
}

/* The sums at the end of a block, on every device of a seat: each has the rows whole. */
static struct waits end_on(struct walk *k, size_t block, const struct seat *seat, const struct waits *after)
{
	const struct tag tag = tag_of(k, block, NULL);
	struct op ops[GRAPH_OPS];
	const size_t n = graph_end(k->prog->world->model, &k->prog->world->scenario->precision, &k->shape,
				   tag.part, k->phase, ops);
	struct waits all = {.n = 0};

	for (int i = 0; i < seat->n; i++) {
		struct waits x = *after;

		for (size_t o = 0; o < n; o++) {
			const uint32_t done = prog_op(k->prog, &ops[o], seat->unit[i], 1, tag, &x);

			x = (struct waits){.n = 1, .task = {done}};
		}
		waits_join(&all, &x);
	}
	return all;
}

/* Where both kinds of experts sit alike there is nothing to hand over, and one sum over the devices does. */
static bool beside_experts(const struct walk *k, size_t shared)
{
	return seat_same(&k->seats[shared], &k->seats[shared + 1]);
}

static struct waits shared_block(struct walk *k, size_t block, const struct waits *after)
{
	const struct tag tag = tag_of(k, block, NULL);
	const struct seat *seat = &k->seats[block];
	struct shape s = k->shape;
	struct waits made;

	if (beside_experts(k, block))
		return prog_ops(k->prog, &s, seat, tag, after);
	s.no_end = true;
	made = prog_ops(k->prog, &s, seat, tag, after);
	return prog_whole(k->prog, &s, seat, tag, &made);
}

static struct waits experts_block(struct walk *k, size_t block, const struct feed *late,
				  const struct waits *after)
{
	const struct tag tag = tag_of(k, block, NULL);
	struct waits made = prog_ops(k->prog, &k->shape, &k->seats[block], tag, after), x;

	made = prog_whole(k->prog, &k->shape, &k->seats[block], tag, &made);
	if (!late || beside_experts(k, late->from))
		return made;
	x = fed(k, block, late);
	waits_join(&made, &x);
	return end_on(k, late->from, &k->seats[block], &made);
}

static struct waits forward(struct walk *k, size_t block, const struct waits *also)
{
	const struct tag tag = tag_of(k, block, NULL);
	struct feed feeds[FEEDS];
	const size_t n = walk_feeds(k->prog->world, &k->shape, block, feeds);
	const struct feed *late = NULL;
	struct waits after = {.n = 0};

	for (size_t i = 0; i < n; i++) {
		struct waits there;

		if (feeds[i].late) {
			late = &feeds[i];
			continue;
		}
		there = fed(k, block, &feeds[i]);
		waits_join(&after, &there);
	}
	if (also)
		waits_join(&after, also);
	if (tag.part.role == ROLE_SHARED)
		return shared_block(k, block, &after);
	if (tag.part.role == ROLE_EXPERTS)
		return experts_block(k, block, late, &after);
	return prog_block(k->prog, &k->shape, &k->seats[block], tag, &after);
}

/* ---- backward ---- */

/* What a block made was taken by some of the next three: their gradients come back. What the shared experts
 * made went into a sum, whose gradient is that of the sum. */
static struct waits backward(struct walk *k, size_t block, const struct waits *also)
{
	const struct world *w = k->prog->world;
	const struct tag tag = tag_of(k, block, NULL);
	const size_t made = tag.part.role == ROLE_SHARED ? block + 1 : block;
	struct waits after = {.n = 0};

	for (size_t taker = made + 1; taker <= walk_last(w) && taker <= made + 3; taker++) {
		struct feed feeds[FEEDS];
		const size_t n = walk_feeds(w, &k->shape, taker, feeds);

		for (size_t i = 0; i < n; i++) {
			struct waits there;

			if (feeds[i].from != made || feeds[i].late)
				continue;
			there = prog_hand_over(k->prog, &k->seats[taker], &k->seats[block], feeds[i].bytes,
					       tag_of(k, block, "activations"), &k->ends[taker]);
			waits_join(&after, &there);
		}
	}
	if (also)
		waits_join(&after, also);
	return prog_block(k->prog, &k->shape, &k->seats[block], tag, &after);
}

struct waits walk_block(struct walk *k, size_t block, const struct waits *also)
{
	k->ends[block] = k->phase == PHASE_BACKWARD ? backward(k, block, also) : forward(k, block, also);
	return k->ends[block];
}
