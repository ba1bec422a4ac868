/* paces.c - see paces.h. */
#include "sim/step/halves.h"

#include <string.h>

#include "sim/step/pass_class.h"

enum { HALVES = 2 };

/* ---- places in the whole program ---- */

bool paces_stands_for(const struct program *p, uint32_t task)
{
	const struct program_loop *l = loop_of(p, half_of(p, task));

	return task >= l->at - l->len && task < l->at;
}

/* So many cycles of its half come before a task beside those that the program has. */
static uint64_t cycles_before(const struct program *p, uint32_t task, uint32_t copy)
{
	const struct program_loop *l = loop_of(p, half_of(p, task));

	return task >= l->at ? l->n : copy;
}

uint64_t paces_whole(const struct program *p, uint32_t task, uint32_t copy)
{
	const struct program_loop *l = loop_of(p, half_of(p, task));
	const uint64_t first = half_of(p, task) ? (uint64_t)p->loop.n * p->loop.len : 0;

	return task + first + cycles_before(p, task, copy) * l->len;
}

uint64_t paces_whole_dep(const struct program *p, uint32_t task, uint32_t copy, uint32_t dep)
{
	const struct program_loop *first = &p->loop, *own = loop_of(p, half_of(p, dep));
	const uint64_t gone = (uint64_t)first->n * first->len;

	if (is_of_first(p, task, dep))
		return dep >= first->at ? dep + gone : dep + (uint64_t)copy * first->len;
	return dep + (half_of(p, dep) ? gone : 0) +
	       (dep >= own->at ? own->n : cycles_before(p, task, copy)) * (uint64_t)own->len;
}

void paces_place(const struct program *p, uint64_t whole, uint32_t *task, uint32_t *copy)
{
	uint64_t before = 0; /* tasks left out */

	*copy = 0;
	for (int h = 0; h < HALVES; h++) {
		const struct program_loop *l = loop_of(p, h);
		const uint64_t gone = (uint64_t)l->n * l->len;

		if (whole < l->at + before)
			break;
		if (whole < l->at + before + gone) {
			*task = (uint32_t)(l->at - l->len + (whole - l->at - before) % l->len);
			*copy = (uint32_t)((whole - l->at - before) / l->len) + 1;
			return;
		}
		before += gone;
	}
	*task = (uint32_t)(whole - before);
}

bool paces_later(const struct program *p, uint32_t task)
{
	return p->tasks.at[task].label.micro % p->loop.each >= p->halves.micro;
}

static uint32_t micro_of(const struct program *p, uint32_t task, uint32_t copy)
{
	const uint32_t micro = p->tasks.at[task].label.micro;

	return micro + p->loop.n * (micro / p->loop.each + paces_later(p, task)) + copy;
}

static void put_copy(struct program *out, const struct program *p, uint32_t task, uint32_t copy)
{
	struct program_task t = p->tasks.at[task];
	const uint32_t first = t.first_dep;

	t.label.micro = micro_of(p, task, copy);
	t.first_dep = (uint32_t)out->deps.n;
	for (uint32_t d = 0; d < t.deps_n; d++)
		VEC_ADD(&out->deps, (uint32_t)paces_whole_dep(p, task, copy, p->deps.at[first + d]));
	VEC_ADD(&out->tasks, t);
}

struct program *paces_unrolled(const struct program *p)
{
	struct program *out = program_of_classes(p);

	for (uint32_t i = 0; i < p->tasks.n; i++) {
		const struct program_loop *l = loop_of(p, half_of(p, i));

		for (uint32_t k = 1; i == l->at && k <= l->n; k++)
			for (uint32_t c = i - l->len; c < i; c++)
				put_copy(out, p, c, k);
		put_copy(out, p, i, 0);
	}
	return out;
}

/* ---- paces ---- */

/* What is known while the cycles of a half are looked at. */
struct look {
	const struct program *p;
	const struct class_times *t;
	const struct program_loop *l;
	const struct task_run *run, *plain; /* plain: as if no cycles had been left out of the first half */
	uint32_t *previous;                 /* [task]: the one before it on its queue; TASK_NONE: none */
};

/* A time that is a line over the cycles left out. */
struct line {
	sim_ns at_ns, growth_ns;
};

static sim_ns growth(const struct program_loop *l, const struct task_run *run, uint32_t task)
{
	const uint32_t from = l->at - l->len, cycles = l->before + 2;
	const uint32_t i = from + (task + cycles * l->len - from) % l->len;

	return run->spans[i].start_ns - run->spans[i - l->len].start_ns;
}

