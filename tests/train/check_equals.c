/* check_equals.c - devices that stand for equal ones against all of them, one by one: times and memory. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/rng.h"
#include "sim/step/equals.h"
#include "sim/step/joined.h"
#include "sim/step/loop.h"
#include "sim/train/memory.h"
#include "sim/train/stages.h"
#include "sim/train/train.h"
#include "tests/suites.h"
#include "tests/fixtures.h"
#include "tests/train/ranked.h"

enum { LAYERS = 4, STAGES = 4, ROUNDS = 5 };

/* A job of so many stages, each of ranks that share tensors, and of replicas of all of them. Ranks and replicas are machines
 * of the world, or those that one stands for. */
struct trained {
	int stages, ranks, replicas, micros;
	const char *link, *options, *all_reduce;
	int classes; /* 1 << EQUALS_TENSOR, 1 << EQUALS_DATA */
};

static int ranks_of(const struct trained *j)
{
	return j->classes >> EQUALS_TENSOR & 1 ? 1 : j->ranks;
}

static int replicas_of(const struct trained *j)
{
	return j->classes >> EQUALS_DATA & 1 ? 1 : j->replicas;
}

static int of_stage(const struct trained *j)
{
	return ranks_of(j) * replicas_of(j);
}

static void add_link(struct str *out, const struct trained *j, const char *name)
{
	str_addf(out, "  %s: {schema: lemursim/hardware/1, kind: link, title: fixture, %s, all_reduce: %s, ",
		 name, j->link, j->all_reduce);
}

/* A switch for the machines of each stage; a cable from each to those of other stages. */
static void add_links(struct str *out, const struct trained *j)
{
	const int n = of_stage(j), machines = n * j->stages;
	struct arena a = ARENA_INIT;

	if (n > 1 || j->stages > 1 || j->classes)
		str_add(out, "links:\n");
	for (int k = 0; k < j->stages && n > 1; k++) {
		add_link(out, j, arena_printf(&a, "s%d", k));
		str_add(out, "switch: [");
		for (int i = 0; i < n; i++)
			str_addf(out, "%sm%d", i ? ", " : "", k * n + i);
		str_add(out, "]}\n");
	}
	for (int x = 0; x < machines; x++)
		for (int y = 0; y < x; y++)
			if (x / n != y / n) {
				add_link(out, j, arena_printf(&a, "l%dx%d", x, y));
				str_addf(out, "between: [m%d, m%d]}\n", y, x);
			}
	for (int e = EQUALS_TENSOR; e <= EQUALS_DATA; e++)
		if (j->classes >> e & 1) {
			add_link(out, j, arena_printf(&a, "e%d", e));
			str_addf(out, "equals: %s}\n", e == EQUALS_TENSOR ? "tensor" : "data");
		}
	arena_release(&a);
}

/* "[m2, m3], split: tensor": the machines of a stage. */
static void add_machines(struct str *out, const struct trained *j, int stage)
{
	const int n = of_stage(j);

	if (n == 1) {
		str_addf(out, "m%d", stage);
		return;
	}
	for (int i = 0; i < n; i++)
		str_addf(out, "%sm%d", i ? ", " : "[", stage * n + i);
	str_addf(out, "], split: %s", ranks_of(j) > 1 ? "tensor" : "data");
}

static void add_training(struct str *out, const struct trained *j)
{
	str_addf(out, "workload: {train: {tokens: 64 tok, micro_batches: %d, %s, all_reduce: %s", j->micros,
		 j->options, j->all_reduce);
	if (j->classes >> EQUALS_TENSOR & 1)
		str_addf(out, ", tensor_parallel: %d", j->ranks);
	if (j->classes >> EQUALS_DATA & 1)
		str_addf(out, ", data_parallel: %d", j->replicas);
	str_add(out, "}}\n");
}

