/* compile.c - see compile.h. */
#include "sim/step/compile.h"

#include <stdlib.h>
#include <string.h>

#include "sim/step/loop.h"
#include "sim/step/segments.h"

size_t compiled_segments(const struct compiled *c)
{
	return c->segments_n;
}

static sim_ns longer(sim_ns a, sim_ns b)
{
	return a > b ? a : b;
}

static struct compiled_ends by_engine(const struct compiled *c, const struct class_times *t)
{
	struct arena scratch = ARENA_INIT;
	struct task_run run;
	struct compiled_ends ends = {0};

	if (!loop_run(&scratch, c->program, t, NULL, &run)) {
		struct program *whole = loop_unrolled(c->program);

		ends.makespan_ns = program_run(&scratch, whole, t, NULL).makespan_ns;
		program_free(whole);
		arena_release(&scratch);
		return ends;
	}
	ends.makespan_ns = run.makespan_ns;

	for (size_t i = 0; i < ARRAY_LEN(ends.marks_ns); i++)
		if (c->program->marks[i] != TASK_NONE)
			ends.marks_ns[i] = run.spans[c->program->marks[i]].end_ns;
	for (size_t i = 0; i < c->cycles_n; i++) {
		const struct cycle *l = &c->program->cycles.at[i];

		ends.cycle_ns = longer(ends.cycle_ns, run.spans[l->to].end_ns - run.spans[l->from].end_ns);
	}
	arena_release(&scratch);
	return ends;
}

static void add_up_bodies(const struct compiled *c, const struct class_times *t, sim_ns *sums)
{
	for (size_t i = 0; i < c->bodies_n; i++) {
		const struct piece *at = c->pieces + c->bodies[i].first_piece;
		sim_ns sum = 0;

		for (const struct piece *end = at + c->bodies[i].pieces_n; at < end; at++)
			sum += t->ns[at->op_class] * at->n + t->lag_ns[at->op_class] * at->lags;
		sums[i] = sum;
	}
}

/* The times of a pass over the segments. */
struct pass {
	const struct class_times *t;
	const sim_ns *sums;     /* [body] */
	sim_ns *ends, *through; /* [segment]; through: when what it sends has arrived */
	sim_ns *free_at;        /* [queue] */
};

/* through: of the segments from `first` on. */
static sim_ns end_of(const struct compiled *c, const struct pass *r, const struct task_segment *s,
		     const sim_ns *through, size_t first)
{
	sim_ns at = r->free_at[s->first_queue];

	for (const uint32_t *dep = c->deps + s->first_dep, *end = dep + s->deps_n; dep < end; dep++)
		at = longer(at, through[*dep - first]);
	return r->free_at[s->queue] = at + r->sums[s->body];
}

static sim_ns run_segments(const struct compiled *c, const struct pass *r, size_t from, size_t to)
{
	sim_ns makespan_ns = 0;

	for (size_t i = from; i < to; i++) {
		const struct task_segment *s = &c->segments[i];

		r->ends[i] = end_of(c, r, s, r->through, 0);
		r->through[i] = r->ends[i] + r->t->lag_ns[s->last_class];
		makespan_ns = longer(makespan_ns, r->through[i]);
	}
	return makespan_ns;
}

enum { PERIODS = 4 }; /* cycles after which times may repeat */

/* The window one cycle later: its first cycle goes, and a new one comes, whose segments are those of the last one. */
static void run_cycle(const struct compiled *c, const struct pass *r, sim_ns *window)
{
	const struct segment_loop *l = &c->loop;
	const size_t n = l->window * l->len, first = l->at - n;

	memmove(window, window + l->len, (n - l->len) * sizeof *window);
	for (size_t i = l->at - l->len; i < l->at; i++) {
		const struct task_segment *s = &c->segments[i];

		window[i - first] = end_of(c, r, s, window, first) + r->t->lag_ns[s->last_class];
	}
}

