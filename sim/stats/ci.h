/*
 * ci.h - confidence intervals of a mean, by Student's t.
 *
 * Layer stats; includes base only.
 */
#ifndef SIM_STATS_CI_H
#define SIM_STATS_CI_H
#include <stddef.h>

#include "sim/stats/summary.h"

struct ci {
	double mean;
	double half; /* the interval is mean - half .. mean + half; INFINITY for less than two numbers */
};

/* Student's t: so many standard errors on either side hold the true value with that probability. freedom: degrees, >= 1;
 * 0 < level < 1, to 1e-10 of the result where level is not nearer than 1e-6 to 1. */
double ci_errors(size_t freedom, double level);

/* Of independent numbers. level is the probability that the interval holds the true mean: 0.95. */
struct ci ci_mean(const struct summary *s, double level);

/* The interval of the mean of a correlated series, such as successive waits in one queue: the mean of each of
 * the batches (>= 2), which are nearly independent if long, counts as one number (Law, "Simulation Modeling
 * and Analysis", section 9.5.3). Numbers left over at the end are dropped; n >= batches. */
struct ci ci_batch_means(const double *x, size_t n, size_t batches, double level);

#endif
