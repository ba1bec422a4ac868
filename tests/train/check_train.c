/* check_train.c - training steps: GPipe's bubble, what travels, FLOP in closed form, the measured layer. */
#include "sim/train/train.h"
#include "sim/train/train_work.h"

#include <string.h>

#include "sim/train/memory.h"
#include "sim/train/trainable.h"
#include "tests/suites.h"
#include "tests/fixtures.h"

static struct fixture fixture;

static sim_ns makespan(const struct placement *p)
{
	struct arena a = ARENA_INIT;
	struct program *program = train_build(p);
	const sim_ns ns = fixture_run(&a, program).run.makespan_ns;

	program_free(program);
	arena_release(&a);
	return ns;
}

/* ---- GPipe (Huang et al., arXiv:1811.06965): a bubble of (p - 1)/(m + p - 1) ---- */

enum { STAGES_MIN = 2, STAGES_MAX = 4, MICROS = 8, PIPE_LAYERS = 12 };

/* p machines, m micro-batches, bare layers, links that cost nothing, no host. */
static void pipe_world(int p, int m, const char *more)
{
	struct arena a = ARENA_INIT;
	const char *sets[16];
	size_t n = 0;

	sets[n++] = arena_printf(&a, "model.layers=%d", PIPE_LAYERS);
	sets[n++] = "model.ends=false";
	sets[n++] = arena_printf(&a, "workload.train.micro_batches=%d", m);
	for (int i = 0; i < p; i++)
		sets[n++] = arena_printf(&a, "machines.m%d.devices.gpu.runtimes.fixture.overhead.step=0", i);
	sets[n++] = more;
	sets[n] = NULL;
	fixture_mesh(&fixture, p, "latency: 0, bandwidth: 1e15 B/s",
		     "{train: {tokens: 64 tok, optimizer: none}}", sets);
	arena_release(&a);
}

/* Layers in p equal runs, one on each machine. */
static struct placement stages(int p)
{
	struct placement at = fixture_all_on(&fixture, 0);

	for (int x = PHASE_FORWARD; x < PHASE_N; x++) {
		struct shards *shard_groups = arena_array(&fixture.arena, at.blocks_n, sizeof *shard_groups);

		for (size_t b = 1; b < at.blocks_n - 1; b++)
			shard_groups[b] =
				(struct shards){.n = 1,
						.unit = {(size_t)(model_block(fixture.world->model, b).layer *
								  p / PIPE_LAYERS)},
						.share = {1}};
		at.shard_groups[x] = shard_groups;
	}
	return at;
}

