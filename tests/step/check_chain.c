/* check_chain.c - a compiled program ends when its tasks do, one by one in the order in which they ran first, at any
 * times: what is joined in between changes nothing. */
#include "tests/suites.h"

#include "sim/base/rng.h"
#include "sim/step/compile.h"
#include "tests/fixtures.h"

enum { TASKS = 40, TRIALS = 20 };

static struct fixture fixture;
static struct rng *rng;

static size_t below(size_t n)
{
	return (size_t)(rng_uniform(rng) * (double)n);
}

/* Tasks of two devices and of a link between them, most of which wait for the one before; `often` of ten. */
static struct program *random_program(size_t often)
{
	const struct world *w = fixture.world;
	struct program *p = program_new(w);

	for (size_t i = 0; i < TASKS; i++) {
		const bool link = below(3) == 0;
		const struct queue q =
			link ? (struct queue){QUEUE_LINK, 0, 0} : (struct queue){QUEUE_DEVICE, below(2), 0};
		const struct op_class c = {.kind = link ? CLASS_SEND : CLASS_OP,
					   .lag_s = link ? 1e-6 : 0,
					   .cost.memory.s = 1e-6};
		struct deps after = {.n = 0};

		if (i && below(10) < often)
			deps_add(p, &after, (uint32_t)i - 1);
		if (i && below(10) < 2)
			deps_add(p, &after, (uint32_t)below(i));
		VEC_ADD(&p->op_classes, c);
		program_put(p, (uint32_t)queue_index(w, q), (uint32_t)i, (struct label){.layer = -1}, &after);
		if (below(8) == 0)
			p->marks[below(ARRAY_LEN(p->marks))] = (uint32_t)i;
	}
	return p;
}

static sim_ns later(sim_ns a, sim_ns b)
{
	return a > b ? a : b;
}

/* Each task in the order of a run, at other times. */
static struct compiled_ends one_by_one(const struct program *p, const uint32_t *order,
				       const struct class_times *t)
{
	struct compiled_ends e = {0};
	sim_ns ends[TASKS], free_at[64] = {0};

	ck_assert_uint_le(program_queues(p->world), ARRAY_LEN(free_at));
	for (size_t i = 0; i < p->tasks.n; i++) {
		const struct program_task *task = &p->tasks.at[order[i]];
		sim_ns *queue = &free_at[task->queue], at = *queue;

		for (uint32_t d = 0; d < task->deps_n; d++) {
			const uint32_t dep = p->deps.at[task->first_dep + d];

			at = later(at, ends[dep] + t->lag_ns[p->tasks.at[dep].op_class]);
		}
		ends[order[i]] = *queue = at + t->ns[task->op_class];
		e.makespan_ns = later(e.makespan_ns, *queue + t->lag_ns[task->op_class]);
	}
	for (size_t i = 0; i < ARRAY_LEN(p->marks); i++)
		e.marks_ns[i] = p->marks[i] == TASK_NONE ? 0 : ends[p->marks[i]];
	return e;
}

/* A link has one latency. */
static void random_times(const struct program *p, struct class_times *t)
{
	const sim_ns lag_ns = (sim_ns)below(100);

	for (size_t i = 0; i < p->op_classes.n; i++) {
		t->ns[i] = (sim_ns)below(below(4) ? 10 : 1000);
		t->lag_ns[i] = p->op_classes.at[i].lag_s > 0 ? lag_ns : 0;
	}
}

START_TEST(joined_ends)
{
	struct arena a = ARENA_INIT;
	size_t segments = 0;

	fixture_founding(&fixture, "[{on: m5}]", NULL);
	rng = rng_new((uint64_t)_i, "chain");
	for (size_t trial = 0; trial < TRIALS; trial++) {
		struct program *p = random_program((size_t)_i);
		struct class_times t = program_times(&a, p);
		struct task_run run;
		struct compiled *c;

		random_times(p, &t);
		run = program_run(&a, p, &t, NULL);
		c = compile(&a, p, &run);
		segments += compiled_segments(c);
		for (size_t k = 0; k < TRIALS; k++) {
			const struct compiled_ends want = one_by_one(p, run.order, &t),
						   got = compiled_run(c, &t);

			ck_assert_int_eq(got.makespan_ns, want.makespan_ns);
			for (size_t m = 0; m < ARRAY_LEN(p->marks); m++)
				ck_assert_int_eq(got.marks_ns[m], want.marks_ns[m]);
			random_times(p, &t);
		}
		program_free(p);
	}
	if (_i == 10) /* a chain, cut by at most four marks */
		ck_assert_uint_le(segments, TRIALS * 5);
	rng_free(rng);
	fixture_release(&fixture);
	arena_release(&a);
}
END_TEST

Suite *suite_chain(void)
{
	Suite *s = suite_create("chain");
	TCase *t = tcase_create("chain");

	tcase_add_loop_test(t, joined_ends, 0, 11);
	suite_add_tcase(s, t);
	return s;
}
