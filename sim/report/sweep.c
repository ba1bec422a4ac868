/* sweep.c - see sweep.h. */
#include "sim/report/sweep.h"

#include <math.h>
#include <string.h>

#include "sim/base/jsonw.h"
#include "sim/base/mem.h"
#include "sim/base/units.h"
#include "sim/report/columns.h"
#include "sim/report/sweep_curves.h"
#include "sim/report/text_cells.h"

/* A table as texts: the tables for terminals and for Markdown differ in their rules only. */
struct grid {
	struct arena arena;
	const char **cells;
	size_t rows, columns;
};

static bool is_split(const struct sweep *s, size_t assignment)
{
	for (size_t i = 0; i < s->cells_n; i++)
		if (!s->cells[i].entries[assignment].alone)
			return true;
	return false;
}

/* Several assignments, each of them on one machine: nothing is split, and their values stand side by side. */
static bool side_by_side(const struct sweep *s)
{
	for (size_t k = 0; k < s->names_n; k++)
		if (is_split(s, k))
			return false;
	return s->names_n > 1;
}

/* Is there an assignment on one machine, so that splitting can be compared with it? */
static bool asks_alone(const struct sweep_cell *c, size_t names_n)
{
	for (size_t i = 0; i < names_n; i++)
		if (c->entries[i].alone)
			return true;
	return false;
}

static const char *lack_text(const struct sweep_entry *e)
{
	return e->lack == SWEEP_OVERLOADED ? "overloaded" : e->lack == SWEEP_UNFIT ? "no fit" : "no value";
}

/* Better in nine of ten draws, or no machine that was asked can do it alone. */
static bool entry_pays(const struct sweep *s, const struct sweep_cell *c, const struct sweep_entry *e)
{
	return e->metric && (isnan(e->times) ? asks_alone(c, s->names_n) : e->won >= 0.9);
}

/* The gain, "1.31×", with a mark if it pays. open: the begin of a mark in Markdown. */
static const char *gain_text(struct arena *a, const struct sweep_entry *e, bool pays, const char *open,
			     const char *mark)
{
	struct str s = STR_INIT;
	const char *text;

	if (!e->metric)
		return lack_text(e);
	if (isnan(e->times)) { /* no machine can do it alone, or none was asked to */
		units_format_number(&s, e->metric->value);
		text = arena_printf(a, "%s%s%s%s%s", pays ? open : "", s.text, *e->metric->unit ? " " : "",
				    e->metric->unit, pays ? mark : "");
		str_release(&s);
		return text;
	}
	units_format_number(&s, e->times);
	text = arena_printf(a, "%s%s\xc3\x97%s", pays ? open : "", s.text, pays ? mark : "");
	str_release(&s);
	return text;
}

/* Why no machine alone has the metric. */
static const char *none_text(const struct sweep_cell *c, size_t names_n)
{
	const char *why = "none asked";

	for (size_t i = 0; i < names_n; i++) {
		if (c->entries[i].alone && c->entries[i].lack != SWEEP_UNFIT)
			return lack_text(&c->entries[i]);
		if (c->entries[i].alone)
			why = "none fits";
	}
	return why;
}

static const char *alone_text(struct arena *a, const struct sweep *s, const struct sweep_cell *c)
{
	struct str text = STR_INIT;
	const char *kept;

	if (c->best_alone == s->names_n)
		return none_text(c, s->names_n);
	units_format_number(&text, c->entries[c->best_alone].metric->value);
	kept = arena_printf(a, "%s (%s)", text.text, s->names[c->best_alone]);
	str_release(&text);
	return kept;
}

static const char *unit_of(const struct sweep *s)
{
	for (size_t i = 0; i < s->cells_n * s->names_n; i++)
		if (s->cells[i / s->names_n].entries[i % s->names_n].metric)
			return s->cells[i / s->names_n].entries[i % s->names_n].metric->unit;
	return "";
}

