/*
 * fit.h - time as a function of work, fitted to measured times by robust non-linear least squares.
 *
 * Layer calib. Residuals are differences of logarithms, so that every point counts by its relative error. Outliers
 * are found by iterated reweighting (sim/stats/robust_fit.h: Huber, then Tukey's bisquare), get their `out` mark, and
 * are left out of the last fit, whose covariance gives the standard errors. The leave-one-out error comes with
 * every fit: how well each point is predicted by a fit to the others.
 */
#ifndef SIM_CALIB_FIT_H
#define SIM_CALIB_FIT_H
#include <stdbool.h>
#include <stddef.h>

#include "sim/base/err.h"
#include "sim/base/str.h"

enum fit_model {
	FIT_CONSTANT, /* t = c */
	FIT_RATE,     /* t = t0 + x / R, t0 given */
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
		    FIT_PARAMS = 24 /* room; the models above have at most four */
};

struct fit_point {
	const char *name; /* for messages; may be NULL */
	double x, t;      /* work (byte, FLOP, count) and seconds, both > 0; x is ignored by FIT_CONSTANT */
	double sd;        /* relative, of t; 0: not given */
	bool out;         /* set: an outlier, left out */
	bool mostly_t0;   /* set: t0 is more than half of t, so that the point hardly determines R */
};

struct fit_param {
	const char *name;
	double value, se;
	double lo, hi; /* ends of the 95 % confidence interval */
};

struct fit {
	enum fit_model model;
	struct fit_param p[FIT_PARAMS];
	size_t p_n, n, used;          /* points given, and not out */
	double t0;                    /* FIT_RATE: as given */
	double spread;                /* relative standard deviation of the points about the model */
	double loo_median, loo_worst; /* relative; NAN with too few points */
	double loo_sd; /* the spread of times that were not measured: model_error_sd() of every point, outliers too */
	bool t0_known, rate_known,
		apart; /* FIT_AFFINE: each is determined within a half of itself; apart: both are */
};

/* Fits the model to n points; t0 in seconds, for FIT_RATE only. Fills *f and the marks of the points. -1 with err where
 * nothing can be fitted: too few points, one size only, no knee. FIT_KNEE becomes FIT_STEP where fewer than two sizes
 * lie on the knee's slope: the knee is then between two neighbouring sizes, its lo and hi. */
int fit_make(enum fit_model model, struct fit_point *p, size_t n, double t0, struct fit *f, struct err *err);

/* A model of the caller's with parameters of its own: seconds(ctx, value, i) is the time of point i, whose x is not
 * used. A parameter that must be positive is fitted as its logarithm (is_log), any other in units of `unit`. */
struct fit_custom {
	size_t p_n; /* <= FIT_PARAMS */
	const char *names[FIT_PARAMS];
	bool is_log[FIT_PARAMS];
	double start[FIT_PARAMS], unit;
	double (*seconds)(const void *ctx, const double value[FIT_PARAMS], size_t i);
	const void *ctx;
};
int fit_custom(const struct fit_custom *custom, struct fit_point *p, size_t n, struct fit *f,
	       struct err *err);

double fit_at(const struct fit *f, double x); /* seconds at x; not for FIT_CUSTOM */

/* Appends the fit in words: "R 6.1e+12 (6.0e+12 to 6.2e+12), t0 ...; 9 of 10 points, spread 0.6 %, leave-one-out 0.5 %
 * median, 1.2 % worst". */
void fit_describe(const struct fit *f, struct str *out);

#endif
