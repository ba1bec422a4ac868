/* collective.c - see collective.h. */
#include "sim/step/collective.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/step/rounds.h"

/* The devices of an operation. */
struct ranks {
	const struct world *w;
	const size_t *unit;  /* [rank] */
	const double *share; /* NULL: all the same */
	int n;
};

/* From so many devices on, formulas take what repeats as a sum, and all to all is not tried. */
enum { FEW_RANKS = 64 };

static struct ranks ranks_of(const struct world *w, const struct shards *shards)
{
	return (struct ranks){w, shards->unit, shards->share, shards->n};
}

static size_t machine_of(const struct ranks *g, int i)
{
	return g->w->units[g->unit[i]].machine;
}

/* NULL: both are on one machine. */
static const struct link_use *use_between(const struct ranks *g, int i, int j)
{
	const size_t a = machine_of(g, i), b = machine_of(g, j);

	return a == b ? NULL : &g->w->link_uses[world_link_use(g->w, a, b)];
}

static const struct link *link_between(const struct ranks *g, int i, int j)
{
	const struct link_use *u = use_between(g, i, j);

	return u ? u->link : NULL;
}

static const struct link_way *way_between(const struct ranks *g, const struct link_use *u, int from)
{
	return &u->ways[link_use_from(u, machine_of(g, from))];
}

/* ---- boxes ---- */

struct boxes {
	int *rank; /* [box * size + place] */
	int n, size;
};

struct speeds {
	double least, most; /* byte/s */
};

static void count_speed(struct speeds *s, const struct link *l)
{
	const double Bps = l ? l->bandwidth.value : INFINITY;

	s->least = fmin(s->least, Bps);
	s->most = fmax(s->most, Bps);
}

static struct speeds speeds_of(const struct ranks *g)
{
	struct speeds s = {INFINITY, 0};

	for (int i = 1; i < g->n; i++) {
		count_speed(&s, link_between(g, i - 1, i));
		count_speed(&s, link_between(g, 0, i));
	}
	return s;
}

/* Two devices of one machine, or joined by a faster link than the slowest; where all links are as fast, those of one leaf
 * of a fat tree. */
static bool are_near(const struct ranks *g, int i, int j, struct speeds speeds)
{
	const struct link_use *u = use_between(g, i, j);

	if (speeds.most > speeds.least)
		return !u || u->link->bandwidth.value > speeds.least;
	return !u || u->one_leaf;
}

static bool in_leaves(const struct ranks *g)
{
	for (size_t i = 0; i < g->w->links_n; i++)
		if (link_topology(&g->w->links[i]) == TOPOLOGY_FAT_TREE)
			return true;
	return false;
}

static bool are_all_near(const struct ranks *g, const int *rank, int n, struct speeds speeds)
{
	for (int i = 0; i < n; i++)
		for (int j = 0; j < i; j++)
			if (!are_near(g, rank[i], rank[j], speeds))
				return false;
	return true;
}

/* Each device joins the first box that it is near to; false where boxes are not of one size, or nothing is gained. */
static bool find_boxes(struct arena *a, const struct ranks *g, struct boxes *out)
{
	const struct speeds speeds = speeds_of(g);
	int *first = arena_array(a, (size_t)g->n, sizeof *first),
	    *size = arena_array(a, (size_t)g->n, sizeof *size),
	    *box = arena_array(a, (size_t)g->n, sizeof *box);

	*out = (struct boxes){.n = 0};
	if (speeds.most <= speeds.least && !in_leaves(g))
		return false;
	for (int i = 0; i < g->n; i++) {
		if (i && are_near(g, first[box[i - 1]], i, speeds))
			box[i] = box[i - 1]; /* mostly neighbours share one */
		while (box[i] < out->n && !are_near(g, first[box[i]], i, speeds))
			box[i]++;
		if (box[i] == out->n)
			first[out->n++] = i;
		size[box[i]]++;
	}
	out->size = size[0];
	out->rank = arena_array(a, (size_t)g->n, sizeof *out->rank);
	if (out->size < 2 || out->n < 2 || out->n * out->size != g->n)
		return false;
	memset(size, 0, (size_t)g->n * sizeof *size);
	for (int i = 0; i < g->n; i++) {
		if (size[box[i]] == out->size)
			return false;
		out->rank[box[i] * out->size + size[box[i]]++] = i;
	}
	for (int b = 0; b < out->n; b++)
		if (!are_all_near(g, out->rank + b * out->size, out->size, speeds))
			return false;
	return true;
}

static struct rounds rounds_of(const struct ranks *g, const struct collective *c, enum reduce_way way,
			       const struct boxes *boxes)
{
	return (struct rounds){.way = way,
			       .gather = c->gather,
			       .n = g->n,
			       .share = g->share,
			       .box = boxes->rank,
			       .box_n = boxes->size};
}

/* ---- time by formula ---- */

