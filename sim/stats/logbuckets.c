/* logbuckets.c - see logbuckets.h. */
#include "sim/stats/logbuckets.h"

#include <math.h>
#include <stdlib.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"

enum { PARTS = 1 << LOGBUCKETS_BITS };

size_t logbuckets_index(int64_t value)
{
	int shift;

	if (value < 2 * PARTS)
		return (size_t)value;
	shift = 63 - LOGBUCKETS_BITS - __builtin_clzll((unsigned long long)value);
	return ((size_t)shift << LOGBUCKETS_BITS) + (size_t)(value >> shift);
}

static int shift_of(size_t index)
{
	return index < 2 * PARTS ? 0 : (int)(index >> LOGBUCKETS_BITS) - 1;
}

int64_t logbuckets_low(size_t index)
{
	const int shift = shift_of(index);

	return ((int64_t)index - ((int64_t)shift << LOGBUCKETS_BITS)) << shift;
}

static int64_t last_of(size_t index)
{
	return logbuckets_low(index) + (((int64_t)1 << shift_of(index)) - 1);
}

static uint64_t *row_at(struct logbuckets *b, size_t row)
{
	if (!b->rows[row])
		b->rows[row] = xcalloc(PARTS, sizeof *b->rows[row]);
	return b->rows[row];
}

static void count(struct logbuckets *b, size_t index, uint64_t more)
{
	row_at(b, index >> LOGBUCKETS_BITS)[index & (PARTS - 1)] += more;
}

/* Apart, so that the usual way through logbuckets_add() calls nothing. */
static __attribute__((noinline)) void count_in_new_row(struct logbuckets *b, size_t index, uint64_t more)
{
	count(b, index, more);
}

static uint64_t counted(const struct logbuckets *b, size_t index)
{
	const uint64_t *row = b->rows[index >> LOGBUCKETS_BITS];

	return row ? row[index & (PARTS - 1)] : 0;
}

static void widen(struct logbuckets *b, int64_t low, int64_t high)
{
	b->min = b->n && b->min < low ? b->min : low;
	b->max = b->n && b->max > high ? b->max : high;
}

void logbuckets_add(struct logbuckets *b, int64_t value, uint64_t weight)
{
	size_t index;
	uint64_t *row;

	BUG_ON(value < 0);
	if (!weight)
		return;
	widen(b, value, value);
	b->n += weight;
	b->sum += (wide_int)value * (int64_t)weight;
	index = logbuckets_index(value);
	row = b->rows[index >> LOGBUCKETS_BITS];
	if (row)
		row[index & (PARTS - 1)] += weight;
	else
		count_in_new_row(b, index, weight);
}

/* How many terms from value on, at most n, lie in value's bucket. */
static int64_t in_bucket(int64_t value, int64_t slope, int64_t n, size_t index)
{
	int64_t k = n;

	if (slope > 0)
		k = (last_of(index) - value) / slope + 1;
	else if (slope < 0)
		k = (value - logbuckets_low(index)) / -slope + 1;
	return k < n ? k : n;
}

void logbuckets_add_progression(struct logbuckets *b, int64_t first, int64_t slope, int64_t n, int64_t weight)
{
	const int64_t last = first + slope * (n - 1);
	int64_t value = first;

	if (n <= 0 || weight <= 0)
		return;
	if (n == 1) {
		logbuckets_add(b, first, (uint64_t)weight);
		return;
	}
	BUG_ON(first < 0 || last < 0);
	widen(b, slope < 0 ? last : first, slope < 0 ? first : last);
	b->n += (uint64_t)n * (uint64_t)weight;
	b->sum += (wide_int)weight * ((wide_int)n * first + (wide_int)slope * ((wide_int)n * (n - 1) / 2));
	while (n) {
		const size_t i = logbuckets_index(value);
		const int64_t k = in_bucket(value, slope, n, i);

		count(b, i, (uint64_t)k * (uint64_t)weight);
		n -= k;
		if (n)
			value += k * slope;
	}
}

static void add_row(uint64_t *into, const uint64_t *from)
{
	for (size_t i = 0; i < PARTS; i++)
		into[i] += from[i];
}

void logbuckets_merge(struct logbuckets *into, const struct logbuckets *from)
{
	if (!from->n)
		return;
	widen(into, from->min, from->max);
	for (size_t row = 0; row < LOGBUCKETS_ROWS; row++)
		if (from->rows[row])
			add_row(row_at(into, row), from->rows[row]);
	into->n += from->n;
	into->sum += from->sum;
}

void logbuckets_release(struct logbuckets *b)
{
	for (size_t row = 0; row < LOGBUCKETS_ROWS; row++)
		free(b->rows[row]);
	*b = (struct logbuckets){.n = 0};
}

double logbuckets_mean(const struct logbuckets *b)
{
	return b->n ? (double)b->sum / (double)b->n : NAN;
}

/* The next bucket from i on that may hold a number: rows that were never made are passed over. */
static size_t next_made(const struct logbuckets *b, size_t i)
{
	while (i < LOGBUCKETS_N && !b->rows[i >> LOGBUCKETS_BITS])
		i = ((i >> LOGBUCKETS_BITS) + 1) << LOGBUCKETS_BITS;
	return i;
}

/* The number of a rank, counted from 0: the j-th of the c in its bucket is taken to lie at (j + 1/2) / c of
 * it. */
static double at_rank(const struct logbuckets *b, uint64_t rank)
{
	uint64_t below = 0, here;
	size_t i = next_made(b, 0);
	double x;

	for (; below + (here = counted(b, i)) <= rank; i = next_made(b, i + 1))
		below += here;
	x = (double)logbuckets_low(i);
	if (shift_of(i))
		x += ((double)(rank - below) + 0.5) / (double)here * ldexp(1, shift_of(i));
	x = x < (double)b->min || rank == 0 ? (double)b->min : x;
	return x > (double)b->max || rank + 1 == b->n ? (double)b->max : x;
}

double logbuckets_quantile(const struct logbuckets *b, double share)
{
	double at, low;
	uint64_t rank;

	if (!b->n)
		return NAN;
	BUG_ON(!(share >= 0 && share <= 1));
	at = share * (double)(b->n - 1);
	rank = (uint64_t)at;
	if (rank + 1 >= b->n)
		return at_rank(b, b->n - 1);
	low = at_rank(b, rank);
	return low + (at_rank(b, rank + 1) - low) * (at - (double)rank);
}

double logbuckets_above(const struct logbuckets *b, double value)
{
	double above = 0;

	for (size_t i = next_made(b, b->n ? logbuckets_index(value > 0 ? (int64_t)value : 0) : LOGBUCKETS_N);
	     i < LOGBUCKETS_N; i = next_made(b, i + 1)) {
		const double low = (double)logbuckets_low(i), width = ldexp(1, shift_of(i));
		const double share = value < low ? 1 : 1 - (value - low) / width;

		above += shift_of(i) || value < low ? share * (double)counted(b, i) : 0;
	}
	return above;
}
