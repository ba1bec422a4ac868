/* robust_fit.c - see robust_fit.h. */
#include "sim/stats/robust_fit.h"

#include <gsl/gsl_multifit_nlinear.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/stats/quantile.h"

static const double huber_limit = 1.345, bisquare_limit = 4.685, least_weight = 1e-6;

/* What GSL hands back to its callbacks: GSL's vectors may have a stride, ours have none. */
struct solving {
	const struct robust_fit *fit;
	double *r, *jacobian;
};

static int eval_residuals(const gsl_vector *theta, void *data, gsl_vector *f)
{
	const struct solving *s = data;

	s->fit->residuals(s->fit->ctx, theta->data, s->r);
	for (size_t i = 0; i < s->fit->n; i++)
		gsl_vector_set(f, i, s->r[i]);
	return GSL_SUCCESS;
}

static int eval_jacobian(const gsl_vector *theta, void *data, gsl_matrix *to)
{
	const struct solving *s = data;

	s->fit->jacobian(s->fit->ctx, theta->data, s->jacobian);
	for (size_t i = 0; i < s->fit->n; i++)
		for (size_t k = 0; k < s->fit->p; k++)
			gsl_matrix_set(to, i, k, s->jacobian[i * s->fit->p + k]);
	return GSL_SUCCESS;
}

static void take_covariance(const gsl_multifit_nlinear_workspace *w, size_t p, double *covariance)
{
	gsl_matrix *c = gsl_matrix_alloc(p, p);

	gsl_multifit_nlinear_covar(gsl_multifit_nlinear_jac(w), 0, c);
	for (size_t a = 0; a < p; a++)
		for (size_t b = 0; b < p; b++)
			covariance[a * p + b] = gsl_matrix_get(c, a, b);
	gsl_matrix_free(c);
}

/* The solver's steps; theta gets where they end. */
static int iterate(const struct robust_fit *f, gsl_multifit_nlinear_workspace *w, double tolerance,
		   double *theta)
{
	int info;
	int rc = gsl_multifit_nlinear_driver((size_t)f->steps_max, tolerance, tolerance, 0, NULL, NULL, &info,
					     w);

	/* No step goes further down, or steps have become small: a maximum of two times, of which one binds
	 * on one side alone, leaves edges at which the gradient is not zero. */
	if (rc == GSL_ENOPROG || rc == GSL_EMAXITER)
		rc = GSL_SUCCESS;
	for (size_t i = 0; i < f->p; i++) {
		theta[i] = gsl_vector_get(w->x, i);
		rc = isfinite(theta[i]) ? rc : GSL_EFAILED;
	}
	return rc;
}

int robust_fit_solve(const struct robust_fit *f, const double *weight, double tolerance, double *theta,
		     double *covariance)
{
	struct solving s = {f, xmalloc(f->n * sizeof *s.r),
			    f->jacobian ? xmalloc(f->n * f->p * sizeof *s.jacobian) : NULL};
	gsl_multifit_nlinear_parameters parameters = gsl_multifit_nlinear_default_parameters();
	gsl_multifit_nlinear_fdf fdf = {.f = eval_residuals,
					.df = f->jacobian ? eval_jacobian : NULL,
					.n = f->n,
					.p = f->p,
					.params = &s};
	gsl_multifit_nlinear_workspace *w =
		gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &parameters, f->n, f->p);
	const gsl_vector_const_view start = gsl_vector_const_view_array(theta, f->p),
				    weights = gsl_vector_const_view_array(weight, f->n);
	int rc = gsl_multifit_nlinear_winit(&start.vector, &weights.vector, &fdf, w);

	if (rc == GSL_SUCCESS)
		rc = iterate(f, w, tolerance, theta);
	if (rc == GSL_SUCCESS && covariance)
		take_covariance(w, f->p, covariance);
	gsl_multifit_nlinear_free(w);
	free(s.r);
	free(s.jacobian);
	return rc == GSL_SUCCESS ? 0 : -1;
}

static double scale_of(const struct robust_fit *f, const double *r)
{
	const double n = (double)f->robust_n;
	double *size = xmalloc(f->robust_n * sizeof *size), s;

	for (size_t i = 0; i < f->robust_n; i++)
		size[i] = fabs(r[i]);
	s = 1.4826 * quantile_of(size, f->robust_n, 0.5);
	free(size);
	if (f->small_sample)
		s *= sqrt(n / (n - (double)f->p));
	return fmax(s, f->least_scale);
}

double robust_fit_scale(const struct robust_fit *f, const double *theta)
{
	double *r = xmalloc(f->n * sizeof *r), s;

	f->residuals(f->ctx, theta, r);
	s = scale_of(f, r);
	free(r);
	return s;
}

static double huber(double r, double scale)
{
	const double limit = huber_limit * scale;

	return fabs(r) > limit ? limit / fabs(r) : 1;
}

static double bisquare(double r, double scale)
{
	const double b = fabs(r) / scale / bisquare_limit;

	return b < 1 ? fmax((1 - b * b) * (1 - b * b), least_weight) : least_weight;
}

static void reweigh(const struct robust_fit *f, const double *theta, double (*weight_of)(double, double),
		    double *weight)
{
	double *r = xmalloc(f->n * sizeof *r), scale;

	f->residuals(f->ctx, theta, r);
	scale = scale_of(f, r);
	for (size_t i = 0; i < f->robust_n; i++)
		weight[i] = weight_of(r[i], scale);
	free(r);
}

int robust_fit_run(const struct robust_fit *f, const struct robust_rounds *rounds, double tolerance,
		   double *weight, double *theta)
{
	const int all = f->robust_n ? rounds->huber + rounds->bisquare : 0;

	for (size_t i = 0; i < f->n; i++)
		weight[i] = 1;
	if (rounds->unweighted_first && robust_fit_solve(f, weight, tolerance, theta, NULL) != 0)
		return -1;
	for (int round = 0; round < all; round++) {
		reweigh(f, theta, round < rounds->huber ? huber : bisquare, weight);
		if (robust_fit_solve(f, weight, tolerance, theta, NULL) != 0)
			return -1;
	}
	return 0;
}
