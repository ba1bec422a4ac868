/*
 * lengths.h - how many tokens a prompt or an answer has: numbers drawn from a length law.
 *
 * Layer load. Rounding: uniform draws every whole length from least to greatest as likely; lognormal is
 * rounded to the nearest whole length, halves upwards, and is at least 1; a histogram draws a bin by its
 * weight, then a whole length of that bin. What is above `max` becomes `max`. One uniform number for uniform,
 * two for a histogram (also where the bin is one length), none for fixed; lognormal as exact_normal().
 */
#ifndef SIM_LOAD_LENGTHS_H
#define SIM_LOAD_LENGTHS_H
#include <stdint.h>

#include "sim/base/mem.h"
#include "sim/base/rng.h"
#include "sim/world/serve.h"

struct lengths {
	int kind;          /* enum length_kind */
	int64_t low, high; /* uniform; fixed: both the same */
	double mu, sigma;  /* lognormal */
	const struct length_bin *bins;
	const double *upto; /* cumulative weights of bins, ending in 1 */
	size_t bins_n;
	int64_t max;
};

/* A checked law made ready; tables are in the arena, bins stay the law's. */
struct lengths lengths_of(struct arena *a, const struct length_law *family_model);

int64_t lengths_draw(const struct lengths *l, struct rng *r); /* 1..max */

/* The mean of what is drawn: of the rounded and cut values, except that a lognormal's mean is that of the
 * continuous law cut at max. For offered work. */
double lengths_mean(const struct lengths *l);

#endif
