/* text_cells.c - see text_cells.h. */
#include "sim/report/text_cells.h"

#include <stdint.h>
#include <string.h>

#include "sim/base/utf8.h"

enum { GAP = 2, NAME_LEAST = 14 };

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* The bytes of the first `width` columns of a word that is wider: up to the last mark among them, if there is one. */
static size_t word_part(const char *word, size_t width)
{
	size_t n = 0, behind_mark = 0;
	uint32_t c;

	for (size_t k = 0; k < width; k++) {
		const size_t len = utf8_decode(word + n, &c);

		n += len ? len : 1;
		if (strchr("-./@_,:", word[n - 1]))
			behind_mark = n;
	}
	return behind_mark ? behind_mark : n;
}

static void add_to_lines(struct arena *a, struct texts *lines, const struct str *line)
{
	const char *const text = arena_strdup(a, line->text);

	*lines = texts_join(a, lines, (const char *const[]){text}, 1);
}

struct texts cell_lines(struct arena *a, const char *text, size_t width)
{
	struct texts lines = {NULL, 0};
	struct str line = STR_INIT, word = STR_INIT;

	if (!width || str_width(text) <= width) /* as it is, with the blanks that set it under others */
		return texts_join(a, &lines, &text, 1);
	while (*text) {
		size_t n = strcspn(text, " \n");

		str_clear(&word);
		str_add_n(&word, text, n);
		if (line.len && str_width(line.text) + 1 + str_width(word.text) > width) {
			add_to_lines(a, &lines, &line);
			str_clear(&line);
		}
		if (str_width(word.text) > width) {
			n = word_part(text, width);
			str_add_n(&line, text, n);
			add_to_lines(a, &lines, &line);
			str_clear(&line);
			text += n;
			continue;
		}
		str_addf(&line, "%s%s", line.len ? " " : "", word.text);
		text += n + (text[n] != '\0');
	}
	if (line.len || !lines.n)
		add_to_lines(a, &lines, &line);
	str_release(&line);
	str_release(&word);
	return lines;
}

size_t cells_name_width(size_t width)
{
	return larger(width * 2 / 5, NAME_LEAST);
}

/* Widths of the columns: those of their cells, cut where a table of that width has no room for them. */
static void find_widths(const struct text_grid *g, size_t most, size_t *widths)
{
	size_t sum = 0;

	for (size_t c = 0; c < g->columns; c++) {
		for (size_t r = 0; r < g->rows; r++)
			widths[c] = larger(widths[c], str_width(g->cells[r * g->columns + c]));
		sum += widths[c] + (c ? GAP : 0);
	}
	if (!most || sum <= most)
		return;
	if (widths[0] >= NAME_LEAST + sum - most) { /* names in more lines, and all stands in one block */
		widths[0] -= sum - most;
		return;
	}
	if (widths[0] > cells_name_width(most))
		widths[0] = cells_name_width(most);
	for (size_t c = 1; c < g->columns; c++)
		if (widths[0] + GAP + widths[c] > most)
			widths[c] = most > widths[0] + 2 * GAP ? most - widths[0] - GAP : GAP;
}

void cells_trim(struct str *out)
{
	while (out->len && out->text[out->len - 1] == ' ')
		out->text[--out->len] = '\0';
}

void cells_pad(struct str *out, const char *text, size_t width)
{
	const size_t own = str_width(text);

	str_add(out, text);
	str_pad(out, ' ', width > own ? width - own : 0);
}

static void add_right(struct str *out, const char *text, size_t width)
{
	const size_t own = str_width(text);

	str_pad(out, ' ', width > own ? width - own : 0);
	str_add(out, text);
}

/* One row of the first column and of those from..until-1. */
static void write_row(struct str *out, const struct text_grid *g, size_t row, const size_t *widths,
		      size_t from, size_t until)
{
	struct arena a = ARENA_INIT;
	struct texts *lines = arena_array(&a, g->columns, sizeof *lines);
	size_t n = 0;

	for (size_t c = 0; c < until; c = c ? c + 1 : from) {
		lines[c] = cell_lines(&a, g->cells[row * g->columns + c], widths[c]);
		n = larger(n, lines[c].n);
	}
	for (size_t i = 0; i < n; i++) {
		for (size_t c = 0; c < until; c = c ? c + 1 : from) {
			str_pad(out, ' ', c ? GAP : 0);
			(c < g->left ? cells_pad : add_right)(out, i < lines[c].n ? lines[c].at[i] : "",
							      widths[c]);
		}
		cells_trim(out);
		str_add(out, "\n");
	}
	arena_release(&a);
}

void text_grid_write(struct str *out, const struct text_grid *g, size_t width)
{
	struct arena a = ARENA_INIT;
	size_t *widths = arena_array(&a, g->columns, sizeof *widths), until;

	find_widths(g, width, widths);
	for (size_t from = 1; from < g->columns; from = until) {
		size_t used = widths[0] + GAP + widths[from];

		for (until = from + 1; until < g->columns && (!width || used + GAP + widths[until] <= width);
		     until++)
			used += GAP + widths[until];
		str_add(out, from > 1 ? "\n" : "");
		for (size_t row = 0; row < g->rows; row++)
			write_row(out, g, row, widths, from, until);
	}
	arena_release(&a);
}
