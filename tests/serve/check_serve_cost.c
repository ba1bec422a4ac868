/*
 * check_serve_cost.c - batches of a server: both forms of a step's shape say the same, and its times are
 * those of the step's programs.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/rng.h"
#include "sim/llm/memory.h"
#include "sim/serve/batch_cost.h"
#include "sim/serve/batch_pass.h"
#include "sim/step/generate.h"
#include "tests/suites.h"
#include "tests/fixtures.h"
#include "tests/serve/serve_toy.h"

static struct fixture fixture;

/* ---- both forms of a shape ---- */

static bool op_same(const struct op *a, const struct op *b)
{
	return !strcmp(a->name, b->name) && a->kind == b->kind && a->split == b->split &&
	       a->role == b->role && a->phase == b->phase && a->m == b->m && a->n == b->n && a->k == b->k &&
	       a->copies == b->copies && a->query == b->query && a->context == b->context &&
	       a->flop == b->flop && a->dense_flop == b->dense_flop && a->weight_B == b->weight_B &&
	       a->format == b->format && a->rows == b->rows && a->experts == b->experts &&
	       a->experts_all == b->experts_all && a->gradient == b->gradient && a->adapter == b->adapter &&
	       a->tensor_B == b->tensor_B && a->kv_B == b->kv_B && a->kv_of_all == b->kv_of_all &&
	       a->groups == b->groups && a->times == b->times;
}

