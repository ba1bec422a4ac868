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

enum length { OF_PRODUCTS, OF_EXPERTS, OF_CONTEXT };

/* How much of a product's or an attention's time is what a pass of few tokens takes longer, or a context; 0: it is of another. */
static double share_of(const struct op_rates *r, enum length which)
{
	if (which == OF_CONTEXT)
		return r->context > 0 ? 1 - 1 / (1 + r->context / r->half) : 0;
	return r->tokens > 0 && r->experts == (which == OF_EXPERTS) ? 1 - op_rates_ramp(r->tokens, 0, r->ramp)
								    : 0;
}

static double most_of(const struct predicted_run *run, enum length which)
{
	double most = 0;

	for (size_t k = 0; k < run->n; k++)
		most = fmax(most, share_of(&run->at[k].rates, which));
	return most;
}

/* Prompts of few tokens and of many tell how the rate of products grows with the tokens of a pass, those behind short contexts and
 * behind long ones how attention's hangs on them. */
static bool tells(const struct update *u, size_t model, enum length which)
{
	double least = INFINITY, most = 0;

	for (size_t i = 0; i < u->n; i++) {
		const double share = most_of(&u->f->predicted[i], which);

		if (u->model_of[i] != model || update_phase_of(u->f->rows[i].run) != PREFILL || !(share > 0))
			continue;
		least = fmin(least, share);
		most = fmax(most, share);
	}
	return most - least >= enough;
}

bool update_tells_lengths(const struct update *u, size_t model, size_t which)
{
	return which == PREFILL_RAMP ? tells(u, model, OF_PRODUCTS) || tells(u, model, OF_EXPERTS)
				     : tells(u, model, OF_CONTEXT);
}

double update_lengths_sd(const struct update *u, size_t model, size_t which)
{
	return which == PREFILL_CONTEXT    ? models_context_sd
	       : u->models[model]->experts ? models_experts_ramp_sd
					   : models_ramp_sd;
}

void update_add_lengths(struct update *u)
{
	const struct {
		enum run_factor factor;
		double sd;
	} of[] = {[OF_PRODUCTS] = {FACTOR_RAMP, ramp_sd},
		  [OF_EXPERTS] = {FACTOR_RAMP_EXPERTS, ramp_sd},
		  [OF_CONTEXT] = {FACTOR_CONTEXT, context_sd}};
	bool told[ARRAY_LEN(of)] = {false};

	for (size_t m = 0; m < u->models_n; m++)
		for (int k = 0; k < (int)ARRAY_LEN(of); k++)
			told[k] |= tells(u, m, (enum length)k);
	for (size_t k = 0; k < ARRAY_LEN(of); k++)
		if (told[k])
			update_add_factor(u, of[k].factor, of[k].sd);
}
