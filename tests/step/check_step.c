/*
 * check_step.c - steps as programs: compiled against the engine, what a schedule must obey, what crosses a
 * link, laws by hand.
 */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/rng.h"
#include "sim/step/generate.h"
#include "sim/train/train.h"
#include "tests/invariants.h"
#include "tests/suites.h"
#include "tests/fixtures.h"

static struct fixture fixture;

START_TEST(shipped_scenarios)
{
	static const char *const here[] = {"."};
	struct arena a = ARENA_INIT;
	struct diags diags;
	struct loader loader;
	struct load_found *found;
	size_t n, seen = 0;

	diags_init(&diags, &a);
	loader_init(&loader, &a, &diags);
	loader.paths = here;
	loader.paths_n = 1;
	n = load_list(&loader, ".", "scenarios", &found);
	for (size_t i = 0; i < n; i++) {
		struct rng *rng = rng_new(1, found[i].name);

		const struct workload *k;
		size_t programs;

		fixture_load(&fixture, found[i].path, NULL);
		k = &fixture.world->scenario->workload; /* serving makes no programs */
		programs = k->generate || k->train ? fixture.world->scenario->assignments.n : 0;
		for (size_t j = 0; j < programs; j++, seen++) {
			const struct placement p = fixture_place(&fixture, j);

			invariants_progs(&p, rng);
		}
		fixture_release(&fixture);
		rng_free(rng);
	}
	ck_assert_uint_ge(seen, 8);
	arena_release(&a);
}
END_TEST

/* ---- random placements ---- */

#define TWO                                                                                                  \
	FIXTURE_HEAD                                                                                         \
	"model: " FIXTURE_MODEL("3") "\nmachines: {a: " FIXTURE_MACHINE ", b: " FIXTURE_MACHINE "}\n"        \
				     "links: {ab: " FIXTURE_LINK("a", "b") "}\n" FIXTURE_WORKLOAD

#define CURVE                                                                                                \
	"links.ab.bandwidth_by_size=[{size: 100 B, bandwidth: 10 MB/s}, {size: 20 kB, bandwidth: 1 GB/s}]"

static const struct {
	const char *text;
	const char *sets[8];
} worlds[] = {
	{TWO, {NULL}},
	{TWO, {"links.ab.send_copy=1 GB/s", "links.ab.receive_copy=0.2 GB/s", NULL}},
	{TWO, {"links.ab.latency=0", "workload.train.method=lora", NULL}},
	{TWO, {"links.ab.duplex=half", NULL}},
	{TWO, {"links.ab.duplex=half", "links.ab.receive_copy=0.2 GB/s", NULL}},
	{TWO, {CURVE, NULL}},
	{TWO, {CURVE, "links.ab.duplex=half", "links.ab.send_copy=1 GB/s", NULL}},
	{TWO, {"machines.a.devices.gpu.peak_f16=3 TFLOPS", "model.attention.window=8 tok", NULL}},
	{TWO, {"model.ends=false", "model.norms=false", "links.ab.bandwidth=20 MB/s", NULL}},
	{FIXTURE_THREE, {NULL}},
	{FIXTURE_THREE, {"links.bc.receive_copy=1 GB/s", "links.ab.latency=1 ms", NULL}},
	{FIXTURE_THREE,
	 {"links.ca.send_copy=1 GB/s", "links.bc.bandwidth=30 MB/s", "workload.train.method=lora", NULL}},
	{FIXTURE_THREE, {"links.ca.duplex=half", "links.ab.bandwidth=100 GB/s", NULL}},
};

static struct shards random_seat(const struct world *w, struct rng *rng)
{
	const int most = (int)(w->units_n < SHARDS_MAX ? w->units_n : SHARDS_MAX);
	struct shards s = {.n = rng_uniform(rng) < 0.75 ? 1 : 1 + (int)(rng_uniform(rng) * most)};
	double sum = 0;

	for (int i = 0; i < s.n;) {
		bool taken = false;

		s.unit[i] = (size_t)(rng_uniform(rng) * (double)w->units_n);
		s.share[i] = 0.1 + rng_uniform(rng);
		for (int j = 0; j < i; j++)
			taken |= s.unit[j] == s.unit[i];
		sum += taken ? 0 : s.share[i];
		i += !taken;
	}
	for (int i = 0; i < s.n; i++)
		s.share[i] /= sum;
	return s;
}

