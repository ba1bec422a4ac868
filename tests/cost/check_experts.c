/* check_experts.c - products of experts: rows one by one, in groups and in tiles, and those that the host starts. */
#include "sim/cost/cost.h"

#include "sim/base/rng.h"
#include "sim/cost/product.h"
#include "tests/cost/costed.h"
#include "tests/suites.h"

static struct fixture fixture;

/* 4 rows for each of 128 experts before they run together: with 8 a token, from 64 tokens on. */
static const struct {
	int64_t tokens;
	bool together;
} sorted[] = {{1, false}, {63, false}, {64, true}, {512, true}};
START_TEST(rows_for_each_expert)
{
	static const char *const each[] = {
		RUNTIME "few={rows: 8, pass: 1, gather_rows: 4, first: {f16: 2 %}}", NULL};
	struct op op = costed_wide;
	struct device_model device_model;

	fixture_text(&fixture, FIXTURE_THREE, each);
	device_model = costed_device_model(&fixture, 0, DTYPE_F16);
	op.experts = 8;
	op.experts_all = 128;
	op.copies = 8; /* all tokens to the same ones */
	op.m = sorted[_i].tokens;
	op.rows = 8 * (double)sorted[_i].tokens;
	op.flop = costed_wide.flop * op.rows;
	ck_assert_double_eq_tol(cost_of(&op, &device_model, 1).bytes / op.weight_B,
				sorted[_i].together ? 1 : (double)sorted[_i].tokens, 1e-9);
	fixture_release(&fixture);
}
END_TEST

/* The kernels of a product that a loop of the host starts for each of 16 experts, three apiece: from two tokens on, and of blocks
 * where the loop takes these. */
static const struct {
	int64_t tokens;
	enum format_id format;
	double kernels;
	bool blocks;
} looped[] = {{1, FORMAT_F16, 1, false},
	      {2, FORMAT_F16, 48, false},
	      {2, FORMAT_Q8_0, 1, false},
	      {2, FORMAT_Q8_0, 48, true},
	      {1, FORMAT_Q8_0, 1, true}};
START_TEST(kernels_of_experts_in_a_loop)
{
	struct arena a = ARENA_INIT;
	const char *const set[] = {
		arena_printf(&a,
			     RUNTIME "tile={rows: 8, columns: 64, loop: {tokens: 2, kernels: 3, blocks: %s}}",
			     looped[_i].blocks ? "true" : "false"),
		RUNTIME "linear={kernels: 1}", NULL};
	const struct op op = {.kind = OP_LINEAR,
			      .m = 1,
			      .n = 1000,
			      .k = 1000,
			      .copies = 16,
			      .rows = 8 * (double)looped[_i].tokens,
			      .experts = 8,
			      .times = 1,
			      .format = looped[_i].format};

	fixture_text(&fixture, FIXTURE_THREE, set);
	ck_assert_double_eq(cost_kernels(costed_device_model(&fixture, 0, DTYPE_F16).profile, &op),
			    looped[_i].kernels);
	fixture_release(&fixture);
	arena_release(&a);
}
END_TEST

/* Experts that the host starts one by one, of products of 1,000 x 1,000: its 10 us each are longer than the device's time, or not
 * (weights of 2 MB at the fixture's bandwidth), and it looks for each of 128 experts in every row. */
static const struct {
	int64_t tokens, n;
	enum format_id format;
	double expert_s;
	bool called, always;
} called[] = {{128, 1025, FORMAT_F16, 10e-3, false, false}, {129, 1025, FORMAT_F16, 10e-3, true, false},
	      {512, 1024, FORMAT_F16, 10e-3, false, false}, {513, 1024, FORMAT_F16, 10e-3, true, false},
	      {513, 1024, FORMAT_F16, 1e-9, true, false},   {513, 1024, FORMAT_Q8_0, 10e-3, false, false},
	      {2, 1024, FORMAT_Q8_0, 10e-3, true, true},    {513, 1024, FORMAT_Q8_0, 10e-3, true, true}};
