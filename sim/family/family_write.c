/* family_write.c - the spreads of a family's numbers, and its file; see family_model.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/conf/sources.h"
#include "sim/base/exact_math.h"
#include "sim/family/beyond_fit.h"
#include "sim/family/family_keys.h"
#include "sim/family/proved_width.h"
#include "sim/family/report_launches.h"
#include "sim/stats/quantile.h"

/* Least relative spreads: of any number; of one that rows of a single chip determine, since it will be used on others;
 * and the spread of a number that no row depends on. */
static const double number_sd_min = 0.015, one_chip_sd_min = 0.04, unmeasured_sd = 0.25;

struct family_writer {
	const struct family_model *family;
	const struct observations *e;
	const struct family_judged *judged;
	double sd[FAMILY_PARAMS];      /* relative */
	double launches_sd;            /* of starts of kernels between reports, beside that */
	size_t rows_of[FAMILY_PARAMS]; /* rows that depend on the number */
	struct family_slopes *slope;   /* each row's */
	struct fit_reach reach;        /* the kinds of the rows that are fitted to */
	bool *within;                  /* of each row: it is of no kind beyond them */
	size_t machines;
};

static bool is_fitted(const struct family_writer *w, size_t i)
{
	return family_fits(w->family, &w->e->at[i]);
}

static bool is_predicted(const struct family_writer *w, size_t i)
{
	return family_takes(w->family, &w->e->at[i]);
}

static void find_slopes(struct family_writer *w)
{
	for (size_t i = 0; i < w->e->n; i++)
		if (is_predicted(w, i))
			family_slopes(w->family, &w->judged->all, &w->e->at[i], &w->slope[i]);
}

/* Spreads are those of runs of the kinds that the fit had; others have a width of their own beside them. */
static void find_reach(struct family_writer *w)
{
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < w->e->n; i++)
		if (is_fitted(w, i))
			fit_reach_add(&a, &w->e->at[i], w->family->profile, &w->reach);
	for (size_t i = 0; i < w->e->n; i++) {
		struct fit_reach row = {.context = 0};

		if (!is_predicted(w, i))
			continue;
		fit_reach_add(&a, &w->e->at[i], w->family->profile, &row);
		w->within[i] = is_fitted(w, i) || fit_reach_holds(&w->reach, &row);
	}
	arena_release(&a);
}

static bool depends_on(const struct family_writer *w, size_t i, size_t p)
{
	return is_fitted(w, i) && fabs(w->slope[i].of[p]) > 0.05;
}

/* Counts the chips of the rows that depend on a number. */
static size_t count_chips(const struct family_writer *w, size_t p)
{
	bool seen[FAMILY_CHIPS] = {false};
	size_t n = 0;

	for (size_t i = 0; i < w->e->n; i++) {
		const size_t c = depends_on(w, i, p) ? family_chip_of(&w->judged->all, &w->e->at[i]) : 0;

		if (!depends_on(w, i, p) || seen[c])
			continue;
		seen[c] = true;
		n++;
	}
	return n;
}

/* A number's spread is the cross-validation error of the rows that depend on it, weighted by the squared slopes. */
static void assign_errors(struct family_writer *w)
{
	for (size_t p = 0; p < w->family->params_n; p++) {
		double sum = 0, weight = 0;

		w->rows_of[p] = 0;
		for (size_t i = 0; i < w->e->n; i++) {
			const double s = is_fitted(w, i) ? w->slope[i].of[p] * w->slope[i].of[p] : 0;

			if (!is_fitted(w, i))
				continue;
			sum += s * w->judged->chip_left_out.without[i] * w->judged->chip_left_out.without[i];
			weight += s;
			w->rows_of[p] += depends_on(w, i, p);
		}
		w->sd[p] = w->rows_of[p] ? fmax(sqrt(sum / weight), number_sd_min) : unmeasured_sd;
		if (count_chips(w, p) < 2)
			w->sd[p] = fmax(w->sd[p], one_chip_sd_min);
	}
}

/* ---- starts of kernels ---- */

