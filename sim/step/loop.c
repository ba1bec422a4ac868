/* loop.c - see loop.h. */
#include "sim/step/loop.h"

#include <string.h>

#include "sim/step/paces.h"
#include "sim/step/pass_class.h"

/* ---- is it one ---- */

static bool same_dep(const struct program *p, uint32_t i, uint32_t d)
{
	const struct program_loop *l = &p->loop;
	const struct program_task *t = &p->tasks.at[i], *before = &p->tasks.at[i - l->len];
	const uint32_t dep = p->deps.at[t->first_dep + d];

	return dep == p->deps.at[before->first_dep + d] + l->len && dep + (l->before - 1) * l->len >= i;
}

static bool same_label(const struct label *a, const struct label *b, uint32_t micros)
{
	return a->phase == b->phase && part_same(a->part, b->part) && a->layer == b->layer &&
	       a->micro == b->micro + micros && a->payload == b->payload && a->grad_part == b->grad_part &&
	       a->recompute == b->recompute && a->stage == b->stage;
}

/* Returns whether a task is that of the cycle before, for later micro-batches. */
static bool repeats(const struct program *p, uint32_t i)
{
	const struct program_loop *l = &p->loop;
	const struct program_task *t = &p->tasks.at[i], *before = &p->tasks.at[i - l->len];

	if (t->queue != before->queue || t->op_class != before->op_class || t->deps_n != before->deps_n ||
	    !same_label(&t->label, &before->label, l->micros))
		return false;
	for (uint32_t d = 0; d < t->deps_n; d++)
		if (!same_dep(p, i, d))
			return false;
	return true;
}

/* Returns whether no task after the cycles depends on one before them. */
static bool nothing_reaches_over(const struct program *p)
{
	const struct program_loop *l = &p->loop;

	for (size_t i = l->at; i < p->tasks.n; i++) {
		const struct program_task *t = &p->tasks.at[i];

		for (uint32_t d = 0; d < t->deps_n; d++)
			if (p->deps.at[t->first_dep + d] + l->before * l->len < l->at)
				return false;
	}
	return true;
}

/* How many cycles the dependencies of the last one before the missing ones reach back. */
static uint32_t reach(const struct program *p)
{
	const struct program_loop *l = &p->loop;
	uint32_t most = 1;

	for (uint32_t i = l->at - l->len; i < l->at; i++) {
		const struct program_task *t = &p->tasks.at[i];

		for (uint32_t d = 0; d < t->deps_n; d++) {
			const uint32_t cycles = (i - p->deps.at[t->first_dep + d] + l->len - 1) / l->len;

			most = cycles > most ? cycles : most;
		}
	}
	return most;
}

bool loop_repeats(struct program *p)
{
	struct program_loop *l = &p->loop;

	if (p->halves.second.n)
		return paces_repeat(p);
	if (!l->len || l->len > l->at)
		return false;
	l->before = reach(p) + 1;
	if ((l->before + 1) * (uint64_t)l->len > l->at || l->at + l->after * (uint64_t)l->len > p->tasks.n)
		return false;
	for (uint32_t i = l->at - l->before * l->len; i < l->at + l->after * l->len; i++)
		if (!repeats(p, i))
			return false;
	return nothing_reaches_over(p);
}

/* ---- what it stands for ---- */

uint32_t loop_times(const struct program *p, uint32_t task)
{
	const struct program_loop *l = &p->loop;

	if (p->halves.second.n)
		return paces_stands_for(p, task) ? 1 + l->n : 1;
	return l->n && task >= l->at - l->len && task < l->at ? 1 + l->n : 1;
}

/* The same in a program that has so many of the cycles left out. */
static uint32_t micro_with(const struct program *p, uint32_t task, uint32_t cycles)
{
	const struct program_loop *l = &p->loop;
	const uint32_t micro = p->tasks.at[task].label.micro;

	if (!cycles || !micro) /* 0: of none, or of the first, which is over by then */
		return micro;
	if (p->halves.second.n)
		return micro + cycles * (micro / l->each + paces_later(p, task));
	return micro + cycles * l->micros * (micro / l->each + (task >= l->at));
}

uint32_t loop_micro(const struct program *p, uint32_t task)
{
	return micro_with(p, task, p->loop.n);
}

/* ---- its run ---- */

sim_ns loop_cycle_ns(const struct program *p, const struct task_run *run)
{
	const struct program_loop *l = &p->loop;

	return run->spans[l->at].start_ns - run->spans[l->at - l->len].start_ns;
}

/* Returns whether tasks start in the same order in the cycles around the missing ones. */
static bool is_ordered(const struct program *p, const struct task_run *run)
{
	const struct program_loop *l = &p->loop;
	size_t at = 0;

	while (run->order[at] != l->at)
		at++;
	if (at < l->before * (size_t)l->len || at + l->len > p->tasks.n)
		return false;
	for (size_t k = at - l->before * (size_t)l->len; k < at; k++) {
		const uint32_t task = run->order[k];

		if (run->order[k + l->len] != task + l->len)
			return false;
		/* those of the last cycle are among the tasks that are known to repeat */
		if (k + l->len >= at &&
		    (task + l->before * l->len < l->at || task >= l->at + l->after * l->len))
			return false;
	}
	return true;
}

/* Returns whether every task of the cycles around the missing ones starts and ends one and the same time later than that of
 * the cycle before. */
static bool is_periodic(const struct program *p, const struct task_run *run)
{
	const struct program_loop *l = &p->loop;
	const sim_ns ns = loop_cycle_ns(p, run);

	for (uint32_t i = l->at - l->before * l->len; i < l->at + l->after * l->len; i++) {
		const struct task_span *now = &run->spans[i], *before = &run->spans[i - l->len];

		if (now->start_ns - before->start_ns != ns || now->end_ns - before->end_ns != ns)
			return false;
	}
	return is_ordered(p, run);
}

