/* fit.c - see fit.h. */
#include "sim/calib/fit.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/calib/fit_knee.h"
#include "sim/stats/quantile.h"
#include "sim/stats/robust_fit.h"

/* A law over parameters that may take any value: rates and sizes enter by their logarithm, t0 in units of
 * the typical time. */
struct fit_form {
	const char *names[FIT_PARAMS];
	size_t p_n;
	bool is_log[FIT_PARAMS];
	double (*seconds)(const double *theta, double x, double t0);
};

static double constant_s(const double *theta, double x, double t0)
{
	(void)x;
	(void)t0;
	return exp(theta[FIT_C]);
}

static double rate_s(const double *theta, double x, double t0)
{
	return t0 + x * exp(-theta[FIT_R]);
}

static double affine_s(const double *theta, double x, double unit)
{
	return theta[FIT_T0] * unit + x * exp(-theta[FIT_R]);
}

static double knee_s(const double *theta, double x, double t0)
{
	(void)t0;
	return knee_seconds(theta, x);
}

static double step_s(const double *theta, double x, double knee)
{
	return x * exp(-theta[x < knee ? FIT_CACHE : FIT_MEMORY]);
}

static const struct fit_form family_models[] = {
	[FIT_CONSTANT] = {{"t"}, 1, {true}, constant_s},
	[FIT_RATE] = {{"R"}, 1, {true}, rate_s},
	[FIT_AFFINE] = {{"R", "t0"}, 2, {true, false}, affine_s},
	[FIT_KNEE] = {{"memory", "cache", "knee", "slope"}, 4, {true, true, true, true}, knee_s},
	[FIT_STEP] = {{"memory", "cache"}, 2, {true, true}, step_s},
};

struct job {
	const struct fit_form *fit_form;
	const struct fit_custom *custom; /* NULL: the law's own seconds() */
	const struct fit_point *p;       /* those that are fitted */
	size_t n;
	double t0;      /* or the unit of t0, or where a step is */
	double *sigma;  /* relative, of each point against the typical one */
	double *weight; /* from robustness, 0..1 */
	double theta[FIT_PARAMS];
	double covariance[FIT_PARAMS * FIT_PARAMS]; /* of the parameters that the model has, row by row */
};

static double seconds_at(const struct job *j, const double *theta, const struct fit_point *p)
{
	double value[FIT_PARAMS] = {0};

	if (!j->custom)
		return j->fit_form->seconds(theta, p->x, j->t0);
	for (size_t i = 0; i < j->fit_form->p_n; i++)
		value[i] = j->fit_form->is_log[i] ? exp(theta[i]) : theta[i] * j->t0;
	return j->custom->seconds(j->custom->ctx, value, (size_t)p->x - 1);
}

/* ln(model / t), going on in a straight line where a draw of the parameters makes the model negative. */
static double residual(const struct job *j, const double *theta, size_t i)
{
	const double ratio = seconds_at(j, theta, &j->p[i]) / j->p[i].t, least = 1e-3;

	return ratio > least ? log(ratio) : log(least) + (ratio - least) / least;
}

static void residuals(const void *ctx, const double *theta, double *r)
{
	const struct job *j = ctx;

	for (size_t i = 0; i < j->n; i++)
		r[i] = residual(j, theta, i) / j->sigma[i];
}

static struct robust_fit robust_of(const struct job *j)
{
	return (struct robust_fit){.n = j->n,
				   .robust_n = j->n,
				   .p = j->fit_form->p_n,
				   .residuals = residuals,
				   .ctx = j,
				   .steps_max = 100,
				   .least_scale = 1e-3, /* clocks and tables are not better than that */
				   .small_sample = true};
}

/* One weighted fit from j->theta; leaves the answer there, and its covariance where asked. The callbacks get
 * theta from the solver, never from j. */
static int solve(struct job *j, double tolerance, bool covariance)
{
	const struct robust_fit f = robust_of(j);

	return robust_fit_solve(&f, j->weight, tolerance, j->theta, covariance ? j->covariance : NULL);
}