struct clock {
	const struct ranks *g;
	double bytes;                 /* of the whole tensor */
	double *at_s, *next_s;        /* [rank]: when it has its data; after this round */
	double *send_s, *receive_s;   /* [rank]: host copies of this round */
	double *load_B;               /* [part of the network]: in this round */
	bool copies;                  /* some link has host copies */
	const struct link *last_link; /* what carry_s() was asked last */
	double last_B, last_s;
};

static struct clock clock_new(struct arena *a, const struct ranks *g, double bytes)
{
	const size_t n = (size_t)g->n;
	struct clock k = {.g = g, .bytes = bytes};

	k.at_s = arena_array(a, n, sizeof *k.at_s);
	k.next_s = arena_array(a, n, sizeof *k.next_s);
	k.send_s = arena_array(a, n, sizeof *k.send_s);
	k.receive_s = arena_array(a, n, sizeof *k.receive_s);
	k.load_B = arena_array(a, g->w->parts_n, sizeof *k.load_B);
	for (size_t i = 0; i < g->w->links_n; i++)
		k.copies |= g->w->links[i].send_copy.given || g->w->links[i].receive_copy.given;
	return k;
}

static double carry_s(struct clock *k, const struct link *l, double bytes)
{
	if (l != k->last_link || bytes != k->last_B) {
		k->last_link = l;
		k->last_B = bytes;
		k->last_s = bytes / link_rate(l, bytes).value;
	}
	return k->last_s;
}

/* The cable, or whatever else, that a message is on next after `machine`, which it is moved on to. */
static const struct link_way *next_hop(const struct ranks *g, const struct link_way *way, size_t i,
				       size_t *machine)
{
	const struct link_use *hop = &g->w->link_uses[way->hops[i]];
	const int end = link_use_from(hop, *machine);

	*machine = hop->ends[1 - end];
	return &hop->ways[end];
}

static void load_way(struct clock *k, const struct link_way *way, double bytes)
{
	for (size_t i = 0; i < way->parts_n; i++)
		k->load_B[way->parts[i]] += bytes;
}

static void load(struct clock *k, const struct hop *h, double bytes)
{
	const struct link_use *u = use_between(k->g, h->from, h->to);
	size_t machine = machine_of(k->g, h->from);
	const struct link_way *way;

	if (!u)
		return;
	way = way_between(k->g, u, h->from);
	if (!way->hops_n)
		load_way(k, way, bytes);
	for (size_t i = 0; i < way->hops_n; i++)
		load_way(k, next_hop(k->g, way, i, &machine), bytes);
}

/* The time that the busiest part on the way takes for all that goes through it in this round. */
static double busiest_s(const struct clock *k, const struct link_way *way)
{
	double most = 0;

	for (size_t i = 0; i < way->parts_n; i++) {
		const struct shared_part *part = &k->g->w->parts[way->parts[i]];

		most = fmax(most, k->load_B[way->parts[i]] / (part->bandwidth->value * part->times));
	}
	return most;
}

/* Where machines store messages, a message waits on each cable by itself. */
static double wire_s(struct clock *k, const struct link_use *u, int from, double bytes)
{
	const struct link_way *way = way_between(k->g, u, from);
	const double alone_s = carry_s(k, u->link, bytes);
	size_t machine = machine_of(k->g, from);
	double wait_s = 0;

	if (!way->hops_n)
		return u->link->latency.value + fmax(alone_s, busiest_s(k, way));
	for (size_t i = 0; i < way->hops_n; i++) {
		const struct link *cable = k->g->w->link_uses[way->hops[i]].link;
		const struct link_way *hop = next_hop(k->g, way, i, &machine);

		wait_s += fmax(0, busiest_s(k, hop) - bytes / link_rate(cable, bytes).value);
	}
	return u->link->latency.value + alone_s + wait_s;
}

/* A device makes its host copies one after the other. */
static void add_copies(struct clock *k, const hop_list *hops)
{
	for (int i = 0; i < k->g->n; i++)
		k->send_s[i] = k->receive_s[i] = 0;
	for (size_t i = 0; i < hops->n; i++) {
		const struct hop *h = &hops->at[i];
		const struct link *l = link_between(k->g, h->from, h->to);

		if (l && l->send_copy.given)
			k->send_s[h->from] += h->part * k->bytes / l->send_copy.value;
		if (l && l->receive_copy.given)
			k->receive_s[h->to] += h->part * k->bytes / l->receive_copy.value;
	}
}

/* Advances the time at which each device has its data by one round. */
static void pass_round(struct clock *k, const hop_list *hops)
{
	double *next_s = k->next_s;

	if (k->copies)
		add_copies(k, hops);
	if (k->g->w->parts_n)
		memset(k->load_B, 0, k->g->w->parts_n * sizeof *k->load_B);
	for (size_t i = 0; i < hops->n && k->g->w->parts_n; i++)
		load(k, &hops->at[i], hops->at[i].part * k->bytes);
	memcpy(next_s, k->at_s, (size_t)k->g->n * sizeof *next_s);
	for (size_t i = 0; i < hops->n; i++) {
		const struct hop *h = &hops->at[i];
		const struct link_use *u = use_between(k->g, h->from, h->to);
		double there_s = k->at_s[h->from] + k->send_s[h->from];

		there_s += u ? wire_s(k, u, h->from, h->part * k->bytes) + k->receive_s[h->to] : 0;
		next_s[h->to] = fmax(next_s[h->to], there_s);
	}
	k->next_s = k->at_s;
	k->at_s = next_s;
}

