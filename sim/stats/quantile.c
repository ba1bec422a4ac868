/* quantile.c - see quantile.h. */
#include "sim/stats/quantile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"

enum { FEW = 16 }; /* numbers that insertion sorts at least as fast */

static void insert(double *x, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		const double v = x[i];
		size_t at = i;

		for (; at && v < x[at - 1]; at--)
			x[at] = x[at - 1];
		x[at] = v;
	}
}

/* Merge sort; spare has room for n / 2 numbers. qsort() with a comparison of doubles takes three times as long. */
static void sort(double *x, size_t n, double *spare)
{
	const size_t half = n / 2;
	size_t a = 0, b = half, to = 0;

	if (n <= FEW) {
		insert(x, n);
		return;
	}
	sort(x, half, spare);
	sort(x + half, n - half, spare);
	if (x[half - 1] <= x[half])
		return;
	memcpy(spare, x, half * sizeof *x);
	while (a < half && b < n)
		x[to++] = x[b] < spare[a] ? x[b++] : spare[a++];
	memcpy(x + to, spare + a, (half - a) * sizeof *x);
}

static void check_numbers(const double *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		BUG_ON(isnan(x[i]));
}

void quantile_sort(double *x, size_t n)
{
	double *spare = xmalloc(n / 2 * sizeof *spare);

	check_numbers(x, n);
	sort(x, n, spare);
	free(spare);
}

static double middle(double a, double b, double c)
{
	const double low = a < b ? a : b, high = a < b ? b : a;

	return c < low ? low : c > high ? high : c;
}

/*
 * Puts the k-th least number, counted from 0, at x[k], none greater before it and none less behind it: Hoare's
 * FIND ("Algorithm 65", CACM 4 (1961), 321), with the median of three numbers as the pivot. Where pivots keep
 * being bad the rest is sorted, so that the time is at most that of sorting.
 */
static void find(double *x, size_t n, size_t k)
{
	size_t from = 0, to = n, rounds = FEW; /* k is in from .. to - 1 */

	for (size_t m = n; m; m /= 2)
		rounds += 2;
	while (to - from > FEW && rounds--) {
		const double pivot = middle(x[from], x[from + (to - from) / 2], x[to - 1]);
		size_t i = from, j = to - 1;

		while (i <= j) {
			for (; x[i] < pivot; i++)
				;
			for (; pivot < x[j]; j--)
				;
			if (i <= j) {
				const double v = x[i];

				x[i++] = x[j];
				x[j] = v;
				if (j == from)
					break;
				j--;
			}
		}
		if (k <= j)
			to = j + 1;
		else if (k >= i)
			from = i;
		else
			return;
	}
	quantile_sort(x + from, to - from);
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

/* The least of x[1 .. n - 1] comes to x[1]. */
static void next_one(double *x, size_t n)
{
	for (size_t i = 2; i < n; i++)
		if (x[i] < x[1]) {
			const double v = x[i];

			x[i] = x[1];
			x[1] = v;
		}
}

void quantile_several(double *x, size_t n, const double *shares, size_t shares_n, double *out)
{
	size_t from = 0; /* nothing before it is greater, nothing behind it less */

	check_numbers(x, n);
	for (size_t i = 0; i < shares_n; i++) {
		size_t below;

		BUG_ON(!n || !(shares[i] >= 0 && shares[i] <= 1) || (i && shares[i] < shares[i - 1]));
		below = (size_t)(shares[i] * (double)(n - 1));
		find(x + from, n - from, below - from);
		next_one(x + below, n - below);
		out[i] = quantile_sorted(x, n, shares[i]);
		from = below;
	}
}

double quantile_of(const double *x, size_t n, double share)
{
	double *copy = xmalloc(n * sizeof *copy);
	double q;

	if (n)
		memcpy(copy, x, n * sizeof *x);
	quantile_several(copy, n, &share, 1, &q);
	free(copy);
	return q;
}
