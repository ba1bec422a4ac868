/* validation.c - see validation.h. */
#include "sim/report/validation.h"

#include <math.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/jsonw.h"
#include "sim/base/units.h"
#include "sim/report/columns.h"
#include "sim/report/text_cells.h"

const char *const validation_format_names[] = {"table", "md", "csv", "json"};

static const char *subject_of(const struct validation_row *r)
{
	return r->machine ? r->machine : r->assignment;
}

static const char *measured_of(const struct validation_row *r)
{
	return r->run ? r->run : r->metric;
}

/* ---- rows that name their machine, and outcomes ---- */

/* How tables are written: as Markdown, or for a terminal of that width, 0 for as wide as they take. */
struct form {
	bool md;
	size_t width;
};

/* Cells of a table with equal column widths. */
struct cells {
	const char **at;
	size_t columns, n;
	size_t keys; /* so many from the first tell rows apart */
};

static void add_cell(struct cells *c, const char *text)
{
	c->at[c->n++] = text;
}

/* For people who read the source: each row is a line, whatever the width. */
static void write_md_cells(const struct cells *c, struct str *out)
{
	for (size_t i = 0; i < c->n; i++) {
		const size_t column = i % c->columns;
		size_t width = 0;

		for (size_t k = column; k < c->n; k += c->columns)
			width = str_width(c->at[k]) > width ? str_width(c->at[k]) : width;
		str_addf(out, "| %s", c->at[i]);
		str_pad(out, ' ', width + 1 - str_width(c->at[i]));
		if (column + 1 < c->columns)
			continue;
		str_add(out, "|\n");
		for (size_t k = 0; i + 1 == c->columns && k < c->columns; k++)
			str_add(out, k + 1 < c->columns ? "|---" : "|---|\n");
	}
}

static void write_cells(const struct cells *c, const struct form *form, struct str *out)
{
	const struct text_grid grid = {c->at, c->n / c->columns, c->columns, c->keys, c->columns};

	if (form->md)
		write_md_cells(c, out);
	else
		text_grid_write(out, &grid, form->width);
}

/* Four digits, without an exponent. */
static const char *figure_text(struct arena *a, double value)
{
	return arena_strdup(a, units_figure(value).text);
}

static const char *percent_text(struct arena *a, double x)
{
	return isnan(x) ? "-" : arena_printf(a, "%+.1f %%", 100 * x);
}

/* A value with its unit, or without if all rows are in tok/s. */
static const char *quantity_text(struct arena *a, const struct validation_row *c, double value)
{
	struct str s = STR_INIT;
	const char *text;

	if (!strcmp(c->unit, "tok/s"))
		return arena_strdup(a, units_figure(value).text);
	if (!strcmp(c->unit, "times"))
		return arena_printf(a, "%s\xc3\x97", units_figure(value).text);
	if (!strcmp(c->unit, "s") || !*c->unit)
		units_format(&s, value, *c->unit ? DIM_TIME : DIM_SHARE, 4);
	else
		str_addf(&s, "%s %s", units_figure(value).text, c->unit);
	text = arena_strdup(a, s.text);
	str_release(&s);
	return text;
}

static void write_rows_table(struct arena *a, const struct validation *r, const struct form *form,
			     struct str *out)
{
	static const char *const of_rows[] = {"machine",  "runtime",        "run",
					      "measured", "predicted",      "P10 to P90",
					      "error",    "model left out", "chip left out"},
				 *const of_scenario[] = {"assignment", "runtime",    "metric", "measured",
							 "predicted",  "P10 to P90", "error",  "use"};
	const bool of_outcomes = r->kind == VALIDATION_OUTCOMES;
	const size_t columns = of_outcomes ? ARRAY_LEN(of_scenario) : ARRAY_LEN(of_rows);
	const char *const *head = of_outcomes ? of_scenario : of_rows;
	struct cells c = {arena_array(a, (r->n + 1) * columns, sizeof *c.at), columns, 0, 3};

	for (size_t i = 0; i < columns; i++)
		add_cell(&c, head[i]);
	for (size_t i = 0; i < r->n; i++) {
		const struct validation_row *k = &r->at[i];
		const bool fits = !isnan(k->predicted);

		add_cell(&c, subject_of(k));
		add_cell(&c, k->runtime);
		add_cell(&c, measured_of(k));
		add_cell(&c, quantity_text(a, k, k->measured));
		add_cell(&c, fits ? quantity_text(a, k, k->predicted) : "does not fit");
		add_cell(&c, fits && !isnan(k->lo) ? arena_printf(a, "%s to %s", quantity_text(a, k, k->lo),
								  quantity_text(a, k, k->hi))
						   : "-");
		add_cell(&c, percent_text(a, validation_error(k)));
		if (of_outcomes) {
			add_cell(&c, k->held_out ? "check" : "fit");
			continue;
		}
		add_cell(&c, k->held_out ? "held out" : percent_text(a, k->no_model.error));
		add_cell(&c, k->held_out ? "held out" : percent_text(a, k->no_chip.error));
	}
	write_cells(&c, form, out);
	str_add(out, "\n");
}

