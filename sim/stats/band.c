/* band.c - see band.h. */
#include "sim/stats/band.h"

#include <math.h>
#include <stdlib.h>

#include "sim/base/mem.h"
#include "sim/stats/quantile.h"

struct band band_of(double value, const double *drawn, size_t n)
{
	double *x = xmalloc((n ? n : 1) * sizeof *x);
	struct band b = {NAN, NAN};
	size_t finite = 0;

	for (size_t i = 0; i < n; i++)
		if (isfinite(drawn[i]))
			x[finite++] = drawn[i];
	if (finite) {
		quantile_sort(x, finite);
		b = (struct band){quantile_sorted(x, finite, 0.1), quantile_sorted(x, finite, 0.9)};
	}
	if (finite && isfinite(value))
		b = (struct band){fmin(b.lo, value), fmax(b.hi, value)};
	free(x);
	return b;
}
