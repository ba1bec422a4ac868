/*
 * fit_priors.c - how unsure a profile's numbers are before runs update them; see fit_update.h.
 *
 * A number's spread is of models on a chip that the profile's fit had, and of chips and models alike on another. A number
 * that no run hung on is as unsure as such numbers are apart in the catalogue.
 */
#include <math.h>
#include <string.h>

#include "sim/base/exact_math.h"
#include "sim/base/mem.h"
#include "sim/calib/model_error.h"
#include "sim/family/family_keys.h"
#include "sim/family/fit_update.h"

/* Priors, relative: models scatter by no less than runs repeat; an overhead without a spread. */
static const double least_sd = 0.03, most_sd = 0.5, overhead_sd = 0.3;
/* Of a chip that the profile's fit had none of, against what it says of others: its rates, its kernels' overheads; of models about
 * a chip in their tokens. Maximum likelihood of the tokens of 22 chips and programs, each left out of its family, with terms of
 * models and formats besides: 0.11, 0.25 and 0.08 to 0.10; with any one family left out 0.09 to 0.12, 0.19 to 0.34. Not blind:
 * other models on these chips are judged, whose errors had been seen, and variants that did worse there were dropped. */
static const double unseen_rate_sd = 0.11, unseen_overhead_sd = 0.25, models_tokens_sd = 0.08;
/* The same of prompts of 512 tokens and more, of 26 chips and programs: 0.09 to 0.11 of a chip in all products, and besides of
 * those of a kind of weights 0.01 to 0.06, of experts' 0.08 to 0.12; of models in their weights 0.14. */
static const double unseen_format_sd = 0.05, unseen_experts_sd = 0.11, models_prompts_sd = 0.14;
/* Of such a chip in attention of one query, by what a step takes longer behind long contexts: five chips, each left out of its
 * family, are 0.19 apart, with any one left out 0.20 to 0.21; models about a chip 0.18, as models_of_number_sd has it. */
static const double unseen_cache_sd = 0.2;
/* Of a kernel against another program's, in logarithms: twice or half as fast are one standard deviation off. */
static const double other_program_sd = 0.69;
/* Of a number that no run of a family's fit tells: shares that formats reach scatter by 0.39 to 0.49 over the catalogue's families.
 * Fits began as wide as that when it was chosen; they begin narrower now (default_prior_sd of family_model.c). */
static const double untold_number_sd = 0.4;
/* Of models about a number of attention or of a format that runs told: the median of the catalogue's (0.18 and 0.12 of
 * attention, 0.11 of formats). What is unsure of an untold number besides is the chip's and its kernels'. */
static const double models_of_number_sd = 0.18;

/* Of the prompts of a model about what they are off by together, on chips left out of their family: half of 110 models scatter by
 * less than 0.07 (tokens: 0.01), which has the noise of rows in it. */
static const double unseen_lengths_sd = 0.06;

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
size_t update_phase_of(const struct run *r)
{
	return r->gen > 0 && r->gen >= r->prompt ? DECODE : PREFILL;
}

static double within(double sd)
{
	return fmin(fmax(sd, least_sd), most_sd);
}

/* ---- priors ---- */

static bool is_told(const struct qty *q)
{
	return q->provenance == PROVENANCE_MEASURED;
}

/* By a run of the profile's fit, on whichever chip. */
static bool was_told(const struct qty *q)
{
	const struct yml *how = q->node && q->node->kind == YML_MAP ? yml_get(q->node, "how") : NULL;

	return how && !strcmp(how->text, provenance_names[PROVENANCE_MEASURED]);
}

/* A number that no run told is as unsure as it was before the fit. */
static double spread_of(const struct qty *q)
{
	return was_told(q) ? q->spread : fmax(q->spread, untold_number_sd);
}

/* Did the profile's fit have this chip? A profile of one machine is that machine's, unless its numbers are another's. */
static bool knows_chip(const struct runtime_fit *f)
{
	bool own;

	chip_reach_of(f->base.machine, f->base.device, f->base.profile, &own);
	return !f->from_neighbour && (own || !f->base.profile->chips.n) && is_told(&f->base.profile->gemv);
}

