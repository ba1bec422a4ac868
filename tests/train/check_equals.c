/* check_equals.c - devices that stand for equal ones against all of them, one by one: times and memory. */
#include <math.h>
#include <string.h>

#include "sim/base/rng.h"
#include "sim/step/equals.h"
#include "sim/train/memory.h"
#include "sim/train/stages.h"
#include "sim/train/train.h"
#include "tests/suites.h"
#include "tests/fixtures.h"

enum { LAYERS = 4, MACHINES = 16 };

/* A job of so many stages; every stage of `ranks` machines, or of one that stands for them, and likewise replicas. */
struct trained {
	int stages, ranks, replicas, micros;
	const char *link, *options, *all_reduce;
};

static void add_links(struct str *out, const struct trained *j, int machines, bool classes)
{
	str_add(out, "links:\n");
	for (int a = 0; a < machines; a++)
		for (int b = 0; b < a; b++)
			str_addf(out,
				 "  l%dx%d: {schema: lemursim/hardware/1, kind: link, title: fixture, %s, "
				 "all_reduce: %s, between: [m%d, m%d]}\n",
				 a, b, j->link, j->all_reduce, b, a);
	for (int e = 0; classes && e < 2; e++)
		str_addf(out,
			 "  e%d: {schema: lemursim/hardware/1, kind: link, title: fixture, %s, all_reduce: "
			 "%s, "
			 "equals: %s}\n",
			 e, j->link, j->all_reduce, e ? "data" : "tensor");
}

/* "[m2, m3]": the machines of a stage, replica by replica or rank by rank. */
static void add_machines(struct str *out, const struct trained *j, int stage)
{
	const int n = j->ranks * j->replicas;

	if (n == 1) {
		str_addf(out, "m%d", stage);
		return;
	}
	for (int i = 0; i < n; i++)
		str_addf(out, "%sm%d", i ? ", " : "[", stage * n + i);
	str_addf(out, "], split: %s", j->ranks > 1 ? "tensor" : "data");
}

static void load(struct fixture *t, const struct trained *j, const char *parallel)
{
	const int machines = j->stages * j->ranks * j->replicas;
	struct str s = STR_INIT;

	str_add(&s, FIXTURE_HEAD "model: " FIXTURE_MODEL("4") "\nmachines:\n");
	for (int i = 0; i < machines; i++)
		str_addf(&s, "  m%d: %s\n", i, FIXTURE_MACHINE);
	add_links(&s, j, machines, *parallel);
	str_addf(&s,
		 "workload: {train: {tokens: 64 tok, micro_batches: %d, %s%s, all_reduce: %s}}\n"
		 "assignments:\n  - name: x\n    place:\n      - {on: ",
		 j->micros, j->options, parallel, j->all_reduce);
	add_machines(&s, j, 0);
	str_add(&s, "}\n");
	for (int k = 1; k < j->stages; k++) {
		str_addf(&s, "      - {layers: %d-%d, on: ", k * LAYERS / j->stages,
			 (k + 1) * LAYERS / j->stages - 1);
		add_machines(&s, j, k);
		str_add(&s, "}\n");
	}
	str_add(&s, "      - {op: head, on: ");
	add_machines(&s, j, j->stages - 1);
	str_add(&s, "}\n");
	fixture_text(t, s.text, (const char *const[]){"model.attention.kv_heads=8", NULL});
	str_release(&s);
}

struct outcome {
	sim_ns makespan_ns, drawn_ns;
	double flop_each, need_B[MACHINES];
};

/* The step on the engine, its memory, and under other times. */
static struct outcome run(struct fixture *t)
{
	struct arena a = ARENA_INIT;
	const struct placement at = fixture_place(t, 0);
	struct program *p = train_build(&at);
	struct fixture_run r = fixture_run(&a, p);
	struct params *z = arena_array(&a, program_sources(t->world), sizeof *z);
	struct memory_use use[MACHINES];
	struct outcome o = {.makespan_ns = r.run.makespan_ns};

	ck_assert_int_eq(stages_check(&at, &t->diags), 0);
	train_memory(&a, &at, p, &r.run, use);
	for (size_t m = 0; m < t->world->machines_n; m++)
		o.need_B[m] = footprint_need_B(&use[m].peak);
	for (size_t s = 0; s < program_sources(t->world); s++)
		for (int k = 0; k < PARAM_N; k++)
			z[s].of[k] = 1.25;
	program_times_at(p, z, &r.times);
	o.drawn_ns = compiled_run(r.compiled, &r.times).makespan_ns;
	o.flop_each = fixture_flop(p) / (double)t->world->machines_n;
	program_free(p);
	arena_release(&a);
	return o;
}