static double latest_s(const struct clock *k)
{
	double last_s = 0;

	for (int i = 0; i < k->g->n; i++)
		last_s = fmax(last_s, k->at_s[i]);
	return last_s;
}

/* All rounds of a ring are alike, and a device waits for the one before it alone: after r rounds it has waited for the r
 * messages before it, which the ring holds again and again. */
static double ring_s(struct clock *k, const struct rounds *r)
{
	const int n = r->n, rounds = rounds_count(r);
	double all_s = 0, last_s = 0, rest_s = 0;
	hop_list hops = {0};

	rounds_hops(r, 0, &hops);
	pass_round(k, &hops); /* at_s[i]: the time of the message to i */
	VEC_FREE(&hops);
	for (int i = 0; i < n; i++)
		all_s += k->at_s[i];
	for (int i = 0; i < rounds % n; i++)
		rest_s += k->at_s[i];
	for (int i = 0; i < n; i++) {
		last_s = fmax(last_s, rest_s);
		rest_s += k->at_s[(i + rounds % n) % n] - k->at_s[i];
	}
	return all_s * (rounds / n) + last_s;
}

/* Whether a message between any two devices meets the same, if each sends and gets but one: the only link is a switch that
 * blocks nothing, or cables between every two, and each device is on a machine of its own. */
static bool are_alike(struct arena *a, const struct ranks *g)
{
	const struct link *l = g->w->links;
	const enum topology t = g->w->links_n == 1 ? link_topology(l) : TOPOLOGY_N;
	bool *taken = arena_array(a, g->w->machines_n, sizeof *taken);

	if ((t != TOPOLOGY_SWITCH && t != TOPOLOGY_MESH) || l->backplane.given || l->duplex == DUPLEX_HALF ||
	    l->send_copy.given || l->receive_copy.given)
		return false;
	for (int i = 0; i < g->n; i++) {
		if (taken[machine_of(g, i)])
			return false;
		taken[machine_of(g, i)] = true;
	}
	return true;
}

/* Where all devices are alike, they end each round together. INFINITY: the algorithm is not so even. */
static double even_s(const struct ranks *g, const struct collective *c, const struct rounds *r)
{
	const struct link *l = link_between(g, 0, 1);
	const int rounds = rounds_count(r);
	double s = 0;

	for (int i = 0; i < rounds; i++) {
		const double bytes = rounds_each(r, i) * c->bytes;

		if (!(bytes > 0))
			return INFINITY;
		s += l->latency.value + bytes / link_rate(l, bytes).value;
	}
	return s;
}

static double rounds_s(const struct ranks *g, const struct collective *c, const struct rounds *r)
{
	struct arena a = ARENA_INIT;
	struct clock k = clock_new(&a, g, c->bytes);
	const int rounds = rounds_count(r);
	const bool many = g->n > FEW_RANKS;
	double s = many && are_alike(&a, g) ? even_s(g, c, r) : INFINITY;
	hop_list hops = {0};

	if (isinf(s) && many && r->way == REDUCE_RING)
		s = ring_s(&k, r);
	for (int i = 0; i < rounds && isinf(s); i++) {
		if (r->way != REDUCE_RING || !i)
			rounds_hops(r, i, &hops);
		pass_round(&k, &hops);
	}
	if (isinf(s))
		s = latest_s(&k);
	VEC_FREE(&hops);
	arena_release(&a);
	return s;
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
	const struct link *l = link_between(g, i, j);

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
		    const struct boxes *boxes)
{
	const struct rounds r = rounds_of(g, c, way, boxes);

	return opening_s(g) + rounds_s(g, c, &r);
}

static double ranks_s(const struct ranks *g, const struct collective *c, enum reduce_way way)
{
	struct arena a = ARENA_INIT;
	struct boxes boxes = {.n = 0};
	double s = INFINITY;

	if (way != REDUCE_HIERARCHICAL || find_boxes(&a, g, &boxes))
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
	struct boxes boxes;
	const bool yes = way != REDUCE_HIERARCHICAL || find_boxes(&a, g, &boxes);

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
			const struct link *l = link_between(g, i, j);

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
	struct boxes boxes = {.n = 0};
	struct putter u = {
		.p = p,
		.shards = shards,
		.label = label,
		.have = have,
		.like = {.kind = CLASS_REDUCE, .bytes = c->bytes, .opens = true, .peers = shards->n - 1}};
	hop_list hops = {0};
	struct rounds r;
	int rounds;

	BUG_ON(way == REDUCE_HIERARCHICAL && !find_boxes(&scratch, &g, &boxes));
	r = rounds_of(&g, c, way, &boxes);
	rounds = rounds_count(&r);
	u.label.payload = c->gather ? PAYLOAD_ALL_GATHER : PAYLOAD_ALL_REDUCE;
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
