/* profile_fit.c - which samples are used, and the order of the steps; rates.c, few_rows.c and utilisation_table.c take them.
 * See profile_fit.h. */
#include "sim/calib/profile_fit.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/exact_math.h"
#include "sim/base/units.h"
#include "sim/calib/model_error.h"

static const char *add_note(struct profile_fitting *g, const char *fmt, va_list args)
{
	char text[1024];
	const char *kept;

	vsnprintf(text, sizeof text, fmt, args);
	kept = arena_strdup(g->arena, text);
	VEC_ADD(&g->notes, kept);
	return kept;
}

void profile_fit_note(struct profile_fitting *g, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add_note(g, fmt, args);
	va_end(args);
}

void profile_fit_say(struct profile_fitting *g, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	g->d->said = texts_join_once(g->arena, &g->d->said, add_note(g, fmt, args));
	va_end(args);
}

bool profile_fit_wants(const struct profile_fitting *g, const struct sample *s, enum sample_kind kind)
{
	return s->kind == kind && !s->rejected && s->seconds_n && (!s->threads || s->threads == g->threads);
}

double profile_fit_sd(const struct profile_fitting *g, const struct sample *s)
{
	const struct sample_median m = sample_median(s);
	double sd = s->stated_sd_s > 0 && s->stated_n > 0 ? s->stated_sd_s / sqrt((double)s->stated_n) : 0;

	if (s->seconds_n >= 6) /* half of a 95 % interval is two standard deviations */
		sd = (m.hi_s - m.lo_s) / 4;
	else if (s->seconds_n >= 2)
		sd = (m.hi_s - m.lo_s) / 2;
	return fmax(sd / m.median_s, g->run_sd);
}

int64_t profile_fit_count(const struct sample *s)
{
	return s->stated_n ? s->stated_n : (int64_t)s->seconds_n;
}

const char *profile_fit_name(struct profile_fitting *g, const struct sample *s)
{
	struct str str = STR_INIT;
	const char *name;

	str_addf(&str, "%s %s", sample_kind_names[s->kind], sample_dtype_names[s->dtype]);
	if (s->kind == SAMPLE_PREFILL || s->kind == SAMPLE_DECODE)
		str_addf(&str, " %lld over %lld", (long long)s->m, (long long)s->n);
	else if (s->m && s->n && s->k)
		str_addf(&str, " %lld x %lld x %lld", (long long)s->m, (long long)s->n, (long long)s->k);
	else if (s->bytes > 0)
		str_addf(&str, " of %s", units_text(g->arena, s->bytes, DIM_BYTES, 4));
	else
		str_addf(&str, " %lld", (long long)s->m);
	if (s->kind == SAMPLE_DECODE)
		str_addf(&str, ", %lld/%lld heads of %lld", (long long)s->heads, (long long)s->kv_heads,
			 (long long)s->head_dim);
	if (s->path)
		str_addf(&str, " (%s)", s->path);
	name = arena_strdup(g->arena, str.text);
	str_release(&str);
	return name;
}

static int check_set(const struct sample_set *set, struct err *err)
{
	size_t usable = 0;

	for (size_t i = 0; i < set->n; i++) {
		const struct sample *s = &set->samples[i];

		for (size_t j = 0; j < s->seconds_n; j++)
			if (!(s->seconds[j] > 0) || !isfinite(s->seconds[j]) || s->seconds[j] > 1e6)
				return err_set(
					err, "sample %zu (%s): a time of %g s; times are positive and finite",
					i + 1, sample_kind_names[s->kind], s->seconds[j]);
		usable += s->seconds_n && !s->rejected;
	}
	return usable ? 0 : err_set(err, "there are no samples to make a profile of");
}

static bool is_stream(const struct sample *s)
{
	return s->kind == SAMPLE_READ || s->kind == SAMPLE_COPY || s->kind == SAMPLE_TRIAD;
}

