/*
 * fit_lengths.c - how a machine's rates in prompts hang on lengths, as the runs of an update tell it; see fit_update.h.
 *
 * Products by the tokens of a pass, and attention by the context that is read (struct ramp). A profile's curves are those of its
 * chips together: tiles, launches and caches of one chip, and shapes of one model, have their own.
 */
#include <math.h>

#include "sim/cost/op_rates.h"
#include "sim/family/fit_update.h"

/* Of chips in the logarithm of a ramp, and of models about it: maximum likelihood of prompts of 64 to 2,048 tokens of five chips,
 * each left out of its family, is 0.3 (0.1 to 0.5 are as good within 1 in its logarithm), of seven whose models are left out 0.3 to
 * 0.5. Models scatter about the mean of their chip by 0.3 (without RDNA 4, where it is 0.8). Of mixtures models alone are told
 * apart: one that most passes ask few experts of is 1.7 off under three programs. Rows of M5 and RDNA 4 had been seen. */
static const double ramp_sd = 0.3, models_ramp_sd = 0.4, models_experts_ramp_sd = 0.9;
/* The same of contexts, of seven chips and programs behind 16k to 65k tokens: their means are 0.6 apart, models about them 0.7. As
 * each fit had them with priors of 1 and 0.5; all these rows had been seen. */
static const double context_sd = 0.6, models_context_sd = 0.7;
/* Runs tell a length from what all of them have in common where the share of time that hangs on it differs by that. */
static const double enough = 0.05;

/* How much of a run's products is what a pass of few tokens takes longer. */
static double ramp_share(const struct predicted_run *run, bool experts)
{
	double most = 0;

	for (size_t k = 0; k < run->n; k++) {
		const struct op_rates *r = &run->at[k].rates;

		if (r->tokens > 0 && r->experts == experts)
			most = fmax(most, 1 - op_rates_ramp(r->tokens, 0, r->ramp));
	}
	return most;
}

/* Prompts of few tokens and of many tell how the rate of products grows with the tokens of a pass. */
static bool tells_ramp(const struct update *u, size_t model, bool experts)
{
	double least = INFINITY, most = 0;

	for (size_t i = 0; i < u->n; i++) {
		const double share = ramp_share(&u->f->predicted[i], experts);

		if (u->model_of[i] != model || update_phase_of(u->f->rows[i].run) != PREFILL || !(share > 0))
			continue;
		least = fmin(least, share);
		most = fmax(most, share);
	}
	return most - least >= enough;
}

/* The longest context that a run's attention of prompts reads, as a share of it and of RAMP_CONTEXT. */
static double context_share(const struct predicted_run *run)
{
	double most = 0;

	for (size_t k = 0; k < run->n; k++)
		if (run->at[k].rates.context > 0)
			most = fmax(most, 1 - 1 / (1 + run->at[k].rates.context / run->at[k].rates.half));
	return most;
}

/* Prompts behind short contexts and behind long ones tell how attention's rate hangs on them. */
static bool tells_context(const struct update *u, size_t model)
{
	double least = INFINITY, most = 0;

	for (size_t i = 0; i < u->n; i++) {
		const double share = context_share(&u->f->predicted[i]);

		if (u->model_of[i] != model || update_phase_of(u->f->rows[i].run) != PREFILL || !(share > 0))
			continue;
		least = fmin(least, share);
		most = fmax(most, share);
	}
	return most - least >= enough;
}

bool update_tells_lengths(const struct update *u, size_t model, size_t which)
{
	return which == PREFILL_RAMP ? tells_ramp(u, model, false) || tells_ramp(u, model, true)
				     : tells_context(u, model);
}

double update_lengths_sd(const struct update *u, size_t model, size_t which)
{
	return which == PREFILL_CONTEXT    ? models_context_sd
	       : u->models[model]->experts ? models_experts_ramp_sd
					   : models_ramp_sd;
}

void update_add_lengths(struct update *u)
{
	bool products = false, experts = false, context = false;

	for (size_t m = 0; m < u->models_n; m++) {
		products |= tells_ramp(u, m, false);
		experts |= tells_ramp(u, m, true);
		context |= tells_context(u, m);
	}
	if (products)
		update_add_factor(u, FACTOR_RAMP, ramp_sd);
	if (experts)
		update_add_factor(u, FACTOR_RAMP_EXPERTS, ramp_sd);
	if (context)
		update_add_factor(u, FACTOR_CONTEXT, context_sd);
}
