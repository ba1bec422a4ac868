/*
 * logbuckets.h - how often each length of time occurred, in buckets at most 0.1 % wide.
 *
 * Layer stats. Whole numbers from 0 to 2^63 - 1: below 2048 each has a bucket of its own, above each power of
 * two is cut into 1024 equal ones, so that edges are whole numbers and counts are exact (the layout of
 * HdrHistogram). An arithmetic progression is counted by the buckets it passes, not by its terms; the sum is
 * exact too, so that one call for many terms and a call for each give the same bits. Weights are below 2^63.
 */
#ifndef SIM_STATS_LOGBUCKETS_H
#define SIM_STATS_LOGBUCKETS_H
#include <stddef.h>
#include <stdint.h>

enum {
	LOGBUCKETS_BITS = 10,
	LOGBUCKETS_ROWS =
		63 - LOGBUCKETS_BITS + 1, /* powers of two; the first row has the whole numbers below 1024 */
	LOGBUCKETS_N = LOGBUCKETS_ROWS << LOGBUCKETS_BITS
};

__extension__ typedef __int128 wide_int; /* sums of femtoseconds */

struct logbuckets {
	uint64_t *rows[LOGBUCKETS_ROWS]; /* counts of 1024 buckets each, a row made at its first number */
	uint64_t n;
	wide_int sum;
	int64_t min, max; /* range of the counted values; valid if n > 0 */
};

/* A zeroed struct is empty. */
void logbuckets_add(struct logbuckets *b, int64_t value, uint64_t weight);
/* n terms first, first + slope, ..., weight times each; none may be negative. */
void logbuckets_add_progression(struct logbuckets *b, int64_t first, int64_t slope, int64_t n,
				int64_t weight);
void logbuckets_merge(struct logbuckets *into, const struct logbuckets *from);
void logbuckets_release(struct logbuckets *b); /* empty afterwards */

size_t logbuckets_index(int64_t value);
int64_t
logbuckets_low(size_t index); /* the least value of a bucket; its width is that of the next one's less it */

double logbuckets_mean(const struct logbuckets *b); /* exact to rounding; NAN of nothing */
/* Type 7, as sim/stats/quantile.h, numbers of one bucket spread evenly over it; NAN of nothing. */
double logbuckets_quantile(const struct logbuckets *b, double share);
/* How many lie above a value; a bucket that holds it counts in proportion. */
double logbuckets_above(const struct logbuckets *b, double value);

#endif
