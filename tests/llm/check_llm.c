/* check_llm.c - models and their operators: counts, FLOP and bytes against closed forms and brute force. */
#include <math.h>

#include "sim/llm/memory.h"
#include "sim/llm/routing.h"
#include "tests/suites.h"
#include "tests/fixtures.h"

#define MISTRAL "scenarios/m5-vs-m4pro.yaml"

static struct fixture fixture;

#define HAS(role)                                                                                            \
	(role == ROLE_EMBEDDING || role == ROLE_HEAD || model_has(fixture.world->model, (enum role)(role)))
#define PART(role) fixture_part(fixture.world->model, role)

static void mistral(const char *const *sets)
{
	fixture_load(&fixture, MISTRAL, sets);
}

static void done(void)
{
	fixture_release(&fixture);
}

static double sum_flop(const struct op *ops, size_t n, enum op_kind kind)
{
	double flop = 0;

	for (size_t i = 0; i < n; i++)
		flop += ops[i].kind == kind ? ops[i].flop : 0;
	return flop;
}

/* FLOP of one kind over the whole model. */
static double model_flop(const struct shape *s, enum phase phase, enum op_kind kind)
{
	const struct world *w = fixture.world;
	struct part_count parts[MODEL_PARTS];
	const size_t parts_n = model_parts(w->model, parts);
	double flop = 0;

	for (size_t i = 0; i < parts_n; i++) {
		struct op ops[GRAPH_OPS];
		const size_t n = graph_block(w->model, &w->scenario->precision, s, parts[i].part, phase, ops);

		flop += sum_flop(ops, n, kind) * parts[i].blocks;
	}
	return flop;
}

/* The host's part of a step hangs on its tokens, on the pairs of a token and one that it may see, and on its logits. */
START_TEST(a_step_counts_what_the_host_does)
{
	static const struct shape_piece pieces[] = {{100, 300}, {12, 0}};
	static const struct shape_mix mix = {.rows = 115,
					     .logits = 4,
					     .decodes = 3,
					     .rows_each = 1,
					     .context = 3000,
					     .pieces = pieces,
					     .pieces_n = 2};
	static const struct {
		struct shape shape;
		double m, cells, logits;
	} steps[] = {
		{{.batch = 2, .tokens = 512, .past = 1024}, 1024, 1024.0 * 1536, 2},
		{{.batch = 3, .tokens = 1, .past = 99}, 3, 300, 3},
		{{.batch = 1, .tokens = 7, .all_logits = true}, 7, 49, 7},
		{{.mix = &mix}, 115, 3000 + 100 * 400 + 12 * 12, 4},
	};

	mistral(NULL);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		const struct op op = graph_step(fixture.world->model, &steps[i].shape, PHASE_DECODE);

		ck_assert_int_eq(op.kind, OP_STEP);
		ck_assert_double_eq((double)op.m, steps[i].m);
		ck_assert_double_eq(op.cells, steps[i].cells);
		ck_assert_double_eq(op.tensor_B, 4 * 32000 * steps[i].logits);
	}
	done();
}
END_TEST

/* Products of one input know how many columns they have together, others none; and decodes the longest piece beside them. */
START_TEST(products_of_one_input_are_told)
{
	static const struct shape_piece pieces[] = {{100, 300}, {120, 0}};
	static const struct shape_mix mix = {.rows = 223,
					     .logits = 5,
					     .decodes = 3,
					     .rows_each = 1,
					     .context = 3000,
					     .pieces = pieces,
					     .pieces_n = 2};
	static const struct shape shape = {.mix = &mix};
	static const struct {
		const char *name;
		int64_t joint;
	} products[] = {{"q", 4096 + 2 * 1024},
			{"k", 4096 + 2 * 1024},
			{"v", 4096 + 2 * 1024},
			{"o", 0},
			{"gate", 2 * 14336},
			{"up", 2 * 14336},
			{"down", 0}};
	struct part_count parts[MODEL_PARTS];
	size_t parts_n, met = 0;
	bool decodes = true;

	mistral(NULL);
	parts_n = model_parts(fixture.world->model, parts);
	for (size_t i = 0; i < parts_n; i++) {
		struct op ops[GRAPH_OPS];
		const size_t n = graph_block(fixture.world->model, &fixture.world->scenario->precision,
					     &shape, parts[i].part, PHASE_PREFILL, ops);

		for (size_t k = 0; k < n; k++) {
			for (size_t j = 0; j < ARRAY_LEN(products); j++)
				if (!strcmp(ops[k].name, products[j].name)) {
					ck_assert_int_eq(ops[k].joint, products[j].joint);
					met++;
				}
			if (ops[k].kind == OP_SCORES) {
				ck_assert_int_eq(ops[k].beside, decodes ? 120 : 0);
				decodes = false;
			}
		}
	}
	ck_assert(met == ARRAY_LEN(products) && !decodes);
	done();
}
END_TEST