/* A value, with a mark where none of its row is better. */
static const char *value_text(struct arena *a, const struct sweep_entry *e, bool best, const char *open,
			      const char *mark)
{
	struct str s = STR_INIT;
	const char *text;

	if (!e->metric)
		return lack_text(e);
	units_format_number(&s, e->metric->value);
	text = arena_printf(a, "%s%s%s", best ? open : "", s.text, best ? mark : "");
	str_release(&s);
	return text;
}

/* Returns the first cell after them. */
static const char **fill_values(struct arena *a, const struct sweep *s, const struct sweep_cell *c,
				const char *open, const char *mark, const char **cells)
{
	for (size_t k = 0; k < s->names_n; k++)
		*cells++ = value_text(a, &c->entries[k], c->best_alone == k, open, mark);
	return cells;
}

static const char **fill_gains(struct arena *a, const struct sweep *s, const struct sweep_cell *c,
			       const char *open, const char *mark, const char **cells)
{
	*cells++ = alone_text(a, s, c);
	for (size_t k = 0; k < s->names_n; k++)
		if (is_split(s, k))
			*cells++ = gain_text(a, &c->entries[k], entry_pays(s, c, &c->entries[k]), open, mark);
	return cells;
}

static struct grid grid_make(const struct sweep *s, const char *open, const char *mark)
{
	struct grid g = {ARENA_INIT, NULL, s->cells_n + 1, s->axes_n};
	const bool side = side_by_side(s);
	const char *unit = unit_of(s), **at;

	g.columns += !side;
	for (size_t k = 0; k < s->names_n; k++)
		g.columns += side || is_split(s, k);
	at = g.cells = arena_array(&g.arena, g.rows * g.columns, sizeof *g.cells);
	for (size_t k = 0; k < s->axes_n; k++)
		*at++ = sweep_axis_name(s->axes[k].path);
	if (!side)
		*at++ = arena_printf(&g.arena, "best alone%s%s", *unit ? ", " : "", unit);
	for (size_t k = 0; k < s->names_n; k++)
		if (side || is_split(s, k))
			*at++ = s->names[k];
	for (size_t i = 0; i < s->cells_n; i++) {
		for (size_t k = 0; k < s->axes_n; k++)
			*at++ = s->cells[i].values[k];
		at = (side ? fill_values : fill_gains)(&g.arena, s, &s->cells[i], open, mark, at);
	}
	return g;
}

/* Says what the cells show. Without an assignment on one machine nothing is compared. */
static const char *legend(struct arena *a, const struct sweep *s, const char *mark)
{
	if (side_by_side(s))
		return arena_printf(a, "Values%s%s; %s: the best of its row.", *unit_of(s) ? " in " : "",
				    unit_of(s), mark);
	for (size_t i = 0; i < s->cells_n; i++)
		if (asks_alone(&s->cells[i], s->names_n))
			return arena_printf(
				a,
				"Times as good as the best machine alone, or the value where none "
				"can do it alone; %s: it pays, better in nine draws of ten or more.",
				mark);
	return "Values: no assignment on one machine is asked for, so that nothing is compared.";
}

enum { PROSE = 100 }; /* columns of what is not a table, at most */

/* columns: of the terminal, 0 for as many as the table takes */
static void write_table(struct str *out, const struct sweep *s, size_t columns)
{
	const size_t width = columns > 20 && columns < PROSE ? columns : PROSE;
	struct grid g = grid_make(s, "", "*");

	str_add_wrapped(out, arena_printf(&g.arena, "%s: %s", s->title, s->metric), 0, 2, width);
	str_add(out, "First cell: ");
	str_add_wrapped(out, s->computed, strlen("First cell: "), 2, width);
	str_add(out, "\n");
	text_grid_write(out, &(struct text_grid){g.cells, g.rows, g.columns, s->axes_n, g.columns}, columns);
	str_add(out, "\n");
	str_add_wrapped(out, legend(&g.arena, s, "*"), 0, 2, width);
	arena_release(&g.arena);
}

