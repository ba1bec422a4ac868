/*
 * report_basis.c - the sections of a report that say what its numbers rest on: memory, pictures, assumptions, every
 * number with its source, inputs, configuration.
 *
 * Layer report.
 */
#include <math.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/report/columns.h"
#include "sim/report/html.h"
#include "sim/report/report_sections.h"
#include "sim/report/sweep.h"

static const char *text_of(struct arena *a, struct str *s)
{
	const char *text = arena_strdup(a, s->text);

	str_release(s);
	return text;
}

/* ---- memory ---- */

enum { MEMORY_PARTS = 5 };
static const char *const memory_parts[MEMORY_PARTS] = {"weights", "KV cache", "activations", "gradients",
						       "optimizer"};

static void memory_of(const struct memory_row *m, double parts[MEMORY_PARTS])
{
	parts[0] = m->weights_B;
	parts[1] = m->kv_B;
	parts[2] = m->activations_B;
	parts[3] = m->gradients_B;
	parts[4] = m->optimizer_B;
}

/* The share of the usable memory that each part takes, as a bar; a line marks where the memory ends. */
static const char *memory_bar(struct arena *a, const struct memory_row *m)
{
	const double width = 160, whole = fmax(m->need_B, m->usable_B), scale = whole > 0 ? width / whole : 0;
	double parts[MEMORY_PARTS], x = 0;
	struct str s = STR_INIT;

	memory_of(m, parts);
	str_addf(&s,
		 "<svg class=\"bar\" role=\"img\" viewBox=\"0 0 %.0f 12\" aria-label=\"%.0f %% of the usable "
		 "memory\">"
		 "<rect class=\"free\" width=\"%.1f\" height=\"12\"/>",
		 width, m->usable_B > 0 ? 100 * m->need_B / m->usable_B : 0, width);
	for (int k = 0; k < MEMORY_PARTS; k++) {
		const double w = fmax(parts[k], 0) * scale;

		if (w >= 0.05)
			str_addf(&s, "<rect class=\"m%d\" x=\"%.1f\" width=\"%.1f\" height=\"12\"/>", k, x,
				 w);
		x += w;
	}
	if (m->need_B > m->usable_B)
		str_addf(&s, "<rect class=\"over\" x=\"%.1f\" width=\"2\" height=\"12\"/>",
			 m->usable_B * scale);
	str_add(&s, "</svg>");
	return text_of(a, &s);
}

static struct html_cell size_cell(struct arena *a, double bytes)
{
	struct str s = STR_INIT;

	if (!(bytes > 0))
		return (struct html_cell){.text = "", .value = NAN};
	columns_size(&s, bytes);
	return (struct html_cell){.text = text_of(a, &s), .value = bytes};
}

enum { MEMORY_COLUMNS = MEMORY_PARTS + 6 };

static void memory_cells(struct arena *a, const struct assignment_row *row, const struct memory_row *m,
			 struct html_cell *cells)
{
	double parts[MEMORY_PARTS];

	memory_of(m, parts);
	cells[0] = (struct html_cell){.text = row->name, .value = NAN};
	cells[1] = (struct html_cell){.text = m->machine, .under = m->phase, .value = NAN};
	cells[2] = size_cell(a, m->need_B);
	cells[2].under = m->load_B > 0 ? "while loading" : m->during;
	cells[3] = size_cell(a, m->usable_B);
	cells[4] = (struct html_cell){.raw = memory_bar(a, m), .value = NAN};
	for (size_t k = 0; k < MEMORY_PARTS; k++)
		cells[5 + k] = size_cell(a, parts[k]);
	cells[5 + MEMORY_PARTS] = size_cell(a, m->disk_B);
}

