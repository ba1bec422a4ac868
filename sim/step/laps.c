/* laps.c - see laps.h. */
#include "sim/step/laps.h"

#include <stdlib.h>
#include <string.h>

struct started {
	uint32_t line, task; /* line: of those that take turns, see line_of() */
	sim_ns at_ns;
};

int pace_steps(struct pace p)
{
	return p.warm + p.timed + p.cool;
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

/* Is the lap's work its share of all that the line does? */
static bool is_whole(const struct prog *p, const struct class_times *t, const struct started *line, size_t n,
		     struct pace pace)
{
	const size_t per = n / (size_t)pace_steps(pace), from = per * (size_t)pace.warm,
		     to = from + per * (size_t)pace.timed;
	sim_ns all = 0, lap = 0;

	for (size_t i = 0; i < n; i++) {
		const sim_ns ns = t->ns[p->tasks.at[line[i].task].class];

		all += ns;
		lap += i >= from && i < to ? ns : 0;
	}
	return lap * pace_steps(pace) == all * pace.timed;
}

/* All tasks queue by queue, and behind them the ends of passes group by group; returns how many. */
static size_t find_lines(const struct prog *p, const struct task_run *run, struct started *s)
{
	const uint32_t queues = (uint32_t)prog_queues(p->world);
	size_t n = 0;

	for (size_t i = 0; i < p->tasks.n; i++) {
		const struct prog_task *t = &p->tasks.at[i];

		s[n++] = (struct started){t->queue, (uint32_t)i, run->spans[i].start_ns};
		if (p->classes.at[t->class].op.kind == OP_STEP && p->classes.at[t->class].kind == CLASS_OP)
			s[n++] = (struct started){queues + t->tag.micro, (uint32_t)i, run->spans[i].start_ns};
	}
	qsort(s, n, sizeof *s, by_line);
	return n;
}

static bool alike(const struct prog *p, const struct task_run *run)
{
	sim_ns least = INT64_MAX, most = 0;

	for (size_t i = 0; i < p->laps.n; i++) {
		const struct lap *l = &p->laps.at[i];
		const sim_ns ns = run->spans[l->to].end_ns - run->spans[l->from].end_ns;

		least = ns < least ? ns : least;
		most = ns > most ? ns : most;
	}
	return p->laps.n && most - least <= most / 1000;
}

bool laps_put(struct prog *p, struct pace pace)
{
	const size_t steps = (size_t)pace_steps(pace);
	struct arena a = ARENA_INIT;
	const struct class_times t = prog_times(&a, p);
	const struct task_run run = prog_run(&a, p, &t, NULL);
	struct started *s = arena_array(&a, 2 * p->tasks.n, sizeof *s);
	const size_t n = find_lines(p, &run, s);
	bool settled = true;

	for (size_t i = 0, k; i < n; i = k) {
		size_t per;

		for (k = i; k < n && s[k].line == s[i].line; k++)
			;
		per = (k - i) / steps;
		BUG_ON(per * steps != k - i);
		settled &= is_whole(p, &t, &s[i], k - i, pace);
		VEC_ADD(&p->laps, (struct lap){s[i + per * (size_t)pace.warm - 1].task,
					       s[i + per * (size_t)(pace.warm + pace.timed) - 1].task});
	}
	settled &= alike(p, &run);
	arena_release(&a);
	return settled;
}