START_TEST(experts_that_the_host_starts)
{
	struct arena a = ARENA_INIT;
	const char *const set[] = {arena_printf(&a,
						RUNTIME "expert_calls={outputs: 1024, wide: 128, narrow: "
							"512, expert: %.9f s, choice: 1 us, always: %s}",
						called[_i].expert_s, called[_i].always ? "true" : "false"),
				   NULL};
	const double rows = 8 * (double)called[_i].tokens, hit = 16;
	struct op op = {.name = "down",
			.kind = OP_LINEAR,
			.m = 8 * called[_i].tokens / 16,
			.n = called[_i].n,
			.k = 1000,
			.copies = hit,
			.flop = 2 * rows * (double)called[_i].n * 1000,
			.rows = rows,
			.experts = 8,
			.weight_B = 2 * hit * (double)called[_i].n * 1000,
			.times = 1,
			.format = called[_i].format};
	struct device_model device_model;
	struct cost without, with;

	fixture_text(&fixture, FIXTURE_THREE, set);
	device_model = costed_device_model(&fixture, 0, DTYPE_F16);
	without = cost_of(&op, &device_model, 1);
	op.experts_all = 128;
	with = cost_of(&op, &device_model, 1);
	ck_assert_double_eq_tol(cost_seconds(&with) - cost_seconds(&without),
				called[_i].called ? rows * 128 * 1e-6 : 0, 1e-9);
	if (called[_i].called && called[_i].expert_s > 1e-6)
		ck_assert_double_eq_tol(cost_seconds(&without), hit * called[_i].expert_s, 1e-9);
	else
		ck_assert(cost_seconds(&without) < hit * 10e-3);
	fixture_release(&fixture);
	arena_release(&a);
}
END_TEST

/* A kernel that takes rows of an expert in groups: rows that fall on 256 experts at random, counted. */
static const struct {
	int64_t rows, each;
} grouped[] = {{64, 1}, {128, 2}, {320, 3}, {1024, 4}, {2048, 12}, {16384, 12}};

struct counted {
	double hit, groups; /* in the mean */
};

static struct counted rows_on_experts(int64_t rows, int64_t each)
{
	enum { TIMES = 400, EXPERTS = 256 };
	struct counted c = {0, 0};
	struct rng *r = rng_new(7, "rows on experts");

	for (int t = 0; t < TIMES; t++) {
		int64_t on[EXPERTS] = {0};

		for (int64_t i = 0; i < rows; i++)
			on[(int)(rng_uniform(r) * EXPERTS)]++;
		for (int e = 0; e < EXPERTS; e++) {
			c.hit += on[e] > 0;
			c.groups += (double)((on[e] + each - 1) / each);
		}
	}
	rng_free(r);
	return (struct counted){c.hit / TIMES, c.groups / TIMES};
}
START_TEST(rows_of_an_expert_in_groups)
{
	static const char *const groups[] = {
		RUNTIME
		"few={rows: 8, pass: 1, first: {f16: 2 %}, further: {f16: 50 %}, groups: [{from: 128, rows: "
		"2}, {from: 320, rows: 3}, {from: 1024, rows: 4, further: 25 %}, {from: 2048, rows: 12}]}",
		NULL};
	const struct counted seen = rows_on_experts(grouped[_i].rows, grouped[_i].each);
	const double each = (double)grouped[_i].each, further = grouped[_i].each == 4 ? 0.25 : 0.5;
	struct op op = costed_wide;
	struct device_model device_model;
	struct cost c;

	fixture_text(&fixture, FIXTURE_THREE, groups);
	device_model = costed_device_model(&fixture, 0, DTYPE_F16);
	op.experts = 8;
	op.experts_all = 256;
	op.copies = seen.hit;
	op.rows = (double)grouped[_i].rows;
	op.flop = costed_wide.flop * op.rows;
	c = cost_of(&op, &device_model, 1);
	ck_assert_double_eq_tol(c.bytes / op.weight_B * seen.hit / seen.groups, 1, 0.02);
	ck_assert_double_eq_tol(c.arithmetic.s / (seen.groups * 2 / 0.02), 1, 0.02);
	ck_assert_double_eq_tol(c.apart.s / (seen.groups * 2 / further), each - 1, 0.02 * each);
	fixture_release(&fixture);
}
END_TEST

