/* check_products.c - tables of products by the format of their weights: made where few numbers do not say what was measured,
 * and then with the samples' own times. */
#include <gsl/gsl_errno.h>
#include <math.h>

#include "sim/calib/profile_fit.h"
#include "tests/suites.h"

/* A machine with a known law: FLOP/s, byte/s, and seconds of a kernel beyond its work. */
static const double flops = 900e9, read_Bps = 40e9, start_s = 9e-6;

struct samples {
	struct arena arena;
	struct sample at[128];
	size_t n;
};

/* Times a little apart, the median of which is as given. */
static void measure(struct samples *y, struct sample s, double seconds)
{
	enum { N = 9 };
	double *x = arena_array(&y->arena, N, sizeof *x);

	for (int i = 0; i < N; i++)
		x[i] = seconds * (1 + 0.001 * (i - N / 2));
	s.seconds = x;
	s.seconds_n = N;
	y->at[y->n++] = s;
}

/* A knee at 8 rows, where one kernel takes over from another. */
static double u_of(int64_t m, int64_t n)
{
	return (m <= 8 ? 0.1 + 0.02 * (double)m : 0.15 + 0.4 * (double)m / (double)(m + 64)) * (double)n /
	       (double)(n + 256);
}

static double product_s(int64_t m, int64_t n, double factor)
{
	return start_s + 2 * (double)(m * n) * (double)n / (factor * u_of(m, n) * flops);
}

static void measure_base(struct samples *y)
{
	*y = (struct samples){.arena = ARENA_INIT};
	for (int i = 0; i < 8; i++)
		measure(y, (struct sample){.kind = SAMPLE_READ, .bytes = 64e6 * pow(2, i)},
			64e6 * pow(2, i) / read_Bps);
	for (int64_t m = 1; m <= 4096; m *= 4)
		measure(y, (struct sample){.kind = SAMPLE_DISPATCH, .m = m, .k = 1},
			20e-6 + 2e-6 * (double)m);
	for (int64_t n = 512; n <= 4096; n *= 2) {
		measure(y,
			(struct sample){
				.kind = SAMPLE_GEMV, .m = 1, .n = n, .k = n, .bytes = 4.0 * (double)(n * n)},
			start_s + 4.0 * (double)(n * n) / read_Bps);
		for (int64_t m = 16; m <= 1024; m *= 4)
			measure(y,
				(struct sample){.kind = SAMPLE_GEMM,
						.m = m,
						.n = n,
						.k = n,
						.flop = 2.0 * (double)(m * n) * (double)n},
				product_s(m, n, 1.5));
	}
}

static void measure_q8(struct samples *y, int64_t m, int64_t n)
{
	const double bytes = 34.0 / 32 * (double)(n * n), flop = 2.0 * (double)(m * n) * (double)n;

	measure(y,
		(struct sample){.kind = m > FEW_GEMM_ROWS ? SAMPLE_GEMM : SAMPLE_GEMV,
				.dtype = SAMPLE_Q8,
				.m = m,
				.n = n,
				.k = n,
				.bytes = bytes,
				.flop = m > FEW_GEMM_ROWS ? flop : 0},
		product_s(m, n, 1));
}

static struct profile_fit fitted_with(struct samples *y, const struct datasheet *facts)
{
	const struct sample_set set = {.chip = "Known law",
				       .device = "cpu",
				       .runtime = "cblas",
				       .tool = "test",
				       .samples = y->at,
				       .n = y->n};
	struct profile_fit d;
	struct err err = ERR_INIT;

	gsl_set_error_handler_off();
	ck_assert_msg(profile_fit_make(&y->arena, &set, facts, &d, &err) == 0, "%s", err.msg);
	return d;
}

static struct profile_fit fitted(struct samples *y)
{
	return fitted_with(y, NULL);
}