/* By what a column of the page's table is sorted. */
static double entry_value(const struct sweep_entry *e)
{
	return !e->metric ? NAN : isnan(e->times) ? e->metric->value : e->times;
}

static void fill_html_row(const struct sweep *s, const struct sweep_cell *c, const char *const *texts,
			  struct html_cell *cells)
{
	size_t n = 0;

	for (; n < s->axes_n; n++)
		cells[n] = (struct html_cell){.text = texts[n], .value = NAN};
	for (size_t k = 0; k < s->names_n && side_by_side(s); k++)
		cells[n + k] =
			(struct html_cell){.text = texts[n + k],
					   .value = c->entries[k].metric ? c->entries[k].metric->value : NAN,
					   .best = c->best_alone == k};
	if (side_by_side(s))
		return;
	cells[n] = (struct html_cell){
		.text = texts[n],
		.value = c->best_alone < s->names_n ? c->entries[c->best_alone].metric->value : NAN};
	for (size_t k = 0; k < s->names_n; k++)
		if (is_split(s, k)) {
			n++;
			cells[n] = (struct html_cell){.text = texts[n],
						      .value = entry_value(&c->entries[k]),
						      .best = entry_pays(s, c, &c->entries[k])};
		}
}

struct html_table sweep_html_table(struct arena *a, const struct sweep *s)
{
	struct grid g = grid_make(s, "", "");
	struct html_column *columns = arena_array(a, g.columns, sizeof *columns);
	struct html_cell *cells = arena_array(a, s->cells_n * g.columns + 1, sizeof *cells);

	for (size_t k = 0; k < g.columns; k++)
		columns[k] = (struct html_column){.head = g.cells[k], .number = k >= s->axes_n};
	for (size_t i = 0; i < s->cells_n; i++)
		fill_html_row(s, &s->cells[i], &g.cells[(i + 1) * g.columns], &cells[i * g.columns]);
	arena_adopt(a, &g.arena);
	return (struct html_table){.caption = side_by_side(s) ? legend(a, s, "bold")
							      : "Times as good as the best machine alone",
				   .columns = columns,
				   .columns_n = g.columns,
				   .cells = cells,
				   .rows_n = s->cells_n};
}

static void write_md(struct str *out, const struct sweep *s)
{
	struct grid g = grid_make(s, "**", "**");

	for (size_t row = 0; row < g.rows; row++) {
		for (size_t k = 0; k < g.columns; k++)
			str_addf(out, "%s %s ", "|", g.cells[row * g.columns + k]);
		str_add(out, "|\n");
		for (size_t k = 0; row == 0 && k < g.columns; k++)
			str_add(out, k < s->axes_n ? "|---" : "|--:");
		str_add(out, row ? "" : "|\n");
	}
	str_addf(out, "\n%s. %s First cell: %s.\n", s->metric, legend(&g.arena, s, "bold"), s->computed);
	arena_release(&g.arena);
}

static void add_number(struct str *out, double number)
{
	struct jsonw w;

	str_add(out, ",");
	if (!isfinite(number))
		return;
	jsonw_init(&w, out, 0);
	jsonw_number(&w, number);
}

enum { AXIS, SWEEP_METRIC = 3 }; /* columns whose names a sweep gives */
const struct output_column sweep_csv[SWEEP_CSV] = {
	{"AXIS", "as written", "for each --over, its path: the value in this cell"},
	{"assignment", "", "its name"},
	{"fits", "", "true or false: has every machine the memory?"},
	{"METRIC", "its own", "under the name of --metric: the value"},
	{"lo", "its own", "P10 of it"},
	{"hi", "its own", "P90 of it"},
	{"times_best_alone", "", "how many times as good as the best machine alone; empty where none can"},
	{"won", "", "share of the draws in which it is better than the best machine alone"},
	{"computed", "", "the workload of the cell in words"}};

