/* check_cost_products.c - products of few rows and of many: readings of the weights, tiles, weights that are written out, cards unlike the one of the fit. */
#include "sim/cost/cost.h"

#include <math.h>

#include "tests/cost/costed.h"
#include "tests/suites.h"

static struct fixture fixture;

static const char *const kernels[] = {
	RUNTIME "few={rows: 8, pass: 5, k_from: 4, gather: 32, scattered: 50 %, first: {f16: 2 %, k: 1 %}, "
		"further: {f16: 50 %}}",
	RUNTIME "tile={rows: 32, columns: 64, fill: 3}", RUNTIME "dequant={q8: 80 %, q4: 60 %, k: 250 %}",
	NULL};

static const struct {
	int64_t m, experts;
	double copies;
	enum format_id format;
	double read, first, further, many; /* readings, rows; many: of the arithmetic at u = 0.5 */
} few_rows[] = {
	{1, 0, 1, FORMAT_F16, 1, 1, 0, 0},
	{2, 0, 1, FORMAT_F16, 1, 1, 1, 0},
	{5, 0, 1, FORMAT_F16, 1, 1, 4, 0},
	{6, 0, 1, FORMAT_F16, 2, 2, 4, 0},  /* a second reading */
	{8, 0, 1, FORMAT_Q4_K, 2, 4, 6, 0}, /* unpacking takes twice as long as that of f16 */
	{3, 0, 1, FORMAT_Q4_K, 3, 6, 0, 0}, /* so few of them: a reading each */
	{4, 0, 1, FORMAT_Q4_K, 1, 2, 3, 0},
	{3, 0, 1, FORMAT_Q4_0, 1, 1, 2, 0},
	{9, 0, 1, FORMAT_F16, 0, 0, 0, 32}, /* whole tiles */
	{33, 0, 1, FORMAT_F16, 0, 0, 0, 64},
	{33, 0, 1, FORMAT_Q8_0, 0, 0, 0, 80},
	{33, 0, 1, FORMAT_Q4_0, 0, 0, 0, 64 / 0.6},
	{33, 0, 1, FORMAT_Q4_K, 0, 0, 0, 64 / 2.5}, /* on integers: beyond the peak of f16 */
	/* 8 tokens, 4 experts each: 32 rows, each by itself, reading its expert at half the rate */
	{2, 4, 16, FORMAT_F16, 2 * 2, 32, 0, 0},
	/* 32 tokens: 8 rows for each of the 16, and half a tile more */
	{8, 4, 16, FORMAT_F16, 0, 0, 0, 16 * 32},
	{40, 4, 16, FORMAT_F16, 0, 0, 0, 16 * 56},
};
START_TEST(few_and_many_rows)
{
	struct op op = costed_wide;
	struct cost c;
	struct device_model device_model;

	fixture_text(&fixture, FIXTURE_THREE, kernels);
	device_model = costed_device_model(&fixture, 0, DTYPE_F16);
	op.m = few_rows[_i].m;
	op.copies = few_rows[_i].copies;
	op.experts = few_rows[_i].experts;
	op.rows = (double)op.m * op.copies;
	op.flop = costed_wide.flop * op.rows;
	op.format = few_rows[_i].format;
	c = cost_of(&op, &device_model, 1);
	if (few_rows[_i].many > 0) {
		ck_assert_double_eq_tol(c.arithmetic.s, few_rows[_i].many * 2 / 0.5, 1e-9 * c.arithmetic.s);
		ck_assert_double_eq_tol(c.memory.s, 10, 1e-9); /* at the rate of reads */
		ck_assert_double_eq(c.apart.s, 0);
	} else {
		ck_assert_double_eq_tol(c.arithmetic.s, few_rows[_i].first * 2 / 0.02, 1e-9 * c.arithmetic.s);
		ck_assert_double_eq_tol(c.memory.s, few_rows[_i].read * 1000 / 95, 1e-9);
		ck_assert_double_eq_tol(c.apart.s, few_rows[_i].further * 2 / 0.5, 1e-9);
	}
	ck_assert_double_eq_tol(cost_seconds(&c), fmax(c.arithmetic.s, c.memory.s) + c.apart.s + 3e-6, 1e-9);
	fixture_release(&fixture);
}
END_TEST

/* Rows that experts get are expected numbers: what rounding leaves above a whole one is no further reading.
 */
