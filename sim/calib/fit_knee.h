/*
 * fit_knee.h - the bandwidth of a stream against its size: a cache, a knee, and memory beyond; private to
 * fit.c.
 *
 * Layer calib. The slope of the knee can be told only where at least two sizes lie on it. With one size on it
 * a steeper slope with a knee a little further on fits exactly as well, with none every steep slope does:
 * what a solver then returns is rounding. Such points are fitted as a step between two neighbouring sizes.
 */
#ifndef SIM_CALIB_FIT_KNEE_H
#define SIM_CALIB_FIT_KNEE_H
#include "sim/calib/fit.h"

/* t = x / B(x) as FIT_KNEE says; theta: logarithms, by enum fit_param_id. */
double knee_seconds(const double *theta, double x);

/* True where two sizes or more are served by cache and by memory both: 5 to 95 % by the cache. */
bool knee_has_slope(const struct fit *f, const struct fit_point *p, size_t n);

struct knee_step {
	double lo, hi, at;    /* the sizes on either side of the step; the middle of their logarithms */
	double cache, memory; /* median rates below and above */
};

/* The step that fits best; false where nowhere two points below are faster than two above. */
bool knee_find_step(const struct fit_point *p, size_t n, struct knee_step *s);

#endif