/* The start is robust itself, so that no unweighted fit comes first. */
static int solve_robust(struct job *j)
{
	const struct robust_fit f = robust_of(j);
	const struct robust_rounds rounds = {.unweighted_first = false, .huber = 12, .bisquare = 12};

	return robust_fit_run(&f, &rounds, 1e-6, j->weight, j->theta);
}

static double median_rate(const struct fit_point *p, size_t n, double above)
{
	double *rate = xmalloc(n * sizeof *rate), m;
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		if (p[i].x >= above)
			rate[k++] = p[i].x / p[i].t;
	m = k ? quantile_of(rate, k, 0.5) : 0;
	free(rate);
	return m;
}

/* Theil and Sen: the median of the slopes of all pairs that are a factor of two apart. */
static double median_slope(const struct fit_point *p, size_t n)
{
	double *slope = xmalloc((n * n / 2 + 1) * sizeof *slope), m;
	size_t k = 0;

	for (size_t a = 0; a < n; a++)
		for (size_t b = 0; b < a; b++)
			if (fmax(p[a].x, p[b].x) > 2 * fmin(p[a].x, p[b].x))
				slope[k++] = (p[a].t - p[b].t) / (p[a].x - p[b].x);
	m = k ? quantile_of(slope, k, 0.5) : 0;
	free(slope);
	return m;
}

static double largest_x(const struct fit_point *p, size_t n)
{
	double x = 0;

	for (size_t i = 0; i < n; i++)
		x = fmax(x, p[i].x);
	return x;
}

static double smallest_x(const struct fit_point *p, size_t n)
{
	double x = INFINITY;

	for (size_t i = 0; i < n; i++)
		x = fmin(x, p[i].x);
	return x;
}

static double robust_loss(const struct job *j)
{
	double sum = 0;

	for (size_t i = 0; i < j->n; i++)
		sum += fmin(fabs(residual(j, j->theta, i) / j->sigma[i]), 0.2);
	return sum;
}

/* The place of the knee is tried on a grid, since a step has many minima. */
static int start_knee(struct job *j, struct err *err)
{
	const double lo = smallest_x(j->p, j->n), hi = largest_x(j->p, j->n);
	const double memory = median_rate(j->p, j->n, hi / 2.5);
	double cache, best = INFINITY, kept[FIT_PARAMS] = {0}, *rate = xmalloc(j->n * sizeof *rate);
	size_t k_n = 0;

	for (size_t i = 0; i < j->n; i++) /* the rate that the smallest third of sizes reaches */
		if (j->p[i].x <= lo * cbrt(hi / lo))
			rate[k_n++] = j->p[i].x / j->p[i].t;
	cache = quantile_of(rate, k_n, 0.75);
	free(rate);
	if (j->n < 8 || hi < 8 * lo || cache < 1.15 * memory)
		return err_set(err, "no cache shows: the smallest sizes are not faster than the largest");
	for (int i = 1; i < 24; i++) {
		for (int k = 0; k < 3; k++) {
			j->theta[FIT_MEMORY] = log(memory);
			j->theta[FIT_CACHE] = log(cache);
			j->theta[FIT_AT] = log(lo) + log(hi / lo) * i / 24;
			j->theta[FIT_SLOPE] = log(2) * (k + 1);
			if (robust_loss(j) < best) {
				best = robust_loss(j);
				memcpy(kept, j->theta, sizeof kept);
			}
		}
	}
	memcpy(j->theta, kept, sizeof kept);
	return 0;
}

