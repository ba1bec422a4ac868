/* list_order.c - see list_order.h. */
#include "sim/step/list_order.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/heap.h"

/* The tasks of a visit on one queue, folded into one. */
struct fold {
	uint32_t queue;
	uint32_t last; /* its newest task */
	sim_ns duration_ns, lag_ns, start_ns;
};

struct edges { /* a list of numbers for each number: to[from[i]] .. to[from[i + 1] - 1] */
	uint32_t *from, *to;
};

struct sorter {
	struct arena arena;
	const struct program *p;
	VEC(struct fold) folds;
	uint32_t *fold_of; /* task -> fold */
	uint32_t *before;  /* task -> the one before it in its fold; TASK_NONE */
	uint32_t *waiting; /* task -> number of tasks on which it depends */
};

/* A device's copy to the host belongs to the end of its own visit, although the message that it begins
 * belongs to the next visit. */
static uint32_t sender(const struct sorter *s, const struct program_task *t)
{
	if (s->p->op_classes.at[t->op_class].kind != CLASS_SEND_COPY)
		return TASK_NONE;
	for (uint32_t d = 0; d < t->deps_n; d++) {
		const uint32_t dep = s->p->deps.at[t->first_dep + d];

		if (s->p->tasks.at[dep].queue == t->queue)
			return s->fold_of[dep];
	}
	return TASK_NONE;
}

static void fold_tasks(struct sorter *s, const uint32_t *visit_of, size_t visits_n)
{
	const size_t queues = program_queues(s->p->world);
	uint32_t *at = arena_array(&s->arena, visits_n * queues, sizeof *at); /* number of a fold + 1 */

	for (uint32_t i = 0; i < s->p->tasks.n; i++) {
		const struct program_task *t = &s->p->tasks.at[i];
		const struct op_class *c = &s->p->op_classes.at[t->op_class];
		const sim_ns lag_ns = sim_ns_of_s(c->lag_s);
		uint32_t *slot = &at[visit_of[i] * queues + t->queue];
		uint32_t k = sender(s, t);
		struct fold *f;

		if (k == TASK_NONE && !*slot) {
			VEC_ADD(&s->folds, (struct fold){.queue = t->queue, .last = TASK_NONE});
			*slot = (uint32_t)s->folds.n;
		}
		k = k == TASK_NONE ? *slot - 1 : k;
		f = &s->folds.at[k];
		f->duration_ns += program_class_ns(s->p, t->op_class);
		f->lag_ns = f->lag_ns > lag_ns ? f->lag_ns : lag_ns;
		s->before[i] = f->last;
		s->fold_of[i] = k;
		f->last = i;
	}
}

/* A fold depends on the folds of earlier begin on which any of its tasks depends. Other dependencies
 * between folds would form cycles, and are left out: only an order is derived from them. */
static struct edges connect(struct sorter *s)
{
	const struct program *p = s->p;
	struct edges e = {arena_array(&s->arena, s->folds.n + 2, sizeof *e.from), NULL};

	for (int fill = 0; fill < 2; fill++) {
		for (uint32_t i = 0; i < p->tasks.n; i++) {
			const struct program_task *t = &p->tasks.at[i];
			const uint32_t k = s->fold_of[i];

			for (uint32_t d = 0; d < t->deps_n; d++) {
				const uint32_t dep = s->fold_of[p->deps.at[t->first_dep + d]];

				if (dep < k && fill)
					e.to[e.from[k + 1]++] = dep;
				else if (dep < k)
					e.from[k + 2]++;
			}
		}
		for (size_t k = 2; k < s->folds.n + 2 && !fill; k++)
			e.from[k] += e.from[k - 1];
		if (!fill)
			e.to = arena_array(&s->arena, e.from[s->folds.n + 1], sizeof *e.to);
	}
	return e;
}

static void run_folds(struct sorter *s)
{
	const struct edges e = connect(s);
	const size_t queues = program_queues(s->p->world), n = s->folds.n;
	enum task_order *order = arena_array(&s->arena, queues, sizeof *order);
	struct task *tasks = arena_array(&s->arena, n, sizeof *tasks);
	struct task_run run;

	for (size_t q = 0; q < queues; q++)
		order[q] = TASK_AS_READY;
	for (size_t k = 0; k < n; k++)
		tasks[k] = (struct task){.queue = s->folds.at[k].queue,
					 .duration_ns = s->folds.at[k].duration_ns,
					 .lag_ns = s->folds.at[k].lag_ns,
					 .first_dep = e.from[k],
					 .deps_n = e.from[k + 1] - e.from[k]};
	run = task_graph_run(&s->arena, &(const struct task_graph){.tasks = tasks,
								   .deps = e.to,
								   .queues = order,
								   .tasks_n = n,
								   .deps_n = e.from[n],
								   .queues_n = queues});
	for (size_t k = 0; k < n; k++)
		s->folds.at[k].start_ns = run.spans[k].start_ns;
}