static bool is_of_launches(const struct family_writer *w, size_t p)
{
	const char *name = family_param_name(w->family, p);

	return !strcmp(name, "overhead.kernel") || !strcmp(name, "overhead.product");
}

static double launch_share(const struct family_writer *w, size_t i)
{
	double share = 0;

	for (size_t p = 0; p < w->family->params_n; p++)
		share += is_of_launches(w, p) ? w->slope[i].of[p] : 0;
	return share;
}

/* Tokens of one sequence, of kinds that the fit had: starts are a large part of nothing else. */
static bool tells_launches(const struct family_writer *w, size_t i)
{
	const struct run *run = w->e->at[i].run;

	return w->within[i] && run->gen > 0 && !run->over && run->batch <= 1 &&
	       isfinite(w->judged->chip_left_out.without[i]);
}

static void find_launches(struct family_writer *w)
{
	struct launch_row *rows = xcalloc(w->e->n + 1, sizeof *rows);
	size_t n = 0;

	for (size_t i = 0; i < w->e->n; i++) {
		const struct run *run = w->e->at[i].run;

		if (tells_launches(w, i))
			rows[n++] =
				(struct launch_row){run->machine, run->source,
						    w->judged->chip_left_out.without[i], launch_share(w, i)};
	}
	w->launches_sd = report_launch_spread(rows, n);
	free(rows);
}

/* The relative spread of a row's time when profiles are drawn: numbers of a group move together, groups do not. */
static double predicted_spread(const struct family_writer *w, size_t i)
{
	double group[FAMILY_GROUPS] = {0}, sum = 0;

	for (size_t p = 0; p < w->family->params_n; p++)
		group[family_keys[w->family->key[p]].group] += fabs(w->slope[i].of[p]) * w->sd[p];
	for (int k = 0; k < FAMILY_GROUPS; k++)
		sum += group[k] * group[k];
	return sqrt(sum);
}

/* The fitted number that most of a row's doubt is of: its kind of operator. */
static size_t leading_number(const struct family_writer *w, size_t i)
{
	size_t lead = 0;

	for (size_t p = 1; p < w->family->params_n; p++)
		if (fabs(w->slope[i].of[p]) * w->sd[p] > fabs(w->slope[i].of[lead]) * w->sd[lead])
			lead = p;
	return lead;
}

/* The factor by which spreads are to grow so that four in five of the rows led by a number, or of all, lie between P10 and
 * P90; without: where these are too few to tell. */
static double spread_factor(const struct family_writer *w, size_t number, size_t least, double without)
{
	double *ratio = xmalloc((w->e->n + 1) * sizeof *ratio), by;
	size_t n = 0;

	for (size_t i = 0; i < w->e->n; i++)
		if (w->within[i] && (number == SIZE_MAX || leading_number(w, i) == number))
			ratio[n++] = fabs(w->judged->chip_left_out.without[i]) /
				     (NORMAL_P90 * predicted_spread(w, i));
	by = n >= least ? fmin(fmax(quantile_of(ratio, n, 0.8), 0.5), 3) : without;
	free(ratio);
	return by;
}

/* Scales the spreads so that four in five rows that were left out, or are held out, lie between P10 and P90: those led by
 * each number where they are many enough, and all together. */
static void scale_spreads(struct family_writer *w)
{
	enum { LEAST = 5, LEAST_LED = 10 };
	const double all = spread_factor(w, SIZE_MAX, LEAST, 1);
	double by[FAMILY_PARAMS], rest;

	for (size_t p = 0; p < w->family->params_n; p++)
		by[p] = spread_factor(w, p, LEAST_LED, all);
	for (size_t p = 0; p < w->family->params_n; p++)
		w->sd[p] *= w->rows_of[p] ? by[p] : 1;
	rest = spread_factor(w, SIZE_MAX, LEAST, 1);
	for (size_t p = 0; p < w->family->params_n; p++)
		w->sd[p] = w->rows_of[p] ? fmax(w->sd[p] * rest, number_sd_min) : w->sd[p];
}

/* ---- factors of each chip ---- */