/* Each point gives its sample's time back: the start, and its work at the point's share of the peak. */
START_TEST(a_table_gives_its_samples_back)
{
	static const int64_t rows[] = {2, 4, 8, 16, 32, 64, 256}, widths[] = {512, 2048};
	struct samples y;
	struct profile_fit d;

	measure_base(&y);
	for (size_t r = 0; r < ARRAY_LEN(rows); r++)
		for (size_t w = 0; w < ARRAY_LEN(widths); w++)
			measure_q8(&y, rows[r], widths[w]);
	d = fitted(&y);
	ck_assert_uint_eq(d.products[FEW_Q8].n, ARRAY_LEN(rows) * ARRAY_LEN(widths));
	ck_assert_uint_eq(d.products[FEW_Q4].n, 0);
	for (size_t i = 0; i < d.products[FEW_Q8].n; i++) {
		const struct utilisation_point *p = &d.products[FEW_Q8].at[i];
		const double work = 2 * (double)(p->m * p->n) * (double)p->k;
		const double peak = d.gemm[DTYPE_F32].peak.value;
		const double got = d.product.value + work / (p->u.value * peak);

		ck_assert_msg(fabs(got / product_s(p->m, p->n, 1) - 1) < 0.01,
			      "%lld rows of %lld: %g, not %g", (long long)p->m, (long long)p->n, got,
			      product_s(p->m, p->n, 1));
	}
	arena_release(&y.arena);
}
END_TEST

/* Of blocks, few rows and many alone are what the few numbers were made for. */
START_TEST(without_rows_between_there_is_no_table)
{
	static const int64_t rows[] = {2, 4, 8, 128, 512};
	struct samples y;
	struct profile_fit d;

	measure_base(&y);
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		measure_q8(&y, rows[r], 512);
		measure_q8(&y, rows[r], 2048);
	}
	d = fitted(&y);
	ck_assert_uint_eq(d.products[FEW_Q8].n, 0);
	arena_release(&y.arena);
}
END_TEST

/* Experts of one width say nothing of another's, nor one number of rows of more; those that the host calls are no kernel. */
static const struct {
	size_t widths, rows, points;
	const char *path;
} experts[] = {{2, 3, 6, "any"}, {1, 3, 0, "any"}, {2, 1, 0, "any"}, {2, 3, 0, "called"}};

START_TEST(experts_need_widths_and_rows)
{
	enum { HIT = 8 };
	static const int64_t widths[] = {1024, 2048}, rows[] = {1, 4, 16};
	struct samples y;
	struct profile_fit d;

	measure_base(&y);
	for (size_t w = 0; w < experts[_i].widths; w++)
		for (size_t r = 0; r < experts[_i].rows; r++)
			measure(&y,
				(struct sample){.kind = SAMPLE_MOE,
						.path = experts[_i].path,
						.m = HIT * rows[r],
						.n = widths[w],
						.k = HIT,
						.bytes = 4.0 * HIT * (double)(widths[w] * widths[w])},
				start_s + HIT * (product_s(rows[r], widths[w], 1) - start_s));
	d = fitted(&y);
	ck_assert_uint_eq(d.experts[FEW_WHOLE].n, experts[_i].points);
	for (size_t i = 0; i < d.experts[FEW_WHOLE].n; i++) {
		const struct utilisation_point *p = &d.experts[FEW_WHOLE].at[i];
		const double u = p->u.value * d.gemm[DTYPE_F32].peak.value / flops;

		ck_assert_msg(fabs(u / u_of(p->m, p->n) - 1) < 0.05, "%lld rows of %lld: %g, not %g",
			      (long long)p->m, (long long)p->n, u, u_of(p->m, p->n));
	}
	arena_release(&y.arena);
}
END_TEST

/* Experts start together: that each one's share is less than a start says nothing against the product of them all. */
START_TEST(experts_start_together)
{
	enum { HIT = 64 };
	static const int64_t widths[] = {256, 512}, rows[] = {1, 4};
	struct samples y;
	struct profile_fit d;

	measure_base(&y);
	for (int i = 0; i < 4; i++)
		measure(&y,
			(struct sample){.kind = SAMPLE_MOE,
					.m = HIT * rows[i / 2],
					.n = widths[i % 2],
					.k = HIT,
					.bytes = 4.0 * HIT * (double)(widths[i % 2] * widths[i % 2])},
			3 * start_s);
	d = fitted(&y);
	ck_assert_uint_eq(d.experts[FEW_WHOLE].n, 4);
	for (size_t i = 0; i < 4; i++) {
		const struct utilisation_point *p = &d.experts[FEW_WHOLE].at[i];
		const double work = 2 * (double)(p->m * p->n) * (double)p->k;

		ck_assert_int_eq(p->k, HIT * p->n);
		ck_assert_double_eq_tol(work / (p->u.value * d.gemm[DTYPE_F32].peak.value) / (2 * start_s), 1,
					0.05);
	}
	arena_release(&y.arena);
}
END_TEST

