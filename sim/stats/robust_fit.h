/*
 * robust_fit.h - non-linear least squares that outliers do not pull away: GSL's trust-region solver
 * (gsl_multifit_nlinear, Levenberg-Marquardt) with iterated reweighting.
 *
 * Layer stats. A problem has p parameters, and n residuals of which the first robust_n may be outliers; the
 * others are priors, whose weight stays 1. Weights are Huber's (Ann. Math. Statist. 35, 1964), which leave
 * one minimum, then Tukey's bisquare, which takes far outliers out altogether; the constants give 95 %
 * efficiency for normal errors (Holland & Welsch, Comm. Statist. A6, 1977). The caller owns every array.
 * Deterministic: GSL's linear algebra is bound to GSL's own CBLAS.
 */
#ifndef SIM_STATS_ROBUST_FIT_H
#define SIM_STATS_ROBUST_FIT_H
#include <stdbool.h>
#include <stddef.h>

struct robust_fit {
	size_t n, robust_n, p; /* robust_n <= n; p >= 1; n >= p */
	/* Fills r[n] at theta[p]: dimensionless, such as deviations over their standard deviation. */
	void (*residuals)(const void *ctx, const double *theta, double *r);
	/* Fills d r[i] / d theta[k] into jacobian[i * p + k]. NULL: GSL takes forward differences. */
	void (*jacobian)(const void *ctx, const double *theta, double *jacobian);
	const void *ctx;
	int steps_max;      /* the solver's limit in one weighted fit; reaching it is not an error */
	double least_scale; /* robust_fit_scale() is no less */
	bool small_sample;  /* the scale is multiplied by sqrt(n / (n - p)); needs robust_n > p */
};

/* One weighted fit from theta, where it leaves the answer. weight[n]: of squared residuals. covariance[p * p]:
 * the inverse of J'WJ, not scaled by the residuals' variance; NULL: not wanted. A solver that makes no more
 * progress stands at a minimum as far as the arithmetic shows, which is success. -1: it fails, or ends at
 * parameters that are not finite; theta is then of no use. */
int robust_fit_solve(const struct robust_fit *f, const double *weight, double tolerance, double *theta,
		     double *covariance);

/* The standard deviation of the residuals at theta that outliers do not move: 1.4826 times the median of the
 * absolute values of the first robust_n (> 0). */
double robust_fit_scale(const struct robust_fit *f, const double *theta);

/* How often the weights are made again from the residuals and the fit is repeated. */
struct robust_rounds {
	bool unweighted_first; /* a fit with all weights 1 comes first; else theta is a robust start itself */
	int huber, bisquare;   /* rounds of each, in this order */
};

/* The fit with these rounds, from theta and to theta; weight[n] is left as the last round had it. -1 as
 * robust_fit_solve(). */
int robust_fit_run(const struct robust_fit *f, const struct robust_rounds *rounds, double tolerance,
		   double *weight, double *theta);

#endif