static int no_streams(const struct sample_set *set, struct err *err)
{
	const struct sample *first = NULL;
	size_t n = 0, sizeless = 0;

	for (size_t i = 0; i < set->n; i++) {
		const struct sample *s = &set->samples[i];

		if (!is_stream(s))
			continue;
		if (s->rejected) {
			first = first ? first : s;
			n++;
		} else {
			sizeless += !(s->bytes > 0);
		}
	}
	if (n) {
		err_set(err,
			"no read or copy from memory can be used: %zu were rejected, the first because "
			"%.200s",
			n, first->why ? first->why : "(not said)");
		return err_hint(err, "measure again while nothing else runs");
	}
	if (!sizeless)
		return err_set(err, "neither reads nor copies were measured");
	err_set(err, "no read or copy from memory can be used: %zu without 'bytes'", sizeless);
	return err_hint(err, "the column 'bytes' says what one repetition reads and writes");
}

/* Overheads that were not measured are transferred from those that were. */
static void fill_gaps(struct profile_fitting *g)
{
	static const enum dtype order[] = {DTYPE_F16, DTYPE_BF16, DTYPE_F32};
	struct profile_fit *d = g->d;

	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		if (!d->step.given && d->gemm[order[i]].n && d->gemm[order[i]].sync.value > 0)
			d->step = profile_fit_transferred(&d->gemm[order[i]].sync, 0.25,
							  "the sync of the matrix products");
	if (!d->kernel.given)
		d->kernel = (struct number){0,
					    0,
					    0,
					    PROVENANCE_TRANSFERRED,
					    "nothing: no dispatch was measured, and none is charged",
					    true};
	if (!d->step.given)
		d->step = profile_fit_transferred(&d->kernel, 1,
						  "the cost of a kernel; submissions were not measured");
}

/* No number of a machine that did not settle is known better than its samples, whatever its own fit says. */
static void widen(const struct profile_fitting *g)
{
	struct profile_fit *d = g->d;
	struct number *const all[] = {&d->read,    &d->copy,   &d->gemv,     &d->gemv_q8,
				      &d->gemv_q4, &d->decode, &d->decode_u, &d->kernel,
				      &d->step,    &d->host,   &d->product,  &d->attend};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		all[i]->sd = fmax(all[i]->sd, g->unsettled_sd * all[i]->value);
	for (int f = 0; f < FEW_FORMATS; f++) {
		d->few.further[f].sd = fmax(d->few.further[f].sd, g->unsettled_sd * d->few.further[f].value);
		d->few.dequant[f].sd = fmax(d->few.dequant[f].sd, g->unsettled_sd * d->few.dequant[f].value);
	}
	d->few.scattered.sd = fmax(d->few.scattered.sd, g->unsettled_sd * d->few.scattered.value);
	for (size_t i = 0; i < d->kernels_n; i++) {
		struct attention_kernel_fit *k = &d->kernels[i];

		k->decode.sd = fmax(k->decode.sd, g->unsettled_sd * k->decode.value);
		k->decode_u.sd = fmax(k->decode_u.sd, g->unsettled_sd * k->decode_u.value);
		k->prefill.sd = fmax(k->prefill.sd, g->unsettled_sd * k->prefill.value);
	}
}

/* An error of more says that nothing is known. */
static const double widest_error = 0.5;

static void compose(struct number *q, double sd)
{
	q->sd = exact_hypot(q->sd, sd * q->value);
}

/* Shapes off a table's points have the table's own error, in which that of a point is not. */
static void compose_error(struct number *error, double sd)
{
	if (error->given)
		error->value = fmax(error->value, fmin(exact_hypot(error->value, sd), widest_error));
}

static void compose_table(struct utilisation_table *t, double sd)
{
	compose_error(&t->between, sd);
	compose_error(&t->beyond, sd);
	for (size_t i = 0; i < t->n; i++)
		compose(&t->at[i].u, sd);
}

/* What runs of whole models are off by beyond their operations, on each number that a run is made of. Numbers that multiply another
 * (dequant, scattered) have it by that one. Of the suite's own kernels no model is run. */
