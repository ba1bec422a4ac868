/*
 * fit_update.c - a profile's numbers updated by runs of a few models; see fit_work.h.
 *
 * A maximum a posteriori estimate. Unknown are logarithms: of factors on the profile's numbers, and of how much faster than
 * these each model of the runs is in its prompts and in its tokens. All of them have normal priors about 0. The factors'
 * are as wide as the numbers are unsure on this machine, those of models as wide as runs of different models scatter about
 * one profile. So what all runs of one model share is split between the machine and that model as these widths say, the
 * best linear prediction of mixed effects (Henderson, Biometrics 31, 1975), in the place of being taken for the machine's.
 * How wide they are, runs of several models say (fit_shared.c).
 */
#include <math.h>
#include <string.h>

#include "sim/base/exact_math.h"
#include "sim/base/mem.h"
#include "sim/family/fit_update.h"
#include "sim/stats/robust_fit.h"

/* Of one format of blocks against another under one program. */
static const double formats_sd = 0.25;
/* How many standard deviations of models' scatter a model may be off before it is told. */
static const double far_sd = 3;
/* An estimate: unknowns, their covariance, and the weights of rows and priors. */
struct estimate {
	double *theta, *covariance, *weight;
};
/* ---- the fit ---- */

/* The factor on attention of few queries at which the cache is read as fast as the bus goes. */
static double cache_max(const struct runtime_fit *f, double memory)
{
	const struct qty *rate = &f->base.profile->attention.decode;

	return rate->given && rate->value > 0
		       ? f->base.machine->memory.bandwidth.value / (rate->value * memory)
		       : INFINITY;
}

