/* collective.c - see collective.h. */
#include "sim/step/collective.h"

#include <math.h>
#include <string.h>

/* One message of a round, between devices of the shard group; part: as a share of the tensor. */
struct hop {
	int from, to;
	double part;
};
enum { HOPS = SHARDS_MAX * (SHARDS_MAX - 1) };

static int power_below(int n)
{
	int m = 1;

	while (2 * m <= n)
		m *= 2;
	return m;
}

static int rounds_of(const struct collective *c, enum reduce_way way, int n)
{
	int rounds = 0;

	switch (way) {
	case REDUCE_RING:
		return (c->gather ? 1 : 2) * (n - 1);
	case REDUCE_DIRECT:
		return 1;
	case REDUCE_SCATTER:
		return c->gather ? 1 : 2;
	case REDUCE_TREE:
		for (int m = 1; m < power_below(n); m *= 2)
			rounds++;
		return c->gather ? 1 : rounds + (power_below(n) < n ? 2 : 0);
	case REDUCE_AUTO:
		break;
	}
	BUG("way %d", (int)way);
}

static int tree_hops(int n, int round, struct hop *out)
{
	const int m = power_below(n), extra = n - m;
	int used = 0, far;

	if (extra && round == 0) {
		for (int i = m; i < n; i++)
			out[used++] = (struct hop){i, i - m, 1};
		return used;
	}
	far = 1 << (round - (extra ? 1 : 0));
	if (far == m) {
		for (int i = m; i < n; i++)
			out[used++] = (struct hop){i - m, i, 1};
		return used;
	}
	for (int i = 0; i < m; i++)
		out[used++] = (struct hop){i, i ^ far, 1};
	return used;
}

static int hops_of(const struct collective *c, enum reduce_way way, const struct shards *shards, int round,
		   struct hop *out)
{
	const int n = shards->n;
	int used = 0;

	if (way == REDUCE_RING) {
		for (int i = 0; i < n; i++)
			out[used++] = (struct hop){i, (i + 1) % n, 1.0 / n};
		return used;
	}
	if (way == REDUCE_TREE && !c->gather)
		return tree_hops(n, round, out);
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			if (i != j)
				out[used++] = (struct hop){i, j,
							   c->gather               ? shards->share[i]
							   : way == REDUCE_SCATTER ? 1.0 / n
										   : 1};
	return used;
}

static const struct link *link_between(const struct world *w, const struct shards *shards, int i, int j)
{
	const size_t a = w->units[shards->unit[i]].machine, b = w->units[shards->unit[j]].machine;

	return a == b ? NULL : w->link_uses[world_link_use(w, a, b)].link;
}

static double wire_s(const struct link *l, double bytes, bool both_ways)
{
	return l->latency.value +
	       bytes / link_rate(l, bytes).value * (both_ways && l->duplex == DUPLEX_HALF ? 2 : 1);
}

/* Advances the time at which each device has its data by one round. A device makes its host copies one
 * after the other. */
static void pass_round(const struct world *w, const struct shards *shards, double bytes,
		       const struct hop *hops, double at_s[SHARDS_MAX])
{
	double send_s[SHARDS_MAX] = {0}, receive_s[SHARDS_MAX] = {0}, next_s[SHARDS_MAX];

	for (const struct hop *h = hops; h->part > 0; h++) {
		const struct link *l = link_between(w, shards, h->from, h->to);

		if (l && l->send_copy.given)
			send_s[h->from] += h->part * bytes / l->send_copy.value;
		if (l && l->receive_copy.given)
			receive_s[h->to] += h->part * bytes / l->receive_copy.value;
	}
	memcpy(next_s, at_s, sizeof next_s);
	for (const struct hop *h = hops; h->part > 0; h++) {
		const struct link *l = link_between(w, shards, h->from, h->to);
		double there_s = at_s[h->from] + send_s[h->from];
		bool back = false;

		for (const struct hop *k = hops; k->part > 0; k++)
			back |= k->from == h->to && k->to == h->from;
		there_s += l ? wire_s(l, h->part * bytes, back) + receive_s[h->to] : 0;
		next_s[h->to] = fmax(next_s[h->to], there_s);
	}
	memcpy(at_s, next_s, sizeof next_s);
}

static const struct overhead *overhead_of(const struct world *w, const struct shards *shards, int i)
{
	return &w->units[shards->unit[i]].profile->overhead;
}