START_TEST(gpipe_bubble)
{
	const int p = STAGES_MIN + _i / MICROS, m = 1 + _i % MICROS;
	struct arena a = ARENA_INIT;
	struct placement alone, piped;
	struct fixture_run r;
	sim_ns one;

	pipe_world(p, m, NULL);
	alone = fixture_all_on(&fixture, 0);
	one = makespan(&alone) / m; /* forward and backward of all layers */
	fixture_release(&fixture);
	ck_assert_int_gt(one, 0);
	ck_assert_int_eq(one % p, 0);

	pipe_world(p, m, NULL);
	piped = stages(p);
	r = fixture_run(&a, train_build(&piped));
	ck_assert_int_eq(r.run.makespan_ns, (m + p - 1) * (one / p));
	for (int i = 0; i < p; i++)
		ck_assert_int_eq(r.run.busy_ns[i],
				 m * (one / p)); /* so idle (p - 1)/(m + p - 1) of the time */
	ck_assert_int_eq(compiled_run(r.compiled, &r.times).makespan_ns, r.run.makespan_ns);
	program_free(r.program);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

/* On one machine micro-batches add up, and the update comes once. */
START_TEST(micro_batches_add_up)
{
	sim_ns t[4];

	for (int m = 2; m <= 5; m++) { /* of one alone there is no sum of gradients */
		struct placement p;

		pipe_world(1, m, "workload.train.optimizer=adamw");
		p = fixture_all_on(&fixture, 0);
		t[m - 2] = makespan(&p);
		fixture_release(&fixture);
	}
	ck_assert_int_eq(t[2] - t[1], t[1] - t[0]);
	ck_assert_int_eq(t[3] - t[2], t[1] - t[0]);
	ck_assert_int_gt(t[0], 2 * (t[1] - t[0])); /* the update */
}
END_TEST

/* ---- what travels ---- */

#define ABC "{train: {method: full, tokens: 48 tok, batch: 2, micro_batches: 3, optimizer: adamw, rank: 4}}"

static void place(const char *rules, const char *more, struct placement *p)
{
	struct arena a = ARENA_INIT;
	const char *const sets[] = {arena_printf(&a, "assignments.0.place=%s", rules), more, NULL};

	fixture_mesh(&fixture, 3, "latency: 10 us, bandwidth: 1 GB/s", ABC, sets);
	*p = fixture_place(&fixture, 0);
	arena_release(&a);
}

static double saved_B(void)
{
	const struct world *w = fixture.world;
	const struct shape s = train_shape(w->scenario->workload.train);
	const struct copies copies = {.logits = 2, .scores = 1};
	double sum = 0;

	for (size_t i = 0; i < model_blocks(w->model); i++)
		sum += graph_saved_B(w->model, &w->scenario->precision, &s, model_block(w->model, i).part,
				     &copies);
	return sum;
}

static const struct {
	const char *rules;
	double saved, activations, gradients, weights; /* in all saved bytes, hidden rows, trained numbers */
} travels[] = {
	{"[{on: m0}]", 0, 0, 0, 0},
	{"[{on: m0}, {phase: [backward, update], on: m1}]", 1, 0, 0, 1},
	{"[{on: m0}, {phase: backward, on: m1}]", 1, 0, 1, 1}, /* the weights go back to backward */
	{"[{on: m0}, {phase: update, on: m1}]", 0, 0, 1, 1},
	{"[{on: m0}, {phase: backward, on: m1}, {phase: update, on: m2}]", 1, 0, 1, 2},
	/* over once and back once, in each micro-batch; head and embedding at the ends */
	{"[{on: m0}, {layers: 1, on: m1}, {op: head, on: m1}]", 0, 2, 0, 0},
	{"[{on: m0}, {op: ffn, on: m1}]", 0, 2 * 2 * 2, 0, 0},
};

START_TEST(bytes_that_travel)
{
	static const char *const methods[] = {"workload.train.method=full", "workload.train.method=lora",
					      "workload.train.optimizer=none"};
	const size_t row = (size_t)_i / 3;
	const bool none = _i % 3 == 2;
	struct placement p;
	struct program *program;
	double trainable = 0;

	place(travels[row].rules, methods[_i % 3], &p);
	program = train_build(&p);
	for (size_t i = 0; i < model_blocks(fixture.world->model); i++) {
		const struct shape s = train_shape(fixture.world->scenario->workload.train);

		trainable +=
			graph_trainable(fixture.world->model, &s, model_block(fixture.world->model, i).part);
	}
	ck_assert_double_gt(trainable, 0);
	ck_assert_double_eq(fixture_link_B(program, PAYLOAD_SAVED), travels[row].saved * 3 * saved_B());
	ck_assert_double_eq(fixture_link_B(program, PAYLOAD_ACTIVATIONS),
			    travels[row].activations * 3 * 2 * 48 * 256 * 2);
	ck_assert_double_eq(fixture_link_B(program, PAYLOAD_GRADIENTS),
			    none ? 0 : travels[row].gradients * trainable * 2);
	ck_assert_double_eq(fixture_link_B(program, PAYLOAD_WEIGHTS),
			    none ? 0 : travels[row].weights * trainable * 2);
	ck_assert_double_eq(fixture_link_B(program, PAYLOAD_NONE),
			    fixture_link_B(program, PAYLOAD_SAVED) +
				    fixture_link_B(program, PAYLOAD_ACTIVATIONS) +
				    fixture_link_B(program, PAYLOAD_GRADIENTS) +
				    fixture_link_B(program, PAYLOAD_WEIGHTS));
	program_free(program);
	fixture_release(&fixture);
}
END_TEST

/* The last end, lag included, of what a block does in a phase for a micro-batch: a transfer, or (NULL) its
 * operators. */
static sim_ns end_of(const struct fixture_run *r, const struct label *like, enum phase phase,
		     enum payload payload)
{
	sim_ns end = -1;

	for (size_t i = 0; i < r->program->tasks.n; i++) {
		const struct program_task *t = &r->program->tasks.at[i];
		const bool same = t->label.payload == payload;

		if (same && t->label.phase == phase && part_same(t->label.part, like->part) &&
		    t->label.layer == like->layer && t->label.micro == like->micro &&
		    r->run.spans[i].end_ns + r->times.lag_ns[t->op_class] > end)
			end = r->run.spans[i].end_ns + r->times.lag_ns[t->op_class];
	}
	return end;
}

/* Backward waits for what forward kept, gradients for backward, the update for gradients, weights for the
 * update. */
START_TEST(what_waits_for_what)
{
	static const char *const slow[] = {NULL, "links.l10.bandwidth=5 MB/s", "links.l21.bandwidth=1 MB/s"};
	struct arena a = ARENA_INIT;
	struct placement p;
	struct fixture_run r;
	size_t seen[4] = {0};

	place("[{on: m0}, {phase: backward, on: m1}, {phase: update, on: m2}]", slow[_i], &p);
	r = fixture_run(&a, train_build(&p));
	for (size_t i = 0; i < r.program->tasks.n; i++) {
		const struct label *label = &r.program->tasks.at[i].label;
		const sim_ns start = r.run.spans[i].start_ns;
		struct label last = *label;

		last.micro = 2;
		if (label->phase == PHASE_BACKWARD && !label->payload && ++seen[0])
			MUST(start >= end_of(&r, label, PHASE_FORWARD, PAYLOAD_SAVED));
		if (label->phase == PHASE_UPDATE && label->payload == PAYLOAD_GRADIENTS && ++seen[1])
			MUST(start >= end_of(&r, &last, PHASE_BACKWARD, PAYLOAD_NONE));
		if (label->phase == PHASE_UPDATE && !label->payload && label->layer >= 0 && ++seen[2])
			MUST(start >= end_of(&r, label, PHASE_UPDATE, PAYLOAD_GRADIENTS));
		if (label->payload == PAYLOAD_WEIGHTS && ++seen[3])
			MUST(start >= end_of(&r, label, PHASE_UPDATE, PAYLOAD_NONE));
	}
	for (size_t i = 0; i < ARRAY_LEN(seen); i++)
		ck_assert_uint_gt(seen[i], 0);
	program_free(r.program);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

/* Full training does more than LoRA; nothing else does less than AdamW; every mark in its order. */
START_TEST(methods_in_order)
{
	static const char *const sets[][3] = {
		{"workload.train.method=lora", NULL},
		{"workload.train.optimizer=none", NULL},
		{"workload.train.optimizer=sgd", NULL},
		{NULL},
	};
	sim_ns before = 0;

	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		struct arena a = ARENA_INIT;
		struct placement p;
		struct train_times times;
		struct program *program;
		struct fixture_run r;

		fixture_mesh(&fixture, 1, "", ABC, sets[i]);
		p = fixture_all_on(&fixture, 0);
		program = train_build(&p);
		r = fixture_run(&a, program);
		ck_assert_int_gt(r.run.makespan_ns, before);
		times = train_times(train_work(&a, program), &r.times, r.run.makespan_ns);
		ck_assert_double_gt(times.forward_s, 0);
		ck_assert_double_gt(times.backward_s, times.forward_s);
		ck_assert_double_gt(times.optimizer_s, 0);
		ck_assert_double_eq_tol(times.forward_s + times.backward_s + times.optimizer_s,
					sim_s_of_ns(r.run.makespan_ns), 1e-12);
		ck_assert_double_eq(times.waiting_s, 0);
		before = r.run.makespan_ns;
		program_free(program);
		arena_release(&a);
		fixture_release(&fixture);
	}
}
END_TEST

/* ---- FLOP ---- */

#define PRODUCTS_N (6979321856.0 + 4096.0 * 32000)
#define ADAPTERS_N (32 * 16 * (4096.0 + 4096 + 4096 + 1024))
/* three times the forward pass of causal attention over 512 tokens */
#define PAIRS_FLOP (3 * 32 * 4.0 * 4096 * (512.0 * 513 / 2))

START_TEST(flop_of_a_step)
{
	static const char *const sets[][4] = {
		{"workload.train.method=full", NULL},
		{"workload.train.method=full", "workload.train.batch=3", "workload.train.micro_batches=4",
		 NULL},
		{NULL},
		{"workload.train.micro_batches=5", NULL},
	};
	static const double sequences[] = {1, 12, 1, 5};
	const double tokens = 512 * sequences[_i], full = 6 * PRODUCTS_N,
		     lora = 4 * PRODUCTS_N + 6 * ADAPTERS_N;

	fixture_load(&fixture, FIXTURE_FOUNDING, sets[_i]);
	ck_assert_double_eq(train_tokens(fixture.world->scenario->workload.train), tokens);
	ck_assert_double_eq(train_flop(fixture.world),
			    tokens * (_i < 2 ? full : lora) + PAIRS_FLOP * sequences[_i]);
	fixture_release(&fixture);
}
END_TEST

/* What the devices carry out is that, and the masked half where the kernel does it. */
START_TEST(flop_carried_out)
{
	static const char *const sets[] = {"workload.train.method=full", "workload.train.micro_batches=2",
					   NULL};
	const double masked = 3 * 32 * 4.0 * 4096 * (512.0 * 511 / 2) * 2;
	struct placement p;
	struct program *program;

	fixture_load(&fixture, FIXTURE_FOUNDING, sets);
	p = fixture_all_on(&fixture, (size_t)_i);
	program = train_build(&p);
	ck_assert_double_eq(fixture_flop(program), train_flop(fixture.world) + masked);
	program_free(program);
	fixture_release(&fixture);
}
END_TEST

/* ---- recomputation: forward twice, blocks' inputs alone kept and sent ---- */

START_TEST(recomputation)
{
	static const char *const sets[] = {"workload.train.method=full", "workload.train.recompute=full",
					   NULL};
	static const char *const lora[] = {"workload.train.recompute=full", NULL};
	const double block_inputs = (32 * 2 + 1) * 512 * 4096 * 2.0, pairs = PAIRS_FLOP / 3,
		     layers_n = 6979321856.0;
	struct placement p;
	struct program *program;
	struct footprint *footprint;

	fixture_founding(&fixture, "[{on: m4pro}, {phase: backward, on: m5}]",
			 "workload.train.recompute=full");
	p = fixture_place(&fixture, 0);
	program = train_build(&p);
	ck_assert_double_eq(fixture_link_B(program, PAYLOAD_SAVED), block_inputs);
	program_free(program);
	fixture_release(&fixture);

	fixture_load(&fixture, FIXTURE_FOUNDING, sets);
	p = fixture_all_on(&fixture, 0);
	program = train_build(&p);
	/* beyond the step's own FLOP: products and pairs of forward once more, the masked half four times */
	ck_assert_double_eq_tol(fixture_flop(program),
				train_flop(fixture.world) + 2 * (layers_n + 4096.0 * 32000) * 512 + pairs +
					4 * 32 * 4.0 * 4096 * (512.0 * 511 / 2),
				1);
	program_free(program);
	fixture_release(&fixture);

	/* every input, and the head's logits while it runs again: in f16, and as transformers' loss has them
	 * in f32, three times */
	fixture_load(&fixture, FIXTURE_FOUNDING, lora);
	p = fixture_all_on(&fixture, 0);
	footprint = arena_array(&fixture.arena, fixture.world->machines_n, sizeof *footprint);
	train_footprint(&p, footprint);
	ck_assert_double_eq(footprint[0].activations_B, block_inputs + 512 * 32000 * (2 + 3 * 4.0));
	fixture_release(&fixture);
}
END_TEST

/* ---- the founding figures: one layer, 512 tokens, forward and backward ---- */

START_TEST(founding_layer)
{
	struct placement m5, m4pro;
	double m5_ms, m4pro_ms;

	fixture_load(&fixture, "scenarios/layer-512.yaml", NULL);
	m5 = fixture_place_named(&fixture, "all on M5");
	m4pro = fixture_place_named(&fixture, "all on M4 Pro");
	m5_ms = (double)makespan(&m5) / 1e6;
	m4pro_ms = (double)makespan(&m4pro) / 1e6;
	ck_assert_double_eq_tol(m5_ms, 57.7, 0.15 * 57.7);
	ck_assert_double_eq_tol(m4pro_ms, 141.8, 0.15 * 141.8);
	ck_assert_double_ge(m4pro_ms / m5_ms, 2.2);
	ck_assert_double_le(m4pro_ms / m5_ms, 2.7);
	fixture_release(&fixture);
}
END_TEST

/* Backward takes 1.95 to 2.17 times forward in the measured layers. */
START_TEST(founding_backward_over_forward)
{
	struct arena a = ARENA_INIT;
	struct placement p;
	struct program *program;
	struct fixture_run r;
	struct train_times times;

	fixture_load(&fixture, "scenarios/layer-512.yaml", NULL);
	p = fixture_all_on(&fixture, (size_t)_i);
	program = train_build(&p);
	r = fixture_run(&a, program);
	times = train_times(train_work(&a, program), &r.times, r.run.makespan_ns);
	ck_assert_double_ge(times.backward_s / times.forward_s, 1.95);
	ck_assert_double_le(times.backward_s / times.forward_s, 2.17);
	program_free(program);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

/* ---- MLX's attention in training ---- */

/* Peaks in MB of one attention's forward and backward pass with 32 heads in f16, unfused, as ml-explore/mlx PR 3241 has
 * them: the copies of the scores that the profiles of MLX count, and eight tensors as long as the queries (q, k, v, the
 * output and their gradients). */
static const struct {
	double tokens, width, MB;
} peaks[] = {{1024, 64, 239}, {2048, 64, 894}, {4096, 64, 3373}, {1024, 128, 277}, {2048, 128, 969}};

START_TEST(peak_of_an_attention_of_mlx)
{
	struct train_copies c;
	struct placement at;
	double scores, rows;

	fixture_load(&fixture, "scenarios/finetune-mac.yaml", NULL);
	at = fixture_place(&fixture, 0);
	c = shard_group_copies(fixture.world, &at.shard_groups[PHASE_BACKWARD][1]);
	scores = 32 * peaks[_i].tokens * peaks[_i].tokens * 2;
	rows = 32 * peaks[_i].tokens * peaks[_i].width * 2;
	ck_assert_double_eq_tol((c.scores + c.scores_backward) * scores + 8 * rows, 1e6 * peaks[_i].MB,
				0.05e6 * peaks[_i].MB);
	fixture_release(&fixture);
}
END_TEST

/* ---- quantised weights under PyTorch ---- */

/* A machine whose runtime has that name. */
static void load_runtime(const char *runtime, const char *method, const char *weights)
{
	static const char text[] = FIXTURE_HEAD
		"model: " FIXTURE_MODEL("3") "\nmachines: {a: " FIXTURE_MACHINE "}\n" FIXTURE_WORKLOAD;
	struct arena a = ARENA_INIT;
	struct str s = STR_INIT;
	const char *at = text;

	for (const char *next; (next = strstr(at, "fixture")); at = next + strlen("fixture")) {
		const bool names =
			!strncmp(next, "fixture: {version", 17) || !strncmp(next, "fixture\nmodel", 13);

		str_addf(&s, "%.*s%s", (int)(next - at), at, names ? runtime : "fixture");
	}
	str_add(&s, at);
	fixture_text(&fixture, s.text,
		     (const char *const[]){arena_printf(&a, "workload.train.method=%s", method),
					   arena_printf(&a, "precision.weights=%s", weights), NULL});
	str_release(&s);
	arena_release(&a);
}

struct unpacking {
	double kernels, bytes, read_B; /* read_B: by products of base weights */
};

static struct unpacking unpacking(enum phase phase)
{
	const struct placement at = fixture_all_on(&fixture, 0);
	struct program *p = train_build(&at);
	struct unpacking sum = {0};

	for (size_t i = 0; i < p->tasks.n; i++) {
		const struct op *op = &p->op_classes.at[p->tasks.at[i].op_class].op;

		if (p->tasks.at[i].label.phase != phase)
			continue;
		if (!strcmp(op->name, "dequantise")) {
			sum.kernels += op->times;
			sum.bytes += op->times * op->tensor_B;
		}
		if (op->kind == OP_LINEAR && !op->adapter && !op->gradient)
			sum.read_B += op->weight_B;
	}
	program_free(p);
	return sum;
}

/* bitsandbytes writes weights out before each product; of three micro-batches, layers of 655,360 weights and a head of 256,000. A
 * product reads what was written, as one of LoRA does. Other runtimes do without. */
START_TEST(dequantised_before_products)
{
	const double weights = 3 * (3 * 655360.0 + 256000);
	struct unpacking lora, packed;
	sim_ns took;

	load_runtime("torch", "lora", "f16");
	lora = unpacking(PHASE_FORWARD);
	took = makespan((const struct placement[]){fixture_all_on(&fixture, 0)});
	ck_assert_double_eq(lora.kernels, 0);
	ck_assert_double_eq_tol(lora.read_B, 2 * weights, 1);
	fixture_release(&fixture);
	load_runtime("torch", "qlora", "q8_0");
	packed = unpacking(PHASE_FORWARD);
	ck_assert_double_eq_tol(packed.bytes, weights * (34.0 / 32 + 2), 1);
	ck_assert_double_eq(packed.kernels, 3 * (3 * 7 + 1));
	ck_assert_double_eq_tol(packed.read_B, lora.read_B, 1);
	ck_assert_double_gt(unpacking(PHASE_BACKWARD).bytes, 0.8 * packed.bytes);
	ck_assert_int_gt(makespan((const struct placement[]){fixture_all_on(&fixture, 0)}),
			 took + sim_ns_of_s(packed.bytes / 100e9));
	fixture_release(&fixture);
	load_runtime("mlx", "qlora", "mlx_q8");
	ck_assert_double_eq(unpacking(PHASE_FORWARD).kernels, 0);
	fixture_release(&fixture);
}
END_TEST

Suite *suite_train(void)
{
	Suite *s = suite_create("train");
	TCase *tc = tcase_create("train");

	tcase_add_loop_test(tc, gpipe_bubble, 0, (STAGES_MAX - STAGES_MIN + 1) * MICROS);
	tcase_add_test(tc, micro_batches_add_up);
	tcase_add_test(tc, dequantised_before_products);
	tcase_add_loop_test(tc, bytes_that_travel, 0, 3 * (int)ARRAY_LEN(travels));
	tcase_add_loop_test(tc, what_waits_for_what, 0, 3);
	tcase_add_test(tc, methods_in_order);
	tcase_add_loop_test(tc, flop_of_a_step, 0, 4);
	tcase_add_loop_test(tc, flop_carried_out, 0, 2);
	tcase_add_test(tc, recomputation);
	tcase_add_test(tc, founding_layer);
	tcase_add_loop_test(tc, peak_of_an_attention_of_mlx, 0, ARRAY_LEN(peaks));
	tcase_add_loop_test(tc, founding_backward_over_forward, 0, 2);
	suite_add_tcase(s, tc);
	return s;
}