/* How far the family's own chips are apart in a factor, where there are some: of those of Apple's GPUs 3 %, of NVIDIA's cards
 * over three generations 11 % (hardware/runtimes). */
static double between_chips_sd(const struct profile *p, bool arithmetic)
{
	enum { SOME = 3 };
	const struct chip_reach *all = p->chips.at;
	double sum = 0;

	for (size_t i = 0; i < p->chips.n; i++) {
		const double x = exact_log(arithmetic ? all[i].arithmetic.value : all[i].bandwidth.value);

		sum += x * x;
	}
	return p->chips.n < SOME ? 0 : sqrt(sum / (double)p->chips.n);
}

/* A number's spread is of models on a chip that the profile's fit had, and of chips and models alike on another, of models by no
 * more than `models`. */
static void split_spread(const struct update *u, double spread, double models, double *chip_sd,
			 double *model_sd)
{
	const double model = fmin(spread / sqrt(2), models), rest = spread * spread - model * model;

	*chip_sd = u->knows_chip ? family_like_sd : within(fmax(sqrt(rest), unseen_rate_sd));
	*model_sd = within(u->knows_chip ? spread : model);
}

void update_add_factor(struct update *u, enum run_factor which, double sd)
{
	u->factor[u->factors_n] = which;
	u->sd[u->factors_n++] = sd;
}

