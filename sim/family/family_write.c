/* family_write.c - how sure a law is, and its file; see family_model.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/conf/sources.h"
#include "sim/family/family_keys.h"
#include "sim/stats/quantile.h"

/* The normal deviate of P10 and P90. */
#define Z90 1.2815515655446004

/* No number is known better than that; what rows of one chip say of another, or of one model of another;
 * where no row says anything. */
static const double least_sd = 0.015, other_sd = 0.04, unsaid_sd = 0.25;

struct writing {
	const struct family_model *family_model;
	const struct observations *e;
	struct family_errors errors, no_model; /* with the chip left out; with the model on its machine */
	struct family_values v;
	double sd[FAMILY_PARAMS];      /* relative */
	size_t rows_of[FAMILY_PARAMS]; /* rows it matters to */
	struct family_slopes *slope;   /* of each row */
	size_t machines;
};

static bool is_fitted(const struct writing *w, size_t i)
{
	return family_fits(w->family_model, &w->e->at[i]);
}

static bool is_said(const struct writing *w, size_t i)
{
	return family_takes(w->family_model, &w->e->at[i]);
}

static void find_slopes(struct writing *w)
{
	for (size_t i = 0; i < w->e->n; i++)
		if (is_said(w, i))
			family_slopes(w->family_model, &w->v, &w->e->at[i], &w->slope[i]);
}

static bool hangs_on(const struct writing *w, size_t i, size_t p)
{
	return is_fitted(w, i) && fabs(w->slope[i].of[p]) > 0.05;
}

/* Of the rows that hang on a number. */
static size_t count_chips(const struct writing *w, size_t p)
{
	bool seen[FAMILY_CHIPS] = {false};
	size_t n = 0;

	for (size_t i = 0; i < w->e->n; i++) {
		const size_t c = hangs_on(w, i, p) ? family_chip_of(&w->v, &w->e->at[i]) : 0;

		if (!hangs_on(w, i, p) || seen[c])
			continue;
		seen[c] = true;
		n++;
	}
	return n;
}

/* Each number gets the errors of the rows that hang on it. */
static void share_errors_out(struct writing *w)
{
	for (size_t p = 0; p < w->family_model->params_n; p++) {
		double sum = 0, weight = 0;

		w->rows_of[p] = 0;
		for (size_t i = 0; i < w->e->n; i++) {
			const double s = is_fitted(w, i) ? w->slope[i].of[p] * w->slope[i].of[p] : 0;

			if (!is_fitted(w, i))
				continue;
			sum += s * w->errors.without[i] * w->errors.without[i];
			weight += s;
			w->rows_of[p] += hangs_on(w, i, p);
		}
		w->sd[p] = w->rows_of[p] ? fmax(sqrt(sum / weight), least_sd) : unsaid_sd;
		if (count_chips(w, p) < 2)
			w->sd[p] = fmax(w->sd[p], other_sd);
	}
}

/* The spread of a row as draws make it: numbers of a group go together, groups do not. */
static double spread_of(const struct writing *w, size_t i)
{
	double group[FAMILY_GROUPS] = {0}, sum = 0;

	for (size_t p = 0; p < w->family_model->params_n; p++)
		group[family_keys[w->family_model->key[p]].group] += fabs(w->slope[i].of[p]) * w->sd[p];
	for (int k = 0; k < FAMILY_GROUPS; k++)
		sum += group[k] * group[k];
	return sqrt(sum);
}

/* So that four in five rows of chips left out, or held out altogether, lie between P10 and P90. */
static void make_honest(struct writing *w)
{
	double *ratio = xmalloc((w->e->n + 1) * sizeof *ratio), by;
	size_t n = 0;

	for (size_t i = 0; i < w->e->n; i++)
		if (is_said(w, i))
			ratio[n++] = fabs(w->errors.without[i]) / (Z90 * spread_of(w, i));
	by = n >= 5 ? fmin(fmax(quantile_of(ratio, n, 0.8), 0.5), 3) : 1;
	for (size_t p = 0; p < w->family_model->params_n; p++)
		w->sd[p] = w->rows_of[p] ? fmax(w->sd[p] * by, least_sd) : w->sd[p];
	free(ratio);
}

/* ---- what each chip does of the law ---- */

enum { ONES = FAMILY_ONES };

struct chip_fit {
	const struct family_chip *chip;
	double sd[ONES];
	double left;   /* see usual_error() */
	size_t fitted; /* runs that it was fitted to */
};

/* How well its own runs tell a chip's two factors, the family's numbers being what they are: the inverse of
 * the curvature of the sum of squares. Runs that are held out say how far off it is, not where it lies. */
static void find_chip_sd(const struct writing *w, size_t at, struct chip_fit *c)
{
	double h[ONES][ONES] = {{0}}, det;

	for (int k = 0; k < ONES; k++)
		h[k][k] = 1 / (c->chip->expected_sd[k] * c->chip->expected_sd[k]);
	for (size_t i = 0; i < w->e->n; i++)
		for (int k = 0; k < ONES && is_fitted(w, i); k++)
			for (int l = 0; l < ONES; l++)
				h[k][l] += w->slope[i].chip[at][k] * w->slope[i].chip[at][l] /
					   (family_row_sd * family_row_sd);
	det = h[0][0] * h[1][1] - h[0][1] * h[1][0];
	c->sd[0] = sqrt(h[1][1] / det);
	c->sd[1] = sqrt(h[0][0] / det);
}

