/* summary.c - see summary.h. */
#include "sim/stats/summary.h"

#include <math.h>

#include "sim/base/err.h"

struct summary summary_empty(void)
{
	return (struct summary){.min = INFINITY, .max = -INFINITY};
}

void summary_add(struct summary *s, double x)
{
	const double off = x - s->mean;

	BUG_ON(isnan(x));
	s->n++;
	s->mean += off / (double)s->n;
	s->squares += off * (x - s->mean);
	s->min = fmin(s->min, x);
	s->max = fmax(s->max, x);
}

double summary_variance(const struct summary *s)
{
	return s->n < 2 ? 0 : s->squares / (double)(s->n - 1);
}

double summary_sd(const struct summary *s)
{
	return sqrt(summary_variance(s));
}

double plain_mean(const double *x, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i];
	return sum / (double)n;
}