/* Where tokens choose, an expert gets one and a half rows on average: the rate is that of the work that was done, and the point stands there. */
START_TEST(experts_get_rows_unevenly)
{
	enum { HIT = 8 };
	static const int64_t widths[] = {1024, 2048}, rows[] = {12, 44};
	struct samples y;
	struct profile_fit d;

	measure_base(&y);
	for (int i = 0; i < 4; i++) {
		const int64_t n = widths[i % 2], m = rows[i / 2];

		measure(&y,
			(struct sample){.kind = SAMPLE_MOE,
					.m = m,
					.n = n,
					.k = HIT,
					.bytes = 4.0 * HIT * (double)(n * n)},
			start_s + 2 * (double)(m * n) * (double)n / (0.5 * flops));
	}
	d = fitted(&y);
	ck_assert_uint_eq(d.experts[FEW_WHOLE].n, 4);
	for (size_t i = 0; i < 4; i++) {
		const struct utilisation_point *p = &d.experts[FEW_WHOLE].at[i];

		ck_assert_int_eq(p->m, rows[i / 2]);
		ck_assert_int_eq(p->per, HIT);
		ck_assert_double_eq_tol(p->u.value * d.gemm[DTYPE_F32].peak.value, 0.5 * flops, 0.05 * flops);
	}
	arena_release(&y.arena);
}
END_TEST

/* Experts of one kernel up to eight tokens and of another above, in tiles as wide as the pass: how many rows an expert gets is no matter. The
 * work of the tiles is the same share of the peak everywhere, so that a table by tokens tells what it was not made of, and one by rows does not. */
START_TEST(experts_in_tiles_of_the_pass)
{
	static const struct {
		int64_t m, k;
	} of[] = {{8, 8},    {32, 26},  {64, 42},  {72, 45},  {128, 32}, {128, 56},
		  {256, 32}, {256, 63}, {512, 32}, {512, 64}, {2048, 64}};
	static const int64_t widths[] = {1024, 2048};
	struct samples y;
	struct profile_fit d;

	measure_base(&y);
	for (size_t i = 0; i < ARRAY_LEN(of); i++)
		for (size_t w = 0; w < ARRAY_LEN(widths); w++) {
			const double tokens = ceil((double)of[i].m / 8),
				     all = (double)(of[i].k * widths[w] * widths[w]),
				     rows = tokens <= 8 ? (double)of[i].m / (double)of[i].k : tokens;

			measure(&y,
				(struct sample){.kind = SAMPLE_MOE,
						.dtype = SAMPLE_Q8,
						.m = of[i].m,
						.n = widths[w],
						.k = of[i].k,
						.bytes = 34.0 / 32 * all},
				start_s + 2 * rows * all / ((tokens <= 8 ? 0.1 : 0.4) * flops));
		}
	d = fitted(&y);
	ck_assert_uint_eq(d.experts_few[FEW_Q8].n, 6);
	ck_assert(!d.experts_few[FEW_Q8].tokens);
	ck_assert(d.experts[FEW_Q8].tokens);
	ck_assert_uint_eq(d.experts[FEW_Q8].n, 16);
	for (size_t i = 0; i < 16; i++) {
		const struct utilisation_point *p = &d.experts[FEW_Q8].at[i];

		ck_assert_int_eq(p->m, of[3 + i / 2].m / 8);
		ck_assert_int_eq(p->per, 0);
		ck_assert_double_eq_tol(p->u.value * d.gemm[DTYPE_F32].peak.value, 0.4 * flops, 0.02 * flops);
	}
	arena_release(&y.arena);
}
END_TEST

/* Of products in f16 that were measured as they are and between conversions, those are the program's that its facts name. */
START_TEST(products_between_conversions)
{
	static const struct datasheet_row row = {.key = "linear.path", .value = "converted"};
	static const struct datasheet facts = {.at = &row, .n = 1};
	static const int64_t widths[] = {512, 1024, 2048}, rows[] = {16, 256};
	struct samples y;
	struct profile_fit d[2];

	measure_base(&y);
	for (size_t i = 0; i < 6; i++)
		for (int way = 0; way < (rows[i / 3] > 16 ? 2 : 1); way++) {
			const int64_t m = rows[i / 3], n = widths[i % 3];

			measure(&y,
				(struct sample){.kind = SAMPLE_GEMM,
						.dtype = SAMPLE_F16,
						.path = way ? "converted" : "cublas",
						.m = m,
						.n = n,
						.k = n,
						.flop = 2.0 * (double)(m * n) * (double)n},
				product_s(m, n, way ? 0.5 : 1));
		}
	d[0] = fitted(&y);
	d[1] = fitted_with(&y, &facts);
	for (size_t way = 0; way < 2; way++) {
		const struct utilisation_table *t = &d[way].gemm[DTYPE_F16];

		ck_assert_uint_eq(t->n, 6);
		for (size_t i = 0; i < t->n; i++) {
			const double factor = way && t->at[i].m > 16 ? 0.5 : 1;
			const double u = t->at[i].u.value * t->peak.value / flops;

			ck_assert_double_eq_tol(u / (factor * u_of(t->at[i].m, t->at[i].n)), 1, 0.1);
		}
		ck_assert_uint_gt(d[way].unused_n, 0);
	}
	arena_release(&y.arena);
}
END_TEST

