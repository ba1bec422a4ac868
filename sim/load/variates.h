/*
 * variates.h - random variates, the same on every machine.
 *
 * Layer load. They are made with base/exact_math.h, since a last bit is enough to reorder two arrivals. Variates take
 * as many uniform numbers from the stream as they need: exponential one, normal two for each trial, gamma a normal and
 * a uniform for each trial and one more below shape 1.
 */
#ifndef SIM_LOAD_VARIATES_H
#define SIM_LOAD_VARIATES_H
#include <stdint.h>

#include "sim/base/rng.h"

double exact_exponential(struct rng *r, double mean);
double exact_normal(struct rng *r);              /* mean 0, standard deviation 1; Marsaglia's polar method */
double exact_gamma(struct rng *r, double shape); /* scale 1, any shape > 0; Marsaglia & Tsang (2000) */
double exact_lognormal(struct rng *r, double mu, double sigma); /* exp(mu + sigma z) */

/* Seconds as whole nanoseconds, halves upwards; what does not fit is the largest there is. */
int64_t exact_ns(double seconds);

#endif
