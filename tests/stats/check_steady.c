/* check_steady.c - cuts, intervals and verdicts, by hand and against queues with closed forms. */
#include "tests/suites.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/load/variates.h"
#include "sim/stats/steady.h"

START_TEST(mser_by_hand)
{
	/* Twenty means of 5: 9, 5, then 2 and 0 by turns. d = 2 leaves 18 with squares 18: 18/18^2 = 0.0556.
	 * d = 0: mean 1.6, squares 9^2 + 5^2 + 9 * 4 - 20 * 1.6^2 = 90.8: /400 = 0.227; d = 1: mean 23/19,
	 * squares 61 - 23^2/19 = 33.2: /361 = 0.092; d = 3: 17 with squares 16.94: 0.0586. So 10 of 100 are
	 * cut. */
	double x[100];
	struct steady_cut c;

	for (int i = 0; i < 100; i++)
		x[i] = i < 5 ? 9 : i < 10 ? 5 : i / 5 % 2 ? 0 : 2;
	c = steady_mser5(x, 100);
	ck_assert(c.enough && c.cut == 10);
	/* a longer beginning: 30 of 100 */
	for (int i = 0; i < 100; i++)
		x[i] = i < 30 ? 50 - i : i / 5 % 2 ? 0 : 2;
	c = steady_mser5(x, 100);
	ck_assert(c.enough && c.cut == 30);
}
END_TEST

START_TEST(mser_bounds)
{
	double x[200];
	struct steady_cut c;

	for (int i = 0; i < 200; i++)
		x[i] = i % 3;
	c = steady_mser5(x, 200);
	ck_assert(c.enough && c.cut == 20); /* a tenth at least */
	for (int i = 0; i < 200; i++)
		x[i] = i; /* it grows all the time */
	c = steady_mser5(x, 200);
	ck_assert(!c.enough && c.cut == 100);
	c = steady_mser5(x, 30);
	ck_assert(!c.enough);
}
END_TEST

START_TEST(batch_means_by_hand)
{
	/* 0, 2, 0, 2, ...: 40 batches of one; variance 40/39, t with 39 degrees 2.022691 */
	double x[41];
	struct steady_value v;

	for (int i = 0; i < 41; i++)
		x[i] = 2 * (i % 2);
	v = steady_mean(x + 1, 40);
	ck_assert(v.batches == 40 && v.independent && v.lag1 < 0);
	ck_assert_double_eq_tol(v.value, 1, 1e-12);
	ck_assert_double_eq_tol(v.half, 2.022691 / sqrt(39), 1e-6);
	v = steady_mean(x, 10);
	ck_assert(isinf(v.half) && !v.independent && v.value == 1);
	/* a trend is never uncorrelated */
	for (int i = 0; i < 40; i++)
		x[i] = i;
	v = steady_mean(x, 40);
	ck_assert(v.batches == 20 && !v.independent && v.lag1 > 0.5);
}
END_TEST

/* Waiting times of a queue with exponential service of mean 1 (Lindley's recursion), from empty. */
static void deps(double rate, const char *name, int replication, double *w, size_t n)
{
	char text[64];
	struct rng *r;
	double wait = 0;

	snprintf(text, sizeof text, "%s.%d", name, replication);
	r = rng_new(1, text);
	for (size_t i = 0; i < n; i++) {
		const double service = exact_exponential(r, 1), gap = exact_exponential(r, 1 / rate);

		w[i] = wait;
		wait = fmax(0, wait + service - gap);
	}
	rng_free(r);
}

/* M/M/1 at 0.7: mean wait 0.7 / 0.3, and P(wait > t) = 0.7 exp(-0.3 t). Of 40 intervals of 95 %, 33 or more
 * hold the truth but once in a thousand times. */
START_TEST(mm1_waits_are_covered)
{
	enum { RUNS = 40, N = 60000 };
	const double mean = 0.7 / 0.3, p95 = log(0.7 / 0.05) / 0.3;
	double *w = xmalloc(N * sizeof *w);
	int means = 0, quantiles = 0, independent = 0;

	for (int i = 0; i < RUNS; i++) {
		struct steady_cut c;
		struct steady_value m, q;

		deps(0.7, "mm1", i, w, N);
		c = steady_mser5(w, N);
		MUST(c.enough && c.cut >= N / 10);
		m = steady_mean(w + c.cut, N - c.cut);
		q = steady_quantile(w + c.cut, N - c.cut, 0.95);
		means += fabs(m.value - mean) <= m.half;
		quantiles += fabs(q.value - p95) <= q.half;
		independent += m.independent;
		MUST(m.half < 0.3 * mean && q.batches >= 20);
	}
	ck_assert_int_ge(means, 33);
	ck_assert_int_ge(quantiles, 33);
	ck_assert_int_ge(independent, 30);
	free(w);
}
END_TEST

START_TEST(quantile_wants_enough)
{
	double x[8000];

	for (int i = 0; i < 8000; i++)
		x[i] = (i * 7919) % 8000;
	ck_assert(isinf(steady_quantile(x, 8000, 0.95).half) == 0);
	ck_assert(isinf(steady_quantile(x, 8000, 0.99).half)); /* 20 batches of 2000 are wanted */
	ck_assert_double_eq_tol(steady_quantile(x, 8000, 0.5).value, 3999.5, 1e-9);
}
END_TEST

