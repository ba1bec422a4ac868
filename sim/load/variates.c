/* variates.c - see variates.h. */
#include "sim/load/variates.h"

#include <math.h>

#include "sim/base/err.h"
#include "sim/base/exact_math.h"

double exact_exponential(struct rng *r, double mean)
{
	return -mean * exact_log(rng_uniform(r));
}

double exact_normal(struct rng *r)
{
	for (;;) {
		const double a = 2 * rng_uniform(r) - 1, b = 2 * rng_uniform(r) - 1, s = a * a + b * b;

		if (s > 0 && s < 1)
			return a * sqrt(-2 * exact_log(s) / s);
	}
}

/* "A simple method for generating gamma variables", ACM TOMS 26 (2000), 363-372; shape >= 1. */
static double gamma_from_one(struct rng *r, double shape)
{
	const double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);

	for (;;) {
		const double x = exact_normal(r), t = 1 + c * x, v = t * t * t, u = rng_uniform(r);

		if (t > 0 && (u < 1 - 0.0331 * (x * x) * (x * x) ||
			      exact_log(u) < 0.5 * x * x + d * (1 - v + exact_log(v))))
			return d * v;
	}
}

double exact_gamma(struct rng *r, double shape)
{
	double g;

	BUG_ON(!(shape > 0));
	if (shape >= 1)
		return gamma_from_one(r, shape);
	g = gamma_from_one(r, shape + 1);
	return g * exact_pow(rng_uniform(r), 1 / shape);
}

double exact_lognormal(struct rng *r, double mu, double sigma)
{
	return exact_exp(mu + sigma * exact_normal(r));
}

int64_t exact_ns(double seconds)
{
	const double ns = floor(seconds * 1e9 + 0.5);

	return ns < 9.2e18 ? (int64_t)ns : INT64_MAX;
}