static const char *share_text(struct arena *a, double part, size_t n)
{
	return n ? arena_printf(a, "%.0f %%", 100 * part / (double)n) : "-";
}

static const char *mean_text(struct arena *a, double sum, size_t n)
{
	return n ? arena_printf(a, "%.1f %%", 100 * sum / (double)n) : "-";
}

static const char *worst_text(struct arena *a, const struct validation_sum *s)
{
	const struct validation_row *c = s->worst_row;

	return arena_printf(
		a, "%s %s: %s%s", subject_of(c), measured_of(c), percent_text(a, s->worst_row_error),
		c->limited_by ? arena_printf(a, ", %s %.0f %%", c->limited_by, 100 * c->limited_share) : "");
}

static void write_sums(struct arena *a, const struct validation *r, const struct form *form, struct str *out)
{
	static const char *const head[] = {"set",           "rows",           "mean error",
					   "in P10-P90",    "model left out", "in P10-P90",
					   "chip left out", "in P10-P90",     "worst"};
	size_t n;
	const struct validation_sum *sums = validation_sums(a, r, &n);
	struct cells c = {arena_array(a, (n + 1) * ARRAY_LEN(head), sizeof *c.at), ARRAY_LEN(head), 0, 1};

	n -= n == 2; /* one set and all of it are the same */
	for (size_t i = 0; i < ARRAY_LEN(head); i++)
		add_cell(&c, head[i]);
	for (size_t i = 0; i < n; i++) {
		const struct validation_sum *s = &sums[i];

		add_cell(&c, s->set);
		add_cell(&c, s->held_out ? arena_printf(a, "%zu (%zu held out)", s->n, s->held_out)
					 : arena_printf(a, "%zu", s->n));
		add_cell(&c, mean_text(a, s->error, s->compared));
		add_cell(&c, share_text(a, (double)s->inside, s->n));
		add_cell(&c, mean_text(a, s->no_model.error, s->no_model.n));
		add_cell(&c, share_text(a, (double)s->no_model.inside, s->no_model.n));
		add_cell(&c, mean_text(a, s->no_chip.error, s->no_chip.n));
		add_cell(&c, share_text(a, (double)s->no_chip.inside, s->no_chip.n));
		add_cell(&c, s->worst_row ? worst_text(a, s) : "-");
	}
	write_cells(&c, form, out);
}

static void add_csv_left(struct str *out, const struct left_out *left)
{
	if (isnan(left->error))
		str_add(out, ",,");
	else
		str_addf(out, "%.6g,%d,", left->error, left->inside);
}

const struct output_column validation_csv[VALIDATION_CSV_COLUMNS] = {
	{"set", "", "rows that belong together, as the file names them"},
	{"machine", "", "what is predicted: the machine, or the assignment of a scenario"},
	{"runtime", "", "its runtime profile"},
	{"run", "", "what is measured: a run such as pp512, or a metric of an outcome"},
	{"measured", "'unit'", "the value measured"},
	{"predicted", "'unit'", "the value predicted; empty where it does not fit"},
	{"lo", "'unit'", "P10 of the prediction"},
	{"hi", "'unit'", "P90 of the prediction"},
	{"error", "", "predicted over measured, less 1"},
	{"inside", "", "1: measured between P10 and P90; 0: outside; empty: no interval"},
	{"error_model_left_out", "", "the same error by a fit without this model on this machine"},
	{"model_left_out_inside", "", "1: inside the interval of that fit"},
	{"error_chip_left_out", "", "the same error by a fit without this chip"},
	{"chip_left_out_inside", "", "1: inside the interval of that fit"},
	{"held_out", "", "1: the row is in no fit"},
	{"unit", "", "of measured, predicted, lo, hi and sd; empty for a share"},
	{"limited_by", "", "the term that takes most of the predicted time"},
	{"limited_share", "", "its share of that time"},
	{"computed", "", "what the prediction is of, in words"},
	{"sd", "'unit'", "standard deviation of what was measured"},
	{"file", "", "where the row was read"},
	{"model_left_out_lo", "'unit'", "P10 of the prediction without this model"},
	{"model_left_out_hi", "'unit'", "P90 of it"},
	{"chip_left_out_lo", "'unit'", "P10 of the prediction without this chip"},
	{"chip_left_out_hi", "'unit'", "P90 of it"}};

