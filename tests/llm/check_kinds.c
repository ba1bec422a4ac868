/* check_kinds.c - room llm: models whose layers are of several kinds: what they hold, keep and compute. */
#include "tests/suites.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/conf/field.h"
#include "sim/llm/attend.h"
#include "sim/llm/memory.h"
#include "sim/llm/projections.h"

static struct arena arena;
static struct diags diags;

#define HEAD                                                                                                 \
	"schema: lemursim/model/1\ntitle: t\nsource: t\nlayers: 8\nhidden: 64\nvocabulary: 1000\n"           \
	"ffn: {inner: 128}\ntied_head: false\n"

static const struct model *model_of(const char *text)
{
	struct source *s;
	struct model *m;
	struct yml *tree;

	diags_init(&diags, &arena);
	s = arena_alloc(&arena, sizeof *s);
	m = arena_alloc(&arena, sizeof *m);
	*s = (struct source){"m.yaml", text, strlen(text)};
	tree = yml_parse(&arena, s, &diags);
	ck_assert(tree && field_load(&model_table, tree, "model", m, &diags) == 0);
	ck_assert_msg(model_check(m, &diags) == 0, "%s", diags.list[0].msg);
	return m;
}

static const struct precision f16 = {.weights = FORMAT_F16, .kv = FORMAT_F16, .compute = FORMAT_F16};

static const struct op *op_named(const struct op *ops, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(ops[i].name, name))
			return &ops[i];
	return NULL;
}

static struct part mixer_at(const struct model *m, int64_t layer)
{
	return model_block(m, model_block_of(m, ROLE_ATTENTION, layer)).part;
}

/* --- layers --------------------------------------------------------------------------------------- */

#define HYBRID                                                                                               \
	HEAD "attention: {heads: 4, kv_heads: 2, head_dim: 16}\nkinds:\n"                                    \
	     "  linear: {blocks: [delta, ffn], delta: {key_heads: 2, heads: 4, key_dim: 8, value_dim: "      \
	     "16}}\n"                                                                                        \
	     "  full: {blocks: [attention, ffn]}\npattern: [3 linear, full]\n"

START_TEST(a_pattern_is_repeated)
{
	const struct model *m = model_of(HYBRID);
	struct part_count parts[MODEL_PARTS];

	ck_assert_uint_eq(model_blocks(m), 2 + 8 * 2);
	ck_assert_uint_eq(model_parts(m, parts), 5); /* embedding, two mixers, one FFN, head */
	for (int64_t i = 0; i < 8; i++) {
		ck_assert_int_eq(part_recurrent(m, mixer_at(m, i)) != NULL, i % 4 != 3);
		ck_assert_int_eq(part_attention(m, mixer_at(m, i)) != NULL, i % 4 == 3);
	}
	for (size_t i = 0; i < model_blocks(m); i++) {
		const struct block b = model_block(m, i);

		if (b.layer >= 0)
			ck_assert(i >= model_layer_begin(m, b.layer) &&
				  i < model_layer_begin(m, b.layer + 1));
	}
	arena_release(&arena);
}
END_TEST

