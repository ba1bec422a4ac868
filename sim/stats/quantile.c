/* quantile.c - see quantile.h. */
#include "sim/stats/quantile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void quantile_sort(double *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		BUG_ON(isnan(x[i]));
	if (n)
		qsort(x, n, sizeof *x, by_size);
}

double quantile_sorted(const double *sorted, size_t n, double share)
{
	double at, part, a, b;
	size_t below;

	BUG_ON(!n || !(share >= 0 && share <= 1));
	at = share * (double)(n - 1);
	below = (size_t)at;
	if (below + 1 >= n)
		return sorted[n - 1];
	part = at - (double)below;
	a = sorted[below];
	b = sorted[below + 1];
	if (a == b) /* two infinities have no difference */
		return a;
	/* from the nearer end, as numpy does: exact at both */
	return part < 0.5 ? a + (b - a) * part : b - (b - a) * (1 - part);
}

double quantile_of(const double *x, size_t n, double share)
{
	double *copy = xmalloc(n * sizeof *copy);
	double q;

	if (n)
		memcpy(copy, x, n * sizeof *x);
	quantile_sort(copy, n);
	q = quantile_sorted(copy, n, share);
	free(copy);
	return q;
}
