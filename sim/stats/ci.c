/* ci.c - see ci.h. The quantile of Student's t is GSL's. */
#include "sim/stats/ci.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

#include "sim/base/err.h"

double ci_errors(double freedom, double level)
{
	BUG_ON(!(level > 0 && level < 1) || !(freedom > 0));
	return gsl_cdf_tdist_Pinv(0.5 + level / 2, freedom);
}

struct ci ci_mean(const struct summary *s, double level)
{
	struct ci ci = {s->mean, INFINITY};

	BUG_ON(!(level > 0 && level < 1));
	if (s->n >= 2)
		ci.half = ci_errors((double)(s->n - 1), level) * sqrt(summary_variance(s) / (double)s->n);
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
