/* check_attention.c - attention proper: few queries and prompts, caches in blocks, several sequences, and what no fused kernel runs. */
#include "sim/cost/cost.h"

#include <math.h>
#include <stdio.h>

#include "tests/cost/costed.h"
#include "tests/suites.h"

static struct fixture fixture;

/* Few queries run on a kernel of their own: a peak of one TFLOPS, 5 % of it to 8 queries. */
static const struct {
	int64_t query;
	double u;
} queries[] = {{1, 0.05}, {8, 0.05}, {9, 0.4}, {512, 0.4}};
START_TEST(few_queries)
{
	static const char *const vector[] = {RUNTIME "attention.decode_u=5 %", NULL};
	const struct op op = {.name = "scores",
			      .kind = OP_SCORES,
			      .query = queries[_i].query,
			      .context = 4096,
			      .flop = 3e12,
			      .dense_flop = 3e12,
			      .kv_B = 1e9,
			      .groups = 1,
			      .times = 1};
	struct device_model device_model;

	fixture_text(&fixture, FIXTURE_THREE, vector);
	device_model = costed_device_model(&fixture, 0, DTYPE_F16);
	ck_assert_double_eq_tol(cost_of(&op, &device_model, 1).arithmetic.s, 3 / queries[_i].u, 1e-9);
	fixture_release(&fixture);
}
END_TEST

/* Four heads of a group at a time: five take as long as eight, a group of one is never padded, and prompts are not. */
static const struct {
	int64_t query;
	double groups, computed, u;
} at_a_time[] = {{1, 1, 1, 0.05}, {1, 2, 4, 0.05}, {1, 4, 4, 0.05},  {1, 5, 8, 0.05},
		 {8, 5, 8, 0.05}, {9, 5, 5, 0.4},  {1, 16, 16, 0.05}};
START_TEST(heads_of_a_group_at_a_time)
{
	static const char *const vector[] = {RUNTIME "attention.decode_u=5 %",
					     RUNTIME "attention.decode_heads=4", NULL};
	const struct op op = {.name = "scores",
			      .kind = OP_SCORES,
			      .query = at_a_time[_i].query,
			      .context = 4096,
			      .flop = 1e12 * at_a_time[_i].groups,
			      .dense_flop = 1e12 * at_a_time[_i].groups,
			      .kv_B = 1e9,
			      .groups = at_a_time[_i].groups,
			      .times = 1};
	struct device_model device_model;
	struct cost c;

	fixture_text(&fixture, FIXTURE_THREE, vector);
	device_model = costed_device_model(&fixture, 0, DTYPE_F16);
	c = cost_of(&op, &device_model, 1);
	ck_assert_double_eq_tol(c.arithmetic.s, at_a_time[_i].computed / at_a_time[_i].u, 1e-9);
	ck_assert_double_eq(c.flop, op.flop); /* work is what the heads need, not what units wait for */
	ck_assert_double_eq(c.bytes, op.kv_B);
	fixture_release(&fixture);
}
END_TEST

/* A cache in blocks is read for each of four query heads, by the vector kernel (one or two queries of heads up to 256) and where
 * the device's own cache of 1 MB does not hold it. */
static const struct {
	int64_t query, kv_bits, head_dim;
	double kv_B, readings;
} caches[] = {{1, 8, 128, 2e6, 4}, {2, 4, 256, 2e6, 4}, {1, 16, 128, 2e6, 1},
	      {3, 8, 128, 2e6, 1}, {1, 8, 576, 2e6, 1}, {1, 8, 128, 1e6, 1}};
START_TEST(caches_in_blocks)
{
	static const char *const vector[] = {RUNTIME "attention.blocks_alone=true",
					     "machines.a.devices.gpu.cache=1 MB", NULL};
	const struct op op = {.name = "scores",
			      .kind = OP_SCORES,
			      .query = caches[_i].query,
			      .context = 4096,
			      .flop = 1e6,
			      .dense_flop = 1e6,
			      .kv_B = caches[_i].kv_B,
			      .kv_bits = caches[_i].kv_bits,
			      .head_dim = caches[_i].head_dim,
			      .groups = 4,
			      .times = 1};
	struct device_model device_model;

	fixture_text(&fixture, FIXTURE_THREE, vector);
	device_model = costed_device_model(&fixture, 0, DTYPE_F16);
	ck_assert_double_eq(cost_of(&op, &device_model, 1).bytes, caches[_i].readings * caches[_i].kv_B);
	fixture_release(&fixture);
}
END_TEST

