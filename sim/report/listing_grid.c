/* listing_grid.c - see listing_grid.h. */
#include "sim/report/listing_grid.h"

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

static void grid_line(const struct listing_grid *g, const char *const *cells, const size_t *widths,
		      struct str *out)
{
	size_t gap = 2;

	for (size_t c = 0; c < GRID_COLUMNS && g->heads[c]; c++) {
		const size_t fill = widths[c] - cell_width(cells[c]);
		const bool right = g->numbers >> c & 1;

		if (cells[c] && *cells[c]) {
			str_pad(out, ' ', gap + (right ? fill : 0));
			str_add(out, cells[c]);
			gap = 2 + (right ? 0 : fill);
		} else {
			gap += widths[c] + 2;
		}
	}
	str_add(out, "\n");
}

void grid_write(struct listing_grid *g, struct str *out)
{
	size_t widths[GRID_COLUMNS] = {0};
	const char *heads[GRID_COLUMNS] = {0};

	if (g->rows.n)
		str_addf(out, "%s%s\n", out->len ? "\n" : "", g->heading);
	for (size_t c = 0; c < GRID_COLUMNS && g->heads[c]; c++) {
		heads[c] = g->heads[c];
		widths[c] = str_width(heads[c]);
		for (size_t r = 0; r < g->rows.n; r++)
			if (cell_width(g->rows.at[r][c]) > widths[c])
				widths[c] = cell_width(g->rows.at[r][c]);
	}
	if (g->rows.n && g->heads[1][0])
		grid_line(g, heads, widths, out);
	for (size_t r = 0; r < g->rows.n; r++)
		grid_line(g, g->rows.at[r], widths, out);
	VEC_FREE(&g->rows);
}
