/* fit.c - see fit.h. */
#include "sim/calib/fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/exact_math.h"
#include "sim/base/mem.h"
#include "sim/base/units.h"
#include "sim/calib/fit_knee.h"
#include "sim/calib/model_error.h"
#include "sim/stats/ci.h"
#include "sim/stats/quantile.h"
#include "sim/stats/robust_fit.h"

/* A model function over unbounded parameters theta: rates and sizes enter as logarithms, t0 in units of the typical
 * time. */
struct curve {
	const char *names[FIT_PARAMS];
	size_t p_n;
	bool is_log[FIT_PARAMS];
	double (*seconds)(const double *theta, double x, double t0);
};

static double constant_s(const double *theta, double x, double t0)
{
	(void)x;
	(void)t0;
	return exact_exp(theta[FIT_C]);
}

static double rate_s(const double *theta, double x, double t0)
{
	return t0 + x * exact_exp(-theta[FIT_R]);
}

static double affine_s(const double *theta, double x, double unit)
{
	return theta[FIT_T0] * unit + x * exact_exp(-theta[FIT_R]);
}

static double knee_s(const double *theta, double x, double t0)
{
	(void)t0;
	return knee_seconds(theta, x);
}

static double step_s(const double *theta, double x, double knee)
{
	return x * exact_exp(-theta[x < knee ? FIT_CACHE : FIT_MEMORY]);
}

static const struct curve curves[] = {
	[FIT_CONSTANT] = {{"t"}, 1, {true}, constant_s},
	[FIT_RATE] = {{"R"}, 1, {true}, rate_s},
	[FIT_AFFINE] = {{"R", "t0"}, 2, {true, false}, affine_s},
	[FIT_KNEE] = {{"memory", "cache", "knee", "slope"}, 4, {true, true, true, true}, knee_s},
	[FIT_STEP] = {{"memory", "cache"}, 2, {true, true}, step_s},
};

struct fit_job {
	const struct curve *curve;
	const struct fit_custom *custom; /* NULL: the curve's own seconds() */
	const struct fit_point *p;       /* those that are fitted */
	size_t n;
	double t0;      /* FIT_AFFINE, FIT_CUSTOM: the unit of t0; FIT_STEP: the step's size */
	double *sigma;  /* per point, relative to the typical sd */
	double *weight; /* by the reweighting, 0 to 1 */
	double theta[FIT_PARAMS];
	double covariance[FIT_PARAMS * FIT_PARAMS]; /* p_n x p_n, row by row */
};

static double seconds_at(const struct fit_job *j, const double *theta, const struct fit_point *p)
{
	double value[FIT_PARAMS] = {0};

	if (!j->custom)
		return j->curve->seconds(theta, p->x, j->t0);
	for (size_t i = 0; i < j->curve->p_n; i++)
		value[i] = j->curve->is_log[i] ? exact_exp(theta[i]) : theta[i] * j->t0;
	return j->custom->seconds(j->custom->ctx, value, (size_t)p->x - 1);
}

/* ln(model / t), continued as a straight line where the solver's parameters make the model negative. */
static double residual(const struct fit_job *j, const double *theta, size_t i)
{
	const double ratio = seconds_at(j, theta, &j->p[i]) / j->p[i].t, least = 1e-3;

	return ratio > least ? exact_log(ratio) : exact_log(least) + (ratio - least) / least;
}

static void residuals(const void *ctx, const double *theta, double *r)
{
	const struct fit_job *j = ctx;

	for (size_t i = 0; i < j->n; i++)
		r[i] = residual(j, theta, i) / j->sigma[i];
}

static struct robust_fit robust_of(const struct fit_job *j)
{
	return (struct robust_fit){.n = j->n,
				   .robust_n = j->n,
				   .p = j->curve->p_n,
				   .residuals = residuals,
				   .ctx = j,
				   .steps_max = 100,
				   .least_scale = 1e-3, /* clocks and tables are not better than that */
				   .small_sample = true};
}

/* One weighted fit from j->theta, where the answer is left, with its covariance where asked. */
static int solve(struct fit_job *j, double tolerance, bool covariance)
{
	const struct robust_fit f = robust_of(j);

	return robust_fit_solve(&f, j->weight, tolerance, j->theta, covariance ? j->covariance : NULL);
}