static void widen_to_runs(struct profile_fitting *g)
{
	struct profile_fit *d = g->d;
	const double other = model_error_other_kernels(g->set->device),
		     sd = g->set->suite ? exact_hypot(model_error_composed_sd, other)
					: model_error_composed_sd;
	struct number *const all[] = {&d->gemv,    &d->gemv_q8, &d->gemv_q4, &d->decode, &d->decode_u,
				      &d->several, &d->kernel,  &d->product, &d->attend};

	if (g->set->suite && other > model_error_other_kernels_sd)
		profile_fit_say(g, "what programs have of kernels on a CPU takes 0.4 to 2.8 times as long as "
				   "the suite's: intervals are that "
				   "wide; for a program's own, 'calibrate --from' its runs (llama-bench), or "
				   "times of its operations");
	profile_fit_note(
		g, "spreads have %s %% in them by which runs of models are off beyond their operations%s",
		units_digits(100 * sd, 2).text,
		g->set->suite ? ", and other programs' kernels are from these" : "");
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		compose(all[i], sd);
	/* passes over activations, gradients and an optimizer's states, which are streams in any program */
	compose(&d->copy, model_error_composed_sd);
	for (int t = 0; t < DTYPE_N; t++)
		compose_table(&d->gemm[t], sd);
	compose_table(&d->attention, sd);
	for (int f = 0; f < FEW_FORMATS; f++) {
		compose(&d->few.further[f], sd);
		compose_table(&d->products[f], sd);
		compose_table(&d->experts[f], sd);
		compose_table(&d->experts_few[f], sd);
	}
	for (size_t i = 0; i < d->kernels_n; i++) {
		compose(&d->kernels[i].decode, sd);
		compose(&d->kernels[i].decode_u, sd);
	}
}

/* The number of threads whose samples are used: 0 (all) where products or reads have it, else the largest. */
static int64_t all_threads(const struct sample_set *set)
{
	int64_t most = 0;

	for (size_t i = 0; i < set->n; i++) {
		const struct sample *s = &set->samples[i];

		if ((s->kind == SAMPLE_GEMM || s->kind == SAMPLE_READ) && !s->threads)
			return 0;
		most = s->threads > most ? s->threads : most;
	}
	return most;
}

static bool is_unsettled(const struct sample *s)
{
	return s->rejected && s->why && str_starts(s->why, "unsettled: ") && s->seconds_n;
}

/* A sample of its kind that was not rejected and is at least half as large: small sizes settle first, and say nothing
 * of memory or of large products. */
static bool has_better(const struct sample_set *set, const struct sample *than)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct sample *s = &set->samples[i];

		if (s->kind == than->kind && s->dtype == than->dtype && !s->rejected && s->seconds_n &&
		    s->bytes >= 0.5 * than->bytes && s->flop >= 0.5 * than->flop)
			return true;
	}
	return false;
}

/* Uses the samples of a machine that did not settle where there are no better ones, so that a busy machine gets a file too.
 * The largest half-width of their intervals becomes the least spread of every number, since what disturbed them
 * disturbed the rest. */
static const struct sample_set *use_unsettled(struct profile_fitting *g, const struct sample_set *set)
{
	const double least_spread = 0.25;
	struct sample_set *to = arena_alloc(g->arena, sizeof *to);
	struct sample *samples = arena_array(g->arena, set->n + 1, sizeof *samples);
	size_t used = 0;

	*to = *set;
	to->samples = samples;
	for (size_t i = 0; i < set->n; i++) {
		const struct sample *s = &set->samples[i];

		samples[i] = *s;
		if (is_unsettled(s) && !has_better(set, s)) {
			const struct sample_median m = sample_median(s);

			samples[i].rejected = false;
			g->unsettled_sd = fmax(g->unsettled_sd, (m.hi_s - m.lo_s) / 2 / m.median_s);
			used++;
		}
	}
	if (!used)
		return set;
	g->unsettled_sd = fmin(fmax(g->unsettled_sd, least_spread), 1);
	g->run_sd = fmax(g->run_sd, g->unsettled_sd);
	profile_fit_note(
		g,
		"the machine did not settle: %zu of %zu samples vary too much, and are used for want of "
		"better ones; every spread is %.0f %% at least; measure again while nothing else runs",
		used, set->n, 100 * g->unsettled_sd);
	return to;
}

/* Whether products of this shape were measured in the path too. */
static bool has_path(const struct sample_set *set, const struct sample *like, const char *path)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct sample *s = &set->samples[i];

		if (s->kind == SAMPLE_GEMM && s->dtype == like->dtype && s->m == like->m && s->n == like->n &&
		    s->k == like->k && sample_is_of_path(s, path))
			return true;
	}
	return false;
}

