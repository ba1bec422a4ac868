/* check_measured_rows.c - products at the times that were measured: exact at the points, longer with more rows, between widths, and what a table does not hold for. */
#include "sim/cost/measured_rows.h"

#include <math.h>

#include "sim/cost/util.h"
#include "tests/suites.h"

/* Rows and widths that fill a grid; u grows with rows, then falls where another kernel takes over, as measured ones do. */
enum { ROWS = 6, WIDTHS = 2, POINTS = ROWS * WIDTHS };
static const int64_t rows[ROWS] = {2, 4, 8, 16, 64, 256}, widths[WIDTHS] = {1024, 4096};
static const double u_at[WIDTHS][ROWS] = {{0.05, 0.09, 0.16, 0.13, 0.3, 0.6},
					  {0.08, 0.15, 0.28, 0.2, 0.45, 0.7}};
static const double peak = 1e12, spread = 0.03;

struct measured {
	struct arena arena;
	struct device device;
	struct profile profile;
	struct rows_table table;
	struct gemm_point points[POINTS];
	struct device_model model;
};

/* Of the first rows_n numbers of rows. */
static void set_up(struct measured *x, size_t rows_n)
{
	*x = (struct measured){.arena = ARENA_INIT};
	for (size_t w = 0; w < WIDTHS; w++)
		for (size_t r = 0; r < rows_n; r++)
			x->points[w * rows_n + r] = (struct gemm_point){
				.m = rows[r],
				.n = widths[w],
				.k = widths[w],
				.u = {.value = u_at[w][r], .spread = spread, .given = true}};
	x->table.points.at = x->points;
	x->table.points.n = WIDTHS * rows_n;
	x->profile.products.of[ROWS_Q8] = &x->table;
	x->device.peak[DTYPE_F16].value = peak;
	x->model = (struct device_model){.device = &x->device, .profile = &x->profile, .compute = DTYPE_F16};
	measured_rows_make(&x->arena, &x->profile.products, x->model.products);
}

static struct op product(double m, double n)
{
	return (struct op){.kind = OP_LINEAR,
			   .format = FORMAT_Q8_0,
			   .m = (int64_t)m,
			   .n = (int64_t)n,
			   .k = (int64_t)n,
			   .rows = m,
			   .copies = 1,
			   .times = 1,
			   .flop = 2 * m * n * n,
			   .weight_B = n * n,
			   .tensor_B = 4 * m * n};
}

/* The one term that is set; the other stays zero. */
static double seconds(const struct measured *x, double m, double n, struct cost *c)
{
	const struct op op = product(m, n);

	*c = (struct cost){.flop = op.flop};
	ck_assert(measured_rows_cost(c, &op, &x->model, n * n, 1));
	ck_assert_double_eq(c->bytes, op.weight_B + op.tensor_B);
	ck_assert(c->memory.s > 0 ? c->arithmetic.s == 0 : c->arithmetic.s > 0);
	return c->memory.s + c->arithmetic.s;
}

START_TEST(points_give_their_own_time)
{
	struct measured x;
	struct cost c;

	set_up(&x, ROWS);
	for (size_t w = 0; w < WIDTHS; w++)
		for (size_t r = 0; r < ROWS; r++) {
			const double m = (double)rows[r], n = (double)widths[w];
			const double want = 2 * m * n * n / (peak * u_at[w][r]);

			ck_assert_double_eq_tol(seconds(&x, m, n, &c), want, 1e-12 * want);
			ck_assert_double_eq_tol(fmax(c.memory.spread, c.arithmetic.spread), spread, 1e-12);
			ck_assert(m <= 8 ? c.memory.s > 0
					 : c.arithmetic.s > 0); /* few rows are bound by reading */
		}
	arena_release(&x.arena);
}
END_TEST

/* More rows take longer, also where a point's utilisation is below that of fewer rows, and between two widths. Utilisation is
 * interpolated over the logarithm of the rows: between points an octave apart that take equally long, which is what bound by
 * reading means, the time dips, by at most 1 - 2^x / (1 + x) = 5.8 % at x = 0.44. */
START_TEST(more_rows_take_longer)
{
	static const double n[] = {1024, 1500, 2048, 3000, 4096}, dip = 0.058;
	struct measured x;
	struct cost c;

	set_up(&x, ROWS);
	for (size_t w = 0; w < ARRAY_LEN(n); w++) {
		for (size_t r = 1; r < ROWS; r++) {
			const double before = seconds(&x, (double)rows[r - 1], n[w], &c);

			ck_assert_double_gt(seconds(&x, (double)rows[r], n[w], &c), before);
			for (int64_t m = rows[r - 1]; m < rows[r]; m++)
				ck_assert_double_ge(seconds(&x, (double)m, n[w], &c), before * (1 - dip));
		}
		for (int m = 17; m <= 512; m++)
			ck_assert_double_ge(seconds(&x, m, n[w], &c), seconds(&x, m - 1, n[w], &c));
	}
	arena_release(&x.arena);
}
END_TEST

