/* beyond_fit.c - see beyond_fit.h. */
#include "sim/family/beyond_fit.h"

#include <math.h>

/* A kind of weights that makes up less of a model is not what its run tells of. */
static const double least_share = 0.2;

/* Widths by kind, in prompts and in generation, and the key in a profile's `beyond`. */
static const struct {
	const char *key;
	double width[REACH_PHASES];
} kinds[BEYOND_KINDS] = {
	[BEYOND_MIXTURES] = {"mixtures", {0.30, 0.20}},
	[BEYOND_RECURRENT] = {"recurrent", {0.20, 0.25}},
	[BEYOND_LATENT] = {"latent", {0.30, 0.20}}, /* no run says: as mixtures, which such models are */
	[BEYOND_PER_LAYER] = {"per_layer", {0.18, 0.14}},
	[BEYOND_F16] = {"f16", {0.40, 0.10}},
	[BEYOND_Q8] = {"q8", {0.12, 0.13}},
	[BEYOND_Q4] = {"q4", {0.12, 0.12}},
	[BEYOND_K] = {"k", {0.16, 0.10}},
	[BEYOND_FP4] = {"fp4", {0.20, 0.10}},
	[BEYOND_CONTEXT] = {"context", {0.20, 0.13}},
	[BEYOND_SHORT] = {"short", {0.20, 0}},
};

static void add_phase(const struct model *m, const double bytes[BEYOND_KINDS], bool had[BEYOND_KINDS])
{
	double all = 0;

	for (int k = 0; k < BEYOND_KINDS; k++)
		all += bytes[k];
	for (int k = 0; k < BEYOND_KINDS; k++)
		had[k] |= bytes[k] > least_share * all;
	had[BEYOND_MIXTURES] |= m->experts != NULL;
	had[BEYOND_RECURRENT] |= model_has_recurrent(m);
	had[BEYOND_LATENT] |= model_has_latent(m);
	had[BEYOND_PER_LAYER] |= m->per_layer_embedding > 0;
}

static void take_fewest(struct fit_reach *reach, int64_t tokens)
{
	if (!reach->fewest || tokens < reach->fewest)
		reach->fewest = tokens;
}

void fit_reach_add(struct arena *a, const struct observation *row, const struct profile *p,
		   struct fit_reach *reach)
{
	const struct run *run = row->run;
	double bytes[BEYOND_KINDS] = {0};
	struct run_plan plan;

	if (!row->model || row->over)
		return;
	plan = run_plan_make(a, row->model, &row->precision, p, run);
	for (size_t i = 0; i < plan.n; i++) {
		const struct op *op = &plan.at[i].op;

		if (op->kind == OP_LINEAR)
			bytes[cost_weights_kind(op->format)] += op->weight_B;
		if (op->kind == OP_SCORES && op->context > reach->context)
			reach->context = op->context;
		if (op->kind == OP_LINEAR && op->phase == PHASE_PREFILL && op->role == ROLE_ATTENTION)
			take_fewest(reach, op->m);
	}
	if (run->prompt > 0)
		add_phase(row->model, bytes, reach->had[REACH_PREFILL]);
	if (run->gen > 0)
		add_phase(row->model, bytes, reach->had[REACH_DECODE]);
}

bool fit_reach_holds(const struct fit_reach *fit, const struct fit_reach *row)
{
	for (int p = 0; p < REACH_PHASES; p++)
		for (int k = 0; k < BEYOND_KINDS; k++)
			if (row->had[p][k] && !fit->had[p][k])
				return false;
	return row->context <= fit->context && (!row->fewest || (fit->fewest && row->fewest >= fit->fewest));
}

static int64_t from_of(const struct fit_reach *fit, int kind)
{
	return kind == BEYOND_CONTEXT ? (fit->context ? fit->context : 1)
	       : kind == BEYOND_SHORT ? (fit->fewest ? fit->fewest : 1 << 20)
				      : 0;
}

static bool lacks(const struct fit_reach *fit, int kind, int phase)
{
	return kinds[kind].width[phase] > 0 && (from_of(fit, kind) || !fit->had[phase][kind]);
}

static void write_kind(const struct fit_reach *fit, int kind, struct str *out)
{
	static const char *const phases[REACH_PHASES] = {"prefill", "decode"};
	const char *between = "";

	str_addf(out, "%s: {", kinds[kind].key);
	if (from_of(fit, kind)) {
		str_addf(out, "from: %lld tok", (long long)from_of(fit, kind));
		between = ", ";
	}
	for (int p = 0; p < REACH_PHASES; p++) {
		if (!lacks(fit, kind, p))
			continue;
		str_addf(out, "%s%s: %.0f %%", between, phases[p], 100 * kinds[kind].width[p]);
		between = ", ";
	}
	str_add(out, "}, ");
}

void fit_reach_write(const struct fit_reach *fit, struct str *out)
{
	str_add(out, "{");
	for (int k = 0; k < BEYOND_KINDS; k++)
		if (lacks(fit, k, REACH_PREFILL) || lacks(fit, k, REACH_DECODE))
			write_kind(fit, k, out);
	str_add(out,
		"source: \"the errors of runs of that kind where a fit had none, sim/family/beyond_fit.h\"}");
}