/* Single rows are in the table where they are of many shapes, and no one rate holds for them. */
static const struct {
	int64_t shapes;
	double faster; /* the widest, against the law of the narrowest */
	size_t points;
} singles[] = {{8, 3, 16}, {8, 1, 8}, {7, 3, 7}};

START_TEST(single_rows_of_unlike_rates)
{
	struct samples y;
	struct profile_fit d;
	size_t alone = 0;

	measure_base(&y);
	for (int64_t i = 0; i < singles[_i].shapes; i++) {
		const int64_t n = 1024 + 512 * i;
		const double bytes = 34.0 / 32 * (double)(n * n);

		measure(&y,
			(struct sample){.kind = SAMPLE_GEMV,
					.dtype = SAMPLE_Q8,
					.m = 1,
					.n = n,
					.k = n,
					.bytes = bytes},
			start_s + bytes / (read_Bps * (i % 2 ? singles[_i].faster : 1)));
		measure_q8(&y, 16, n);
	}
	d = fitted(&y);
	ck_assert_uint_eq(d.products[FEW_Q8].n, singles[_i].points);
	for (size_t i = 0; i < d.products[FEW_Q8].n; i++)
		alone += d.products[FEW_Q8].at[i].m == 1;
	ck_assert_uint_eq(alone, singles[_i].points > 8 ? 8 : 0);
	arena_release(&y.arena);
}
END_TEST

/* One query of each of several sequences is another kernel: neither law has the other's samples in it. */
START_TEST(several_sequences_are_another_kernel)
{
	struct samples y;
	struct profile_fit d;

	measure_base(&y);
	for (int64_t m = 1; m <= 16; m *= 4)
		for (int64_t n = 1024; n <= 16384; n *= 2) {
			const double bytes = 4096.0 * (double)(m * n), start = m > 1 ? 2 * start_s : start_s,
				     rate = m > 1 ? read_Bps / 2 : read_Bps;

			measure(&y,
				(struct sample){.kind = SAMPLE_DECODE,
						.m = m,
						.n = n,
						.heads = 32,
						.kv_heads = 8,
						.head_dim = 128,
						.bytes = bytes},
				start + bytes / rate);
		}
	d = fitted(&y);
	ck_assert(d.several.given && d.several_start.given);
	ck_assert_double_eq_tol(d.decode.value / read_Bps, 1, 0.02);
	ck_assert_double_eq_tol(d.several.value / (read_Bps / 2), 1, 0.02);
	ck_assert_double_eq_tol(d.several_start.value / (2 * start_s), 1, 0.05);
	arena_release(&y.arena);
}
END_TEST

/* A layer of so many kernels, whose order takes more of each that works and of each that does not. */
static void measure_layer(struct samples *y, enum sample_dtype dtype, int64_t kernels, bool parts)
{
	const double alone_s = 40e-6 + 2e-6 * (double)kernels, works_s = 0.35e-6, idles_s = 0.2e-6;
	struct sample s = {
		.kind = SAMPLE_LAYER, .dtype = dtype, .m = kernels, .n = 8192, .k = 2048, .heads = 32};

	measure(y, s,
		alone_s + works_s * SAMPLE_LAYER_WORK + idles_s * (double)(kernels - SAMPLE_LAYER_WORK));
	s.kind = SAMPLE_PARTS;
	if (parts)
		measure(y, s, alone_s);
}

static size_t unused_of(const struct profile_fit *d, enum sample_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < d->unused_n; i++)
		n += d->unused[i].kind == kind ? d->unused[i].n : 0;
	return n;
}