void section_memory(struct str *out, const struct section_place *at, const struct result *r)
{
	struct html_column columns[MEMORY_COLUMNS] = {{"assignment", NULL, false},
						      {"machine", NULL, false},
						      {"needs", NULL, true},
						      {"usable", NULL, true},
						      {"share", NULL, false}};
	struct arena a = ARENA_INIT;
	struct html_cell *cells;
	size_t n = 0, k = 0;

	for (size_t i = 0; i < r->rows_n; i++)
		n += r->rows[i].memory_n;
	if (!n)
		return;
	for (size_t i = 0; i < MEMORY_PARTS; i++)
		columns[5 + i] = (struct html_column){memory_parts[i], NULL, true};
	columns[5 + MEMORY_PARTS] = (struct html_column){"on disk", NULL, true};
	cells = arena_array(&a, n * MEMORY_COLUMNS, sizeof *cells);
	for (size_t i = 0; i < r->rows_n; i++)
		for (size_t m = 0; m < r->rows[i].memory_n; m++, k++)
			memory_cells(&a, &r->rows[i], &r->rows[i].memory[m], cells + k * MEMORY_COLUMNS);
	section_open(out, at, "memory", "Memory");
	html_table(out, &(struct html_table){"Memory at its peak, on each machine", columns, MEMORY_COLUMNS,
					     cells, n});
	str_add(out, "<p class=\"note\">The bar: ");
	for (int i = 0; i < MEMORY_PARTS; i++)
		str_addf(out, "%s<span class=\"key m%d\"></span>%s", i ? ", " : "", i, memory_parts[i]);
	str_add(out, ".</p>\n");
	section_close(out);
	arena_release(&a);
}

/* ---- pictures ---- */

static const struct {
	const char *id, *title;
} chapters[] = {
	[PICTURE_SCHEDULE] = {"schedule", "Over time"}, [PICTURE_LOAD] = {"load", "The load over time"},
	[PICTURE_LATENCY] = {"latency", "Latencies"},   [PICTURE_ROOFLINE] = {"roofline", "Roofline"},
	[PICTURE_PLAN] = {"fleets", "Fleets"},          [PICTURE_FRONT] = {"front", "Pareto front"}};

static void add_view(struct str *out, const char *class_name, const char *name, const char *svg)
{
	str_addf(out, "<div class=\"%s\"><div class=\"picture\" role=\"region\" tabindex=\"0\" aria-label=\"",
		 class_name);
	html_text(out, name);
	str_addf(out, "\">\n%s\n</div></div>\n", svg);
}

/* One of both views is shown, by the width of the window. */
static void add_figure(struct str *out, const struct picture *p)
{
	str_add(out, "<figure>\n");
	add_view(out, "wide", p->name, p->svg);
	add_view(out, "narrow", p->name, p->narrow_svg);
	str_add(out, "<figcaption><b>");
	html_text(out, p->name);
	str_add(out, ".</b> ");
	html_text(out, p->caption);
	str_add(out, "</figcaption>\n</figure>\n");
}

static void add_folded(struct str *out, const struct picture *p)
{
	str_add(out, "<details><summary>");
	html_text(out, p->name);
	str_add(out, "</summary>\n");
	add_figure(out, p);
	str_add(out, "</details>\n");
}

static void add_chapter(struct str *out, const struct section_place *at, const struct pictures *p,
			enum picture_kind kind)
{
	bool any = false;

	for (int folded = 0; folded < 2; folded++)
		for (size_t i = 0; i < p->n; i++) {
			if (p->at[i].kind != kind || p->at[i].open == (folded == 1))
				continue;
			if (!any)
				section_open(out, at, chapters[kind].id, chapters[kind].title);
			any = true;
			(folded ? add_folded : add_figure)(out, &p->at[i]);
		}
	if (!any)
		return;
	if (p->left_out && (kind == PICTURE_SCHEDULE || kind == PICTURE_LOAD))
		str_addf(out, "<p class=\"note\">%zu more are left out; --assignment NAME chooses.</p>\n",
			 p->left_out);
	section_close(out);
}

/* Its pictures stand with its table, and not among the others. */
void section_sweep(struct str *out, const struct section_place *at, const struct sweep *s,
		   const struct pictures *p)
{
	struct arena a = ARENA_INIT;
	const struct html_table table = sweep_html_table(&a, s);

	section_open(out, at, "sweep", "What if");
	for (size_t i = 0; p && i < p->n; i++)
		if (p->at[i].kind == PICTURE_SWEEP)
			add_figure(out, &p->at[i]);
	html_table(out, &table);
	str_add(out, "<p class=\"note\">Compared: ");
	html_text(out, s->metric);
	str_add(out, ". Times as good as the best machine alone, or the value where none can do it alone. "
		     "Bold and tinted: it "
		     "pays, better in nine draws of ten or more.</p>\n");
	section_close(out);
	arena_release(&a);
}

void section_pictures(struct str *out, const struct section_place *at, const struct pictures *p)
{
	for (size_t k = 0; k < ARRAY_LEN(chapters); k++)
		add_chapter(out, at, p, (enum picture_kind)k);
}

/* ---- what it rests on ---- */