START_TEST(mistral_has_its_parameters)
{
	mistral(NULL);
	ck_assert_double_eq(model_weights(fixture.world->model), 7241732096.0);
	done();
}
END_TEST

/* Weights in products: 32 layers of 2 * 4096^2 + 2 * 4096 * 1024 + 3 * 4096 * 14336. */
#define IN_LAYERS 6979321856.0
#define IN_HEAD   (4096.0 * 32000)

static const struct {
	struct shape shape;
	enum phase phase;
	double head_rows;
} forwards[] = {
	{{.batch = 1, .tokens = 871}, PHASE_PREFILL, 1},
	{{.batch = 3, .tokens = 17}, PHASE_PREFILL, 3},
	{{.batch = 3, .tokens = 17, .all_logits = true}, PHASE_PREFILL, 51},
	{{.batch = 2, .tokens = 512, .past = 1024}, PHASE_PREFILL, 2},
	{{.batch = 1, .tokens = 1, .past = 0}, PHASE_DECODE, 1},
	{{.batch = 1, .tokens = 1, .past = 871}, PHASE_DECODE, 1},
	{{.batch = 64, .tokens = 1, .past = 4000}, PHASE_DECODE, 64},
	{{.batch = 4, .tokens = 512, .all_logits = true, .train_weights = true}, PHASE_FORWARD, 2048},
};

START_TEST(flop_of_a_forward_pass)
{
	const struct shape *s = &forwards[_i].shape;
	const double q = (double)s->tokens, past = (double)s->past, rows = (double)(s->batch * s->tokens);

	mistral(NULL);
	ck_assert_double_eq(model_flop(s, forwards[_i].phase, OP_LINEAR),
			    2 * rows * IN_LAYERS + 2 * forwards[_i].head_rows * IN_HEAD);
	ck_assert_double_eq(model_flop(s, forwards[_i].phase, OP_SCORES),
			    32 * 4.0 * 32 * 128 * (double)s->batch * (q * past + q * (q + 1) / 2));
	done();
}
END_TEST

/* Which tokens a query sees, counted one by one: the window includes the query itself. */
static void count_seen(int64_t q, int64_t past, int64_t window, bool causal, double *pairs, double *keys)
{
	bool read[64] = {false};

	*pairs = *keys = 0;
	for (int64_t i = 0; i < q; i++) {
		const int64_t at = past + i;

		for (int64_t k = 0; k < past + q; k++) {
			if ((causal && k > at) || (causal && window && k <= at - window))
				continue;
			++*pairs;
			read[k] = true;
		}
	}
	for (int64_t k = 0; k < past + q; k++)
		*keys += read[k];
}

enum { SMALL = 9 };
START_TEST(attention_by_brute_force)
{
	static const char *const unmasked[] = {"model.attention.causal=false", NULL};
	const int64_t window = _i <= SMALL + 1 ? _i : 0;
	const bool causal = _i <= SMALL + 1;

	mistral(causal ? NULL : unmasked);
	for (int64_t q = 1; q <= SMALL; q++) {
		for (int64_t past = 0; past <= SMALL; past++) {
			struct model m = *fixture.world->model;
			const struct shape s = {.batch = 2, .tokens = q, .past = past};
			struct op ops[GRAPH_OPS];
			double pairs, keys;
			size_t n;

			m.attention.window = window;
			count_seen(q, past, window, causal, &pairs, &keys);
			n = graph_block(&m, &fixture.world->scenario->precision, &s,
					(struct part){ROLE_ATTENTION, window > 0, 0}, PHASE_PREFILL, ops);
			for (size_t i = 0; i < n; i++) {
				if (ops[i].kind != OP_SCORES)
					continue;
				ck_assert_double_eq(ops[i].flop, 4.0 * 32 * 128 * 2 * pairs);
				ck_assert_int_eq(ops[i].context, (int64_t)keys);
				ck_assert_double_eq(ops[i].dense_flop, 4.0 * 32 * 128 * 2 * (double)q * keys);
				ck_assert_double_eq(ops[i].kv_B, 2 * keys * 4096);
				ck_assert_double_ge(ops[i].dense_flop, ops[i].flop);
			}
		}
	}
	done();
}
END_TEST

