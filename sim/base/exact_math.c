/* exact_math.c - see exact_math.h. frexp(), ldexp(), floor() and sqrt() are exact by IEEE 754. */
#include "sim/base/exact_math.h"

#include <math.h>

#include "sim/base/err.h"

/* ln 2 in two parts: the first has 32 bits, so that its product with an exponent is exact. */
static const double LN2_HIGH = 6.93147180369123816490e-01, LN2_LOW = 1.90821492927058770002e-10;

/* ln(1 + f) + e ln 2, for 1 + f in [sqrt(1/2), sqrt(2)): ln(1 + f) = 2 artanh(f / (2 + f)), a series in s^2 <= 0.0295
 * whose first term left out is below 2^-57 of the sum. */
static double log_series(double f, int e)
{
	static const double odd[] = {1.0 / 25, 1.0 / 23, 1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15,
				     1.0 / 13, 1.0 / 11, 1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3};
	const double s = f / (2 + f), z = s * s;
	double sum = 0;

	for (size_t k = 0; k < ARRAY_LEN(odd); k++)
		sum = (sum + odd[k]) * z;
	/* ln(1 + f) = f - s (f - 2 sum): the small parts are added before the large one */
	return e * LN2_HIGH + (f - (s * (f - 2 * sum) - e * LN2_LOW));
}

double exact_log(double x)
{
	double m;
	int e;

	if (!(x > 0))
		return x < 0 || isnan(x) ? NAN : -INFINITY;
	if (isinf(x))
		return x;
	m = frexp(x, &e);
	if (m < 0.70710678118654752440) {
		m *= 2;
		e--;
	}
	return log_series(m - 1, e); /* m - 1 is exact */
}

double exact_log1p(double x)
{
	return x > -0.29 && x < 0.41 ? log_series(x, 0) : exact_log(1 + x);
}

double exact_log10(double x)
{
	return exact_log(x) / 2.30258509299404568402;
}

/* exp(r) - 1 for |r| <= ln 2 / 2, by Taylor's series, whose next term is below 2^-63. */
static double exp_series(double r)
{
	static const double over[] = {
		1.0 / 87178291200, 1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800,
		1.0 / 362880,      1.0 / 40320,      1.0 / 5040,      1.0 / 720,      1.0 / 120,
		1.0 / 24,          1.0 / 6,          1.0 / 2};
	double sum = 0;

	for (size_t i = 0; i < ARRAY_LEN(over); i++)
		sum = (sum + over[i]) * r;
	return r + r * sum;
}

double exact_exp(double x)
{
	double k, r;

	if (x > 709.79)
		return INFINITY;
	if (!(x >= -745.2))
		return isnan(x) ? x : 0;
	k = floor(x / 0.69314718055994530942 + 0.5); /* x = k ln 2 + r */
	r = x - k * LN2_HIGH;
	r -= k * LN2_LOW;
	return ldexp(1 + exp_series(r), (int)k);
}

double exact_expm1(double x)
{
	return x > -0.34 && x < 0.34 ? exp_series(x) : exact_exp(x) - 1;
}

double exact_pow(double x, double y)
{
	return y == 0 || x == 1 ? 1 : exact_exp(y * exact_log(x));
}

double exact_hypot(double x, double y)
{
	return sqrt(x * x + y * y);
}

/* erf(x) = 2 / sqrt(pi) exp(-x^2) (x + 2 x^3 / 3 + 4 x^5 / 15 + ...), all terms of one sign. */
static double erf_series(double x)
{
	double term = x, sum = x;

	for (int n = 1; term > 1e-18 * sum; n++) {
		term *= 2 * x * x / (2 * n + 1);
		sum += term;
	}
	return 1.12837916709551257390 * exact_exp(-x * x) * sum;
}

/* The continued fraction exp(-x^2) / sqrt(pi) / (x + 1/2 / (x + 1 / (x + 3/2 / (x + ...)))), from the inside. */
static double erfc_fraction(double x)
{
	double f = x;

	for (int n = 200; n > 0; n--)
		f = x + n / 2.0 / f;
	return 0.56418958354775628695 * exact_exp(-x * x) / f;
}

double exact_erfc(double x)
{
	if (isnan(x))
		return x;
	if (x < 0)
		return 2 - exact_erfc(-x);
	return x < 1 ? 1 - erf_series(x) : erfc_fraction(x);
}