/* Kernels that do work and those that do not are told apart by layers of few and of many of the latter; alone a layer tells nothing. */
START_TEST(kernels_take_more_among_unlike_ones)
{
	struct samples y;
	struct profile_fit d;
	double kernel_s;

	measure_base(&y);
	measure_layer(&y, SAMPLE_Q8, 12, false);
	d = fitted(&y);
	ck_assert(!d.unlike.given);
	ck_assert_uint_eq(unused_of(&d, SAMPLE_LAYER), 1);
	kernel_s = d.kernel.value;
	measure_layer(&y, SAMPLE_F16, 12, true);
	measure_layer(&y, SAMPLE_F16, 20, true);
	measure_layer(&y, SAMPLE_Q4, 12, true);
	measure_layer(&y, SAMPLE_Q4, 20, true);
	d = fitted(&y);
	ck_assert_double_eq_tol(d.unlike.value, 0.35e-6, 1e-9);
	ck_assert_double_eq_tol(d.kernel.value - kernel_s, 0.2e-6, 1e-9);
	ck_assert_uint_eq(unused_of(&d, SAMPLE_LAYER), 1);
	ck_assert_uint_eq(unused_of(&d, SAMPLE_PARTS), 0);
	arena_release(&y.arena);
}
END_TEST

/* Layers whose order takes no longer add nothing, and are counted. */
START_TEST(kernels_that_take_no_more)
{
	struct samples y;
	struct profile_fit d;

	measure_base(&y);
	for (int kind = SAMPLE_LAYER; kind <= SAMPLE_PARTS; kind++)
		measure(&y, (struct sample){.kind = (enum sample_kind)kind, .m = 12, .n = 8192, .k = 2048},
			kind == SAMPLE_LAYER ? 60e-6 : 61e-6);
	d = fitted(&y);
	ck_assert(!d.unlike.given);
	ck_assert_uint_eq(unused_of(&d, SAMPLE_LAYER) + unused_of(&d, SAMPLE_PARTS), 2);
	arena_release(&y.arena);
}
END_TEST

/* A token for each of several experts, whose weights are read at a share of the rate of one matrix in their format. */
static void measure_scattered(struct samples *y, enum sample_dtype dtype, double share)
{
	const double width_B = dtype == SAMPLE_Q8 ? 34.0 / 32 : 4;

	for (int64_t k = 4; k <= 16; k *= 2) {
		const double bytes = width_B * 2048 * 2048 * (double)k;

		measure(y,
			(struct sample){.kind = SAMPLE_MOE,
					.dtype = dtype,
					.m = k,
					.n = 2048,
					.k = k,
					.bytes = bytes},
			start_s + bytes / (share * read_Bps));
	}
}

START_TEST(experts_in_blocks_tell_what_gathering_costs)
{
	struct samples y;
	struct profile_fit d;

	measure_base(&y);
	for (int64_t n = 512; n <= 4096; n *= 2)
		measure(&y,
			(struct sample){.kind = SAMPLE_GEMV,
					.dtype = SAMPLE_Q8,
					.m = 1,
					.n = n,
					.k = n,
					.bytes = 34.0 / 32 * (double)(n * n)},
			start_s + 34.0 / 32 * (double)(n * n) / read_Bps);
	measure_scattered(&y, SAMPLE_Q8, 0.6);
	d = fitted(&y);
	ck_assert_double_eq_tol(d.few.scattered.value, 0.6, 0.03);
	ck_assert_uint_eq(unused_of(&d, SAMPLE_MOE), 0);
	measure_scattered(&y, SAMPLE_F32, 0.8);
	d = fitted(&y);
	ck_assert_double_eq_tol(d.few.scattered.value, 0.8, 0.03);
	ck_assert_uint_eq(unused_of(&d, SAMPLE_MOE), 3);
	arena_release(&y.arena);
}
END_TEST

Suite *suite_products(void)
{
	Suite *s = suite_create("products");
	TCase *t = tcase_create("tables");

	tcase_add_test(t, a_table_gives_its_samples_back);
	tcase_add_test(t, without_rows_between_there_is_no_table);
	tcase_add_loop_test(t, experts_need_widths_and_rows, 0, ARRAY_LEN(experts));
	tcase_add_test(t, experts_start_together);
	tcase_add_test(t, experts_in_tiles_of_the_pass);
	tcase_add_test(t, products_between_conversions);
	tcase_add_test(t, experts_get_rows_unevenly);
	tcase_add_test(t, several_sequences_are_another_kernel);
	tcase_add_loop_test(t, single_rows_of_unlike_rates, 0, ARRAY_LEN(singles));
	tcase_add_test(t, kernels_take_more_among_unlike_ones);
	tcase_add_test(t, kernels_that_take_no_more);
	tcase_add_test(t, experts_in_blocks_tell_what_gathering_costs);
	suite_add_tcase(s, t);
	return s;
}