static void add_sources(struct str *out, const struct result *r)
{
	struct column columns[COLUMNS_MAX];
	const size_t n = columns_of(r, columns);

	if (!n)
		return;
	str_add(out, "<dt>Rests on</dt><dd>");
	for (size_t k = 0; k < n; k++) {
		str_add(out, k ? ", " : "");
		html_text(out, columns[k].head);
		str_addf(out, " %s", provenance_names[columns_from(r, &columns[k])]);
	}
	str_add(out, ": the weakest source behind each column</dd>\n");
}

void section_assumptions(struct str *out, const struct section_place *at, const struct result *r)
{
	section_open(out, at, "assumptions", "Assumptions");
	str_add(out, "<dl>\n");
	if (r->computed) {
		str_add(out, "<dt>Computed</dt><dd>");
		html_sentence(out, r->computed);
		str_add(out, "</dd>\n");
	}
	str_addf(out, "<dt>Seed</dt><dd>%llu</dd>\n", (unsigned long long)r->seed);
	if (r->draws > 0)
		str_addf(out,
			 "<dt>Intervals</dt><dd>P10 to P90 over %d draws of every parameter from its spread, "
			 "one "
			 "spread for each figure of the catalogue</dd>\n",
			 r->draws);
	add_sources(out, r);
	str_add(out, "</dl>\n");
	section_close(out);
}

/* ---- every number ---- */

static const char *number_text(struct arena *a, double value)
{
	struct str s = STR_INIT;

	if (!isfinite(value))
		return "";
	units_format_number(&s, value);
	return text_of(a, &s);
}

static const char *difference_text(struct arena *a, const struct metric *m)
{
	if (!m->best)
		return "";
	return arena_printf(a, "%s \xc2\xb1 %s to %s", number_text(a, m->difference),
			    number_text(a, m->difference_ci), m->best);
}

static const struct html_column number_columns[] = {
	{"assignment", NULL, false},     {"metric", NULL, false}, {"value", NULL, true},
	{"unit", NULL, false},           {"P10", NULL, true},     {"P90", NULL, true},
	{"\xc2\xb1 chance", NULL, true}, {"source", NULL, false}, {"under the same load", NULL, false}};
enum { NUMBER_COLUMNS = ARRAY_LEN(number_columns) };

static void number_cells(struct arena *a, const struct assignment_row *row, const struct metric *m,
			 struct html_cell *cells)
{
	const double numbers[] = {m->value, m->lo, m->hi, m->ci > 0 ? m->ci : NAN};
	static const size_t at[] = {2, 4, 5, 6};

	cells[0] = (struct html_cell){.text = row->name, .value = NAN};
	cells[1] = (struct html_cell){.text = m->name, .value = NAN};
	cells[3] = (struct html_cell){.text = m->unit, .value = NAN};
	cells[7] = (struct html_cell){.text = provenance_names[m->from], .value = NAN};
	cells[8] = (struct html_cell){.text = difference_text(a, m), .value = NAN};
	for (size_t i = 0; i < ARRAY_LEN(at); i++)
		cells[at[i]] = (struct html_cell){.text = number_text(a, numbers[i]), .value = numbers[i]};
}

void section_numbers(struct str *out, const struct section_place *at, const struct result *r)
{
	struct arena a = ARENA_INIT;
	struct html_cell *cells;
	size_t most = 0, n = 0;

	for (size_t i = 0; i < r->rows_n; i++)
		most += r->rows[i].metrics_n;
	cells = arena_array(&a, most * NUMBER_COLUMNS + 1, sizeof *cells);
	for (size_t i = 0; i < r->rows_n; i++)
		for (size_t k = 0; k < r->rows[i].metrics_n; k++)
			if (isfinite(r->rows[i].metrics[k].value))
				number_cells(&a, &r->rows[i], &r->rows[i].metrics[k],
					     cells + NUMBER_COLUMNS * n++);
	if (n) {
		section_open(out, at, "numbers", "Every number");
		str_addf(out, "<details><summary>%zu numbers with interval and source</summary>\n", n);
		html_table(out,
			   &(struct html_table){"Every number", number_columns, NUMBER_COLUMNS, cells, n});
		str_add(out, "</details>\n");
		section_close(out);
	}
	arena_release(&a);
}

/* ---- inputs, configuration ---- */

/* A file as another reader knows it: one of the project's by its path there, another that is named by its whole path, which
 * is of this machine alone, by its name. n: the length of the path. */