/* The utilisation between two widths lies between theirs, and is known less well than either. */
START_TEST(between_widths_lies_between)
{
	struct measured x;

	set_up(&x, ROWS);
	for (size_t r = 0; r < ROWS; r++)
		for (double n = 1200; n < 4096; n += 400) {
			struct cost c;
			const double m = (double)rows[r];
			const double u = 2 * m * n * n / (peak * seconds(&x, m, n, &c));

			ck_assert_double_gt(u, u_at[0][r]);
			ck_assert_double_lt(u, u_at[1][r]);
			ck_assert_double_gt(fmax(c.memory.spread, c.arithmetic.spread), spread);
		}
	arena_release(&x.arena);
}
END_TEST

/* A table that reaches to many rows says what all larger products are; a shorter one leaves them to the profile. */
START_TEST(beyond_the_largest_row)
{
	const struct op more = product(512, 4096), within = product(16, 4096);
	struct measured x;
	struct cost c;
	const double largest = u_at[1][ROWS - 1];

	set_up(&x, ROWS);
	ck_assert_double_eq_tol(seconds(&x, 512, 4096, &c), more.flop / (peak * largest),
				1e-12 * more.flop / (peak * largest));
	ck_assert_double_gt(c.arithmetic.spread, spread);
	arena_release(&x.arena);

	set_up(&x, 4); /* to 16 rows */
	c = (struct cost){.flop = 1};
	ck_assert(!measured_rows_cost(&c, &more, &x.model, 4096.0 * 4096, 1));
	ck_assert_double_eq(c.memory.s + c.arithmetic.s + c.bytes, 0);
	ck_assert(measured_rows_cost(&c, &within, &x.model, 4096.0 * 4096, 1));
	arena_release(&x.arena);
}
END_TEST

/* Many rows are several products of the most that were measured, whatever other weights take for as many. */
START_TEST(many_rows_are_products_of_few)
{
	struct measured x;
	const double edge = u_at[1][4], m = 512;
	const struct op op = product(m, 4096);
	const double as_measured = op.flop / (peak * edge);

	set_up(&x, 5);
	for (int slower = 0; slower < 2; slower++) {
		const double told = slower ? 3 * as_measured : as_measured / 3;
		struct cost c = {.arithmetic = {told, 0.01, PROVENANCE_MEASURED}};

		measured_rows_limit(&c, &op, &x.model, 4096.0 * 4096, 1);
		ck_assert_double_eq_tol(c.arithmetic.s / fmin(told, as_measured), 1, 1e-12);
		ck_assert_int_eq(c.arithmetic.from, slower ? PROVENANCE_TRANSFERRED : PROVENANCE_MEASURED);
	}
	arena_release(&x.arena);
}
END_TEST

/* One row is a matrix-vector kernel's, gradients are no products of a prompt, and other formats have kernels of their own. */
START_TEST(what_a_table_does_not_hold_for)
{
	struct op single = product(1, 4096), gradient = product(64, 4096), other = product(64, 4096),
		  blocks = product(64, 4096), experts = product(64, 4096);
	const struct op *const all[] = {&single, &gradient, &other, &blocks, &experts};
	struct measured x;
	struct cost c = {.flop = 1};

	gradient.gradient = true;
	other.format = FORMAT_F16;
	blocks.format = FORMAT_Q4_K;
	experts.experts = 8;
	set_up(&x, ROWS);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		ck_assert_msg(!measured_rows_cost(&c, all[i], &x.model, 4096.0 * 4096, 1), "%zu", i);
	ck_assert_double_eq(c.memory.s + c.arithmetic.s + c.bytes, 0);
	arena_release(&x.arena);
}
END_TEST

/* A table of weights as they are, in the dtype that is computed in: others are read in proportion to their bytes while few
 * rows wait for them, and as fast where many do. Rows of experts are asked by all the weights that are hit. */
