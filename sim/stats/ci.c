/* ci.c - see ci.h. */
#include "sim/stats/ci.h"

#include <math.h>

#include "sim/base/err.h"
#include "sim/base/exact_math.h"

static const double PI = 3.14159265358979323846;

/* The angle whose tangent is x >= 0: halved three times, then a series. */
static double angle_of(double x)
{
	double sum = 0;

	for (int i = 0; i < 3; i++)
		x /= 1 + sqrt(1 + x * x);
	for (int k = 25; k > 0; k -= 2)
		sum = 1.0 / k - sum * x * x;
	return 8 * x * sum;
}

/* The probability that Student's t lies in -t .. t: Abramowitz & Stegun, 26.7.3 and 26.7.4, whose sums are finite. */
static double student_within(double t, long freedom)
{
	const double n = (double)freedom, cos2 = n / (n + t * t), sine = t / sqrt(n + t * t);
	double term = freedom % 2 ? sqrt(cos2) : 1, sum = freedom == 1 ? 0 : term;

	for (long k = freedom % 2 ? 2 : 1; k + 2 < freedom; k += 2) {
		term *= cos2 * (double)k / (double)(k + 1);
		sum += term;
	}
	return freedom % 2 ? (angle_of(t / sqrt(n)) + sine * sum) * 2 / PI : sine * sum;
}

/* The same of the normal distribution, to which t's quantile comes so near that a series in 1 / freedom does. */
static double normal_within(double z, long freedom)
{
	(void)freedom;
	return 1 - exact_erfc(z / sqrt(2));
}

/* The t > 0 at which within() reaches level. */
static double solve_level(double (*within)(double, long), long freedom, double level)
{
	double low = 0, high = 1;

	while (within(high, freedom) < level)
		high *= 2;
	for (int i = 0; i < 80; i++) {
		const double middle = low + (high - low) / 2;

		*(within(middle, freedom) < level ? &low : &high) = middle;
	}
	return high;
}

/* Fisher's expansion of t's quantile about the normal one z (Abramowitz & Stegun, 26.7.5), below 1e-12 off from here. */
enum { FREEDOM_MANY = 10000 };

double ci_errors(size_t freedom, double level)
{
	const double n = (double)freedom;
	double z, z2;

	BUG_ON(!(level > 0 && level < 1) || !freedom);
	if (freedom < FREEDOM_MANY)
		return solve_level(student_within, (long)freedom, level);
	z = solve_level(normal_within, 0, level);
	z2 = z * z;
	return z + z * (z2 + 1) / (4 * n) + z * ((5 * z2 + 16) * z2 + 3) / (96 * n * n);
}

struct ci ci_mean(const struct summary *s, double level)
{
	struct ci ci = {s->mean, INFINITY};

	BUG_ON(!(level > 0 && level < 1));
	if (s->n >= 2)
		ci.half = ci_errors(s->n - 1, level) * sqrt(summary_variance(s) / (double)s->n);
	return ci;
}

struct ci ci_batch_means(const double *x, size_t n, size_t batches, double level)
{
	struct summary means = summary_empty();

	BUG_ON(batches < 2 || n < batches);
	for (size_t b = 0; b < batches; b++) {
		struct summary batch = summary_empty();

		for (size_t i = 0; i < n / batches; i++)
			summary_add(&batch, x[b * (n / batches) + i]);
		summary_add(&means, batch.mean);
	}
	return ci_mean(&means, level);
}
