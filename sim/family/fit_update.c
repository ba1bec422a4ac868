/*
 * fit_update.c - a profile's numbers updated by runs of a few models; see fit_work.h.
 *
 * A maximum a posteriori estimate. Unknown are logarithms: of factors on the profile's numbers, and of how much faster than
 * these each model of the runs is in its prompts and in its tokens. All of them have normal priors about 0. The factors'
 * are as wide as the numbers are unsure on this machine, those of models as wide as runs of different models scatter about
 * one profile. So what all runs of one model share is split between the machine and that model as these widths say, the
 * best linear prediction of mixed effects (Henderson, Biometrics 31, 1975), in the place of being taken for the machine's.
 */
#include <math.h>
#include <string.h>

#include "sim/base/exact_math.h"
#include "sim/base/mem.h"
#include "sim/family/family_keys.h"
#include "sim/family/fit_work.h"
#include "sim/stats/robust_fit.h"

/* Priors, relative: models scatter by no less than runs repeat; an overhead without a spread. */
static const double least_sd = 0.03, most_sd = 0.5, overhead_sd = 0.3;
/* Of a kernel against another program's, in logarithms: twice or half as fast are one standard deviation off. */
static const double other_program_sd = 0.69;
/* Of one format of blocks against another under one program. */
static const double formats_sd = 0.25;

/* How many standard deviations of models' scatter a model may be off before it is told. */
static const double far_sd = 3;

enum { PHASES = 2, DECODE = 0, PREFILL = 1 };

struct update {
	struct runtime_fit *f;
	enum run_factor factor[FACTORS]; /* the unknown ones */
	double sd[FACTORS];              /* of their priors, by place in `factor` */
	size_t factors_n;
	const struct model **models; /* that the runs are of */
	size_t models_n, n, p;       /* rows; unknowns */
	size_t *model_of;            /* of each row */
	double model_sd[PHASES], arithmetic_max;
	bool knows_chip;
};

/* An estimate: unknowns, their covariance, and the weights of rows and priors. */
struct estimate {
	double *theta, *covariance, *weight;
};

static size_t phase_of(const struct run *r)
{
	return r->gen > 0 && r->gen >= r->prompt ? DECODE : PREFILL;
}

static double within(double sd)
{
	return fmin(fmax(sd, least_sd), most_sd);
}

/* ---- priors ---- */

/* Did the profile's fit have this chip? A profile of one machine is that machine's. */
static bool knows_chip(const struct runtime_fit *f)
{
	bool own;

	chip_reach_of(f->base.machine, f->base.device, f->base.profile, &own);
	return !f->from_neighbour && (own || !f->base.profile->chips.n);
}

/* A number's spread is of models on a chip that the profile's fit had, and of chips and models alike on another. */
static void split_spread(const struct update *u, double spread, double *chip_sd, double *model_sd)
{
	const double half = spread / sqrt(2);

	*chip_sd = u->knows_chip ? family_like_sd : within(fmax(half, family_chip_sd));
	*model_sd = within(u->knows_chip ? spread : half);
}

static void add_factor(struct update *u, enum run_factor which, double sd)
{
	u->factor[u->factors_n] = which;
	u->sd[u->factors_n++] = sd;
}

static double overhead_sd_of(const struct update *u, const struct qty *overhead)
{
	return u->knows_chip ? family_like_sd : within(overhead->spread > 0 ? overhead->spread : overhead_sd);
}

/* Do products of the runs read weights of that kind, or have a number of their own for them? */
static bool any_in_format(const struct runtime_fit *f, enum weights_rate of)
{
	for (size_t i = 0; i < f->n; i++)
		for (size_t k = 0; k < f->predicted[i].n; k++) {
			const struct op_rates *r = &f->predicted[i].at[k].rates;

			if (r->memory == of || r->arithmetic == of)
				return true;
		}
	return false;
}

/* Of another program's kernels, which may be of any speed: those that the runs touch, however few these are. Its products
 * in blocks may pass the peak of whole numbers by units of integers, so that formats have factors of their own. */
