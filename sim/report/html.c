/* html.c - see html.h. */
#include "sim/report/html.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "sim/base/utf8.h"

#define NO_BREAK_SPACE "\xc2\xa0"

static void add_code_point(struct str *out, const char *bytes, size_t n, uint32_t c)
{
	if (!n || (c & 0xfffe) == 0xfffe)
		str_add(out, "\xef\xbf\xbd");
	else if (c == '&')
		str_add(out, "&amp;");
	else if (c == '<')
		str_add(out, "&lt;");
	else if (c == '>')
		str_add(out, "&gt;");
	else if (c == '"')
		str_add(out, "&quot;");
	else if (c == '\'')
		str_add(out, "&#39;");
	else if ((utf8_is_control(c) && c != '\n' && c != '\t') || utf8_is_bidi_control(c))
		str_addf(out, "[U+%04X]", (unsigned)c);
	else
		str_add_n(out, bytes, n);
}

void html_text(struct str *out, const char *text)
{
	while (*text) {
		uint32_t c = 0;
		const size_t n = utf8_decode(text, &c);

		add_code_point(out, text, n, c);
		text += n ? n : 1;
	}
}

void html_sentence(struct str *out, const char *text)
{
	struct str word = STR_INIT;

	while (*text) {
		const size_t n = str_word(text), glued = strcspn(text, " \n");

		str_clear(&word);
		str_add_n(&word, text, glued);
		if (glued < n) {
			str_add(&word, NO_BREAK_SPACE);
			str_add_n(&word, text + glued + 1, n - glued - 1);
		}
		str_add_n(&word, text + n, text[n] != '\0'); /* the blank behind it */
		html_text(out, word.text);
		text += n + (text[n] != '\0');
	}
	str_release(&word);
}

void html_element(struct str *out, const char *tag, const char *class_name, const char *text)
{
	str_addf(out, class_name ? "<%s class=\"%s\">" : "<%s>", tag, class_name);
	html_sentence(out, text);
	str_addf(out, "</%s>\n", tag);
}

void html_heading(struct str *out, int level, const char *id, const char *text)
{
	str_addf(out, "<h%d id=\"%s\">", level, id);
	html_text(out, text);
	str_addf(out, "</h%d>\n", level);
}

/* ---- tables ---- */

static void add_heads(struct str *out, const struct html_table *t)
{
	str_add(out, "<thead><tr>\n");
	for (size_t c = 0; c < t->columns_n; c++) {
		const struct html_column *column = &t->columns[c];

		str_add(out, column->number ? "<th scope=\"col\" class=\"n\">" : "<th scope=\"col\">");
		html_text(out, column->head);
		if (column->unit && *column->unit) {
			str_add(out, " <span class=\"unit\">");
			html_text(out, column->unit);
			str_add(out, "</span>");
		}
		str_add(out, "</th>\n");
	}
	str_add(out, "</tr></thead>\n");
}

/* Adds the first of the lines below a value; returns the next. */
static const char *add_small(struct str *out, const char *lines)
{
	const size_t n = strcspn(lines, "\n");
	struct str line = STR_INIT;

	str_addf(&line, "%.*s", (int)n, lines);
	str_add(out, "<small>");
	html_sentence(out, line.text);
	str_add(out, "</small>");
	str_release(&line);
	return lines + n + (lines[n] == '\n');
}

static void add_content(struct str *out, const struct html_cell *cell)
{
	if (cell->raw) {
		str_add(out, cell->raw);
		return;
	}
	str_add(out, cell->best ? "<strong>" : "");
	html_sentence(out, cell->text ? cell->text : "");
	/* colour and weight mark the best for the eye, this word for a reader of the screen */
	str_add(out, cell->best ? "</strong><span class=\"hidden\"> (best)</span>" : "");
	for (const char *line = cell->under; line && *line;)
		line = add_small(out, line);
}

/* A sentence, which the style gives room on a phone. */
static bool is_long(const char *text)
{
	enum { LONG_FROM = 40 };

	return text && strlen(text) >= LONG_FROM;
}

static void add_cell(struct str *out, const struct html_table *t, size_t row, size_t c)
{
	const struct html_cell *cell = &t->cells[row * t->columns_n + c];
	const bool number = t->columns[c].number;

	if (!c) {
		str_add(out, "<th scope=\"row\">");
		add_content(out, cell);
		str_add(out, "</th>\n");
		return;
	}
	str_add(out, number && cell->best  ? "<td class=\"n best\""
		     : number              ? "<td class=\"n\""
		     : is_long(cell->text) ? "<td class=\"long\""
					   : "<td");
	if (number && isfinite(cell->value))
		str_addf(out, " data-v=\"%.9g\"", cell->value);
	str_add(out, ">");
	add_content(out, cell);
	str_add(out, "</td>\n");
}

void html_table(struct str *out, const struct html_table *t)
{
	str_add(out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"");
	html_text(out, t->caption);
	str_add(out, "\">\n<table>\n");
	html_element(out, "caption", NULL, t->caption);
	add_heads(out, t);
	str_add(out, "<tbody>\n");
	for (size_t row = 0; row < t->rows_n; row++) {
		str_add(out, "<tr>\n");
		for (size_t c = 0; c < t->columns_n; c++)
			add_cell(out, t, row, c);
		str_add(out, "</tr>\n");
	}
	str_add(out, "</tbody>\n</table>\n</div>\n");
}