START_TEST(a_little_more_is_no_pass)
{
	struct op op = costed_wide;
	struct device_model device_model;

	fixture_text(&fixture, FIXTURE_THREE, kernels);
	device_model = costed_device_model(&fixture, 0, DTYPE_F16);
	op.m = 5;
	op.rows = 5 * (1 + 1e-12);
	op.flop = costed_wide.flop * op.rows;
	ck_assert_double_eq_tol(cost_of(&op, &device_model, 1).bytes, op.weight_B, 1);
	op.rows = 5.01;
	ck_assert_double_eq_tol(cost_of(&op, &device_model, 1).bytes, 2 * op.weight_B, 1);
	op.m = 32;
	op.rows = 32 * (1 + 1e-12);
	op.flop = costed_wide.flop * op.rows;
	ck_assert_double_eq_tol(cost_of(&op, &device_model, 1).arithmetic.s, 64 / 0.5, 1e-6);
	fixture_release(&fixture);
}
END_TEST

/* Weights of blocks that are written out in f16 before a product of more than 32 rows: blocks read and numbers written at the
 * rate of copies, by experts as by any. */
static const struct {
	int64_t rows; /* of each product */
	double copies;
	enum format_id format;
	bool unpacked;
} unpacked[] = {{32, 1, FORMAT_Q8_0, false},
		{33, 1, FORMAT_Q8_0, true},
		{33, 1, FORMAT_F16, false},
		{32, 4, FORMAT_Q8_0, false},
		{33, 4, FORMAT_Q4_K, true}};
START_TEST(weights_written_out_first)
{
	static const char *const set[] = {RUNTIME "unpacks=32", NULL};
	const double rows = (double)unpacked[_i].rows * unpacked[_i].copies,
		     weights = unpacked[_i].copies * 1024 * 1024;
	const struct op op = {.name = "up",
			      .kind = OP_LINEAR,
			      .m = unpacked[_i].rows,
			      .n = 1024,
			      .k = 1024,
			      .copies = unpacked[_i].copies,
			      .rows = rows,
			      .flop = 2 * rows * 1024 * 1024,
			      .weight_B = format_bytes(unpacked[_i].format, weights),
			      .times = 1,
			      .format = unpacked[_i].format};
	double overhead_s[2], bytes[2];

	for (int given = 0; given < 2; given++) {
		struct device_model device_model;
		struct cost c;

		fixture_text(&fixture, FIXTURE_THREE, given ? set : NULL);
		device_model = costed_device_model(&fixture, 0, DTYPE_F16);
		c = cost_of(&op, &device_model, 1);
		overhead_s[given] = c.overhead.s;
		bytes[given] = c.bytes;
		if (given)
			ck_assert_double_eq_tol(overhead_s[1] - overhead_s[0],
						unpacked[_i].unpacked
							? (op.weight_B + 2 * weights) /
								  device_model.profile->copy.value
							: 0,
						1e-12);
		fixture_release(&fixture);
	}
	ck_assert_double_eq(bytes[1] - bytes[0], unpacked[_i].unpacked ? 2 * weights - op.weight_B : 0);
}
END_TEST

/* The device has one core: three tiles fill it. */
static const struct {
	int64_t n;
	double slower;
} tiles[] = {{64, 3}, {65, 1.5}, {128, 1.5}, {192, 1}, {1024, 1}};
START_TEST(tiles_fill_cores)
{
	struct op op = costed_wide;
	struct device_model device_model;
	struct cost c;

	fixture_text(&fixture, FIXTURE_THREE, kernels);
	device_model = costed_device_model(&fixture, 0, DTYPE_F16);
	op.m = 32;
	op.rows = 32;
	op.n = tiles[_i].n;
	op.flop = 2.0 * 32 * 1e6 * (double)op.n;
	c = cost_of(&op, &device_model, 1);
	ck_assert_double_eq_tol(c.arithmetic.s, tiles[_i].slower * op.flop / 0.5e12, 1e-9 * c.arithmetic.s);
	fixture_release(&fixture);
}
END_TEST

/* A kernel that rounds rows up to 8 takes as many as 128 of them into one tile: the 16 tiles of 64 columns that three rows of
 * tiles would be are counted once. Weights as they are go to a library, whose tiles are not those. */
static const struct {
	int64_t m;
	enum format_id format;
	double slower;
} high_tiles[] = {{128, FORMAT_Q8_0, 3},
		  {129, FORMAT_Q8_0, 1.5 * 136 / 129},
		  {384, FORMAT_Q8_0, 1},
		  {128, FORMAT_F16, 1}};