static void load(struct fixture *t, const struct trained *j)
{
	struct str s = STR_INIT;

	str_add(&s, FIXTURE_HEAD "model: " FIXTURE_MODEL("4") "\nmachines:\n");
	for (int i = 0; i < j->stages * of_stage(j); i++)
		str_addf(&s, "  m%d: %s\n", i, FIXTURE_MACHINE);
	add_links(&s, j);
	add_training(&s, j);
	str_add(&s, "assignments:\n  - name: x\n    place:\n      - {on: ");
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
	double flop_each, need_B[STAGES]; /* of a device; of the first of each stage */
	bool joins;                       /* rounds are one task in the step as it is simulated */
};

/* Returns whether rounds of collective operations are one task. */
static bool joins_rounds(const struct program *p)
{
	bool joins = false;

	for (size_t i = 0; i < p->tasks.n; i++)
		joins |= p->tasks.at[i].queue >= p->world->units_n &&
			 p->op_classes.at[p->tasks.at[i].op_class].kind == CLASS_JOINED;
	return joins;
}

/* The step of joined tasks takes what the step of all takes, on each queue; returns whether it joins rounds. */
static bool joined_same(const struct placement *at, const struct program *whole, const struct fixture_run *r,
			const struct params *z, const struct outcome *o)
{
	struct arena a = ARENA_INIT;
	struct program *p = train_build_short(at);
	struct class_times t = program_times(&a, p);
	struct memory_use *use = arena_array(&a, at->world->machines_n, sizeof *use),
			  *all = arena_array(&a, at->world->machines_n, sizeof *all);
	const bool joins = joins_rounds(p);
	const struct compiled *c;
	struct task_run run;

	ck_assert(loop_run(&a, p, &t, NULL, &run));
	ck_assert_int_eq(run.makespan_ns, o->makespan_ns);
	for (size_t q = 0; q < program_queues(at->world); q++)
		ck_assert_int_eq(run.busy_ns[q], r->run.busy_ns[q]);
	train_memory(&a, at, p, &run, use);
	train_memory(&a, at, whole, &r->run, all);
	for (size_t m = 0; m < at->world->machines_n; m++) {
		ck_assert_double_eq(footprint_need_B(&use[m].peak), footprint_need_B(&all[m].peak));
		ck_assert_int_eq(use[m].at_ns, all[m].at_ns);
	}
	c = compile(&a, p, &run);
	program_times_at(p, z, &t);
	ck_assert_int_eq(compiled_run(c, &t).makespan_ns, o->drawn_ns);
	program_free(p);
	arena_release(&a);
	return joins;
}

/* The step on the engine, its memory, and under other times; n: machines of a stage. */
static struct outcome run(struct fixture *t, int n)
{
	struct arena a = ARENA_INIT;
	const struct placement at = fixture_place(t, 0);
	struct program *p = train_build(&at);
	struct fixture_run r = fixture_run(&a, p);
	struct params *z = arena_array(&a, program_sources(t->world), sizeof *z);
	struct memory_use *use = arena_array(&a, t->world->machines_n, sizeof *use);
	struct outcome o = {.makespan_ns = r.run.makespan_ns};

	ck_assert_int_eq(stages_check(&at, &t->diags), 0);
	train_memory(&a, &at, p, &r.run, use);
	for (size_t m = 0; m < t->world->machines_n; m += (size_t)n)
		o.need_B[m / (size_t)n] = footprint_need_B(&use[m].peak);
	for (size_t s = 0; s < program_sources(t->world); s++)
		for (int k = 0; k < PARAM_N; k++)
			z[s].of[k] = 1.25;
	program_times_at(p, z, &r.times);
	o.drawn_ns = compiled_run(r.compiled, &r.times).makespan_ns;
	o.joins = joined_same(&at, p, &r, z, &o);
	o.flop_each = fixture_flop(p) / (double)t->world->machines_n;
	program_free(p);
	arena_release(&a);
	return o;
}