/* The shorthands of schema 1 and kinds that say the same are one model. */
START_TEST(kinds_are_what_the_shorthands_say)
{
	struct part_count parts[2][MODEL_PARTS];
	const struct model *a = model_of(HEAD
					 "attention: {heads: 4, kv_heads: 2, head_dim: 16, window: 32 tok, "
					 "full_every: 4}\n"
					 "experts: {count: 8, active: 2, inner: 32, first_dense: 2}\n"),
			   *b;
	size_t n[2];

	b = model_of(HEAD
		     "attention: {heads: 4, kv_heads: 2, head_dim: 16}\n"
		     "experts: {count: 8, active: 2, inner: 32}\nkinds:\n"
		     "  dense: {blocks: [attention, ffn], attention: &w {heads: 4, kv_heads: 2, head_dim: "
		     "16, window: 32 tok}}\n"
		     "  moe: {blocks: [attention, experts], attention: *w}\n"
		     "  full: {blocks: [attention, experts]}\n"
		     "pattern: [2 dense, moe, full, 3 moe, full]\n");
	n[0] = model_parts(a, parts[0]);
	n[1] = model_parts(b, parts[1]);
	ck_assert_double_eq(model_weights(a), model_weights(b));
	ck_assert_uint_eq(model_blocks(a), model_blocks(b));
	ck_assert_uint_ge(n[1], n[0]);
	for (size_t i = 0; i < model_blocks(a); i++) {
		const struct block x = model_block(a, i), y = model_block(b, i);

		ck_assert_int_eq(x.part.role, y.part.role);
		ck_assert_int_eq(x.layer, y.layer);
		ck_assert_double_eq(part_weights(a, x.part), part_weights(b, y.part));
		if (x.part.role == ROLE_ATTENTION)
			ck_assert_double_eq(graph_kv_B(a, &f16, x.part, 3, 100),
					    graph_kv_B(b, &f16, y.part, 3, 100));
	}
	arena_release(&arena);
}
END_TEST

/* --- states --------------------------------------------------------------------------------------- */

START_TEST(states_do_not_grow)
{
	const struct model *m = model_of(HYBRID);
	const struct part linear = mixer_at(m, 0), full = mixer_at(m, 3);

	ck_assert_double_eq(graph_kv_B(m, &f16, linear, 1, 1000000), 0);
	/* 4 heads of 8 x 16 in f32; 3 tokens of 2 x 2 x 8 + 4 x 16 channels */
	ck_assert_double_eq(part_state_B(m, FORMAT_F32, linear), 4 * (4 * 8 * 16 + 3 * 96));
	ck_assert_double_eq(part_state_B(m, FORMAT_F16, linear), 4 * 4 * 8 * 16 + 2 * 3 * 96);
	ck_assert_double_eq(part_state_B(m, FORMAT_F32, full), 0);
	ck_assert_double_eq(part_cache_growth(m, full), 2 * 2 * 16);
	arena_release(&arena);
}
END_TEST

/* A step reads and writes each sequence's state once, whatever was before; a prompt does so once a pass. */
START_TEST(a_scan_moves_its_state_once)
{
	const struct model *m = model_of(HYBRID);
	const double state = 4.0 * 4 * 8 * 16;
	struct op ops[GRAPH_OPS];

	for (int64_t past = 10; past <= 1000000; past *= 100) {
		const struct shape step = {.batch = 3, .tokens = 1, .past = past},
				   prompt = {.batch = 3, .tokens = 512, .past = past};
		size_t n = graph_block(m, &f16, &step, mixer_at(m, 0), PHASE_DECODE, ops);
		const struct op *scan = op_named(ops, n, "scan");

		ck_assert(scan && scan->kv_B == 2 * 3 * state);
		ck_assert_double_eq(scan->flop, 3 * 7.0 * 4 * 8 * 16);
		n = graph_block(m, &f16, &prompt, mixer_at(m, 0), PHASE_PREFILL, ops);
		scan = op_named(ops, n, "scan");
		ck_assert(scan && scan->kv_B == 2 * 3 * state);
		ck_assert_double_eq(scan->flop, 512 * 3 * 7.0 * 4 * 8 * 16);
	}
	arena_release(&arena);
}
END_TEST

/* --- what a query reads --------------------------------------------------------------------------- */

#define SPARSE                                                                                               \
	HEAD "attention: {heads: 4, kv_heads: 2, head_dim: 16, sparse: {top: 64 tok, heads: 2, dim: 8, "     \
	     "from_hidden: true}}\nkinds:\n  full: {blocks: [attention, ffn]}\npattern: [full]\n"

