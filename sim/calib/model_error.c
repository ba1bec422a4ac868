/* model_error.c - see model_error.h. */
#include "sim/calib/model_error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/stats/quantile.h"

const double model_error_composed_sd = 0.05, model_error_other_kernels_sd = 0.12,
	     model_error_other_kernels_cpu_sd = 0.53;

double model_error_other_kernels(const char *device)
{
	return device && !strcmp(device, "cpu") ? model_error_other_kernels_cpu_sd
						: model_error_other_kernels_sd;
}

double model_error_sd(const double *off, size_t n)
{
	const double rank = fmin(0.8 * (double)(n + 1), (double)n);
	const size_t below = rank > 1 ? (size_t)rank : 1, above = below < n ? below + 1 : n;
	double *sorted = xmalloc(n * sizeof *sorted), error;

	memcpy(sorted, off, n * sizeof *sorted);
	quantile_sort(sorted, n);
	error = sorted[below - 1] + fmax(rank - (double)below, 0) * (sorted[above - 1] - sorted[below - 1]);
	free(sorted);
	return error / NORMAL_P90;
}