static const char *const links[] = {"latency: 0, bandwidth: 1e15 B/s", "latency: 20 us, bandwidth: 2 GB/s",
				    "latency: 3 us, bandwidth: 0.2 GB/s, collective_latency: 7 us"};
static const char *const options[] = {"method: full, optimizer: adamw, schedule: 1f1b",
				      "method: full, schedule: gpipe, recompute: full",
				      "method: full, schedule: 1f1b, recompute: full, zero: 1",
				      "method: full, schedule: 1f1b, recompute: selective, zero: 2",
				      "method: full, schedule: 1f1b, sequence_parallel: true",
				      "method: lora, rank: 4, schedule: zb-h1, bucket: 100 kB",
				      "method: full, schedule: 1f1b, overlap: false"};

static struct outcome outcome_of(const struct trained *j, int classes)
{
	struct trained with = *j;
	struct fixture t;
	struct outcome o;

	with.classes = classes;
	load(&t, &with);
	o = run(&t, of_stage(&with));
	fixture_release(&t);
	return o;
}

static void same(const struct trained *j, const struct outcome *x, const struct outcome *y)
{
	ck_assert_msg(
		x->makespan_ns == y->makespan_ns && x->drawn_ns == y->drawn_ns,
		"%d stages, %d ranks, %d replicas, %d micro-batches, %s, %s, %s: %lld and %lld ns, %lld and "
		"%lld",
		j->stages, j->ranks, j->replicas, j->micros, j->link, j->options, j->all_reduce,
		(long long)x->makespan_ns, (long long)y->makespan_ns, (long long)x->drawn_ns,
		(long long)y->drawn_ns);
	ck_assert_double_eq_tol(x->flop_each, y->flop_each, 1e-9 * x->flop_each);
	for (int k = 0; k < j->stages; k++)
		ck_assert_double_eq_tol(x->need_B[k], y->need_B[k], 1e-9 * x->need_B[k]);
}

/* All of a job's devices one by one, as far as a placement can name them, against one for all; returns whether that one joins rounds. A
 * placement names ranks or replicas: of a job with both, each is compared with the other as a class. */
static bool compare(const struct trained *j)
{
	const struct outcome one = outcome_of(j, 1 << EQUALS_TENSOR | 1 << EQUALS_DATA);
	struct outcome all;

	for (int e = EQUALS_TENSOR; e <= EQUALS_DATA && j->ranks > 1 && j->replicas > 1; e++) {
		all = outcome_of(j, 1 << e);
		same(j, &all, &one);
	}
	if (j->ranks > 1 && j->replicas > 1)
		return one.joins;
	all = outcome_of(j, 0);
	same(j, &all, &one);
	return one.joins;
}

START_TEST(as_all_of_them)
{
	static const char *const ways[] = {"ring", "tree", "halving"};
	struct rng *rng = rng_new((uint64_t)_i, "equals");

	for (int i = 0; i < ROUNDS; i++) {
		struct trained j = {.stages = 1 << (int)(3 * rng_uniform(rng)),
				    .ranks = 1 << (int)(3 * rng_uniform(rng)),
				    .replicas = 1 << (int)(3 * rng_uniform(rng)),
				    .link = links[(size_t)(ARRAY_LEN(links) * rng_uniform(rng))],
				    .options = options[(size_t)(ARRAY_LEN(options) * rng_uniform(rng))],
				    .all_reduce = ways[(size_t)(3 * rng_uniform(rng))]};

		j.micros = j.replicas * (1 + (int)(5 * rng_uniform(rng)));
		compare(&j);
	}
	rng_free(rng);
}
END_TEST