/* start() takes medians, so that no unweighted fit, which outliers would pull away, comes first. */
static int solve_robust(struct fit_job *j)
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

/* The estimator of Theil and Sen: the median slope over all pairs of sizes more than a factor of two apart. */
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

static double robust_loss(const struct fit_job *j)
{
	double sum = 0;

	for (size_t i = 0; i < j->n; i++)
		sum += fmin(fabs(residual(j, j->theta, i) / j->sigma[i]), 0.2);
	return sum;
}

/* The start of a knee's position and slope is the best of a grid, since the loss has many minima in them. */
static int start_knee(struct fit_job *j, struct err *err)
{
	const double lo = smallest_x(j->p, j->n), hi = largest_x(j->p, j->n);
	const double memory = median_rate(j->p, j->n, hi / 2.5);
	/* with a margin, since sizes are powers of two and one may be just there */
	const double third = 1.001 * lo * exact_pow(hi / lo, 1.0 / 3);
	double cache, best = INFINITY, kept[FIT_PARAMS] = {0}, *rate = xmalloc(j->n * sizeof *rate);
	size_t k_n = 0;

	for (size_t i = 0; i < j->n; i++) /* the rate that the smallest third of sizes reaches */
		if (j->p[i].x <= third)
			rate[k_n++] = j->p[i].x / j->p[i].t;
	cache = quantile_of(rate, k_n, 0.75);
	free(rate);
	if (j->n < 8 || hi < 8 * lo || cache < 1.15 * memory)
		return err_set(err, "no cache shows: the smallest sizes are not faster than the largest");
	for (int i = 1; i < 24; i++) {
		for (int k = 0; k < 3; k++) {
			j->theta[FIT_MEMORY] = exact_log(memory);
			j->theta[FIT_CACHE] = exact_log(cache);
			j->theta[FIT_AT] = exact_log(lo) + exact_log(hi / lo) * i / 24;
			j->theta[FIT_SLOPE] = exact_log(2) * (k + 1);
			if (robust_loss(j) < best) {
				best = robust_loss(j);
				memcpy(kept, j->theta, sizeof kept);
			}
		}
	}
	memcpy(j->theta, kept, sizeof kept);
	return 0;
}

static int start(struct fit_job *j, enum fit_model model, struct err *err)
{
	const bool one_size = largest_x(j->p, j->n) <= 1.0001 * smallest_x(j->p, j->n);
	double *t, slope;

	if (model == FIT_KNEE)
		return start_knee(j, err);
	t = xmalloc(j->n * sizeof *t);
	for (size_t i = 0; i < j->n; i++)
		t[i] = j->p[i].t;
	if (model == FIT_CONSTANT) {
		j->theta[FIT_C] = exact_log(quantile_of(t, j->n, 0.5));
	} else if (model == FIT_RATE) {
		for (size_t i = 0; i < j->n; i++)
			t[i] = j->p[i].x / fmax(t[i] - j->t0, 0.1 * t[i]);
		j->theta[FIT_R] = exact_log(quantile_of(t, j->n, 0.5));
	} else {
		slope = median_slope(j->p, j->n);
		j->t0 = quantile_of(t, j->n, 0);
		slope = slope > 0 ? slope : 0.5 / median_rate(j->p, j->n, 0);
		j->theta[FIT_R] = -exact_log(slope);
		for (size_t i = 0; i < j->n; i++)
			t[i] -= slope * j->p[i].x;
		j->theta[FIT_T0] = fmax(quantile_of(t, j->n, 0.5), 0) / j->t0;
	}
	free(t);
	if (model == FIT_AFFINE && one_size)
		return err_set(err, "one size only: t0 and the rate cannot be told apart");
	return 0;
}

/* The points' standard deviations relative to the median one; a point without one counts as typical. */
static void set_sigma(struct fit_job *j)
{
	const double least = 0.003;
	double typical = 0;
	size_t known = 0;

	for (size_t i = 0; i < j->n; i++)
		j->sigma[known] = exact_hypot(j->p[i].sd, least), known += j->p[i].sd > 0;
	typical = 2 * known >= j->n ? quantile_of(j->sigma, known, 0.5) : 0.01; /* few points have one: 1 % */
	for (size_t i = 0; i < j->n; i++)
		j->sigma[i] = j->p[i].sd > 0 ? fmax(exact_hypot(j->p[i].sd, least) / typical, 0.25) : 1;
}