static struct line end_of(const struct look *k, uint32_t task)
{
	return (struct line){k->run->spans[task].end_ns, growth(k->l, k->run, task)};
}

/* When a dependency of a task is through. */
static struct line through(const struct look *k, uint32_t task, uint32_t dep)
{
	const sim_ns lag_ns = k->t->lag_ns[k->p->tasks.at[dep].op_class];
	const bool first = is_of_first(k->p, task, dep), fixed = first && is_fixed(k->p, dep);
	struct line at;

	if (fixed)
		at = (struct line){k->run->spans[dep].end_ns, 0};
	else if (first)
		at = (struct line){k->plain->spans[dep].end_ns, growth(&k->p->loop, k->plain, dep)};
	else
		at = end_of(k, dep);
	at.at_ns += lag_ns;
	return at;
}

/* Returns whether one line is not above another in any of the cycles, nor meets it where it did not. */
static bool is_below(const struct look *k, struct line a, struct line b)
{
	const sim_ns n = (sim_ns)k->l->n + 1;

	return a.at_ns <= b.at_ns && a.at_ns + n * a.growth_ns <= b.at_ns + n * b.growth_ns;
}

static bool same_line(struct line a, struct line b)
{
	return a.at_ns == b.at_ns && a.growth_ns == b.growth_ns;
}

/* Returns whether a task goes on starting when its cause ends, which grows as it does, and everything else is over by then. */
static bool is_bound(const struct look *k, uint32_t i)
{
	const struct program_task *t = &k->p->tasks.at[i];
	const uint32_t cause = k->run->spans[i].cause;
	const struct line start = {k->run->spans[i].start_ns, growth(k->l, k->run, i)},
			  queue = end_of(k, k->previous[i]);
	bool bound = cause == k->previous[i] && same_line(queue, start);

	if (!is_below(k, queue, start))
		return false;
	for (uint32_t d = 0; d < t->deps_n; d++) {
		const uint32_t dep = k->p->deps.at[t->first_dep + d];
		const struct line line = through(k, i, dep);

		if (!is_below(k, line, start))
			return false;
		bound |= cause == dep && same_line(line, start);
	}
	return bound;
}

/* Returns whether all that a task waits for is through by a time, in each of the cycles. */
static bool ready_before(const struct look *k, uint32_t i, struct line dep)
{
	const struct program_task *t = &k->p->tasks.at[i];

	for (uint32_t d = 0; d < t->deps_n; d++)
		if (!is_below(k, through(k, i, k->p->deps.at[t->first_dep + d]), dep))
			return false;
	return true;
}

/* A link takes its messages as they are ready: returns whether a task is so no sooner than the one before it. */
static bool stays_behind(const struct look *k, uint32_t i)
{
	const struct program_task *t = &k->p->tasks.at[i];

	if (takes_in_order(k->p, t->queue))
		return true;
	for (uint32_t d = 0; d < t->deps_n; d++)
		if (ready_before(k, k->previous[i], through(k, i, k->p->deps.at[t->first_dep + d])))
			return true;
	return false;
}

/* Returns whether a task started and ended as much later than that of the cycle before as that did, after the same on its queue. */
static bool is_steady(const struct look *k, uint32_t i)
{
	const uint32_t len = k->l->len, previous = k->previous[i];
	const struct task_span *now = &k->run->spans[i], *before = &k->run->spans[i - len];
	const sim_ns ns = growth(k->l, k->run, i);

	return now->start_ns - before->start_ns == ns && now->end_ns - before->end_ns == ns &&
	       previous != TASK_NONE && previous < k->l->at &&
	       previous >= k->l->at - (k->l->before + 1) * len && previous + len >= i &&
	       k->previous[i - len] + len == previous;
}

static void find_previous(struct look *k, struct arena *a)
{
	uint32_t *last = arena_array(a, program_queues(k->p->world), sizeof *last); /* + 1 */

	k->previous = arena_room(a, k->p->tasks.n, sizeof *k->previous);
	for (size_t i = 0; i < k->p->tasks.n; i++) {
		const uint32_t task = k->run->order[i], queue = k->p->tasks.at[task].queue;

		k->previous[task] = last[queue] - 1; /* TASK_NONE is 0 - 1 */
		last[queue] = task + 1;
	}
}