START_TEST(backward_is_twice_forward)
{
	const struct shape s = {.batch = 2, .tokens = 100, .all_logits = true, .train_weights = true};

	mistral(NULL);
	ck_assert_double_eq(model_flop(&s, PHASE_BACKWARD, OP_LINEAR),
			    2 * model_flop(&s, PHASE_FORWARD, OP_LINEAR));
	ck_assert_double_eq(model_flop(&s, PHASE_BACKWARD, OP_SCORES),
			    2 * model_flop(&s, PHASE_FORWARD, OP_SCORES));
	done();
}
END_TEST

/* LoRA: gradients of inputs everywhere, of weights only in the adapters of q (4096 x r x 4096) and v. */
START_TEST(backward_of_lora)
{
	const struct shape base = {.batch = 2, .tokens = 100, .all_logits = true};
	struct shape s = base;
	const double rank = (double)(1 << _i), rows = 200;
	const double adapters = 32 * rank * (4096 + 4096 + 4096 + 1024);

	mistral(NULL);
	s.lora_rank = 1 << _i;
	s.adapters = 1 << ADAPTER_Q | 1 << ADAPTER_V;
	ck_assert_double_eq(model_flop(&s, PHASE_FORWARD, OP_LINEAR),
			    model_flop(&base, PHASE_FORWARD, OP_LINEAR) + 2 * rows * adapters);
	ck_assert_double_eq(model_flop(&s, PHASE_BACKWARD, OP_LINEAR),
			    model_flop(&base, PHASE_FORWARD, OP_LINEAR) + 4 * rows * adapters);
	ck_assert_double_eq(32 * graph_trainable(fixture.world->model, &s, PART(ROLE_ATTENTION)), adapters);
	ck_assert_double_eq(graph_trainable(fixture.world->model, &s, PART(ROLE_FFN)), 0);
	ck_assert_double_eq(graph_trainable(fixture.world->model, &s, PART(ROLE_HEAD)), 0);
	ck_assert_double_eq(graph_trainable(fixture.world->model, &s, PART(ROLE_EMBEDDING)), 0);
	done();
}
END_TEST

/* Every product reads its two inputs once and writes its output once, gradients included. */
START_TEST(bytes_of_products)
{
	static const enum phase phases[] = {PHASE_PREFILL, PHASE_FORWARD, PHASE_BACKWARD};
	const struct shape s = {.batch = 1, .tokens = 64, .all_logits = true, .train_weights = true};
	size_t seen = 0;

	mistral(NULL);
	for (int role = 0; role < ROLE_N; role++) {
		if (!HAS(role))
			continue;
		struct op ops[GRAPH_OPS];
		const size_t n = graph_block(fixture.world->model, &fixture.world->scenario->precision, &s,
					     PART((enum role)role), phases[_i], ops);

		for (size_t i = 0; i < n; i++) {
			const double m = (double)ops[i].m, w = (double)ops[i].n, k = (double)ops[i].k;

			if (ops[i].kind != OP_LINEAR)
				continue;
			seen++;
			ck_assert_double_eq(ops[i].weight_B + ops[i].tensor_B, 2 * (m * w + m * k + k * w));
			ck_assert_double_eq(ops[i].flop, 2 * m * w * k);
		}
	}
	ck_assert_uint_eq(seen, phases[_i] == PHASE_BACKWARD ? 16 : 8);
	done();
}
END_TEST

