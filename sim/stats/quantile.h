/*
 * quantile.h - exact quantiles of an array, by linear interpolation between the two nearest: what numpy calls
 * 'linear' and Hyndman & Fan (1996) type 7.
 *
 * Layer stats; includes base only. Numbers must not be NaN.
 */
#ifndef SIM_STATS_QUANTILE_H
#define SIM_STATS_QUANTILE_H
#include <stddef.h>

#define NORMAL_P90 1.2815515655446004 /* the 90th percentile of the standard normal distribution */

void quantile_sort(double *x, size_t n); /* in place, ascending; a NaN is a BUG */

/* The quantile at share (0 least, 0.5 median, 1 greatest) of n > 0 numbers: of an array that quantile_sort()
 * has put in order; or of any array, which is left alone, in linear time: for one or two quantiles of an array. */
double quantile_sorted(const double *sorted, size_t n, double share);
double quantile_of(const double *x, size_t n, double share);

/* Quantiles at several shares, which ascend, in linear time: out[i] is that at shares[i]. Reorders x. */
void quantile_several(double *x, size_t n, const double *shares, size_t shares_n, double *out);

#endif
