/* walk.c - see walk.h. */
#include "sim/step/walk.h"

#include "sim/llm/memory.h"
#include "sim/step/exchange.h"

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

static struct tag tag_of(const struct walk *k, size_t block)
{
	const struct block b = model_block(k->prog->world->model, block);

	return (struct tag){
		.phase = k->phase, .part = b.part, .layer = b.layer, .micro = k->micro, .half = k->half};
}

static size_t router_of(const struct walk *k, size_t block)
{
	const struct model *m = k->prog->world->model;

	return model_block_of(m, ROLE_ROUTER, model_block(m, block).layer);
}

const struct seat *walk_out(const struct walk *k, size_t block)
{
	return &k->seats[k->seats[block].by_experts ? router_of(k, block) : block];
}

static double rows_B(const struct walk *k)
{
	return numbers_B(k->prog->world,
			 (double)(k->shape.batch * k->shape.tokens) * (double)k->prog->world->model->hidden);
}

/* What of a seat is on machines that another seat uses too, and what is not. */
struct halves {
	struct seat with, without;
};
static struct halves part_seat(const struct world *w, const struct seat *seat, const struct seat *other)
{
	struct halves h = {{.n = 0}, {.n = 0}};

	for (int i = 0; i < seat->n; i++) {
		struct seat *to = seat_beside(w, other, seat->unit[i]) ? &h.with : &h.without;

		to->unit[to->n++] = seat->unit[i];
	}
	return h;
}

/* From where `from` is whole. */
static struct waits carry(struct walk *k, size_t from, const struct seat *to, double bytes, struct tag tag)
{
	tag.what = "activations";
	return prog_hand_over(k->prog, walk_out(k, from), to, bytes, tag, &k->ends[from]);
}

/* ---- forward ---- */

/* Where both kinds of experts sit alike there is nothing to hand over, and one sum over the devices does. */
static bool sit_alike(const struct walk *k, size_t shared, size_t experts)
{
	return seat_same(&k->seats[shared], &k->seats[experts]);
}

static struct waits shared_forward(struct walk *k, size_t block, const struct waits *after)
{
	const struct tag tag = tag_of(k, block);
	const struct seat *seat = &k->seats[block];
	struct shape s = k->shape;
	struct waits made;

	if (sit_alike(k, block, block + 1))
		return prog_ops(k->prog, &s, seat, tag, after);
	s.no_end = true;
	made = prog_ops(k->prog, &s, seat, tag, after);
	/* beside the router its parts join those of the experts that are somewhere else */
	return k->seats[block + 1].by_experts && sit_alike(k, block, router_of(k, block))
		       ? made
		       : prog_whole(k->prog, &s, seat, tag, &made);
}

/* What the shared experts made elsewhere comes to where the others end. */
static struct waits add_shared(struct walk *k, const struct feed *late, const struct seat *seat,
			       struct waits x)
{
	const struct waits sum = carry(k, late->from, seat, late->bytes, tag_of(k, late->from));

	waits_join(&x, &sum);
	return prog_end(k->prog, &k->shape, seat, tag_of(k, late->from), &x);
}

static struct waits experts_forward(struct walk *k, size_t block, const struct feed *late,
				    const struct waits *after)
{
	const struct tag tag = tag_of(k, block);
	const struct seat *seat = &k->seats[block];
	const struct waits made = prog_ops(k->prog, &k->shape, seat, tag, after);
	const struct waits x = prog_whole(k->prog, &k->shape, seat, tag, &made);

	return late && !sit_alike(k, late->from, block) ? add_shared(k, late, seat, x) : x;
}

static struct exchange exchange_of(struct walk *k, size_t block)
{
	return (struct exchange){k->prog, &k->shape, &k->seats[block], walk_out(k, block), tag_of(k, block)};
}

static struct waits exchange_forward(struct walk *k, size_t block, const struct feed *late,
				     const struct waits *after)
{
	const struct exchange e = exchange_of(k, block);
	const bool joins = late && sit_alike(k, late->from, router_of(k, block));
	struct waits x = exchange_put(&e, after, joins ? &k->ends[late->from] : NULL);

	if (joins)
		x = prog_end(k->prog, &k->shape, e.home, tag_of(k, late->from), &x);
	else if (late)
		x = add_shared(k, late, e.home, x);
	return prog_end(k->prog, &k->shape, e.home, e.tag, &x);
}

static struct waits exchange_backward(struct walk *k, size_t block, const struct waits *after)
{
	const struct exchange e = exchange_of(k, block);
	const struct waits begun = prog_end(k->prog, &k->shape, e.home, e.tag, after);

	return exchange_put(&e, &begun, NULL);
}

