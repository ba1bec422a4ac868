/* beyond_fit.c - see beyond_fit.h. */
#include "sim/family/beyond_fit.h"

#include <math.h>
#include <string.h>

#include "sim/family/family_keys.h"

/* A kind of weights that makes up less of a model is not what its run tells of. */
static const double least_share = 0.2;

const char *const beyond_keys[BEYOND_KINDS] = {[BEYOND_MIXTURES] = "mixtures",
					       [BEYOND_RECURRENT] = "recurrent",
					       [BEYOND_LATENT] = "latent",
					       [BEYOND_PER_LAYER] = "per_layer",
					       [BEYOND_F16] = "f16",
					       [BEYOND_Q8] = "q8",
					       [BEYOND_Q4] = "q4",
					       [BEYOND_K] = "k",
					       [BEYOND_FP4] = "fp4",
					       [BEYOND_CONTEXT] = "context",
					       [BEYOND_SHORT] = "short"};
const char *const reach_phases[REACH_PHASES] = {"prefill", "decode"};
const char *const beyond_left_out[BEYOND_HOLES] = {"kind", "chip"};

/* --- what rows are of ------------------------------------------------------------------------------ */

static void add_name(const char **names, size_t *n, const char *name)
{
	for (size_t i = 0; i < *n; i++)
		if (!strcmp(names[i], name))
			return;
	if (*n < FAMILY_CHIPS)
		names[(*n)++] = name;
}

static void add_phase(const struct model *m, const double bytes[BEYOND_KINDS], int phase, const char *chip,
		      struct fit_reach *reach)
{
	bool had[BEYOND_KINDS] = {false};
	double all = 0;

	for (int k = 0; k < BEYOND_KINDS; k++)
		all += bytes[k];
	for (int k = 0; k < BEYOND_KINDS; k++)
		had[k] = bytes[k] > least_share * all;
	had[BEYOND_MIXTURES] = m->experts != NULL;
	had[BEYOND_RECURRENT] = model_has_recurrent(m);
	had[BEYOND_LATENT] = model_has_latent(m);
	had[BEYOND_PER_LAYER] = m->per_layer_embedding > 0;
	for (int k = 0; k < BEYOND_KINDS; k++)
		if (had[k]) {
			reach->had[phase][k] = true;
			add_name(reach->chip[phase][k], &reach->chips_n[phase][k], chip);
		}
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
	const char *chip = family_chip_name(row);
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
	add_name(reach->any_chip, &reach->any_chips_n, chip);
	if (run->prompt > 0)
		add_phase(row->model, bytes, REACH_PREFILL, chip, reach);
	if (run->gen > 0)
		add_phase(row->model, bytes, REACH_DECODE, chip, reach);
}

bool fit_reach_had(const struct fit_reach *fit, int phase, int kind, const char *chip)
{
	for (size_t i = 0; i < fit->chips_n[phase][kind]; i++)
		if (!strcmp(fit->chip[phase][kind][i], chip))
			return true;
	return false;
}

bool fit_reach_holds(const struct fit_reach *fit, const struct fit_reach *row)
{
	for (int p = 0; p < REACH_PHASES; p++)
		for (int k = 0; k < BEYOND_KINDS; k++)
			for (size_t i = 0; i < row->chips_n[p][k]; i++)
				if (!fit_reach_had(fit, p, k, row->chip[p][k][i]))
					return false;
	return row->context <= fit->context && (!row->fewest || (fit->fewest && row->fewest >= fit->fewest));
}

static int64_t from_of(const struct fit_reach *fit, int kind)
{
	return kind == BEYOND_CONTEXT ? (fit->context ? fit->context : 1)
	       : kind == BEYOND_SHORT ? (fit->fewest ? fit->fewest : 1 << 20)
				      : 0;
}

static double width_of(const struct fit_reach *fit, const struct beyond_widths *w, int kind, int phase)
{
	if (kind == BEYOND_SHORT && phase == REACH_DECODE)
		return 0;
	if (from_of(fit, kind) || !fit->had[phase][kind])
		return w->of[BEYOND_KIND][phase][kind];
	return w->of[BEYOND_CHIP][phase][kind];
}

/* The chips that had the kind in every phase that any chip had it in. */
static void write_seen(const struct fit_reach *fit, int kind, struct str *out)
{
	const char *between = "seen_on: [";

	for (size_t c = 0; c < fit->any_chips_n; c++) {
		bool seen = fit->had[REACH_PREFILL][kind] || fit->had[REACH_DECODE][kind];

		for (int p = 0; p < REACH_PHASES; p++)
			seen = seen && (!fit->had[p][kind] || fit_reach_had(fit, p, kind, fit->any_chip[c]));
		if (!seen)
			continue;
		str_addf(out, "%s\"%s\"", between, fit->any_chip[c]);
		between = ", ";
	}
	if (between[0] == ',')
		str_add(out, "], ");
}

static void write_kind(const struct fit_reach *fit, const struct beyond_widths *w, int kind, struct str *out)
{
	const char *between = "";

	str_addf(out, "%s: {", beyond_keys[kind]);
	if (from_of(fit, kind)) {
		str_addf(out, "from: %lld tok", (long long)from_of(fit, kind));
		between = ", ";
	} else {
		write_seen(fit, kind, out);
	}
	for (int p = 0; p < REACH_PHASES; p++) {
		const double width = width_of(fit, w, kind, p);

		if (!(width > 0))
			continue;
		str_addf(out, "%s%s: %.0f %%", between, reach_phases[p], 100 * width);
		between = ", ";
	}
	str_add(out, "}, ");
}

void fit_reach_write(const struct fit_reach *fit, const struct beyond_widths *w, struct str *out)
{
	str_add(out, "{");
	for (int k = 0; k < BEYOND_KINDS; k++)
		if (width_of(fit, w, k, REACH_PREFILL) > 0 || width_of(fit, w, k, REACH_DECODE) > 0)
			write_kind(fit, w, k, out);
	str_add(out, "source: \"the errors of runs of that kind where other families had none: "
		     "hardware/measured/beyond.csv\"}");
}
