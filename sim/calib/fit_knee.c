/* fit_knee.c - see fit_knee.h. */
#include "sim/calib/fit_knee.h"

#include <math.h>
#include <stdlib.h>

#include "sim/base/exact_math.h"
#include "sim/base/mem.h"
#include "sim/stats/quantile.h"

static double cache_share(double x, double knee, double slope)
{
	return 1 / (1 + exact_pow(x / knee, slope));
}

double knee_seconds(const double *theta, double x)
{
	const double h = cache_share(x, exact_exp(theta[FIT_AT]), exact_exp(theta[FIT_SLOPE]));

	return x * (h * exact_exp(-theta[FIT_CACHE]) + (1 - h) * exact_exp(-theta[FIT_MEMORY]));
}

static bool same_size(double a, double b)
{
	return fabs(a - b) <= 1e-4 * b;
}

bool knee_has_slope(const struct fit *f, const struct fit_point *p, size_t n)
{
	double first = 0;

	for (size_t i = 0; i < n; i++) {
		const double h = cache_share(p[i].x, f->p[FIT_AT].value, f->p[FIT_SLOPE].value);

		if (p[i].out || !(h > 0.05 && h < 0.95))
			continue;
		if (first > 0 && !same_size(p[i].x, first))
			return true;
		first = p[i].x;
	}
	return false;
}

static int by_size(const void *a, const void *b)
{
	const struct fit_point *p = a, *q = b;

	return p->x != q->x ? (p->x > q->x) - (p->x < q->x) : (p->t > q->t) - (p->t < q->t);
}

static double rate_of(const struct fit_point *p, size_t n)
{
	double *rate = xmalloc(n * sizeof *rate), m;

	for (size_t i = 0; i < n; i++)
		rate[i] = p[i].x / p[i].t;
	m = quantile_of(rate, n, 0.5);
	free(rate);
	return m;
}

/* The sum of absolute differences of logarithms, each at most 0.2, so that outliers do not decide. */
static double loss_of(const struct fit_point *p, size_t n, double rate)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += fmin(fabs(exact_log(p[i].x / p[i].t / rate)), 0.2);
	return sum;
}

bool knee_find_step(const struct fit_point *p, size_t n, struct knee_step *s)
{
	struct fit_point *at = xmalloc(n * sizeof *at);
	double least = INFINITY;

	for (size_t i = 0; i < n; i++)
		at[i] = p[i];
	qsort(at, n, sizeof *at, by_size);
	for (size_t i = 2; i + 2 <= n; i++) {
		const double cache = rate_of(at, i), memory = rate_of(at + i, n - i);
		double loss;

		if (same_size(at[i - 1].x, at[i].x) || !(cache > 1.15 * memory))
			continue;
		loss = loss_of(at, i, cache) + loss_of(at + i, n - i, memory);
		if (!(loss < least * (1 - 1e-9))) /* the first, where two differ by rounding alone */
			continue;
		least = loss;
		*s = (struct knee_step){at[i - 1].x, at[i].x, sqrt(at[i - 1].x * at[i].x), cache, memory};
	}
	free(at);
	return isfinite(least);
}
