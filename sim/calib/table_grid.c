/* table_grid.c - the full grid of rows and weights among measured shapes; see table_fit.h. */
#include "sim/calib/table_fit.h"

const char table_outside_grid[] = "outside the grid: kept as a test";

/* The lines of the grid of shapes: the distinct numbers of rows (m), then the distinct widths (n x k). */
struct lines {
	double *at;
	size_t rows, n; /* the first `rows` lines are numbers of rows, the others widths */
	bool *gone;
};

static size_t line_of(double *at, size_t from, size_t *n, double value)
{
	size_t i = from;

	while (i < *n && at[i] != value)
		i++;
	if (i == *n)
		at[(*n)++] = value;
	return i;
}

static struct lines lines_of(const struct table_fit *t)
{
	struct lines l = {.at = arena_array(t->g->arena, 2 * t->n, sizeof *l.at)};

	for (size_t i = 0; i < t->n; i++)
		if (!t->at[i].why)
			line_of(l.at, 0, &l.rows, (double)t->at[i].m);
	l.n = l.rows;
	for (size_t i = 0; i < t->n; i++)
		if (!t->at[i].why)
			line_of(l.at, l.rows, &l.n, cell_width(&t->at[i]));
	l.gone = arena_array(t->g->arena, l.n, sizeof *l.gone);
	return l;
}

/* The share of a line's crossings with the remaining lines that are measured. */
static double share_of(const struct table_fit *t, const struct lines *l, size_t line)
{
	const bool row = line < l->rows;
	size_t across = 0, there = 0;

	for (size_t i = row ? l->rows : 0; i < (row ? l->n : l->rows); i++) {
		bool found = false;

		if (l->gone[i])
			continue;
		across++;
		for (size_t c = 0; c < t->n && !found; c++)
			found = !t->at[c].why && (double)t->at[c].m == l->at[row ? line : i] &&
				cell_width(&t->at[c]) == l->at[row ? i : line];
		there += found;
	}
	return across ? (double)there / (double)across : 0;
}

static bool in_grid(const struct lines *l, const struct table_cell *c)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->gone[i] && l->at[i] == (i < l->rows ? (double)c->m : cell_width(c)))
			return false;
	return true;
}

void table_keep_full_grid(struct table_fit *t)
{
	struct lines l = lines_of(t);
	size_t kept = 0, all = 0;

	for (;;) {
		size_t worst = l.n;
		double least = 1;

		for (size_t i = 0; i < l.n; i++) {
			const double share = l.gone[i] ? 1 : share_of(t, &l, i);

			if (share < least) {
				least = share;
				worst = i;
			}
		}
		if (worst == l.n)
			break;
		l.gone[worst] = true;
	}
	for (size_t i = 0; i < t->n; i++) {
		all += !t->at[i].why;
		kept += !t->at[i].why && in_grid(&l, &t->at[i]);
	}
	for (size_t i = 0; i < t->n && kept > 3 && 2 * kept >= all; i++)
		if (!t->at[i].why && !in_grid(&l, &t->at[i]))
			t->at[i].why = table_outside_grid;
}
