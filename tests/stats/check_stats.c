/* check_stats.c - room stats, against values worked by hand or given by numpy 1.24 and t tables. */
#include "tests/suites.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

#include "sim/base/err.h"
#include "sim/base/rng.h"
#include "sim/stats/band.h"
#include "sim/stats/chance.h"
#include "sim/stats/ci.h"
#include "sim/stats/quantile.h"
#include "sim/stats/summary.h"

START_TEST(summary_by_hand)
{
	/* mean 5; squares 9+1+1+1+0+0+4+16 = 32; variance 32/7 */
	static const double x[] = {2, 4, 4, 4, 5, 5, 7, 9};
	struct summary s = summary_empty();

	for (size_t i = 0; i < ARRAY_LEN(x); i++)
		summary_add(&s, x[i]);
	ck_assert_uint_eq(s.n, 8);
	ck_assert_double_eq_tol(s.mean, 5, 1e-15);
	ck_assert_double_eq_tol(summary_variance(&s), 32.0 / 7, 1e-14);
	ck_assert_double_eq_tol(summary_sd(&s), sqrt(32.0 / 7), 1e-14);
	ck_assert_double_eq(s.min, 2);
	ck_assert_double_eq(s.max, 9);
}
END_TEST

START_TEST(summary_of_few)
{
	struct summary s = summary_empty();

	ck_assert_uint_eq(s.n, 0);
	ck_assert_double_eq(s.mean, 0);
	ck_assert_double_eq(summary_variance(&s), 0);
	summary_add(&s, -3);
	ck_assert_double_eq(s.mean, -3);
	ck_assert_double_eq(summary_variance(&s), 0);
	ck_assert_double_eq(s.min, -3);
	ck_assert_double_eq(s.max, -3);
}
END_TEST

START_TEST(summary_far_from_zero)
{
	/* the textbook sum of squares loses all digits here: variance of 4, 7, 13, 16 is 30 */
	static const double x[] = {1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16};
	struct summary s = summary_empty();

	for (size_t i = 0; i < ARRAY_LEN(x); i++)
		summary_add(&s, x[i]);
	ck_assert_double_eq_tol(summary_variance(&s), 30, 1e-6);
}
END_TEST

/* numpy.quantile(x, share), method 'linear' */
static const struct {
	double x[6];
	size_t n;
	double share, want;
} quantiles[] = {
	{{7}, 1, 0, 7},
	{{7}, 1, 0.99, 7},
	{{1, 2}, 2, 0.5, 1.5},
	{{1, 2, 3, 4}, 4, 0.25, 1.75},
	{{4, 1, 3, 2}, 4, 0.75, 3.25},
	{{15, 20, 35, 40, 50}, 5, 0.4, 29},
	{{50, 40, 35, 20, 15}, 5, 0, 15},
	{{50, 40, 35, 20, 15}, 5, 1, 50},
	{{1, 1, 2, 2, 9, 9}, 6, 0.5, 2},
	{{0, 10, 20, 30, 40, 100}, 6, 0.9, 70},
	{{0, 10, 20, 30, 40, 100}, 6, 0.99, 97},
	{{-1, 1, -INFINITY, INFINITY, INFINITY, 0}, 6, 0.9, INFINITY},
};

START_TEST(quantile_case)
{
	double copy[6];
	const double got = quantile_of(quantiles[_i].x, quantiles[_i].n, quantiles[_i].share);

	if (isinf(quantiles[_i].want))
		ck_assert_double_eq(got, quantiles[_i].want);
	else
		ck_assert_double_eq_tol(got, quantiles[_i].want, 1e-12);
	for (size_t i = 0; i < quantiles[_i].n; i++)
		copy[i] = quantiles[_i].x[i];
	quantile_sort(copy, quantiles[_i].n);
	ck_assert_double_eq(quantile_sorted(copy, quantiles[_i].n, quantiles[_i].share), got);
}
END_TEST

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Orders in which a bad choice of pivots or runs would show: the i-th of n numbers. */
static double shaped(int shape, size_t i, size_t n, struct rng *r)
{
	switch (shape) {
	case 0:
		return (double)i;
	case 1:
		return (double)(n - i);
	case 2: /* up and down again */
		return (double)(i < n / 2 ? i : n - i);
	case 3: /* few values, each many times */
		return (double)(i * 7 % 3);
	case 4:
		return 5;
	default:
		return rng_uniform(r);
	}
}