static void must_agree(const struct model *m, const struct shape *a, const struct shape *b, enum phase phase)
{
	const struct precision p = {.weights = MIX_Q4_K_M, .kv = FORMAT_Q8_0, .compute = FORMAT_F16};
	struct part_count parts[MODEL_PARTS];
	const size_t n = model_parts(m, parts);

	for (size_t i = 0; i < n; i++) {
		struct op one[GRAPH_OPS], two[GRAPH_OPS];
		const size_t ops = graph_block(m, &p, a, parts[i].part, phase, one);

		MUST(graph_block(m, &p, b, parts[i].part, phase, two) == ops);
		for (size_t k = 0; k < ops; k++)
			if (!op_same(&one[k], &two[k]))
				ck_abort_msg("%s: op %s of batch %d, tokens %d, past %d", m->title,
					     one[k].name, (int)a->batch, (int)a->tokens, (int)a->past);
	}
	MUST(graph_rows(a) == graph_rows(b) && graph_head_rows(a) == graph_head_rows(b));
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t below(struct rng *r, int64_t n)
{
	return (int64_t)(rng_uniform(r) * (double)n);
}

/* The same sequences, all alike: as decodes, and as pieces of prompts. */
static void agree_on(const struct model *m, int64_t batch, int64_t tokens, int64_t past)
{
	struct shape_piece pieces[64];
	const struct shape uniform = {.batch = batch, .tokens = tokens, .past = past};
	const int64_t window = model_window(m) ? model_window(m) : INT64_MAX;
	const struct shape_mix decodes = {.rows = batch * tokens,
					  .logits = batch,
					  .decodes = batch,
					  .rows_each = tokens,
					  .context = batch * (past + 1),
					  .windowed = batch * least(past + 1, window)},
			       prompts = {.rows = batch * tokens,
					  .logits = batch,
					  .pieces = pieces,
					  .pieces_n = (size_t)batch};
	const struct shape as_decodes = {.mix = &decodes}, as_prompts = {.mix = &prompts};

	for (int64_t i = 0; i < batch; i++)
		pieces[i] = (struct shape_piece){tokens, past};
	must_agree(m, &uniform, &as_decodes, PHASE_DECODE);
	must_agree(m, &uniform, &as_prompts, PHASE_PREFILL);
}

START_TEST(both_forms_agree)
{
	struct arena a = ARENA_INIT;
	struct diags diags;
	struct loader l;
	struct load_found *found;
	struct rng *r = rng_new(7, "serve.shapes");
	size_t n;

	diags_init(&diags, &a);
	loader_init(&l, &a, &diags);
	n = load_list(&l, ".", "models", &found);
	ck_assert_uint_gt(n, 50);
	for (size_t i = 0; i < n; i++) {
		struct model m = {0};
		struct yml *tree = load_file(&l, found[i].path, "models", MODEL_SCHEMA);

		ck_assert(tree && field_load(&model_table, tree, found[i].name, &m, &diags) == 0 &&
			  model_check(&m, &diags) == 0);
		for (int k = 0; k < 40; k++) {
			const int64_t batch = 1 + below(r, 64);
			const int64_t tokens = k % 2 ? 1 : 1 + below(r, 700);

			agree_on(&m, batch, tokens, below(r, k % 3 ? 9000 : 200));
		}
	}
	rng_free(r);
	arena_release(&a);
}
END_TEST

/* Unlike sequences: what attention does is the sum over them, each by itself. */
START_TEST(unlike_sequences_add_up)
{
	struct rng *r = rng_new(8, "serve.unlike");

	fixture_text(&fixture,
		     FIXTURE_HEAD "model: " FIXTURE_WINDOWS("4") "\nmachines: {a: " FIXTURE_MACHINE
								 "}\n" FIXTURE_WORKLOAD,
		     NULL);
	for (int k = 0; k < 2000; k++) {
		const struct model *m = fixture.world->model;
		const struct part part = {ROLE_ATTENTION, k % 2, 0};
		struct shape_mix x = {.decodes = 1 + below(r, 9), .rows_each = 1};
		const struct shape all = {.mix = &x};
		double flop = 0, kv = 0, dense = 0;
		struct op ops[GRAPH_OPS];

		x.rows = x.logits = x.decodes;
		for (int64_t i = 0; i < x.decodes; i++) {
			const struct shape one = {.batch = 1, .tokens = 1, .past = below(r, 30)};

			x.context += one.past + 1;
			x.windowed += least(one.past + 1, 12);
			graph_attends(m, &fixture.world->scenario->precision, &one, part, PHASE_DECODE, ops);
			flop += ops[2].flop;
			dense += ops[2].dense_flop;
			kv += ops[2].kv_B;
		}
		graph_attends(m, &fixture.world->scenario->precision, &all, part, PHASE_DECODE, ops);
		MUST(ops[2].flop == flop && ops[2].dense_flop == dense && ops[2].kv_B == kv);
	}
	rng_free(r);
	fixture_release(&fixture);
}
END_TEST

/* ---- times ---- */

static struct serving paged(void)
{
	return (struct serving){.scheduler = SERVING_VLLM, .kv = SERVING_PAGED, .seqs = 64, .block = 16};
}

static struct batch_mix uniform_mix(const struct batch_time *t, int64_t n, int64_t past)
{
	struct batch_mix m = {.decodes = n, .rows_per_decode = 1, .context_max = past, .weight_reads = 1};

	for (size_t w = 0; w < t->windows_n; w++) {
		m.context_sum[w] = n * least(past, t->windows[w]);
		m.context_growth[w] = past < t->windows[w] ? n : 0;
	}
	return m;
}

/* The first of a generation's later steps, behind past tokens. */
static sim_ns program_step(const struct placement *at, int64_t batch, int64_t past)
{
	struct placement p = *at;
	struct arena a = ARENA_INIT;
	struct generate_programs g;
	struct fixture_run run;
	sim_ns ns;

	p.world =
		fixture_asking(&fixture, (struct generate){.prompt = past - 1, .tokens = 3, .batch = batch});
	g = generate_build(&p);
	ck_assert_ptr_nonnull(g.later[0]);
	run = fixture_run(&a, g.later[0]);
	ns = run.run.makespan_ns;
	generate_free(&g);
	arena_release(&a);
	return ns;
}

static const struct {
	const char *what, *model, *runtime;
} alone[] = {{"llama.cpp", "llama-3.1-8b", "llama.cpp"},  {"mlx", "qwen3-30b-a3b", "mlx"},
	     {"windows", "gemma-3-12b", "llama.cpp"},     {"torch", "mistral-7b", "mps"},
	     {"latent", "deepseek-v2-lite", "llama.cpp"}, {"sinks", "gpt-oss-20b", "mlx"}};

#define ALONE                                                                                                \
	"schema: lemursim/scenario/1\ntitle: one\nprecision: {weights: f16, kv: f16, compute: f16}\n"        \
	"machines: {a: apple-m4-max-40c-128gb}\nworkload: {generate: {prompt: 30 tok, tokens: 9 tok}}\n"     \
	"assignments: [{name: x, place: [{on: a}]}]\n"

static void load_alone(int i)
{
	struct arena a = ARENA_INIT;

	fixture_text(&fixture,
		     arena_printf(&a, ALONE "model: %s\nruntime: \"%s\"\n", alone[i].model, alone[i].runtime),
		     NULL);
	arena_release(&a);
}

/* At a knot to the nanosecond, between them but for what rounding each operator to one leaves. */
START_TEST(one_device_is_the_program)
{
	static const int64_t pasts[] = {2, 31, 511, 1023, 4095, 777, 5000};
	struct serving provenance = paged();
	struct err err = ERR_INIT;
	struct batch_time t;
	struct batch_cost *c;
	struct placement at;

	load_alone(_i);
	at = fixture_place(&fixture, 0);
	c = batch_cost_new(&at, &provenance, &err);
	ck_assert_msg(c != NULL, "%s", err.msg);
	t = batch_cost_time(c);
	for (int64_t n = 1; n <= 17; n += n < 4 ? 1 : 5) {
		for (size_t i = 0; i < ARRAY_LEN(pasts); i++) {
			const struct batch_mix m = uniform_mix(&t, n, pasts[i]);
			const struct batch_step s = t.of(t.self, &m);
			const sim_ns ns = program_step(&at, n, pasts[i]);
			const bool knot = i < 5 && (i > 2 || pasts[i] < 3);

			if (knot)
				ck_assert_msg(s.fs == ns * FS_PER_NS, "%s: %d at %d: %.0f fs, not %.0f ns",
					      alone[_i].what, (int)n, (int)pasts[i], (double)s.fs,
					      (double)ns);
			ck_assert_double_le(fabs((double)s.fs / FS_PER_NS / (double)ns - 1), 1e-3);
			ck_assert(s.steps >= 1);
		}
	}
	batch_cost_free(c);
	fixture_release(&fixture);
}
END_TEST

/* ---- jumps, draws, several devices ---- */

static struct batch_mix random_mix(struct rng *r, const struct batch_time *t)
{
	struct batch_mix m = {
		.decodes = 1 + below(r, 40), .rows_per_decode = 1 + below(r, 3), .weight_reads = 1};

	for (int64_t i = 0; i < m.decodes; i++) {
		const int64_t past = 1 + below(r, i % 2 ? 60 : 9000);

		m.context_max = past > m.context_max ? past : m.context_max;
		for (size_t w = 0; w < t->windows_n; w++) {
			m.context_sum[w] += least(past, t->windows[w]);
			m.context_growth[w] += past < t->windows[w];
		}
	}
	if (m.decodes > 3)
		m.weight_reads += below(r, 3);
	m.padded = below(r, 4) == 0;
	return m;
}

/* What is said of the steps to come is what is said when they come, to the femtosecond. */
START_TEST(jumps_are_steps)
{
	struct rng *r = rng_new(9, "serve.jumps");
	struct serving provenance = paged();
	struct err err = ERR_INIT;
	struct batch_cost *c;
	struct batch_time t;
	struct placement at;

	load_alone(_i);
	provenance.kv = _i % 2 ? SERVING_UNIFIED : SERVING_PAGED;
	at = fixture_place(&fixture, 0);
	c = batch_cost_new(&at, &provenance, &err);
	t = batch_cost_time(c);
	for (int k = 0; k < 300; k++) {
		struct batch_mix m = random_mix(r, &t);
		const struct batch_step s = t.of(t.self, &m);
		const int64_t j = below(r, least(s.steps, 5000));
		struct batch_step later;

		MUST(s.fs > 0 && s.steps >= 1);
		for (size_t w = 0; w < t.windows_n; w++)
			m.context_sum[w] += j * m.context_growth[w];
		m.context_max += j;
		later = t.of(t.self, &m);
		MUST(later.fs == s.fs + j * s.slope_fs && later.slope_fs == s.slope_fs);
		MUST(s.steps == INT64_MAX || later.steps == s.steps - j);
	}
	batch_cost_free(c);
	rng_free(r);
	fixture_release(&fixture);
}
END_TEST

/* Unlike contexts, drafts and windows: within a thousandth of the operators' own cost. */
START_TEST(tables_are_within_a_thousandth)
{
	struct rng *r = rng_new(10, "serve.tables");
	struct serving provenance = paged();
	struct err err = ERR_INIT;
	struct batch_cost *c;
	struct batch_pass *p;
	struct batch_time t;
	struct placement at;

	load_alone(_i);
	at = fixture_place(&fixture, 0);
	c = batch_cost_new(&at, &provenance, &err);
	p = batch_pass_new(&at, RECORDED_WHOLE, &err);
	t = batch_cost_time(c);
	for (int k = 0; k < 500; k++) {
		struct batch_mix m = random_mix(r, &t);
		struct shape_mix x;
		double ns;

		m.weight_reads = 1;
		m.padded = false;
		x = (struct shape_mix){.rows = m.decodes * m.rows_per_decode,
				       .logits = m.decodes * m.rows_per_decode,
				       .decodes = m.decodes,
				       .rows_each = m.rows_per_decode,
				       .context = m.context_sum[0] + m.context_growth[0]};
		x.windowed = m.context_sum[t.windows_n - 1] + m.context_growth[t.windows_n - 1];
		ns = (double)batch_pass_ns(p, &x);
		MUST(fabs((double)t.of(t.self, &m).fs / FS_PER_NS / ns - 1) < 1e-3);
	}
	batch_pass_free(p);
	batch_cost_free(c);
	rng_free(r);
	fixture_release(&fixture);
}
END_TEST

/* A prompt in pieces, and pieces beside decodes: a mixed pass is dearer than each alone, cheaper than both.
 */
START_TEST(mixed_passes)
{
	const struct prompt_piece piece = {.tokens = 500, .context = 700, .last = true};
	struct serving provenance = paged();
	struct err err = ERR_INIT;
	struct batch_cost *c;
	struct batch_mix decodes, prompt, both;
	struct batch_time t;
	struct placement at;
	double d, p, b;

	load_alone(_i);
	at = fixture_place(&fixture, 0);
	c = batch_cost_new(&at, &provenance, &err);
	t = batch_cost_time(c);
	decodes = uniform_mix(&t, 4, 900);
	both = decodes;
	both.pieces = &piece;
	both.pieces_n = 1;
	prompt = (struct batch_mix){.weight_reads = 1, .pieces = &piece, .pieces_n = 1};
	d = (double)t.of(t.self, &decodes).fs;
	p = (double)t.of(t.self, &prompt).fs;
	b = (double)t.of(t.self, &both).fs;
	ck_assert_double_gt(b, p);
	ck_assert_double_gt(b, d);
	ck_assert_double_lt(b, p + d);
	batch_cost_free(c);
	fixture_release(&fixture);
}
END_TEST

/* The prompt of a generation, its only pass, to the nanosecond. */
START_TEST(a_prompt_is_the_program)
{
	const struct prompt_piece pieces[] = {{300, 0, true}, {300, 0, true}};
	const struct batch_mix m = {.weight_reads = 1, .pieces = pieces, .pieces_n = 2};
	struct serving provenance = paged();
	struct err err = ERR_INIT;
	struct arena a = ARENA_INIT;
	struct generate_programs g;
	struct batch_cost *c;
	struct batch_time t;
	struct placement at, p;
	struct fixture_run run;

	load_alone(_i);
	at = p = fixture_place(&fixture, 0);
	if (shard_group_last_apart(fixture.world, &at.shard_groups[PHASE_PREFILL][0])) {
		fixture_release(&fixture);
		return;
	}
	p.world = fixture_asking(&fixture, (struct generate){.prompt = 300, .tokens = 1, .batch = 2});
	g = generate_build(&p);
	run = fixture_run(&a, g.first);
	c = batch_cost_new(&at, &provenance, &err);
	t = batch_cost_time(c);
	ck_assert_int_eq(t.of(t.self, &m).fs, run.run.makespan_ns * FS_PER_NS);
	batch_cost_free(c);
	generate_free(&g);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

static const char *const splits[] = {
	"[{on: [a, b], split: tensor}]",
	"[{on: [a, b], split: tensor}, {op: ffn, on: [a, b, c], split: tensor, shares: [50 %, 25 %, 25 %]}]",
	"[{on: a}, {on: b, layers: 1-2}, {op: head, on: b}]",
	"[{on: a}, {on: b, op: ffn}]",
};

static void load_split(int i, const char *model)
{
	struct arena a = ARENA_INIT;
	const char *set = arena_printf(&a, "assignments.0.place=%s", splits[i]);
	const char *const sets[] = {set, model, NULL};

	fixture_text(&fixture, FIXTURE_THREE, sets);
	arena_release(&a);
}

START_TEST(several_devices_are_the_program)
{
	static const int64_t pasts[] = {7, 31, 63, 100, 511};
	struct serving provenance = paged();
	struct err err = ERR_INIT;
	struct batch_cost *c;
	struct batch_time t;
	struct placement at;

	load_split(_i, NULL);
	at = fixture_place(&fixture, 0);
	c = batch_cost_new(&at, &provenance, &err);
	ck_assert_msg(c != NULL, "%s", err.msg);
	t = batch_cost_time(c);
	for (int64_t n = 1; n < 9; n++)
		for (size_t i = 0; i < ARRAY_LEN(pasts); i++) {
			const struct batch_mix m = uniform_mix(&t, n, pasts[i]);
			const double ns = (double)program_step(&at, n, pasts[i]);

			MUST(fabs((double)t.of(t.self, &m).fs / FS_PER_NS / ns - 1) < 1e-3);
		}
	batch_cost_free(c);
	fixture_release(&fixture);
}
END_TEST

/* A host that makes a batch token by token, says what each sees, fetches the logits and is slower than the device. */
#define HOST(machine)                                                                                        \
	"machines." machine ".devices.gpu.runtimes.fixture.overhead.token=4 us",                             \
		"machines." machine ".devices.gpu.runtimes.fixture.overhead.mask=50 ns",                     \
		"machines." machine ".devices.gpu.runtimes.fixture.overhead.logits=1 GB/s",                  \
		"machines." machine ".devices.gpu.runtimes.fixture.overhead.host=%s"

static const struct {
	const char *place, *host;
	bool back; /* a server's token goes back to the first device; the last one of a generation does not */
} hosts[] = {{"[{on: a}]", "0 us", false},
	     {"[{on: a}]", "3 us", false},
	     {"[{on: a}]", "900 us", false},
	     {"[{on: [a, b], split: tensor}]", "900 us", false},
	     {"[{on: a}, {on: b, layers: 1-2}, {op: head, on: b}]", "0 us", true}};

static void load_host(int i)
{
	static const char *const each[] = {HOST("a"), HOST("b")};
	struct arena a = ARENA_INIT;
	const char *sets[ARRAY_LEN(each) + 2] = {0};

	for (size_t k = 0; k < ARRAY_LEN(each); k++)
		sets[k] = strstr(each[k], "%s") ? arena_printf(&a, "%.*s%s", (int)strlen(each[k]) - 2,
							       each[k], hosts[i].host)
						: each[k];
	sets[ARRAY_LEN(each)] = arena_printf(&a, "assignments.0.place=%s", hosts[i].place);
	fixture_text(&fixture, FIXTURE_THREE, sets);
	arena_release(&a);
}

/* Decode steps at knots and prompts are those of a generation to the nanosecond; between knots but for what rounds. */
START_TEST(the_host_is_the_program)
{
	static const int64_t pasts[] = {1, 15, 63, 511, 1023, 700};
	struct serving provenance = paged();
	struct err err = ERR_INIT;
	struct arena a = ARENA_INIT;
	struct generate_programs g;
	struct fixture_run run;
	struct batch_cost *c;
	struct batch_time t;
	struct placement at, p;

	load_host(_i);
	at = p = fixture_place(&fixture, 0);
	c = batch_cost_new(&at, &provenance, &err);
	ck_assert_msg(c != NULL, "%s", err.msg);
	t = batch_cost_time(c);
	for (int64_t n = 1; n <= 4; n *= 2)
		for (size_t i = 0; i < ARRAY_LEN(pasts); i++) {
			const struct batch_mix m = uniform_mix(&t, n, pasts[i]);
			const int64_t fs = t.of(t.self, &m).fs, ns = program_step(&at, n, pasts[i]);

			ck_assert_msg(i == 5 || fs == ns * FS_PER_NS, "%d at %d: %.0f fs, not %.0f ns",
				      (int)n, (int)pasts[i], (double)fs, (double)ns);
			ck_assert_double_le(fabs((double)fs / FS_PER_NS / (double)ns - 1), 1e-3);
		}
	for (int64_t n = 1; n <= 2 && !hosts[_i].back; n++) {
		const struct prompt_piece pieces[] = {{300, 0, true}, {300, 0, true}};
		const struct batch_mix m = {.weight_reads = 1, .pieces = pieces, .pieces_n = (size_t)n};

		p.world = fixture_asking(&fixture, (struct generate){.prompt = 300, .tokens = 1, .batch = n});
		g = generate_build(&p);
		run = fixture_run(&a, g.first);
		ck_assert_int_eq(t.of(t.self, &m).fs, run.run.makespan_ns * FS_PER_NS);
		generate_free(&g);
	}
	batch_cost_free(c);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

/* Two passes of a unified cache with as many rows behind as many tokens are one pass, whichever is asked for first. */
START_TEST(unified_passes_are_alike)
{
	static const struct prompt_piece pieces[] = {{298, 0, true}, {298, 40, true}};
	struct serving provenance = paged();
	struct err err = ERR_INIT;
	struct placement at;
	int64_t fs[2][2];

	load_host(_i);
	provenance.kv = SERVING_UNIFIED;
	at = fixture_place(&fixture, 0);
	for (size_t first = 0; first < 2; first++) {
		struct batch_cost *c = batch_cost_new(&at, &provenance, &err);
		struct batch_time t;

		ck_assert_msg(c != NULL, "%s", err.msg);
		t = batch_cost_time(c);
		for (size_t k = 0; k < 2; k++) {
			const size_t which = (first + k) % 2;
			struct batch_mix m = uniform_mix(&t, 2, which ? 30 : 50);

			m.pieces = &pieces[which];
			m.pieces_n = 1;
			fs[first][which] = t.of(t.self, &m).fs;
		}
		batch_cost_free(c);
	}
	for (size_t which = 0; which < 2; which++)
		ck_assert_int_eq(fs[0][which], fs[1][which]);
	ck_assert_int_eq(fs[0][0], fs[0][1]);
	fixture_release(&fixture);
}
END_TEST

/* Under a draw the tables are those of the drawn program; forgotten, they are as before. */
START_TEST(draws)
{
	struct serving provenance = paged();
	struct err err = ERR_INIT;
	struct arena a = ARENA_INIT;
	struct batch_mix m;
	struct batch_cost *c;
	struct batch_time t;
	struct placement at, p;
	struct generate_programs g;
	struct class_times times;
	struct params *z;
	int64_t before;

	load_split(_i, NULL);
	at = p = fixture_place(&fixture, 0);
	z = arena_array(&a, program_sources(fixture.world), sizeof *z);
	for (size_t i = 0; i < program_sources(fixture.world); i++)
		for (int k = 0; k < PARAM_N; k++)
			z[i].of[k] = (double)(i + 1) * (k % 2 ? 0.3 : -0.2);
	c = batch_cost_new(&at, &provenance, &err);
	t = batch_cost_time(c);
	m = uniform_mix(&t, 4, 127);
	before = t.of(t.self, &m).fs;
	p.world = fixture_asking(&fixture, (struct generate){.prompt = 126, .tokens = 3, .batch = 4});
	g = generate_build(&p);
	times = program_times_new(&a, g.later[0]);
	program_times_drawn(g.later[0], z, &times);
	batch_cost_draw(c, z);
	ck_assert_double_le(fabs((double)t.of(t.self, &m).fs / FS_PER_NS /
					 (double)program_run(&a, g.later[0], &times, NULL).makespan_ns -
				 1),
			    1e-3);
	ck_assert_int_ne(t.of(t.self, &m).fs, before);
	batch_cost_draw(c, NULL);
	ck_assert_int_eq(t.of(t.self, &m).fs, before);
	batch_cost_free(c);
	generate_free(&g);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

/* A step that drafts three tokens and checks four rows: three passes of the small model, one of the large. */
START_TEST(drafts_are_the_program)
{
	static const char *const sets[] = {"workload.generate.speculative={model: " FIXTURE_MODEL(
						   "1") ", on: b, draft: 3 tok, acceptance: 0.5}",
					   "assignments.0.place=[{on: b}]", NULL};
	struct serving provenance = paged();
	struct err err = ERR_INIT;
	struct batch_cost *c;
	struct batch_mix m;
	struct batch_time t;
	struct placement at;
	struct generate_programs g;
	double s;

	g = fixture_generate(&fixture, FIXTURE_PAIR, sets, &at);
	c = batch_cost_new(&at, &provenance, &err);
	ck_assert_msg(c != NULL, "%s", err.msg);
	t = batch_cost_time(c);
	m = uniform_mix(&t, 1, 301);
	m.rows_per_decode = 4;
	s = fixture_step_s(&g, 0);
	ck_assert_double_le(fabs((double)t.of(t.self, &m).fs / 1e15 / s - 1), 2e-3);
	batch_cost_free(c);
	generate_free(&g);
	fixture_release(&fixture);
}
END_TEST

START_TEST(pools_are_not_a_replica)
{
	struct serving provenance = paged();
	struct err err = ERR_INIT;
	struct placement at;

	fixture_text(&fixture, FIXTURE_PAIR, NULL);
	at = fixture_place(&fixture, 0);
	ck_assert_ptr_null(batch_cost_new(&at, &provenance, &err));
	ck_assert_ptr_nonnull(strstr(err.hint, "pools"));
	fixture_release(&fixture);
}
END_TEST

/* A pass of so many rows as none had takes new_rows longer, and is a step by itself. */
START_TEST(new_rows_take_longer)
{
	const struct prompt_piece piece = {.tokens = 500, .last = true};
	struct batch_mix m = {.weight_reads = 1, .pieces = &piece, .pieces_n = 1};
	struct serving how = paged();
	struct err err = ERR_INIT;
	struct batch_cost *c;
	struct placement at;
	struct batch_time t;
	int64_t fs;

	load_split(0, NULL);
	at = fixture_place(&fixture, 0);
	c = batch_cost_new(&at, &how, &err);
	ck_assert(!batch_cost_time(c).meets_rows);
	batch_cost_free(c);
	how.new_rows = (struct qty){.value = 0.28, .given = true};
	c = batch_cost_new(&at, &how, &err);
	t = batch_cost_time(c);
	ck_assert(t.meets_rows);
	fs = t.of(t.self, &m).fs;
	m.new_rows = true;
	ck_assert_int_eq(t.of(t.self, &m).fs, fs + (int64_t)280000000 * FS_PER_NS);
	m = uniform_mix(&t, 3, 400);
	ck_assert_int_gt(t.of(t.self, &m).steps, 1);
	m.new_rows = true;
	ck_assert_int_eq(t.of(t.self, &m).steps, 1);
	batch_cost_free(c);
	fixture_release(&fixture);
}
END_TEST

/* What the host takes is as unsure as the server's file says: in a draw it goes with its device's overheads. */
START_TEST(the_host_is_drawn)
{
	struct serving how = paged();
	struct err err = ERR_INIT;
	struct arena a = ARENA_INIT;
	struct params *z;
	struct batch_cost *c;
	struct placement at;
	struct batch_time t;
	struct batch_mix m;
	int64_t fs;

	load_split(_i, NULL);
	at = fixture_place(&fixture, 0);
	z = arena_array(&a, program_sources(fixture.world), sizeof *z);
	for (size_t i = 0; i < program_sources(fixture.world); i++)
		z[i].of[PARAM_OVERHEAD] = 2;
	how.new_rows = (struct qty){.value = 0.28, .spread = 0.25, .given = true};
	how.host_per_seq = (struct qty){.value = 1e-3, .spread = 0.1, .given = true};
	c = batch_cost_new(&at, &how, &err);
	t = batch_cost_time(c);
	for (int drawn = 0; drawn < 3; drawn++) {
		batch_cost_draw(c, drawn == 1 ? z : NULL);
		m = uniform_mix(&t, 3, 400);
		fs = t.of(t.self, &m).fs;
		m.new_rows = true;
		ck_assert_int_eq(t.of(t.self, &m).fs - fs,
				 (int64_t)(drawn == 1 ? 420 : 280) * 1000000 * FS_PER_NS);
		m.new_rows = false;
		m.host_sequences = 3;
		ck_assert_int_eq(t.of(t.self, &m).fs - fs,
				 (int64_t)(drawn == 1 ? 3600 : 3000) * 1000 * FS_PER_NS);
	}
	batch_cost_free(c);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

START_TEST(graphs_pad)
{
	struct serving provenance = paged();
	struct err err = ERR_INIT;
	double sizes[] = {1, 2, 4, 8, 16};
	struct batch_cost *c;
	struct placement at;

	load_split(0, NULL);
	at = fixture_place(&fixture, 0);
	provenance.graphs = (struct field_list){sizes, ARRAY_LEN(sizes)};
	c = batch_cost_new(&at, &provenance, &err);
	ck_assert_int_eq(batch_cost_pad(c, 5), 3);
	ck_assert_int_eq(batch_cost_pad(c, 8), 0);
	ck_assert_int_eq(batch_cost_pad(c, 17), 0);
	batch_cost_free(c);
	fixture_release(&fixture);
}
END_TEST

/* Passes of one piece are kept: asked again, among others that take their place, they are what they were when nothing was
 * kept. */
START_TEST(a_piece_comes_again)
{
	struct rng *r = rng_new(3, "pieces");
	const struct serving *how;
	struct batch_cost *kept, *fresh;
	struct batch_time t, u;
	struct err err = ERR_INIT;
	struct placement at;

	fixture_text(&fixture, VLLM_4090, NULL);
	how = serving_load(&fixture.loader, "serve-vllm", (struct place){0}, NULL);
	at = fixture_place(&fixture, 0);
	kept = batch_cost_new(&at, how, &err);
	fresh = batch_cost_new(&at, how, &err);
	ck_assert(kept && fresh);
	t = batch_cost_time(kept);
	u = batch_cost_time(fresh);
	for (int i = 0; i < 1500; i++) {
		const struct prompt_piece piece = {1 + 97 * below(r, 12), 64 * below(r, 40), below(r, 2)};
		const struct batch_mix m = {
			.weight_reads = 1, .pad_rows = 8 * below(r, 2), .pieces = &piece, .pieces_n = 1};

		batch_cost_draw(fresh, NULL);
		MUST(t.of(t.self, &m).fs == u.of(u.self, &m).fs);
	}
	batch_cost_free(kept);
	batch_cost_free(fresh);
	fixture_release(&fixture);
	rng_free(r);
}
END_TEST

#define LLAMA_H200                                                                                           \
	"schema: lemursim/scenario/1\ntitle: one\nprecision: {weights: f16, kv: f16, compute: f16}\n"        \
	"machines: {a: nvidia-h200-sxm-141gb}\nworkload: {generate: {prompt: 30 tok, tokens: 9 tok}}\n"      \
	"assignments: [{name: x, place: [{on: a}]}]\nmodel: mistral-7b-v0.3\nruntime: cuda\n"

/* Milliseconds of an iteration of llama-server b10573 on an H200, Mistral 7B f16, contexts of some 1200
 * tokens, by the slots that are busy and the runs of adjacent ones among them. The profile is fitted to the
 * card's benches, which know of neither slots nor runs. */
static const struct {
	int64_t slots, runs;
	double ms;
} busy_slots[] = {{1, 1, 4.88},  {2, 1, 6.19},  {2, 2, 11.02}, {4, 1, 6.71},
		  {4, 2, 13.56}, {4, 3, 17.56}, {8, 1, 8.25}};

START_TEST(slots_of_an_h200)
{
	const struct serving *given;
	struct err err = ERR_INIT;
	struct serving provenance;
	struct batch_cost *c;
	struct batch_time t;
	struct placement at;
	double off = 0;

	fixture_text(&fixture, LLAMA_H200, NULL);
	given = serving_load(&fixture.loader, "serve-llama.cpp", (struct place){0}, NULL);
	ck_assert_ptr_nonnull(given);
	provenance = *given;
	provenance.kv = SERVING_SPLIT;
	at = fixture_place(&fixture, 0);
	c = batch_cost_new(&at, &provenance, &err);
	t = batch_cost_time(c);
	for (size_t i = 0; i < ARRAY_LEN(busy_slots); i++) {
		double ms = 0;

		for (int64_t run = 0; run < busy_slots[i].runs; run++) {
			const int64_t n = busy_slots[i].slots * (run + 1) / busy_slots[i].runs -
					  busy_slots[i].slots * run / busy_slots[i].runs;
			struct batch_mix m = uniform_mix(&t, n, 1200);

			m.reshaped = busy_slots[i].runs > 1;
			m.host_sequences = run ? 0 : busy_slots[i].slots;
			ms += (double)t.of(t.self, &m).fs / 1e12;
		}
		ck_assert_double_le(fabs(ms / busy_slots[i].ms - 1), 0.12);
		off += fabs(ms / busy_slots[i].ms - 1);
	}
	ck_assert_double_le(off / ARRAY_LEN(busy_slots), 0.05);
	batch_cost_free(c);
	fixture_release(&fixture);
}
END_TEST

Suite *suite_serve_cost(void)
{
	Suite *s = suite_create("serve_cost");
	TCase *shapes = tcase_create("shapes"), *times = tcase_create("times"),
	      *set = tcase_create("servers");

	tcase_add_test(shapes, both_forms_agree);
	tcase_add_test(shapes, unlike_sequences_add_up);
	tcase_add_loop_test(times, one_device_is_the_program, 0, ARRAY_LEN(alone));
	tcase_add_loop_test(times, jumps_are_steps, 0, ARRAY_LEN(alone));
	tcase_add_loop_test(times, tables_are_within_a_thousandth, 0, ARRAY_LEN(alone));
	tcase_add_loop_test(times, mixed_passes, 0, ARRAY_LEN(alone));
	tcase_add_loop_test(times, a_prompt_is_the_program, 0, ARRAY_LEN(alone));
	tcase_add_loop_test(times, several_devices_are_the_program, 0, ARRAY_LEN(splits));
	tcase_add_loop_test(times, the_host_is_the_program, 0, ARRAY_LEN(hosts));
	tcase_add_loop_test(times, unified_passes_are_alike, 0, 3);
	tcase_add_loop_test(times, draws, 0, ARRAY_LEN(splits));
	tcase_add_test(times, drafts_are_the_program);
	tcase_add_test(times, pools_are_not_a_replica);
	tcase_add_test(set, graphs_pad);
	tcase_add_test(set, new_rows_take_longer);
	tcase_add_loop_test(set, the_host_is_drawn, 0, 2);
	tcase_add_test(set, a_piece_comes_again);
	tcase_add_test(set, slots_of_an_h200);
	suite_add_tcase(s, shapes);
	suite_add_tcase(s, times);
	suite_add_tcase(s, set);
	return s;
}
