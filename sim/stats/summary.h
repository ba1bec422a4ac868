/*
 * summary.h - count, mean, variance, least and greatest of a stream of numbers, in constant space.
 *
 * Layer stats; includes base only. Welford, "Note on a method for calculating corrected sums of squares and
 * products", Technometrics 4 (1962).
 */
#ifndef SIM_STATS_SUMMARY_H
#define SIM_STATS_SUMMARY_H
#include <stddef.h>
#include <stdint.h>

struct summary {
	uint64_t n;      /* read-only, as all of them */
	double mean;     /* 0 when n is 0 */
	double squares;  /* sum of (x - mean)^2 */
	double min, max; /* +-INFINITY when n is 0 */
};

struct summary summary_empty(void);
void summary_add(struct summary *s, double x); /* NaN is a BUG */

double summary_variance(const struct summary *s); /* the sample variance (n - 1); 0 when n < 2 */
double summary_sd(const struct summary *s);

/* The sum of n numbers, in their order, over n, which is not 0. */
double plain_mean(const double *x, size_t n);

#endif