static struct placement random_placement(struct rng *rng)
{
	struct placement p = fixture_all_on(&fixture, 0);

	for (int x = 0; x < PHASE_N; x++) {
		struct shards *shard_groups = arena_array(&fixture.arena, p.blocks_n, sizeof *shard_groups);
		struct shards s = random_seat(fixture.world, rng);

		for (size_t b = 0; b < p.blocks_n; b++) {
			if (rng_uniform(rng) < 0.6)
				s = random_seat(fixture.world, rng);
			shard_groups[b] = s;
		}
		p.shard_groups[x] = p.shard_groups[x] ? shard_groups : NULL;
	}
	return p;
}

/* The same placement under a request of its own: more sequences, in groups, prompts in chunks. */
static const struct world *random_request(struct rng *rng)
{
	struct generate g = *fixture.world->scenario->workload.generate;

	g.batch = 1 + (int64_t)(rng_uniform(rng) * 6);
	g.options.micro_batches = 1 + (int64_t)(rng_uniform(rng) * (double)g.batch);
	g.options.chunk = rng_uniform(rng) < 0.5 ? 0 : 4 + (int64_t)(rng_uniform(rng) * 30);
	g.options.kv = rng_uniform(rng) < 0.5 ? KV_STREAM : KV_END;
	return fixture_asking(&fixture, g);
}

enum { SEEDS = 80, SEEDS_QUICK = 16 };
START_TEST(random_placements)
{
	const size_t w = (size_t)_i % ARRAY_LEN(worlds);
	struct rng *rng = rng_new((uint64_t)_i, "placements");
	struct placement p;

	fixture_text(&fixture, worlds[w].text, worlds[w].sets);
	p = random_placement(rng);
	p.world = random_request(rng);
	invariants_progs(&p, rng);
	fixture_release(&fixture);
	rng_free(rng);
}
END_TEST

/* ---- tensor splits over many machines ---- */

#define ASKED                                                                                                \
	"{generate: {prompt: 30 tok, tokens: 9 tok, batch: 2}, train: {tokens: 16 tok, micro_batches: 3}}"

/* Whole steps split over n machines, prefill and decode from different shard groups. */
START_TEST(tensor_split_over_many)
{
	struct rng *rng = rng_new(1, "ring");
	struct placement p;

	fixture_mesh(&fixture, _i, "latency: 0, bandwidth: 2 GB/s", ASKED, NULL);
	p = fixture_all_on(&fixture, 0);
	for (int x = 0; x < PHASE_N; x++) {
		struct shards *shard_groups = arena_array(&fixture.arena, p.blocks_n, sizeof *shard_groups);

		for (size_t b = 0; b < p.blocks_n; b++) {
			shard_groups[b].n = x == PHASE_PREFILL ? 1 : _i;
			for (int i = 0; i < shard_groups[b].n; i++) {
				shard_groups[b].unit[i] = (size_t)((i + x) % _i);
				shard_groups[b].share[i] = 1.0 / shard_groups[b].n;
			}
		}
		p.shard_groups[x] = shard_groups;
	}
	invariants_progs(&p, rng);
	fixture_release(&fixture);
	rng_free(rng);
}
END_TEST

/* The head's gradient of its input is as wide as the model, not as the vocabulary. */
START_TEST(bytes_of_a_split_block)
{
	static const struct {
		enum role role;
		enum phase phase;
		double numbers;
	} blocks[] = {
		{ROLE_ATTENTION, PHASE_FORWARD, 16 * 256}, {ROLE_FFN, PHASE_FORWARD, 16 * 256},
		{ROLE_EMBEDDING, PHASE_FORWARD, 0},        {ROLE_ATTENTION, PHASE_BACKWARD, 16 * 256},
		{ROLE_FFN, PHASE_BACKWARD, 16 * 256},      {ROLE_HEAD, PHASE_BACKWARD, 16 * 256},
	};
	const struct shape s = {.batch = 1, .tokens = 16, .all_logits = true, .train_weights = true};
	const struct shards shards = {.n = 2, .unit = {0, 1}, .share = {0.5, 0.5}};
	const struct deps none = {.n = 0};

	fixture_text(&fixture, TWO, NULL);
	for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
		const struct label label = {.phase = blocks[i].phase, .part = {.role = blocks[i].role}};
		struct program *p = program_new(fixture.world);

		program_block(p, &s, &shards, label, &none);
		ck_assert_double_eq(fixture_link_B(p, PAYLOAD_ALL_REDUCE), 2 * 2 * blocks[i].numbers);
		program_free(p);
	}
	{ /* of the logits each has its columns; the loss takes three sums in f32 for each row */
		const struct label label = {.phase = PHASE_FORWARD, .part = {ROLE_HEAD, false, 0}};
		struct program *p = program_new(fixture.world);

		program_block(p, &s, &shards, label, &none);
		ck_assert_double_eq(fixture_link_B(p, PAYLOAD_ALL_GATHER), 0);
		ck_assert_double_eq(fixture_link_B(p, PAYLOAD_ALL_REDUCE), 2 * 16 * 12);
		program_free(p);
	}
	fixture_release(&fixture);
}
END_TEST