enum { CHIP_FACTORS = FAMILY_CHIP_FACTORS };

struct chip_fit {
	const struct family_chip *chip;
	double sd[CHIP_FACTORS];
	double left;   /* see typical_error() */
	size_t fitted; /* number of runs of the chip in the fit */
};

/* Standard deviations of a chip's two factors from its own runs, the family's numbers being fixed: the inverse of the
 * curvature of the sum of squares, with the prior. Rows that are held out do not count. */
static void find_chip_sd(const struct family_writer *w, size_t at, struct chip_fit *c)
{
	double h[CHIP_FACTORS][CHIP_FACTORS] = {{0}}, det;

	for (int k = 0; k < CHIP_FACTORS; k++)
		h[k][k] = 1 / (c->chip->prior_sd[k] * c->chip->prior_sd[k]);
	for (size_t i = 0; i < w->e->n; i++)
		for (int k = 0; k < CHIP_FACTORS && is_fitted(w, i); k++)
			for (int l = 0; l < CHIP_FACTORS; l++)
				h[k][l] += w->slope[i].chip[at][k] * w->slope[i].chip[at][l] /
					   (family_row_sd * family_row_sd);
	det = h[0][0] * h[1][1] - h[0][1] * h[1][0];
	c->sd[0] = sqrt(h[1][1] / det);
	c->sd[1] = sqrt(h[0][0] / det);
}

static bool of_chip(const struct family_writer *w, size_t i, size_t chip)
{
	return family_chip_of(&w->judged->all, &w->e->at[i]) == chip;
}

/* True where a fit without the row's model still has other runs of its chip. */
static bool has_others(const struct family_writer *w, size_t i)
{
	const size_t chip = family_chip_of(&w->judged->all, &w->e->at[i]);

	for (size_t k = 0; k < w->e->n; k++)
		if (is_fitted(w, k) && of_chip(w, k, chip) &&
		    !family_same_subject(w->e->at[k].run, w->e->at[i].run))
			return true;
	return false;
}

/* The standard deviation of a chip's errors on runs that it was not fitted to: those of a model left out, where the chip
 * has others, and those held out. It is the 80 % quantile of the absolute errors over a normal's; 0 where there are no
 * such runs. at: the chip; SIZE_MAX: all chips. */
static double typical_error(const struct family_writer *w, size_t at)
{
	double *error = xmalloc((w->e->n + 1) * sizeof *error), typical;
	size_t n = 0;

	for (size_t i = 0; i < w->e->n; i++)
		if (w->within[i] && (at == SIZE_MAX ? is_fitted(w, i) : of_chip(w, i, at)) &&
		    has_others(w, i))
			error[n++] = fabs(exact_log1p(w->judged->model_left_out.without[i]));
	typical = n ? quantile_of(error, n, 0.8) / NORMAL_P90 : 0;
	free(error);
	return typical;
}

static size_t fitted_of(const struct family_writer *w, size_t chip)
{
	size_t n = 0;

	for (size_t i = 0; i < w->e->n; i++)
		n += is_fitted(w, i) && of_chip(w, i, chip);
	return n;
}

/* Fills chips[] with those that have runs in the fit, and returns how many. */
static size_t collect_chips(const struct family_writer *w, struct chip_fit *chips)
{
	double all = typical_error(w, SIZE_MAX);
	size_t n = 0;

	if (!(all > 0))
		all = one_chip_sd_min;
	for (size_t c = 0; c < w->judged->all.chips_n; c++) {
		struct chip_fit *fit = &chips[n];

		*fit = (struct chip_fit){&w->judged->all.chip[c], .fitted = fitted_of(w, c)};
		if (!fit->fitted)
			continue;
		fit->left = fmax(all, typical_error(w, c));
		find_chip_sd(w, c, fit);
		for (int k = 0; k < CHIP_FACTORS; k++)
			fit->sd[k] = fmax(exact_hypot(fit->sd[k], fit->left), number_sd_min);
		n++;
	}
	return n;
}