static const struct {
	enum format_id format;
	double bits; /* of a weight, scales included */
} widths[] = {
	{FORMAT_F32, 32},
	{FORMAT_F16, 16},
	{FORMAT_BF16, 16},
	{FORMAT_Q8_0, 8.5},
	{FORMAT_Q6_K, 6.5625},
	{FORMAT_Q5_K, 5.5},
	{FORMAT_Q4_K, 4.5},
	{FORMAT_Q4_0, 4.5},
	{FORMAT_MXFP4, 4.25},
	{FORMAT_Q2_K, 2.625},
	{FORMAT_Q3_K, 3.4375},
	{FORMAT_Q4_1, 5},
	{FORMAT_Q5_0, 5.5},
	{FORMAT_Q5_1, 6},
	{FORMAT_IQ4_NL, 4.5},
	{FORMAT_IQ4_XS, 4.25},
	{FORMAT_NVFP4, 4.5},
	{FORMAT_FP8, 8 + 32.0 / 16384},
	{FORMAT_IQ1_S, 1.5625},
	{FORMAT_IQ1_M, 1.75},
	{FORMAT_IQ2_XXS, 2.0625},
	{FORMAT_IQ2_XS, 2.3125},
	{FORMAT_IQ2_S, 2.5625},
	{FORMAT_IQ3_XXS, 3.0625},
	{FORMAT_IQ3_S, 3.4375},
	{FORMAT_TQ1_0, 1.6875},
	{FORMAT_TQ2_0, 2.0625},
	{FORMAT_Q1_0, 1.125},
	{FORMAT_Q2_0, 2.25},
	{FORMAT_MXFP8, 8.25},
	{FORMAT_INT4_G32, 4.5},
	/* 4 bits; a scale of 16 and a zero of 4 for 128 */
	{FORMAT_AWQ, 4 + 20.0 / 128},
	{FORMAT_GPTQ, 4 + 20.0 / 128},
	{FORMAT_FP8_ROW, 8},
	{FORMAT_I2_S, 2},
	/* affine: bits and 32 / group */
	{FORMAT_MLX_Q2, 2.5},
	{FORMAT_MLX_Q2_G32, 3},
	{FORMAT_MLX_Q2_G128, 2.25},
	{FORMAT_MLX_Q3, 3.5},
	{FORMAT_MLX_Q3_G32, 4},
	{FORMAT_MLX_Q3_G128, 3.25},
	{FORMAT_MLX_Q4, 4.5},
	{FORMAT_MLX_Q4_G32, 5},
	{FORMAT_MLX_Q4_G128, 4.25},
	{FORMAT_MLX_Q5, 5.5},
	{FORMAT_MLX_Q5_G32, 6},
	{FORMAT_MLX_Q5_G128, 5.25},
	{FORMAT_MLX_Q6, 6.5},
	{FORMAT_MLX_Q6_G32, 7},
	{FORMAT_MLX_Q6_G128, 6.25},
	{FORMAT_MLX_Q8, 8.5},
	{FORMAT_MLX_Q8_G32, 9},
	{FORMAT_MLX_Q8_G128, 8.25},
};
_Static_assert(ARRAY_LEN(widths) == FORMAT_N, "a row for each format");

START_TEST(bytes_of_formats)
{
	const enum format_id f = widths[_i].format;
	struct precision p;
	const struct shape s = {.batch = 1, .tokens = 1};
	double bytes = 0;

	mistral(NULL);
	p = fixture.world->scenario->precision;
	for (int t = 0; t < TENSOR_N; t++) /* no mix: all in that format */
		p.tensors.at[t] = (int)f + 1;
	ck_assert_double_eq(format_bytes(f, 4096), 4096 * widths[_i].bits / 8);
	ck_assert_str_eq(formats[f].name, format_names[f]);
	for (int role = 0; role < ROLE_N; role++) {
		if (!HAS(role))
			continue;
		struct op ops[GRAPH_OPS];
		const size_t n =
			graph_block(fixture.world->model, &p, &s, PART((enum role)role), PHASE_DECODE, ops);

		for (size_t i = 0; i < n; i++)
			bytes += ops[i].weight_B * (role == ROLE_HEAD ? 1 : 32);
	}
	ck_assert_double_eq(bytes, (IN_LAYERS + IN_HEAD) * widths[_i].bits / 8);
	done();
}
END_TEST

START_TEST(bytes_of_the_cache)
{
	mistral(NULL);
	ck_assert_double_eq(
		32 * format_bytes(FORMAT_F16, part_kv_numbers(fixture.world->model,
							      (struct part){ROLE_ATTENTION, false, 0})),
		131072);
	done();
}
END_TEST

static const struct copies written = {.logits = 2, .scores = 1};

/* Input, normed input, q, k, v, probabilities of 32 heads, what goes into o; and those of the FFN. */
START_TEST(bytes_that_forward_keeps)
{
	const struct shape s = {.batch = 2, .tokens = 100, .all_logits = true, .train_weights = true};
	const struct precision *p;

	mistral(NULL);
	p = &fixture.world->scenario->precision;
	ck_assert_double_eq(graph_saved_B(fixture.world->model, p, &s, PART(ROLE_EMBEDDING), &written), 0);
	ck_assert_double_eq(graph_saved_B(fixture.world->model, p, &s, PART(ROLE_ATTENTION), &written),
			    2 * 200.0 * (2 * 4096 + 4096 + 2 * 1024 + 32 * 100 + 4096));
	ck_assert_double_eq(graph_saved_B(fixture.world->model, p, &s, PART(ROLE_FFN), &written),
			    2 * 200.0 * (2 * 4096 + 4 * 14336));
	done();
}
END_TEST

