/* collective.c - see collective.h. */
#include "sim/step/collective.h"

#include <math.h>

#include "sim/step/ranks.h"

static struct ranks ranks_of(const struct world *w, const struct shards *shards)
{
	return (struct ranks){w, shards->unit, shards->share, shards->n};
}

static struct rounds rounds_of(const struct ranks *g, const struct collective *c, enum reduce_way way,
			       const struct rank_boxes *boxes)
{
	return (struct rounds){.way = way,
			       .gather = c->gather,
			       .n = g->n,
			       .share = g->share,
			       .box = boxes->rank,
			       .box_n = boxes->size};
}

double overhead_crossing_s(const struct overhead *o, const struct link *l, int peers)
{
	const struct qty *base = l->rdma && o->crossing_rdma.given ? &o->crossing_rdma : &o->crossing;

	return base->value + o->peer.value * peers;
}

static double opening_between_s(const struct ranks *g, int i, int j)
{
	const struct overhead *a = &g->w->units[g->unit[i]].profile->overhead,
			      *b = &g->w->units[g->unit[j]].profile->overhead;
	const struct link *l = ranks_link(g, i, j);

	return l ? l->collective_latency.value +
			       fmax(overhead_crossing_s(a, l, g->n - 1), overhead_crossing_s(b, l, g->n - 1))
		 : 0;
}

/* What software adds to the first message: of the pair for which it adds most. Of many devices, neighbours are asked. */
static double opening_s(const struct ranks *g)
{
	double most = 0;

	for (int i = 0; i < g->n; i++)
		for (int j = g->n > FEW_RANKS && i ? i - 1 : 0; j < i; j++)
			most = fmax(most, opening_between_s(g, i, j));
	return most;
}

static double way_s(const struct ranks *g, const struct collective *c, enum reduce_way way,
		    const struct rank_boxes *boxes)
{
	const struct rounds r = rounds_of(g, c, way, boxes);

	return opening_s(g) + ranks_rounds_s(g, c->bytes, &r);
}

static double ranks_s(const struct ranks *g, const struct collective *c, enum reduce_way way)
{
	struct arena a = ARENA_INIT;
	struct rank_boxes boxes = {.n = 0};
	double s = INFINITY;

	if (way != REDUCE_HIERARCHICAL || ranks_boxes(&a, g, &boxes))
		s = way_s(g, c, way, &boxes);
	arena_release(&a);
	return s;
}

double collective_s(const struct world *w, const struct shards *shards, const struct collective *c,
		    enum reduce_way way)
{
	const struct ranks g = ranks_of(w, shards);

	return ranks_s(&g, c, way);
}

double collective_units_s(const struct world *w, const size_t *unit, int n, const struct collective *c,
			  enum reduce_way way)
{
	return ranks_s(&(const struct ranks){w, unit, NULL, n}, c, way);
}

/* ---- the choice ---- */

static bool can(const struct ranks *g, enum reduce_way way)
{
	struct arena a = ARENA_INIT;
	struct rank_boxes boxes;
	const bool yes = way != REDUCE_HIERARCHICAL || ranks_boxes(&a, g, &boxes);

	arena_release(&a);
	return yes;
}

bool collective_can(const struct world *w, const struct shards *shards, enum reduce_way way)
{
	const struct ranks g = ranks_of(w, shards);

	return can(&g, way);
}

/* REDUCE_AUTO: no link asks for one that can be. */
static enum reduce_way asked_way(const struct ranks *g)
{
	for (int i = 0; i < g->n; i++) {
		for (int j = 0; j < i; j++) {
			const struct link *l = ranks_link(g, i, j);

			if (l && l->all_reduce != REDUCE_AUTO && can(g, (enum reduce_way)l->all_reduce))
				return (enum reduce_way)l->all_reduce;
		}
	}
	return REDUCE_AUTO;
}

static bool any_asks(const struct world *w)
{
	for (size_t i = 0; i < w->links_n; i++)
		if (w->links[i].all_reduce != REDUCE_AUTO)
			return true;
	return false;
}