static void fit_job_open(struct fit_job *j, const struct curve *curve, const struct fit_point *p, size_t n,
			 double t0)
{
	*j = (struct fit_job){.curve = curve, .p = p, .n = n, .t0 = t0};
	j->sigma = xmalloc(n * sizeof *j->sigma);
	j->weight = xmalloc(n * sizeof *j->weight);
	for (size_t i = 0; i < n; i++)
		j->weight[i] = 1;
	set_sigma(j);
}

static void fit_job_close(struct fit_job *j)
{
	free(j->sigma);
	free(j->weight);
}

/* Marks points as rare as four standard deviations of a normal; none with hardly more points than parameters. */
static size_t mark_outliers(const struct fit_job *j, struct fit_point *p)
{
	const struct robust_fit f = robust_of(j);
	const double s = robust_fit_scale(&f, j->theta), far = ci_errors(j->n - j->curve->p_n, 1 - 6.4e-5);
	size_t out = 0;

	for (size_t i = 0; i < j->n; i++) {
		p[i].out =
			j->n >= j->curve->p_n + 3 && fabs(residual(j, j->theta, i) / j->sigma[i]) > far * s;
		out += p[i].out;
	}
	return out;
}

/* How far off a point is, relative; all of it where the law gives it no time, as with an overhead below nothing. */
static double off_by(const struct fit_job *j, const double *theta, size_t i)
{
	const double off = fabs(exact_expm1(residual(j, theta, i)));

	return isfinite(off) ? off : 1;
}

/* Leave-one-out cross-validation: each point is predicted by a fit to the others, and the outliers, which no fit has
 * seen, by the fit to all others: a model that misses one shape in five is no better for leaving it out. */
static void leave_one_out(struct fit_job *j, const struct fit_job *outliers, struct fit *f)
{
	double *off, keep[FIT_PARAMS];

	f->loo_median = f->loo_worst = f->loo_sd = NAN;
	if (j->n <= j->curve->p_n + 1 || j->n > 500)
		return;
	off = xmalloc((j->n + outliers->n) * sizeof *off);
	memcpy(keep, j->theta, sizeof keep);
	for (size_t i = 0; i < j->n; i++) {
		j->weight[i] = 0;
		memcpy(j->theta, keep, sizeof keep);
		off[i] = solve(j, 1e-4, false) == 0 ? off_by(j, j->theta, i) : 1;
		j->weight[i] = 1;
	}
	memcpy(j->theta, keep, sizeof keep);
	f->loo_median = quantile_of(off, j->n, 0.5);
	f->loo_worst = quantile_of(off, j->n, 1);
	for (size_t i = 0; i < outliers->n; i++)
		off[j->n + i] = off_by(outliers, keep, i);
	f->loo_sd = model_error_sd(off, j->n + outliers->n);
	free(off);
}

/* A parameter's standard error, as a logarithm or in typical times. GSL gives a variance of 0 where the points do not
 * depend on the parameter, and rounding instead of a very large one: either way the parameter is undetermined. */
static double error_of(double spread, double variance)
{
	const double se = spread * sqrt(variance);

	return variance > 0 && se < 100 ? se : INFINITY;
}

static void take_params(const struct fit_job *j, struct fit *f)
{
	const size_t free_n = j->n > j->curve->p_n ? j->n - j->curve->p_n : 0;
	const double t = free_n ? ci_errors(free_n, 0.95) : INFINITY;
	double sum = 0;

	for (size_t i = 0; i < j->n; i++) {
		const double r = residual(j, j->theta, i) / j->sigma[i];

		sum += r * r;
	}
	f->spread = free_n ? sqrt(sum / (double)free_n) : NAN;
	for (size_t i = 0; i < j->curve->p_n; i++) {
		const double at = j->theta[i],
			     se = free_n ? error_of(f->spread, j->covariance[i * j->curve->p_n + i])
					 : INFINITY;
		const bool is_log = j->curve->is_log[i];

		f->p[i] = (struct fit_param){.name = j->curve->names[i]};
		f->p[i].value = is_log ? exact_exp(at) : at * j->t0;
		f->p[i].se = is_log ? exact_exp(at) * se : se * j->t0;
		f->p[i].lo = is_log ? exact_exp(at - t * se) : (at - t * se) * j->t0;
		f->p[i].hi = is_log ? exact_exp(at + t * se) : (at + t * se) * j->t0;
	}
	f->p_n = j->curve->p_n;
}