/* A link takes nothing of later micro-batches while it has those of the cycles left out: until then they wait. */
static void hold_back(struct arena *a, const struct look *k, sim_ns *earliest_ns)
{
	const struct program *p = k->p;
	const struct program_loop *l = k->l;
	const size_t to = l->at < p->halves.at ? p->halves.at : p->tasks.n;
	sim_ns *until = arena_array(a, program_queues(p->world), sizeof *until);

	for (uint32_t i = l->at - l->len; i < l->at; i++) {
		const uint32_t q = p->tasks.at[i].queue;
		const struct line end = end_of(k, i);

		if (!takes_in_order(p, q))
			until[q] = sim_later(until[q], end.at_ns + l->n * end.growth_ns);
	}
	for (uint32_t i = l->at; i < to; i++)
		earliest_ns[i] = until[p->tasks.at[i].queue];
}

/* Returns whether the cycles of a half go on as they are; if so sets when the tasks of the last of them start. */
static bool look_ahead(struct arena *a, struct look *k, sim_ns *earliest_ns)
{
	const struct program_loop *l = k->l;

	find_previous(k, a);
	for (uint32_t i = l->at - l->before * l->len; i < l->at; i++)
		if (!is_steady(k, i))
			return false;
	for (uint32_t i = l->at - l->len; i < l->at; i++) {
		if (!is_bound(k, i) || !stays_behind(k, i))
			return false;
		earliest_ns[i] = k->run->spans[i].start_ns + l->n * growth(l, k->run, i);
	}
	hold_back(a, k, earliest_ns);
	return true;
}

/* ---- what else uses the queues meanwhile ---- */

/* While the cycles left out run on a queue or on a shared wire. */
struct meanwhile {
	sim_ns from_ns, to_ns; /* to < 0: never */
	uint32_t queue;        /* of a wire */
};

static struct meanwhile *never(struct arena *a, size_t n)
{
	struct meanwhile *m = arena_room(a, n, sizeof *m);

	for (size_t i = 0; i < n; i++)
		m[i] = (struct meanwhile){INT64_MAX, -1, 0};
	return m;
}

static void widen(struct meanwhile *m, sim_ns from_ns, sim_ns to_ns)
{
	m->from_ns = from_ns < m->from_ns ? from_ns : m->from_ns;
	m->to_ns = to_ns > m->to_ns ? to_ns : m->to_ns;
}

static bool is_within(const struct meanwhile *m, const struct task_span *span)
{
	return span->start_ns < m->to_ns && span->end_ns > m->from_ns;
}

/* Notes the wires of a queue; false: another queue's cycles go over one of them. */
static bool note_wires(const struct sharing *s, uint32_t queue, const struct meanwhile *m,
		       struct meanwhile *wires)
{
	const struct queue_wires *of = &s->of[queue];

	for (uint32_t w = of->first; w < of->first + of->n; w++) {
		struct meanwhile *wire = &wires[s->paths[w]];

		if (wire->to_ns >= 0 && wire->queue != queue)
			return false;
		wire->queue = queue;
		widen(wire, m->from_ns, m->to_ns);
	}
	return true;
}

/* Returns whether a task that is not one of the cycles runs beside them. */
static bool is_beside(const struct program *p, const struct sharing *s, const struct task_run *run,
		      uint32_t task, const struct meanwhile *queues, const struct meanwhile *wires)
{
	const uint32_t queue = p->tasks.at[task].queue;
	const struct queue_wires *of = &s->of[queue];

	if (is_within(&queues[queue], &run->spans[task]))
		return true;
	for (uint32_t w = of->first; w < of->first + of->n; w++)
		if (is_within(&wires[s->paths[w]], &run->spans[task]))
			return true;
	return false;
}

static sim_ns ready_ns(const struct program *p, const struct class_times *t, const struct task_run *run,
		       uint32_t task)
{
	const struct program_task *of = &p->tasks.at[task];
	sim_ns ns = 0;

	for (uint32_t d = 0; d < of->deps_n; d++) {
		const uint32_t dep = p->deps.at[of->first_dep + d];

		ns = sim_later(ns, run->spans[dep].end_ns + t->lag_ns[p->tasks.at[dep].op_class]);
	}
	return ns;
}

/* Returns whether no task that a link was kept from (hold_back()) was ready before those of the cycles, nor before another of them that
 * it then went ahead of, as the lower number. */
static bool kept_turns(const struct program *p, int half, const struct class_times *t,
		       const struct task_run *run, const struct meanwhile *queues)
{
	const struct program_loop *l = loop_of(p, half);
	const size_t to = half ? p->tasks.n : p->halves.at;
	struct arena scratch = ARENA_INIT;
	sim_ns *latest = arena_array(&scratch, program_queues(p->world), sizeof *latest);
	bool kept = true;

	for (uint32_t i = l->at - l->len; i < to && kept; i++) {
		const uint32_t q = p->tasks.at[i].queue;
		const sim_ns ns = ready_ns(p, t, run, i);

		if (queues[q].to_ns < 0 || takes_in_order(p, q))
			continue;
		kept = i < l->at || ns >= latest[q];
		if (ns < queues[q].to_ns)
			latest[q] = sim_later(latest[q], ns);
	}
	arena_release(&scratch);
	return kept;
}