static enum reduce_way ranks_way(const struct ranks *g, const struct collective *c)
{
	static const enum reduce_way ways[] = {REDUCE_DIRECT, REDUCE_SCATTER, REDUCE_RING,
					       REDUCE_TREE,   REDUCE_HALVING, REDUCE_HIERARCHICAL};
	const size_t from = g->n > FEW_RANKS ? 2 : 0, to = c->gather ? 5 : ARRAY_LEN(ways);
	enum reduce_way best = any_asks(g->w) ? asked_way(g) : REDUCE_AUTO;
	double least = INFINITY;

	if (best != REDUCE_AUTO)
		return best;
	best = ways[from];
	for (size_t i = from; i < to; i++) {
		const double s = ranks_s(g, c, ways[i]);

		if (s < least * (1 - 1e-9)) {
			best = ways[i];
			least = s;
		}
	}
	return best;
}

enum reduce_way collective_way(const struct world *w, const struct shards *shards, const struct collective *c)
{
	const struct ranks g = ranks_of(w, shards);

	return ranks_way(&g, c);
}

enum reduce_way collective_units_way(const struct world *w, const size_t *unit, int n,
				     const struct collective *c)
{
	return ranks_way(&(const struct ranks){w, unit, NULL, n}, c);
}

/* ---- its tasks ---- */

enum payload collective_payload(const struct collective *c, struct label label)
{
	if (label.payload == PAYLOAD_REDUCE_SCATTER)
		return label.payload;
	return c->gather ? PAYLOAD_ALL_GATHER : PAYLOAD_ALL_REDUCE;
}

struct putter {
	struct program *p;
	const struct shards *shards;
	struct label label;
	struct message like; /* bytes of the whole tensor; each hop sends a part */
	struct deps *have;   /* [device]: the tasks that delivered the data that it has */
};

/* In each round a device sends what it received in the round before. */
static void put_round(struct putter *u, const hop_list *hops, bool last)
{
	const struct shards *shards = u->shards;
	struct deps next[SHARDS_MAX];
	bool sends[SHARDS_MAX];

	for (int i = 0; i < shards->n; i++) {
		next[i].n = 0;
		sends[i] = false;
	}
	for (size_t h = 0; h < hops->n; h++) {
		const struct hop *hop = &hops->at[h];
		struct message m = u->like;
		struct deps there;

		m.from = shards->unit[hop->from];
		m.to = shards->unit[hop->to];
		m.bytes *= hop->part;
		there = program_message(u->p, &m, u->label, &u->have[hop->from]);
		deps_join(u->p, &next[hop->to], &there);
		sends[hop->from] = true;
	}
	for (int i = 0; i < shards->n; i++) {
		/* at the end every task that delivered data is a dependency of a later one */
		if (!last || !sends[i])
			deps_join(u->p, &next[i], &u->have[i]);
		u->have[i] = next[i];
	}
}

void collective_put_each(struct program *p, const struct shards *shards, const struct collective *c,
			 enum reduce_way way, struct label label, struct deps have[SHARDS_MAX])
{
	const struct ranks g = ranks_of(p->world, shards);
	struct arena scratch = ARENA_INIT;
	struct rank_boxes boxes = {.n = 0};
	struct putter u = {
		.p = p,
		.shards = shards,
		.label = label,
		.have = have,
		.like = {.kind = CLASS_REDUCE, .bytes = c->bytes, .opens = true, .peers = shards->n - 1}};
	hop_list hops = {0};
	struct rounds r;
	int rounds;

	BUG_ON(way == REDUCE_HIERARCHICAL && !ranks_boxes(&scratch, &g, &boxes));
	r = rounds_of(&g, c, way, &boxes);
	rounds = rounds_count(&r);
	u.label.payload = collective_payload(c, label);
	for (int i = 0; i < rounds; i++) {
		rounds_hops(&r, i, &hops);
		put_round(&u, &hops, i == rounds - 1);
		u.like.opens = false;
	}
	VEC_FREE(&hops);
	arena_release(&scratch);
}

struct deps collective_put(struct program *p, const struct shards *shards, const struct collective *c,
			   struct label label, const struct deps *made)
{
	struct deps have[SHARDS_MAX], all = {.n = 0};

	for (int i = 0; i < shards->n; i++)
		have[i] = deps_of(p, made->task[i]);
	collective_put_each(p, shards, c, collective_way(p->world, shards, c), label, have);
	for (int i = 0; i < shards->n; i++)
		deps_join(p, &all, &have[i]);
	return all;
}
