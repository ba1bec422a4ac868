/* steady.c - see steady.h. */
#include "sim/stats/steady.h"

#include <math.h>
#include <stdlib.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/stats/ci.h"
#include "sim/stats/quantile.h"

static const double LEVEL = 0.95, NORMAL_AT_LEVEL = 1.959964, UNCORRELATED = 0.1, PRECISE = 0.05;
static const size_t batch_counts[] = {160, 80, 40, STEADY_BATCHES};

/* From the end backwards, mean and squares of what is left grow by one number at a time (Welford). */
static size_t best_cut(const double *y, size_t n)
{
	struct summary left = summary_empty();
	double best = INFINITY;
	size_t cut = 0;

	for (size_t d = n; d-- > 0;) {
		double error;

		summary_add(&left, y[d]);
		error = left.squares / ((double)left.n * (double)left.n);
		if (d <= n - n / 4 - 1 && error <= best) { /* of equal ones, the earlier */
			best = error;
			cut = d;
		}
	}
	return cut;
}

struct steady_cut steady_mser5(const double *x, size_t n)
{
	const size_t fives = n / 5, tenth = (n + 9) / 10;
	struct steady_cut c = {n / 2, false};
	double *y;

	if (fives < 8)
		return c;
	y = xmalloc(fives * sizeof *y);
	for (size_t i = 0; i < fives; i++)
		y[i] = (x[5 * i] + x[5 * i + 1] + x[5 * i + 2] + x[5 * i + 3] + x[5 * i + 4]) / 5;
	c.cut = 5 * best_cut(y, fives);
	free(y);
	c.enough = c.cut <= n / 2;
	c.cut = c.cut < tenth ? tenth : c.cut > n / 2 ? n / 2 : c.cut;
	return c;
}

static double lag1(const double *y, size_t n)
{
	struct summary s = summary_empty();
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		summary_add(&s, y[i]);
	for (size_t i = 0; i + 1 < n; i++)
		sum += (y[i] - s.mean) * (y[i + 1] - s.mean);
	return s.squares > 0 ? sum / s.squares : 0;
}

/* share < 0: the mean. */
static double statistic(const double *x, size_t n, double share)
{
	return share < 0 ? plain_mean(x, n) : quantile_of(x, n, share);
}

/* The batches' own values; what they are of is at the end of the series. */
static struct steady_value with_batches(const double *x, size_t n, double share, size_t batches)
{
	struct steady_value v = {.batches = batches};
	struct summary s = summary_empty();
	const size_t each = n / batches;
	double y[160];

	x += n - each * batches;
	for (size_t b = 0; b < batches; b++) {
		y[b] = statistic(x + b * each, each, share);
		summary_add(&s, y[b]);
	}
	v.half = ci_mean(&s, LEVEL).half;
	v.lag1 = lag1(y, batches);
	v.independent = v.lag1 < UNCORRELATED;
	return v;
}

static struct steady_value batched(const double *x, size_t n, double share, size_t least)
{
	struct steady_value v = {NAN, INFINITY, 0, NAN, false};

	for (size_t i = 0; i < ARRAY_LEN(batch_counts) && !v.independent; i++)
		if (n / batch_counts[i] >= least)
			v = with_batches(x, n, share, batch_counts[i]);
	if (n)
		v.value = statistic(x, n, share);
	return v;
}

struct steady_value steady_mean(const double *x, size_t n)
{
	return batched(x, n, -1, 1);
}

struct steady_value steady_quantile(const double *x, size_t n, double share)
{
	const double least = 20 / (1 - share);

	BUG_ON(!(share >= 0 && share < 1));
	return batched(x, n, share, (size_t)(least + 0.999999));
}

struct steady_value steady_paired(const double *a, const double *b, size_t n)
{
	struct summary s = summary_empty();
	struct ci ci;

	for (size_t i = 0; i < n; i++)
		summary_add(&s, a[i] - b[i]);
	ci = ci_mean(&s, LEVEL);
	return (struct steady_value){n ? ci.mean : NAN, ci.half, n, 0, true};
}

enum steady_stop steady_stop(const struct steady_bound *b, size_t n, uint64_t requests)
{
	bool sure = true;

	for (size_t i = 0; i < n; i++) {
		const struct steady_value *v = &b[i].value;
		const bool precise = v->half <= PRECISE * fabs(v->value),
			   decided = fabs(v->value - b[i].bound) > v->half; /* false for NAN */

		sure &= v->independent && (precise || decided);
	}
	return sure ? STEADY_SURE : requests >= STEADY_REQUESTS ? STEADY_LIMIT : STEADY_GO_ON;
}

/* Least squares of y over 0, 1, 2, ...: the slope, its error, and how alike neighbouring residuals are. */
static double slope_of(const double *y, size_t n, double *error)
{
	const double mid = (double)(n - 1) / 2, mean = plain_mean(y, n);
	double sxx = 0, sxy = 0, squares = 0, slope, r, *rest = xmalloc(n * sizeof *rest);

	for (size_t i = 0; i < n; i++) {
		sxx += ((double)i - mid) * ((double)i - mid);
		sxy += ((double)i - mid) * (y[i] - mean);
	}
	slope = sxy / sxx;
	for (size_t i = 0; i < n; i++) {
		rest[i] = y[i] - mean - slope * ((double)i - mid);
		squares += rest[i] * rest[i];
	}
	r = lag1(rest, n);
	r = r > 0 ? r < 0.95 ? r : 0.95 : 0;
	free(rest);
	*error = sqrt(squares / (double)(n - 2) / sxx * (1 + r) / (1 - r));
	return slope;
}

/* Is so much more than a queue that neither grows nor shrinks in the long run would show in that time? Its number moves by
 * 2 rate a second (variance) where arrivals and ends are as irregular as Poisson's, and the slope by least squares of such a
 * walk over T has a variance of 6/5 of that over T (Durlauf & Phillips, "Trends versus random walks in time series analysis",
 * Econometrica 56, 1988). */
static bool beyond_chance(double per_s, double rate, double span_s)
{
	return per_s > NORMAL_AT_LEVEL * sqrt(1.2 * 2 * rate / span_s);
}

struct steady_growth steady_growth(const double *in_system, size_t n, double cell_s, double offered,
				   double rate)
{
	const size_t each = n / 2 / STEADY_BATCHES;
	struct steady_growth g = {NAN, INFINITY, TREND_UNDECIDED};
	const double *x = in_system + n - each * STEADY_BATCHES;
	double y[STEADY_BATCHES], error, span_s, all_s, mean;

	if (!each)
		return g;
	for (size_t b = 0; b < STEADY_BATCHES; b++)
		y[b] = plain_mean(x + b * each, each);
	mean = plain_mean(y, STEADY_BATCHES);
	span_s = (double)each * cell_s;
	all_s = STEADY_BATCHES * span_s;
	g.per_s = slope_of(y, STEADY_BATCHES, &error) / span_s;
	g.half = ci_errors(STEADY_BATCHES - 2, LEVEL) * error / span_s;
	if (offered > 1)
		g.trend = g.per_s + g.half > 0 ? TREND_OVERLOADED : TREND_UNDECIDED;
	else if (g.per_s <= g.half)
		g.trend = TREND_STABLE;
	else if (g.per_s * all_s >= mean / 2 && (isnan(offered) || beyond_chance(g.per_s, rate, all_s)))
		g.trend = TREND_OVERLOADED;
	return g;
}