/* Four query heads on 8.5 and 4.5 bits: unpacking takes 30 % of the time of 16 bits for each head where the kernel takes no group,
 * also of a cache that the device's own holds, 95 % for the group where it does; what takes no less is read. */
static const struct {
	const char *alone, *blocks;
	int64_t query, kv_bits;
	double times; /* over that of the bytes read once */
} unpacking[] = {{"true", "30 %", 1, 8, 4 * 0.30 * 16 / 8.5},
		 {"true", "30 %", 1, 4, 4 * 0.30 * 16 / 4.5},
		 {"false", "95 %", 1, 8, 0.95 * 16 / 8.5},
		 {"false", "95 %", 1, 4, 0.95 * 16 / 4.5},
		 {"false", "20 %", 1, 8, 1},
		 {"true", "30 %", 1, 16, 1},
		 {"true", "30 %", 9, 8, 1}};
START_TEST(blocks_are_unpacked)
{
	const struct op op = {.name = "scores",
			      .kind = OP_SCORES,
			      .query = unpacking[_i].query,
			      .context = 4096,
			      .flop = 1,
			      .dense_flop = 1,
			      .kv_B = 1e6,
			      .kv_bits = unpacking[_i].kv_bits,
			      .head_dim = 128,
			      .groups = 4,
			      .times = 1};
	char no_group[160], blocks[160];
	const char *const set[] = {RUNTIME "attention.decode=50 GB/s", no_group, blocks,
				   "machines.a.devices.gpu.cache=1 MB", NULL};
	struct device_model device_model;
	struct cost c;

	snprintf(no_group, sizeof no_group, RUNTIME "attention.blocks_alone=%s", unpacking[_i].alone);
	snprintf(blocks, sizeof blocks,
		 RUNTIME "attention.blocks={value: %s, sd: 9 %%, how: transferred, source: test}",
		 unpacking[_i].blocks);
	fixture_text(&fixture, FIXTURE_THREE, set);
	device_model = costed_device_model(&fixture, 0, DTYPE_F16);
	c = cost_of(&op, &device_model, 1);
	ck_assert_double_eq_tol(c.memory.s, unpacking[_i].times * 1e6 / 50e9, 1e-12);
	/* what is only supposed is less sure than what was measured */
	ck_assert_int_eq(c.memory.from == PROVENANCE_TRANSFERRED, unpacking[_i].times > 1);
	fixture_release(&fixture);
}
END_TEST

/* A table of prompts says nothing of one query: it reads the cache, however low the table's corner is. */
START_TEST(one_query_takes_nothing_from_prompts)
{
	static const char *const vector[] = {
		RUNTIME
		"attention={skips_mask: true, decode: 50 GB/s, points: [{query: 512, context: 512, u: 1 %}]}",
		NULL};
	struct op op = {.kind = OP_SCORES,
			.query = 1,
			.context = 512,
			.flop = 4e9,
			.dense_flop = 4e9,
			.kv_B = 1e9,
			.groups = 1,
			.times = 1};
	struct device_model device_model;
	struct cost c;

	fixture_text(&fixture, FIXTURE_THREE, vector);
	device_model = costed_device_model(&fixture, 0, DTYPE_F16);
	c = cost_of(&op, &device_model, 1);
	ck_assert_double_eq_tol(fmax(c.arithmetic.s, c.memory.s), 1e9 / 50e9, 1e-12);
	op.query = 9;
	ck_assert_double_eq_tol(cost_of(&op, &device_model, 1).arithmetic.s, 4e9 / 1e12 / 0.01, 1e-9);
	fixture_release(&fixture);
}
END_TEST