/* ---- what crosses a link ---- */

static const struct {
	const char *place;
	double prompt_B, token_B; /* over links up to the second token, and for each after it */
} crossings[] = {
	{"[{on: m5}]", 0, 0},
	/* the prompt's cache, and the first token */
	{"[{on: m4pro}, {phase: prefill, on: m5}]", 871 * 131072.0 + 4, 0},
	/* to the FFN and back, in each layer, for each token; f16 */
	{"[{on: m4pro}, {op: ffn, on: m5}]", (871 + 1) * 2 * 32 * 4096 * 2.0, 2 * 32 * 4096 * 2.0},
	/* once over, and the token back */
	{"[{on: m4pro}, {layers: 0-15, on: m5}, {op: embedding, on: m5}]", (871 + 1) * 4096 * 2.0 + 4,
	 4096 * 2.0 + 4},
	/* the ring: 64 blocks of hidden added up, and the head's logits (all of a prompt's) handed out */
	{"[{on: [m5, m4pro], split: tensor, shares: [60 %, 40 %]}]",
	 2 * 2 * 64 * 872 * 4096.0 + 2 * 872 * 32000.0, 2 * 2 * 64 * 4096.0 + 2 * 32000.0},
	/* five layers of them whole on one, which then hands the others' input over */
	{"[{on: [m5, m4pro], split: tensor, shares: [60 %, 40 %]}, {layers: 3-7, on: m5}]",
	 2 * 2 * 54 * 872 * 4096.0 + 2 * 872 * 32000.0 + 872 * 4096 * 2.0,
	 2 * 2 * 54 * 4096.0 + 2 * 32000.0 + 4096 * 2.0},
};

START_TEST(bytes_over_the_link)
{
	const size_t row = (size_t)_i / 2;
	const double batch = _i % 2 ? 5 : 1;
	struct placement p;
	struct generate_programs g;

	fixture_founding(&fixture, crossings[row].place, batch > 1 ? "workload.generate.batch=5" : NULL);
	p = fixture_place(&fixture, 0);
	g = generate_build(&p);
	ck_assert_double_eq(fixture_link_B(g.first, PAYLOAD_NONE), batch * crossings[row].prompt_B);
	for (int i = 0; i < 3; i++)
		ck_assert_double_eq(fixture_link_B(g.later[i], PAYLOAD_NONE), batch * crossings[row].token_B);
	generate_free(&g);
	fixture_release(&fixture);
}
END_TEST

/* Bytes go once to each machine that lacks them: devices of one machine share its memory. */
START_TEST(bytes_go_to_machines)
{
	static const struct {
		struct shards from, to;
		double times;
	} moves[] = {
		{SHARD_GROUP_1(0), SHARD_GROUP_1(1), 0},        /* a.gpu to a.cpu */
		{SHARD_GROUP_1(0), SHARD_GROUP_1(2), 1},        /* a.gpu to b.gpu */
		{SHARD_GROUP_2(0, 2, .5), SHARD_GROUP_1(2), 0}, /* b has it */
		{SHARD_GROUP_2(0, 3, .5), SHARD_GROUP_1(4), 0}, /* c.gpu has it, c.cpu shares it */
		{SHARD_GROUP_1(0), SHARD_GROUP_2(2, 3, .5), 2}, /* to b and to c */
		{SHARD_GROUP_1(0),
		 {.n = 3, .unit = {1, 2, 4}, .share = {.4, .3, .3}},
		 2},                                            /* to b and to c, a.cpu shares */
		{SHARD_GROUP_1(0), SHARD_GROUP_2(3, 4, .5), 1}, /* c once */
	};
	const struct label label = {.payload = PAYLOAD_ACTIVATIONS};
	const struct op step = {.name = "step", .kind = OP_STEP};
	struct deps x, there;
	struct program *p;

	fixture_text(&fixture, FIXTURE_THREE, NULL);
	p = program_new(fixture.world);
	x = deps_of(p, program_op(p, &step, 0, 1, label, NULL));
	there = program_hand_over(p, &moves[_i].from, &moves[_i].to, 1000, label, &x);
	ck_assert_double_eq(fixture_link_B(p, PAYLOAD_NONE), 1000 * moves[_i].times);
	ck_assert_uint_ge(there.n, 1);
	program_free(p);
	fixture_release(&fixture);
}
END_TEST