static bool comes_first(const struct sorter *s, uint32_t a, uint32_t b)
{
	const uint32_t fa = s->fold_of[a], fb = s->fold_of[b];
	const sim_ns at_a = s->folds.at[fa].start_ns, at_b = s->folds.at[fb].start_ns;

	if (at_a != at_b)
		return at_a < at_b;
	return fa != fb ? fa < fb : a < b;
}

static bool ready_before(void *ctx, const uint32_t *a, const uint32_t *b)
{
	return comes_first(ctx, *a, *b);
}

HEAP_DEFINE(ready_tasks, uint32_t, ready_before, HEAP_UNTRACKED);

/* The tasks that depend on a task: by its dependencies, and the next one of its fold. */
static struct edges find_followers(struct sorter *s)
{
	const struct program *p = s->p;
	const size_t n = p->tasks.n;
	struct edges e = {arena_array(&s->arena, n + 2, sizeof *e.from),
			  arena_array(&s->arena, p->deps.n + n, sizeof *e.to)};

	for (int fill = 0; fill < 2; fill++) {
		for (uint32_t i = 0; i < n; i++) {
			const struct program_task *t = &p->tasks.at[i];

			for (uint32_t d = 0; d <= t->deps_n; d++) {
				const uint32_t dep =
					d < t->deps_n ? p->deps.at[t->first_dep + d] : s->before[i];

				if (dep == TASK_NONE)
					continue;
				if (fill)
					e.to[e.from[dep + 1]++] = i;
				else
					e.from[dep + 2]++;
				s->waiting[i] += !fill;
			}
		}
		for (size_t i = 2; i < n + 2 && !fill; i++)
			e.from[i] += e.from[i - 1];
	}
	return e;
}

/* Sorts the tasks by the start of their visits, each after its dependencies (Kahn, CACM 5(11), 1962). */
static uint32_t *emit(struct sorter *s)
{
	const struct edges e = find_followers(s);
	uint32_t *out = arena_array(&s->arena, s->p->tasks.n, sizeof *out);
	struct ready_tasks ready = {.ctx = s};
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->p->tasks.n; i++)
		if (!s->waiting[i])
			ready_tasks_put(&ready, i);
	while (ready.n) {
		const uint32_t task = ready_tasks_take(&ready);

		out[n++] = task;
		for (uint32_t f = e.from[task]; f < e.from[task + 1]; f++)
			if (!--s->waiting[e.to[f]])
				ready_tasks_put(&ready, e.to[f]);
	}
	BUG_ON(n != s->p->tasks.n);
	ready_tasks_release(&ready);
	return out;
}

static void renumber(struct arena *a, struct program *p, const uint32_t *order)
{
	const size_t n = p->tasks.n;
	struct program_task *tasks = arena_array(a, n, sizeof *tasks);
	uint32_t *now = arena_array(a, n, sizeof *now);

	for (uint32_t i = 0; i < n; i++) {
		now[order[i]] = i;
		tasks[i] = p->tasks.at[order[i]];
	}
	memcpy(p->tasks.at, tasks, n * sizeof *tasks);
	for (size_t d = 0; d < p->deps.n; d++)
		p->deps.at[d] = now[p->deps.at[d]];
	for (size_t m = 0; m < ARRAY_LEN(p->marks); m++)
		if (p->marks[m] != TASK_NONE)
			p->marks[m] = now[p->marks[m]];
}

void list_order_sort(struct program *p, const uint32_t *visit_of, size_t visits_n)
{
	struct sorter s = {.arena = ARENA_INIT, .p = p};
	const size_t n = p->tasks.n;

	s.fold_of = arena_array(&s.arena, n, sizeof *s.fold_of);
	s.before = arena_array(&s.arena, n, sizeof *s.before);
	s.waiting = arena_array(&s.arena, n, sizeof *s.waiting);
	fold_tasks(&s, visit_of, visits_n);
	run_folds(&s);
	renumber(&s.arena, p, emit(&s));
	VEC_FREE(&s.folds);
	arena_release(&s.arena);
}