static void write_csv(struct str *out, const struct sweep *s)
{
	for (size_t k = 0; k < s->axes_n; k++) {
		str_add_csv(out, s->axes[k].path);
		str_add(out, ",");
	}
	for (size_t i = AXIS + 1; i < SWEEP_CSV; i++) {
		str_add(out, i == SWEEP_METRIC ? s->metric : sweep_csv[i].name);
		str_add(out, i + 1 < SWEEP_CSV ? "," : "\n");
	}
	for (size_t i = 0; i < s->cells_n * s->names_n; i++) {
		const struct sweep_cell *c = &s->cells[i / s->names_n];
		const struct sweep_entry *e = &c->entries[i % s->names_n];

		for (size_t k = 0; k < s->axes_n; k++) {
			str_add_csv(out, c->values[k]);
			str_add(out, ",");
		}
		str_add_csv(out, s->names[i % s->names_n]);
		str_add(out, e->fits ? ",true" : ",false");
		add_number(out, e->metric ? e->metric->value : NAN);
		add_number(out, e->metric ? e->metric->lo : NAN);
		add_number(out, e->metric ? e->metric->hi : NAN);
		add_number(out, e->times);
		add_number(out, e->won);
		str_add(out, ",");
		str_add_csv(out, c->computed);
		str_add(out, "\n");
	}
}

/* A number and a truth value keep their type; a quantity with its unit is a text. */
static void key_axis_value(struct jsonw *w, const char *path, const char *value)
{
	double number;
	const char *end = units_number(value, &number);

	if (end && !*end)
		jsonw_key_number(w, path, number);
	else if (!strcmp(value, "true") || !strcmp(value, "false"))
		jsonw_key_bool(w, path, value[0] == 't');
	else
		jsonw_key_string(w, path, value);
}

static void add_json(struct jsonw *w, const struct sweep *s, const struct sweep_cell *c, size_t k)
{
	const struct sweep_entry *e = &c->entries[k];

	jsonw_object(w);
	jsonw_key(w, "at");
	jsonw_object(w);
	for (size_t i = 0; i < s->axes_n; i++)
		key_axis_value(w, s->axes[i].path, c->values[i]);
	jsonw_end(w);
	jsonw_key_string(w, "assignment", s->names[k]);
	jsonw_key_bool(w, "fits", e->fits);
	if (e->metric) {
		jsonw_key(w, s->metric);
		jsonw_object(w);
		jsonw_key_number(w, "value", e->metric->value);
		jsonw_key_number(w, "lo", e->metric->lo);
		jsonw_key_number(w, "hi", e->metric->hi);
		jsonw_end(w);
	}
	if (isfinite(e->times)) {
		jsonw_key_number(w, "times_best_alone", e->times);
		jsonw_key_number(w, "won", e->won);
	}
	jsonw_key_string(w, "computed", c->computed);
	jsonw_end(w);
}

static void write_json(struct str *out, const struct sweep *s, bool lines)
{
	struct jsonw w;

	jsonw_init(&w, out, lines ? 0 : 2);
	if (!lines)
		jsonw_array(&w);
	for (size_t i = 0; i < s->cells_n * s->names_n; i++) {
		if (lines)
			jsonw_init(&w, out, 0);
		add_json(&w, s, &s->cells[i / s->names_n], i % s->names_n);
		str_add(out, lines ? "\n" : "");
	}
	if (!lines)
		jsonw_end(&w);
	str_add(out, lines ? "" : "\n");
}

void sweep_write(struct str *out, const struct sweep *s, enum result_format format, int width)
{
	switch (format) {
	case RESULT_TABLE:
		write_table(out, s, width > 0 ? (size_t)width : 0);
		return;
	case RESULT_MD:
		write_md(out, s);
		return;
	case RESULT_CSV:
		write_csv(out, s);
		return;
	case RESULT_JSON:
	case RESULT_JSONL:
		write_json(out, s, format == RESULT_JSONL);
		return;
	case RESULT_FORMAT_N:
		break;
	}
	BUG("no such format");
}