static double overhead_sd_of(const struct update *u, const struct qty *overhead)
{
	return u->knows_chip ? family_like_sd
			     : within(fmax(overhead->spread > 0 ? overhead->spread : overhead_sd,
					   unseen_overhead_sd));
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

/* A suite's numbers are as unsure of a program's kernels as programs are apart: what the runs tell takes the place of that. */
static void set_told_kernels(struct update *u)
{
	const double apart = model_error_other_kernels(u->f->base.device->origin.name);

	for (size_t i = 0; i < u->factors_n; i++)
		if (u->factor[i] != FACTOR_KERNEL)
			u->f->told_sd[u->factor[i]] = apart;
}

/* Of another program's kernels, which may be of any speed: those that the runs touch, however few these are. Its products
 * in blocks may pass the peak of whole numbers by units of integers, so that formats have factors of their own. */
static void set_wide_priors(struct update *u)
{
	const struct runtime_fit *f = u->f;

	u->model_sd[DECODE] = u->model_sd[PREFILL] = least_sd;
	if (f->prompt_n)
		update_add_factor(u, FACTOR_ARITHMETIC, other_program_sd);
	if (f->decode_n) {
		update_add_factor(u, FACTOR_MEMORY, other_program_sd);
		update_add_factor(u, FACTOR_CACHE, other_program_sd);
	}
	if (f->decode_n && !f->runtime_kernels && f->held[FACTOR_KERNEL] > 0) /* else known of the program */
		update_add_factor(u, FACTOR_KERNEL, other_program_sd);
	if (f->base.profile->suite)
		set_told_kernels(u);
	if (f->prompt_n && any_in_format(f, WEIGHTS_Q8))
		update_add_factor(u, FACTOR_PRODUCT_Q8, other_program_sd);
	if (f->prompt_n && any_in_format(f, WEIGHTS_Q4))
		update_add_factor(u, FACTOR_PRODUCT_Q4, other_program_sd);
	if (f->prompt_n && any_in_format(f, WEIGHTS_BF16))
		update_add_factor(u, FACTOR_PRODUCT_BF16, other_program_sd);
	if (f->decode_n && any_in_format(f, WEIGHTS_Q8))
		update_add_factor(u, FACTOR_READ_Q8, other_program_sd);
	if (f->decode_n && any_in_format(f, WEIGHTS_Q4))
		update_add_factor(u, FACTOR_READ_Q4, other_program_sd);
}

/* The share of a run's time that attention takes, as the profile has it. */
static double attention_share(const struct runtime_fit *f, size_t run, size_t which)
{
	double factor[FACTORS], all;

	memcpy(factor, f->held, sizeof factor);
	all = predicted_run_seconds_at(&f->predicted[run], factor);
	factor[which == DECODE_ATTENTION ? FACTOR_CACHE : FACTOR_PROMPT] *= 2;
	return 2 * (1 - predicted_run_seconds_at(&f->predicted[run], factor) / all);
}

/* Do runs of the model tell attention from the rest? Its share of their times has to differ by several times what a run is off
 * by itself: the shortest prompts have other products besides, and next to no attention. */
static bool tells_attention(const struct update *u, size_t model, size_t which)
{
	const double enough = 0.1;
	double least = INFINITY, most = 0;

	for (size_t i = 0; i < u->n; i++) {
		double share;

		if (u->model_of[i] != model || update_phase_of(u->f->rows[i].run) != which - PHASES)
			continue;
		share = attention_share(u->f, i, which);
		least = fmin(least, share);
		most = fmax(most, share);
	}
	return most - least >= enough;
}

static bool tells(const struct update *u, size_t model, size_t which)
{
	switch (which) {
	case PREFILL_RAMP:
	case PREFILL_CONTEXT:
		return update_tells_lengths(u, model, which);
	default:
		return tells_attention(u, model, which);
	}
}

static bool any_tells(const struct update *u, size_t which)
{
	for (size_t m = 0; m < u->models_n; m++)
		if (tells(u, m, which))
			return true;
	return false;
}

/* Does attention of the runs compute at that utilisation? */
static bool any_attention(const struct runtime_fit *f, enum attention_rate of)
{
	for (size_t i = 0; i < f->n; i++)
		for (size_t k = 0; k < f->predicted[i].n; k++)
			if (f->predicted[i].at[k].rates.attention == of)
				return true;
	return false;
}

/* What is unsure of a number, of the chip and of models: its spread, or, where no run of the fit told it, what such numbers
 * scatter by. */
static void split_number(const struct update *u, const struct qty *q, bool told, double untold,
			 double *chip_sd, double *model_sd)
{
	if (told) {
		split_spread(u, q->spread, INFINITY, chip_sd, model_sd);
		return;
	}
	*model_sd = models_of_number_sd;
	*chip_sd = fmax(q->spread, untold);
}

/* The numbers of a table by weights, and the rate that each is of. */
enum { FORMAT_NUMBERS = 6 };
struct format_numbers {
	const struct qty *at[FORMAT_NUMBERS];
};
static const enum weights_rate rate_of[FORMAT_NUMBERS] = {WEIGHTS_WHOLE, WEIGHTS_Q8, WEIGHTS_Q4,
							  WEIGHTS_Q4,    WEIGHTS_Q4, WEIGHTS_BF16};

static struct format_numbers numbers_of(const struct by_weights *b)
{
	return (struct format_numbers){{&b->f16, &b->q8, &b->q4, &b->k, &b->fp4, &b->bf16}};
}

static bool any_experts(const struct runtime_fit *f)
{
	for (size_t i = 0; i < f->n; i++)
		for (size_t k = 0; k < f->predicted[i].n; k++)
			if (f->predicted[i].at[k].rates.experts)
				return true;
	return false;
}

/* Products of experts, where no run of the fit had any on this chip; and where it had none at all. */
static void add_experts(struct update *u)
{
	const struct beyond_width *mixtures = &u->f->base.profile->beyond.of[BEYOND_MIXTURES];

	if (mixtures->prefill > 0 && any_experts(u->f))
		update_add_factor(u, FACTOR_EXPERTS,
				  mixtures->seen_on.n ? unseen_experts_sd : untold_number_sd);
}

/* A matrix-vector kernel unpacks about as fast as it reads: on some chips a format is bound by the one, on some by the other. What
 * a run of any format tells of a chip's instructions holds for all. */
static void add_first(struct update *u)
{
	const struct format_numbers all = numbers_of(&u->f->base.profile->few.first);
	const struct qty *best = NULL;
	double chip_sd, model_sd;

	for (size_t i = 0; u->f->decode_n && i < ARRAY_LEN(all.at); i++)
		if (all.at[i]->given && any_in_format(u->f, rate_of[i]) &&
		    (!best || (was_told(all.at[i]) && !was_told(best))))
			best = all.at[i];
	if (!best)
		return;
	split_number(u, best, was_told(best), untold_number_sd, &chip_sd, &model_sd);
	update_add_factor(u, FACTOR_FIRST, chip_sd);
}

static void add_attention(struct update *u, enum attention_rate of, enum run_factor which,
			  const struct qty *q)
{
	if (q->given && any_attention(u->f, of) && any_tells(u, PREFILL_ATTENTION))
		update_add_factor(u, which,
				  fmax(q->spread, other_program_sd)); /* which kernel runs is the chip's */
}

/* Of formats whose kernels work alike. What a chip is off by in one it mostly is in all, where some chip's runs told the formats. */
static void add_format(struct update *u, enum weights_rate of, enum run_factor which)
{
	const struct format_numbers all = numbers_of(&u->f->base.profile->dequant);
	bool given = false, told = false;

	for (size_t i = 0; i < ARRAY_LEN(all.at); i++) {
		given |= rate_of[i] == of && all.at[i]->given;
		told |= rate_of[i] == of && all.at[i]->given && was_told(all.at[i]);
	}
	if (given && any_in_format(u->f, of))
		update_add_factor(u, which, told ? unseen_format_sd : untold_number_sd);
}

/* On a chip that the fit had not, each kernel that the runs touch may be as far from the others' as its number is unsure: which
 * instructions a format's products run on, and which kernel takes attention of such heads, differ from chip to chip. */
static void set_kernel_priors(struct update *u)
{
	const struct attention_table *a = &u->f->base.profile->attention;

	add_format(u, WEIGHTS_Q8, FACTOR_PRODUCT_Q8);
	add_format(u, WEIGHTS_Q4, FACTOR_PRODUCT_Q4);
	add_format(u, WEIGHTS_BF16, FACTOR_PRODUCT_BF16);
	add_first(u);
	add_experts(u);
	add_attention(u, ATTENTION_TABLE, FACTOR_ATTENTION, &a->u);
	add_attention(u, ATTENTION_OTHER, FACTOR_ATTENTION_OTHER, &a->other_u);
	add_attention(u, ATTENTION_ALONE, FACTOR_ATTENTION_ALONE, &a->alone_u);
	if (a->decode.given && any_tells(u, DECODE_ATTENTION))
		update_add_factor(u, FACTOR_CACHE, fmax(a->decode.spread / sqrt(2), unseen_cache_sd));
}

static bool any_several(const struct runtime_fit *f, enum weights_rate of)
{
	for (size_t i = 0; i < f->n; i++)
		for (size_t k = 0; k < f->predicted[i].n; k++) {
			const struct op_rates *r = &f->predicted[i].at[k].rates;

			if (r->several && r->arithmetic == of)
				return true;
		}
	return false;
}

/* What further rows of a product take: whole runs of several sequences are all that tells it, so that what they say is the
 * machine's, as far as the number is unsure of chips and models together. */
static void add_several(struct update *u)
{
	const struct format_numbers all = numbers_of(&u->f->base.profile->few.further);
	double chip_sd, model_sd, most = 0;

	for (size_t i = 0; i < ARRAY_LEN(all.at); i++) {
		if (!all.at[i]->given || !any_several(u->f, rate_of[i]))
			continue;
		split_number(u, all.at[i], is_told(all.at[i]), other_program_sd, &chip_sd, &model_sd);
		most = fmax(most, exact_hypot(chip_sd, model_sd));
	}
	if (most > 0)
		update_add_factor(u, FACTOR_SEVERAL, most);
}

/* The number that attention of a model's prompts hangs on; NULL: that of products. */
static const struct qty *attention_number(const struct update *u, size_t model)
{
	const struct attention_table *a = &u->f->base.profile->attention;
	const struct qty *const of[] = {
		[ATTENTION_TABLE] = &a->u, [ATTENTION_OTHER] = &a->other_u, [ATTENTION_ALONE] = &a->alone_u};

	for (size_t i = 0; i < u->n; i++)
		for (size_t k = 0; u->model_of[i] == model && k < u->f->predicted[i].n; k++) {
			const struct op_rates *r = &u->f->predicted[i].at[k].rates;

			if (r->prompt && r->attention >= ATTENTION_TABLE)
				return of[r->attention];
		}
	return NULL;
}

/* How far attention of models is off by itself: which of its kernels runs, and how well, hangs on heads. */
static double attention_sd(const struct update *u, const struct qty *q)
{
	double chip_sd, model_sd;

	if (!q || !q->given)
		return u->model_sd[PREFILL];
	split_number(u, q, is_told(q), other_program_sd, &chip_sd, &model_sd);
	return model_sd;
}

static double reach_sd(const struct update *u, size_t model, size_t which)
{
	switch (which) {
	case DECODE_ATTENTION:
		return attention_sd(u, &u->f->base.profile->attention.decode);
	case PREFILL_ATTENTION:
		return attention_sd(u, attention_number(u, model));
	case PREFILL_RAMP:
	case PREFILL_CONTEXT:
		return update_lengths_sd(u, model, which);
	default:
		return u->model_sd[which] * sqrt(fmax(u->models_scale[which], 1));
	}
}

/* Every model has terms of its own, and those of attention and of its ramp where its runs tell them from the others. */
static void set_reaches(struct update *u)
{
	struct arena *a = u->f->arena;
	const size_t n = REACHES * u->models_n;

	u->reach_at = arena_array(a, n, sizeof *u->reach_at);
	u->reach_sd = arena_array(a, n, sizeof *u->reach_sd);
	u->p = u->factors_n;
	for (size_t m = 0; m < u->models_n; m++)
		for (size_t k = 0; k < REACHES; k++) {
			const size_t at = REACHES * m + k;

			u->reach_at[at] = k < PHASES || tells(u, m, k) ? u->p++ : SIZE_MAX;
			u->reach_sd[at] = reach_sd(u, m, k);
		}
}

/* The most that models scatter by about a factor. Overheads and further rows are the chip's alone. */
static double models_about(enum run_factor which)
{
	switch (which) {
	case FACTOR_ARITHMETIC:
		return models_prompts_sd;
	case FACTOR_MEMORY:
		return models_tokens_sd;
	case FACTOR_KERNEL:
	case FACTOR_STEP:
	case FACTOR_SEVERAL:
		return 0;
	default:
		return INFINITY;
	}
}

/* On a chip that the fit had none of, the spreads of the profile's numbers are of chips and of models, and the priors of factors
 * stand for the chip's part: what the runs leave of it takes its place. */
static void set_told(struct update *u)
{
	for (size_t i = 0; i < u->factors_n; i++) {
		u->f->told_sd[u->factor[i]] = u->sd[i];
		u->f->models_sd[u->factor[i]] = models_about(u->factor[i]);
	}
}

static void set_priors(struct update *u)
{
	const struct profile *p = u->f->base.profile;
	const struct overhead *o = &p->overhead;
	const struct gemm_table *table = p->gemm[u->f->base.compute];
	double arithmetic_sd, memory_sd;

	u->knows_chip = knows_chip(u->f);
	split_spread(u, u->knows_chip ? table->u.spread : spread_of(&table->u), models_prompts_sd,
		     &arithmetic_sd, &u->model_sd[PREFILL]);
	split_spread(u, p->gemv.spread, models_tokens_sd, &memory_sd, &u->model_sd[DECODE]);
	if (!u->knows_chip) {
		u->lengths_sd = unseen_lengths_sd;
		arithmetic_sd = within(fmax(arithmetic_sd, between_chips_sd(p, true)));
		memory_sd = within(fmax(memory_sd, between_chips_sd(p, false)));
	}
	if (u->f->prompt_n)
		update_add_factor(u, FACTOR_ARITHMETIC, arithmetic_sd);
	if (!u->knows_chip)
		set_kernel_priors(u);
	update_add_lengths(u);
	add_several(u);
	if (u->f->decode_n)
		update_add_factor(u, FACTOR_MEMORY, memory_sd);
	if (u->f->decode_n && o->kernel.value > 0)
		update_add_factor(u, FACTOR_KERNEL, overhead_sd_of(u, &o->kernel));
	if (u->f->decode_n && o->step.value > 0)
		update_add_factor(u, FACTOR_STEP, overhead_sd_of(u, &o->step));
	if (!u->knows_chip)
		set_told(u);
}

void update_set_priors(struct update *u)
{
	list_models(u);
	if (u->f->own_program && !u->f->base.profile->suite) {
		set_priors(u);
		update_set_shared(u);
	} else {
		set_wide_priors(u);
	}
	set_reaches(u);
}