/* Returns whether a window is an earlier one, all of it so much later. */
static bool is_later(const sim_ns *window, const sim_ns *before, size_t n, sim_ns *by)
{
	*by = window[0] - before[0];
	for (size_t i = 1; i < n; i++)
		if (window[i] - before[i] != *by)
			return false;
	return true;
}

/* Adds the same to all that the next segments can see of the cycles. */
static void skip_ahead(const struct compiled *c, const struct pass *r, sim_ns *window, size_t n, sim_ns by)
{
	const struct segment_loop *l = &c->loop;
	bool *moved = xcalloc(c->queues_n, sizeof *moved);

	for (size_t i = 0; i < n; i++)
		window[i] += by;
	for (size_t i = l->at - l->len; i < l->at; i++) {
		const uint32_t q = c->segments[i].queue;

		r->free_at[q] += moved[q] ? 0 : by;
		moved[q] = true;
	}
	free(moved);
}

/* Runs the cycles that are left out: one after the other, until one repeats an earlier one at a later time. */
static sim_ns run_loop(const struct compiled *c, const struct pass *r)
{
	const struct segment_loop *l = &c->loop;
	const size_t n = l->window * l->len;
	sim_ns *windows = xcalloc((PERIODS + 1) * n, sizeof *windows), makespan_ns = 0;
	sim_ns *window = windows + PERIODS * n, *own = r->through + l->at - n;
	bool ahead = false;

	memcpy(window, own, n * sizeof *window);
	for (size_t k = 0; k < l->n; k++) {
		memcpy(windows + k % PERIODS * n, window, n * sizeof *window);
		run_cycle(c, r, window);
		for (size_t d = 1; d <= PERIODS && d <= k + 1 && !ahead; d++) {
			const size_t left = (l->n - 1 - k) / d;
			sim_ns by;

			ahead = is_later(window, windows + (k + 1 - d) % PERIODS * n, n, &by);
			if (!ahead)
				continue;
			skip_ahead(c, r, window, n, (sim_ns)left * by);
			k += left * d;
		}
	}
	for (size_t i = 0; i < n; i++)
		makespan_ns = longer(makespan_ns, window[i]);
	memcpy(own, window, n * sizeof *own);
	free(windows);
	return makespan_ns;
}

/* Runs all segments; returns the makespan. */
static sim_ns run_all(const struct compiled *c, const struct pass *r)
{
	sim_ns before, loop, after;

	if (!c->loop.n)
		return run_segments(c, r, 0, c->segments_n);
	before = run_segments(c, r, 0, c->loop.at);
	loop = run_loop(c, r);
	after = run_segments(c, r, c->loop.at, c->segments_n);
	return longer(longer(before, loop), after);
}

struct compiled_ends compiled_run(const struct compiled *c, const struct class_times *t)
{
	struct compiled_ends r = {0};
	sim_ns *free_at, *ends, *through, *sums;
	struct pass pass;

	if (c->needs_engine)
		return by_engine(c, t);
	free_at = xmalloc((c->queues_n + 2 * c->segments_n + c->bodies_n) * sizeof *free_at);
	memset(free_at, 0, c->queues_n * sizeof *free_at);
	ends = free_at + c->queues_n;
	through = ends + c->segments_n;
	sums = through + c->segments_n;
	add_up_bodies(c, t, sums);
	pass = (struct pass){t, sums, ends, through, free_at};
	r.makespan_ns = run_all(c, &pass);
	for (size_t i = 0; i < ARRAY_LEN(r.marks_ns); i++)
		if (c->marks[i] != TASK_NONE)
			r.marks_ns[i] = ends[c->marks[i]];
	for (size_t i = 0; i < c->cycles_n; i++)
		r.cycle_ns = longer(r.cycle_ns, ends[c->cycles[i].to] - ends[c->cycles[i].from]);
	free(free_at);
	return r;
}
