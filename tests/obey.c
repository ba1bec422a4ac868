/* obey.c - see obey.h. */
#include "tests/obey.h"

#include <check.h>
#include <stdlib.h>

#include "sim/step/generate.h"
#include "sim/train/train.h"
#include "tests/suites.h"

struct span {
	sim_ns start_ns, end_ns;
	uint32_t task;
};

static int by_start(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	if (x->end_ns != y->end_ns)
		return x->end_ns < y->end_ns ? -1 : 1;
	return (x->task > y->task) - (x->task < y->task);
}

static void check_queue(const struct toy_run *r, uint32_t queue)
{
	struct span *s = xcalloc(r->prog->tasks.n, sizeof *s);
	sim_ns busy = 0, idle = 0, at = 0;
	size_t n = 0;

	for (uint32_t i = 0; i < r->prog->tasks.n; i++)
		if (r->prog->tasks.at[i].queue == queue)
			s[n++] = (struct span){r->run.spans[i].start_ns, r->run.spans[i].end_ns, i};
	qsort(s, n, sizeof *s, by_start);
	for (size_t i = 0; i < n; i++) {
		MUST(s[i].start_ns >= at); /* one at a time */
		MUST(queue >= r->prog->world->units_n || !i ||
		     s[i].task > s[i - 1].task); /* a device: in order */
		idle += s[i].start_ns - at;
		busy += s[i].end_ns - s[i].start_ns;
		at = s[i].end_ns;
	}
	MUST(r->run.makespan_ns >= at);
	MUST(r->run.busy_ns[queue] == busy);
	MUST(busy + idle + (r->run.makespan_ns - at) == r->run.makespan_ns);
	free(s);
}

void obey_run(const struct toy_run *r)
{
	const struct prog *p = r->prog;
	sim_ns last = 0;

	for (uint32_t i = 0; i < p->tasks.n; i++) {
		const struct prog_task *t = &p->tasks.at[i];
		const sim_ns lag = r->times.lag_ns[t->class];

		for (uint32_t d = 0; d < t->deps_n; d++) {
			const uint32_t dep = p->deps.at[t->first_dep + d];

			MUST(dep < i);
			MUST(r->run.spans[i].start_ns >=
			     r->run.spans[dep].end_ns + r->times.lag_ns[p->tasks.at[dep].class]);
		}
		last = r->run.spans[i].end_ns + lag > last ? r->run.spans[i].end_ns + lag : last;
	}
	MUST(r->run.makespan_ns == last);
	for (uint32_t q = 0; q < prog_queues(p->world); q++)
		check_queue(r, q);
}

void obey_compiled(const struct toy_run *r)
{
	const struct compiled_ends e = compiled_run(r->compiled, &r->times);

	MUST(e.makespan_ns == r->run.makespan_ns);
	for (size_t i = 0; i < ARRAY_LEN(r->prog->marks); i++)
		MUST(r->prog->marks[i] == TASK_NONE ||
		     e.marks_ns[i] == r->run.spans[r->prog->marks[i]].end_ns);
}

void obey_prog(struct prog *p, struct rng *rng)
{
	struct arena a = ARENA_INIT;
	struct params *z = arena_array(&a, prog_sources(p->world), sizeof *z);
	struct toy_run r = toy_run(&a, p);

	obey_run(&r);
	obey_compiled(&r);
	for (size_t s = 0; s < prog_sources(p->world); s++)
		for (int i = 0; i < PARAM_N; i++)
			z[s].of[i] = 3 * rng_normal(rng);
	prog_times_drawn(p, z, &r.times);
	r.run = prog_run(&a, p, &r.times, NULL);
	r.compiled = compile(&a, p, &r.run);
	obey_run(&r);
	obey_compiled(&r);
	arena_release(&a);
}

void obey_progs(const struct placement *at, struct rng *rng)
{
	const struct workload *k = &at->world->scenario->workload;

	if (k->generate) {
		struct generate_progs g = generate_build(at);

		obey_prog(g.first, rng);
		for (int i = 0; i < GENERATE_STEPS && g.later[i]; i++)
			obey_prog(g.later[i], rng);
		generate_free(&g);
	}
	if (k->train) {
		struct prog *p = train_build(at);

		obey_prog(p, rng);
		prog_free(p);
	}
}