bool loop_run(struct arena *a, const struct program *p, const struct class_times *t, struct task_graph *graph,
	      struct task_run *run)
{
	const struct program_loop *l = &p->loop;

	if (p->halves.second.n)
		return paces_run(a, p, t, graph, run);
	*run = program_run(a, p, t, graph);
	if (!l->n)
		return true;
	if (!is_periodic(p, run))
		return false;
	run->makespan_ns += l->n * loop_cycle_ns(p, run);
	for (uint32_t i = l->at - l->len; i < l->at; i++)
		run->busy_ns[p->tasks.at[i].queue] += l->n * (run->spans[i].end_ns - run->spans[i].start_ns);
	tasks_busy(p, l->at - l->len, l->at, t, l->n, run->busy_ns);
	return true;
}

/* ---- its critical path ---- */

/* A task of the whole program: `cycle` cycles after that of the program, which is of the last kept cycle if that is not 0. */
struct loop_place {
	uint32_t task, cycle;
};

/* The cause of a task at such a place, which may be some cycles earlier; on a link, whose tasks run as they are ready, it may
 * also have a higher number. Found by its number in the whole program. */
static struct loop_place place_before(const struct program *p, struct loop_place at, uint32_t cause)
{
	const struct program_loop *l = &p->loop;
	const uint64_t missing = (uint64_t)l->n * l->len;
	const uint64_t i = cause + (at.task >= l->at ? missing : (uint64_t)at.cycle * l->len);
	struct loop_place before;

	if (p->halves.second.n) {
		paces_place(p, paces_whole_dep(p, at.task, at.cycle, cause), &before.task, &before.cycle);
		return before;
	}
	if (!l->n || i < l->at)
		return (struct loop_place){(uint32_t)i, 0};
	if (i >= l->at + missing)
		return (struct loop_place){(uint32_t)(i - missing), 0};
	return (struct loop_place){(uint32_t)(l->at - l->len + (i - l->at) % l->len),
				   (uint32_t)((i - l->at) / l->len) + 1};
}

static uint32_t last_task(const struct program *p, const struct task_graph *g, const struct task_run *run)
{
	const bool moved =
		p->loop.n && !p->halves.second.n; /* its spans are not those of the whole program */
	const sim_ns end = run->makespan_ns - (moved ? p->loop.n * loop_cycle_ns(p, run) : 0);

	for (uint32_t i = 0; i < g->tasks_n; i++)
		if (run->spans[i].end_ns + g->tasks[i].lag_ns == end)
			return i;
	return TASK_NONE;
}

void loop_critical_path(const struct program *p, const struct task_graph *g, const struct task_run *run,
			uint32_t *times)
{
	struct loop_place at = {last_task(p, g, run), 0};

	memset(times, 0, g->tasks_n * sizeof *times);
	while (at.task != TASK_NONE) {
		const uint32_t cause = run->spans[at.task].cause;

		times[at.task]++;
		at = cause == TASK_NONE ? (struct loop_place){TASK_NONE, 0} : place_before(p, at, cause);
	}
}

/* ---- the whole program ---- */

/* Appends a task of p, so many numbers later; so do the tasks that it depends on where they are in the cycles or after. */
static void put_later(struct program *out, const struct program *p, uint32_t task, uint32_t cycles,
		      uint32_t micro)
{
	const struct program_loop *l = &p->loop;
	struct program_task t = p->tasks.at[task];

	t.label.micro = micro;
	t.first_dep = (uint32_t)out->deps.n;
	for (uint32_t d = 0; d < t.deps_n; d++)
		VEC_ADD(&out->deps, p->deps.at[p->tasks.at[task].first_dep + d] + cycles * l->len);
	VEC_ADD(&out->tasks, t);
}

/* The program with so many of the cycles that are left out. */
static struct program *with_cycles(const struct program *p, uint32_t cycles)
{
	const struct program_loop *l = &p->loop;
	struct program *out = program_of_classes(p);

	for (uint32_t i = 0; i < p->tasks.n; i++) {
		if (i == l->at)
			for (uint32_t k = 1; k <= cycles; k++)
				for (uint32_t c = i - l->len; c < i; c++)
					put_later(out, p, c, k, micro_with(p, c, cycles) + k * l->micros);
		put_later(out, p, i, i < l->at ? 0 : cycles, micro_with(p, i, cycles));
	}
	return out;
}

struct program *loop_unrolled(const struct program *p)
{
	return p->halves.second.n ? paces_unrolled(p) : with_cycles(p, p->loop.n);
}

struct program *loop_folded(const struct program *p, uint32_t fold, uint32_t cycles)
{
	const struct program_loop *l = &p->loop;
	/* so many more stand behind the place, where those that do make up no whole ones */
	const uint32_t behind = (fold - l->after % fold) % fold;
	struct program *out;

	cycles += behind;
	if (l->n < cycles + 2 * fold || p->halves.second.n)
		return NULL;
	cycles += (l->n - cycles) % fold;
	out = with_cycles(p, cycles);
	out->loop = (struct program_loop){.at = l->at + (cycles - behind) * l->len,
					  .len = l->len * fold,
					  .n = (l->n - cycles) / fold,
					  .after = (l->after + behind) / fold,
					  .micros = l->micros * fold,
					  .each = l->each + cycles * l->micros};
	if (loop_repeats(out))
		return out;
	program_free(out);
	return NULL;
}
