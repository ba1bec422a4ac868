/* beyond_fit.c - see beyond_fit.h. */
#include "sim/family/beyond_fit.h"

#include <math.h>
#include <string.h>

#include "sim/family/family_keys.h"
#include "sim/family/proved_width.h"

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
					       [BEYOND_BATCH_F16] = "batch_f16",
					       [BEYOND_BATCH_Q8] = "batch_q8",
					       [BEYOND_BATCH_Q4] = "batch_q4",
					       [BEYOND_BATCH_K] = "batch_k",
					       [BEYOND_BATCH_FP4] = "batch_fp4",
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

/* batched: the steps are of several sequences, so that the formats' products are of few rows. */
static void add_phase(const struct model *m, const double bytes[BEYOND_KINDS], int phase, bool batched,
		      const char *chip, struct fit_reach *reach)
{
	bool had[BEYOND_KINDS] = {false};
	double all = 0;

	for (int k = 0; k < BEYOND_KINDS; k++)
		all += bytes[k];
	for (int k = BEYOND_F16; k <= BEYOND_FP4; k++) {
		had[k] = bytes[k] > least_share * all;
		had[k - BEYOND_F16 + BEYOND_BATCH_F16] = batched && had[k];
	}
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

bool reach_is_of_steps(const struct run *run)
{
	return run->gen > 0 && run->gen >= 2 * run->prompt;
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
	const bool prompts = run->prompt > 0 && !reach_is_of_steps(run);
	double bytes[BEYOND_KINDS] = {0};
	struct run_plan plan;

	if (!row->model || row->over)
		return;
	plan = run_plan_make(a, row->model, &row->precision, p, run);
	for (size_t i = 0; i < plan.n; i++) {
		const struct op *op = &plan.at[i].op;

		if (op->kind == OP_LINEAR)
			bytes[cost_weights_kind(op->format)] += plan.at[i].times * op->weight_B;
		if (op->kind == OP_SCORES && op->context > reach->context)
			reach->context = op->context;
		if (prompts && op->kind == OP_LINEAR && op->phase == PHASE_PREFILL &&
		    op->role == ROLE_ATTENTION)
			take_fewest(reach, op->m);
	}
	add_name(reach->any_chip, &reach->any_chips_n, chip);
	if (prompts)
		add_phase(row->model, bytes, REACH_PREFILL, false, chip, reach);
	if (run->gen > 0)
		add_phase(row->model, bytes, REACH_DECODE, run->batch > 1, chip, reach);
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

static bool is_of_decode_alone(int kind)
{
	return kind >= BEYOND_BATCH_F16 && kind <= BEYOND_BATCH_FP4;
}

double beyond_chip_width(const struct beyond_widths *w, int phase, int kind)
{
	const struct own_chips *own = &w->own[phase][kind];
	const double others = proved_width(w->of[BEYOND_CHIP][phase][kind]);

	return own->n > 0 ? sqrt((own->prior * others * others + own->squares) / (own->prior + own->n))
			  : others;
}

/* A context's width is of what attention takes beyond that of the fit, the others are of whole times, as rows are. */
static double width_of(const struct fit_reach *fit, const struct beyond_widths *w, int kind, int phase)
{
	if ((kind == BEYOND_SHORT && phase == REACH_DECODE) ||
	    (is_of_decode_alone(kind) && phase == REACH_PREFILL))
		return 0;
	if (kind == BEYOND_CONTEXT)
		return w->of[BEYOND_KIND][phase][kind];
	if (from_of(fit, kind) || !fit->had[phase][kind])
		return proved_width(w->of[BEYOND_KIND][phase][kind]);
	return beyond_chip_width(w, phase, kind);
}

/* The chips that had the kind in every phase that any chip had it in. */
static struct field_list seen_on(struct arena *a, const struct fit_reach *fit, int kind)
{
	const char **names = arena_array(a, FAMILY_CHIPS, sizeof *names);
	size_t n = 0;

	for (size_t c = 0; c < fit->any_chips_n; c++) {
		bool seen = fit->had[REACH_PREFILL][kind] || fit->had[REACH_DECODE][kind];

		for (int p = 0; p < REACH_PHASES; p++)
			seen = seen && (!fit->had[p][kind] || fit_reach_had(fit, p, kind, fit->any_chip[c]));
		if (seen)
			names[n++] = fit->any_chip[c];
	}
	return (struct field_list){names, n};
}

struct beyond fit_reach_beyond(struct arena *a, const struct fit_reach *fit, const struct beyond_widths *w)
{
	struct beyond b = {.source = NULL};

	for (int k = 0; k < BEYOND_KINDS; k++) {
		struct beyond_width *x = &b.of[k];

		x->prefill = width_of(fit, w, k, REACH_PREFILL);
		x->decode = width_of(fit, w, k, REACH_DECODE);
		x->from = from_of(fit, k);
		if (!x->from)
			x->seen_on = seen_on(a, fit, k);
	}
	return b;
}

static void write_seen(const struct field_list *chips, struct str *out)
{
	const char *const *name = chips->at;

	for (size_t i = 0; i < chips->n; i++)
		str_addf(out, "%s\"%s\"", i ? ", " : "seen_on: [", name[i]);
	if (chips->n)
		str_add(out, "], ");
}

static void write_kind(const struct beyond_width *b, int kind, struct str *out)
{
	const double widths[REACH_PHASES] = {b->prefill, b->decode};
	const char *between = "";

	str_addf(out, "%s: {", beyond_keys[kind]);
	if (b->from) {
		str_addf(out, "from: %lld tok", (long long)b->from);
		between = ", ";
	} else {
		write_seen(&b->seen_on, out);
	}
	for (int p = 0; p < REACH_PHASES; p++) {
		if (!(widths[p] > 0))
			continue;
		str_addf(out, "%s%s: %.0f %%", between, reach_phases[p], 100 * widths[p]);
		between = ", ";
	}
	str_add(out, "}, ");
}

void fit_reach_write(const struct fit_reach *fit, const struct beyond_widths *w, struct str *out)
{
	struct arena a = ARENA_INIT;
	const struct beyond b = fit_reach_beyond(&a, fit, w);

	str_add(out, "{");
	for (int k = 0; k < BEYOND_KINDS; k++)
		if (b.of[k].prefill > 0 || b.of[k].decode > 0)
			write_kind(&b.of[k], k, out);
	str_add(out, "source: \"the errors of runs of that kind where other families had none: "
		     "hardware/measured/beyond.csv\"}");
	arena_release(&a);
}

const char *beyond_maker(struct arena *a, const struct family_model *family, const struct observations *e)
{
	for (size_t i = 0; i < e->n; i++) {
		const char *machine = e->at[i].run->machine;

		if (family_fits(family, &e->at[i]) && machine[0] != '{')
			return arena_strndup(a, machine, strcspn(machine, "-"));
	}
	return "";
}
