/* equals.c - see equals.h. */
#include "sim/step/equals.h"

#include <math.h>

#include "sim/step/rounds.h"

static struct rounds equal_rounds(int n, const struct collective *c, enum reduce_way way)
{
	return (struct rounds){.way = way, .gather = c->gather, .n = n};
}

double equals_s(const struct link *l, int n, const struct collective *c, enum reduce_way way)
{
	const struct rounds r = equal_rounds(n, c, way);
	double s = 0;

	for (int i = 0; i < rounds_count(&r); i++) {
		const double bytes = c->bytes * rounds_each(&r, i);

		if (bytes <= 0)
			return INFINITY;
		s += l->latency.value + bytes / link_rate(l, bytes).value;
	}
	return s;
}

static enum reduce_way way_of(const struct link *l, int n, const struct collective *c, enum reduce_way asked)
{
	static const enum reduce_way ways[] = {REDUCE_RING, REDUCE_TREE, REDUCE_HALVING};
	enum reduce_way best = REDUCE_RING;

	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		if (ways[i] == asked && isfinite(equals_s(l, n, c, asked)))
			return asked;
	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		if (equals_s(l, n, c, ways[i]) < equals_s(l, n, c, best) * (1 - 1e-9))
			best = ways[i];
	return best;
}

/* The same, found once for each size of operation. */
static enum reduce_way known_way(struct program *p, const struct link *l, int n, const struct collective *c,
				 enum reduce_way asked)
{
	for (size_t i = p->ways.n; i-- > 0;) {
		const struct known_way *k = &p->ways.at[i];

		if (k->link == l && k->n == n && k->gather == c->gather && k->bytes == c->bytes &&
		    k->asked == (int)asked)
			return (enum reduce_way)k->way;
	}
	VEC_ADD(&p->ways,
		(struct known_way){l, n, c->gather, c->bytes, (int)asked, (int)way_of(l, n, c, asked)});
	return (enum reduce_way)p->ways.at[p->ways.n - 1].way;
}

struct deps equals_collective(struct program *p, size_t unit, enum equals e, int n,
			      const struct collective *c, enum reduce_way asked, struct label label,
			      const struct deps *after)
{
	const struct link *l = p->world->link_uses[p->world->equals[e]].link;
	const enum reduce_way way =
		known_way(p, l, n, c, asked == REDUCE_AUTO ? (enum reduce_way)l->all_reduce : asked);
	const struct rounds r = equal_rounds(n, c, way);
	struct message m = {.kind = CLASS_REDUCE, .from = unit, .to = unit, .opens = true, .peers = n - 1};
	struct deps there = *after;

	label.payload = collective_payload(c, label);
	for (int i = 0; c->bytes > 0 && i < rounds_count(&r); i++) {
		m.bytes = c->bytes * rounds_each(&r, i);
		there = program_message_equals(p, &m, e, rounds_distance(&r, i), label, &there);
		m.opens = false; /* what software adds comes with the first message */
	}
	return there;
}
