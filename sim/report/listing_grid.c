/* listing_grid.c - see listing_grid.h. */
#include "sim/report/listing_grid.h"

#include <string.h>

enum { GAP = 2, BELOW = 6, TEXT_LEAST = 18 };

const char **grid_row(struct arena *a, struct listing_grid *g, const char *name)
{
	const char **row = arena_array(a, GRID_COLUMNS, sizeof *row);

	row[0] = name;
	VEC_ADD(&g->rows, row);
	return row;
}

static size_t cell_width(const char *text)
{
	return text ? str_width(text) : 0;
}

/* The columns that stand side by side: all `n`, or as many as the width has room for. */
struct layout {
	size_t widths[GRID_COLUMNS];
	size_t n, beside;
	size_t width;
	bool folds; /* the last column is of texts, which are broken into lines where it stands */
};

static size_t columns_of_grid(const struct listing_grid *g)
{
	size_t n = 0;

	while (n < GRID_COLUMNS && g->heads[n])
		n++;
	return n;
}

static struct layout layout_of(const struct listing_grid *g, size_t width)
{
	struct layout l = {.n = columns_of_grid(g), .width = width ? width : (size_t)-1};
	size_t used = 0;

	for (size_t c = 0; c < l.n; c++) {
		const bool last = c + 1 == l.n, texts = last && !(g->numbers >> c & 1);

		l.widths[c] = str_width(g->heads[c]);
		for (size_t r = 0; r < g->rows.n; r++)
			if (cell_width(g->rows.at[r][c]) > l.widths[c])
				l.widths[c] = cell_width(g->rows.at[r][c]);
		if (used + GAP + l.widths[c] > l.width && c) {
			l.folds = texts && l.beside == c && used + GAP + TEXT_LEAST <= l.width;
			l.beside += l.folds;
			continue;
		}
		if (l.beside == c) {
			used += GAP + l.widths[c];
			l.beside++;
		}
	}
	return l;
}

static void beside_line(const struct listing_grid *g, const char *const *cells, const struct layout *l,
			struct str *out)
{
	size_t gap = GAP, at = 0;

	for (size_t c = 0; c < l->beside; c++) {
		const bool right = g->numbers >> c & 1;
		size_t fill;

		if (!cells[c] || !*cells[c]) {
			gap += l->widths[c] + GAP;
			continue;
		}
		fill = l->widths[c] > cell_width(cells[c]) ? l->widths[c] - cell_width(cells[c]) : 0;
		str_pad(out, ' ', gap + (right ? fill : 0));
		at += gap + (right ? fill : 0);
		if (l->folds && c + 1 == l->n) {
			str_add_wrapped(out, cells[c], at, at, l->width);
			return;
		}
		str_add(out, cells[c]);
		at += cell_width(cells[c]);
		gap = GAP + (right ? 0 : fill);
	}
	str_add(out, "\n");
}

/* "sizes 24 48 GiB; from 1999 USD; runtimes ..." */
static void below_line(const struct listing_grid *g, const char *const *cells, const struct layout *l,
		       struct str *out)
{
	struct str text = STR_INIT;

	for (size_t c = l->beside; c < l->n; c++)
		if (cells[c] && *cells[c])
			str_addf(&text, "%s%s%s%s", text.len ? "; " : "", g->heads[c],
				 *g->heads[c] ? " " : "", cells[c]);
	if (text.len) {
		str_pad(out, ' ', BELOW);
		str_add_wrapped(out, text.text, BELOW, BELOW, l->width);
	}
	str_release(&text);
}

void grid_write(struct listing_grid *g, size_t width, struct str *out)
{
	const struct layout l = layout_of(g, width);

	if (g->rows.n) {
		str_add(out, out->len ? "\n" : "");
		str_add_wrapped(out, g->heading, 0, GAP, l.width);
	}
	if (g->rows.n && g->heads[1][0] && l.beside > 1)
		beside_line(g, g->heads, &l, out);
	for (size_t r = 0; r < g->rows.n; r++) {
		beside_line(g, g->rows.at[r], &l, out);
		below_line(g, g->rows.at[r], &l, out);
	}
	VEC_FREE(&g->rows);
}
