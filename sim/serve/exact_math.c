/* exact_math.c - see exact_math.h. frexp(), ldexp() and floor() are exact by IEEE 754. */
#include "sim/serve/exact_math.h"

#include <math.h>

#include "sim/base/err.h"

/* ln 2 in two parts: the first has 32 bits, so that its product with an exponent is exact. */
static const double LN2_HIGH = 6.93147180369123816490e-01, LN2_LOW = 1.90821492927058770002e-10;

/* x = m 2^e with m in [sqrt(1/2), sqrt(2)); ln m = 2 artanh((m - 1) / (m + 1)), a series in s^2 <= 0.0295
 * whose first term left out is below 2^-57 of the sum. */
double exact_log(double x)
{
	static const double odd[] = {1.0 / 25, 1.0 / 23, 1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15,
				     1.0 / 13, 1.0 / 11, 1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3};
	double m, s, z, sum = 0, f;
	int e;

	BUG_ON(!(x > 0) || x > 1.7976931348623157e308);
	m = frexp(x, &e);
	if (m < 0.70710678118654752440) {
		m *= 2;
		e--;
	}
	f = m - 1; /* exact */
	s = f / (2 + f);
	z = s * s;
	for (size_t k = 0; k < ARRAY_LEN(odd); k++)
		sum = (sum + odd[k]) * z;
	/* ln m = f - s (f - 2 sum): the small parts are added before the large one */
	return e * LN2_HIGH + (f - (s * (f - 2 * sum) - e * LN2_LOW));
}

/* x = k ln 2 + r with |r| <= ln 2 / 2, and Taylor's series of r, whose next term is below 2^-63. */
double exact_exp(double x)
{
	static const double over[] = {
		1.0 / 87178291200, 1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800,
		1.0 / 362880,      1.0 / 40320,      1.0 / 5040,      1.0 / 720,      1.0 / 120,
		1.0 / 24,          1.0 / 6,          1.0 / 2};
	double k, r, sum = 0;

	if (x > 709.79)
		return INFINITY;
	if (x < -745.2)
		return 0;
	k = floor(x / 0.69314718055994530942 + 0.5);
	r = x - k * LN2_HIGH;
	r -= k * LN2_LOW;
	for (size_t i = 0; i < ARRAY_LEN(over); i++)
		sum = (sum + over[i]) * r;
	return ldexp(1 + (r + r * sum), (int)k);
}

double exact_pow(double x, double y)
{
	return exact_exp(y * exact_log(x));
}

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