static void set_wide_priors(struct update *u)
{
	const struct runtime_fit *f = u->f;

	u->model_sd[DECODE] = u->model_sd[PREFILL] = least_sd;
	if (f->prompt_n)
		add_factor(u, FACTOR_ARITHMETIC, other_program_sd);
	if (f->decode_n) {
		add_factor(u, FACTOR_MEMORY, other_program_sd);
		add_factor(u, FACTOR_CACHE, other_program_sd);
	}
	if (f->decode_n && !f->runtime_kernels && f->held[FACTOR_KERNEL] > 0) /* else known of the program */
		add_factor(u, FACTOR_KERNEL, other_program_sd);
	if (f->prompt_n && any_in_format(f, WEIGHTS_Q8))
		add_factor(u, FACTOR_PRODUCT_Q8, other_program_sd);
	if (f->prompt_n && any_in_format(f, WEIGHTS_Q4))
		add_factor(u, FACTOR_PRODUCT_Q4, other_program_sd);
	if (f->decode_n && any_in_format(f, WEIGHTS_Q8))
		add_factor(u, FACTOR_READ_Q8, other_program_sd);
	if (f->decode_n && any_in_format(f, WEIGHTS_Q4))
		add_factor(u, FACTOR_READ_Q4, other_program_sd);
}

/* The rate of attention against that of products is the program's, and hangs on heads: rows of one model say nothing of
 * others' (with it free, predictions of other models became worse on chips of the catalogue). */
static void set_priors(struct update *u)
{
	const struct profile *p = u->f->base.profile;
	const struct overhead *o = &p->overhead;
	double arithmetic_sd, memory_sd;

	u->knows_chip = knows_chip(u->f);
	split_spread(u, p->gemm[u->f->base.compute]->u.spread, &arithmetic_sd, &u->model_sd[PREFILL]);
	split_spread(u, p->gemv.spread, &memory_sd, &u->model_sd[DECODE]);
	if (u->f->prompt_n)
		add_factor(u, FACTOR_ARITHMETIC, arithmetic_sd);
	if (u->f->decode_n)
		add_factor(u, FACTOR_MEMORY, memory_sd);
	if (u->f->decode_n && o->kernel.value > 0)
		add_factor(u, FACTOR_KERNEL, overhead_sd_of(u, &o->kernel));
	if (u->f->decode_n && o->step.value > 0)
		add_factor(u, FACTOR_STEP, overhead_sd_of(u, &o->step));
}

/* ---- the fit ---- */

/* Factors as they count: nothing is read faster than over the bus. */
static void factors_at(const struct update *u, const double *theta, double factor[FACTORS])
{
	const struct runtime_fit *f = u->f;

	memcpy(factor, f->held, FACTORS * sizeof *factor);
	for (size_t i = 0; i < u->factors_n; i++)
		factor[u->factor[i]] *= exact_exp(theta[i]);
	factor[FACTOR_MEMORY] = fmin(factor[FACTOR_MEMORY], f->bandwidth_max);
	factor[FACTOR_ARITHMETIC] = fmin(factor[FACTOR_ARITHMETIC], u->arithmetic_max);
}

/* The factor at which the most utilisation of the table is all of the peak: more is not written. */
static double arithmetic_max(const struct gemm_table *g)
{
	const struct gemm_point *p = g->points.at;
	double most = g->u.given ? g->u.value : 0;

	for (size_t i = 0; i < g->points.n; i++)
		most = fmax(most, p[i].u.value);
	return most > 0 ? 1 / most : INFINITY;
}

static size_t reach_at(const struct update *u, size_t model, size_t phase)
{
	return u->factors_n + PHASES * model + phase;
}

static void residuals(const void *ctx, const double *theta, double *r)
{
	const struct update *u = ctx;
	double factor[FACTORS];
	size_t at = u->n;

	factors_at(u, theta, factor);
	for (size_t i = 0; i < u->n; i++) {
		const struct run *run = u->f->rows[i].run;
		const double s = predicted_run_seconds_at(&u->f->predicted[i], factor),
			     reach = theta[reach_at(u, u->model_of[i], phase_of(run))];

		r[i] = (exact_log(s / run->seconds) - reach) / fit_row_sd(run);
	}
	for (size_t i = 0; i < u->factors_n; i++)
		r[at++] = theta[i] / u->sd[i];
	for (size_t i = 0; i < PHASES * u->models_n; i++)
		r[at++] = theta[u->factors_n + i] / u->model_sd[i % PHASES];
}