START_TEST(a_runtime_reads_what_was_chosen_or_all)
{
	const struct model *m = model_of(SPARSE);
	const struct run_as dense = {.window = true, .latent = true}, sparse = {.window = true,
										.latent = true,
										.sparse_prefill = true,
										.sparse_decode = true};
	const struct shape step = {.batch = 1, .tokens = 1, .past = 9999};
	const struct model *runs[] = {model_as_run(&arena, m, dense), model_as_run(&arena, m, sparse)};
	const double read[] = {10000, 64};

	for (int i = 0; i < 2; i++) {
		struct op ops[GRAPH_OPS];
		const size_t n = graph_block(runs[i], &f16, &step, mixer_at(m, 0), PHASE_DECODE, ops);
		const struct op *scores = op_named(ops, n, "scores"), *index = op_named(ops, n, "index");

		ck_assert(scores && index);
		ck_assert_double_eq(scores->kv_B, read[i] * 2 * 2 * 16 * 2);
		ck_assert_double_eq(scores->flop, read[i] * 4 * 4 * 16);
		/* the indexer sees all either way: 2 heads (8 + 1) */
		ck_assert_double_eq(index->flop, 10000 * 2.0 * 2 * 9);
		ck_assert_double_eq(index->kv_B, 10000 * 8 * 2);
		/* and its keys are cached */
		ck_assert_double_eq(part_cache_numbers(runs[i], mixer_at(m, 0), 10000), 10000 * (64 + 8));
	}
	arena_release(&arena);
}
END_TEST

START_TEST(chunks_see_their_own_tokens)
{
	const struct model *m = model_of(HEAD "kinds:\n  c: {blocks: [attention, ffn], attention: {heads: 4, "
					      "kv_heads: 2, head_dim: 16, chunk: 100 tok}}\npattern: [c]\n");
	struct attend x[ATTENDS];
	double pairs = 0;

	for (int64_t past = 0; past < 350; past += 70) {
		const struct shape s = {.batch = 1, .tokens = 70, .past = past};

		attend_groups(m, &s, mixer_at(m, 0), PHASE_PREFILL, x);
		pairs += x[0].pairs;
	}
	ck_assert_double_eq(pairs, 3 * 100 * 101 / 2.0 + 50 * 51 / 2.0);
	ck_assert_double_eq(part_cache_numbers(m, mixer_at(m, 0), 1000), 100 * 64);
	arena_release(&arena);
}
END_TEST

/* A row of the cache for four tokens, and a window of those that are not in one yet. */
START_TEST(compressed_rows)
{
	const struct model *m =
		model_of(HEAD "kinds:\n  c: {blocks: [attention, ffn], attention: {heads: 4, kv_heads: 1, "
			      "head_dim: 16, window: 32 tok, values: keys, compress: {ratio: 4, overlap: "
			      "2}}}\npattern: [c]\n");
	const struct shape step = {.batch = 2, .tokens = 1, .past = 999};
	struct attend x[ATTENDS];

	ck_assert_double_eq(part_cache_numbers(m, mixer_at(m, 0), 1000), (32 + 250) * 16);
	ck_assert_double_eq(part_cache_growth(m, mixer_at(m, 0)), 4);
	attend_groups(m, &step, mixer_at(m, 0), PHASE_DECODE, x);
	ck_assert_int_eq(x[0].seen, 2 * (32 + 250));
	ck_assert_double_eq(x[0].pairs, 2 * (32 + 250));
	ck_assert(part_cache_of_all(m, mixer_at(m, 0)));
	arena_release(&arena);
}
END_TEST