START_TEST(common_luck_is_paired)
{
	enum { RUNS = 12, N = 20000 };
	double a[RUNS], b[RUNS], c[RUNS], *w = xmalloc(N * sizeof *w);
	struct steady_value same, other;

	for (int i = 0; i < RUNS; i++) {
		double *const means[] = {&a[i], &b[i], &c[i]};
		const double rates[] = {0.6, 0.62, 0.62};

		for (int k = 0; k < 3; k++) {
			deps(rates[k], k == 2 ? "other" : "pair", i, w, N);
			*means[k] = 0;
			for (int j = 0; j < N; j++)
				*means[k] += w[j] / N;
		}
	}
	free(w);
	same = steady_paired(b, a, RUNS);
	other = steady_paired(c, a, RUNS);
	/* 0.62/0.38 - 0.6/0.4 = 0.1316 */
	ck_assert_double_eq_tol(same.value, 0.1316, same.half + 0.01);
	ck_assert_double_lt(same.half, other.half / 3);
	ck_assert(same.value - same.half > 0);
	ck_assert(isinf(steady_paired(a, b, 1).half));
}
END_TEST

START_TEST(when_to_stop)
{
	struct steady_bound b[2] = {{{10, 0.4, 40, 0, true}, NAN}, {{5, 1, 40, 0, true}, 2}};

	ck_assert_int_eq(steady_stop(b, 2, 1000), STEADY_SURE); /* 4 %; and 4 to 6 is above 2 */
	b[1].bound = 5.5;
	ck_assert_int_eq(steady_stop(b, 2, 1000), STEADY_GO_ON);
	ck_assert_int_eq(steady_stop(b, 2, STEADY_REQUESTS), STEADY_LIMIT);
	b[1].bound = 7;
	ck_assert_int_eq(steady_stop(b, 2, 1000), STEADY_SURE);
	b[0].value.half = 0.6;
	ck_assert_int_eq(steady_stop(b, 2, 1000), STEADY_GO_ON);
	b[0].value = (struct steady_value){10, 0.1, 20, 0.5, false};
	ck_assert_int_eq(steady_stop(b, 2, 1000),
			 STEADY_GO_ON); /* its batches are alike: the interval is too small */
}
END_TEST

/* The number in an M/M/1 queue, means over cells of 10 services. */
static void in_system(double rate, int seed, double *cells, size_t n)
{
	char text[32];
	struct rng *r;
	double t = 0, next = 0, leave = INFINITY;
	int64_t now = 0;

	snprintf(text, sizeof text, "system.%d", seed);
	r = rng_new(1, text);
	for (size_t i = 0; i < n; i++)
		cells[i] = 0;
	next = exact_exponential(r, 1 / rate);
	while (t < 10 * (double)n) {
		const double to = fmin(fmin(next, leave), (floor(t / 10) + 1) * 10);

		cells[(size_t)(t / 10)] += (double)now * (to - t) / 10;
		t = to;
		if (t == next) {
			next = t + exact_exponential(r, 1 / rate);
			leave = now++ ? leave : t + exact_exponential(r, 1);
		} else if (t == leave) {
			leave = --now ? t + exact_exponential(r, 1) : INFINITY;
		}
	}
	rng_free(r);
}

START_TEST(growth_is_seen)
{
	enum { N = 2000, SHORT = 200 };
	double *x = xmalloc(N * sizeof *x);
	struct steady_growth g;
	int stable = 0, false_alarms = 0;

	in_system(1.2, 1, x, N);
	g = steady_growth(x, N, 10, 1.2, 1.2);
	ck_assert_int_eq(g.trend, TREND_OVERLOADED);
	ck_assert_double_eq_tol(g.per_s, 0.2, 0.03);
	ck_assert(g.half < 0.1 && g.per_s - g.half > 0);
	ck_assert_int_eq(steady_growth(x, N, 10, NAN, NAN).trend, TREND_OVERLOADED);
	/* it grows, whatever a bound says that is too kind */
	ck_assert_int_eq(steady_growth(x, N, 10, 0.9, 1.2).trend, TREND_OVERLOADED);
	for (int i = 0; i < 40; i++) {
		in_system(0.6, 10 + i, x, N);
		stable += steady_growth(x, N, 10, 0.6, 0.6).trend == TREND_STABLE;
		MUST(steady_growth(x, N, 10, NAN, NAN).trend != TREND_OVERLOADED);
	}
	ck_assert_int_ge(stable, 36);
	for (int i = 0; i < 200; i++) {
		in_system(0.97, 100 + i, x, SHORT);
		false_alarms += steady_growth(x, SHORT, 10, 0.9, 0.97).trend == TREND_OVERLOADED;
	}
	ck_assert_int_le(false_alarms, 10); /* a queue that is long, not without end */
	ck_assert(isnan(steady_growth(x, 30, 10, 0.6, 0.6).per_s));
	free(x);
}
END_TEST

Suite *suite_steady(void)
{
	Suite *s = suite_create("steady");
	TCase *c = tcase_create("steady");

	tcase_add_test(c, mser_by_hand);
	tcase_add_test(c, mser_bounds);
	tcase_add_test(c, batch_means_by_hand);
	tcase_add_test(c, mm1_waits_are_covered);
	tcase_add_test(c, quantile_wants_enough);
	tcase_add_test(c, common_luck_is_paired);
	tcase_add_test(c, when_to_stop);
	tcase_add_test(c, growth_is_seen);
	suite_add_tcase(s, c);
	return s;
}
