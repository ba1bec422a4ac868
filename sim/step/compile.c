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

/* The makespan where times do not repeat after one cycle: after a few of them, or not at all. */
static sim_ns after_cycles(const struct program *p, const struct class_times *t)
{
	/* at least three times those that are taken as one, which must be equal before others may be left out */
	static const struct {
		uint32_t fold, cycles;
	} tries[] = {{4, 12}, {12, 36}, {4, 64}};
	struct arena scratch = ARENA_INIT;
	struct task_run run;
	struct program *more = NULL;
	bool found = false;

	for (size_t i = 0; i < ARRAY_LEN(tries) && !found; i++) {
		more = loop_folded(p, tries[i].fold, tries[i].cycles);
		found = more && loop_run(&scratch, more, t, NULL, &run);
		program_free(more);
	}
	if (!found) {
		more = loop_unrolled(p);
		run = program_run(&scratch, more, t, NULL);
		program_free(more);
	}
	arena_release(&scratch);
	return run.makespan_ns;
}

static struct compiled_ends by_engine(const struct compiled *c, const struct class_times *t)
{
	struct arena scratch = ARENA_INIT;
	struct task_run run;
	struct compiled_ends ends = {0};

	program_times_join(c->program, t);
	if (!loop_run(&scratch, c->program, t, NULL, &run)) {
		ends.makespan_ns = after_cycles(c->program, t);
		arena_release(&scratch);
		return ends;
	}
	ends.makespan_ns = run.makespan_ns;

	for (size_t i = 0; i < ARRAY_LEN(ends.marks_ns); i++)
		if (c->program->marks[i] != TASK_NONE)
			ends.marks_ns[i] = run.spans[c->program->marks[i]].end_ns;
	for (size_t i = 0; i < c->cycles_n; i++) {
		const struct cycle *l = &c->program->cycles.at[i];

		ends.cycle_ns = sim_later(ends.cycle_ns, run.spans[l->to].end_ns - run.spans[l->from].end_ns);
	}
	arena_release(&scratch);
	return ends;
}

/* alone: [lone] */
static void add_up_bodies(const struct compiled *c, const struct class_times *t, const sim_ns *alone,
			  sim_ns *sums)
{
	for (size_t i = 0; i < c->bodies_n; i++) {
		const struct piece *at = c->pieces + c->bodies[i].first_piece;
		sim_ns sum = 0;

		for (const struct piece *end = at + c->bodies[i].pieces_n; at < end; at++)
			sum += (at->lone ? alone[at->lone - 1] : t->ns[at->op_class]) * at->n +
			       t->lag_ns[at->op_class] * at->lags;
		sums[i] = sum;
	}
}

/* Where tasks share resources, a pass over the segments holds as long as no two of them use one at the same time. */
struct watch {
	const sim_ns *alone; /* [lone]: times of tasks that share their resource with none */
	sim_ns *busy_until;  /* [wire] */
	bool failed;
};

/* The times of a pass over the segments. */
struct pass {
	struct watch *watch; /* NULL: nothing is shared */
	const struct class_times *t;
	const sim_ns *sums;     /* [body] */
	sim_ns *ends, *through; /* [segment]; through: when what it sends has arrived */
	sim_ns *free_at;        /* [queue] */
};

static void watch_begin(struct arena *a, const struct compiled *c, const struct class_times *t, sim_ns *alone,
			struct watch *w)
{
	for (size_t i = 0; i < c->lones_n; i++) {
		const struct lone *l = &c->lones[i];

		alone[i] = sharing_alone_ns(&c->sharing, l->queue, l->op_class, t->ns[l->op_class],
					    t->wires_Bps);
	}
	w->alone = alone;
	w->busy_until = arena_array(a, program_wires(c->program->world), sizeof *w->busy_until);
}

static void watch_segment(const struct compiled *c, struct watch *w, uint32_t queue, sim_ns start, sim_ns end)
{
	const struct queue_wires *of = &c->sharing.of[queue];

	for (uint32_t i = of->first; i < of->first + of->n; i++) {
		sim_ns *until = &w->busy_until[c->sharing.paths[i]];

		w->failed |= start < *until;
		*until = end;
	}
}

/* through: of the segments from `first` on. */
static sim_ns end_of(const struct compiled *c, const struct pass *r, const struct task_segment *s,
		     const sim_ns *through, size_t first)
{
	sim_ns at = r->free_at[s->first_queue], end;

	for (const uint32_t *dep = c->deps + s->first_dep, *to = dep + s->deps_n; dep < to; dep++)
		at = sim_later(at, through[*dep - first]);
	end = r->free_at[s->queue] = at + r->sums[s->body];
	if (s->flows)
		watch_segment(c, r->watch, s->queue, at, end);
	return end;
}