/* quantile_sort(), and quantile_of() and quantile_several(), which sort only as far as they must, against the library's qsort(). */
START_TEST(quantile_is_of_the_sorted)
{
	static const double shares[] = {0, 0.01, 0.5, 0.95, 0.99, 1};
	double x[1000], want[1000], sorted[1000], at[ARRAY_LEN(shares)];
	struct rng *r = rng_new(1, "quantile");

	for (size_t n = 1; n <= ARRAY_LEN(x); n += n < 40 ? 1 : 137) {
		for (size_t i = 0; i < n; i++)
			x[i] = sorted[i] = want[i] = shaped(_i, i, n, r);
		qsort(want, n, sizeof *want, by_size);
		quantile_sort(sorted, n);
		for (size_t i = 0; i < n; i++)
			MUST(sorted[i] == want[i]);
		for (size_t k = 0; k < ARRAY_LEN(shares); k++)
			MUST(quantile_of(x, n, shares[k]) == quantile_sorted(want, n, shares[k]));
		quantile_several(x, n, shares, ARRAY_LEN(shares), at);
		for (size_t k = 0; k < ARRAY_LEN(shares); k++)
			MUST(at[k] == quantile_sorted(want, n, shares[k]));
	}
	rng_free(r);
}
END_TEST

/* Two-sided 95 % and 99 % points of Student's t, from the tables. */
static const struct {
	int n;
	double level, t;
} students[] = {
	{2, 0.95, 12.706205}, {3, 0.95, 4.302653},  {11, 0.95, 2.228139},
	{31, 0.95, 2.042272}, {11, 0.99, 3.169273}, {2, 0.50, 1.0},
};

START_TEST(ci_is_students)
{
	struct summary s = summary_empty();
	const int n = students[_i].n;
	struct ci ci;

	for (int i = 0; i < n; i++)
		summary_add(&s, i);
	ci = ci_mean(&s, students[_i].level);
	ck_assert_double_eq_tol(ci.mean, (n - 1) / 2.0, 1e-12);
	ck_assert_double_eq_tol(ci.half, students[_i].t * sqrt(summary_variance(&s) / n), 1e-5);
}
END_TEST

/* Against GSL, over the degrees and levels that fits, ranks and servers ask for. */
START_TEST(errors_are_students)
{
	static const double levels[] = {0.5, 0.9, 0.95, 0.99, 1 - 6.4e-5};
	static const size_t freedom[] = {1, 2, 3, 4, 5, 8, 17, 30, 101, 998, 9999, 10000, 50000};

	for (size_t i = 0; i < ARRAY_LEN(levels); i++)
		for (size_t k = 0; k < ARRAY_LEN(freedom); k++) {
			const double t = gsl_cdf_tdist_Qinv((1 - levels[i]) / 2, (double)freedom[k]);

			MUST(fabs(ci_errors(freedom[k], levels[i]) - t) <= 1e-8 * t);
		}
}
END_TEST

START_TEST(ci_of_one_is_everything)
{
	struct summary s = summary_empty();

	summary_add(&s, 4);
	ck_assert(isinf(ci_mean(&s, 0.95).half));
}
END_TEST

START_TEST(ci_batches_by_hand)
{
	/* batches of two: means 2, 4, 9; the 100 is left over; mean 5, variance 13, t(2) = 4.302653 */
	static const double x[] = {1, 3, 4, 4, 10, 8, 100};
	const struct ci ci = ci_batch_means(x, ARRAY_LEN(x), 3, 0.95);

	ck_assert_double_eq_tol(ci.mean, 5, 1e-12);
	ck_assert_double_eq_tol(ci.half, 4.302653 * sqrt(13.0 / 3), 1e-5);
}
END_TEST