static const char *const links[] = {"latency: 0, bandwidth: 1e15 B/s", "latency: 20 us, bandwidth: 2 GB/s",
				    "latency: 3 us, bandwidth: 0.2 GB/s, collective_latency: 7 us"};
static const char *const options[] = {"method: full, optimizer: adamw, schedule: 1f1b",
				      "method: full, schedule: gpipe, recompute: full",
				      "method: lora, rank: 4, schedule: zb-h1, bucket: 100 kB",
				      "method: full, schedule: 1f1b, overlap: false"};

static void compare(const struct trained *j)
{
	struct fixture all, one;
	struct trained each = *j;
	struct arena a = ARENA_INIT;
	struct outcome x, y;
	const int n = j->ranks * j->replicas;

	load(&all, j, "");
	x = run(&all);
	each.ranks = each.replicas = 1;
	load(&one, &each,
	     arena_printf(&a, ", tensor_parallel: %d, data_parallel: %d", j->ranks, j->replicas));
	y = run(&one);
	ck_assert_int_eq(x.makespan_ns, y.makespan_ns);
	ck_assert_int_eq(x.drawn_ns, y.drawn_ns);
	ck_assert_double_eq_tol(x.flop_each, y.flop_each, 1e-9 * x.flop_each);
	for (int m = 0; m < j->stages * n; m++)
		ck_assert_double_eq_tol(x.need_B[m], y.need_B[m / n], 1e-9 * x.need_B[m]);
	fixture_release(&all);
	fixture_release(&one);
	arena_release(&a);
}

static const struct {
	int stages, ranks, replicas;
	const char *all_reduce;
} sizes[] = {{1, 2, 1, "ring"}, {2, 2, 1, "ring"},    {2, 4, 1, "ring"},    {1, 8, 1, "ring"},
	     {2, 8, 1, "ring"}, {1, 8, 1, "halving"}, {2, 1, 2, "ring"},    {1, 1, 3, "ring"},
	     {2, 1, 5, "ring"}, {2, 1, 8, "ring"},    {1, 1, 8, "halving"}, {2, 1, 4, "tree"}};

/* Of four ranks and more, one micro-batch without recomputation: where two collective operations are under way at once, single
 * ranks get ahead of others over links of their own, which equal ones do not. */
START_TEST(as_all_of_them)
{
	const bool alone = sizes[_i].ranks > 2;

	for (size_t l = 0; l < ARRAY_LEN(links); l++)
		for (size_t o = 0; o < ARRAY_LEN(options); o++)
			if (!alone || !strstr(options[o], "recompute"))
				compare(&(const struct trained){.stages = sizes[_i].stages,
								.ranks = sizes[_i].ranks,
								.replicas = sizes[_i].replicas,
								.micros = alone ? 1 : 5 * sizes[_i].replicas,
								.link = links[l],
								.options = options[o],
								.all_reduce = sizes[_i].all_reduce});
}
END_TEST

/* 2(p - 1) rounds of B/p; log2 p rounds of B; 2 log2 p rounds that add up to 2(p - 1)/p of B. */
START_TEST(closed_forms)
{
	struct fixture t;
	const struct trained one = {1, 1, 1, 1, "latency: 10 us, bandwidth: 1 GB/s", "method: full", "auto"};
	const struct collective c = {.bytes = 1e9};
	const struct link *l;

	load(&t, &one, ", tensor_parallel: 2");
	l = t.world->link_uses[t.world->equals[EQUALS_TENSOR]].link;
	for (int p = 2; p <= 4096; p *= 2) {
		const double log = round(log2(p));

		ck_assert_double_eq_tol(equals_s(l, p, &c, REDUCE_RING), 2.0 * (p - 1) * (10e-6 + 1.0 / p),
					1e-9);
		ck_assert_double_eq_tol(equals_s(l, p, &c, REDUCE_TREE), log * (10e-6 + 1), 1e-9);
		ck_assert_double_eq_tol(equals_s(l, p, &c, REDUCE_HALVING),
					2 * log * 10e-6 + 2.0 * (p - 1) / p, 1e-9);
	}
	ck_assert(isinf(equals_s(l, 6, &c, REDUCE_TREE)));
	ck_assert(isfinite(equals_s(l, 6, &c, REDUCE_RING)));
	fixture_release(&t);
}
END_TEST

Suite *suite_equals(void)
{
	Suite *s = suite_create("equals");
	TCase *tc = tcase_create("equals");

	tcase_add_loop_test(tc, as_all_of_them, 0, (int)ARRAY_LEN(sizes));
	tcase_add_test(tc, closed_forms);
	suite_add_tcase(s, tc);
	return s;
}