static const char *shown_path(const char *path, size_t n)
{
	static const char *const rooms[] = {"/hardware/", "/models/", "/scenarios/"};
	const char *best = NULL, *name = path;

	if (*path != '/')
		return path;
	for (size_t i = 0; i < n; i++) {
		name = path[i] == '/' ? path + i + 1 : name;
		for (size_t k = 0; k < ARRAY_LEN(rooms) && !best; k++)
			best = !strncmp(path + i, rooms[k], strlen(rooms[k])) ? path + i + 1 : NULL;
	}
	return best && best < path + n ? best : name;
}

/* How long the lines are from text on that are indented more than by two. */
static size_t body_length(const char *text)
{
	const char *at = text;

	while (!strncmp(at, "   ", 3)) {
		at += strcspn(at, "\n");
		at += *at == '\n';
	}
	return (size_t)(at - text);
}

/* The mapping of which a line is the head, "  m1:", and the one before it. */
struct same {
	const char *name, *body;
	size_t name_n, body_n;
};

/* Machines of a count are equal line by line: each but the first is said in one, since a page has some 100 kB of each. Moves
 * *line behind it; false: it is unlike the one before, or no such mapping. */
static bool is_same(struct str *out, const char **line, struct same *before)
{
	const size_t n = strcspn(*line, "\n");
	struct same v = {*line + 2, *line + n + 1, 0, 0};
	struct str text = STR_INIT;

	if (n < 4 || strncmp(*line, "  ", 2) != 0 || (*line)[2] == ' ' || (*line)[n - 1] != ':' ||
	    !(*line)[n])
		return false;
	v.name_n = n - 3;
	v.body_n = body_length(v.body);
	if (!v.body_n || v.body_n != before->body_n || memcmp(v.body, before->body, v.body_n) != 0) {
		*before = v;
		return false;
	}
	str_add_n(&text, *line, n);
	str_add(&text, " # each value as of ");
	str_add_n(&text, before->name, before->name_n);
	str_add(&text, "\n");
	html_text(out, text.text);
	str_release(&text);
	*line = v.body + v.body_n;
	return true;
}

/* The configuration, whose values have their places behind them: "# /home/me/x.yaml:3". */
static void add_config(struct str *out, const char *config)
{
	struct same before = {NULL, NULL, 0, 0};

	for (const char *line = config; *line;) {
		const size_t n = strcspn(line, "\n");
		const char *place = strstr(line, " # /");
		struct str text = STR_INIT;

		if (is_same(out, &line, &before))
			continue;
		if (place && place < line + n) {
			const char *path = place + 3;
			const char *shown = shown_path(path, (size_t)(line + n - path));

			str_add_n(&text, line, (size_t)(path - line));
			str_add_n(&text, shown, (size_t)(line + n - shown));
		} else {
			str_add_n(&text, line, n);
		}
		line += n;
		if (*line == '\n') {
			str_add(&text, "\n");
			line++;
		}
		html_text(out, text.text);
		str_release(&text);
	}
}

void section_inputs(struct str *out, const struct section_place *at, const struct result *r)
{
	static const struct html_column columns[] = {{"file", NULL, false}, {"sha256", NULL, false}};
	struct arena a = ARENA_INIT;
	struct html_cell *cells = arena_array(&a, 2 * r->inputs_n + 1, sizeof *cells);

	for (size_t i = 0; i < r->inputs_n; i++) {
		cells[2 * i] = (struct html_cell){
			.text = shown_path(r->inputs[i].file, strlen(r->inputs[i].file)), .value = NAN};
		cells[2 * i + 1] = (struct html_cell){
			.raw = arena_printf(&a, "<code>%s</code>", r->inputs[i].sha256), .value = NAN};
	}
	section_open(out, at, "inputs", "Inputs");
	html_table(out, &(struct html_table){"Files that were read", columns, 2, cells, r->inputs_n});
	section_close(out);
	arena_release(&a);
}

void section_config(struct str *out, const struct section_place *at, const char *config)
{
	if (!config || !*config)
		return;
	section_open(out, at, "config", "Effective configuration");
	str_add(out, "<details class=\"long\"><summary>Every value with the file and line it comes from "
		     "(printed if open)</summary>\n"
		     "<pre tabindex=\"0\" role=\"region\" aria-label=\"Effective configuration\">");
	add_config(out, config);
	str_add(out, "</pre>\n</details>\n");
	section_close(out);
}