/* Products between conversions are those of programs that keep activations in f32, which facts say ('linear.path'): where a
 * shape was measured so, its other products are not theirs. For all others they are none. */
static const struct sample_set *of_path(struct profile_fitting *g, const struct sample_set *set)
{
	static const char *const converted = "converted";
	const struct datasheet_row *fact = datasheet_find(g->datasheet, "linear.path");
	const bool wanted = fact && !strcmp(fact->value, converted);
	struct sample_set *to = arena_alloc(g->arena, sizeof *to);
	struct sample *samples = arena_array(g->arena, set->n + 1, sizeof *samples);

	*to = *set;
	to->samples = samples;
	to->n = 0;
	for (size_t i = 0; i < set->n; i++) {
		const struct sample *s = &set->samples[i];
		const bool has = s->kind == SAMPLE_GEMM && sample_is_of_path(s, converted);

		if (wanted ? has || s->kind != SAMPLE_GEMM || !has_path(set, s, converted) : !has)
			samples[to->n++] = *s;
		else
			profile_fit_unused(g, s->kind, s->dtype,
					   wanted ? "the program's are between conversions"
						  : "between conversions, as only programs that keep "
						    "activations in f32 have them (linear.path)");
	}
	return to;
}

static void note_rejected(struct profile_fitting *g)
{
	for (size_t i = 0; i < g->set->n; i++) {
		const struct sample *s = &g->set->samples[i];

		if (s->rejected)
			profile_fit_note(g, "rejected: %s: %s", profile_fit_name(g, s),
					 s->why ? s->why : "not said why");
	}
}

/* Notes and what was not used go from the fit's own memory into the arena. */
static void hand_notes_over(struct profile_fitting *g)
{
	struct profile_fit *d = g->d;
	struct unused_samples *unused = arena_array(g->arena, g->unused.n + 1, sizeof *unused);

	d->notes_n = g->notes.n;
	d->notes = arena_array(g->arena, g->notes.n, sizeof *d->notes);
	if (g->notes.n)
		memcpy(d->notes, g->notes.at, g->notes.n * sizeof *d->notes);
	d->unused_n = g->unused.n;
	d->unused = unused;
	if (g->unused.n)
		memcpy(unused, g->unused.at, g->unused.n * sizeof *unused);
	VEC_FREE(&g->notes);
	VEC_FREE(&g->unused);
}

int profile_fit_make(struct arena *a, const struct sample_set *set, const struct datasheet *datasheet,
		     struct profile_fit *d, struct err *err)
{
	struct profile_fitting g = {.arena = a, .set = set, .datasheet = datasheet, .d = d};
	int rc;

	*d = (struct profile_fit){.skips_mask = true};
	datasheet_value(datasheet, "run_to_run", DIM_SHARE, &g.run_sd);
	g.set = set = of_path(&g, use_unsettled(&g, set));
	profile_fit_disturbance(&g);
	rc = check_set(set, err);
	g.threads = all_threads(set);
	note_rejected(&g);
	profile_fit_sustained(&g);
	if (rc == 0) {
		profile_fit_overheads(&g);
		profile_fit_unlike(&g);
		profile_fit_streams(&g);
		if (!d->read.given)
			rc = no_streams(set, err);
	}
	if (rc == 0) {
		profile_fit_gemv(&g);
		rc = profile_fit_gemm(&g, err);
	}
	if (rc == 0 && !profile_fit_has_products(d)) {
		profile_fit_say(&g, "no matrix product was measured, or t0 hides them all: the file has no "
				    "runtime, so that nothing runs on it until products are measured, or one "
				    "is fitted to runs of models");
		widen(&g);
	}
	if (rc == 0 && profile_fit_has_products(d)) {
		profile_fit_bf16(&g);
		profile_fit_decode(&g);
		profile_fit_few(&g);
		profile_fit_products(&g);
		profile_fit_attention(&g);
		fill_gaps(&g);
		widen(&g);
		widen_to_runs(&g);
		profile_fit_count_unused(&g);
	}
	hand_notes_over(&g);
	return rc;
}