static int start(struct job *j, enum fit_model fit_form, struct err *err)
{
	const bool one_size = largest_x(j->p, j->n) <= 1.0001 * smallest_x(j->p, j->n);
	double *t, slope;

	if (fit_form == FIT_KNEE)
		return start_knee(j, err);
	t = xmalloc(j->n * sizeof *t);
	for (size_t i = 0; i < j->n; i++)
		t[i] = j->p[i].t;
	if (fit_form == FIT_CONSTANT) {
		j->theta[FIT_C] = log(quantile_of(t, j->n, 0.5));
	} else if (fit_form == FIT_RATE) {
		for (size_t i = 0; i < j->n; i++)
			t[i] = j->p[i].x / fmax(t[i] - j->t0, 0.1 * t[i]);
		j->theta[FIT_R] = log(quantile_of(t, j->n, 0.5));
	} else {
		slope = median_slope(j->p, j->n);
		j->t0 = quantile_of(t, j->n, 0);
		slope = slope > 0 ? slope : 0.5 / median_rate(j->p, j->n, 0);
		j->theta[FIT_R] = -log(slope);
		for (size_t i = 0; i < j->n; i++)
			t[i] -= slope * j->p[i].x;
		j->theta[FIT_T0] = fmax(quantile_of(t, j->n, 0.5), 0) / j->t0;
	}
	free(t);
	if (fit_form == FIT_AFFINE && one_size)
		return err_set(err, "one size only: t0 and the rate cannot be told apart");
	return 0;
}

/* Relative standard deviations against the typical one; what is not known is typical. */
static void set_sigma(struct job *j)
{
	const double least = 0.003;
	double typical = 0;
	size_t known = 0;

	for (size_t i = 0; i < j->n; i++)
		j->sigma[known] = hypot(j->p[i].sd, least), known += j->p[i].sd > 0;
	typical = 2 * known >= j->n ? quantile_of(j->sigma, known, 0.5) : 0.01; /* else: a careful mean */
	for (size_t i = 0; i < j->n; i++)
		j->sigma[i] = j->p[i].sd > 0 ? fmax(hypot(j->p[i].sd, least) / typical, 0.25) : 1;
}

static void job_open(struct job *j, const struct fit_form *fit_form, const struct fit_point *p, size_t n,
		     double t0)
{
	*j = (struct job){.fit_form = fit_form, .p = p, .n = n, .t0 = t0};
	j->sigma = xmalloc(n * sizeof *j->sigma);
	j->weight = xmalloc(n * sizeof *j->weight);
	for (size_t i = 0; i < n; i++)
		j->weight[i] = 1;
	set_sigma(j);
}

static void job_close(struct job *j)
{
	free(j->sigma);
	free(j->weight);
}

/* Marks what is as rare as four deviations are of a normal; with hardly more points than parameters nothing
 * can be. */
static size_t mark_outliers(const struct job *j, struct fit_point *p)
{
	const struct robust_fit f = robust_of(j);
	const double s = robust_fit_scale(&f, j->theta), far = gsl_cdf_tdist_Qinv(3.2e-5, (double)(j->n - j->fit_form->p_n));
	size_t out = 0;

	for (size_t i = 0; i < j->n; i++) {
		p[i].out = j->n >= j->fit_form->p_n + 3 &&
			   fabs(residual(j, j->theta, i) / j->sigma[i]) > far * s;
		out += p[i].out;
	}
	return out;
}

/* Each point in turn is predicted by a fit to the others. */
static void leave_one_out(struct job *j, struct fit *f)
{
	double *off, keep[FIT_PARAMS];

	f->loo_median = f->loo_worst = NAN;
	if (j->n <= j->fit_form->p_n + 1 || j->n > 500)
		return;
	off = xmalloc(j->n * sizeof *off);
	memcpy(keep, j->theta, sizeof keep);
	for (size_t i = 0; i < j->n; i++) {
		j->weight[i] = 0;
		memcpy(j->theta, keep, sizeof keep);
		off[i] = solve(j, 1e-4, false) == 0 ? fabs(expm1(residual(j, j->theta, i))) : 1;
		j->weight[i] = 1;
	}
	memcpy(j->theta, keep, sizeof keep);
	f->loo_median = quantile_of(off, j->n, 0.5);
	f->loo_worst = quantile_of(off, j->n, 1);
	free(off);
}

/* In logarithms, or in typical times. No variance says that the points do not depend on the parameter, which
 * GSL leaves at zero; in place of a large one stands rounding. Neither tells the parameter. */
static double error_of(double spread, double variance)
{
	const double se = spread * sqrt(variance);

	return variance > 0 && se < 100 ? se : INFINITY;
}