/* Rows that an expert's tiles compute: 16 experts, of which a token meets 4, so that m rows each are 4 m tokens. */
static const struct {
	const char *tile;
	int64_t m;
	double done; /* rows that are computed for an expert's m */
} expert_tiles[] = {
	{"{rows: 8, columns: 64}", 20, 24},                                 /* half a tile more */
	{"{rows: 8, columns: 64, expert_rows: 128}", 40, 128},              /* one size for all: 128 */
	{"{rows: 8, columns: 64, expert_rows: 128}", 200, 264},             /* half of that more */
	{"{rows: 8, columns: 64, expert_rows: 128}", 10, 40},               /* at most the 40 tokens */
	{"{rows: 128, columns: 64, expert_rows: 32}", 40, 56},              /* smaller than the dense one's */
	{"{rows: 32, columns: 64, packed: true}", 40, 71},                  /* begins anywhere */
	{"{rows: 32, columns: 64, expert_rows: 16, packed: true}", 40, 55}, /* in tiles of its own */
	{"{rows: 8, columns: 64, expert_rows: 128, experts: 50 %}", 40, 2 * 128}, /* by a slower kernel */
};
START_TEST(experts_run_in_tiles_of_their_own)
{
	const char *sets[] = {RUNTIME "tile=", RUNTIME "few={rows: 8, pass: 5, gather: 1}", NULL};
	struct arena a = ARENA_INIT;
	struct device_model device_model;
	struct op op = costed_wide;
	struct cost c;

	sets[0] = arena_printf(&a, RUNTIME "tile=%s", expert_tiles[_i].tile);
	fixture_text(&fixture, FIXTURE_THREE, sets);
	device_model = costed_device_model(&fixture, 0, DTYPE_F16);
	op.m = expert_tiles[_i].m;
	op.copies = 16;
	op.experts = 4;
	op.experts_all = 16;
	op.rows = (double)op.m * op.copies;
	op.flop = costed_wide.flop * op.rows;
	c = cost_of(&op, &device_model, 1);
	ck_assert_double_eq_tol(c.arithmetic.s, expert_tiles[_i].done * 16 * 2 / 0.5, 1e-9 * c.arithmetic.s);
	op.copies = 1; /* a dense product runs in the tiles that are everyone's */
	op.experts = 0;
	op.m = 256;
	op.rows = 256;
	op.flop = costed_wide.flop * 256;
	c = cost_of(&op, &device_model, 1);
	ck_assert_double_eq_tol(c.arithmetic.s, 256 * 2 / 0.5, 1e-9 * c.arithmetic.s);
	fixture_release(&fixture);
	arena_release(&a);
}
END_TEST

/* Rows of experts that are few but gathered: blocks run in tiles, 16-bit weights and single rows do not. A product in tiles
 * starts in a time of its own, and one of experts in another, however many kernels it is. */
static const struct {
	int64_t tokens, experts;
	enum format_id format;
	bool few;
	double start;
} gathered[] = {{1, 4, FORMAT_Q4_0, true, 3e-6},   {3, 4, FORMAT_Q4_0, true, 3e-6},
		{4, 4, FORMAT_Q4_0, false, 70e-6}, {4, 4, FORMAT_F16, true, 3e-6},
		{9, 4, FORMAT_F16, false, 70e-6},  {4, 0, FORMAT_Q4_0, true, 3e-6},
		{9, 0, FORMAT_Q4_0, false, 20e-6}};
START_TEST(experts_are_gathered_into_tiles)
{
	static const char *const sets[] = {RUNTIME "few={rows: 8, pass: 8, gather: 4}",
					   RUNTIME "overhead.tiles=20 us",
					   RUNTIME "overhead.tiles_experts=70 us", NULL};
	struct op op = costed_wide;
	struct device_model device_model;

	fixture_text(&fixture, FIXTURE_THREE, sets);
	device_model = costed_device_model(&fixture, 0, DTYPE_F16);
	op.m = gathered[_i].tokens;
	op.experts = gathered[_i].experts;
	op.rows = (double)(op.m * (op.experts ? op.experts : 1));
	op.copies = op.experts ? op.rows : 1; /* all tokens to others */
	op.flop = costed_wide.flop * op.rows;
	op.format = gathered[_i].format;
	ck_assert_int_eq(product_is_few(device_model.profile, &op), gathered[_i].few);
	ck_assert_double_eq_tol(cost_of(&op, &device_model, 1).overhead.s, gathered[_i].start, 1e-12);
	op.times = 2; /* both products of a backward pass */
	ck_assert_double_eq_tol(cost_of(&op, &device_model, 1).overhead.s, 2 * gathered[_i].start, 1e-12);
	fixture_release(&fixture);
}
END_TEST