double overhead_crossing_s(const struct overhead *o, const struct link *l, int peers)
{
	const struct qty *base = l->rdma && o->crossing_rdma.given ? &o->crossing_rdma : &o->crossing;

	return base->value + o->peer.value * peers;
}

static double opening_s(const struct world *w, const struct shards *shards)
{
	double most = 0;

	for (int i = 0; i < shards->n; i++) {
		for (int j = 0; j < i; j++) {
			const struct link *l = link_between(w, shards, i, j);

			if (l)
				most = fmax(most, l->collective_latency.value +
							  fmax(overhead_crossing_s(overhead_of(w, shards, i),
										   l, shards->n - 1),
							       overhead_crossing_s(overhead_of(w, shards, j),
										   l, shards->n - 1)));
		}
	}
	return most;
}

double collective_s(const struct world *w, const struct shards *shards, const struct collective *c,
		    enum reduce_way way)
{
	const int rounds = rounds_of(c, way, shards->n);
	double at_s[SHARDS_MAX] = {0}, last_s = 0;
	struct hop hops[HOPS + 1];

	for (int r = 0; r < rounds; r++) {
		hops[hops_of(c, way, shards, r, hops)].part = 0; /* the end */
		pass_round(w, shards, c->bytes, hops, at_s);
	}
	for (int i = 0; i < shards->n; i++)
		last_s = fmax(last_s, at_s[i]);
	return opening_s(w, shards) + last_s;
}

enum reduce_way collective_way(const struct world *w, const struct shards *shards, const struct collective *c)
{
	static const enum reduce_way ways[] = {REDUCE_DIRECT, REDUCE_SCATTER, REDUCE_RING, REDUCE_TREE};
	enum reduce_way best = REDUCE_DIRECT;
	double least = INFINITY;

	for (int i = 0; i < shards->n; i++) {
		for (int j = 0; j < i; j++) {
			const struct link *l = link_between(w, shards, i, j);

			if (l && l->all_reduce != REDUCE_AUTO)
				return (enum reduce_way)l->all_reduce;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		const double s = collective_s(w, shards, c, ways[i]);

		if (s < least * (1 - 1e-9)) {
			best = ways[i];
			least = s;
		}
	}
	return best;
}

struct putter {
	struct program *p;
	const struct shards *shards;
	struct label label;
	struct message like;          /* bytes of the whole tensor; each hop sends a part */
	struct deps have[SHARDS_MAX]; /* [device]: the tasks that delivered the data that it has */
};

/* In each round a device sends what it received in the round before. */
static void put_round(struct putter *u, const struct hop *hops, int n, bool last)
{
	const struct shards *shards = u->shards;
	struct deps next[SHARDS_MAX];
	bool sends[SHARDS_MAX] = {false};

	for (int i = 0; i < shards->n; i++)
		next[i].n = 0;
	for (int h = 0; h < n; h++) {
		struct message m = u->like;
		struct deps there;

		m.from = shards->unit[hops[h].from];
		m.to = shards->unit[hops[h].to];
		m.bytes *= hops[h].part;
		there = program_message(u->p, &m, u->label, &u->have[hops[h].from]);
		deps_join(u->p, &next[hops[h].to], &there);
		sends[hops[h].from] = true;
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
	const int rounds = rounds_of(c, way, shards->n);
	struct putter u = {
		.p = p,
		.shards = shards,
		.label = label,
		.like = {.kind = CLASS_REDUCE, .bytes = c->bytes, .opens = true, .peers = shards->n - 1}};
	struct hop hops[HOPS];

	u.label.payload = c->gather ? PAYLOAD_ALL_GATHER : PAYLOAD_ALL_REDUCE;
	memcpy(u.have, have, sizeof u.have);
	for (int r = 0; r < rounds; r++) {
		const int n = hops_of(c, way, shards, r, hops);

		put_round(&u, hops, n, r == rounds - 1);
		u.like.opens = false;
	}
	memcpy(have, u.have, sizeof u.have);
}

struct deps collective_put(struct program *p, const struct shards *shards, const struct collective *c,
			   struct label label, const struct deps *made)
{
	struct deps have[SHARDS_MAX] = {0}, all = {.n = 0};

	for (int i = 0; i < shards->n; i++)
		have[i] = deps_of(p, made->task[i]);
	collective_put_each(p, shards, c, collective_way(p->world, shards, c), label, have);
	for (int i = 0; i < shards->n; i++)
		deps_join(p, &all, &have[i]);
	return all;
}