START_TEST(tiles_of_many_rows_are_few)
{
	const char *const sets[] = {RUNTIME "tile={rows: 8, columns: 64, fill_rows: 128, fill: 3}",
				    RUNTIME "few={rows: 8, pass: 5, gather: 1}", NULL};
	struct device_model device_model;
	struct op op = costed_wide;
	struct cost c;

	fixture_text(&fixture, FIXTURE_THREE, sets);
	device_model = costed_device_model(&fixture, 0, DTYPE_F16);
	op.m = high_tiles[_i].m;
	op.rows = (double)op.m;
	op.format = high_tiles[_i].format;
	op.n = 64;
	op.flop = 2.0 * op.rows * 1e6 * (double)op.n;
	c = cost_of(&op, &device_model, 1);
	ck_assert_double_eq_tol(c.arithmetic.s, high_tiles[_i].slower * op.flop / 0.5e12,
				1e-9 * c.arithmetic.s);
	fixture_release(&fixture);
}
END_TEST

/* Q2_K and Q6_K have kernels of their own; without matrix units all products are slower, but those of a matrix-vector kernel. */
static const struct {
	const char *vector_only;
	int64_t m;
	enum format_id format;
	double share, spread;
} kernel_shares[] = {{"false", 512, FORMAT_Q4_K, 1, 0},          {"false", 512, FORMAT_Q6_K, 0.8, 0.25},
		     {"false", 512, FORMAT_Q2_K, 0.5, 0.2},      {"true", 512, FORMAT_Q4_K, 0.4, 0.5},
		     {"true", 512, FORMAT_Q2_K, 0.5 * 0.4, 0.5}, {"true", 5, FORMAT_Q6_K, 1, 0}};

START_TEST(kernels_of_formats_have_their_shares)
{
	struct arena a = ARENA_INIT;
	const char *const sets[] = {
		arena_printf(&a,
			     RUNTIME
			     "tile={rows: 1, columns: 1, q2_k: {value: 50 %%, sd: 10 %%}, q6_k: {value: 80 "
			     "%%, sd: 20 %%}, vector: {value: 40 %%, sd: 20 %%}, vector_only: %s}",
			     kernel_shares[_i].vector_only),
		RUNTIME "few={rows: 8, pass: 8, gather: 1}", NULL};
	struct device_model device_model;
	struct op op = costed_wide;
	struct cost with, without;

	fixture_text(&fixture, FIXTURE_THREE, sets);
	device_model = costed_device_model(&fixture, 0, DTYPE_F16);
	op.m = kernel_shares[_i].m;
	op.rows = (double)op.m;
	op.format = kernel_shares[_i].format;
	op.flop = 2.0 * op.rows * 1e6 * (double)op.n;
	with = cost_of(&op, &device_model, 1);
	op.format = FORMAT_Q5_K; /* of the same kind, with no kernel of its own */
	fixture_release(&fixture);
	fixture_text(&fixture, FIXTURE_THREE, (const char *const[]){sets[1], NULL});
	device_model = costed_device_model(&fixture, 0, DTYPE_F16);
	without = cost_of(&op, &device_model, 1);
	ck_assert_double_eq_tol(with.arithmetic.s * kernel_shares[_i].share, without.arithmetic.s,
				1e-9 * without.arithmetic.s);
	ck_assert_double_ge(with.arithmetic.spread, kernel_shares[_i].spread * 0.99);
	fixture_release(&fixture);
	arena_release(&a);
}
END_TEST

/* A tile of blocks is read and then multiplied: of the shorter a share is hidden nowhere, but where a matrix-vector kernel reads (5
 * rows) and where weights as they are go to a library. Few rows are bound by reading, many by arithmetic. */
static const struct {
	const char *share;
	double unhidden;
	int64_t m;
	enum format_id format;
} turns[] = {{"100%", 1, 32, FORMAT_Q8_0},     {"100%", 1, 4096, FORMAT_Q8_0}, {"25%", 0.25, 32, FORMAT_Q8_0},
	     {"25%", 0.25, 4096, FORMAT_Q8_0}, {"0%", 0, 4096, FORMAT_Q8_0},   {"100%", 0, 5, FORMAT_Q8_0},
	     {"100%", 0, 32, FORMAT_F16}};
