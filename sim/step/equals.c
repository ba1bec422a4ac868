/* equals.c - see equals.h. */
#include "sim/step/equals.h"

#include <math.h>

#include "sim/step/joined.h"
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

struct round_list {
	bool joins;
	uint32_t queue;
	VEC(struct class_part) parts; /* on that queue, not yet a task */
};

static void end_task(struct program *p, struct round_list *l)
{
	if (l->parts.n)
		VEC_ADD(&p->collective_tasks,
			(struct collective_task){l->queue, joined_class(p, l->parts.at, l->parts.n)});
	l->parts.n = 0;
}

/* Where a queue's tasks may be joined, rounds that follow one another on it become one, each after the lag of the one before. */
static void add_round(struct program *p, struct round_list *l, struct collective_task t)
{
	struct class_part *last;

	if (l->queue != t.queue || !l->joins || !joined_may(p, t.queue))
		end_task(p, l);
	l->queue = t.queue;
	last = l->parts.n ? &l->parts.at[l->parts.n - 1] : NULL;
	if (last)
		last->lags++;
	if (last && last->op_class == t.op_class)
		last->n++;
	else
		VEC_ADD(&l->parts, (struct class_part){t.op_class, 1, 0});
}

/* Appends the tasks of the rounds to the program's collective_tasks. */
static void make_tasks(struct program *p, size_t unit, enum equals e, const struct rounds *r,
		       const struct collective *c)
{
	const int n = rounds_count(r), from = c->rounds == ROUNDS_LAST ? n - 1 : 0,
		  to = c->rounds == ROUNDS_BUT_LAST ? n - 1 : n;
	struct message m = {.kind = CLASS_REDUCE, .from = unit, .to = unit, .opens = true, .peers = r->n - 1};
	/* replicas reduce the gradients of several blocks at a time, whose rounds take turns */
	struct round_list l = {.joins = e == EQUALS_TENSOR, .queue = TASK_NONE};

	m.opens = from == 0;
	for (int i = from; c->bytes > 0 && i < to; i++) {
		m.bytes = c->bytes * rounds_each(r, i);
		if (m.bytes > 0)
			add_round(p, &l, program_message_equals(p, &m, e, rounds_distance(r, i)));
		m.opens = false; /* what software adds comes with the first message */
	}
	end_task(p, &l);
	VEC_FREE(&l.parts);
}

/* The tasks of an operation, found once for each unit and size. */
static struct known_collective known_tasks(struct program *p, const struct link *l, size_t unit,
					   enum equals e, const struct rounds *r, const struct collective *c)
{
	struct known_collective k = {.link = l,
				     .unit = unit,
				     .equals = (int)e,
				     .n = r->n,
				     .way = (int)r->way,
				     .rounds = (int)c->rounds,
				     .gather = r->gather,
				     .bytes = c->bytes,
				     .first = (uint32_t)p->collective_tasks.n,
				     .tasks_n = 0};

	for (size_t i = p->collectives.n; i-- > 0;) {
		const struct known_collective *of = &p->collectives.at[i];

		if (of->unit == unit && of->link == l && of->bytes == k.bytes && of->way == k.way &&
		    of->n == k.n && of->gather == k.gather && of->equals == k.equals &&
		    of->rounds == k.rounds)
			return *of;
	}
	make_tasks(p, unit, e, r, c);
	k.tasks_n = (uint32_t)p->collective_tasks.n - k.first;
	VEC_ADD(&p->collectives, k);
	return k;
}

struct deps equals_collective(struct program *p, size_t unit, enum equals e, int n,
			      const struct collective *c, enum reduce_way asked, struct label label,
			      const struct deps *after)
{
	const struct link *l = p->world->link_uses[p->world->equals[e]].link;
	const enum reduce_way way =
		known_way(p, l, n, c, asked == REDUCE_AUTO ? (enum reduce_way)l->all_reduce : asked);
	const struct rounds r = equal_rounds(n, c, way);
	const struct known_collective k = known_tasks(p, l, unit, e, &r, c);
	struct deps there = *after;

	label.payload = collective_payload(c, label);
	for (uint32_t i = k.first; i < k.first + k.tasks_n; i++) {
		const struct collective_task t = p->collective_tasks.at[i];

		there = deps_of(p, program_put(p, t.queue, t.op_class, label, &there));
	}
	return there;
}
