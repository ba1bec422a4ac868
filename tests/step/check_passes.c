/*
 * check_passes.c - several passes in flight: chunks of a prompt, groups of sequences, by hand.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/rng.h"
#include "sim/place/footprint.h"
#include "tests/suites.h"
#include "tests/fixtures.h"

static struct fixture fixture;

#define NO_STEP                                                                                              \
	"machines.a.devices.gpu.runtimes.fixture.overhead.step=0",                                           \
		"machines.b.devices.gpu.runtimes.fixture.overhead.step=0"
#define STEP_NS 50000

static sim_ns ns(const struct shape *s, enum role role, enum phase phase)
{
	return fixture_block_ns(&fixture, s, role, phase);
}

static sim_ns layer_ns(const struct shape *s, enum phase phase)
{
	return ns(s, ROLE_ATTENTION, phase) + ns(s, ROLE_FFN, phase);
}

static sim_ns most(sim_ns a, sim_ns b)
{
	return a > b ? a : b;
}

/* ---- chunks of a prompt ---- */

static const struct {
	const char *chunk;
	int64_t tokens;
} chunks[] = {{"0", 300},       {"300 tok", 300}, {"999 tok", 300}, {"150 tok", 150},
	      {"128 tok", 128}, {"7 tok", 7},     {"1 tok", 1}};

/* On two machines with two layers each: a chunk is on the second while the next is on the first. Only the
 * last one goes through the head; each one's end costs the host's part. */