START_TEST(tiles_are_read_in_turn)
{
	struct arena a = ARENA_INIT;
	const char *const sets[] = {
		arena_printf(&a, RUNTIME "tile={rows: 32, columns: 64, in_turn: %s}", turns[_i].share),
		RUNTIME "few={rows: 8, pass: 5, gather: 1}", NULL};
	const struct params speed = {{2, 4, 1, 1, 1, 1}};
	struct device_model device_model;
	struct op op = costed_wide;
	struct cost c;
	double arithmetic, memory;

	fixture_text(&fixture, FIXTURE_THREE, sets);
	device_model = costed_device_model(&fixture, 0, DTYPE_F16);
	op.m = turns[_i].m;
	op.rows = (double)op.m;
	op.format = turns[_i].format;
	op.flop = 2.0 * op.rows * 1e6 * (double)op.n;
	c = cost_of(&op, &device_model, 1);
	arithmetic = c.arithmetic.s;
	memory = c.memory.s;
	ck_assert(memory > 0 && arithmetic > 0);
	ck_assert_double_eq_tol(cost_seconds(&c),
				c.overhead.s + c.apart.s + fmax(memory, arithmetic) +
					turns[_i].unhidden * fmin(memory, arithmetic),
				1e-9 * cost_seconds(&c));
	ck_assert_double_eq_tol(cost_seconds_at(&c, &speed),
				c.overhead.s + c.apart.s / 2 + fmax(memory / 4, arithmetic / 2) +
					turns[_i].unhidden * fmin(memory / 4, arithmetic / 2),
				1e-9 * cost_seconds(&c));
	ck_assert_double_eq_tol(cost_counted_arithmetic(&c) + cost_counted_memory(&c) + c.apart.s +
					c.overhead.s,
				cost_seconds(&c), 1e-9 * cost_seconds(&c));
	fixture_release(&fixture);
	arena_release(&a);
}
END_TEST

/* A pass of t tokens takes the time of t + ramp, where others take that of t + 64; none counts as fewer than 64. */
static const struct {
	int64_t m, experts;
	double slower;
} ramps[] = {{128, 0, 320.0 / 192}, {64, 0, 2}, {32, 0, 2}, {4096, 0, 4288.0 / 4160}, {128, 1, 136.0 / 192}};
START_TEST(rates_hang_on_the_tokens_of_a_pass)
{
	const char *const sets[] = {RUNTIME "ramp={products: 192, experts: 8}", NULL};
	struct device_model device_model;
	struct op op = costed_wide;
	struct cost c;

	fixture_text(&fixture, FIXTURE_THREE, sets);
	device_model = costed_device_model(&fixture, 0, DTYPE_F16);
	op.m = ramps[_i].m;
	op.rows = (double)op.m;
	op.experts = ramps[_i].experts;
	op.flop *= op.rows;
	c = cost_of(&op, &device_model, 1);
	ck_assert_double_eq_tol(c.arithmetic.s, ramps[_i].slower * op.flop / 0.5e12, 1e-9 * c.arithmetic.s);
	fixture_release(&fixture);
}
END_TEST

/* A part of a joint product takes its columns' share of it. */
START_TEST(products_are_joined)
{
	static const char *const sets[] = {RUNTIME "joins_products=true", NULL};
	struct op part = {.kind = OP_LINEAR,
			  .split = SPLIT_COLUMNS,
			  .phase = PHASE_PREFILL,
			  .m = 100,
			  .n = 1024,
			  .k = 4096,
			  .rows = 100,
			  .copies = 1,
			  .times = 1,
			  .flop = 2.0 * 100 * 1024 * 4096,
			  .weight_B = 2.0 * 1024 * 4096,
			  .format = FORMAT_F16,
			  .joint = 6144},
		  whole = part;

	whole.n = 6144;
	whole.flop *= 6;
	whole.weight_B *= 6;
	fixture_text(&fixture, FIXTURE_THREE, sets);
	for (size_t unit = 0; unit < 2; unit++) {
		const struct device_model m = costed_device_model(&fixture, unit, DTYPE_F16);
		const struct cost a = cost_of(&part, &m, 1), b = cost_of(&whole, &m, 1);
		const double launched = cost_kernels(m.profile, &part);

		ck_assert_double_eq_tol(launched, unit == 0 ? 1.0 / 6 : 1, 1e-12);
		if (unit == 0) {
			ck_assert_double_eq_tol(a.arithmetic.s, b.arithmetic.s / 6, 1e-12);
			ck_assert_double_eq_tol(a.overhead.s, b.overhead.s / 6, 1e-15);
		} else {
			ck_assert_double_eq(a.overhead.s, b.overhead.s);
		}
	}
	fixture_release(&fixture);
}
END_TEST

