/*
 * check_generate.c - generation: the KV hand-off by hand, decode over a growing context, the founding
 * figures.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/rng.h"
#include "sim/step/generate.h"
#include "sim/train/train.h"
#include "tests/suites.h"
#include "tests/fixtures.h"

static struct fixture fixture;

/* ---- the KV hand-off, by hand, on two layers ---- */

static const struct {
	const char *bandwidth, *latency;
	double Bps;
	sim_ns latency_ns;
} cables[] = {
	{"1e15 B/s", "0", 1e15, 0},        {"10 GB/s", "0", 10e9, 0}, {"1 GB/s", "20 us", 1e9, 20000},
	{"300 MB/s", "1 us", 300e6, 1000}, {"50 MB/s", "0", 50e6, 0}, {"5 MB/s", "3 ms", 5e6, 3000000},
	{"100 kB/s", "20 us", 1e5, 20000},
};

START_TEST(hand_off_by_hand)
{
	struct arena a = ARENA_INIT;
	const char *const sets[] = {arena_printf(&a, "links.ab.bandwidth=%s", cables[_i].bandwidth),
				    arena_printf(&a, "links.ab.latency=%s", cables[_i].latency), NULL};
	const struct shape prompt = {.batch = 1, .tokens = 300},
			   token = {.batch = 1, .tokens = 1, .past = 300};
	const sim_ns step = 50000, kv = sim_ns_of_s(300 * 2 * 64 * 2 / cables[_i].Bps),
		     id = sim_ns_of_s(4 / cables[_i].Bps), L = cables[_i].latency_ns;
	sim_ns embed, attn, ffn, head, first, link, there, decode;
	struct placement p;
	struct generate_programs g;
	struct fixture_run r;

	g = fixture_generate(&fixture, FIXTURE_PAIR, sets, &p);
	r = fixture_run(&a, g.first);
	embed = fixture_block_ns(&fixture, &prompt, ROLE_EMBEDDING, PHASE_PREFILL);
	attn = fixture_block_ns(&fixture, &prompt, ROLE_ATTENTION, PHASE_PREFILL);
	ffn = fixture_block_ns(&fixture, &prompt, ROLE_FFN, PHASE_PREFILL);
	head = fixture_block_ns(&fixture, &prompt, ROLE_HEAD, PHASE_PREFILL);
	first = embed + 2 * (attn + ffn) + head + step;
	/* the link: the cache of layer 0, of layer 1 as soon as it is made, then the token */
	link = embed + attn + kv;
	link = (link > embed + 2 * attn + ffn ? link : embed + 2 * attn + ffn) + kv;
	there = (link > first ? link : first) + id + L;
	decode = fixture_block_ns(&fixture, &token, ROLE_EMBEDDING, PHASE_DECODE) +
		 2 * (fixture_block_ns(&fixture, &token, ROLE_ATTENTION, PHASE_DECODE) +
		      fixture_block_ns(&fixture, &token, ROLE_FFN, PHASE_DECODE)) +
		 fixture_block_ns(&fixture, &token, ROLE_HEAD, PHASE_DECODE) + step;
	ck_assert_int_eq(r.run.spans[g.first->marks[MARK_FIRST_TOKEN]].end_ns, first);
	ck_assert_int_eq(r.run.makespan_ns, there + decode);
	ck_assert_double_eq(fixture_link_B(g.first, PAYLOAD_KV), 2 * 300 * 2 * 64 * 2);
	if (_i == 0) /* nothing is lost on a link of no latency and no limit */
		ck_assert_int_eq(r.run.makespan_ns, first + decode);
	generate_free(&g);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

/* The prompt's last block is elsewhere, so the token comes by another cable and the cache is what decode
 * waits for: each layer for its own. */
START_TEST(decode_waits_for_the_cache)
{
	static const char *const sets[] = {
		"assignments.0.place=[{on: b}, {phase: prefill, on: a}, {phase: prefill, op: head, on: c}]",
		"workload={generate: {prompt: 300 tok, tokens: 9 tok}}", "model.layers=2",
		"links.ab.bandwidth=1 MB/s", NULL};
	const struct shape token = {.batch = 1, .tokens = 1, .past = 300};
	struct arena a = ARENA_INIT;
	sim_ns there[2] = {0}, rest;
	struct placement p;
	struct generate_programs g;
	struct fixture_run r;

	g = fixture_generate(&fixture, FIXTURE_THREE, sets, &p);
	r = fixture_run(&a, g.first);
	for (size_t i = 0; i < g.first->tasks.n; i++) {
		const struct label *label = &g.first->tasks.at[i].label;

		if (label->payload == PAYLOAD_KV)
			there[label->layer] = r.run.spans[i].end_ns + 20000;
		if (label->phase == PHASE_DECODE && label->part.role == ROLE_ATTENTION && !label->payload)
			ck_assert_int_ge(r.run.spans[i].start_ns, there[label->layer]);
	}
	rest = fixture_block_ns(&fixture, &token, ROLE_ATTENTION, PHASE_DECODE) +
	       fixture_block_ns(&fixture, &token, ROLE_FFN, PHASE_DECODE);
	ck_assert_int_gt(there[0], r.run.spans[g.first->marks[MARK_FIRST_TOKEN]].end_ns + 1000000);
	ck_assert_int_gt(there[1], there[0] + rest);
	ck_assert_int_eq(r.run.makespan_ns,
			 there[1] + rest + fixture_block_ns(&fixture, &token, ROLE_HEAD, PHASE_DECODE) +
				 50000);
	generate_free(&g);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

/* Half duplex changes nothing where all goes one way; and never helps. The engine may round each flow by 1
 * ns. */
/* ---- decode over a growing context ---- */

/* One decode step of a placement behind `past` tokens. */
static double decode_s(const struct placement *at, int64_t past)
{
	struct placement p = *at;
	struct generate g = *at->world->scenario->workload.generate;
	struct generate_programs programs;
	double s;

	g.prompt = past - 1;
	g.tokens = 3;
	p.world = fixture_asking(&fixture, g);
	programs = generate_build(&p);
	s = fixture_step_s(&programs, 0);
	generate_free(&programs);
	return s;
}

START_TEST(decode_grows_with_context)
{
	struct placement p;
	double before = 0;

	fixture_text(&fixture, FIXTURE_PAIR, NULL);
	p = fixture_place(&fixture, 0);
	for (int64_t past = 2; past < 5000; past += 7) {
		const double s = decode_s(&p, past);

		MUST(s > before);
		before = s;
	}
	fixture_release(&fixture);
}
END_TEST

/* Simpson's rule over the context against every step, one by one. */
static void check_integral(const struct placement *at)
{
	const struct generate *g = at->world->scenario->workload.generate;
	struct generate_programs programs = generate_build(at);
	static const double ones[GENERATE_STEPS] = {1, 1, 1, 1, 1, 1};
	double later[GENERATE_STEPS], sum = 0, rule;

	for (int i = 0; i < GENERATE_STEPS; i++)
		later[i] = fixture_step_s(&programs, i);
	ck_assert_double_eq_tol(generate_over_steps(&programs, ones), (double)(g->tokens - 2), 1e-9);
	for (int64_t i = 1; i <= g->tokens - 2; i++)
		sum += decode_s(at, g->prompt + i);
	rule = generate_times(&programs, g, 1, 1, later).e2el_s - 1;
	ck_assert_msg(fabs(rule / sum - 1) < 2e-6, "%.9g against %.9g", rule, sum);
	generate_free(&programs);
}

START_TEST(simpson_for_the_founding_case)
{
	struct placement p;

	fixture_load(&fixture, FIXTURE_FOUNDING, NULL);
	ck_assert_uint_lt((size_t)_i, fixture.world->scenario->assignments.n);
	p = fixture_place(&fixture, (size_t)_i);
	check_integral(&p);
	fixture_release(&fixture);
}
END_TEST

static const int64_t answers[] = {3, 4, 5, 6, 7, 50, 51, 1000};

START_TEST(simpson_for_any_length)
{
	struct arena a = ARENA_INIT;
	const char *const sets[] = {arena_printf(&a, "workload.generate.tokens=%d tok", (int)answers[_i]),
				    NULL};
	struct placement p;

	fixture_text(&fixture, FIXTURE_PAIR, sets);
	p = fixture_place(&fixture, 0);
	check_integral(&p);
	fixture_release(&fixture);
	arena_release(&a);
}
END_TEST

/* Windows that fill up before, on the way, after; in all layers and in some; more sequences, in groups. */
static const struct {
	const char *sets[4];
} grown[] = {
	{{"model.attention.window=2 tok", NULL}},
	{{"model.attention.window=30 tok", NULL}},
	{{"model.attention.window=32 tok", NULL}},
	{{"model.attention.window=33 tok", NULL}},
	{{"model.attention.window=60 tok", NULL}},
	{{"model.attention.window=228 tok", NULL}},
	{{"model.attention.window=229 tok", NULL}},
	{{"model.attention.window=230 tok", NULL}},
	{{"model.attention.window=1000 tok", NULL}},
	{{"model.attention.window=60 tok", "model.attention.full_every=2", NULL}},
	{{"model.attention.window=150 tok", "model.attention.full_every=3", "workload.generate.batch=5",
	  NULL}},
	{{"workload.generate.batch=7", "workload.generate.micro_batches=2", NULL}},
	{{"model.attention.window=100 tok", "workload.generate.batch=6", "workload.generate.micro_batches=3",
	  NULL}},
	{{"model.attention.latent={kv_rank: 32, nope_dim: 16, rope_dim: 16, value_dim: 24}",
	  "model.attention.kv_heads=8", "workload.generate.batch=64", NULL}},
};

START_TEST(simpson_for_any_window)
{
	const char *sets[8] = {"assignments.0.place=[{on: b}, {layers: 0-1, on: a}]",
			       "workload.generate={prompt: 30 tok, tokens: 200 tok}", "model.layers=4",
			       "machines.b.devices.gpu.runtimes.fixture.attention.decode=1 GB/s"};
	struct placement p;

	for (size_t i = 0; grown[_i].sets[i]; i++)
		sets[4 + i] = grown[_i].sets[i];
	fixture_text(&fixture, FIXTURE_PAIR, sets);
	p = fixture_place(&fixture, 0);
	check_integral(&p);
	fixture_release(&fixture);
}
END_TEST

/* Which steps are looked at, and how they are weighed. */
START_TEST(simpson_by_hand)
{
	static const double later[GENERATE_STEPS] = {1, 2, 15};
	const struct generate g = {.prompt = 100, .tokens = 23, .batch = 1};
	static const int64_t context[3] = {102, 112, 122}; /* the step's own token included */
	struct placement p;
	struct generate_programs programs;

	fixture_text(&fixture, FIXTURE_PAIR, NULL);
	p = fixture_all_on(&fixture, 0);
	p.world = fixture_asking(&fixture, g);
	programs = generate_build(&p);
	ck_assert_ptr_null(programs.later[3]);
	for (int i = 0; i < 3; i++)
		for (size_t c = 0; c < programs.later[i]->op_classes.n; c++)
			if (programs.later[i]->op_classes.at[c].op.kind == OP_SCORES)
				ck_assert_int_eq(programs.later[i]->op_classes.at[c].op.context, context[i]);
	ck_assert_double_eq(generate_times(&programs, &g, 3, 5, later).e2el_s, 5 + 88.2);
	ck_assert_double_eq(generate_times(&programs, &g, 3, 5, later).tpot_s, 90.2 / 22);
	generate_free(&programs);
	fixture_release(&fixture);
}
END_TEST

/* Few tokens: one has no decode, two have one step, which `first` holds. */
START_TEST(few_tokens)
{
	static const double none[GENERATE_STEPS] = {0};
	const struct generate g = {.prompt = 100, .tokens = 1 + _i, .batch = 4};
	struct placement p;
	struct generate_programs programs;
	struct generate_times t;

	fixture_text(&fixture, FIXTURE_PAIR, NULL);
	p = fixture_all_on(&fixture, 0);
	p.world = fixture_asking(&fixture, g);
	programs = generate_build(&p);
	ck_assert_ptr_null(programs.later[0]);
	t = generate_times(&programs, &g, 2, 5, none);
	ck_assert_double_eq(t.prefill_tok_per_s, 200);
	ck_assert_double_eq(t.ttft_s, 2);
	ck_assert_double_eq(t.e2el_s, _i ? 5 : 2);
	ck_assert_double_eq(t.tpot_s, _i ? 3 : 0);
	ck_assert_double_eq_tol(t.decode_tok_per_s, _i ? 4.0 / 3 : 0, 1e-15);
	generate_free(&programs);
	fixture_release(&fixture);
}
END_TEST

/* ---- twins and laws ---- */

static void all_times(const char *place, sim_ns out[6])
{
	struct arena a = ARENA_INIT;
	const char *const sets[] = {arena_printf(&a, "assignments.0.place=%s", place), NULL};
	struct placement p;
	struct generate_programs g;
	struct program *t;

	g = fixture_generate(&fixture, FIXTURE_THREE, sets, &p);
	t = train_build(&p);
	out[0] = fixture_run(&a, g.first).run.makespan_ns;
	for (int i = 0; i < 3; i++)
		out[1 + i] = fixture_run(&a, g.later[i]).run.makespan_ns;
	out[4] = fixture_run(&a, t).run.makespan_ns;
	out[5] = (sim_ns)t->tasks.n;
	generate_free(&g);
	program_free(t);
	fixture_release(&fixture);
	arena_release(&a);
}

static const char *const twins[][2] = {
	{"[{on: a}]", "[{layers: 0-1, on: a}, {layers: 2, on: a}, {op: [embedding, head], on: a}]"},
	{"[{on: a}]", "[{on: b}, {on: a.gpu}]"},
	{"[{on: a}]", "[{on: b}]"},
	{"[{on: a}]",
	 "[{on: c}, {phase: [prefill, decode], on: a}, {phase: [forward, backward, update], on: b}]"},
	{"[{on: a}, {op: ffn, on: b}]", "[{on: b}, {op: [embedding, attention, head], on: a}]"},
	{"[{on: [a, b], split: tensor}]", "[{on: [a, b], split: tensor, shares: [50 %, 50 %]}]"},
};

START_TEST(twins_take_the_same_time)
{
	sim_ns x[6], y[6];

	all_times(twins[_i][0], x);
	all_times(twins[_i][1], y);
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(x[i], y[i]);
}
END_TEST

/* Better machines and links never make a step slower, where all that runs is in one order. */
START_TEST(faster_parts_never_slow_a_chain)
{
	static const char *const places[] = {
		"[{on: m5}]",
		"[{on: m4pro}, {op: ffn, on: m5}]",
		"[{on: m4pro}, {layers: 0-15, on: m5}, {op: embedding, on: m5}]",
	};
	struct arena a = ARENA_INIT;
	struct placement p;
	struct generate_programs g;
	struct fixture_run r;

	fixture_founding(&fixture, places[_i], NULL);
	p = fixture_place(&fixture, 0);
	g = generate_build(&p);
	r = fixture_run(&a, g.later[1]);
	for (size_t i = 0; i < program_sources(fixture.world) * PARAM_N; i++) {
		struct params *speed = arena_array(&a, program_sources(fixture.world), sizeof *speed);
		struct class_times t = program_times(&a, g.later[1]);

		for (size_t k = 0; k < program_sources(fixture.world) * PARAM_N; k++)
			speed[k / PARAM_N].of[k % PARAM_N] = 1;
		program_times_at(g.later[1], speed, &t);
		ck_assert_int_eq(compiled_run(r.compiled, &t).makespan_ns, r.run.makespan_ns);
		speed[i / PARAM_N].of[i % PARAM_N] = 1.3;
		program_times_at(g.later[1], speed, &t);
		ck_assert_int_le(compiled_run(r.compiled, &t).makespan_ns, r.run.makespan_ns);
	}
	generate_free(&g);
	fixture_release(&fixture);
	arena_release(&a);
}
END_TEST

/* Identical layers are costed once: classes do not grow with the layers, and one device is one segment. */
START_TEST(layers_share_classes)
{
	struct arena a = ARENA_INIT;
	struct placement p;
	struct generate_programs g;

	fixture_founding(&fixture, "[{on: m5}]", NULL);
	p = fixture_place(&fixture, 0);
	g = generate_build(&p);
	ck_assert_uint_gt(g.later[0]->tasks.n, 32 * 14);
	ck_assert_uint_lt(g.later[0]->op_classes.n, 30);
	ck_assert_uint_eq(compiled_segments(fixture_run(&a, g.later[0]).compiled), 1);
	generate_free(&g);
	fixture_release(&fixture);
	arena_release(&a);
}
END_TEST

/* ---- the founding figures ---- */

static double decode_tok_per_s(size_t unit)
{
	const struct placement p = fixture_all_on(&fixture, unit);
	struct generate_programs g = generate_build(&p);
	struct arena a = ARENA_INIT;
	const struct fixture_run first = fixture_run(&a, g.first);
	double later[GENERATE_STEPS], rate;

	for (int i = 0; i < GENERATE_STEPS; i++)
		later[i] = fixture_step_s(&g, i);
	rate = generate_times(&g, fixture.world->scenario->workload.generate,
			      sim_s_of_ns(first.run.spans[g.first->marks[MARK_FIRST_TOKEN]].end_ns),
			      sim_s_of_ns(first.run.makespan_ns), later)
		       .decode_tok_per_s;
	generate_free(&g);
	arena_release(&a);
	return rate;
}

#define NO_OVERHEAD(machine)                                                                                 \
	"machines." machine ".devices.gpu.runtimes.mps.overhead.kernel=0",                                   \
		"machines." machine ".devices.gpu.runtimes.mps.overhead.step=0"

START_TEST(founding_decode_ratio)
{
	static const char *const sets[] = {NO_OVERHEAD("m5"), NO_OVERHEAD("m4pro"), NULL};
	double ratio;

	fixture_load(&fixture, FIXTURE_FOUNDING, sets);
	ratio = decode_tok_per_s(1) / decode_tok_per_s(0);
	ck_assert_double_ge(ratio, 2.0);
	ck_assert_double_le(ratio, 2.25);
	fixture_release(&fixture);
}
END_TEST

START_TEST(founding_decode_on_m5)
{
	fixture_load(&fixture, FIXTURE_FOUNDING, NULL);
	ck_assert_double_eq_tol(decode_tok_per_s(0), 5.758, 0.05 * 5.758);
	fixture_release(&fixture);
}
END_TEST

Suite *suite_generate(void)
{
	Suite *s = suite_create("generate");
	TCase *tc = tcase_create("generate");

	tcase_add_loop_test(tc, hand_off_by_hand, 0, ARRAY_LEN(cables));
	tcase_add_test(tc, decode_waits_for_the_cache);
	tcase_add_test(tc, decode_grows_with_context);
	tcase_add_loop_test(tc, simpson_for_the_founding_case, 0, 6);
	tcase_add_loop_test(tc, simpson_for_any_length, 0, ARRAY_LEN(answers));
	tcase_add_loop_test(tc, simpson_for_any_window, 0, ARRAY_LEN(grown));
	tcase_add_test(tc, simpson_by_hand);
	tcase_add_loop_test(tc, few_tokens, 0, 2);
	tcase_add_test(tc, founding_decode_ratio);
	tcase_add_test(tc, founding_decode_on_m5);
	tcase_add_loop_test(tc, twins_take_the_same_time, 0, ARRAY_LEN(twins));
	tcase_add_loop_test(tc, faster_parts_never_slow_a_chain, 0, 3);
	tcase_add_test(tc, layers_share_classes);
	suite_add_tcase(s, tc);
	return s;
}
