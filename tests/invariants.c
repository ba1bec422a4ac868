/* invariants.c - see invariants.h. */
#include "tests/invariants.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sim/step/drawn.h"
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

static void check_queue(const struct fixture_run *r, uint32_t queue)
{
	struct span *s = xcalloc(r->program->tasks.n, sizeof *s);
	sim_ns busy = 0, idle = 0, at = 0;
	size_t n = 0;

	for (uint32_t i = 0; i < r->program->tasks.n; i++)
		if (r->program->tasks.at[i].queue == queue)
			s[n++] = (struct span){r->run.spans[i].start_ns, r->run.spans[i].end_ns, i};
	qsort(s, n, sizeof *s, by_start);
	for (size_t i = 0; i < n; i++) {
		MUST(s[i].start_ns >= at); /* one at a time */
		MUST(queue >= r->program->world->units_n || !i ||
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

void invariants_run(const struct fixture_run *r)
{
	const struct program *p = r->program;
	sim_ns last = 0;

	for (uint32_t i = 0; i < p->tasks.n; i++) {
		const struct program_task *t = &p->tasks.at[i];
		const sim_ns lag = r->times.lag_ns[t->op_class];

		for (uint32_t d = 0; d < t->deps_n; d++) {
			const uint32_t dep = p->deps.at[t->first_dep + d];

			MUST(dep < i);
			MUST(r->run.spans[i].start_ns >=
			     r->run.spans[dep].end_ns + r->times.lag_ns[p->tasks.at[dep].op_class]);
		}
		last = r->run.spans[i].end_ns + lag > last ? r->run.spans[i].end_ns + lag : last;
	}
	MUST(r->run.makespan_ns == last);
	for (uint32_t q = 0; q < program_queues(p->world); q++)
		check_queue(r, q);
}

void invariants_compiled(const struct fixture_run *r)
{
	const struct compiled_ends e = compiled_run(r->compiled, &r->times);

	MUST(e.makespan_ns == r->run.makespan_ns);
	for (size_t i = 0; i < ARRAY_LEN(r->program->marks); i++)
		MUST(r->program->marks[i] == TASK_NONE ||
		     e.marks_ns[i] == r->run.spans[r->program->marks[i]].end_ns);
}

/* Draws side by side give what each gives alone. */
static void check_draws(struct arena *a, const struct fixture_run *r, struct rng *rng)
{
	enum { DRAWS = DRAWN_AT_ONCE - 1 };
	struct program *p = r->program;
	const size_t sources = program_sources(p->world);
	struct params *z = arena_array(a, DRAWS * sources, sizeof *z);
	const struct draws_at at = {z, sources, DRAWS};
	const struct drawn_programs *d = drawn_programs_make(a, &p, 1);
	const struct drawn_times drawn = drawn_times_new(a, p);
	struct class_times alone = program_times_new(a, p), t = program_times_new(a, p);
	struct compiled_ends ends[DRAWN_AT_ONCE];

	for (size_t i = 0; i < DRAWS * sources * PARAM_N; i++)
		z[i / PARAM_N].of[i % PARAM_N] = rng_normal(rng);
	drawn_programs_times(d, &at, &drawn);
	if (compiled_draws_may(r->compiled))
		compiled_draws(r->compiled, &drawn, ends, 1);
	for (size_t i = 0; i < DRAWS; i++) {
		struct compiled_ends e;

		program_times_drawn(p, z + i * sources, &alone);
		drawn_times_of(p, &drawn, z + i * sources, i, &t);
		for (size_t c = 0; c < p->op_classes.n; c++)
			MUST(p->op_classes.at[c].kind == CLASS_JOINED ||
			     (t.ns[c] == alone.ns[c] && t.lag_ns[c] == alone.lag_ns[c]));
		e = compiled_run(r->compiled, &alone);
		MUST(!compiled_draws_may(r->compiled) || !memcmp(&e, &ends[i], sizeof e));
		e.makespan_ns -= compiled_run(r->compiled, &t).makespan_ns;
		MUST(!e.makespan_ns);
	}
}

void invariants_prog(struct program *p, struct rng *rng)
{
	struct arena a = ARENA_INIT;
	struct params *z = arena_array(&a, program_sources(p->world), sizeof *z);
	struct fixture_run r = fixture_run(&a, p);

	invariants_run(&r);
	invariants_compiled(&r);
	check_draws(&a, &r, rng);
	for (size_t s = 0; s < program_sources(p->world); s++)
		for (int i = 0; i < PARAM_N; i++)
			z[s].of[i] = 3 * rng_normal(rng);
	program_times_drawn(p, z, &r.times);
	r.run = program_run(&a, p, &r.times, NULL);
	r.compiled = compile(&a, p, &r.run);
	invariants_run(&r);
	invariants_compiled(&r);
	arena_release(&a);
}

static sim_ns makespan_of(struct program *p)
{
	struct arena a = ARENA_INIT;
	const sim_ns ns = fixture_run(&a, p).run.makespan_ns;

	arena_release(&a);
	return ns;
}

/* Operators put as one take what they take one by one. */
static void check_short(const struct placement *at, const struct generate_programs *whole, struct rng *rng)
{
	struct generate_programs g = generate_build_short(at);

	MUST(makespan_of(g.first) == makespan_of(whole->first));
	for (int i = 0; i < GENERATE_STEPS && g.later[i]; i++)
		MUST(makespan_of(g.later[i]) == makespan_of(whole->later[i]));
	invariants_prog(g.first, rng);
	generate_free(&g);
}

void invariants_progs(const struct placement *at, struct rng *rng)
{
	const struct workload *k = &at->world->scenario->workload;

	if (k->generate) {
		struct generate_programs g = generate_build(at);

		invariants_prog(g.first, rng);
		for (int i = 0; i < GENERATE_STEPS && g.later[i]; i++)
			invariants_prog(g.later[i], rng);
		check_short(at, &g, rng);
		generate_free(&g);
	}
	if (k->train) {
		struct program *p = train_build(at);

		invariants_prog(p, rng);
		program_free(p);
	}
}