static sim_ns run_segments(const struct compiled *c, const struct pass *r, size_t from, size_t to)
{
	sim_ns makespan_ns = 0;

	for (size_t i = from; i < to; i++) {
		const struct task_segment *s = &c->segments[i];

		r->ends[i] = end_of(c, r, s, r->through, 0);
		r->through[i] = r->ends[i] + r->t->lag_ns[s->last_class];
		makespan_ns = sim_later(makespan_ns, r->through[i]);
	}
	return makespan_ns;
}

enum { PERIODS = 4 }; /* cycles after which times may repeat */

/* The window one cycle later: its first cycle goes, and a new one comes, whose segments are those of the last one. */
static void run_cycle(const struct compiled *c, const struct pass *r, const struct segment_loop *l,
		      sim_ns *window)
{
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

/* The same of a queue. What is shared is moved for the end of the last of its cycles, not more: later segments must only
 * come after that. */
static void skip_queue(const struct compiled *c, const struct pass *r, uint32_t queue, sim_ns by)
{
	const struct queue_wires *of = &c->sharing.of[queue];

	r->free_at[queue] += by;
	if (!r->watch)
		return;
	for (uint32_t i = of->first; i < of->first + of->n; i++) {
		sim_ns *until = &r->watch->busy_until[c->sharing.paths[i]];

		*until = sim_later(*until, r->free_at[queue]);
	}
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

		if (!moved[q])
			skip_queue(c, r, q, by);
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
		run_cycle(c, r, l, window);
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
		makespan_ns = sim_later(makespan_ns, window[i]);
	memcpy(own, window, n * sizeof *own);
	free(windows);
	return makespan_ns;
}

/* ---- halves, whose queues go through the cycles at paces of their own: paces.h ---- */

/* A cycle that was run: the window after it and the one before, how much later each segment of the cycle was through than in the
 * cycle before, and when queues were free before it. */
struct paced {
	const struct segment_loop *l;
	size_t n;                   /* of a window */
	sim_ns *now, *was, *growth; /* growth: [segment of a cycle] */
	sim_ns *free_ns, *queue_growth;
};

/* Lets the number of cycles that a segment's start goes on for be no more than until something else that it waits for is later;
 * returns whether it starts when that ends, and both grow alike. */
static bool stays(sim_ns at_ns, sim_ns growth, sim_ns start_ns, sim_ns start_growth, size_t *cycles)
{
	size_t until;

	if (growth > start_growth) {
		until = (size_t)((start_ns - at_ns) / (growth - start_growth));
		*cycles = until < *cycles ? until : *cycles;
	}
	return at_ns == start_ns && growth == start_growth;
}

/* The same of a segment of the cycle and all that it waits for; free_ns: when queues are free before it, and then after it. */
static bool segment_stays(const struct compiled *c, const struct pass *r, const struct paced *k, size_t i,
			  size_t *cycles)
{
	const struct task_segment *s = &c->segments[k->l->at - k->l->len + i];
	const size_t first = k->l->at - k->n;
	const sim_ns end = k->now[k->n - k->l->len + i] - r->t->lag_ns[s->last_class],
		     start = end - r->sums[s->body];
	bool bound = stays(k->free_ns[s->first_queue], k->queue_growth[s->first_queue], start, k->growth[i],
			   cycles);

	for (const uint32_t *dep = c->deps + s->first_dep, *to = dep + s->deps_n; dep < to; dep++)
		bound |= stays(k->now[*dep - first], k->growth[(*dep - first) % k->l->len], start,
			       k->growth[i], cycles);
	k->free_ns[s->queue] = end;
	k->queue_growth[s->queue] = k->growth[i];
	return bound;
}

/* For how many of the cycles left every time goes on growing as in the last one; 0: it is not known to. */
static size_t cycles_ahead(const struct compiled *c, const struct pass *r, const struct paced *k, size_t left)
{
	const struct segment_loop *l = k->l;
	bool bound = true;

	for (size_t i = 0; i < l->len; i++) {
		k->growth[i] = k->now[k->n - l->len + i] - k->was[k->n - l->len + i];
		k->queue_growth[c->segments[l->at - l->len + i].queue] = k->growth[i];
	}
	for (size_t i = 0; i < k->n; i++)
		if (k->now[i] - k->was[i] != k->growth[i % l->len])
			return 0;
	for (size_t i = 0; i < l->len && bound; i++)
		bound = segment_stays(c, r, k, i, &left);
	return bound ? left : 0;
}

static void leap(const struct compiled *c, const struct pass *r, const struct paced *k, size_t cycles)
{
	const struct segment_loop *l = k->l;

	for (size_t i = 0; i < k->n; i++)
		k->now[i] += (sim_ns)cycles * k->growth[i % l->len];
	for (size_t i = l->at - l->len; i < l->at; i++) {
		const uint32_t q = c->segments[i].queue;

		skip_queue(c, r, q, (sim_ns)cycles * k->queue_growth[q]);
		k->queue_growth[q] = 0; /* moved */
	}
}

/* Runs the cycles of a half that are left out, leaping from one that all go on like for a while to the first that may not. Leaves the
 * window where later segments look. */
static sim_ns run_paced(const struct compiled *c, const struct pass *r, const struct segment_loop *l)
{
	struct arena scratch = ARENA_INIT;
	const size_t n = l->window * l->len;
	const struct paced k = {l,
				n,
				arena_array(&scratch, n, sizeof(sim_ns)),
				arena_array(&scratch, n, sizeof(sim_ns)),
				arena_array(&scratch, l->len, sizeof(sim_ns)),
				arena_array(&scratch, c->queues_n, sizeof(sim_ns)),
				arena_array(&scratch, c->queues_n, sizeof(sim_ns))};
	sim_ns *own = r->through + l->at - n, makespan_ns = 0;

	memcpy(k.now, own, n * sizeof *own);
	for (size_t done = 0; done < l->n;) {
		size_t ahead;

		memcpy(k.was, k.now, n * sizeof *own);
		memcpy(k.free_ns, r->free_at, c->queues_n * sizeof *k.free_ns);
		run_cycle(c, r, l, k.now);
		ahead = cycles_ahead(c, r, &k, l->n - ++done);
		leap(c, r, &k, ahead);
		done += ahead;
	}
	for (size_t i = 0; i < n; i++)
		makespan_ns = sim_later(makespan_ns, k.now[i]);
	memcpy(own, k.now, n * sizeof *own);
	arena_release(&scratch);
	return makespan_ns;
}

static sim_ns run_halves(const struct compiled *c, const struct pass *r)
{
	sim_ns makespan_ns = run_segments(c, r, 0, c->loop.at);

	makespan_ns = sim_later(makespan_ns, run_paced(c, r, &c->loop));
	makespan_ns = sim_later(makespan_ns, run_segments(c, r, c->loop.at, c->second.at));
	makespan_ns = sim_later(makespan_ns, run_paced(c, r, &c->second));
	return sim_later(makespan_ns, run_segments(c, r, c->second.at, c->segments_n));
}

/* Runs all segments; returns the makespan. */
static sim_ns run_all(const struct compiled *c, const struct pass *r)
{
	sim_ns before, loop, after;

	if (c->second.n)
		return run_halves(c, r);
	if (!c->loop.n)
		return run_segments(c, r, 0, c->segments_n);
	before = run_segments(c, r, 0, c->loop.at);
	loop = run_loop(c, r);
	after = run_segments(c, r, c->loop.at, c->segments_n);
	return sim_later(sim_later(before, loop), after);
}

/* Short passes are run thousands of times, each in less time than memory is got and given back in. */
enum { BRIEF_ROOM = 1024 };

/* How many times a pass notes. */
static size_t pass_room(const struct compiled *c)
{
	return c->lones_n + c->bodies_n + 2 * c->segments_n + c->queues_n;
}

/* The times of what shares its resources, each alone; false: they do not hold, and the engine must run. room:
 * pass_room() */
static bool run_pass(const struct compiled *c, const struct class_times *t, sim_ns *room,
		     struct compiled_ends *r)
{
	struct arena scratch = ARENA_INIT;
	struct watch watch = {.failed = false};
	sim_ns *const alone = room, *const sums = alone + c->lones_n, *const ends = sums + c->bodies_n;
	const struct pass pass = {.watch = c->shares ? &watch : NULL,
				  .t = t,
				  .sums = sums,
				  .ends = ends,
				  .through = ends + c->segments_n,
				  .free_at = ends + 2 * c->segments_n};

	memset(pass.free_at, 0, c->queues_n * sizeof *pass.free_at);
	if (c->shares)
		watch_begin(&scratch, c, t, alone, &watch);
	add_up_bodies(c, t, alone, sums);
	r->makespan_ns = run_all(c, &pass);
	for (size_t i = 0; i < ARRAY_LEN(r->marks_ns); i++)
		if (c->marks[i] != TASK_NONE)
			r->marks_ns[i] = pass.ends[c->marks[i]];
	for (size_t i = 0; i < c->cycles_n; i++)
		r->cycle_ns =
			sim_later(r->cycle_ns, pass.ends[c->cycles[i].to] - pass.ends[c->cycles[i].from]);
	arena_release(&scratch);
	return !watch.failed;
}

struct compiled_ends compiled_run(const struct compiled *c, const struct class_times *t)
{
	struct compiled_ends r = {0};
	const size_t n = pass_room(c);
	sim_ns brief[BRIEF_ROOM], *room = n > BRIEF_ROOM ? xmalloc(n * sizeof *room) : brief;
	const bool holds = run_pass(c, t, room, &r);

	if (room != brief)
		free(room);
	return holds ? r : by_engine(c, t);
}