static void judge(struct fit *f, struct fit_point *p, size_t n)
{
	const struct fit_param *r = &f->p[FIT_R], *t0 = &f->p[FIT_T0];
	const double t0_s = f->model == FIT_AFFINE ? t0->value : f->model == FIT_RATE ? f->t0 : 0;

	for (size_t i = 0; i < n; i++)
		p[i].mostly_t0 = t0_s > 0.5 * p[i].t;
	if (f->model == FIT_CUSTOM) {
		f->rate_known = f->t0_known = f->apart = true;
		return;
	}
	f->rate_known = r->hi < 2 * r->lo;
	f->t0_known = f->model != FIT_AFFINE || t0->hi - t0->lo < fabs(t0->value);
	f->apart = f->rate_known && f->t0_known;
}

static int check_points(const struct fit_point *p, size_t n, const struct curve *curve, struct err *err)
{
	if (n < curve->p_n)
		return err_set(err, "%zu points are too few: the model has %zu parameters", n, curve->p_n);
	for (size_t i = 0; i < n; i++)
		if (!(p[i].t > 0) || !isfinite(p[i].t) || !isfinite(p[i].x) ||
		    (curve != &curves[FIT_CONSTANT] && !(p[i].x > 0)))
			return err_set(err, "point '%s': times and sizes must be positive numbers",
				       p[i].name ? p[i].name : "?");
	return 0;
}

/* The last fit, to the points that are not outliers. */
static int finish(struct fit_job *j, struct fit_point *p, size_t n, struct fit *f)
{
	struct fit_point *kept = xmalloc(2 * n * sizeof *kept), *out = kept + n;
	struct fit_job last, outliers = *j;
	size_t k = 0;
	int rc;

	outliers.p = out;
	outliers.n = 0;
	for (size_t i = 0; i < n; i++)
		*(p[i].out ? &out[outliers.n++] : &kept[k++]) = p[i];
	fit_job_open(&last, j->curve, kept, k, j->t0);
	last.custom = j->custom;
	memcpy(last.theta, j->theta, sizeof last.theta);
	rc = solve(&last, 1e-10, true);
	if (rc == 0) {
		f->used = k;
		take_params(&last, f);
		leave_one_out(&last, &outliers, f);
		judge(f, p, n);
	}
	fit_job_close(&last);
	free(kept);
	return rc;
}

/* The robust fit from the start, the outliers' marks, and the last fit. */
static int run(struct fit_job *j, struct fit_point *p, struct fit *f, struct err *err)
{
	int rc = j->n > j->curve->p_n ? solve_robust(j) : solve(j, 1e-6, false);

	if (rc == 0 && j->n > j->curve->p_n)
		mark_outliers(j, p);
	if (rc != 0 || finish(j, p, j->n, f) != 0)
		return err_set(err, "the fit to %zu points does not converge", j->n);
	return 0;
}

/* The fit of a step, where the slope of a knee is undetermined. */
static int fit_step(struct fit_point *p, size_t n, struct fit *f, struct err *err)
{
	struct knee_step s;
	struct fit_job j;
	int rc;

	if (!knee_find_step(p, n, &s))
		return err_set(err, "no cache shows: no size from which on all are slower");
	*f = (struct fit){.model = FIT_STEP, .n = n, .t0 = s.at};
	fit_job_open(&j, &curves[FIT_STEP], p, n, s.at);
	j.theta[FIT_MEMORY] = exact_log(s.memory);
	j.theta[FIT_CACHE] = exact_log(s.cache);
	rc = run(&j, p, f, err);
	fit_job_close(&j);
	f->p[f->p_n++] = (struct fit_param){"knee", s.at, INFINITY, s.lo, s.hi};
	return rc;
}