/* Each copy of the logits and of the scores in its own dtype. */
START_TEST(copies_that_training_keeps)
{
	static const struct copies f32 = {.logits = 1, .logits_f32 = 3, .scores_f32 = 1},
				   none = {.logits = 0};
	const struct shape s = {.batch = 2, .tokens = 100, .all_logits = true, .train_weights = true};
	const struct model *m;
	const struct precision *p;

	mistral(NULL);
	m = fixture.world->model;
	p = &fixture.world->scenario->precision;
	ck_assert_double_eq(graph_saved_B(m, p, &s, PART(ROLE_HEAD), &f32) -
				    graph_saved_B(m, p, &s, PART(ROLE_HEAD), &none),
			    200.0 * 32000 * (2 + 3 * 4));
	ck_assert_double_eq(graph_saved_B(m, p, &s, PART(ROLE_ATTENTION), &f32) -
				    graph_saved_B(m, p, &s, PART(ROLE_ATTENTION), &none),
			    200.0 * 32 * 100 * 4);
	ck_assert_double_eq(graph_copies_B(m, p, &s, PART(ROLE_ATTENTION), 2, 1), 200.0 * 32 * 100 * 8);
	ck_assert_double_eq(graph_copies_B(m, p, &s, PART(ROLE_FFN), 2, 1), 0);
	done();
}
END_TEST

/* q and v read one tensor, o and down one each. */
START_TEST(inputs_that_adapters_keep_in_f32)
{
	static const struct copies f32 = {.adapter_inputs_f32 = 1}, none = {.logits = 0};
	const struct shape s = {.batch = 2,
				.tokens = 100,
				.all_logits = true,
				.lora_rank = 8,
				.adapters = 1u << ADAPTER_Q | 1u << ADAPTER_V | 1u << ADAPTER_O |
					    1u << ADAPTER_DOWN};
	static const struct {
		enum role role;
		double numbers;
	} parts[] = {{ROLE_ATTENTION, 2 * 4096}, {ROLE_FFN, 14336}, {ROLE_HEAD, 0}, {ROLE_EMBEDDING, 0}};
	const struct model *m;
	const struct precision *p;

	mistral(NULL);
	m = fixture.world->model;
	p = &fixture.world->scenario->precision;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		ck_assert_double_eq(graph_saved_B(m, p, &s, PART(parts[i].role), &f32) -
					    graph_saved_B(m, p, &s, PART(parts[i].role), &none),
				    200.0 * 4 * parts[i].numbers);
	done();
}
END_TEST

static const char *const variants[][4] = {
	{NULL},
	{"model.attention.window=16 tok", NULL},
	{"model.attention.kv_heads=32", "model.parameters=0", NULL},
	{"model.attention.kv_heads=1", "model.parameters=0", NULL},
	{"model.ffn.kind=gelu", "model.parameters=0", NULL},
	{"model.tied_head=true", "model.parameters=0", NULL},
	{"model.ends=false", "model.parameters=0", NULL},
	{"model.norms=false", "model.attention.rope=false", NULL},
};

static void check_op(const struct op *op, enum role role, enum phase phase)
{
	ck_assert_int_ge(op->kind, 0);
	ck_assert_int_lt(op->kind, OP_KIND_N);
	ck_assert_ptr_nonnull(op->name);
	ck_assert_int_eq(op->role, role);
	ck_assert_int_eq(op->phase, phase);
	ck_assert(isfinite(op->flop) && op->flop >= 0);
	ck_assert_double_gt(op->weight_B + op->tensor_B + op->kv_B, 0);
	ck_assert_double_ge(op->times, 1);
	ck_assert_int_eq(op->kind == OP_LINEAR, op->m > 0 && op->n > 0 && op->k > 0);
}

/* Every block of every phase, the largest first: LoRA and full at once. Backward lists the same work in
 * reverse. */
START_TEST(blocks_are_well_formed)
{
	const struct shape s = {.batch = 2,
				.tokens = 33,
				.all_logits = true,
				.train_weights = true,
				.lora_rank = 8,
				.adapters = 127};

	mistral(variants[_i]);
	for (int role = 0; role < ROLE_N; role++) {
		if (!HAS(role))
			continue;
		for (int phase = 0; phase < PHASE_UPDATE; phase++) {
			struct op ops[GRAPH_OPS];
			const size_t n =
				graph_block(fixture.world->model, &fixture.world->scenario->precision, &s,
					    PART((enum role)role), (enum phase)phase, ops);
			const bool end = role == ROLE_EMBEDDING || role == ROLE_HEAD;
			const bool none = (end && !fixture.world->model->ends) ||
					  (role == ROLE_EMBEDDING && phase == PHASE_BACKWARD);

			ck_assert_uint_le(n, GRAPH_OPS);
			ck_assert_int_eq(n == 0, none);
			for (size_t i = 0; i < n; i++)
				check_op(&ops[i], (enum role)role, (enum phase)phase);
		}
	}
	done();
}
END_TEST