/* Of a cache in parts a device gets what its machine lacks of its own part, from whoever has it. */
START_TEST(parts_go_where_they_lack)
{
	static const struct {
		struct shards from, to;
		double bytes;
	} moves[] = {
		{SHARD_GROUP_1(0), SHARD_GROUP_2(0, 2, .6), 400},
		{SHARD_GROUP_2(0, 2, .6), SHARD_GROUP_1(0), 400},
		{SHARD_GROUP_2(0, 2, .6), SHARD_GROUP_1(3), 1000},
		{SHARD_GROUP_2(0, 2, .6), SHARD_GROUP_2(0, 2, .6), 0},
		{SHARD_GROUP_2(0, 2, .6), SHARD_GROUP_2(0, 2, .5), 100}, /* the border moves */
		{SHARD_GROUP_2(0, 2, .6), SHARD_GROUP_2(0, 2, .75), 150},
		{SHARD_GROUP_2(0, 2, .6), SHARD_GROUP_2(2, 0, .6), 600 + 400}, /* they change sides */
		{SHARD_GROUP_2(0, 2, .5), SHARD_GROUP_2(1, 2, .5), 0},         /* a.gpu to a.cpu */
		{SHARD_GROUP_2(0, 1, .5), SHARD_GROUP_2(2, 0, .3), 300},
		{{.n = 3, .unit = {0, 2, 3}, .share = {.2, .3, .5}}, SHARD_GROUP_2(2, 4, .5), 200},
		{SHARD_GROUP_1(0), SHARD_GROUP_2(3, 4, .5), 1000}, /* to c in two halves */
	};
	const struct label label = {.payload = PAYLOAD_ACTIVATIONS};
	const struct op step = {.name = "step", .kind = OP_STEP};
	struct deps x, there;
	struct program *p;

	fixture_text(&fixture, FIXTURE_THREE, NULL);
	p = program_new(fixture.world);
	x = deps_of(p, program_op(p, &step, 0, 1, label, NULL));
	there = program_hand_parts(p, &moves[_i].from, &moves[_i].to, 1000, label, &x);
	ck_assert_double_eq_tol(fixture_link_B(p, PAYLOAD_NONE), moves[_i].bytes, 1e-6);
	ck_assert_uint_ge(there.n, 1);
	program_free(p);
	fixture_release(&fixture);
}
END_TEST

/* Of a latent each device of a split reads all, and what is made from the input is made on each. */
START_TEST(a_latent_belongs_to_all_heads)
{
	const struct shape s = {.batch = 3, .tokens = 1, .past = 99};
	const struct shards shards = {.n = 2, .unit = {0, 1}, .share = {.25, .75}};
	const struct label label = {.phase = PHASE_DECODE, .part = {ROLE_ATTENTION, false, 0}};
	const double latent = 3 * 100 * (128 + 16) * 2.0;
	struct program *p;
	size_t seen = 0;

	fixture_text(&fixture,
		     FIXTURE_HEAD "model: " FIXTURE_MLA(
			     "2") "\nmachines: {a: " FIXTURE_MACHINE ", b: " FIXTURE_MACHINE
				  "}\nlinks: {ab: " FIXTURE_LINK("a", "b") "}\n" FIXTURE_WORKLOAD,
		     NULL);
	p = program_new(fixture.world);
	program_block(p, &s, &shards, label, &(struct deps){.n = 0});
	for (size_t i = 0; i < p->tasks.n; i++) {
		const struct op_class *c = &p->op_classes.at[p->tasks.at[i].op_class];
		const double share = shards.share[p->tasks.at[i].queue == 1];

		if (c->kind != CLASS_OP)
			continue;
		if (c->op.kind == OP_SCORES) {
			ck_assert_double_eq(c->cost.bytes, latent);
			ck_assert_double_eq_tol(c->cost.flop, share * c->op.dense_flop, 1);
			seen++;
		}
		if (!strcmp(c->op.name, "kv a") || !strcmp(c->op.name, "q a"))
			ck_assert_double_eq(c->cost.flop, c->op.flop);
		if (!strcmp(c->op.name, "kv b") || !strcmp(c->op.name, "q b"))
			ck_assert_double_eq(c->cost.flop, share * c->op.flop);
	}
	ck_assert_uint_eq(seen, 2);
	ck_assert_double_eq(fixture_link_B(p, PAYLOAD_ALL_REDUCE), 2 * 3 * 256 * 2.0);
	program_free(p);
	fixture_release(&fixture);
}
END_TEST