/* What is computed is what is stored: the products of each part, summed, are its matrices. */
START_TEST(products_are_the_matrices)
{
	static const char *const kinds[] = {
		"attention: {heads: 4, kv_heads: 2, head_dim: 16, gate: element}}",
		"attention: {heads: 4, kv_heads: 2, head_dim: 16, value_dim: 8, gate: head}}",
		"attention: {heads: 4, kv_heads: 1, head_dim: 16, values: keys, q_rank: 24, out_groups: 2, "
		"out_rank: 12}}",
		"attention: {heads: 4, kv_heads: 4, head_dim: 24, latent: {q_rank: 32, kv_rank: 16, "
		"nope_dim: 16, "
		"rope_dim: 8, value_dim: 16}, sparse: {top: 8 tok, heads: 2, dim: 8}}}",
		"delta: {key_heads: 2, heads: 4, key_dim: 8, value_dim: 16}}",
		"delta: {key_heads: 4, heads: 4, key_dim: 8, value_dim: 8, decay: channel, decay_rank: 8, "
		"gate_rank: 8}}",
		"mamba2: {heads: 8, head_dim: 16, state: 32, groups: 2}}",
		"mamba1: {inner: 128, state: 16, decay_rank: 4}}",
		"rwkv: {heads: 4, key_dim: 16, value_dim: 16, decay_rank: 8, value_rank: 8, gate_rank: 8}}",
		"lightning: {key_heads: 4, heads: 4, key_dim: 16, value_dim: 16}}",
		"conv: {width: 3}}",
	};
	const char *kind = kinds[_i];
	const int len = (int)strcspn(kind, ":");
	char text[900];
	struct tensor_row rows[PART_TENSORS];
	struct op ops[GRAPH_OPS];
	const struct shape s = {.batch = 1, .tokens = 1, .past = 7};
	double products = 0, matrices = 0;
	const struct model *m;
	size_t n;

	snprintf(text, sizeof text, HEAD "kinds:\n  k: {blocks: [%.*s, ffn], %s\npattern: [k]\n", len, kind,
		 kind);
	m = model_of(text);
	n = graph_block(m, &f16, &s, mixer_at(m, 0), PHASE_DECODE, ops);
	for (size_t i = 0; i < n; i++)
		products += ops[i].kind == OP_LINEAR ? (double)ops[i].n * (double)ops[i].k : 0;
	n = model_tensors(m, mixer_at(m, 0), rows);
	for (size_t i = 0; i < n; i++)
		matrices += rows[i].tensor == TENSOR_SMALL ? 0 : rows[i].numbers;
	ck_assert_double_eq(products, matrices);
	ck_assert_double_gt(products, 0);
	arena_release(&arena);
}
END_TEST

START_TEST(chunked_scans_take_more)
{
	const struct model *m =
		model_of(HEAD "kinds:\n  k: {blocks: [delta, ffn], delta: {key_heads: 1, heads: "
			      "1, key_dim: 128, value_dim: 128}}\npattern: [k]\n");
	const struct recurrent *r = part_recurrent(m, mixer_at(m, 0));

	/* 6 dk dv + C (6 dk + 4 dv) + 2 C^2 / 3 against 7 dk dv */
	ck_assert_double_eq_tol(recurrence_chunk_flop(m, r, 64) / recurrence_cost(m, r).step_flop, 1.6, 0.03);
	arena_release(&arena);
}
END_TEST

/* What a runtime runs in chunks is priced so over a prompt, and as one step in decode; a mixed pass does both. */
START_TEST(a_prompt_is_scanned_as_the_kernel_does)
{
	const struct model *m = model_of(HYBRID);
	const struct run_as as = {
		.window = true, .latent = true, .scans = {.delta = {64, 2, 3, false, false}}};
	const struct model *run = model_as_run(&arena, m, as);
	const struct recurrent *r = part_recurrent(run, mixer_at(run, 0));
	const double step = recurrence_cost(m, r).step_flop, many = recurrence_chunk_flop(m, r, 64),
		     few = recurrence_chunk_flop(m, r, 10);
	const struct shape_piece pieces[] = {{100, 0}, {10, 50}, {1, 70}};
	const struct shape_mix mix = {
		.rows = 114, .decodes = 3, .rows_each = 1, .context = 30, .pieces = pieces, .pieces_n = 3};
	const struct shape shapes[] = {
		{.batch = 1, .tokens = 1, .past = 9}, {.batch = 2, .tokens = 100}, {.mix = &mix}};
	const double flop[] = {step, 200 * many, 100 * many + 10 * few + 4 * step};
	const int64_t chunk[] = {0, 64, 64};

	ck_assert_ptr_ne(run, m);
	ck_assert_int_eq(part_recurrent(m, mixer_at(m, 0))->prompt.chunk,
			 0); /* the model itself is left as it is */
	ck_assert_ptr_eq(model_as_run(&arena, run, as), run);
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		struct op ops[GRAPH_OPS], walked[GRAPH_OPS];
		const enum phase phase = i ? PHASE_PREFILL : PHASE_DECODE;
		const size_t n = graph_block(run, &f16, &shapes[i], mixer_at(run, 0), phase, ops);
		const struct op *scan = op_named(ops, n, "scan"),
				*walk = op_named(
					walked,
					graph_block(m, &f16, &shapes[i], mixer_at(m, 0), phase, walked),
					"scan");

		ck_assert_double_eq_tol(scan->flop, flop[i], 1e-9 * flop[i]);
		ck_assert_int_eq(scan->context, chunk[i]);
		ck_assert_double_eq(scan->kv_B, walk->kv_B); /* the states move once either way */
	}
	arena_release(&arena);
}
END_TEST