/* Attention of a prompt takes twice the time for each key behind so many tokens, where others do behind 262,144. */
START_TEST(attention_hangs_on_the_context)
{
	const char *const set = RUNTIME "ramp={context: 32768}";
	struct op op = {.kind = OP_SCORES,
			.phase = PHASE_PREFILL,
			.query = 512,
			.context = 65536,
			.times = 1,
			.flop = 1e12,
			.dense_flop = 1e12,
			.kv_B = 1e6,
			.groups = 1,
			.caches = 1,
			.sequences = 1};
	double seconds[2];

	for (int k = 0; k < 2; k++) {
		const char *const sets[] = {k ? set : NULL, NULL};
		struct device_model device_model;

		fixture_text(&fixture, FIXTURE_THREE, sets);
		device_model = costed_device_model(&fixture, 0, DTYPE_F16);
		seconds[k] = cost_of(&op, &device_model, 1).arithmetic.s;
		fixture_release(&fixture);
	}
	ck_assert_double_eq_tol(seconds[1] / seconds[0], 3 / 1.25, 1e-9);
}
END_TEST

/* Where it was measured, one query of each of several sequences has a kernel of its own. */
START_TEST(several_sequences_have_their_kernel)
{
	static const char *const sets[] = {RUNTIME "attention.several=100 GB/s",
					   RUNTIME "attention.several_start=7 us", NULL};
	static const struct {
		int64_t sequences, query;
		bool own;
	} cases[] = {{1, 1, false}, {2, 1, true}, {32, 1, true}, {0, 512, false}};

	fixture_text(&fixture, FIXTURE_THREE, sets);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct op op = {.kind = OP_SCORES,
				      .phase = cases[i].query > 1 ? PHASE_PREFILL : PHASE_DECODE,
				      .sequences = cases[i].sequences,
				      .query = cases[i].query,
				      .context = 4096,
				      .kv_B = 1e9,
				      .flop = 1e6,
				      .groups = 1,
				      .head_dim = 128,
				      .kv_bits = 16,
				      .times = 1};
		const struct device_model with = costed_device_model(&fixture, 0, DTYPE_F16),
					  without = costed_device_model(&fixture, 1, DTYPE_F16);
		const struct cost c = cost_of(&op, &with, 1), plain = cost_of(&op, &without, 1);

		ck_assert(cases[i].own == (fabs(c.memory.s - c.bytes / 100e9) < 1e-12));
		ck_assert(cases[i].own == (fabs(c.overhead.s - 7e-6) < 1e-12));
		ck_assert_double_eq(plain.bytes, c.bytes);
	}
	fixture_release(&fixture);
}
END_TEST

/* Beside pieces of prompts each query head reads the cache for itself, and blocks are started for as many queries as the
 * longest piece has; alone, or beside drafts of one token, nothing changes. */
START_TEST(decodes_beside_prompts)
{
	static const char *const sets[] = {
		RUNTIME "attention.mixed=400 GB/s", RUNTIME "attention.mixed_head=10 ns",
		RUNTIME "attention.mixed_tile=1 ns", RUNTIME "overhead.cache=7 ns", NULL};
	static const struct {
		int64_t beside;
		double head_ns; /* 0: it runs as decodes do */
	} cases[] = {{0, 0}, {1, 0}, {2, 10}, {64, 10}, {65, 11}, {2048, 41}};
	double alone_s = 0;

	fixture_text(&fixture, FIXTURE_THREE, sets);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct op op = {.kind = OP_SCORES,
				      .split = SPLIT_HEADS,
				      .phase = PHASE_DECODE,
				      .sequences = 3,
				      .caches = 3 * 2,
				      .query = 1,
				      .context = 4096,
				      .kv_B = 1e9,
				      .flop = 1e6,
				      .groups = 4,
				      .head_dim = 128,
				      .kv_bits = 16,
				      .times = 1,
				      .beside = cases[i].beside};
		const struct device_model with = costed_device_model(&fixture, 0, DTYPE_F16);
		const struct cost c = cost_of(&op, &with, 0.5);
		const double start =
			with.profile->overhead.kernel.value * (double)with.profile->scores.kernels;

		if (cases[i].head_ns <= 0) {
			ck_assert_double_eq_tol(c.overhead.s, start + 0.5 * 6 * 7e-9, 1e-15);
			ck_assert(!i || cost_seconds(&c) == alone_s);
			alone_s = cost_seconds(&c);
			continue;
		}
		ck_assert_double_eq_tol(c.memory.s, 0.5 * 4 * 1e9 / 400e9, 1e-12);
		ck_assert_double_eq_tol(c.overhead.s, start + 0.5 * 6 * 4 * cases[i].head_ns * 1e-9, 1e-15);
	}
	fixture_release(&fixture);
}
END_TEST