/* Blocks add up to the model, whatever it is; a tied head has no table of its own. */
START_TEST(blocks_add_up)
{
	const struct shape s = {.batch = 1, .tokens = 1, .train_weights = true};
	const struct model *m;
	double sum = 0;

	mistral(variants[_i]);
	m = fixture.world->model;
	for (size_t i = 0; i < model_blocks(m); i++) {
		const struct part part = model_block(m, i).part;

		sum += part_weights(m, part);
		ck_assert_double_eq(part_weights(m, part), graph_trainable(m, &s, part));
	}
	ck_assert_double_eq(sum, model_weights(m));
	if (m->tied_head)
		ck_assert_double_eq(sum, 7241732096.0 - IN_HEAD);
	done();
}
END_TEST

/* Parameters as published: Mixtral (safetensors index), Qwen3 and DeepSeek-V3 (model cards' totals, the
 * multi-token module left out), gpt-oss-20b (model card, table 1: 20.91 B). */
#define HEAD_OF(text) "{schema: lemursim/model/1, title: t, source: s, " text "}"
static const struct {
	const char *yaml;
	double parameters;
} mixtures[] = {
	{HEAD_OF("layers: 32, hidden: 4096, vocabulary: 32000, attention: {heads: 32, kv_heads: 8, head_dim: "
		 "128}, "
		 "experts: {count: 8, active: 2, inner: 14336}"),
	 46702792704.0},
	{HEAD_OF("layers: 48, hidden: 2048, vocabulary: 151936, attention: {heads: 32, kv_heads: 4, "
		 "head_dim: 128, "
		 "qk_norm: true}, experts: {count: 128, active: 8, inner: 768}"),
	 30532122624.0},
	{HEAD_OF("layers: 61, hidden: 7168, vocabulary: 129280, attention: {heads: 128, kv_heads: 128, "
		 "head_dim: 192, "
		 "latent: {q_rank: 1536, kv_rank: 512, nope_dim: 128, rope_dim: 64, value_dim: 128}}, "
		 "ffn: {inner: 18432}, experts: {count: 256, active: 8, inner: 2048, shared: 1, first_dense: "
		 "3}"),
	 671026404352.0},
	{HEAD_OF("layers: 24, hidden: 2880, vocabulary: 201088, attention: {heads: 64, kv_heads: 8, "
		 "head_dim: 64, "
		 "window: 128 tok, full_every: 2, bias: qkvo, sinks: true}, "
		 "experts: {count: 32, active: 4, inner: 2880, bias: true}"),
	 20914757184.0},
};

static void mixture(size_t i)
{
	struct arena a = ARENA_INIT;
	const char *const sets[] = {arena_printf(&a, "model=%s", mixtures[i].yaml), NULL};

	mistral(sets);
	arena_release(&a);
}

START_TEST(mixtures_have_their_parameters)
{
	const struct model *m;
	double sum = 0;

	mixture((size_t)_i);
	m = fixture.world->model;
	ck_assert_double_eq(model_weights(m), mixtures[_i].parameters);
	for (size_t i = 0; i < model_blocks(m); i++) {
		const struct block b = model_block(m, i);

		ck_assert_uint_eq(model_block_of(m, b.part.role, b.layer), i);
		sum += part_weights(m, b.part);
	}
	ck_assert_double_eq(sum, mixtures[_i].parameters);
	done();
}
END_TEST

/* Every token goes through its active experts once, whatever their popularity; FLOP of a backward pass is
 * twice that. */
