/*
 * fit.h - the laws that calibration knows, fitted to times by weighted, robust, non-linear least squares.
 *
 * Layer calib. Residuals are differences of logarithms, so every point counts by its relative error. Points
 * far off are found by iterated reweighting (Huber, then Tukey's bisquare), named by their `out` mark, and
 * left out of the last fit, whose covariance gives the standard errors: GSL's gsl_multifit_nlinear. The
 * leave-one-out error stands beside every fit: how well a point is predicted by the others.
 */
#ifndef SIM_CALIB_FIT_H
#define SIM_CALIB_FIT_H
#include <stdbool.h>
#include <stddef.h>

#include "sim/base/err.h"
#include "sim/base/str.h"

enum fit_model {
	FIT_CONSTANT, /* t = c */
	FIT_RATE,     /* t = t0 + x / R, t0 known */
	FIT_AFFINE,   /* t = t0 + x / R */
	FIT_KNEE,     /* t = x / B(x), 1/B = h/cache + (1-h)/memory, h = 1 / (1 + (x/knee)^slope): a cache */
	FIT_STEP, /* t = x / cache below the knee, x / memory beyond: what FIT_KNEE gives where no slope shows
		   */
	FIT_CUSTOM
};

enum fit_param_id { /* places in fit.p */
		    FIT_C = 0,
		    FIT_R = 0,
		    FIT_T0 = 1,
		    FIT_MEMORY = 0,
		    FIT_CACHE = 1,
		    FIT_AT = 2,
		    FIT_SLOPE = 3,
		    FIT_PARAMS = 4
};

struct fit_point {
	const char *name; /* for messages; may be NULL */
	double x, t;      /* work (byte, FLOP, count) and seconds, both > 0; x is ignored by FIT_CONSTANT */
	double sd;        /* relative, of t; 0: not known */
	bool out;         /* set: an outlier, left out */
	bool mostly_t0;   /* set: t0 is more than half of it, so it says little of R */
};

struct fit_param {
	const char *name;
	double value, se;
	double lo, hi; /* 95 % */
};

struct fit {
	enum fit_model fit_form;
	struct fit_param p[FIT_PARAMS];
	size_t p_n, n, used;              /* points given, and not out */
	double t0;                        /* FIT_RATE: the known one */
	double spread;                    /* relative standard deviation about the law */
	double loo_median, loo_worst;     /* relative; NAN with too few points */
	bool t0_known, rate_known, apart; /* FIT_AFFINE: each within a half of itself; both */
};

/* Fills *f and the marks of the points. -1 with err where nothing can be said: no point, one size only, no
 * knee. FIT_KNEE becomes FIT_STEP where fewer than two sizes lie on the knee's slope: its place is then
 * between the two sizes that stand as the knee's lo and hi. */
int fit_make(enum fit_model fit_form, struct fit_point *p, size_t n, double t0, struct fit *f,
	     struct err *err);

/* A law of the caller's, over values of its own: seconds(ctx, value, i) of point i, whose x is not used. A
 * value that must be positive enters by its logarithm, another in units of `unit`. */
struct fit_custom {
	size_t p_n; /* <= FIT_PARAMS */
	const char *names[FIT_PARAMS];
	bool is_log[FIT_PARAMS];
	double start[FIT_PARAMS], unit;
	double (*seconds)(const void *ctx, const double value[FIT_PARAMS], size_t i);
	const void *ctx;
};
int fit_custom(const struct fit_custom *fit_form, struct fit_point *p, size_t n, struct fit *f,
	       struct err *err);

double fit_at(const struct fit *f, double x); /* seconds; not of a law of the caller's */

/* In words: "R 6.1e+12 (6.0e+12 to 6.2e+12), t0 ...; 9 of 10 points, spread 0.6 %, leave-one-out 0.5 %
 * median, 1.2 % worst". */
void fit_describe(const struct fit *f, struct str *out);

#endif