static bool of_chip(const struct writing *w, size_t i, size_t chip)
{
	return family_chip_of(&w->v, &w->e->at[i]) == chip;
}

/* Without its model, is a row predicted from other runs of its chip? */
static bool has_others(const struct writing *w, size_t i)
{
	const size_t chip = family_chip_of(&w->v, &w->e->at[i]);

	for (size_t k = 0; k < w->e->n; k++)
		if (is_fitted(w, k) && of_chip(w, k, chip) && !family_alike(w->e->at[k].run, w->e->at[i].run))
			return true;
	return false;
}

/* How far a chip's own line is off runs that it was not drawn through: those of a model left out, where the
 * chip has others, and those held out. The deviate that four in five lie within, as of a normal one; 0 where
 * there are none. at: of which chip; SIZE_MAX: of all. */
static double usual_error(const struct writing *w, size_t at)
{
	double *error = xmalloc((w->e->n + 1) * sizeof *error), usual;
	size_t n = 0;

	for (size_t i = 0; i < w->e->n; i++)
		if (is_said(w, i) && (at == SIZE_MAX ? is_fitted(w, i) : of_chip(w, i, at)) &&
		    has_others(w, i))
			error[n++] = fabs(log1p(w->no_model.without[i]));
	usual = n ? quantile_of(error, n, 0.8) / Z90 : 0;
	free(error);
	return usual;
}

static size_t fitted_of(const struct writing *w, size_t chip)
{
	size_t n = 0;

	for (size_t i = 0; i < w->e->n; i++)
		n += is_fitted(w, i) && of_chip(w, i, chip);
	return n;
}

/* Chips that have runs of their own. */
static size_t look_at_chips(const struct writing *w, struct chip_fit *chips)
{
	double all = usual_error(w, SIZE_MAX);
	size_t n = 0;

	if (!(all > 0))
		all = other_sd;
	for (size_t c = 0; c < w->v.chips_n; c++) {
		struct chip_fit *fit = &chips[n];

		*fit = (struct chip_fit){&w->v.chip[c], .fitted = fitted_of(w, c)};
		if (!fit->fitted)
			continue;
		fit->left = fmax(all, usual_error(w, c));
		find_chip_sd(w, c, fit);
		for (int k = 0; k < ONES; k++)
			fit->sd[k] = fmax(hypot(fit->sd[k], fit->left), least_sd);
		n++;
	}
	return n;
}

static void add_factor(const struct chip_fit *c, int p, const char *key, struct str *out)
{
	str_addf(out, "%s: {value: ", key);
	units_format(out, c->chip->speed[p], DIM_SHARE, 4);
	str_add(out, ", sd: ");
	units_format(out, c->chip->speed[p] * c->sd[p], DIM_SHARE, 2);
	str_addf(out, ", n: %zu}", c->fitted);
}

static void add_chips(const struct writing *w, struct str *out)
{
	struct chip_fit *chips = xcalloc(w->v.chips_n + 1, sizeof *chips);
	const size_t n = look_at_chips(w, chips);

	str_add(out, "{");
	for (size_t k = 0; k < n; k++) {
		str_addf(out, "%s\n          \"%s\": {", k ? "," : "", chips[k].chip->name);
		add_factor(&chips[k], FACTOR_MEMORY, "bandwidth", out);
		str_add(out, ", ");
		add_factor(&chips[k], FACTOR_ARITHMETIC, "arithmetic", out);
		str_add(out, "}");
	}
	str_add(out, "}");
	free(chips);
}

static double mean_of(const struct writing *w, const double *errors, bool held_out, size_t *n)
{
	double sum = 0;

	*n = 0;
	for (size_t i = 0; i < w->e->n; i++) {
		if (isnan(errors[i]) || w->e->at[i].run->held_out != held_out)
			continue;
		sum += fabs(errors[i]);
		++*n;
	}
	return *n ? sum / (double)*n : 0;
}

static size_t count_machines(const struct writing *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->e->n; i++) {
		bool seen = !is_fitted(w, i);

		for (size_t k = 0; k < i && !seen; k++)
			seen = is_fitted(w, k) && !strcmp(w->e->at[k].run->machine, w->e->at[i].run->machine);
		n += !seen;
	}
	return n;
}

static void add_number(const struct writing *w, size_t p, struct str *out)
{
	const struct qty *q = family_number(w->family_model, p);
	const struct family_key *k = &family_keys[w->family_model->key[p]];
	const enum dim dim = q->is_share ? DIM_SHARE : k->dim;
	const bool said = w->rows_of[p] > 0;
	const double value = fmin(w->v.of[p], family_most(k, q));

	str_add(out, "{value: ");
	units_format(out, value, dim, 4);
	str_add(out, ", sd: ");
	units_format(out, value * w->sd[p], dim, 2);
	if (said)
		str_addf(out, ", n: %zu", w->rows_of[p]);
	str_addf(out, ", how: %s, source: \"",
		 provenance_names[said ? PROVENANCE_MEASURED : PROVENANCE_TRANSFERRED]);
	str_add(out, said ? "fitted to the runs that hang on it" : "no run says; as it was put in");
	str_add(out, "\"}");
}