static void list_models(struct update *u)
{
	struct arena *a = u->f->arena;

	u->n = u->f->n;
	u->models = arena_array(a, u->n, sizeof *u->models);
	u->model_of = arena_array(a, u->n, sizeof *u->model_of);
	for (size_t i = 0; i < u->n; i++) {
		const struct model *m = u->f->rows[i].model;
		size_t k = 0;

		while (k < u->models_n && u->models[k] != m && strcmp(u->models[k]->title, m->title) != 0)
			k++;
		u->models[k] = m;
		u->models_n += k == u->models_n;
		u->model_of[i] = k;
	}
}

static bool has_phase(const struct update *u, size_t model, size_t phase)
{
	for (size_t i = 0; i < u->n; i++)
		if (u->model_of[i] == model && phase_of(u->f->rows[i].run) == phase)
			return true;
	return false;
}

/* What a model is by itself, with the factors as they were estimated: the mean of its own runs, which are its best
 * prediction. An outlier counts as little as in the fit. r: the residuals of the estimate. */
static double own_reach(const struct update *u, const struct estimate *e, const double *r, size_t model,
			size_t phase)
{
	const double at = e->theta[reach_at(u, model, phase)];
	double sum = 0, all = 0;

	for (size_t i = 0; i < u->n; i++) {
		const struct run *run = u->f->rows[i].run;
		const double sd = fit_row_sd(run), weight = e->weight[i] / (sd * sd);

		if (u->model_of[i] != model || phase_of(run) != phase)
			continue;
		sum += weight * (r[i] * sd + at);
		all += weight;
	}
	return all > 0 ? sum / all : 0;
}

static void take_reaches(struct update *u, const struct estimate *e)
{
	struct runtime_fit *f = u->f;
	double *r = arena_array(f->arena, u->n + u->p, sizeof *r);

	residuals(u, e->theta, r);
	f->reaches = arena_array(f->arena, u->models_n, sizeof *f->reaches);
	f->reaches_n = u->models_n;
	for (size_t m = 0; m < u->models_n; m++) {
		struct fit_scale *const of[PHASES] = {
			[DECODE] = &f->reaches[m].decode, [PREFILL] = &f->reaches[m].prefill};

		f->reaches[m].title = u->models[m]->title;
		for (size_t phase = 0; phase < PHASES; phase++) {
			const size_t at = reach_at(u, m, phase);
			const double own = own_reach(u, e, r, m, phase);

			*of[phase] = (struct fit_scale){exact_exp(own), sqrt(e->covariance[at * u->p + at]),
							has_phase(u, m, phase), 0};
			f->reaches[m].far |= fabs(own) > far_sd * u->model_sd[phase];
		}
	}
	for (size_t m = 0; m < u->models_n; m++) {
		e->theta[reach_at(u, m, PREFILL)] = exact_log(f->reaches[m].prefill.factor);
		e->theta[reach_at(u, m, DECODE)] = exact_log(f->reaches[m].decode.factor);
	}
}

static void take_factors(struct update *u, const double *theta, const double *covariance)
{
	struct runtime_fit *f = u->f;
	struct fit *fit = &f->fit;

	*fit = (struct fit){.model = FIT_CUSTOM,
			    .n = u->n,
			    .loo_median = NAN,
			    .loo_worst = NAN,
			    .loo_sd = NAN,
			    .rate_known = true,
			    .apart = true};
	memcpy(f->fitted, f->held, sizeof f->fitted);
	factors_at(u, theta, f->fitted);
	for (size_t i = 0; i < u->factors_n; i++) {
		const enum run_factor k = u->factor[i];
		const double at = exact_log(f->fitted[k]), sd = sqrt(covariance[i * u->p + i]), z = 1.96;

		f->is_free[k] = true;
		f->se[k] = f->fitted[k] * sd;
		fit->p[fit->p_n++] = (struct fit_param){run_factor_names[k], f->fitted[k], f->se[k],
							exact_exp(at - z * sd), exact_exp(at + z * sd)};
	}
}

