/*
 * chance.h - how likely it is that rows fall outside an interval by chance alone.
 *
 * Layer stats.
 */
#ifndef SIM_STATS_CHANCE_H
#define SIM_STATS_CHANCE_H
#include <stddef.h>

/* The chance that of n rows, each outside with the chance p (0 < p < 1), so many or more are: the tail of the binomial distribution. */
double chance_of_outside(size_t outside, size_t n, double p);

#endif
