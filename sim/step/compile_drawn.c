/* compile_drawn.c - a compiled program under several draws at a time; see drawn.h. */
#include <stdlib.h>
#include <string.h>

#include "sim/step/drawn.h"
#include "sim/step/segments.h"

typedef sim_ns each[DRAWN_AT_ONCE]; /* a time of each draw */

bool compiled_draws_may(const struct compiled *c)
{
	return !c->shares && !c->loop.n && !c->program->pass_parts.n;
}

/* Four draws a turn: so short a loop is as much counting as adding. */
_Static_assert(DRAWN_AT_ONCE % 4 == 0, "draws are taken by fours");

static void add_times(sim_ns *sum, const sim_ns *ns, sim_ns n)
{
	for (size_t i = 0; i < DRAWN_AT_ONCE; i += 4) {
		sum[i] += ns[i] * n;
		sum[i + 1] += ns[i + 1] * n;
		sum[i + 2] += ns[i + 2] * n;
		sum[i + 3] += ns[i + 3] * n;
	}
}

static void add_up_bodies(const struct compiled *c, const struct drawn_times *t, each *sums)
{
	for (size_t i = 0; i < c->bodies_n; i++) {
		const struct piece *at = c->pieces + c->bodies[i].first_piece;

		memset(sums[i], 0, sizeof sums[i]);
		for (const struct piece *end = at + c->bodies[i].pieces_n; at < end; at++) {
			const size_t op_class = (size_t)at->op_class * DRAWN_AT_ONCE;

			add_times(sums[i], t->ns + op_class, at->n);
			if (at->lags)
				add_times(sums[i], t->lag_ns + op_class, at->lags);
		}
	}
}

static void take_longer(sim_ns *most, const sim_ns *ns)
{
	for (size_t i = 0; i < DRAWN_AT_ONCE; i += 4) {
		most[i] = sim_later(ns[i], most[i]);
		most[i + 1] = sim_later(ns[i + 1], most[i + 1]);
		most[i + 2] = sim_later(ns[i + 2], most[i + 2]);
		most[i + 3] = sim_later(ns[i + 3], most[i + 3]);
	}
}

/* through: when what each segment sends has arrived. makespan: 0 before */
static void run_segments(const struct compiled *c, const struct drawn_times *t, each *sums, each *free_at,
			 each *through, sim_ns *makespan)
{
	for (size_t i = 0; i < c->segments_n; i++) {
		const struct task_segment *s = &c->segments[i];
		const sim_ns *lag_ns = t->lag_ns + (size_t)s->last_class * DRAWN_AT_ONCE;
		sim_ns *at = free_at[s->queue];

		if (s->first_queue != s->queue)
			memcpy(at, free_at[s->first_queue], sizeof *free_at);
		for (const uint32_t *dep = c->deps + s->first_dep, *to = dep + s->deps_n; dep < to; dep++)
			take_longer(at, through[*dep]);
		add_times(at, sums[s->body], 1);
		for (size_t k = 0; k < DRAWN_AT_ONCE; k++)
			through[i][k] = at[k] + lag_ns[k];
		take_longer(makespan, through[i]);
	}
}

/* The end of a segment's last task. */
static sim_ns end_of(const struct compiled *c, const struct drawn_times *t, each *through, uint32_t segment,
		     size_t draw)
{
	return through[segment][draw] -
	       t->lag_ns[(size_t)c->segments[segment].last_class * DRAWN_AT_ONCE + draw];
}

static struct compiled_ends ends_of(const struct compiled *c, const struct drawn_times *t, each *through,
				    size_t draw)
{
	struct compiled_ends r = {0};

	for (size_t i = 0; i < ARRAY_LEN(r.marks_ns); i++)
		if (c->marks[i] != TASK_NONE)
			r.marks_ns[i] = end_of(c, t, through, c->marks[i], draw);
	for (size_t i = 0; i < c->cycles_n; i++) {
		r.cycle_ns = sim_later(r.cycle_ns, end_of(c, t, through, c->cycles[i].to, draw) -
							   end_of(c, t, through, c->cycles[i].from, draw));
	}
	return r;
}

enum { BRIEF_ROOM = 512 }; /* less than which takes longer to get than to use */

void compiled_draws(const struct compiled *c, const struct drawn_times *t, struct compiled_ends *ends,
		    size_t step)
{
	const size_t n = c->bodies_n + c->segments_n + c->queues_n;
	each brief[BRIEF_ROOM], makespan = {0};
	each *room = n > BRIEF_ROOM ? xmalloc(n * sizeof *room) : brief;
	each *const free_at = room + c->bodies_n, *const through = free_at + c->queues_n;

	memset(free_at, 0, c->queues_n * sizeof *free_at);
	add_up_bodies(c, t, room);
	run_segments(c, t, room, free_at, through, makespan);
	for (size_t i = 0; i < DRAWN_AT_ONCE; i++) {
		ends[i * step] = ends_of(c, t, through, i);
		ends[i * step].makespan_ns = makespan[i];
	}
	if (room != brief)
		free(room);
}
