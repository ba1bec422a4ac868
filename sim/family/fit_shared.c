/*
 * fit_shared.c - whether runs of several models are off together, which is the machine, or each by itself; see fit_update.h.
 *
 * Empirical Bayes over two scales: of the variance of what models share, and of the variance of models about it. Both have
 * inverse gamma priors, so that what they scale has Student's t in the place of a normal prior. Of the machine it is Cauchy's:
 * throttling, a power limit or another variant are no small errors of a profile. Of models it has 4 degrees of freedom (Lange,
 * Little & Taylor, J. Am. Stat. Assoc. 84, 1989). The scales are where the marginal likelihood of the models' means times these
 * priors is greatest, and no less than 1: models that are as near as the profile says leave its priors as they are. Generated
 * rows, which are the catalogue's times one factor, had been seen; neither number of degrees was chosen by them.
 */
#include <math.h>

#include "sim/base/exact_math.h"
#include "sim/base/mem.h"
#include "sim/family/family_keys.h"
#include "sim/family/fit_update.h"
#include "sim/stats/summary.h"

static const double machine_degrees = 1;
/* The grid of scales: steps to twice as much, and how many. */
enum { STEPS_TO_TWICE = 4, MACHINE_STEPS = 16 * STEPS_TO_TWICE, MODELS_STEPS = 10 * STEPS_TO_TWICE };
/* A shared effect is told from so many standard deviations of what was expected, and on a chip that the profile's fit had from so
 * many of the runs' noise. */
static const double far_sd = 3, far_row_sd = 10;

static double scale_at(int step)
{
	return exact_exp(exact_log(2) * step / STEPS_TO_TWICE);
}

/* Twice the logarithm of an inverse gamma's density over log(scale), whose mode is 1, less what it is there. */
static double scale_prior(double scale, double degrees)
{
	return -degrees * (exact_log(scale) + 1 / scale - 1);
}

/* Twice the logarithm of the density of a sum of squares of k normal deviates, less a constant. */
static double squares_density(double squares, double k, double variance)
{
	return -k * exact_log(variance) - squares / variance;
}

static double squares_about(const double *off, size_t n, double mean)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (off[i] - mean) * (off[i] - mean);
	return sum;
}

struct shared_scales shared_scales(const double *off, size_t n, const struct shared_variances *v)
{
	struct shared_scales best = {1, 1};
	const double mean = plain_mean(off, n), squares = squares_about(off, n, mean);
	double most = -INFINITY;

	for (int k = 0; n > 1 && k <= MODELS_STEPS; k++) {
		const double models = scale_at(k), own = models * v->models + v->noise,
			     about = squares_density(squares, (double)(n - 1), own) +
				     scale_prior(models, MODELS_DEGREES);

		for (int i = 0; i <= MACHINE_STEPS; i++) {
			const double machine = scale_at(i),
				     all = v->other + machine * v->machine + own / (double)n,
				     density = about + squares_density(mean * mean, 1, all) +
					       scale_prior(machine, machine_degrees);

			if (density > most) {
				most = density;
				best = (struct shared_scales){machine, models};
			}
		}
	}
	return best;
}

/* Both causes are as likely before; what each makes of `off` has the density of Student's t, of one degree of freedom (Cauchy's) for
 * the machine and of MODELS_DEGREES, 3/8 (1 + t^2/4)^(-5/2) for four, for the model. */
double update_machine_odds(double off, double machine_sd, double model_sd)
{
	const double pi = 3.14159265358979, m = off / machine_sd, k = off / model_sd,
		     t4 = 3.0 / 8 * exact_exp(-2.5 * exact_log(1 + k * k / MODELS_DEGREES)) / model_sd,
		     cauchy = 1 / (pi * machine_sd * (1 + m * m));

	return cauchy / (cauchy + t4);
}

/* ---- of an update ---- */

/* What a phase says before the fit: by how much each model that has runs in it is faster than the profile, as logarithms. */
struct phase_off {
	double *off;
	size_t n;
	struct shared_variances v;
};

/* Is a factor one that holds whatever a model is? Such as all products have in common, or all reads and launches. */
static bool is_shared(enum run_factor which, size_t phase)
{
	if (phase == PREFILL)
		return which == FACTOR_ARITHMETIC;
	return which == FACTOR_MEMORY || which == FACTOR_KERNEL || which == FACTOR_STEP;
}

