/* steady.c - see steady.h. */
#include "sim/step/steady.h"

#include <stdlib.h>
#include <string.h>

struct started {
	uint32_t line, task; /* line: index of the queue or group, see line_of() */
	sim_ns at_ns;
};

int steady_steps(struct steady_window p)
{
	return p.warmup + p.timed + p.cooldown;
}

static int by_line(const void *a, const void *b)
{
	const struct started *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->at_ns != y->at_ns)
		return x->at_ns < y->at_ns ? -1 : 1;
	return (x->task > y->task) - (x->task < y->task);
}

/* Returns whether the share of a queue's work in a cycle equals the share of the timed steps in all steps; work: that work. */
static bool is_whole(const struct program *p, const struct class_times *t, const struct started *line,
		     size_t n, struct steady_window steady_window, sim_ns *work)
{
	const size_t per = n / (size_t)steady_steps(steady_window), from = per * (size_t)steady_window.warmup,
		     to = from + per * (size_t)steady_window.timed;
	sim_ns all = 0, cycle = 0;

	for (size_t i = 0; i < n; i++) {
		const sim_ns ns = t->ns[p->tasks.at[line[i].task].op_class];

		all += ns;
		cycle += i >= from && i < to ? ns : 0;
	}
	*work = cycle;
	return cycle * steady_steps(steady_window) == all * steady_window.timed;
}

/* Sorts all tasks by queue, and then the ends of passes by group; returns their number. */
static size_t find_lines(const struct program *p, const struct task_run *run, struct started *s)
{
	const uint32_t queues = (uint32_t)program_queues(p->world);
	size_t n = 0;

	for (size_t i = 0; i < p->tasks.n; i++) {
		const struct program_task *t = &p->tasks.at[i];

		s[n++] = (struct started){t->queue, (uint32_t)i, run->spans[i].start_ns};
		if (p->op_classes.at[t->op_class].op.kind == OP_STEP &&
		    p->op_classes.at[t->op_class].kind == CLASS_OP)
			s[n++] = (struct started){queues + t->label.micro, (uint32_t)i,
						  run->spans[i].start_ns};
	}
	qsort(s, n, sizeof *s, by_line);
	return n;
}

static bool alike(const struct program *p, const struct task_run *run)
{
	sim_ns least = INT64_MAX, most = 0;

	for (size_t i = 0; i < p->cycles.n; i++) {
		const struct cycle *l = &p->cycles.at[i];
		const sim_ns ns = run->spans[l->to].end_ns - run->spans[l->from].end_ns;

		least = ns < least ? ns : least;
		most = ns > most ? ns : most;
	}
	return p->cycles.n && most - least <= most / 1000;
}

bool steady_put(struct program *p, struct steady_window steady_window, bool *saturated)
{
	const size_t steps = (size_t)steady_steps(steady_window);
	struct arena a = ARENA_INIT;
	const struct class_times t = program_times(&a, p);
	const struct task_run run = program_run(&a, p, &t, NULL);
	struct started *s = arena_array(&a, 2 * p->tasks.n, sizeof *s);
	const size_t n = find_lines(p, &run, s);
	bool settled = true;

	*saturated = false;
	for (size_t i = 0, k; i < n; i = k) {
		const struct cycle *made;
		sim_ns work;
		size_t per;

		for (k = i; k < n && s[k].line == s[i].line; k++)
			;
		per = (k - i) / steps;
		BUG_ON(per * steps != k - i);
		settled &= is_whole(p, &t, &s[i], k - i, steady_window, &work);
		VEC_ADD(&p->cycles,
			(struct cycle){
				s[i + per * (size_t)steady_window.warmup - 1].task,
				s[i + per * (size_t)(steady_window.warmup + steady_window.timed) - 1].task});
		made = &p->cycles.at[p->cycles.n - 1];
		*saturated |= s[i].line < program_queues(p->world) &&
			      work == run.spans[made->to].end_ns - run.spans[made->from].end_ns;
	}
	settled &= alike(p, &run);
	arena_release(&a);
	return settled;
}