START_TEST(weights_of_other_bytes)
{
	static const struct {
		enum dtype compute;
		double weight_B, rows, times;
	} cases[] = {{DTYPE_F32, 2, 4, 0.5},
		     {DTYPE_F32, 4, 4, 1},
		     {DTYPE_F16, 2, 4, 1},
		     {DTYPE_F16, 4, 4, 2},
		     {DTYPE_F32, 2, 128, 1}};
	struct measured x;

	set_up(&x, ROWS);
	x.profile.products.of[ROWS_WHOLE] = &x.table;
	x.profile.experts.of[ROWS_WHOLE] = &x.table;
	measured_rows_make(&x.arena, &x.profile.products, x.model.products);
	measured_rows_make(&x.arena, &x.profile.experts, x.model.experts);
	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		const bool experts = i >= ARRAY_LEN(cases);
		const double n = experts ? 1024 : 4096;
		struct op op = product(cases[i % ARRAY_LEN(cases)].rows, n), like = product(op.rows, 4096);
		struct cost c = {0}, same = {0};

		x.device.peak[cases[i % ARRAY_LEN(cases)].compute].value = peak;
		x.model.compute = cases[i % ARRAY_LEN(cases)].compute;
		op.format = FORMAT_F16;
		op.copies = experts ? 16 : 1;
		op.experts = experts ? 2 : 0;
		op.rows *= op.copies;
		op.flop *= op.copies;
		op.weight_B *= op.copies * cases[i % ARRAY_LEN(cases)].weight_B;
		ck_assert(measured_rows_cost(&c, &op, &x.model, n * n, 1));
		ck_assert(measured_rows_cost(&same, &like, &x.model, 4096.0 * 4096, 1));
		ck_assert_double_eq_tol((c.memory.s + c.arithmetic.s) / (same.memory.s + same.arithmetic.s),
					cases[i % ARRAY_LEN(cases)].times, 1e-9);
	}
	arena_release(&x.arena);
}
END_TEST

/* Experts, eight of 64 for each token: whether their few or their many tokens' table holds is decided by all tokens of the pass, however few
 * rows an expert gets, and a table by tokens counts the work as if each met every expert that is hit. */
static const struct {
	double tokens, hit;
	bool few, by_tokens;
} expert_passes[] = {{1, 8, true, false},   {8, 42, true, false},  {8, 42, true, true},
		     {9, 45, false, false}, {9, 45, false, true},  {64, 64, false, false},
		     {64, 64, false, true}, {256, 64, false, true}};

START_TEST(experts_by_tokens)
{
	const double n = 512, tokens = expert_passes[_i].tokens, hit = expert_passes[_i].hit,
		     all = 8 * tokens;
	struct rows_table few;
	struct gemm_point slow[POINTS];
	struct measured x;
	struct cost c = {0};
	struct op op = product(all / hit, n);
	struct util u;
	double work;

	set_up(&x, ROWS);
	for (size_t i = 0; i < POINTS; i++) {
		slow[i] = x.points[i];
		slow[i].u.value /= 3;
	}
	few = x.table;
	few.points.at = slow;
	x.table.tokens = expert_passes[_i].by_tokens;
	x.profile.experts.of[ROWS_Q8] = &x.table;
	x.profile.experts_few.of[ROWS_Q8] = &few;
	measured_rows_make(&x.arena, &x.profile.experts, x.model.experts);
	measured_rows_make(&x.arena, &x.profile.experts_few, x.model.experts_few);
	op.experts = 8;
	op.copies = hit;
	op.rows = all;
	op.flop = 2 * all * n * n;
	ck_assert(measured_rows_cost(&c, &op, &x.model, n * n, 1));
	if (expert_passes[_i].by_tokens && !expert_passes[_i].few) {
		u = util_at(x.model.experts[ROWS_Q8].table, tokens, hit * n * n);
		work = 2 * tokens * hit * n * n;
	} else {
		u = util_at(x.model.experts[ROWS_Q8].table, all / hit, hit * n * n);
		work = op.flop * (expert_passes[_i].few ? 3 : 1);
	}
	ck_assert_double_eq_tol((c.memory.s + c.arithmetic.s) * peak * u.u / work, 1, 1e-9);
	arena_release(&x.arena);
}
END_TEST

Suite *suite_measured_rows(void)
{
	Suite *s = suite_create("measured_rows");
	TCase *t = tcase_create("rows");

	tcase_add_test(t, points_give_their_own_time);
	tcase_add_loop_test(t, experts_by_tokens, 0, ARRAY_LEN(expert_passes));
	tcase_add_test(t, more_rows_take_longer);
	tcase_add_test(t, between_widths_lies_between);
	tcase_add_test(t, beyond_the_largest_row);
	tcase_add_test(t, many_rows_are_products_of_few);
	tcase_add_test(t, what_a_table_does_not_hold_for);
	tcase_add_test(t, weights_of_other_bytes);
	suite_add_tcase(s, t);
	return s;
}
