/* turns.c - see turns.h. */
#include "sim/step/turns.h"

#include <stdlib.h>
#include <string.h>

/* What a turn does on one queue, as one task. */
struct fold {
	uint32_t turn, queue;
	sim_ns duration_ns, lag_ns;
};

struct folder {
	const struct prog *p;
	const struct turns *turns;
	VEC(struct fold) folds;
	uint32_t *fold_of; /* task -> fold */
	struct task *tasks;
	VEC(uint32_t) deps;
};

static uint32_t fold_for(struct folder *f, size_t from, uint32_t turn, uint32_t queue)
{
	for (size_t i = from; i < f->folds.n; i++)
		if (f->folds.at[i].queue == queue)
			return (uint32_t)i;
	VEC_ADD(&f->folds, (struct fold){turn, queue, 0, 0});
	return (uint32_t)f->folds.n - 1;
}

static void fold_turn(struct folder *f, uint32_t turn)
{
	const struct turn *t = &f->turns->at[turn];
	const size_t from = f->folds.n;

	for (uint32_t i = t->tasks_from; i < t->tasks_to; i++) {
		const struct prog_task *task = &f->p->tasks.at[i];
		const struct class *c = &f->p->classes.at[task->class];
		const uint32_t k = fold_for(f, from, turn, task->queue);
		const sim_ns lag_ns = sim_ns_of_s(c->lag_s);
		struct fold *fold = &f->folds.at[k];

		fold->duration_ns += sim_ns_of_s(cost_seconds(&c->cost));
		fold->lag_ns = fold->lag_ns > lag_ns ? fold->lag_ns : lag_ns;
		f->fold_of[i] = k;
	}
}

/* A fold waits for those begun before it that any of its tasks waits for: what goes round in circles within a
 * turn is cut there. Tasks of a fold lie between those of its turn. */
static void connect(struct folder *f, uint32_t k)
{
	const struct fold *fold = &f->folds.at[k];
	const struct turn *t = &f->turns->at[fold->turn];
	struct task *task = &f->tasks[k];

	*task = (struct task){.queue = fold->queue,
			      .wire = TASK_NONE,
			      .duration_ns = fold->duration_ns,
			      .lag_ns = fold->lag_ns,
			      .first_dep = (uint32_t)f->deps.n};
	for (uint32_t i = t->tasks_from; i < t->tasks_to; i++) {
		const struct prog_task *pt = &f->p->tasks.at[i];

		for (uint32_t d = 0; f->fold_of[i] == k && d < pt->deps_n; d++) {
			const uint32_t dep = f->fold_of[f->p->deps.at[pt->first_dep + d]];

			if (dep < k)
				VEC_ADD(&f->deps, dep);
		}
	}
	task->deps_n = (uint32_t)f->deps.n - task->first_dep;
}

struct started {
	sim_ns at_ns;
	uint32_t turn;
};

static int by_start(const void *a, const void *b)
{
	const struct started *x = a, *y = b;

	if (x->at_ns != y->at_ns)
		return x->at_ns < y->at_ns ? -1 : 1;
	return (x->turn > y->turn) - (x->turn < y->turn);
}

static sim_ns later(sim_ns a, sim_ns b)
{
	return a > b ? a : b;
}

/* When each turn starts on its first device; not before the one ahead of it in its pass, nor before one that
 * it waits for. */
static void find_starts(const struct folder *f, const struct task_run *run, struct started *by)
{
	for (uint32_t i = 0; i < f->turns->n; i++)
		by[i] = (struct started){-1, i};
	for (uint32_t k = 0; k < f->folds.n; k++) {
		struct started *s = &by[f->folds.at[k].turn];
		const uint32_t i = s->turn;

		if (f->folds.at[k].queue < f->p->world->units_n && s->at_ns < 0)
			s->at_ns = run->spans[k].start_ns;
		if (i && f->turns->at[i].pass == f->turns->at[i - 1].pass)
			s->at_ns = later(s->at_ns, by[i - 1].at_ns);
		for (uint32_t d = 0; d < f->tasks[k].deps_n; d++)
			s->at_ns = later(s->at_ns,
					 by[f->folds.at[f->deps.at[f->tasks[k].first_dep + d]].turn].at_ns);
	}
}

static void sort(const struct folder *f, struct arena *a, const struct task_run *run, struct turns *turns)
{
	struct started *by = arena_array(a, turns->n, sizeof *by);
	struct turn *sorted = arena_array(a, turns->n, sizeof *sorted);

	find_starts(f, run, by);
	qsort(by, turns->n, sizeof *by, by_start);
	for (size_t i = 0; i < turns->n; i++)
		sorted[i] = turns->at[by[i].turn];
	memcpy(turns->at, sorted, turns->n * sizeof *sorted);
}

void turns_order(const struct prog *p, struct turns *turns)
{
	struct arena a = ARENA_INIT;
	struct folder f = {.p = p, .turns = turns};
	const size_t queues = prog_queues(p->world);
	enum task_order *order = arena_array(&a, queues, sizeof *order);
	struct task_run run;

	f.fold_of = arena_array(&a, p->tasks.n, sizeof *f.fold_of);
	for (uint32_t i = 0; i < turns->n; i++)
		fold_turn(&f, i);
	f.tasks = arena_array(&a, f.folds.n, sizeof *f.tasks);
	for (uint32_t k = 0; k < f.folds.n; k++)
		connect(&f, k);
	for (size_t q = 0; q < queues; q++)
		order[q] = TASK_AS_READY;
	run = task_graph_run(&a, &(const struct task_graph){.tasks = f.tasks,
							    .deps = f.deps.at,
							    .queues = order,
							    .tasks_n = f.folds.n,
							    .deps_n = f.deps.n,
							    .queues_n = queues});
	sort(&f, &a, &run, turns);
	VEC_FREE(&f.folds);
	VEC_FREE(&f.deps);
	arena_release(&a);
}