static void add_factor(const struct chip_fit *c, int p, const char *key, struct str *out)
{
	str_addf(out, "%s: {value: ", key);
	units_format(out, c->chip->factor[p], DIM_SHARE, 4);
	str_add(out, ", sd: ");
	units_format(out, c->chip->factor[p] * proved_width(c->sd[p]), DIM_SHARE, 2);
	str_addf(out, ", n: %zu}", c->fitted);
}

static void add_chips(const struct family_writer *w, struct str *out)
{
	struct chip_fit *chips = xcalloc(w->judged->all.chips_n + 1, sizeof *chips);
	const size_t n = collect_chips(w, chips);

	str_add(out, "{");
	for (size_t k = 0; k < n; k++) {
		str_addf(out, "%s\n          \"%s\":\n            {", k ? "," : "", chips[k].chip->name);
		add_factor(&chips[k], FACTOR_MEMORY, "bandwidth", out);
		str_add(out, ",\n             ");
		add_factor(&chips[k], FACTOR_ARITHMETIC, "arithmetic", out);
		str_add(out, "}");
	}
	str_add(out, "}");
	free(chips);
}

static double mean_of(const struct family_writer *w, const double *errors, bool held_out, size_t *n)
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

static size_t count_machines(const struct family_writer *w)
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

/* The number that one follows which no run tells; FAMILY_PARAMS: a run tells it, or it follows none that runs tell. */
static size_t follows(const struct family_writer *w, size_t p)
{
	const size_t of = w->family->follows[p];

	return !w->rows_of[p] && of < FAMILY_PARAMS && w->rows_of[of] ? of : FAMILY_PARAMS;
}

/* The relative spread that is written: of one that follows another, that of their ratio and the other's; of starts of kernels
 * with what reports differ by, which errors that are shared out over all numbers do not have. */
static double written_spread(const struct family_writer *w, size_t p)
{
	const size_t of = follows(w, p);
	double sd;

	if (of < FAMILY_PARAMS)
		return exact_hypot(w->family->prior_sd[p], proved_width(w->sd[of]));
	sd = w->rows_of[p] ? proved_width(w->sd[p]) : w->sd[p];
	return is_of_launches(w, p) ? exact_hypot(sd, w->launches_sd) : sd;
}

/* Which runs told a number, or that it follows. */
static void add_source(const struct family_writer *w, size_t p, struct str *out)
{
	const struct family_model *family = w->family;
	const size_t of = follows(w, p);

	if (w->rows_of[p]) {
		str_add(out, "fitted to the runs that hang on it");
	} else if (of < FAMILY_PARAMS) {
		str_add(out, "no run says; ");
		units_format(out, family->start[p] / family->start[of], DIM_SHARE, 3);
		str_addf(out, " of %s, which runs told", family_param_name(family, of));
	} else {
		str_add(out, "no run says; as it was put in");
	}
}

static void add_number(const struct family_writer *w, size_t p, struct str *out)
{
	const struct qty *q = family_number(w->family, p);
	const struct family_key *k = &family_keys[w->family->key[p]];
	const enum dim dim = q->is_share ? DIM_SHARE : k->dim;
	const bool measured = w->rows_of[p] > 0;
	const double value = fmin(w->judged->all.of[p], family_number_max(k, q));

	str_add(out, "{value: ");
	units_format(out, value, dim, 4);
	str_add(out, ", sd: ");
	units_format(out, value * written_spread(w, p), dim, 2);
	if (measured)
		str_addf(out, ", n: %zu", w->rows_of[p]);
	str_addf(out, ", how: %s, source: \"",
		 provenance_names[measured ? PROVENANCE_MEASURED : PROVENANCE_TRANSFERRED]);
	add_source(w, p, out);
	str_add(out, "\"}");
}

/* The span of a number in the file's text, from its brace to the one that closes it. */
static int find_braces(const struct family_model *family, const struct yml *node, size_t *from, size_t *to,
		       struct err *err)
{
	const char *at = family->text;