static void take_params(const struct job *j, struct fit *f)
{
	const size_t free_n = j->n > j->fit_form->p_n ? j->n - j->fit_form->p_n : 0;
	const double t = free_n ? gsl_cdf_tdist_Pinv(0.975, (double)free_n) : INFINITY;
	double sum = 0;

	for (size_t i = 0; i < j->n; i++)
		sum += pow(residual(j, j->theta, i) / j->sigma[i], 2);
	f->spread = free_n ? sqrt(sum / (double)free_n) : NAN;
	for (size_t i = 0; i < j->fit_form->p_n; i++) {
		const double at = j->theta[i], se = free_n ? error_of(f->spread, j->covariance[i * j->fit_form->p_n + i]) : INFINITY;
		const bool is_log = j->fit_form->is_log[i];

		f->p[i] = (struct fit_param){.name = j->fit_form->names[i]};
		f->p[i].value = is_log ? exp(at) : at * j->t0;
		f->p[i].se = is_log ? exp(at) * se : se * j->t0;
		f->p[i].lo = is_log ? exp(at - t * se) : (at - t * se) * j->t0;
		f->p[i].hi = is_log ? exp(at + t * se) : (at + t * se) * j->t0;
	}
	f->p_n = j->fit_form->p_n;
}

static void judge(struct fit *f, struct fit_point *p, size_t n)
{
	const struct fit_param *r = &f->p[FIT_R], *t0 = &f->p[FIT_T0];
	const double t0_s = f->fit_form == FIT_AFFINE ? t0->value : f->fit_form == FIT_RATE ? f->t0 : 0;

	for (size_t i = 0; i < n; i++)
		p[i].mostly_t0 = t0_s > 0.5 * p[i].t;
	if (f->fit_form == FIT_CUSTOM) {
		f->rate_known = f->t0_known = f->apart = true;
		return;
	}
	f->rate_known = r->hi < 2 * r->lo;
	f->t0_known = f->fit_form != FIT_AFFINE || t0->hi - t0->lo < fabs(t0->value);
	f->apart = f->rate_known && f->t0_known;
}

static int check_points(const struct fit_point *p, size_t n, const struct fit_form *fit_form, struct err *err)
{
	if (n < fit_form->p_n)
		return err_set(err, "%zu points are too few: the law has %zu parameters", n, fit_form->p_n);
	for (size_t i = 0; i < n; i++)
		if (!(p[i].t > 0) || !isfinite(p[i].t) || !isfinite(p[i].x) ||
		    (fit_form != &family_models[FIT_CONSTANT] && !(p[i].x > 0)))
			return err_set(err, "point '%s': times and sizes must be positive numbers",
				       p[i].name ? p[i].name : "?");
	return 0;
}

/* The last fit, to what is not an outlier. */
static int finish(struct job *j, struct fit_point *p, size_t n, struct fit *f)
{
	struct fit_point *kept = xmalloc(n * sizeof *kept);
	struct job last;
	size_t k = 0;
	int rc;

	for (size_t i = 0; i < n; i++)
		if (!p[i].out)
			kept[k++] = p[i];
	job_open(&last, j->fit_form, kept, k, j->t0);
	last.custom = j->custom;
	memcpy(last.theta, j->theta, sizeof last.theta);
	rc = solve(&last, 1e-10, true);
	if (rc == 0) {
		f->used = k;
		take_params(&last, f);
		leave_one_out(&last, f);
		judge(f, p, n);
	}
	job_close(&last);
	free(kept);
	return rc;
}

/* From a start to the end of it. */
static int run(struct job *j, struct fit_point *p, struct fit *f, struct err *err)
{
	int rc = j->n > j->fit_form->p_n ? solve_robust(j) : solve(j, 1e-6, false);

	if (rc == 0 && j->n > j->fit_form->p_n)
		mark_outliers(j, p);
	if (rc != 0 || finish(j, p, j->n, f) != 0)
		return err_set(err, "the fit to %zu points does not converge", j->n);
	return 0;
}