static int fit_knee(struct fit_job *j, struct fit_point *p, struct fit *f, struct err *err)
{
	struct err none = ERR_INIT;

	if (run(j, p, f, &none) == 0 && knee_has_slope(f, p, j->n))
		return 0;
	return fit_step(p, j->n, f, err);
}

int fit_make(enum fit_model model, struct fit_point *p, size_t n, double t0, struct fit *f, struct err *err)
{
	struct fit_job j;
	int rc;

	BUG_ON(model == FIT_CUSTOM || model == FIT_STEP);
	if (check_points(p, n, &curves[model], err) != 0)
		return -1;
	*f = (struct fit){.model = model, .n = n, .t0 = t0};
	fit_job_open(&j, &curves[model], p, n, t0);
	rc = start(&j, model, err);
	if (rc == 0)
		rc = model == FIT_KNEE ? fit_knee(&j, p, f, err) : run(&j, p, f, err);
	fit_job_close(&j);
	return rc;
}

int fit_custom(const struct fit_custom *custom, struct fit_point *p, size_t n, struct fit *f, struct err *err)
{
	struct curve curve = {.p_n = custom->p_n};
	struct fit_job j;
	int rc;

	memcpy(curve.names, custom->names, sizeof curve.names);
	memcpy(curve.is_log, custom->is_log, sizeof curve.is_log);
	for (size_t i = 0; i < n; i++)
		p[i].x = (double)(i + 1); /* the point's number, kept when others are left out */
	if (check_points(p, n, &curve, err) != 0)
		return -1;
	*f = (struct fit){.model = FIT_CUSTOM, .n = n};
	fit_job_open(&j, &curve, p, n, custom->unit);
	j.custom = custom;
	for (size_t i = 0; i < curve.p_n; i++)
		j.theta[i] = curve.is_log[i] ? exact_log(custom->start[i]) : custom->start[i] / custom->unit;
	rc = run(&j, p, f, err);
	fit_job_close(&j);
	return rc;
}

double fit_at(const struct fit *f, double x)
{
	double theta[FIT_PARAMS] = {0};

	for (size_t i = 0; i < f->p_n; i++)
		theta[i] = i >= curves[f->model].p_n || curves[f->model].is_log[i] ? exact_log(f->p[i].value)
										   : f->p[i].value;
	return curves[f->model].seconds(theta, x, f->model == FIT_AFFINE ? 1 : f->t0);
}

/* t0 is a time and the knee a size; the rates are per second of whatever was counted. */
static void add_parameter(struct str *out, const char *name, double value)
{
	if (!strcmp(name, "t0"))
		units_format(out, value, DIM_TIME, 4);
	else if (!strcmp(name, "knee"))
		units_format(out, value, DIM_BYTES, 4);
	else
		str_add(out, value < 1e6 ? units_digits(value, 4).text : units_amount(value).text);
}

/* In percent. What rounding of sums leaves of a fit that goes through its points is nothing. */
static struct figure percent(double share)
{
	const double rounding = 1e-8;

	return units_digits(fabs(share) < rounding ? 0 : 100 * share, 2);
}

void fit_describe(const struct fit *f, struct str *out)
{
	for (size_t i = 0; i < f->p_n; i++) {
		str_addf(out, "%s%s ", i ? ", " : "", f->p[i].name);
		add_parameter(out, f->p[i].name, f->p[i].value);
		str_add(out, " (");
		add_parameter(out, f->p[i].name, f->p[i].lo);
		str_add(out, " to ");
		add_parameter(out, f->p[i].name, f->p[i].hi);
		str_add(out, ")");
	}
	str_addf(out, "; %zu of %zu points", f->used, f->n);
	if (isfinite(f->spread))
		str_addf(out, ", spread %s %%", percent(f->spread).text);
	if (isfinite(f->loo_median))
		str_addf(out, ", leave-one-out %s %% median, %s %% worst", percent(f->loo_median).text,
			 percent(f->loo_worst).text);
	if (f->model == FIT_STEP)
		str_add(out, ", no slope to be told from these points");
	if (f->model != FIT_AFFINE && !f->rate_known)
		str_add(out, ", poorly known");
	else if (!f->apart)
		str_add(out, f->rate_known ? ", t0 is lost in the noise"
			     : f->t0_known ? ", the rate is lost in t0"
					   : ", t0 and the rate cannot be told apart");
}