/* Factors as they count: nothing is read faster than over the bus. */
static void factors_at(const struct update *u, const double *theta, double factor[FACTORS])
{
	const struct runtime_fit *f = u->f;

	memcpy(factor, f->held, FACTORS * sizeof *factor);
	for (size_t i = 0; i < u->factors_n; i++)
		factor[u->factor[i]] *= exact_exp(theta[i]);
	factor[FACTOR_MEMORY] = fmin(factor[FACTOR_MEMORY], f->bandwidth_max);
	factor[FACTOR_ARITHMETIC] = fmin(factor[FACTOR_ARITHMETIC], u->arithmetic_max);
	factor[FACTOR_CACHE] = fmin(factor[FACTOR_CACHE], cache_max(f, factor[FACTOR_MEMORY]));
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

static double reach_of(const struct update *u, const double *theta, size_t model, size_t which)
{
	const size_t at = u->reach_at[REACHES * model + which];

	return at == SIZE_MAX ? 0 : theta[at];
}

/* What a row is off by itself: by its noise; and of prompts on a chip that the profile's fit had none of, by their length, whose
 * products, scans and gathers are not as the profile has them. Without that short prompts would tell what a launch takes. */
double update_row_sd(const struct update *u, size_t i)
{
	const struct run *run = u->f->rows[i].run;
	const double sd = fit_row_sd(run);

	return u->lengths_sd > 0 && update_phase_of(run) == PREFILL ? exact_hypot(sd, u->lengths_sd) : sd;
}

/* Seconds of a run, with attention as its model has it by itself. */
static double run_seconds(const struct update *u, const double *theta, const double all[FACTORS], size_t i)
{
	double factor[FACTORS];

	memcpy(factor, all, sizeof factor);
	factor[FACTOR_PROMPT] *= exact_exp(reach_of(u, theta, u->model_of[i], PREFILL_ATTENTION));
	factor[FACTOR_CACHE] *= exact_exp(reach_of(u, theta, u->model_of[i], DECODE_ATTENTION));
	factor[FACTOR_RAMP] *= exact_exp(reach_of(u, theta, u->model_of[i], PREFILL_RAMP));
	factor[FACTOR_RAMP_EXPERTS] *= exact_exp(reach_of(u, theta, u->model_of[i], PREFILL_RAMP));
	factor[FACTOR_CONTEXT] *= exact_exp(reach_of(u, theta, u->model_of[i], PREFILL_CONTEXT));
	return predicted_run_seconds_at(&u->f->predicted[i], factor);
}

static void residuals(const void *ctx, const double *theta, double *r)
{
	const struct update *u = ctx;
	double factor[FACTORS];
	size_t at = u->n;

	factors_at(u, theta, factor);
	for (size_t i = 0; i < u->n; i++) {
		const struct run *run = u->f->rows[i].run;
		const double s = run_seconds(u, theta, factor, i);

		r[i] = (exact_log(s / run->seconds) -
			reach_of(u, theta, u->model_of[i], update_phase_of(run))) /
		       update_row_sd(u, i);
	}
	for (size_t i = 0; i < u->factors_n; i++)
		r[at++] = theta[i] / u->sd[i];
	for (size_t i = 0; i < REACHES * u->models_n; i++)
		if (u->reach_at[i] != SIZE_MAX)
			r[at++] = theta[u->reach_at[i]] / u->reach_sd[i];
}
static bool has_phase(const struct update *u, size_t model, size_t phase)
{
	for (size_t i = 0; i < u->n; i++)
		if (u->model_of[i] == model && update_phase_of(u->f->rows[i].run) == phase)
			return true;
	return false;
}

/* What a model is by itself, with the factors as they were estimated: the mean of its own runs, which are its best
 * prediction. An outlier counts as little as in the fit. r: the residuals of the estimate. */
static double own_reach(const struct update *u, const struct estimate *e, const double *r, size_t model,
			size_t phase)
{
	const double at = reach_of(u, e->theta, model, phase);
	double sum = 0, all = 0;

	for (size_t i = 0; i < u->n; i++) {
		const struct run *run = u->f->rows[i].run;
		const double sd = update_row_sd(u, i), weight = e->weight[i] / (sd * sd);

		if (u->model_of[i] != model || update_phase_of(run) != phase)
			continue;
		sum += weight * (r[i] * sd + at);
		all += weight;
	}
	return all > 0 ? sum / all : 0;
}

static struct fit_scale take_reach(const struct update *u, const struct estimate *e, const double *r,
				   size_t model, size_t which)
{
	const size_t at = u->reach_at[REACHES * model + which];
	double own;

	if (at == SIZE_MAX)
		return (struct fit_scale){.factor = 1};
	own = which < PHASES ? own_reach(u, e, r, model, which) : e->theta[at];
	return (struct fit_scale){.factor = exact_exp(own),
				  .se = sqrt(e->covariance[at * u->p + at]),
				  .fitted = which >= PHASES || has_phase(u, model, which)};
}

static void take_reaches(struct update *u, const struct estimate *e)
{
	struct runtime_fit *f = u->f;
	double *r = arena_array(f->arena, u->n + u->p, sizeof *r);

	residuals(u, e->theta, r);
	f->reaches = arena_array(f->arena, u->models_n, sizeof *f->reaches);
	f->reaches_n = u->models_n;
	for (size_t m = 0; m < u->models_n; m++) {
		struct fit_model_reach *of = &f->reaches[m];

		of->title = u->models[m]->title;
		of->decode = take_reach(u, e, r, m, DECODE);
		of->prefill = take_reach(u, e, r, m, PREFILL);
		of->decode_attention = take_reach(u, e, r, m, DECODE_ATTENTION);
		of->prefill_attention = take_reach(u, e, r, m, PREFILL_ATTENTION);
		of->ramp = take_reach(u, e, r, m, PREFILL_RAMP);
		of->context = take_reach(u, e, r, m, PREFILL_CONTEXT);
		of->far = fabs(exact_log(of->decode.factor)) > far_sd * u->model_sd[DECODE] ||
			  fabs(exact_log(of->prefill.factor)) > far_sd * u->model_sd[PREFILL];
	}
	for (size_t m = 0; m < u->models_n; m++) {
		e->theta[u->reach_at[REACHES * m + PREFILL]] = exact_log(f->reaches[m].prefill.factor);
		e->theta[u->reach_at[REACHES * m + DECODE]] = exact_log(f->reaches[m].decode.factor);
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

/* One model that is far off may be off by itself, or as all models are on a throttled machine. Its runs cannot tell, and the factors
 * stay near the profile: how likely it is the machine goes into the width of other models, whose variance about what is taken
 * is the chance of the other cause times its square. */
static void doubt_others(struct update *u)
{
	struct runtime_fit *f = u->f;

	for (size_t phase = 0; phase < PHASES; phase++)
		for (size_t m = 0; m < f->reaches_n; m++) {
			const struct fit_scale *own =
				phase == PREFILL ? &f->reaches[m].prefill : &f->reaches[m].decode;
			const double off = own->fitted ? exact_log(own->factor) : 0;

			if (f->together[phase].far && f->together[phase].models_n == 1 && off != 0)
				f->others_sd[phase] =
					fabs(off) * sqrt(update_machine_odds(off, u->shared_sd[phase],
									     u->model_sd[phase]));
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
		const double off = r[i] * update_row_sd(u, i);

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
	for (size_t i = 0; i < u->factors_n; i++)
		e->theta[i] = u->start[i];
	return robust_fit_run(&fit, &rounds, 1e-10, e->weight, e->theta) == 0 &&
			       robust_fit_solve(&fit, e->weight, 1e-10, e->theta, e->covariance) == 0
		       ? 0
		       : -1;
}

/* Widens the priors of terms of a model that is far off in one: what models are off by has Student's t with 4 degrees of freedom, as
 * in fit_shared.c, whose estimate is a normal one's with (4 + z^2) / 5 times the variance (Lange, Little & Taylor, as there).
 * Returns whether any term is as far off as that. */
static bool widen_reaches(struct update *u, const double *theta, const double *told)
{
	bool any = false;

	for (size_t i = 0; i < REACHES * u->models_n; i++) {
		const size_t at = u->reach_at[i];
		const double z = i % REACHES >= PHASES && at != SIZE_MAX ? theta[at] / told[i] : 0;
		const double by = (MODELS_DEGREES + z * z) / (MODELS_DEGREES + 1);

		u->reach_sd[i] = told[i] * sqrt(fmax(by, 1));
		any |= by > 1;
	}
	return any;
}

static int estimate_models(struct update *u, struct estimate *e)
{
	enum { ROUNDS = 20 };
	const size_t n = REACHES * u->models_n;
	double *told = arena_array(u->f->arena, n, sizeof *told);

	memcpy(told, u->reach_sd, n * sizeof *told);
	for (int i = 0; i < ROUNDS; i++)
		if (estimate(u, e) != 0)
			return -1;
		else if (!widen_reaches(u, e->theta, told))
			break;
	return 0;
}

int fit_update(struct runtime_fit *f, struct err *err)
{
	struct update u = {.f = f};
	struct estimate e;

	u.arithmetic_max = arithmetic_max(f->base.profile->gemm[f->base.compute]);
	update_set_priors(&u);
	if (estimate_models(&u, &e) != 0)
		return err_set(err, "%s: the fit to %zu runs does not converge", f->ask->inputs[0].path, u.n);
	take_factors(&u, e.theta, e.covariance);
	take_reaches(&u, &e);
	doubt_others(&u);
	tie_formats(&u);
	mark_outliers(&u, e.theta);
	return 0;
}