	if (!node->place.source || strcmp(node->place.source->path, family->path) != 0) {
		err_set(err, "%s: a number to be fitted stands in another file, %s:%d", family->path,
			node->place.source ? node->place.source->path : "?", node->place.line);
		return err_hint(err, "a family's file that is fitted has no 'base'");
	}
	for (int line = 1; line < node->place.line; line++)
		at = strchr(at, '\n') + 1;
	at += node->place.col - 1;
	*from = (size_t)(at - family->text);
	*to = *from + strcspn(at, "}\n") + 1;
	if (*at == '{' && family->text[*to - 1] == '}')
		return 0;
	return err_set(err, "%s:%d: a number to be fitted is written in one line, {value: ..., source: fit}",
		       family->path, node->place.line);
}

/* What is no number to be fitted, but made by the fit. */
enum { SPAN_CHIPS = FAMILY_PARAMS, SPAN_BEYOND, SPAN_MAPS = 2 };

struct text_span {
	size_t from, to, param; /* the number's index, or one of the maps */
};

static int by_position(const void *a, const void *b)
{
	const struct text_span *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

/* Appends what takes the place of a span: a number, or a map that the fit makes. */
static void add_span(const struct family_writer *w, size_t param, struct str *out)
{
	if (param == SPAN_CHIPS)
		add_chips(w, out);
	else if (param == SPAN_BEYOND)
		fit_reach_write(&w->reach, w->judged->widths, out);
	else
		add_number(w, param, out);
}

static int find_spans(const struct family_model *family, struct text_span *at, size_t *n, struct err *err)
{
	const struct {
		const char *key;
		size_t param;
	} maps[] = {{"chips", SPAN_CHIPS}, {"beyond", SPAN_BEYOND}};

	for (*n = 0; *n < family->params_n; ++*n) {
		const struct yml *node = family_number(family, *n)->node;

		at[*n].param = *n;
		if (find_braces(family, node, &at[*n].from, &at[*n].to, err) != 0)
			return -1;
	}
	for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
		const struct yml *node = yml_get(family->profile->origin.node, maps[i].key);

		if (!node)
			continue;
		at[*n].param = maps[i].param;
		if (find_braces(family, node, &at[*n].from, &at[*n].to, err) != 0)
			return -1;
		++*n;
	}
	qsort(at, *n, sizeof *at, by_position);
	return 0;
}

static int fill_in(const struct family_writer *w, struct str *out, struct err *err)
{
	const struct family_model *family = w->family;
	struct text_span at[FAMILY_PARAMS + SPAN_MAPS];
	size_t done = 0, n;

	if (find_spans(family, at, &n, err) != 0)
		return -1;
	for (size_t p = 0; p < n; p++) {
		str_addf(out, "%.*s", (int)(at[p].from - done), family->text + done);
		add_span(w, at[p].param, out);
		done = at[p].to;
	}
	str_add(out, family->text + done);
	return 0;
}

static void add_head(const struct family_writer *w, struct str *out)
{
	size_t n, held;
	const double fitted = mean_of(w, w->judged->chip_left_out.fitted, false, &n),
		     without = mean_of(w, w->judged->chip_left_out.without, false, &n),
		     checked = mean_of(w, w->judged->chip_left_out.without, true, &held);
	size_t chips = 0;

	for (size_t c = 0; c < w->judged->all.chips_n; c++)
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

int family_write(const struct family_model *family, const struct observations *e,
		 const struct family_judged *judged, struct str *out, struct err *err)
{
	struct arena *a = family->l->arena;
	struct family_writer w = {.family = family,
				  .e = e,
				  .judged = judged,
				  .slope = arena_array(a, e->n, sizeof *w.slope),
				  .within = arena_array(a, e->n, sizeof *w.within)};
	struct str text = STR_INIT;
	int rc;

	w.machines = count_machines(&w);
	find_slopes(&w);
	find_reach(&w);
	assign_errors(&w);
	find_launches(&w);
	scale_spreads(&w);
	add_head(&w, &text);
	rc = fill_in(&w, &text, err);
	if (rc == 0)
		sources_list(text.text, out);
	str_release(&text);
	return rc;
}