/* Attention that no kernel runs whole: the scores of a prompt go through memory, and each query head of a step reads its
 * group's cache for itself. */
static struct op scores_op(enum phase phase, int64_t query, int64_t head_dim, bool capped)
{
	return (struct op){.name = "scores",
			   .kind = OP_SCORES,
			   .split = SPLIT_HEADS,
			   .phase = phase,
			   .query = query,
			   .context = 4096,
			   .flop = 1e9,
			   .dense_flop = 2e9,
			   .tensor_B = 1e7,
			   .kv_B = 1e8,
			   .groups = 4,
			   .head_dim = head_dim,
			   .by_hand = capped,
			   .times = 1};
}
START_TEST(attention_by_hand)
{
	static const double fused_widths[] = {64, 128};
	const struct origin given = {.name = "by_hand", .node = &(const struct yml){.kind = YML_MAP}};
	struct better b;
	struct code_by_hand *by_hand = &b.profile.by_hand;
	struct device_model device_model;
	struct op fused, unfused, capped;
	struct cost x, y;

	fixture_load(&fixture, FIXTURE_FOUNDING, NULL);
	device_model = costed_device_model(&fixture, 0, DTYPE_F16);
	better_init(&fixture, &b, &device_model);
	*by_hand = (struct code_by_hand){.origin = given,
					 .prompts = {(void *)fused_widths, ARRAY_LEN(fused_widths)},
					 .steps = {(void *)fused_widths, 1},
					 .scores = {given, 4, 3},
					 .capped = {given, 7, 6}};
	better_lay_out(&fixture, &b, DTYPE_F16);
	fused = scores_op(PHASE_PREFILL, 512, 128, false);
	unfused = scores_op(PHASE_PREFILL, 512, 256, false);
	capped = scores_op(PHASE_PREFILL, 512, 128, true);
	x = cost_of(&unfused, &b.device_model, 1);
	y = cost_of(&capped, &b.device_model, 1);
	ck_assert_double_eq(x.flop, 2e9);
	ck_assert_double_eq_tol(y.overhead.s - x.overhead.s,
				3 * b.profile.overhead.kernel.value + 3e7 / b.profile.copy.value, 1e-12);
	ck_assert_double_eq(cost_kernels(&b.profile, &capped), 7);
	ck_assert_double_eq(cost_kernels(&b.profile, &fused), (double)b.profile.scores.kernels);
	fused = scores_op(PHASE_DECODE, 1, 64, false);
	unfused = scores_op(PHASE_DECODE, 1, 128, false); /* fused in prompts alone */
	x = cost_of(&unfused, &b.device_model, 1);
	ck_assert_double_eq(x.bytes, 4e8);
	ck_assert_double_eq_tol(x.memory.s, 4e8 / b.profile.gemv.value, 1e-12);
	unfused = scores_op(PHASE_FORWARD, 512, 256, true); /* training has rules of its own */
	ck_assert_double_eq(cost_kernels(&b.profile, &unfused), (double)b.profile.scores.kernels);
	by_hand->prompts = by_hand->steps = (struct field_list){NULL, 0}; /* all widths are fused */
	unfused = scores_op(PHASE_PREFILL, 512, 256, false);
	ck_assert_double_eq(cost_kernels(&b.profile, &unfused), (double)b.profile.scores.kernels);
	fixture_release(&fixture);
}
END_TEST

Suite *suite_attention(void)
{
	Suite *s = suite_create("attention");
	TCase *tc = tcase_create("attention");

	tcase_add_loop_test(tc, few_queries, 0, ARRAY_LEN(queries));
	tcase_add_loop_test(tc, heads_of_a_group_at_a_time, 0, ARRAY_LEN(at_a_time));
	tcase_add_loop_test(tc, caches_in_blocks, 0, ARRAY_LEN(caches));
	tcase_add_loop_test(tc, blocks_are_unpacked, 0, ARRAY_LEN(unpacking));
	tcase_add_test(tc, one_query_takes_nothing_from_prompts);
	tcase_add_test(tc, attention_hangs_on_the_context);
	tcase_add_test(tc, several_sequences_have_their_kernel);
	tcase_add_test(tc, decodes_beside_prompts);
	tcase_add_test(tc, attention_by_hand);
	suite_add_tcase(s, tc);
	return s;
}