/* The router's rows are sent once to a machine that has experts of both kinds. */
static struct waits feed_experts(struct walk *k, size_t block, const struct feed *f, size_t shared)
{
	const struct halves to = part_seat(k->prog->world, &k->seats[block], &k->seats[shared]);
	struct waits there = carry(k, f->from, &to.without, f->bytes, tag_of(k, block)), rest;

	if (!to.with.n)
		return there;
	rest = carry(k, f->from, &to.with, f->bytes - rows_B(k), tag_of(k, block));
	waits_join(&there, &rest);
	waits_join(&there, &k->rows);
	return there;
}

/* What every device of a split makes whole for itself, the next block on the same devices has once its own
 * device is through, which its queue sees to. */
static bool each_has_its_own(const struct walk *k, size_t from, size_t block)
{
	const enum role role = model_block(k->prog->world->model, from).part.role;

	return (role == ROLE_EMBEDDING || role == ROLE_ROUTER) && k->seats[from].n > 1 &&
	       seat_same(&k->seats[from], &k->seats[block]);
}

static struct waits forward(struct walk *k, size_t block, const struct waits *also)
{
	const struct tag tag = tag_of(k, block);
	struct feed feeds[FEEDS];
	const size_t n = walk_feeds(k->prog->world, &k->shape, block, feeds);
	const struct feed *late = n > 1 ? &feeds[1] : NULL;
	struct waits after = {.n = 0};

	if (k->seats[block].by_experts)
		after = k->ends[router_of(k, block)];
	else if (n && each_has_its_own(k, feeds[0].from, block))
		after.n = 0;
	else if (late)
		after = feed_experts(k, block, &feeds[0], late->from);
	else if (n)
		after = carry(k, feeds[0].from, &k->seats[block], feeds[0].bytes, tag);
	k->rows = after;
	if (also)
		waits_join(&after, also);
	if (tag.part.role == ROLE_SHARED)
		return shared_forward(k, block, &after);
	if (k->seats[block].by_experts)
		return exchange_forward(k, block, late, &after);
	if (tag.part.role == ROLE_EXPERTS)
		return experts_forward(k, block, late, &after);
	return prog_block(k->prog, &k->shape, &k->seats[block], tag, &after);
}

/* ---- backward ---- */

/* The gradient of a block's output, from the one behind it that took it. */
static struct waits gradient(struct walk *k, size_t block, const struct seat *to, struct tag tag)
{
	struct feed feeds[FEEDS];

	if (block == walk_last(k->prog->world))
		return (struct waits){.n = 0};
	walk_feeds(k->prog->world, &k->shape, block + 1, feeds);
	return carry(k, block + 1, to, feeds[0].bytes, tag);
}

/* What the shared experts made went into the experts' sum: its gradient is that of the sum, and it is sent
 * once to a machine that has both. */
static struct waits gradient_of_shared(struct walk *k, size_t block)
{
	const struct halves to = part_seat(k->prog->world, &k->seats[block], walk_out(k, block + 1));
	struct waits there = gradient(k, block + 1, &to.without, tag_of(k, block));

	if (to.with.n)
		waits_join(&there, &k->rows);
	return there;
}

/* From both kinds of experts; where they are on one machine, their sum. */
static struct waits gradient_of_router(struct walk *k, size_t block)
{
	const struct world *w = k->prog->world;
	const struct tag tag = tag_of(k, block);
	const struct seat *seat = &k->seats[block];
	const size_t experts = model_block_of(w->model, ROLE_EXPERTS, tag.layer), shared = block + 1;
	struct feed f[FEEDS];
	struct waits one, there;

	walk_feeds(w, &k->shape, experts, f);
	if (shared != experts && seat_beside(w, walk_out(k, experts), k->seats[shared].unit[0])) {
		waits_join(&k->ends[experts], &k->ends[shared]);
		return carry(k, experts, seat, f[0].bytes, tag);
	}
	there = carry(k, experts, seat, f[0].bytes, tag);
	if (shared != experts) {
		one = carry(k, shared, seat, rows_B(k), tag);
		waits_join(&there, &one);
	}
	return there;
}

static struct waits backward(struct walk *k, size_t block, const struct waits *also)
{
	const struct tag tag = tag_of(k, block);
	struct waits after;

	if (tag.part.role == ROLE_ROUTER)
		after = gradient_of_router(k, block);
	else if (tag.part.role == ROLE_SHARED)
		after = gradient_of_shared(k, block);
	else
		after = gradient(k, block, walk_out(k, block), tag);
	k->rows = after;
	if (also)
		waits_join(&after, also);
	if (k->seats[block].by_experts)
		return exchange_backward(k, block, &after);
	return prog_block(k->prog, &k->shape, &k->seats[block], tag, &after);
}

struct waits walk_block(struct walk *k, size_t block, const struct waits *also)
{
	k->ends[block] = k->phase == PHASE_BACKWARD ? backward(k, block, also) : forward(k, block, also);
	return k->ends[block];
}