/* x[t] = 0.95 x[t-1] + noise: neighbours are alike, and an interval that ignores it is far too narrow. */
START_TEST(ci_batches_see_autocorrelation)
{
	enum { N = 4000, SERIES = 200 };
	static double x[N];
	struct rng *r = rng_new(7, "series");
	int naive_hits = 0, batch_hits = 0;

	for (int k = 0; k < SERIES; k++) {
		struct summary s = summary_empty();
		double now = 0;
		struct ci naive, batch;

		for (int i = -200; i < N; i++) {
			now = 0.95 * now + rng_normal(r);
			if (i >= 0)
				summary_add(&s, x[i] = now);
		}
		naive = ci_mean(&s, 0.95);
		batch = ci_batch_means(x, N, 10, 0.95);
		naive_hits += fabs(naive.mean) < naive.half;
		batch_hits += fabs(batch.mean) < batch.half;
	}
	rng_free(r);
	ck_assert_int_lt(naive_hits, SERIES / 2);
	ck_assert_int_gt(batch_hits, SERIES * 88 / 100);
}
END_TEST

/* Eleven draws 0 to 10: P10 is 1, P90 is 9. */
START_TEST(a_band_holds_its_value)
{
	double drawn[13];
	const double *ends = (const double[]){NAN, INFINITY};
	struct band b;

	for (size_t i = 0; i < 11; i++)
		drawn[i] = (double)((7 * i) % 11);
	b = band_of(5, drawn, 11);
	ck_assert(b.lo == 1 && b.hi == 9);
	b = band_of(0.5, drawn, 11);
	ck_assert(b.lo == 0.5 && b.hi == 9);
	b = band_of(12, drawn, 11);
	ck_assert(b.lo == 1 && b.hi == 12);
	drawn[11] = ends[0];
	drawn[12] = ends[1];
	b = band_of(5, drawn, 13);
	ck_assert(b.lo == 1 && b.hi == 9);
	b = band_of(NAN, drawn, 13);
	ck_assert(b.lo == 1 && b.hi == 9);
	b = band_of(5, drawn + 11, 2);
	ck_assert(isnan(b.lo) && isnan(b.hi));
	b = band_of(5, NULL, 0);
	ck_assert(isnan(b.lo) && isnan(b.hi));
}
END_TEST

START_TEST(chances_are_binomial)
{
	for (unsigned n = 1; n <= 40; n++)
		for (unsigned k = 1; k <= n; k++)
			for (int p = 1; p < 10; p += 4)
				ck_assert_double_eq_tol(chance_of_outside(k, n, p / 10.0),
							gsl_cdf_binomial_Q(k - 1, p / 10.0, n), 1e-12);
	ck_assert_double_eq(chance_of_outside(0, 7, 0.2), 1);
}
END_TEST

Suite *suite_stats(void)
{
	Suite *s = suite_create("stats");
	TCase *tc = tcase_create("stats");

	tcase_add_test(tc, summary_by_hand);
	tcase_add_test(tc, summary_of_few);
	tcase_add_test(tc, summary_far_from_zero);
	tcase_add_loop_test(tc, quantile_case, 0, ARRAY_LEN(quantiles));
	tcase_add_loop_test(tc, quantile_is_of_the_sorted, 0, 6);
	tcase_add_loop_test(tc, ci_is_students, 0, ARRAY_LEN(students));
	tcase_add_test(tc, errors_are_students);
	tcase_add_test(tc, ci_of_one_is_everything);
	tcase_add_test(tc, a_band_holds_its_value);
	tcase_add_test(tc, chances_are_binomial);
	tcase_add_test(tc, ci_batches_by_hand);
	tcase_add_test(tc, ci_batches_see_autocorrelation);
	suite_add_tcase(s, tc);
	return s;
}