/* Products that run for each sequence apart read their weights for each, and compute what they did; a single sequence, and
 * a step of training, do not tell the difference. */
START_TEST(products_of_sequences_apart)
{
	const struct model *m = model_of(
		HEAD "kinds:\n  k: {blocks: [mamba2, ffn], mamba2: {heads: 4, head_dim: 16, state: 8, "
		     "groups: 1, width: 4}}\npattern: [k]\n");
	const struct run_as as = {.window = true, .latent = true, .scans = scan_kernels_of("cuda@2025-10")};
	const struct model *run = model_as_run(&arena, m, as);
	const struct shape one = {.batch = 1, .tokens = 1, .past = 9},
			   many = {.batch = 6, .tokens = 1, .past = 9}, prompts = {.batch = 6, .tokens = 50};
	const struct {
		const struct shape *s;
		enum phase phase;
		double readings;
	} cases[] = {{&one, PHASE_DECODE, 1},
		     {&many, PHASE_DECODE, 6},
		     {&prompts, PHASE_PREFILL, 6},
		     {&prompts, PHASE_FORWARD, 1}};
	static const char *const names[] = {"in", "out"};

	ck_assert_ptr_ne(run, m);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct op apart[GRAPH_OPS], joint[GRAPH_OPS];
		const size_t n = graph_block(run, &f16, cases[i].s, mixer_at(run, 0), cases[i].phase, apart),
			     of = graph_block(m, &f16, cases[i].s, mixer_at(m, 0), cases[i].phase, joint);

		for (size_t k = 0; k < ARRAY_LEN(names); k++) {
			const struct op *x = op_named(apart, n, names[k]), *y = op_named(joint, of, names[k]);

			ck_assert_double_eq(x->weight_B, cases[i].readings * y->weight_B);
			ck_assert_double_eq(x->flop, y->flop);
			ck_assert_double_eq(x->copies, cases[i].readings);
		}
	}
	arena_release(&arena);
}
END_TEST

START_TEST(kernels_of_runtimes)
{
	ck_assert(scan_kernels_of("vulkan@2026-05").mamba2.before_apart);
	ck_assert(scan_kernels_of("rocm@2026-05").conv.before_apart);
	ck_assert(scan_kernels_of("cuda@2026-08").mamba2.behind_apart);
	ck_assert(scan_kernels_of("cuda@2026-08").delta.behind_apart);
	ck_assert(!scan_kernels_of("cuda@2026-08").delta.before_apart);
	ck_assert(!scan_kernels_of("mlx@2025-12").mamba2.before_apart);
	ck_assert(!scan_kernels_of("vllm").mamba2.behind_apart);
	ck_assert_int_eq(scan_kernels_of("llama.cpp@2026-02").mamba2.chunk, 0);
	ck_assert_int_eq(scan_kernels_of("cuda@2025-10").mamba2.chunk, 0);
	ck_assert_int_eq(scan_kernels_of("cuda@2026-08").mamba2.chunk, 256);
	ck_assert_int_eq(scan_kernels_of("cuda@2026-08").mamba2.from, 129);
	ck_assert_int_eq(scan_kernels_of("cuda@2026-08").delta.chunk, 0);
	ck_assert_int_eq(scan_kernels_of("mlx@2025-12").mamba2.chunk, 256);
	ck_assert_int_eq(scan_kernels_of("mlx@2025-12").delta.chunk, 0);
	ck_assert_int_eq(scan_kernels_of("vllm").delta.chunk, 64);
	ck_assert_int_eq(scan_kernels_of("vllmore").delta.chunk, 0);
}
END_TEST