/* Rows that unpack the weights while others read them take the longer of both, not the sum. */
START_TEST(rows_overlap_with_reading)
{
	static const char *const sets[] = {
		RUNTIME "few={rows: 8, pass: 8, overlaps: true, further: {q8: 10 %}}", NULL};

	fixture_text(&fixture, FIXTURE_THREE, sets);
	for (int64_t m = 1; m <= 8; m++) {
		const struct op op = {.kind = OP_LINEAR,
				      .phase = PHASE_DECODE,
				      .m = m,
				      .n = 4096,
				      .k = 4096,
				      .rows = (double)m,
				      .copies = 1,
				      .times = 1,
				      .flop = 2.0 * (double)m * 4096 * 4096,
				      .weight_B = 1.0625 * 4096 * 4096,
				      .format = FORMAT_Q8_0};
		const struct device_model with = costed_device_model(&fixture, 0, DTYPE_F16);
		const struct cost c = cost_of(&op, &with, 1);

		ck_assert_double_eq_tol(c.arithmetic.s, op.flop / (0.1 * with.device->peak[DTYPE_F16].value),
					1e-15);
		ck_assert(c.apart.s == 0);
		ck_assert_double_eq_tol(cost_seconds(&c), fmax(c.memory.s, c.arithmetic.s) + c.overhead.s,
					1e-15);
	}
	fixture_release(&fixture);
}
END_TEST

/* What a product of many rows, of the weights as they are or written out first, reaches of the same peak on another card. */
static const struct {
	const char *sets[4];
	enum format_id format;
	double faster;
} on_cards[] = {
	{{RUNTIME "sums_f16=1"}, FORMAT_F16, 1}, /* the card does not say */
	{{CARD "sums_f16=2"}, FORMAT_F16, 1},    /* it sums in f32 */
	{{RUNTIME "sums_f16=1", CARD "sums_f16=2"}, FORMAT_F16, 2},
	{{RUNTIME "sums_f16=2", CARD "sums_f16=1"}, FORMAT_F16, 0.5},
	{{RUNTIME "sums_f16=1", CARD "sums_f16=2"}, FORMAT_BF16, 1},
	{{RUNTIME "sums_f16=1", CARD "sums_f16=2"}, FORMAT_Q4_0, 1}, /* on integers */
	{{RUNTIME "sums_f16=1", CARD "sums_f16=2", RUNTIME "unpacks=16"}, FORMAT_Q4_0, 2},
	{{RUNTIME "sums_f16=1", CARD "sums_f16=2", RUNTIME "unpacks=4096"}, FORMAT_Q4_0, 1},
	/* a core of 8 W where utilisations are of 32 W, with the square root */
	{{RUNTIME "core_power=32 W", RUNTIME "by_power=50 %", "machines.a.active_power=8 W"},
	 FORMAT_F16,
	 0.5},
	{{RUNTIME "core_power=32 W", RUNTIME "by_power=50 %"}, FORMAT_F16, 1}, /* no power is known */
};

static double many_rows_s(const char *const *sets, enum format_id format)
{
	struct device_model device_model;
	struct op op = costed_wide;

	fixture_text(&fixture, FIXTURE_THREE, sets);
	device_model = costed_device_model(&fixture, 0, DTYPE_F16);
	op.m = 512;
	op.rows = 512;
	op.flop = costed_wide.flop * op.rows;
	op.format = format;
	return cost_of(&op, &device_model, 1).arithmetic.s;
}
START_TEST(products_on_another_card)
{
	static const char *const none[] = {NULL};
	const char *const *sets = on_cards[_i].sets;
	const double before = many_rows_s(none, on_cards[_i].format);
	double now;

	fixture_release(&fixture);
	now = many_rows_s(sets, on_cards[_i].format);
	ck_assert_double_eq_tol(before / now, on_cards[_i].faster, 1e-9);
	fixture_release(&fixture);
}
END_TEST

Suite *suite_cost_products(void)
{
	Suite *s = suite_create("cost_products");
	TCase *tc = tcase_create("cost_products");

	tcase_add_loop_test(tc, few_and_many_rows, 0, ARRAY_LEN(few_rows));
	tcase_add_test(tc, a_little_more_is_no_pass);
	tcase_add_loop_test(tc, weights_written_out_first, 0, ARRAY_LEN(unpacked));
	tcase_add_loop_test(tc, tiles_fill_cores, 0, ARRAY_LEN(tiles));
	tcase_add_loop_test(tc, tiles_of_many_rows_are_few, 0, ARRAY_LEN(high_tiles));
	tcase_add_loop_test(tc, kernels_of_formats_have_their_shares, 0, ARRAY_LEN(kernel_shares));
	tcase_add_loop_test(tc, tiles_are_read_in_turn, 0, ARRAY_LEN(turns));
	tcase_add_loop_test(tc, rates_hang_on_the_tokens_of_a_pass, 0, ARRAY_LEN(ramps));
	tcase_add_test(tc, products_are_joined);
	tcase_add_test(tc, rows_overlap_with_reading);
	tcase_add_loop_test(tc, products_on_another_card, 0, ARRAY_LEN(on_cards));
	suite_add_tcase(s, tc);
	return s;
}