/* The interval of a prediction without the row, each number behind a comma. */
static void add_csv_band(struct str *out, const struct left_out *left)
{
	if (isnan(left->error))
		str_add(out, ",,");
	else
		str_addf(out, ",%.17g,%.17g", left->lo, left->hi);
}

static void write_rows_csv(const struct validation *r, struct str *out)
{
	output_columns_head(out, validation_csv, VALIDATION_CSV_COLUMNS);
	str_add(out, "\n");
	for (size_t i = 0; i < r->n; i++) {
		const struct validation_row *c = &r->at[i];
		const char *const texts[] = {c->set ? c->set : "", subject_of(c),
					     c->runtime ? c->runtime : "", measured_of(c)};

		for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
			str_add_csv(out, texts[k]);
			str_add(out, ",");
		}
		str_addf(out, "%.17g,", c->measured);
		if (isnan(c->predicted))
			str_add(out, ",,,,0,");
		else if (isnan(c->lo)) /* nothing was drawn */
			str_addf(out, "%.17g,,,%.6g,,", c->predicted, validation_error(c));
		else
			str_addf(out, "%.17g,%.17g,%.17g,%.6g,%d,", c->predicted, c->lo, c->hi,
				 validation_error(c), validation_inside(c));
		add_csv_left(out, &c->no_model);
		add_csv_left(out, &c->no_chip);
		str_addf(out, "%d,%s,", c->held_out, c->unit);
		if (c->limited_by)
			str_addf(out, "%s,%.4g,", c->limited_by, c->limited_share);
		else
			str_add(out, ",,");
		str_add_csv(out, c->computed ? c->computed : "");
		str_add(out, ",");
		if (c->sd > 0)
			str_addf(out, "%.17g", c->sd);
		str_add(out, ",");
		str_add_csv(out, c->file ? c->file : "");
		add_csv_band(out, &c->no_model);
		add_csv_band(out, &c->no_chip);
		str_add(out, "\n");
	}
}

/* ---- replays: what was run on a machine or a scenario that the request names ---- */

/* The device and runtime, "apple-m4-pro.gpu llamacpp", or the assignment. */
static const char *replay_subject(struct arena *a, const struct validation_row *r)
{
	return r->machine ? arena_printf(a, "%s %s", r->machine, r->runtime) : r->assignment;
}

static const char *deviation_text(struct arena *a, double sd)
{
	struct str s = STR_INIT;
	const char *text = "";

	if (sd > 0) {
		units_format_number(&s, sd);
		text = arena_printf(a, " \xc2\xb1 %s", s.text);
	}
	str_release(&s);
	return text;
}

static void write_replays_table(struct arena *a, const struct validation *v, const struct form *form,
				struct str *out)
{
	static const char *const head[] = {"on", "run", "measured tok/s", "predicted", "error"};
	struct cells c = {arena_array(a, (v->n + 1) * ARRAY_LEN(head), sizeof *c.at), ARRAY_LEN(head), 0, 2};

	for (size_t i = 0; i < ARRAY_LEN(head); i++)
		add_cell(&c, head[i]);
	for (size_t i = 0; i < v->n; i++) {
		const struct validation_row *r = &v->at[i];
		const bool known = !isnan(r->predicted);

		add_cell(&c, replay_subject(a, r));
		add_cell(&c, r->run);
		add_cell(&c, arena_printf(a, "%8s%s", figure_text(a, r->measured), deviation_text(a, r->sd)));
		add_cell(&c, known ? arena_printf(a, "%9s", figure_text(a, r->predicted)) : "        -");
		add_cell(&c, known    ? arena_printf(a, "%+7.1f %%", 100 * validation_error(r))
			     : r->why ? r->why
				      : "-");
	}
	write_cells(&c, form, out);
}

static void write_replays_sum(struct arena *a, const struct validation *v, size_t width, struct str *out)
{
	size_t n;
	const struct validation_sum *sums = validation_sums(a, v, &n), *all = &sums[n - 1];
	const double compared = (double)all->compared;
	size_t drawn = 0;

	for (size_t i = 0; i < v->n; i++)
		drawn += !isnan(v->at[i].predicted) && !isnan(v->at[i].lo);
	if (!all->compared)
		return;
	str_add(out, "\n");
	str_add_wrapped(
		out,
		arena_printf(a, "mean absolute error %.1f %% over %zu runs, mean %+.1f %%, worst %+.1f %%",
			     100 * all->error / compared, all->compared, 100 * all->bias / compared,
			     100 * all->worst),
		0, 2, width ? width : (size_t)-1);
	if (drawn)
		str_addf(out, "%zu of %zu measured between P10 and P90\n", all->inside, drawn);
}

