/* check_llm.c - models and their operators: counts, FLOP and bytes against closed forms and brute force. */
#include <math.h>

#include "sim/place/fit.h"
#include "tests/suites.h"
#include "tests/toy.h"

#define MISTRAL "scenarios/m5-vs-m4pro.yaml"

static struct toy toy;

static void mistral(const char *const *sets)
{
	toy_load(&toy, MISTRAL, sets);
}

static void done(void)
{
	toy_release(&toy);
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
	const struct world *w = toy.world;
	double flop = 0;

	for (int role = 0; role < ROLE_N; role++) {
		struct op ops[GRAPH_OPS];
		const size_t n =
			graph_block(w->model, &w->scenario->precision, s, (enum role)role, phase, ops);
		const bool layered = role == ROLE_ATTENTION || role == ROLE_FFN;

		flop += sum_flop(ops, n, kind) * (layered ? (double)w->model->layers : 1);
	}
	return flop;
}

START_TEST(mistral_has_its_parameters)
{
	mistral(NULL);
	ck_assert_double_eq(model_weights(toy.world->model), 7241732096.0);
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
			struct model m = *toy.world->model;
			const struct shape s = {.batch = 2, .tokens = q, .past = past};
			struct op ops[GRAPH_OPS];
			double pairs, keys;
			size_t n;

			m.attention.window = window;
			count_seen(q, past, window, causal, &pairs, &keys);
			n = graph_block(&m, &toy.world->scenario->precision, &s, ROLE_ATTENTION,
					PHASE_PREFILL, ops);
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
	ck_assert_double_eq(model_flop(&s, PHASE_FORWARD, OP_LINEAR),
			    model_flop(&base, PHASE_FORWARD, OP_LINEAR) + 2 * rows * adapters);
	ck_assert_double_eq(model_flop(&s, PHASE_BACKWARD, OP_LINEAR),
			    model_flop(&base, PHASE_FORWARD, OP_LINEAR) + 4 * rows * adapters);
	ck_assert_double_eq(32 * graph_trainable(toy.world->model, &s, ROLE_ATTENTION), adapters);
	ck_assert_double_eq(graph_trainable(toy.world->model, &s, ROLE_FFN), 0);
	ck_assert_double_eq(graph_trainable(toy.world->model, &s, ROLE_HEAD), 0);
	ck_assert_double_eq(graph_trainable(toy.world->model, &s, ROLE_EMBEDDING), 0);
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
		struct op ops[GRAPH_OPS];
		const size_t n = graph_block(toy.world->model, &toy.world->scenario->precision, &s,
					     (enum role)role, phases[_i], ops);

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
	{FORMAT_F32, 32},   {FORMAT_F16, 16},      {FORMAT_BF16, 16},
	{FORMAT_Q8_0, 8.5}, {FORMAT_Q6_K, 6.5625}, {FORMAT_Q5_K, 5.5},
	{FORMAT_Q4_K, 4.5}, {FORMAT_Q4_0, 4.5},    {FORMAT_MXFP4, 4.25},
};
_Static_assert(ARRAY_LEN(widths) == FORMAT_N, "a row for each format");

START_TEST(bytes_of_formats)
{
	const enum format_id f = widths[_i].format;
	struct precision p;
	const struct shape s = {.batch = 1, .tokens = 1};
	double bytes = 0;

	mistral(NULL);
	p = toy.world->scenario->precision;
	p.weights = (int)f;
	ck_assert_double_eq(format_bytes(f, 4096), 4096 * widths[_i].bits / 8);
	ck_assert_str_eq(formats[f].name, format_names[f]);
	for (int role = 0; role < ROLE_N; role++) {
		struct op ops[GRAPH_OPS];
		const size_t n = graph_block(toy.world->model, &p, &s, (enum role)role, PHASE_DECODE, ops);

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
	ck_assert_double_eq(32 * format_bytes(FORMAT_F16, model_kv_numbers_per_token(toy.world->model)),
			    131072);
	done();
}
END_TEST

/* Input, normed input, q, k, v, probabilities of 32 heads, what goes into o; and those of the FFN. */
START_TEST(bytes_that_forward_keeps)
{
	const struct shape s = {.batch = 2, .tokens = 100, .all_logits = true, .train_weights = true};
	const struct precision *p;

	mistral(NULL);
	p = &toy.world->scenario->precision;
	ck_assert_double_eq(graph_saved_B(toy.world->model, p, &s, ROLE_EMBEDDING), 0);
	ck_assert_double_eq(graph_saved_B(toy.world->model, p, &s, ROLE_ATTENTION),
			    2 * 200.0 * (2 * 4096 + 4096 + 2 * 1024 + 32 * 100 + 4096));
	ck_assert_double_eq(graph_saved_B(toy.world->model, p, &s, ROLE_FFN),
			    2 * 200.0 * (2 * 4096 + 4 * 14336));
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
	const struct shape s = {
		.batch = 2, .tokens = 33, .all_logits = true, .train_weights = true, .lora_rank = 8};

	mistral(variants[_i]);
	for (int role = 0; role < ROLE_N; role++) {
		for (int phase = 0; phase < PHASE_UPDATE; phase++) {
			struct op ops[GRAPH_OPS];
			const size_t n = graph_block(toy.world->model, &toy.world->scenario->precision, &s,
						     (enum role)role, (enum phase)phase, ops);
			const bool end = role == ROLE_EMBEDDING || role == ROLE_HEAD;
			const bool none = (end && !toy.world->model->ends) ||
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
	m = toy.world->model;
	for (int role = 0; role < ROLE_N; role++) {
		const double layers = role == ROLE_ATTENTION || role == ROLE_FFN ? (double)m->layers : 1;

		sum += layers * graph_weights(m, (enum role)role);
		ck_assert_double_eq(graph_weights(m, (enum role)role),
				    graph_trainable(m, &s, (enum role)role));
	}
	ck_assert_double_eq(sum, model_weights(m));
	if (m->tied_head)
		ck_assert_double_eq(sum, 7241732096.0 - IN_HEAD);
	done();
}
END_TEST

Suite *suite_llm(void)
{
	Suite *s = suite_create("llm");
	TCase *tc = tcase_create("llm");

	tcase_add_test(tc, mistral_has_its_parameters);
	tcase_add_loop_test(tc, flop_of_a_forward_pass, 0, ARRAY_LEN(forwards));
	tcase_add_loop_test(tc, attention_by_brute_force, 0,
			    SMALL + 3); /* windows 0 .. SMALL + 1; unmasked */
	tcase_add_test(tc, backward_is_twice_forward);
	tcase_add_loop_test(tc, backward_of_lora, 0, 8);
	tcase_add_loop_test(tc, bytes_of_products, 0, 3);
	tcase_add_loop_test(tc, bytes_of_formats, 0, ARRAY_LEN(widths));
	tcase_add_test(tc, bytes_of_the_cache);
	tcase_add_test(tc, bytes_that_forward_keeps);
	tcase_add_loop_test(tc, blocks_are_well_formed, 0, ARRAY_LEN(variants));
	tcase_add_loop_test(tc, blocks_add_up, 0, ARRAY_LEN(variants));
	suite_add_tcase(s, tc);
	return s;
}
