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

static void check_numbers(const double *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		BUG_ON(isnan(x[i]));
}

void quantile_sort(double *x, size_t n)
{
	check_numbers(x, n);
	if (n)
		qsort(x, n, sizeof *x, by_size);
}

/* Of two neighbours in ascending order, at this part of the way from a to b. */
static double between(double a, double b, double part)
{
	if (a == b) /* two infinities have no difference */
		return a;
	/* from the nearer end, as numpy does: exact at both */
	return part < 0.5 ? a + (b - a) * part : b - (b - a) * (1 - part);
}

double quantile_sorted(const double *sorted, size_t n, double share)
{
	double at;
	size_t below;

	BUG_ON(!n || !(share >= 0 && share <= 1));
	at = share * (double)(n - 1);
	below = (size_t)at;
	return below + 1 < n ? between(sorted[below], sorted[below + 1], at - (double)below) : sorted[n - 1];
}

static void swap(double *a, double *b)
{
	const double kept = *a;

	*a = *b;
	*b = kept;
}

/* Hoare's selection (CACM 4(7), 1961, algorithm 65), whose time is linear where sorting's is not: afterwards x[k] is what
 * it would be in ascending order, nothing before it is larger, and nothing behind it is smaller. */
static void select_kth(double *x, size_t n, size_t k)
{
	size_t from = 0, to = n - 1;

	while (from < to) {
		const double pivot = x[from + (to - from) / 2];
		size_t i = from, j = to;

		for (;;) {
			while (x[i] < pivot)
				i++;
			while (x[j] > pivot)
				j--;
			if (i >= j)
				break;
			swap(&x[i++], &x[j--]);
		}
		/* x[from..j] <= pivot <= x[j + 1..to], both of at least one number */
		if (k <= j)
			to = j;
		else
			from = j + 1;
	}
}

double quantile_of(const double *x, size_t n, double share)
{
	double *copy = xmalloc(n * sizeof *copy), at, q, next;
	size_t below;

	BUG_ON(!n || !(share >= 0 && share <= 1));
	check_numbers(x, n);
	memcpy(copy, x, n * sizeof *x);
	at = share * (double)(n - 1);
	below = (size_t)at;
	select_kth(copy, n, below);
	q = next = copy[below];
	for (size_t i = below + 1; i < n; i++) /* the least of those behind it */
		next = i == below + 1 || copy[i] < next ? copy[i] : next;
	free(copy);
	return below + 1 < n ? between(q, next, at - (double)below) : q;
}