/* ---- JSON: of all alike ---- */

static void write_json_row(struct jsonw *w, const struct validation_row *r, enum validation_kind kind)
{
	jsonw_object(w);
	jsonw_key_string(w, "set", r->set);
	jsonw_key_text(w, "machine", r->machine);
	jsonw_key_text(w, "assignment", r->assignment);
	jsonw_key_string(w, "runtime", r->runtime);
	jsonw_key_text(w, "run", r->run);
	jsonw_key_text(w, "metric", r->metric);
	jsonw_key_string(w, "unit", r->unit);
	jsonw_key_number(w, "measured", r->measured);
	if (r->sd > 0)
		jsonw_key_number(w, "sd", r->sd);
	jsonw_key_number(w, "predicted", r->predicted);
	jsonw_key_number(w, "lo", r->lo);
	jsonw_key_number(w, "hi", r->hi);
	jsonw_key_number(w, "error", validation_error(r));
	jsonw_key_bool(w, "inside", validation_inside(r));
	if (kind == VALIDATION_ROWS) {
		jsonw_key_number(w, "error_model_left_out", r->no_model.error);
		jsonw_key_number(w, "error_chip_left_out", r->no_chip.error);
	}
	jsonw_key_bool(w, "held_out", r->held_out);
	jsonw_key_text(w, "limited_by", r->limited_by);
	if (r->limited_by)
		jsonw_key_number(w, "limited_share", r->limited_share);
	jsonw_key_text(w, "quality", r->quality);
	jsonw_key_text(w, "source", r->source);
	jsonw_key_text(w, "note", r->note);
	jsonw_key_text(w, "file", r->file);
	jsonw_key_text(w, "computed", r->computed);
	jsonw_key_text(w, "why", r->why);
	jsonw_end(w);
}

static void write_json_sum(struct jsonw *w, const struct validation_sum *s)
{
	const double compared = s->compared ? (double)s->compared : NAN;

	jsonw_object(w);
	jsonw_key_string(w, "set", s->set);
	jsonw_key_int(w, "rows", (int64_t)s->n);
	jsonw_key_int(w, "compared", (int64_t)s->compared);
	jsonw_key_int(w, "held_out", (int64_t)s->held_out);
	jsonw_key_int(w, "inside", (int64_t)s->inside);
	jsonw_key_number(w, "mean_absolute_error", s->error / compared);
	jsonw_key_number(w, "mean_error", s->bias / compared);
	jsonw_key_number(w, "worst_error", s->compared ? s->worst : NAN);
	jsonw_end(w);
}

static void write_json(struct arena *a, const struct validation *v, struct str *out)
{
	size_t sums_n;
	const struct validation_sum *sums = validation_sums(a, v, &sums_n);
	struct jsonw w;

	jsonw_init(&w, out, 1);
	jsonw_object(&w);
	jsonw_key_string(&w, "schema", "lemursim/validation/4");
	jsonw_key(&w, "rows");
	jsonw_array(&w);
	for (size_t i = 0; i < v->n; i++)
		write_json_row(&w, &v->at[i], v->kind);
	jsonw_end(&w);
	jsonw_key(&w, "sums");
	jsonw_array(&w);
	for (size_t i = 0; i < sums_n; i++)
		write_json_sum(&w, &sums[i]);
	jsonw_end(&w);
	jsonw_end(&w);
	str_add(out, "\n");
}

static void write_table(struct arena *a, const struct validation *v, const struct form *form, bool sums_only,
			struct str *out)
{
	if (v->kind == VALIDATION_REPLAYS) {
		write_replays_table(a, v, form, out);
		write_replays_sum(a, v, form->width, out);
		return;
	}
	if (!sums_only)
		write_rows_table(a, v, form, out);
	write_sums(a, v, form, out);
}

void validation_write(struct str *out, const struct validation *v, enum validation_format format,
		      bool sums_only, int width)
{
	const struct form form = {format == VALIDATION_MD, width > 0 ? (size_t)width : 0};
	struct arena scratch = ARENA_INIT;

	if (format == VALIDATION_JSON)
		write_json(&scratch, v, out);
	else if (format != VALIDATION_CSV)
		write_table(&scratch, v, &form, sums_only, out);
	else
		write_rows_csv(v, out);
	arena_release(&scratch);
}