/* A product of experts starts in a time of its own, however few its rows; 4-bit floats may have another. Other products do not. */
static const struct {
	int64_t tokens, experts;
	enum format_id format;
	double start;
} of_experts[] = {{1, 4, FORMAT_F16, 9e-6},
		  {64, 4, FORMAT_Q4_0, 9e-6},
		  {1, 4, FORMAT_MXFP4, 19e-6},
		  {1, 0, FORMAT_MXFP4, 3e-6},
		  {64, 0, FORMAT_F16, 20e-6}};
START_TEST(products_of_experts_start_in_a_time_of_their_own)
{
	static const char *const sets[] = {
		RUNTIME "overhead.tiles=20 us", RUNTIME "overhead.tiles_experts=70 us",
		RUNTIME "overhead.experts=9 us", RUNTIME "overhead.experts_fp4=19 us", NULL};
	struct op op = costed_wide;
	struct device_model device_model;

	fixture_text(&fixture, FIXTURE_THREE, sets);
	device_model = costed_device_model(&fixture, 0, DTYPE_F16);
	op.m = of_experts[_i].tokens;
	op.experts = of_experts[_i].experts;
	op.rows = (double)(op.m * (op.experts ? op.experts : 1));
	op.copies = op.experts ? (double)op.experts : 1;
	op.flop = costed_wide.flop * op.rows;
	op.format = of_experts[_i].format;
	ck_assert_double_eq_tol(cost_of(&op, &device_model, 1).overhead.s, of_experts[_i].start, 1e-12);
	fixture_release(&fixture);
}
END_TEST

/* One token's experts in bf16, where no kernel of few rows takes them: a tile of 32 rows for each. */
static const struct {
	const char *in_tiles;
	int64_t experts;
	enum format_id format;
	bool few;
} in_bf16[] = {{"true", 4, FORMAT_BF16, false},
	       {"true", 4, FORMAT_F16, true},
	       {"true", 4, FORMAT_Q4_0, true},
	       {"true", 0, FORMAT_BF16, true},
	       {"false", 4, FORMAT_BF16, true}};
START_TEST(experts_in_bf16_run_in_tiles)
{
	struct arena a = ARENA_INIT;
	const char *const sets[] = {
		RUNTIME "few={rows: 8, pass: 8, gather: 1}",
		arena_printf(&a, RUNTIME "few.bf16_experts_in_tiles=%s", in_bf16[_i].in_tiles),
		RUNTIME "tile={rows: 32, columns: 64}", NULL};
	struct op op = costed_wide;
	struct device_model device_model;

	fixture_text(&fixture, FIXTURE_THREE, sets);
	device_model = costed_device_model(&fixture, 0, DTYPE_F16);
	op.m = 1;
	op.experts = in_bf16[_i].experts;
	op.copies = op.rows = op.experts ? (double)op.experts : 1;
	op.flop = costed_wide.flop * op.rows;
	op.format = in_bf16[_i].format;
	ck_assert_int_eq(product_is_few(device_model.profile, &op), in_bf16[_i].few);
	if (!in_bf16[_i].few)
		ck_assert_double_eq_tol(cost_of(&op, &device_model, 1).arithmetic.s, 32 * op.copies * 2 / 0.5,
					1e-6);
	fixture_release(&fixture);
	arena_release(&a);
}
END_TEST

Suite *suite_experts(void)
{
	Suite *s = suite_create("experts");
	TCase *tc = tcase_create("experts");

	tcase_add_loop_test(tc, rows_for_each_expert, 0, ARRAY_LEN(sorted));
	tcase_add_loop_test(tc, kernels_of_experts_in_a_loop, 0, ARRAY_LEN(looped));
	tcase_add_loop_test(tc, experts_that_the_host_starts, 0, ARRAY_LEN(called));
	tcase_add_loop_test(tc, rows_of_an_expert_in_groups, 0, ARRAY_LEN(grouped));
	tcase_add_loop_test(tc, experts_run_in_tiles_of_their_own, 0, ARRAY_LEN(expert_tiles));
	tcase_add_loop_test(tc, experts_are_gathered_into_tiles, 0, ARRAY_LEN(gathered));
	tcase_add_loop_test(tc, products_of_experts_start_in_a_time_of_their_own, 0, ARRAY_LEN(of_experts));
	tcase_add_loop_test(tc, experts_in_bf16_run_in_tiles, 0, ARRAY_LEN(in_bf16));
	suite_add_tcase(s, tc);
	return s;
}