/* The mean of a model's rows, by their noise, with a factor k times what is held; *weight: what noise leaves of it. */
static double model_off(const struct update *u, size_t model, size_t phase, size_t factor, double k,
			double *weight)
{
	double all[FACTORS], sum = 0;

	for (size_t i = 0; i < FACTORS; i++)
		all[i] = u->f->held[i] * (i == factor ? k : 1);
	*weight = 0;
	for (size_t i = 0; i < u->n; i++) {
		const struct run *run = u->f->rows[i].run;
		const double sd = update_row_sd(u, i);

		if (u->model_of[i] != model || update_phase_of(run) != phase)
			continue;
		sum += exact_log(predicted_run_seconds_at(&u->f->predicted[i], all) / run->seconds) /
		       (sd * sd);
		*weight += 1 / (sd * sd);
	}
	return *weight > 0 ? sum / *weight : 0;
}

/* By how much all models of the phase are off where a factor is e times what is held, to first order. */
static double slope_of(const struct update *u, const struct phase_off *p, size_t phase, enum run_factor which)
{
	const double step = 0.01;
	double sum = 0, weight;
	size_t n = 0; /* models that have runs in the phase */

	for (size_t m = 0; m < u->models_n; m++) {
		const double off = model_off(u, m, phase, which, exact_exp(step), &weight);

		if (weight > 0)
			sum += off - p->off[n++];
	}
	return sum / step / (double)p->n;
}

static struct phase_off phase_of(const struct update *u, size_t phase)
{
	struct phase_off p = {.off = arena_array(u->f->arena, u->models_n, sizeof *p.off),
			      .v.models = u->model_sd[phase] * u->model_sd[phase]};
	double weight;

	for (size_t m = 0; m < u->models_n; m++) {
		p.off[p.n] = model_off(u, m, phase, FACTORS, 1, &weight);
		if (weight > 0) {
			p.n++;
			p.v.noise += 1 / weight;
		}
	}
	if (!p.n)
		return p;
	p.v.noise /= (double)p.n;
	for (size_t i = 0; i < u->factors_n; i++) {
		const double sd = slope_of(u, &p, phase, u->factor[i]) * u->sd[i];

		*(is_shared(u->factor[i], phase) ? &p.v.machine : &p.v.other) += sd * sd;
	}
	return p;
}

static bool is_far(const struct update *u, const struct phase_off *p, double mean)
{
	const double expected = sqrt(p->v.machine + p->v.other + (p->v.models + p->v.noise) / (double)p->n);

	return fabs(mean) > far_sd * expected || (u->knows_chip && fabs(mean) > far_row_sd * family_row_sd);
}

static void widen(struct update *u, size_t phase, const struct shared_scales *by)
{
	for (size_t i = 0; i < u->factors_n; i++)
		if (is_shared(u->factor[i], phase))
			u->sd[i] *= sqrt(by->machine);
	u->models_scale[phase] = by->models;
}

/* Begins where a slower machine's runs are. At its bus a bandwidth stays as it is at first, and the solver would see no way down. */
static void start_slow(struct update *u, size_t phase, double mean)
{
	const enum run_factor rate = phase == PREFILL ? FACTOR_ARITHMETIC : FACTOR_MEMORY;

	for (size_t i = 0; i < u->factors_n; i++)
		if (u->factor[i] == rate)
			u->start[i] = fmin(mean, 0);
}

static bool is_listed(const struct update *u, enum run_factor which)
{
	for (size_t i = 0; i < u->factors_n; i++)
		if (u->factor[i] == which)
			return true;
	return false;
}

/* Unpacking of weights for one row computes too, and need not be what prompts are slow by: tokens tell. */
static void add_first(struct update *u, const struct phase_off *tokens, double prompts_scale)
{
	if (!is_listed(u, FACTOR_FIRST) && slope_of(u, tokens, DECODE, FACTOR_FIRST) != 0)
		update_add_factor(u, FACTOR_FIRST, family_like_sd * sqrt(prompts_scale));
}

static void take_scales(struct update *u, size_t phase, const struct phase_off *p,
			const struct shared_scales *by)
{
	const double mean = plain_mean(p->off, p->n);

	u->f->together[phase] =
		(struct fit_together){.factor = exact_exp(mean), .models_n = p->n, .far = is_far(u, p, mean)};
	u->shared_sd[phase] = sqrt(p->v.machine);
	widen(u, phase, by);
	if (by->machine > 1)
		start_slow(u, phase, mean);
}

void update_set_shared(struct update *u)
{
	struct phase_off p[PHASES];
	struct shared_scales by[PHASES];

	for (size_t k = 0; k < PHASES; k++) { /* with the priors as they are */
		p[k] = phase_of(u, k);
		if (p[k].n)
			by[k] = shared_scales(p[k].off, p[k].n, &p[k].v);
	}
	for (size_t k = 0; k < PHASES; k++)
		if (p[k].n)
			take_scales(u, k, &p[k], &by[k]);
	if (p[PREFILL].n && p[DECODE].n && by[PREFILL].machine > 1)
		add_first(u, &p[DECODE], by[PREFILL].machine);
}
