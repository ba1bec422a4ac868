/*
 * result_md.c - a result as GitHub's tables: the answer, the memory, then what would change it.
 *
 * Layer report.
 */
#include "sim/report/class_rows.h"
#include "sim/report/columns.h"
#include "sim/report/writers.h"

/* Text in which nothing is markup: also not the bar between cells. */
static void add_text(struct str *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			str_add(out, "&lt;");
		else if (*text == '&')
			str_add(out, "&amp;");
		else if (*text == '\n' || *text == '\r')
			str_add(out, " ");
		else if (*text == '|' || *text == '\\' || *text == '*' || *text == '_' || *text == '`' ||
			 *text == '[' || *text == ']' || *text == '~')
			str_addf(out, "\\%c", *text);
		else
			str_add_n(out, text, 1);
	}
}

static void add_numbers(struct str *out, const struct result *r, size_t i, const struct column *columns,
			size_t n)
{
	const struct assignment_row *row = &r->rows[i];

	for (size_t k = 0; k < n; k++) {
		const struct metric *m = columns_metric(row, &columns[k]);
		const char *strong = columns_is_best(r, &columns[k], i) ? "**" : "";
		struct str interval = STR_INIT;

		str_add(out, " | ");
		if (m) {
			str_add(out, strong);
			columns_value(out, m, &columns[k]);
			str_add(out, strong);
			columns_chance(out, m, &columns[k]);
			columns_interval(&interval, m, &columns[k]);
			str_addf(out, interval.len ? " (%s)" : "%s", interval.text);
		}
		str_release(&interval);
	}
}

static void add_row(struct str *out, const struct result *r, size_t i, const struct column *columns, size_t n)
{
	const struct assignment_row *row = &r->rows[i];
	struct str fits = STR_INIT;

	str_add(out, "| ");
	add_text(out, row->name);
	str_add(out, " | ");
	columns_fits(&fits, row);
	add_text(out, fits.text);
	str_release(&fits);
	add_numbers(out, r, i, columns, n);
	str_add(out, " | ");
	add_text(out, row->bound);
	str_add(out, " |\n");
}

static void add_heads(struct str *out, const struct column *columns, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		str_add(out, " ");
		add_text(out, columns[k].head);
		str_addf(out, *columns[k].unit ? ", %s |" : "%s |", columns[k].unit);
	}
}

/* Below the heads of numbers, which stand to the right. */
static void add_rule(struct str *out, size_t n)
{
	for (size_t k = 0; k < n; k++)
		str_add(out, "--:|");
}

static void add_classes(struct str *out, const struct result *r)
{
	struct arena a = ARENA_INIT;
	const struct result classes = class_rows(&a, r);
	struct column columns[COLUMNS_MAX];
	const size_t n = class_rows_columns(&classes, columns);

	if (classes.rows_n) {
		str_add(out, "\n| class |");
		add_heads(out, columns, n);
		str_add(out, "\n|---|");
		add_rule(out, n);
		str_add(out, "\n");
	}
	for (size_t i = 0; i < classes.rows_n; i++) {
		str_add(out, "| ");
		add_text(out, classes.rows[i].name);
		add_numbers(out, &classes, i, columns, n);
		str_add(out, " |\n");
	}
	arena_release(&a);
}

static void add_answer(struct str *out, const struct result *r)
{
	struct column columns[COLUMNS_MAX];
	const size_t n = columns_of(r, columns);

	str_add(out, "| assignment | fits? |");
	add_heads(out, columns, n);
	str_add(out, " limited by |\n|---|---|");
	add_rule(out, n);
	str_add(out, "---|\n");
	for (size_t i = 0; i < r->rows_n; i++)
		add_row(out, r, i, columns, n);
	add_classes(out, r);
	str_add(out, "\nBold: the best of its column. In brackets: P10\xe2\x80\x93P90");
	if (r->draws > 0)
		str_addf(out, " of %d draws", r->draws);
	str_add(out, ".\n");
	for (size_t i = 0; i < r->notes_n; i++) {
		str_add(out, i ? "- " : "\n- ");
		add_text(out, r->notes[i].text);
		str_add(out, "\n");
	}
}

static void add_memory_row(struct str *out, const char *name, const struct memory_row *m)
{
	const double parts[] = {m->need_B,        m->usable_B,    m->weights_B,  m->kv_B,
				m->activations_B, m->gradients_B, m->optimizer_B};

	str_add(out, "| ");
	add_text(out, name);
	str_add(out, " | ");
	add_text(out, m->machine);
	if (m->phase && *m->phase) {
		str_add(out, " (");
		add_text(out, m->phase);
		str_add(out, m->load_B > 0 ? ", while loading)" : ")");
	}
	for (size_t k = 0; k < ARRAY_LEN(parts); k++) {
		str_add(out, " | ");
		if (parts[k] > 0.0)
			columns_size(out, parts[k]);
	}
	str_add(out, " |\n");
}

static void add_memory(struct str *out, const struct result *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->rows_n; i++)
		n += r->rows[i].memory_n;
	if (!n)
		return;
	str_add(out,
		"\n| assignment | machine | needs | usable | weights | KV cache | activations | gradients "
		"| optimizer |\n|---|---|--:|--:|--:|--:|--:|--:|--:|\n");
	for (size_t i = 0; i < r->rows_n; i++)
		for (size_t k = 0; k < r->rows[i].memory_n; k++)
			add_memory_row(out, r->rows[i].name, &r->rows[i].memory[k]);
}

void result_md(struct str *out, const struct result *r)
{
	bool first = true;

	str_add(out, "## ");
	add_text(out, r->title && *r->title ? r->title : r->scenario);
	str_add(out, "\n\n");
	add_answer(out, r);
	if (r->computed) {
		str_add(out, "\n");
		add_text(out, r->computed);
		str_add(out, ".\n");
	}
	add_memory(out, r);
	for (size_t i = 0; i < r->rows_n; i++) {
		if (!r->rows[i].advice || !*r->rows[i].advice)
			continue;
		str_add(out, first ? "\nWhat would change that:\n- " : "- ");
		first = false;
		add_text(out, r->rows[i].name);
		str_add(out, ": ");
		add_text(out, r->rows[i].advice);
		str_add(out, "\n");
	}
}
