/* gathers.c - see gathers.h. */
#include "sim/train/gathers.h"

#include <string.h>

#include "sim/step/collective.h"
#include "sim/step/equals.h"
#include "sim/train/gradients.h"

static struct label label_of(const struct gathers *g, const struct block_pass *pass)
{
	struct label label = stages_label(g->st, &g->st->replicas[pass->replica], pass->block, pass->kind);

	label.micro = pass->micro;
	return label;
}

/* The whole weights of a block, in the dtype that is computed in. */
static double weights_B(const struct gathers *g, size_t block)
{
	const struct world *w = g->p->world;
	const struct block b = model_block(w->model, block);

	return format_bytes((enum format_id)w->scenario->precision.compute, part_weights(w->model, b.part));
}

/* Gathers bytes of weights over the ranks that the devices stand for. */
static struct deps gather_equals(struct gathers *g, const struct shards *on, double bytes, struct label label,
				 const struct deps *after)
{
	struct deps all = {.n = 0};

	for (int i = 0; i < on->n; i++) {
		const struct collective c = {.gather = true, .bytes = bytes * on->share[i]};
		const struct deps one = gradients_collective(g->p, g->t, on->unit[i], &c, label, after);

		deps_join(g->p, &all, &one);
	}
	return all;
}

/* Gathers them over the replicas of a data split. */
static void gather_split(struct gathers *g, size_t block, double bytes, struct label label,
			 struct deps of[SHARDS_MAX])
{
	const struct shards *first = &g->st->replicas[0].at.shard_groups[PHASE_FORWARD][block];
	const struct collective c = {.gather = true, .bytes = bytes * first->share[0]};
	struct shards shards = {.n = (int)g->st->n};
	enum reduce_way way = (enum reduce_way)g->t->options.all_reduce;

	for (size_t i = 0; i < g->st->n; i++) {
		shards.unit[i] = g->st->replicas[i].at.shard_groups[PHASE_FORWARD][block].unit[0];
		shards.share[i] = 1 / (double)g->st->n;
	}
	if (way == REDUCE_AUTO || !collective_can(g->p->world, &shards, way))
		way = collective_way(g->p->world, &shards, &c);
	collective_put_each(g->p, &shards, &c, way, label, of);
}

/* Gathers what replicas have updated, one block after the other in the order in which they are needed: they are operations of one
 * stream. A stage has streams of its own. newest: [unit][replica], what the first one waits for; replaced. of:
 * [block][replica], when it is there; may be NULL. */
static void gather_all(struct gathers *g, enum phase phase, struct deps (*newest)[SHARDS_MAX],
		       struct deps (*of)[SHARDS_MAX])
{
	for (size_t b = g->st->first; b <= g->st->last; b++) {
		const struct block_pass pass = {.micro = g->st->replicas[0].first, .block = (uint32_t)b};
		const struct shards *on = &g->st->replicas[0].at.shard_groups[PHASE_FORWARD][b];
		const double bytes = stages_weights_B(g->st, b);
		struct deps *last = newest[on->unit[0]];
		struct label label = label_of(g, &pass);

		label.phase = phase;
		if (bytes > 0 && g->st->n > 1)
			gather_split(g, b, bytes, label, last);
		else if (bytes > 0)
			last[0] = gather_equals(g, on, bytes, label, &last[0]);
		if (of)
			memcpy(of[b], last, sizeof of[b]);
	}
}

struct gathers gathers_begin(struct arena *a, struct program *p, const struct placement *at,
			     const struct stages *st)
{
	const struct train *t = &st->trainable.train;
	const bool shared = t->options.zero && stages_replicas(at) > 1;
	struct gathers g = {.p = p,
			    .st = st,
			    .t = t,
			    .ahead = shared && t->options.step_overlap && t->options.zero < 3,
			    .behind = shared && !t->options.step_overlap && t->options.zero < 3,
			    .always = shared && t->options.zero > 2};

	if (g.always)
		g.before = arena_array(a, p->world->units_n, sizeof *g.before);
	if (g.ahead) {
		g.of = arena_array(a, at->blocks_n, sizeof *g.of);
		gather_all(&g, PHASE_FORWARD, arena_array(a, p->world->units_n, sizeof *g.updated), g.of);
	}
	if (g.behind)
		g.updated = arena_array(a, p->world->units_n, sizeof *g.updated);
	return g;
}

void gathers_note_update(struct gathers *g, size_t replica, size_t block, const struct deps *x)
{
	const struct shards *on = &g->st->replicas[0].at.shard_groups[PHASE_FORWARD][block];

	if (g->behind)
		deps_join(g->p, &g->updated[on->unit[0]][replica], x);
}

void gathers_end(struct gathers *g)
{
	if (g->behind)
		gather_all(g, PHASE_UPDATE, g->updated, NULL);
}

bool gathers_awaits(const struct gathers *g, const struct data_replica *r, uint32_t micro,
		    enum pass_kind kind)
{
	return g->always || (g->ahead && kind == PASS_FORWARD && micro == r->first);
}

void gathers_await(struct gathers *g, const struct block_pass *pass, const struct shards *on,
		   struct deps *also)
{
	const struct data_replica *r = &g->st->replicas[pass->replica];
	struct deps there;

	if (!g->always && gathers_awaits(g, r, pass->micro, pass->kind))
		deps_join(g->p, also, &g->of[pass->block][pass->replica]);
	if (!g->always)
		return;
	there = gather_equals(g, on, weights_B(g, pass->block), label_of(g, pass),
			      &g->before[on->unit[0]][GATHERED_BLOCKS - 1]);
	deps_join(g->p, also, &there);
}

void gathers_note(struct gathers *g, const struct shards *on, const struct deps *x)
{
	struct deps *before = g->always ? g->before[on->unit[0]] : NULL;

	for (size_t i = GATHERED_BLOCKS - 1; before && i > 0; i--)
		before[i] = before[i - 1];
	if (before)
		before[0] = *x;
}