/* --- further tokens ------------------------------------------------------------------------------- */

static void check_draft(const struct model *m, int64_t layers)
{
	const struct model *draft = model_mtp(&arena, m);
	struct op ops[GRAPH_OPS];
	const struct shape s = {.batch = 1, .tokens = 1, .past = 9};
	const size_t n = graph_block(draft, &f16, &s, model_block(draft, 0).part, PHASE_DECODE, ops);
	const size_t h =
		graph_block(draft, &f16, &s, (struct part){ROLE_HEAD, false, 0}, PHASE_DECODE, ops + n);
	const struct op *join = op_named(ops, n, "join"), *head = op_named(ops + n, h, "head");

	ck_assert_int_eq(draft->layers, layers);
	/* what is counted as the predictor's, and neither table nor head */
	ck_assert_double_eq(model_weights(draft), model_mtp_weights(m));
	ck_assert(join && join->n == 64 && join->k == 128);
	ck_assert(head && head->n == 1000); /* but it runs the head */
}

START_TEST(a_predictor_drafts)
{
	check_draft(model_of(HYBRID "mtp: {layers: 1, kinds: [full]}\n"), 1);
	arena_release(&arena);
	check_draft(model_of(HEAD
			     "attention: {heads: 4, kv_heads: 2, head_dim: 16}\n"
			     "experts: {count: 8, active: 2, inner: 32, first_dense: 2}\nmtp: {layers: 1}\n"),
		    1);
	arena_release(&arena);
	check_draft(model_of(HEAD
			     "experts: {count: 8, active: 2, inner: 32}\n"
			     "kinds:\n  a: {blocks: [attention], attention: {heads: 4, kv_heads: 2, "
			     "head_dim: 16}}\n"
			     "  e: {blocks: [experts]}\npattern: [a, e]\nmtp: {layers: 1, kinds: [a, e]}\n"),
		    2);
	arena_release(&arena);
	ck_assert_ptr_null(model_mtp(&arena, model_of(HYBRID)));
	arena_release(&arena);
}
END_TEST

START_TEST(stored_weights_take_memory)
{
	const struct model *m =
		model_of(HYBRID "mtp: {layers: 1, kinds: [full], stored: true}\n"
				"stored_only: [{name: vision tower, parameters: 5000, format: bf16}]\n");

	ck_assert_double_gt(model_stored_B(m, &f16), 10000 + 2 * (model_mtp_weights(m) - 3 * 64));
	ck_assert_double_eq(model_weights(m), model_weights(model_of(HYBRID)));
	arena_release(&arena);
}
END_TEST

Suite *suite_kinds(void)
{
	Suite *s = suite_create("kinds");
	TCase *tc = tcase_create("kinds");

	tcase_add_test(tc, a_pattern_is_repeated);
	tcase_add_test(tc, kinds_are_what_the_shorthands_say);
	tcase_add_test(tc, states_do_not_grow);
	tcase_add_test(tc, a_scan_moves_its_state_once);
	tcase_add_test(tc, a_runtime_reads_what_was_chosen_or_all);
	tcase_add_test(tc, chunks_see_their_own_tokens);
	tcase_add_test(tc, compressed_rows);
	tcase_add_loop_test(tc, products_are_the_matrices, 0, 11);
	tcase_add_test(tc, chunked_scans_take_more);
	tcase_add_test(tc, products_of_sequences_apart);
	tcase_add_test(tc, a_prompt_is_scanned_as_the_kernel_does);
	tcase_add_test(tc, kernels_of_runtimes);
	tcase_add_test(tc, a_predictor_drafts);
	tcase_add_test(tc, stored_weights_take_memory);
	suite_add_tcase(s, tc);
	return s;
}