/* Where a number stands in the file's text: from its brace to the one that closes it. */
static int find_braces(const struct family_model *family_model, const struct yml *node, size_t *from,
		       size_t *to, struct err *err)
{
	const char *at = family_model->text;

	if (!node->place.source || strcmp(node->place.source->path, family_model->path) != 0) {
		err_set(err, "%s: a number to be fitted stands in another file, %s:%d", family_model->path,
			node->place.source ? node->place.source->path : "?", node->place.line);
		return err_hint(err, "a family's file that is fitted has no 'base'");
	}
	for (int line = 1; line < node->place.line; line++)
		at = strchr(at, '\n') + 1;
	at += node->place.col - 1;
	*from = (size_t)(at - family_model->text);
	*to = *from + strcspn(at, "}\n") + 1;
	if (*at == '{' && family_model->text[*to - 1] == '}')
		return 0;
	return err_set(err, "%s:%d: a number to be fitted is written in one line, {value: ..., source: fit}",
		       family_model->path, node->place.line);
}

struct place_in_text {
	size_t from, to, param;
};

static int by_place(const void *a, const void *b)
{
	const struct place_in_text *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

static int fill_in(const struct writing *w, struct str *out, struct err *err)
{
	const struct family_model *family_model = w->family_model;
	const struct yml *chips = yml_get(family_model->profile->origin.node, "chips");
	struct place_in_text at[FAMILY_PARAMS + 1];
	size_t done = 0, n = family_model->params_n;

	for (size_t p = 0; p < family_model->params_n; p++) {
		at[p].param = p;
		if (find_braces(family_model, family_number(family_model, p)->node, &at[p].from, &at[p].to,
				err) != 0)
			return -1;
	}
	if (chips) {
		at[n].param = FAMILY_PARAMS;
		if (find_braces(family_model, chips, &at[n].from, &at[n].to, err) != 0)
			return -1;
		n++;
	}
	qsort(at, n, sizeof *at, by_place);
	for (size_t p = 0; p < n; p++) {
		str_addf(out, "%.*s", (int)(at[p].from - done), family_model->text + done);
		if (at[p].param == FAMILY_PARAMS)
			add_chips(w, out);
		else
			add_number(w, at[p].param, out);
		done = at[p].to;
	}
	str_add(out, family_model->text + done);
	return 0;
}

static void add_head(const struct writing *w, struct str *out)
{
	size_t n, held;
	const double fitted = mean_of(w, w->errors.fitted, false, &n),
		     without = mean_of(w, w->errors.without, false, &n),
		     checked = mean_of(w, w->errors.without, true, &held);
	size_t chips = 0;

	for (size_t c = 0; c < w->v.chips_n; c++)
		chips += fitted_of(w, c) > 0;
	str_addf(out,
		 "# Fitted by lemursim to %zu runs on %zu machine%s. Mean absolute error %.1f %%; of runs on "
		 "%s left\n# out of the fit %.1f %%",
		 n, w->machines, w->machines == 1 ? "" : "s", 100 * fitted, chips < 2 ? "a model" : "a chip",
		 100 * without);
	if (held)
		str_addf(out, "; of %zu runs that were held out %.1f %%", held, 100 * checked);
	str_add(out,
		". Spreads are such that four in five of the runs\n# left out lie within P10 and P90.\n");
}

int family_write(const struct family_model *family_model, const struct observations *e, struct str *out,
		 struct err *err)
{
	struct arena *a = family_model->l->arena;
	struct writing w = {
		.family_model = family_model,
		.e = e,
		.errors = {arena_array(a, e->n, sizeof(double)), arena_array(a, e->n, sizeof(double))},
		.no_model = {arena_array(a, e->n, sizeof(double)), arena_array(a, e->n, sizeof(double))},
		.slope = arena_array(a, e->n, sizeof *w.slope)};
	struct str text = STR_INIT;
	int rc;

	w.machines = count_machines(&w);
	if (!w.machines)
		return err_set(err, "%s: no run is of runtime '%s'", family_model->path,
			       family_model->runtime);
	if (family_fit(family_model, e, &w.v, err) != 0 ||
	    family_leave_out(family_model, e, &w.v, FAMILY_HOLE_CHIP, &w.errors, err) != 0 ||
	    family_leave_out(family_model, e, &w.v, FAMILY_HOLE_MODEL, &w.no_model, err) != 0)
		return -1;
	find_slopes(&w);
	share_errors_out(&w);
	make_honest(&w);
	add_head(&w, &text);
	rc = fill_in(&w, &text, err);
	if (rc == 0)
		sources_list(text.text, out);
	str_release(&text);
	return rc;
}