/* The same work, whoever does it: FLOP of an assignment are those of one device. */
START_TEST(flop_are_the_same_anywhere)
{
	struct placement p, one;
	struct generate_programs g, h;
	struct program *t, *u;

	fixture_founding(&fixture, crossings[_i].place, "workload.train.micro_batches=2");
	p = fixture_place(&fixture, 0);
	one = fixture_all_on(&fixture, 1);
	g = generate_build(&p);
	h = generate_build(&one);
	t = train_build(&p);
	u = train_build(&one);
	if (p.shard_groups[PHASE_DECODE][1].n == 1) {
		ck_assert_double_eq(fixture_flop(g.first), fixture_flop(h.first));
		for (int i = 0; i < 3; i++)
			ck_assert_double_eq(fixture_flop(g.later[i]), fixture_flop(h.later[i]));
		ck_assert_double_eq(fixture_flop(t), fixture_flop(u));
	} else { /* each device makes the first half of the adapters, 4096 x 16 for q and v, forward and
		    backward */
		double recompute = 0;

		for (int64_t layer = 0; layer < 32; layer++)
			if (p.shard_groups[PHASE_FORWARD]
					  [model_block_of(fixture.world->model, ROLE_ATTENTION, layer)]
						  .n > 1)
				recompute += 2 * 3 * (2.0 * 1024 * 4096 * 16);

		ck_assert_double_eq_tol(fixture_flop(g.first) / fixture_flop(h.first), 1, 1e-12);
		ck_assert_double_eq_tol(fixture_flop(g.later[1]) / fixture_flop(h.later[1]), 1, 1e-12);
		ck_assert_double_eq_tol(fixture_flop(t) / (fixture_flop(u) + recompute), 1, 1e-12);
	}
	generate_free(&g);
	generate_free(&h);
	program_free(t);
	program_free(u);
	fixture_release(&fixture);
}
END_TEST

/* Numbers of queues and sources go there and back, each once; a disk is neither a device nor a link. */
START_TEST(queues_have_one_number)
{
	static const char *const sets[] = {"machines.b.disk={read: 1 GB/s}", NULL};
	const struct world *w;
	size_t kinds[3] = {0};

	fixture_text(&fixture, FIXTURE_PAIR, sets);
	w = fixture.world;
	for (size_t i = 0; i < program_queues(w); i++) {
		const struct queue q = queue_at(w, i);

		ck_assert_uint_eq(queue_index(w, q), i);
		kinds[q.kind]++;
		if (q.kind != QUEUE_LINK)
			continue;
		ck_assert_uint_ne(queue_machine(w, q), queue_receiver(w, q));
		ck_assert_uint_eq(queue_index(w, queue_from(w, q.of, queue_machine(w, q))), i);
	}
	ck_assert_uint_eq(kinds[QUEUE_DEVICE], w->units_n);
	ck_assert_uint_eq(kinds[QUEUE_LINK], 2 * w->link_uses_n);
	ck_assert_uint_eq(kinds[QUEUE_DISK], w->machines_n);
	for (size_t i = 0; i < program_sources(w); i++) {
		const struct param_source s = source_at(w, i);

		ck_assert_uint_eq(source_index(w, s), i);
		ck_assert_int_eq(program_has_param(w, i, PARAM_LATENCY), s.kind == QUEUE_LINK);
		ck_assert_int_eq(program_has_param(w, i, PARAM_MEMORY), s.kind == QUEUE_DEVICE);
		ck_assert(s.kind != QUEUE_DISK || program_has_param(w, i, PARAM_BANDWIDTH) == (s.of == 1));
	}
	fixture_release(&fixture);
}
END_TEST