START_TEST(flop_of_experts)
{
	static const double skews[] = {0, 0.5, 1.2, 0}, sds[] = {0, 0, 0, 1.7};
	const struct shape s = {.batch = 2, .tokens = 50, .all_logits = true, .train_weights = true};
	struct model m;
	struct experts x;

	mixture((size_t)_i / 4);
	m = *fixture.world->model;
	x = *m.experts;
	x.skew = skews[_i % 4];
	x.popularity_sd = sds[_i % 4];
	m.experts = &x;
	for (int phase = PHASE_FORWARD; phase <= PHASE_BACKWARD; phase++) {
		struct op ops[GRAPH_OPS];
		const size_t n = graph_block(&m, &fixture.world->scenario->precision, &s,
					     (struct part){ROLE_EXPERTS, false, 0}, (enum phase)phase, ops);

		ck_assert_double_eq_tol(sum_flop(ops, n, OP_LINEAR),
					(phase == PHASE_FORWARD ? 6.0 : 12.0) * 100 * (double)x.active *
						(double)(m.hidden * x.inner),
					1);
		for (size_t i = 0; i < n; i++)
			if (ops[i].kind == OP_LINEAR)
				ck_assert_int_eq(ops[i].experts_all, x.count);
	}
	done();
}
END_TEST

/* E(1 - (1 - k/E)^T) where all are alike; one token hits k experts whatever their popularity, more tokens
 * more, endless ones all; the more uneven, the fewer. */
START_TEST(experts_are_hit)
{
	struct experts x = {.count = 128, .active = 8};

	for (double tokens = 1; tokens < 1e7; tokens *= 3) {
		double before = INFINITY;

		for (x.skew = 0; x.skew <= 2; x.skew += 0.25) {
			const double hit = experts_hit(&x, tokens);

			if (x.skew == 0)
				ck_assert_double_eq_tol(hit, 128 * (1 - pow(1 - 8.0 / 128, tokens)), 1e-9);
			ck_assert_double_le(hit, before + 1e-9);
			ck_assert_double_ge(hit, 8 - 1e-9);
			ck_assert_double_ge(hit, experts_hit(&x, tokens / 2) - 1e-9);
			if (tokens == 1)
				ck_assert_double_eq_tol(hit, 8, 1e-9);
			before = hit;
		}
	}
	x.skew = 0;
	ck_assert_double_eq_tol(experts_hit(&x, 1e9), 128, 1e-9);
	x.active = 128;
	ck_assert_double_eq(experts_hit(&x, 1), 128);
}
END_TEST

/* Log-normal popularity: shares go down, sum up to the active ones and mirror each other about the middle (the logarithm of a
 * share and of its counterpart are as far from the median's), so do those of an odd number; a standard deviation of next to
 * nothing is none; the more uneven, the fewer are met. gpt-oss 120B: 83 of 128 by 512 tokens (ggml-org/llama.cpp#15346). */
START_TEST(popularity_may_be_log_normal)
{
	const double sd = 0.4;
	struct experts x = {.count = 33, .active = 2, .popularity_sd = sd}, gpt = {.count = 128, .active = 4};
	double share[33], sum = 0, before = INFINITY;

	routing_popularity(&x, share);
	for (int i = 0; i < 33; i++) {
		sum += share[i];
		ck_assert_double_eq_tol(log(share[i] / share[16]), -log(share[32 - i] / share[16]), 1e-6);
		ck_assert(i == 0 || share[i] < share[i - 1]);
	}
	ck_assert_double_eq_tol(sum, 2, 1e-9);
	/* (8 + 1/2) of 33 are above 0.650837 */
	ck_assert_double_eq_tol(log(share[8] / share[16]) / sd, 0.650837, 1e-6);
	x.popularity_sd = 1e-9;
	ck_assert_double_eq_tol(experts_hit(&x, 7), 33 * (1 - pow(1 - 2.0 / 33, 7)), 1e-6);
	for (gpt.popularity_sd = 0.5; gpt.popularity_sd <= 4; gpt.popularity_sd += 0.5) {
		ck_assert_double_eq_tol(experts_hit(&gpt, 1), 4, 1e-9);
		ck_assert_double_lt(experts_hit(&gpt, 512), before);
		before = experts_hit(&gpt, 512);
	}
	gpt.popularity_sd = 2.3;
	ck_assert_double_eq_tol(experts_hit(&gpt, 512), 83, 1);
}
END_TEST