/* Where the slope of a knee cannot be told: what is left of it. */
static int fit_step(struct fit_point *p, size_t n, struct fit *f, struct err *err)
{
	struct knee_step s;
	struct job j;
	int rc;

	if (!knee_find_step(p, n, &s))
		return err_set(err, "no cache shows: no size from which on all are slower");
	*f = (struct fit){.fit_form = FIT_STEP, .n = n, .t0 = s.at};
	job_open(&j, &family_models[FIT_STEP], p, n, s.at);
	j.theta[FIT_MEMORY] = log(s.memory);
	j.theta[FIT_CACHE] = log(s.cache);
	rc = run(&j, p, f, err);
	job_close(&j);
	f->p[f->p_n++] = (struct fit_param){"knee", s.at, INFINITY, s.lo, s.hi};
	return rc;
}

static int fit_knee(struct job *j, struct fit_point *p, struct fit *f, struct err *err)
{
	struct err none = ERR_INIT;

	if (run(j, p, f, &none) == 0 && knee_has_slope(f, p, j->n))
		return 0;
	return fit_step(p, j->n, f, err);
}

int fit_make(enum fit_model fit_form, struct fit_point *p, size_t n, double t0, struct fit *f,
	     struct err *err)
{
	struct job j;
	int rc;

	BUG_ON(fit_form == FIT_CUSTOM || fit_form == FIT_STEP);
	if (check_points(p, n, &family_models[fit_form], err) != 0)
		return -1;
	*f = (struct fit){.fit_form = fit_form, .n = n, .t0 = t0};
	job_open(&j, &family_models[fit_form], p, n, t0);
	rc = start(&j, fit_form, err);
	if (rc == 0)
		rc = fit_form == FIT_KNEE ? fit_knee(&j, p, f, err) : run(&j, p, f, err);
	job_close(&j);
	return rc;
}

int fit_custom(const struct fit_custom *custom, struct fit_point *p, size_t n, struct fit *f, struct err *err)
{
	struct fit_form fit_form = {.p_n = custom->p_n};
	struct job j;
	int rc;

	memcpy(fit_form.names, custom->names, sizeof fit_form.names);
	memcpy(fit_form.is_log, custom->is_log, sizeof fit_form.is_log);
	for (size_t i = 0; i < n; i++)
		p[i].x = (double)(i + 1); /* which one it is, when some are left out */
	if (check_points(p, n, &fit_form, err) != 0)
		return -1;
	*f = (struct fit){.fit_form = FIT_CUSTOM, .n = n};
	job_open(&j, &fit_form, p, n, custom->unit);
	j.custom = custom;
	for (size_t i = 0; i < fit_form.p_n; i++)
		j.theta[i] = fit_form.is_log[i] ? log(custom->start[i]) : custom->start[i] / custom->unit;
	rc = run(&j, p, f, err);
	job_close(&j);
	return rc;
}

double fit_at(const struct fit *f, double x)
{
	double theta[FIT_PARAMS] = {0};

	for (size_t i = 0; i < f->p_n; i++)
		theta[i] = i >= family_models[f->fit_form].p_n || family_models[f->fit_form].is_log[i]
				   ? log(f->p[i].value)
				   : f->p[i].value;
	return family_models[f->fit_form].seconds(theta, x, f->fit_form == FIT_AFFINE ? 1 : f->t0);
}

void fit_describe(const struct fit *f, struct str *out)
{
	for (size_t i = 0; i < f->p_n; i++)
		str_addf(out, "%s%s %.4g (%.4g to %.4g)", i ? ", " : "", f->p[i].name, f->p[i].value,
			 f->p[i].lo, f->p[i].hi);
	str_addf(out, "; %zu of %zu points", f->used, f->n);
	if (isfinite(f->spread))
		str_addf(out, ", spread %.2g %%", 100 * f->spread);
	if (isfinite(f->loo_median))
		str_addf(out, ", leave-one-out %.2g %% median, %.2g %% worst", 100 * f->loo_median,
			 100 * f->loo_worst);
	if (f->fit_form == FIT_STEP)
		str_add(out, ", no slope to be told from these points");
	if (f->fit_form != FIT_AFFINE && !f->rate_known)
		str_add(out, ", poorly known");
	else if (!f->apart)
		str_add(out, f->rate_known ? ", t0 is lost in the noise"
			     : f->t0_known ? ", the rate is lost in t0"
					   : ", t0 and the rate cannot be told apart");
}