START_TEST(chunks_over_two_stages)
{
	struct arena a = ARENA_INIT;
	const char *const sets[] = {
		arena_printf(&a, "workload.generate.chunk=%s", chunks[_i].chunk),
		"assignments.0.place=[{on: b}, {layers: 0-1, on: a}, {op: embedding, on: a}]",
		"model.layers=4",
		"links.ab.latency=0",
		"links.ab.bandwidth=1e15 B/s",
		NULL};
	sim_ns on_a = 0, on_b = 0, blocks_end = 0;
	struct placement p;
	struct generate_programs g;
	struct fixture_run r;

	g = fixture_generate(&fixture, FIXTURE_PAIR, sets, &p);
	r = fixture_run(&a, g.first);
	for (int64_t past = 0; past < 300; past += chunks[_i].tokens) {
		const bool last = past + chunks[_i].tokens >= 300;
		const struct shape s = {
			.batch = 1, .tokens = last ? 300 - past : chunks[_i].tokens, .past = past};

		on_a += ns(&s, ROLE_EMBEDDING, PHASE_PREFILL) + 2 * layer_ns(&s, PHASE_PREFILL);
		on_b = most(on_a, on_b) + 2 * layer_ns(&s, PHASE_PREFILL);
		if (last)
			on_b += ns(&s, ROLE_HEAD, PHASE_PREFILL);
		blocks_end = on_b;
		on_b += STEP_NS;
	}
	ck_assert_int_eq(r.run.spans[g.first->marks[MARK_PREFILL]].end_ns, blocks_end);
	ck_assert_int_eq(r.run.spans[g.first->marks[MARK_FIRST_TOKEN]].end_ns, on_b);
	generate_free(&g);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

/* Chunks that a runtime makes by itself: in turn, unless it overlaps them and one process drives both machines. */
static const struct {
	const char *overlap, *local;
	bool in_turn;
} own_chunks[] = {
	{"false", "true", true}, {"true", "false", true}, {"false", "false", true}, {"true", "true", false}};

START_TEST(own_chunks_over_two_stages)
{
	struct arena a = ARENA_INIT;
	const char *const sets[] = {
		"machines.a.devices.gpu.runtimes.fixture.chunk=128 tok",
		"machines.b.devices.gpu.runtimes.fixture.chunk=128 tok",
		arena_printf(&a, "machines.a.devices.gpu.runtimes.fixture.chunks_overlap=%s",
			     own_chunks[_i].overlap),
		arena_printf(&a, "links.ab.local=%s", own_chunks[_i].local),
		"assignments.0.place=[{on: b}, {layers: 0-1, on: a}, {op: embedding, on: a}]",
		"model.layers=4",
		"links.ab.latency=0",
		"links.ab.bandwidth=1e15 B/s",
		NULL};
	sim_ns on_a = 0, on_b = 0;
	struct placement p;
	struct generate_programs g;
	struct fixture_run r;

	g = fixture_generate(&fixture, FIXTURE_PAIR, sets, &p);
	r = fixture_run(&a, g.first);
	for (int64_t past = 0; past < 300; past += 128) {
		const struct shape s = {
			.batch = 1, .tokens = past + 128 < 300 ? 128 : 300 - past, .past = past};

		on_a = (own_chunks[_i].in_turn ? on_b : on_a) + ns(&s, ROLE_EMBEDDING, PHASE_PREFILL) +
		       2 * layer_ns(&s, PHASE_PREFILL);
		on_b = most(on_a, on_b) + 2 * layer_ns(&s, PHASE_PREFILL);
		on_b += past + 128 < 300 ? STEP_NS : ns(&s, ROLE_HEAD, PHASE_PREFILL);
	}
	ck_assert_int_eq(r.run.spans[g.first->marks[MARK_PREFILL]].end_ns, on_b);
	generate_free(&g);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

/* Chunks do the same work and send the same cache, windows or not; activations too. */
START_TEST(chunks_conserve)
{
	static const char *const models[][2] = {
		{"model.attention.window=0 tok", NULL},
		{"model.attention.window=100 tok", "model.attention.full_every=2"},
		{"model.attention.window=256 tok", NULL},
		{"model.attention.latent={kv_rank: 32, nope_dim: 16, rope_dim: 16, value_dim: 24}",
		 "model.attention.kv_heads=8"},
	};
	const int model = _i / (int)ARRAY_LEN(chunks), row = _i % (int)ARRAY_LEN(chunks);
	struct arena a = ARENA_INIT;
	const char *const sets[] = {
		"assignments.0.place=[{on: a}, {layers: 1, on: b, phase: prefill}, {on: b, phase: decode}]",
		"workload.generate.batch=3",
		"machines.a.devices.gpu.runtimes.fixture.attention.skips_mask=true",
		"machines.b.devices.gpu.runtimes.fixture.attention.skips_mask=true",
		models[model][0],
		models[model][1],
		NULL};
	struct generate g;
	struct placement p;
	struct generate_programs whole, cut;

	whole = fixture_generate(&fixture, FIXTURE_PAIR, sets, &p);
	g = *fixture.world->scenario->workload.generate;
	g.options = (struct generate_options){.chunk = chunks[row].tokens, .micro_batches = 1 + row % 3};
	p.world = fixture_asking(&fixture, g);
	cut = generate_build(&p);
	ck_assert_double_eq_tol(fixture_flop(cut.first) / fixture_flop(whole.first), 1, 1e-12);
	ck_assert_double_eq(fixture_link_B(cut.first, PAYLOAD_KV), fixture_link_B(whole.first, PAYLOAD_KV));
	ck_assert_double_eq(fixture_link_B(cut.first, PAYLOAD_NONE),
			    fixture_link_B(whole.first, PAYLOAD_NONE));
	ck_assert_double_gt(fixture_link_B(cut.first, PAYLOAD_KV), 0);
	generate_free(&cut);
	generate_free(&whole);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

/* A runtime that makes every token's logits runs the head over each chunk. */
START_TEST(heads_of_chunks)
{
	const char *const sets[] = {"workload.generate={prompt: 300 tok, tokens: 1 tok, chunk: 100 tok}",
				    _i ? "machines.a.devices.gpu.runtimes.fixture.all_logits=true" : NULL,
				    NULL};
	struct placement p;
	struct generate_programs g;
	double rows = 0;

	fixture_text(&fixture, FIXTURE_PAIR, sets);
	p = fixture_all_on(&fixture, 0);
	g = generate_build(&p);
	for (size_t i = 0; i < g.first->tasks.n; i++) {
		const struct op *op = &g.first->op_classes.at[g.first->tasks.at[i].op_class].op;

		if (op->role == ROLE_HEAD && op->kind == OP_LINEAR)
			rows += (double)op->m;
	}
	ck_assert_double_eq(rows, _i ? 300 : 1);
	generate_free(&g);
	fixture_release(&fixture);
}
END_TEST

/* ---- the cache at the end ---- */

/* Nothing leaves before the first token; then the token and the whole cache, in that order, and decode reads
 * the first layer's cache when all of it is there. Against it, layer by layer is never later. */
START_TEST(cache_at_the_end)
{
	static const char *const cables[] = {"1e15 B/s", "1 GB/s", "50 MB/s", "1 MB/s"};
	static const double Bps[] = {1e15, 1e9, 50e6, 1e6};
	struct arena a = ARENA_INIT;
	const char *const sets[] = {arena_printf(&a, "links.ab.bandwidth=%s", cables[_i]),
				    "assignments.0.generate={kv: end}", NULL};
	const struct shape token = {.batch = 1, .tokens = 1, .past = 300};
	const sim_ns kv = sim_ns_of_s(2 * 300 * 2 * 64 * 2 / Bps[_i]), id = sim_ns_of_s(4 / Bps[_i]),
		     L = 20000;
	struct placement p;
	struct generate_programs g;
	struct fixture_run r;
	sim_ns first, rest;

	g = fixture_generate(&fixture, FIXTURE_PAIR, sets, &p);
	r = fixture_run(&a, g.first);
	first = r.run.spans[g.first->marks[MARK_FIRST_TOKEN]].end_ns;
	rest = 2 * layer_ns(&token, PHASE_DECODE) + ns(&token, ROLE_HEAD, PHASE_DECODE) + STEP_NS;
	ck_assert_int_eq(r.run.makespan_ns,
			 first + id + L + most(kv, ns(&token, ROLE_EMBEDDING, PHASE_DECODE)) + rest);
	ck_assert_double_eq(fixture_link_B(g.first, PAYLOAD_KV), 2 * 300 * 2 * 64 * 2);
	generate_free(&g);
	{
		const sim_ns at_end = r.run.makespan_ns;
		struct generate stream = *fixture.world->scenario->workload.generate;
		struct assignment plain = *p.assignment;

		plain.generate = NULL;
		p.assignment = &plain;
		p.world = fixture_asking(&fixture, stream);
		g = generate_build(&p);
		ck_assert_int_le(fixture_run(&a, g.first).run.makespan_ns, at_end);
		generate_free(&g);
	}
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

/* ---- attention and FFN on two devices: groups to and fro ---- */

/* A group's step takes layers x (Ta + Tf + 2 Tc); m of them, one behind the other, no less than m times the
 * busier device (MegaScale-Infer, arXiv:2504.02263, section 4.1; Step-3, arXiv:2507.19427). */
static const struct {
	const char *latency, *faster;
	sim_ns latency_ns;
} class_times_set[] = {
	{"0", NULL, 0},
	{"5 us", NULL, 5000},
	{"40 us", NULL, 40000},
	{"1 ms", NULL, 1000000},
	{"3 us", "machines.b.devices.gpu.runtimes.fixture.gemv=30 GB/s", 3000},
	{"3 us", "machines.b.devices.gpu.runtimes.fixture.gemv=110 GB/s", 3000},
	{"30 us", "machines.b.devices.gpu.runtimes.fixture.gemv=10 GB/s", 30000},
};

static sim_ns block_on(const struct program *p, uint32_t queue, enum role role, int64_t layer, uint32_t micro,
		       const struct class_times *t)
{
	sim_ns sum = 0;

	for (size_t i = 0; i < p->tasks.n; i++) {
		const struct program_task *k = &p->tasks.at[i];

		if (k->queue == queue && k->label.part.role == role && k->label.layer == layer &&
		    k->label.micro == micro)
			sum += t->ns[k->op_class];
	}
	return sum;
}

START_TEST(to_and_fro)
{
	const int row = _i / 4, m = 1 + _i % 4, L = 4;
	struct arena a = ARENA_INIT;
	const char *const sets[] = {
		"assignments.0.place=[{on: a}, {op: ffn, on: b}]",
		"model.ends=false",
		"model.layers=4",
		NO_STEP,
		"links.ab.bandwidth=1e15 B/s",
		arena_printf(&a, "links.ab.latency=%s", class_times_set[row].latency),
		arena_printf(
			&a,
			"workload.generate={prompt: 300 tok, tokens: 9 tok, batch: %d, micro_batches: %d}",
			3 * m, m),
		class_times_set[row].faster,
		NULL};
	struct placement p;
	struct generate_programs g;
	struct fixture_run r;
	sim_ns Ta, Tf, want;

	g = fixture_generate(&fixture, FIXTURE_PAIR, sets, &p);
	r = fixture_run(&a, g.later[0]);
	Ta = block_on(g.later[0], 0, ROLE_ATTENTION, 0, 0, &r.times) / g.repeat;
	Tf = block_on(g.later[0], 1, ROLE_FFN, 0, 0, &r.times) / g.repeat;
	want = L * most(Ta + Tf + 2 * class_times_set[row].latency_ns, m * most(Ta, Tf));
	ck_assert_msg(fabs(fixture_step_s(&g, 0) - sim_s_of_ns(want)) < 1e-12, "m %d: %.9g s, not %.9g s", m,
		      fixture_step_s(&g, 0), sim_s_of_ns(want));
	generate_free(&g);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

/* ---- decode in a pipeline ---- */

/* Two stages alike: with one group the period of a step is the time of the chain, with two or more that of one stage. Of many
 * groups a part is enough, unless links are so slow that they are not. */
START_TEST(decode_in_a_pipeline)
{
	static const int groups[] = {1, 2, 3, 4, 10, 13, 24, 40}, latency_us[] = {0, 30, 3000};
	const int m = groups[_i % 8], L_us = latency_us[_i / 8];
	struct arena a = ARENA_INIT;
	const char *const sets[] = {
		"assignments.0.place=[{on: b}, {layers: 0-1, on: a}]",
		"model.ends=false",
		"model.layers=4",
		NO_STEP,
		"links.ab.bandwidth=1e15 B/s",
		arena_printf(&a, "links.ab.latency=%d us", L_us),
		arena_printf(&a, "assignments.0.generate={micro_batches: %d}", m),
		arena_printf(&a, "workload.generate={prompt: 300 tok, tokens: 9 tok, batch: %d}", 2 * m),
		NULL};
	const struct shape s = {.batch = 2, .tokens = 1, .past = 301};
	struct placement p;
	struct generate_programs g;
	sim_ns stage, want;

	g = fixture_generate(&fixture, FIXTURE_PAIR, sets, &p);
	stage = 2 * layer_ns(&s, PHASE_DECODE);
	want = most(2 * (stage + L_us * 1000), m * stage);
	ck_assert_double_eq_tol(fixture_step_s(&g, 0), sim_s_of_ns(want), 1e-12);
	ck_assert_int_eq(g.repeat > 1, m > 1);
	ck_assert_int_eq(g.share < 1, m >= 10 && L_us < 3000);
	generate_free(&g);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

/* The ends of a model may sit with its last stage: the first stage still never waits for long. */
START_TEST(ends_beside_the_last_stage)
{
	static const char *const sets[] = {
		"assignments.0.place=[{on: b}, {layers: 0-2, on: a}]",
		"model.layers=4",
		NO_STEP,
		"links.ab.latency=0",
		"links.ab.bandwidth=1e15 B/s",
		"workload.generate={prompt: 300 tok, tokens: 9 tok, batch: 4, micro_batches: 2}",
		NULL};
	const struct shape s = {.batch = 2, .tokens = 1, .past = 301};
	struct placement p;
	struct generate_programs g;

	g = fixture_generate(&fixture, FIXTURE_PAIR, sets, &p);
	ck_assert_double_eq_tol(fixture_step_s(&g, 0), 2 * sim_s_of_ns(3 * layer_ns(&s, PHASE_DECODE)),
				1e-12);
	generate_free(&g);
	fixture_release(&fixture);
}
END_TEST

/* Groups on one device gain nothing; they only read the weights more often. */
START_TEST(groups_on_one_device)
{
	const int m = 1 + _i;
	struct arena a = ARENA_INIT;
	const char *const sets[] = {
		arena_printf(
			&a,
			"workload.generate={prompt: 300 tok, tokens: 9 tok, batch: %d, micro_batches: %d}",
			2 * m, m),
		NULL};
	const struct shape s = {.batch = 2, .tokens = 1, .past = 301};
	struct placement p;
	struct generate_programs g;
	sim_ns chain;

	fixture_text(&fixture, FIXTURE_PAIR, sets);
	p = fixture_all_on(&fixture, 0);
	g = generate_build(&p);
	chain = ns(&s, ROLE_EMBEDDING, PHASE_DECODE) + 2 * layer_ns(&s, PHASE_DECODE) +
		ns(&s, ROLE_HEAD, PHASE_DECODE) + STEP_NS;
	ck_assert_double_eq_tol(fixture_step_s(&g, 0), sim_s_of_ns(m * chain), 1e-12);
	generate_free(&g);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

/* ---- no device does more in a step than a step takes ---- */

#define GROUPS_2                                                                                             \
	FIXTURE_HEAD                                                                                         \
	"model: " FIXTURE_MODEL("6") "\nmachines: {a: " FIXTURE_MACHINE ", b: " FIXTURE_MACHINE "}\n"        \
				     "links: {ab: " FIXTURE_LINK("a", "b") "}\n" FIXTURE_WORKLOAD

static const struct {
	const char *text, *place;
} parts[] = {
	{GROUPS_2, "[{on: a}, {op: ffn, on: b}]"},
	{GROUPS_2, "[{on: a}, {op: attention, on: b}]"},
	{GROUPS_2, "[{on: a}, {layers: 2-5, op: ffn, on: b}]"},
	{GROUPS_2, "[{on: a}, {layers: 0-2, on: b}]"},
	{GROUPS_2, "[{on: b}, {layers: 0-3, on: a}, {op: embedding, on: a}]"},
	{GROUPS_2, "[{on: a}, {layers: 1-2, on: b}, {layers: 4, on: b}]"},
	{GROUPS_2, "[{on: a}, {op: ffn, on: [a, b], split: tensor}]"},
	{FIXTURE_THREE, "[{on: a}, {op: ffn, on: b}, {op: head, on: c}]"},
	{FIXTURE_THREE, "[{on: a}, {layers: 1, on: b}, {layers: 2, on: c}]"},
};

static const char *some(struct arena *a, struct rng *rng, const char *path, double lo, double hi)
{
	return arena_printf(a, "%s=%.3g B/s", path, lo * pow(hi / lo, rng_uniform(rng)));
}

/* What queues do in a step, the busiest of them, or all of them and all lags: one task after the other. */
static double step_work_s(const struct generate_programs *g, int i, const struct class_times *t, bool all)
{
	const struct program *p = g->later[i];
	sim_ns *busy = xcalloc(program_queues(fixture.world), sizeof *busy), sum = 0, busiest = 0;

	for (size_t k = 0; k < p->tasks.n; k++) {
		const struct program_task *task = &p->tasks.at[k];

		busy[task->queue] += t->ns[task->op_class];
		busiest = most(busiest, busy[task->queue]);
		sum += t->ns[task->op_class] + t->lag_ns[task->op_class];
	}
	free(busy);
	return sim_s_of_ns(all ? sum : busiest) / g->repeat;
}

/* As calibrated, and where everything is up to three times as fast or as slow. */
static void check_step_time(struct arena *a, const struct generate_programs *g, int i, struct rng *rng)
{
	const size_t n = program_sources(fixture.world) * PARAM_N;
	const struct fixture_run r = fixture_run(a, g->later[i]);
	struct params *speed = arena_array(a, program_sources(fixture.world), sizeof *speed);
	struct class_times t = r.times, other = program_times_new(a, g->later[i]);

	for (int draw = 0; draw < 6; draw++) {
		const struct compiled_ends e = compiled_run(r.compiled, &t);
		const double s = generate_step_s(g, &e), busiest = step_work_s(g, i, &t, false);

		ck_assert_msg(busiest <= s + 1e-12, "%.9g s of work in a step of %.9g s", busiest, s);
		ck_assert_double_le(s, step_work_s(g, i, &t, true) + 1e-12);
		for (size_t k = 0; k < n; k++)
			speed[k / PARAM_N].of[k % PARAM_N] = pow(9, rng_uniform(rng) - 0.5);
		program_times_at(g->later[i], speed, &other);
		t = other;
	}
}

/* The first token is there when the last sequence has its own. Chunks that give none may end elsewhere. */
static void check_first_token(struct arena *a, const struct placement *p, const struct generate_programs *g)
{
	const struct fixture_run r = fixture_run(a, g->first);
	const size_t head = p->shard_groups[PHASE_PREFILL][p->blocks_n - 1].unit[0];
	sim_ns last = 0;

	for (size_t k = 0; k < g->first->tasks.n; k++) {
		const struct program_task *task = &g->first->tasks.at[k];

		if (g->first->op_classes.at[task->op_class].op.kind == OP_STEP &&
		    task->label.phase == PHASE_PREFILL && task->queue == head)
			last = most(last, r.run.spans[k].end_ns);
	}
	ck_assert_int_gt(last, 0);
	ck_assert_int_eq(r.run.spans[g->first->marks[MARK_FIRST_TOKEN]].end_ns, last);
}

enum { GROUPS_SEEDS = 25, GROUPS_SEEDS_QUICK = 8 };
START_TEST(groups_take_their_time)
{
	const size_t row = (size_t)_i % ARRAY_LEN(parts);
	struct rng *rng = rng_new((uint64_t)_i, "groups");
	struct arena a = ARENA_INIT;
	const int m = 2 + (int)(rng_uniform(rng) * 3), more = (int)(rng_uniform(rng) * 6);
	const char *const sets[] = {
		arena_printf(&a, "assignments.0.place=%s", parts[row].place),
		arena_printf(
			&a, "workload.generate={prompt: %d tok, tokens: 9 tok, batch: %d, micro_batches: %d}",
			1 + (int)(rng_uniform(rng) * 3000), m + more, m),
		some(&a, rng, "machines.b.devices.gpu.runtimes.fixture.gemv", 10e9, 100e9),
		some(&a, rng, "machines.b.devices.gpu.runtimes.fixture.attention.decode", 1e9, 80e9),
		some(&a, rng, "links.ab.bandwidth", 1e7, 1e11),
		arena_printf(&a, "links.ab.latency=%.3g us", 1000 * pow(rng_uniform(rng), 4)),
		rng_uniform(rng) < 0.4 ? "assignments.0.generate={chunk: 128 tok}" : "links.ab.duplex=full",
		rng_uniform(rng) < 0.2 ? "links.ab.receive_copy=1 GB/s" : NULL,
		NULL};
	struct placement p;
	struct generate_programs g;

	g = fixture_generate(&fixture, parts[row].text, sets, &p);
	check_first_token(&a, &p, &g);
	for (int i = 0; i < 3; i++)
		check_step_time(&a, &g, i, rng);
	generate_free(&g);
	arena_release(&a);
	fixture_release(&fixture);
	rng_free(rng);
}
END_TEST

/* ---- caches of every kind and format ---- */

static const struct {
	const char *kv; /* of 32 numbers, bytes: */
	double bytes;
} formats_of_kv[] = {{"f16", 64}, {"f32", 128}, {"q8_0", 34}, {"q4_0", 18}};

/* Numbers that a layer keeps of the prompt's 300 tokens, and of the 309 at the end, all layers together. */
static const struct {
	const char *sets[3];
	double prompt, end;
} caches[] = {
	{{"model.attention.kv_heads=8"}, 2 * 300 * 512, 2 * 309 * 512},
	{{"model.attention.kv_heads=2"}, 2 * 300 * 128, 2 * 309 * 128},
	{{"model.attention.window=100 tok"}, 2 * 100 * 128, 2 * 100 * 128},
	{{"model.attention.window=304 tok"}, 2 * 300 * 128, 2 * 304 * 128},
	{{"model.attention.window=100 tok", "model.attention.full_every=2"}, 400 * 128, 409 * 128},
	{{"model.attention.latent={kv_rank: 48, nope_dim: 16, rope_dim: 16, value_dim: 24}",
	  "model.attention.kv_heads=8"},
	 2 * 300 * 64,
	 2 * 309 * 64},
};

/* What is in memory, what crosses the cable, what a step reads: the same numbers in the same format. */
START_TEST(caches_by_kind_and_format)
{
	const int kind = _i / (int)ARRAY_LEN(formats_of_kv), f = _i % (int)ARRAY_LEN(formats_of_kv);
	const double B = 3 * formats_of_kv[f].bytes / 32;
	struct arena a = ARENA_INIT;
	const char *const sets[] = {arena_printf(&a, "precision.kv=%s", formats_of_kv[f].kv),
				    "workload.generate.batch=3", caches[kind].sets[0], caches[kind].sets[1],
				    NULL};
	struct footprint footprint[2];
	struct placement p;
	struct generate_programs g;
	double read = 0;

	fixture_text(&fixture, FIXTURE_PAIR, sets);
	p = fixture_place(&fixture, 0);
	footprint_generate(&p, footprint);
	ck_assert_double_eq_tol(footprint[0].kv_B, B * caches[kind].prompt, 1e-6);
	ck_assert_double_eq_tol(footprint[1].kv_B, B * caches[kind].end, 1e-6);
	g = generate_build(&p);
	ck_assert_double_eq_tol(fixture_link_B(g.first, PAYLOAD_KV), B * caches[kind].prompt, 1e-6);
	for (size_t i = 0; i < g.later[2]->tasks.n; i++)
		read += g.later[2]->op_classes.at[g.later[2]->tasks.at[i].op_class].op.kv_B;
	if (g.later[5]) { /* the window fills up in the second piece */
		read = 0;
		for (size_t i = 0; i < g.later[5]->tasks.n; i++)
			read += g.later[5]->op_classes.at[g.later[5]->tasks.at[i].op_class].op.kv_B;
	}
	/* the last step makes the 309th token of 308: it attends to those and itself is not kept */
	ck_assert_double_le(read, B * caches[kind].end);
	ck_assert_double_ge(read, B * caches[kind].prompt);
	generate_free(&g);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

/* ---- a draft and its check ---- */

#define DRAFT(on, tokens, acceptance)                                                                        \
	"workload.generate.speculative={model: " FIXTURE_MODEL("1") ", on: " on ", draft: " tokens           \
								    " tok, acceptance: " acceptance "}"

static const struct {
	const char *set;
	double tokens;
} drafts[] = {
	{DRAFT("a", "1", "0 %"), 1},
	{DRAFT("a", "5", "0 %"), 1},
	{DRAFT("a", "1", "100 %"), 2},
	{DRAFT("a", "7", "100 %"), 8},
	{DRAFT("a", "1", "60 %"), 1.6},
	{DRAFT("a", "4", "70 %"), (1 - 0.7 * 0.7 * 0.7 * 0.7 * 0.7) / (1 - 0.7)},
	{DRAFT("a", "2", "25 %"), 1 + 0.25 + 0.0625},
};

START_TEST(tokens_of_a_draft)
{
	const char *const sets[] = {drafts[_i].set, NULL};

	fixture_text(&fixture, FIXTURE_PAIR, sets);
	ck_assert_double_eq_tol(
		speculative_tokens(fixture.world->scenario->workload.generate->options.speculative),
		drafts[_i].tokens, 1e-12);
	fixture_release(&fixture);
}
END_TEST

static sim_ns model_ns(const struct shape *s, int layers)
{
	return ns(s, ROLE_EMBEDDING, PHASE_DECODE) + layers * layer_ns(s, PHASE_DECODE) +
	       ns(s, ROLE_HEAD, PHASE_DECODE) + STEP_NS;
}

/* A cycle is the draft's steps one by one and a pass of the model over all of them and the token before; what
 * it gives is what the acceptance says. The draft beside the model, or behind a cable that ids cross. */
START_TEST(drafts_by_hand)
{
	static const char *const sets[][3] = {
		{DRAFT("b", "3", "50 %"), "links.ab.bandwidth=1 kB/s", NULL},
		{DRAFT("a", "3", "50 %"), "links.ab.bandwidth=1 kB/s", NULL},
		{DRAFT("a", "3", "0 %"), "links.ab.bandwidth=1 kB/s", NULL},
		{DRAFT("a", "3", "100 %"), "links.ab.bandwidth=1 kB/s", NULL},
	};
	static const double gives[] = {1.875, 1.875, 1, 4};
	const sim_ns cable = _i ? 2 * 20000 + sim_ns_of_s((3 + 4) * 4 / 1e3) : 0;
	const int64_t past = 300 + (int64_t)gives[_i];
	const struct shape check = {.batch = 1, .tokens = 4, .past = past, .all_logits = true};
	struct placement p;
	struct generate_programs g, plain;
	sim_ns cycle;

	fixture_text(&fixture, FIXTURE_PAIR, sets[_i]);
	cycle = model_ns(&check, 2) + cable;
	for (int i = 0; i < 3; i++)
		cycle += model_ns(&(const struct shape){.batch = 1, .tokens = 1, .past = past + i}, 1);
	p = fixture_place(&fixture, 0);
	g = generate_build(&p);
	ck_assert_double_eq(g.per_step, gives[_i]);
	ck_assert_double_eq_tol(fixture_step_s(&g, 0), sim_s_of_ns(cycle), 1e-12);
	p.draft = NULL;
	plain = generate_build(&p);
	if (gives[_i] == 1)
		ck_assert_double_gt(fixture_step_s(&g, 0), fixture_step_s(&plain, 0));
	generate_free(&plain);
	generate_free(&g);
	fixture_release(&fixture);
}
END_TEST

#define DRAFTED                                                                                              \
	"schema: lemursim/scenario/1\n"                                                                      \
	"title: x\n"                                                                                         \
	"runtime: mps\n"                                                                                     \
	"machines: {m5: apple-m5-10c-24gb}\n"                                                                \
	"assignments: [{name: x, place: [{on: m5}]}]\n"

/* When a generation ends, and what its second step takes. */
static double ends_s(const char *rest, double *step_s)
{
	struct arena a = ARENA_INIT;
	struct placement p;
	struct generate_programs g;
	double s;

	g = fixture_generate(&fixture, arena_printf(&a, DRAFTED "%s", rest), NULL, &p);
	s = sim_s_of_ns(fixture_run(&a, g.first).run.makespan_ns);
	for (int i = 0; i < GENERATE_STEPS && g.later[i]; i++)
		s += g.weights[i] * fixture_step_s(&g, i);
	if (step_s)
		*step_s = fixture_step_s(&g, 0);
	generate_free(&g);
	arena_release(&a);
	fixture_release(&fixture);
	return s;
}

static double drafted_s(const char *draft_compute, double tokens, double *step_s)
{
	char text[512];

	snprintf(text, sizeof text,
		 "model: mistral-7b\n"
		 "precision: {weights: f16, kv: f16, compute: f16}\n"
		 "workload: {generate: {prompt: 512 tok, tokens: %g tok, batch: 1, speculative: "
		 "{model: tinyllama-1.1b, on: m5, draft: 4 tok, acceptance: 80 %%, "
		 "precision: {weights: f16, kv: f16, compute: %s}}}}\n",
		 tokens, draft_compute);
	return ends_s(text, step_s);
}

static double alone_s(const char *compute, double *step_s)
{
	char text[256];

	snprintf(text, sizeof text,
		 "model: tinyllama-1.1b\n"
		 "precision: {weights: f16, kv: f16, compute: %s}\n"
		 "workload: {generate: {prompt: 512 tok, tokens: 5 tok, batch: 1}}\n",
		 compute);
	return ends_s(text, step_s);
}

/* A draft in f32 takes as much longer as its model does by itself in f32 (0.350 s of it for the prompt), and
 * the large model's check takes no longer: the first step is one of four drafted tokens, and so are later
 * ones, in whose programs the draft comes first. */
START_TEST(a_draft_computes_in_its_own_dtype)
{
	double alone_step[2], step[2];
	const double longer = alone_s("f32", &alone_step[1]) - alone_s("f16", &alone_step[0]);
	double f16, f32;

	drafted_s("f16", 20, &step[0]);
	drafted_s("f32", 20, &step[1]);

	ck_assert_double_eq_tol((step[1] - step[0]) / (4 * (alone_step[1] - alone_step[0])), 1, 0.01);
	f16 = drafted_s("f16", 2, NULL);
	f32 = drafted_s("f32", 2, NULL);
	ck_assert_double_eq_tol(f16, 1.174364666, 0.01);
	ck_assert_double_gt(longer, 0.35);
	ck_assert_double_eq_tol(f32 - f16, longer, 1e-6);
}
END_TEST

/* As many tokens in all, whatever a step gives. */
START_TEST(drafts_add_up)
{
	static const double ones[GENERATE_STEPS] = {1, 1, 1, 1, 1, 1};
	const char *const sets[] = {drafts[_i].set, "workload.generate.tokens=100 tok",
				    "model.attention.window=350 tok", NULL};
	struct placement p;
	struct generate_programs g;

	g = fixture_generate(&fixture, FIXTURE_PAIR, sets, &p);
	/* the first token, those of the first step, the rest */
	ck_assert_double_eq_tol(1 + g.per_step * (1 + generate_over_steps(&g, ones)), 100, 1e-9);
	generate_free(&g);
	fixture_release(&fixture);
}
END_TEST

/* Prompts go through both models; groups and chunks take their turns; the compiled form agrees. */
START_TEST(drafts_in_flight)
{
	const char *const sets[] = {DRAFT("b", "2", "50 %"),
				    "assignments.0.place=[{on: a}, {layers: 1, on: b}, {op: head, on: b}]",
				    "workload.generate.batch=4",
				    _i & 1 ? "assignments.0.generate={micro_batches: 3, chunk: 100 tok}"
					   : "assignments.0.generate={chunk: 70 tok}",
				    _i & 2 ? "links.ab.receive_copy=1 GB/s" : NULL,
				    NULL};
	struct arena a = ARENA_INIT;
	struct placement p;
	struct generate_programs g;
	double rows = 0;

	g = fixture_generate(&fixture, FIXTURE_PAIR, sets, &p);
	for (int i = -1; i < 3; i++) {
		struct fixture_run r = fixture_run(&a, i < 0 ? g.first : g.later[i]);

		ck_assert_int_eq(compiled_run(r.compiled, &r.times).makespan_ns, r.run.makespan_ns);
	}
	for (size_t i = 0; i < g.first->tasks.n; i++) {
		const struct op *op = &g.first->op_classes.at[g.first->tasks.at[i].op_class].op;

		if (op->kind == OP_GATHER) /* width x 2 bytes each */
			rows += op->tensor_B / (2 * 256);
	}
	ck_assert_double_eq(rows, 4 * (300 + 300 + 2 + 3));
	generate_free(&g);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

/* Both models are in memory, and a place for every token of a draft. */
START_TEST(fit_of_a_draft)
{
	static const char *const sets[] = {DRAFT("b", "3", "50 %"), "assignments.0.place=[{on: a}]", NULL};
	const double kv = 2 * 64 * 2; /* of a token in a layer */
	struct footprint with[2], without[2];
	struct placement p;

	fixture_text(&fixture, FIXTURE_PAIR, sets);
	p = fixture_place(&fixture, 0);
	footprint_generate(&p, with);
	ck_assert_double_eq(with[0].kv_B, 2 * kv * (300 + 9 + 3));
	ck_assert_double_eq(with[1].kv_B, kv * (300 + 9 + 3));
	ck_assert_double_eq(with[1].weights_B,
			    model_weights_B(p.draft->world->model, &fixture.world->scenario->precision));
	p.draft = NULL;
	footprint_generate(&p, without);
	ck_assert_double_eq(with[0].weights_B, without[0].weights_B);
	ck_assert_double_eq(without[1].weights_B, 0);
	fixture_release(&fixture);
}
END_TEST

Suite *suite_passes(void)
{
	Suite *s = suite_create("passes");
	TCase *tc = tcase_create("passes");

	tcase_add_loop_test(tc, chunks_over_two_stages, 0, ARRAY_LEN(chunks));
	tcase_add_loop_test(tc, own_chunks_over_two_stages, 0, ARRAY_LEN(own_chunks));
	tcase_add_loop_test(tc, chunks_conserve, 0, 4 * ARRAY_LEN(chunks));
	tcase_add_loop_test(tc, heads_of_chunks, 0, 2);
	tcase_add_loop_test(tc, cache_at_the_end, 0, 4);
	tcase_add_loop_test(tc, to_and_fro, 0, 4 * ARRAY_LEN(class_times_set));
	tcase_add_loop_test(tc, decode_in_a_pipeline, 0, 24);
	tcase_add_test(tc, ends_beside_the_last_stage);
	tcase_add_loop_test(tc, groups_on_one_device, 0, 4);
	tcase_add_loop_test(tc, groups_take_their_time, 0,
			    (int)ARRAY_LEN(parts) * how_many(GROUPS_SEEDS_QUICK, GROUPS_SEEDS));
	tcase_add_loop_test(tc, caches_by_kind_and_format, 0, ARRAY_LEN(caches) * ARRAY_LEN(formats_of_kv));
	tcase_add_loop_test(tc, tokens_of_a_draft, 0, ARRAY_LEN(drafts));
	tcase_add_loop_test(tc, drafts_by_hand, 0, 4);
	tcase_add_test(tc, a_draft_computes_in_its_own_dtype);
	tcase_add_loop_test(tc, drafts_add_up, 0, ARRAY_LEN(drafts));
	tcase_add_loop_test(tc, drafts_in_flight, 0, 4);
	tcase_add_test(tc, fit_of_a_draft);
	suite_add_tcase(s, tc);
	return s;
}
