/*
 * exact_math.h - logarithm, exponential, power and random variates from + - * / and square root alone.
 *
 * Layer serve. IEEE 754 rounds these five operations the same way everywhere; a system's own log() and exp()
 * differ in the last bit, which is enough to reorder two arrivals. Scaling by powers of two is exact too.
 *
 * Accuracy, relative, against the true value: exact_log and exact_exp below 4 ulp (1e-15); exact_pow below
 * (2 + |y ln x|) * 4e-16. Variates take as many uniform numbers from the stream as they need: exponential
 * one, normal two for each trial, gamma a normal and a uniform for each trial and one more below shape 1.
 */
#ifndef SIM_SERVE_EXACT_MATH_H
#define SIM_SERVE_EXACT_MATH_H
#include <stdint.h>

#include "sim/base/rng.h"

double exact_log(double x);           /* of a finite x > 0; anything else is a BUG */
double exact_exp(double x);           /* 0 below -745.2, INFINITY above 709.8 */
double exact_pow(double x, double y); /* x > 0 */

double exact_exponential(struct rng *r, double mean);
double exact_normal(struct rng *r);              /* mean 0, standard deviation 1; Marsaglia's polar method */
double exact_gamma(struct rng *r, double shape); /* scale 1, any shape > 0; Marsaglia & Tsang (2000) */
double exact_lognormal(struct rng *r, double mu, double sigma); /* exp(mu + sigma z) */

/* Seconds as whole nanoseconds, halves upwards; what does not fit is the largest there is. */
int64_t exact_ns(double seconds);

#endif