/* Several threads predict in one world, and run one compiled program. */
enum { THREADS = 4 };

struct worker {
	const struct placement *at;
	const struct compiled *compiled;
	const struct class_times *times;
	sim_ns built_ns, compiled_ns;
};

static void *predict_often(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < 200; i++) {
		struct arena a = ARENA_INIT;
		struct generate_programs g;

		w->compiled_ns += compiled_run(w->compiled, w->times).makespan_ns;
		if (i % 20)
			continue;
		g = generate_build(w->at);
		w->built_ns += fixture_run(&a, g.first).run.makespan_ns;
		generate_free(&g);
		arena_release(&a);
	}
	return NULL;
}

START_TEST(threads_predict_alike)
{
	static const char *const sets[] = {"assignments.0.place=[{on: a}, {op: ffn, on: b}]", NULL};
	struct arena a = ARENA_INIT;
	struct placement p;
	struct generate_programs g = fixture_generate(&fixture, FIXTURE_PAIR, sets, &p);
	const struct fixture_run r = fixture_run(&a, g.first);
	struct worker workers[THREADS];
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){.at = &p, .compiled = r.compiled, .times = &r.times};
		ck_assert_int_eq(pthread_create(&threads[i], NULL, predict_often, &workers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		ck_assert_int_eq(workers[i].compiled_ns, 200 * r.run.makespan_ns);
		ck_assert_int_eq(workers[i].built_ns, 10 * r.run.makespan_ns);
	}
	generate_free(&g);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

START_TEST(half_duplex)
{
	static const char *const places[] = {
		"[{on: b}, {phase: prefill, on: a}]",
		"[{on: a}, {op: ffn, on: b}]",
		"[{on: [a, b], split: tensor}]",
	};
	struct arena a = ARENA_INIT;
	sim_ns makespan[2];
	size_t tasks = 0;

	for (int grad_part = 0; grad_part < 2; grad_part++) {
		const char *const sets[] = {arena_printf(&a, "assignments.0.place=%s", places[_i]),
					    grad_part ? "links.ab.duplex=half" : "links.ab.duplex=full",
					    "links.ab.bandwidth=6.3 GB/s", NULL};
		struct placement p;
		struct generate_programs g;
		struct fixture_run r;

		g = fixture_generate(&fixture, FIXTURE_PAIR, sets, &p);
		r = fixture_run(&a, g.first);
		invariants_run(&r);
		invariants_compiled(&r);
		makespan[grad_part] = r.run.makespan_ns;
		tasks = g.first->tasks.n;
		generate_free(&g);
		fixture_release(&fixture);
	}
	ck_assert_int_ge(makespan[1], makespan[0] - (sim_ns)tasks);
	if (_i < 2)
		ck_assert_int_le(makespan[1], makespan[0] + (sim_ns)tasks);
	else
		ck_assert_int_gt(makespan[1], makespan[0] + (sim_ns)tasks);
	arena_release(&a);
}
END_TEST

Suite *suite_step(void)
{
	Suite *s = suite_create("step");
	TCase *tc = tcase_create("step");

	tcase_add_test(tc, shipped_scenarios);
	tcase_add_loop_test(tc, random_placements, 0, how_many(SEEDS_QUICK, SEEDS) * (int)ARRAY_LEN(worlds));
	tcase_add_loop_test(tc, tensor_split_over_many, 2, 9);
	tcase_add_test(tc, bytes_of_a_split_block);
	tcase_add_loop_test(tc, bytes_over_the_link, 0, 2 * (int)ARRAY_LEN(crossings));
	tcase_add_loop_test(tc, bytes_go_to_machines, 0, 7);
	tcase_add_loop_test(tc, parts_go_where_they_lack, 0, 11);
	tcase_add_test(tc, a_latent_belongs_to_all_heads);
	tcase_add_loop_test(tc, flop_are_the_same_anywhere, 0, ARRAY_LEN(crossings));
	tcase_add_loop_test(tc, half_duplex, 0, 3);
	tcase_add_test(tc, queues_have_one_number);
	tcase_add_test(tc, threads_predict_alike);
	suite_add_tcase(s, tc);
	return s;
}