/* Numbers of devices that are no powers of two, and many. */
START_TEST(rings)
{
	static const struct trained rows[] = {{1, 1, 3, 9, NULL, NULL, "ring", 0},
					      {2, 1, 5, 10, NULL, NULL, "ring", 0},
					      {1, 8, 1, 3, NULL, NULL, "ring", 0},
					      {2, 8, 2, 4, NULL, NULL, "halving", 0}};

	for (size_t l = 0; l < ARRAY_LEN(links); l++) {
		struct trained j = rows[_i];

		j.link = links[l];
		j.options = options[l];
		/* by halving, the distances of rounds share a port; latencies let rounds of two passes take turns */
		ck_assert_int_eq(compare(&j), l == 0 && j.ranks == 8 && !strcmp(j.all_reduce, "ring"));
	}
}
END_TEST

/* 2(p - 1) rounds of B/p; log2 p rounds of B; 2 log2 p rounds that add up to 2(p - 1)/p of B. */
START_TEST(closed_forms)
{
	struct fixture t;
	const struct trained one = {
		1, 2, 1, 1, "latency: 10 us, bandwidth: 1 GB/s", "method: full", "auto", 1 << EQUALS_TENSOR};
	const struct collective c = {.bytes = 1e9};
	const struct link *l;

	load(&t, &one);
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

/* Of a block the first task on its device, or the first message of its keys and values; TASK_NONE: there is none. */
static uint32_t first_of(const struct program *p, const struct label *of, bool on_link)
{
	for (uint32_t i = 0; i < p->tasks.n; i++) {
		const struct label *l = &p->tasks.at[i].label;

		if (on_link == (p->tasks.at[i].queue >= p->world->units_n) &&
		    (!on_link || l->payload == PAYLOAD_ALL_GATHER) && part_same(l->part, of->part) &&
		    l->layer == of->layer && l->micro == of->micro && l->phase == of->phase &&
		    l->recompute == of->recompute)
			return i;
	}
	return TASK_NONE;
}

/* Ranks that share a sequence send keys and values on when their device has come to the block, not as soon as its input is there: a
 * block that is run again has had that since its first forward pass. */
START_TEST(keys_wait_for_the_device)
{
	const char *const schedules[] = {"gpipe", "1f1b", "zb-h1"};
	const struct ranked j = {.stages = 2,
				 .runs = 1,
				 .layers = 6,
				 .ranks = 1,
				 .contexts = 2,
				 .replicas = 1,
				 .micros = 6,
				 .schedule = schedules[_i],
				 .method = "method: full, recompute: full",
				 .link = "latency: 300 us, bandwidth: 0.1 GB/s",
				 .how = "ring"};
	struct fixture t = {0};
	struct arena a = ARENA_INIT;
	struct placement at;
	struct program *p;
	struct class_times times;
	struct task_run run;
	int messages = 0;

	ranked_load(&t, &j);
	at = fixture_place(&t, 0);
	p = train_build(&at);
	times = program_times(&a, p);
	run = program_run(&a, p, &times, NULL);
	for (uint32_t i = 0; i < p->tasks.n; i++) {
		const struct label *l = &p->tasks.at[i].label;
		uint32_t block;

		if (p->tasks.at[i].queue < p->world->units_n || l->payload != PAYLOAD_ALL_GATHER ||
		    first_of(p, l, true) != i)
			continue;
		messages++;
		block = first_of(p, l, false);
		ck_assert_uint_ne(block, TASK_NONE);
		ck_assert_int_ge(run.spans[i].start_ns, run.spans[block].start_ns);
	}
	ck_assert_int_eq(messages, j.micros * j.layers * 3); /* forward, again, and backward */
	program_free(p);
	arena_release(&a);
	fixture_release(&t);
}
END_TEST

Suite *suite_equals(void)
{
	Suite *s = suite_create("equals");
	TCase *tc = tcase_create("equals");

	tcase_add_loop_test(tc, as_all_of_them, 0, getenv("LONG") ? 60 : 6);
	tcase_add_loop_test(tc, rings, 0, 4);
	tcase_add_test(tc, closed_forms);
	tcase_add_loop_test(tc, keys_wait_for_the_device, 0, 3);
	suite_add_tcase(s, tc);
	return s;
}