/* Returns whether the cycles of a half have their queues and wires for themselves. run: of the whole; base: with the last cycle before
 * those left out as it is itself. */
static bool have_queues(const struct program *p, int half, const struct class_times *t,
			const struct task_run *run, const struct task_run *base)
{
	const struct program_loop *l = loop_of(p, half);
	struct arena scratch = ARENA_INIT;
	const struct sharing shared = sharing_make(&scratch, p);
	struct meanwhile *queues = never(&scratch, program_queues(p->world)),
			 *wires = never(&scratch, program_wires(p->world));
	bool have;

	for (uint32_t i = l->at - l->len; i < l->at; i++)
		widen(&queues[p->tasks.at[i].queue], base->spans[i].start_ns, run->spans[i].end_ns);
	have = kept_turns(p, half, t, run, queues);
	for (uint32_t q = 0; q < program_queues(p->world) && have; q++)
		have = queues[q].to_ns < 0 || note_wires(&shared, q, &queues[q], wires);
	for (uint32_t i = 0; i < p->tasks.n && have; i++)
		have = (i >= l->at - l->len && i < l->at) || !is_beside(p, &shared, run, i, queues, wires);
	arena_release(&scratch);
	return have;
}

/* ---- runs ---- */

/* Brings the tasks into the order of their numbers but for those after the cycles of the second half; false: a queue takes them in
 * another. */
static bool put_in_order(const struct program *p, struct task_run *run)
{
	const uint32_t to = cycles_end(p);
	struct arena scratch = ARENA_INIT;
	uint32_t *order = arena_room(&scratch, p->tasks.n, sizeof *order), n = 0;
	sim_ns *free_ns = arena_array(&scratch, program_queues(p->world), sizeof *free_ns);
	bool ordered = true;

	for (uint32_t i = 0; i < to; i++)
		order[n++] = i;
	for (size_t i = 0; i < p->tasks.n; i++)
		if (run->order[i] >= to)
			order[n++] = run->order[i];
	for (size_t i = 0; i < p->tasks.n && ordered; i++) {
		sim_ns *at = &free_ns[p->tasks.at[order[i]].queue];

		ordered = run->spans[order[i]].start_ns >= *at;
		*at = run->spans[order[i]].end_ns;
	}
	if (ordered)
		memcpy(run->order, order, p->tasks.n * sizeof *order);
	arena_release(&scratch);
	return ordered;
}

/* The tasks of the last cycle before those left out at their own times; queues are busy with those left out, too. */
static void put_back(const struct program *p, int half, const struct task_run *base,
		     const struct class_times *t, struct task_run *run)
{
	const struct program_loop *l = loop_of(p, half);

	for (uint32_t i = l->at - l->len; i < l->at; i++) {
		run->spans[i] = base->spans[i];
		run->busy_ns[p->tasks.at[i].queue] += l->n * (run->spans[i].end_ns - run->spans[i].start_ns);
	}
	tasks_busy(p, l->at - l->len, l->at, t, l->n, run->busy_ns);
}

bool paces_run(struct arena *a, const struct program *p, const struct class_times *t,
	       struct task_graph *graph, struct task_run *run)
{
	struct arena scratch = ARENA_INIT;
	sim_ns *earliest_ns = arena_array(&scratch, p->tasks.n, sizeof *earliest_ns);
	const struct task_run plain = program_run(&scratch, p, t, NULL);
	struct task_run first;
	struct look look = {p, t, loop_of(p, 0), &plain, &plain, NULL};
	bool holds = look_ahead(&scratch, &look, earliest_ns);

	if (holds) {
		first = program_run_after(&scratch, p, t, earliest_ns, NULL);
		look = (struct look){p, t, loop_of(p, 1), &first, &plain, NULL};
		holds = look_ahead(&scratch, &look, earliest_ns);
	}
	if (holds) {
		*run = program_run_after(a, p, t, earliest_ns, graph);
		holds = have_queues(p, 0, t, run, &plain) && have_queues(p, 1, t, run, &first);
	}
	if (holds) {
		put_back(p, 0, &plain, t, run);
		put_back(p, 1, &first, t, run);
		holds = put_in_order(p, run);
	}
	arena_release(&scratch);
	return holds;
}