/* DeepSeek-V3 keeps 576 numbers of a token in a layer; a window caps the cache of its layers alone. */
START_TEST(caches_by_kind)
{
	const struct precision p = {.kv = FORMAT_F16};
	double bytes = 0;

	mixture(2);
	ck_assert_double_eq(graph_kv_B(fixture.world->model, &p, PART(ROLE_ATTENTION), 3, 1000),
			    3 * 1000 * 576 * 2);
	/* a runtime that caches keys and values: of 128 heads, 192 and 128 wide */
	ck_assert_double_eq(graph_kv_B(model_as_run(&fixture.arena, fixture.world->model,
						    (struct run_as){.window = true}),
				       &p, PART(ROLE_ATTENTION), 3, 1000),
			    3 * 1000 * 128 * 320.0 * 2);
	done();
	mixture(3);
	for (int64_t layer = 0; layer < 24; layer++) {
		const size_t b = model_block_of(fixture.world->model, ROLE_ATTENTION, layer);

		bytes += graph_kv_B(fixture.world->model, &p, model_block(fixture.world->model, b).part, 1,
				    1000);
	}
	ck_assert_double_eq(bytes, 12 * (128 + 1000) * 2.0 * 8 * 64 * 2);
	done();
}
END_TEST

/* Latent attention: FLOP of a prompt on whole heads, of a decode step in the latent. */
START_TEST(flop_of_latent_attention)
{
	const struct shape prompt = {.batch = 1, .tokens = 10}, step = {.batch = 1, .tokens = 1, .past = 9};

	mixture(2);
	ck_assert_double_eq(model_flop(&prompt, PHASE_PREFILL, OP_SCORES),
			    61 * 55 * 2.0 * 128 * (128 + 64 + 128));
	ck_assert_double_eq(model_flop(&step, PHASE_DECODE, OP_SCORES),
			    61 * 10 * 2.0 * 128 * (512 + 64 + 512));
	done();
}
END_TEST

/* Sizes of tensors as llama-bench lists them for llama.cpp's files: LLaMA 7B F16 12.55 GiB, Q8_0 6.67, Q4_0
 * 3.56, Q4_K_M 3.80 (README of llama.cpp's quantize tool, discussion 4167). */
static const struct {
	int mix;
	double gib;
} files[] = {{FORMAT_F16, 12.55}, {FORMAT_Q8_0, 6.67}, {FORMAT_Q4_0, 3.56}, {MIX_Q4_K_M, 3.80}};

START_TEST(sizes_of_files)
{
	static const char *const llama[] = {
		"model=" HEAD_OF("layers: 32, hidden: 4096, vocabulary: 32000, "
				 "attention: {heads: 32, kv_heads: 32, head_dim: 128}, "
				 "ffn: {inner: 11008}"),
		NULL};
	const struct precision p = {.weights = files[_i].mix};

	mistral(llama);
	ck_assert_double_eq(model_weights(fixture.world->model), 6738415616.0);
	ck_assert_double_eq_tol(model_weights_B(fixture.world->model, &p) / 1073741824, files[_i].gib,
				0.005 * files[_i].gib);
	done();
}
END_TEST

Suite *suite_llm(void)
{
	Suite *s = suite_create("llm");
	TCase *tc = tcase_create("llm");

	tcase_add_test(tc, products_of_one_input_are_told);
	tcase_add_test(tc, mistral_has_its_parameters);
	tcase_add_test(tc, a_step_counts_what_the_host_does);
	tcase_add_loop_test(tc, flop_of_a_forward_pass, 0, ARRAY_LEN(forwards));
	tcase_add_loop_test(tc, attention_by_brute_force, 0,
			    SMALL + 3); /* windows 0 .. SMALL + 1; unmasked */
	tcase_add_test(tc, backward_is_twice_forward);
	tcase_add_loop_test(tc, backward_of_lora, 0, 8);
	tcase_add_loop_test(tc, bytes_of_products, 0, 3);
	tcase_add_loop_test(tc, bytes_of_formats, 0, ARRAY_LEN(widths));
	tcase_add_test(tc, bytes_of_the_cache);
	tcase_add_test(tc, copies_that_training_keeps);
	tcase_add_test(tc, inputs_that_adapters_keep_in_f32);
	tcase_add_test(tc, bytes_that_forward_keeps);
	tcase_add_loop_test(tc, blocks_are_well_formed, 0, ARRAY_LEN(variants));
	tcase_add_loop_test(tc, blocks_add_up, 0, ARRAY_LEN(variants));
	tcase_add_loop_test(tc, mixtures_have_their_parameters, 0, ARRAY_LEN(mixtures));
	tcase_add_loop_test(tc, flop_of_experts, 0, 4 * ARRAY_LEN(mixtures));
	tcase_add_test(tc, experts_are_hit);
	tcase_add_test(tc, popularity_may_be_log_normal);
	tcase_add_test(tc, caches_by_kind);
	tcase_add_test(tc, flop_of_latent_attention);
	tcase_add_loop_test(tc, sizes_of_files, 0, ARRAY_LEN(files));
	suite_add_tcase(s, tc);
	return s;
}