/* A format of blocks that the runs are not in has the factor of the other that they are in: a program unpacks both in the same
 * way, and multiplies both with activations in 8 bits by the same instructions (ggml's ggml_vec_dot_q4_0_q8_0() and
 * ggml_vec_dot_q8_0_q8_0()). Rows of both formats had been seen when this was written. */
static void tie_formats(const struct update *u)
{
	static const enum run_factor pairs[][2] = {{FACTOR_PRODUCT_Q8, FACTOR_PRODUCT_Q4},
						   {FACTOR_READ_Q8, FACTOR_READ_Q4},
						   {FACTOR_PRODUCT_Q4, FACTOR_PRODUCT_Q8},
						   {FACTOR_READ_Q4, FACTOR_READ_Q8}};
	struct runtime_fit *f = u->f;
	bool told[FACTORS];

	memcpy(told, f->is_free, sizeof told);
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		const enum run_factor from = pairs[i][0], to = pairs[i][1];

		if (!told[from] || told[to])
			continue;
		f->fitted[to] = f->fitted[from];
		f->se[to] = f->fitted[to] * exact_hypot(f->se[from] / f->fitted[from], formats_sd);
	}
}

/* Rows as rare as four standard deviations of a normal are marked, as in sim/calib/fit.c. */
static void mark_outliers(struct update *u, const double *theta)
{
	const struct robust_fit fit = {
		.residuals = residuals, .ctx = u, .n = u->n + u->p, .robust_n = u->n, .least_scale = 1};
	const double far = 4 * robust_fit_scale(&fit, theta);
	double *r = arena_array(u->f->arena, fit.n, sizeof *r), sum = 0;

	residuals(u, theta, r);
	for (size_t i = 0; i < u->n; i++) {
		const double off = r[i] * fit_row_sd(u->f->rows[i].run);

		u->f->points[i].out = fabs(r[i]) > far;
		u->f->fit.used += !u->f->points[i].out;
		sum += u->f->points[i].out ? 0 : off * off;
	}
	u->f->fit.spread = u->f->fit.used ? sqrt(sum / (double)u->f->fit.used) : NAN;
}

static int estimate(const struct update *u, struct estimate *e)
{
	const struct robust_fit fit = {.residuals = residuals,
				       .ctx = u,
				       .n = u->n + u->p,
				       .robust_n = u->n,
				       .p = u->p,
				       .steps_max = 200,
				       .least_scale = 1};
	const struct robust_rounds rounds = {.unweighted_first = true, .huber = 3};

	e->weight = arena_array(u->f->arena, fit.n, sizeof *e->weight);
	e->theta = arena_array(u->f->arena, u->p, sizeof *e->theta);
	e->covariance = arena_array(u->f->arena, u->p * u->p, sizeof *e->covariance);
	return robust_fit_run(&fit, &rounds, 1e-10, e->weight, e->theta) == 0 &&
			       robust_fit_solve(&fit, e->weight, 1e-10, e->theta, e->covariance) == 0
		       ? 0
		       : -1;
}

int fit_update(struct runtime_fit *f, struct err *err)
{
	struct update u = {.f = f};
	struct estimate e;

	list_models(&u);
	u.arithmetic_max = arithmetic_max(f->base.profile->gemm[f->base.compute]);
	if (f->own_program && !f->base.profile->suite)
		set_priors(&u);
	else
		set_wide_priors(&u);
	u.p = u.factors_n + PHASES * u.models_n;
	if (estimate(&u, &e) != 0)
		return err_set(err, "%s: the fit to %zu runs does not converge", f->ask->inputs[0].path, u.n);
	take_factors(&u, e.theta, e.covariance);
	tie_formats(&u);
	take_reaches(&u, &e);
	mark_outliers(&u, e.theta);
	return 0;
}
