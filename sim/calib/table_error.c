/* table_error.c - leave-one-shape-out errors of a utilisation table; see table_fit.h. */
#include <math.h>

#include "sim/calib/model_error.h"
#include "sim/base/units.h"
#include "sim/calib/table_fit.h"
#include "sim/cost/util.h"
#include "sim/stats/quantile.h"

enum { ERRORS_ENOUGH = 4 };

/* The sides of the span of a table's shapes, and its single shapes, are left out in turn. */
enum side { SIDE_FEWEST_ROWS, SIDE_MOST_ROWS, SIDE_NARROWEST, SIDE_WIDEST, SIDES };

static double along(const struct table_cell *c, enum side side)
{
	return side == SIDE_FEWEST_ROWS || side == SIDE_MOST_ROWS ? cell_rows(c) : cell_width(c);
}

/* The value of the outermost shapes of each side. */
static void find_ends(const struct table_fit *t, double ends[SIDES])
{
	for (int s = 0; s < SIDES; s++) {
		const bool least = s == SIDE_FEWEST_ROWS || s == SIDE_NARROWEST;

		ends[s] = least ? INFINITY : 0;
		for (size_t i = 0; i < t->n; i++)
			if (!t->at[i].why)
				ends[s] = least ? fmin(ends[s], along(&t->at[i], (enum side)s))
						: fmax(ends[s], along(&t->at[i], (enum side)s));
	}
}

static void add_point(struct util_point *p, size_t *n, const struct table_cell *c)
{
	p[(*n)++] = (struct util_point){cell_rows(c), cell_width(c), c->u, c->u_sd, PROVENANCE_MEASURED};
}

/* The used cells of other shapes than `without`; returns how many, and whether one of them is further out than it on each
 * side, or as far. */
static size_t other_shapes(const struct table_fit *t, const struct table_cell *without, struct util_point *p,
			   bool *within)
{
	bool out[SIDES] = {false};
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct table_cell *c = &t->at[i];

		if (c->why || (cell_rows(c) == cell_rows(without) && cell_width(c) == cell_width(without)))
			continue;
		add_point(p, &n, c);
		out[SIDE_FEWEST_ROWS] |= cell_rows(c) <= cell_rows(without);
		out[SIDE_MOST_ROWS] |= cell_rows(c) >= cell_rows(without);
		out[SIDE_NARROWEST] |= cell_width(c) <= cell_width(without);
		out[SIDE_WIDEST] |= cell_width(c) >= cell_width(without);
	}
	*within = out[SIDE_FEWEST_ROWS] && out[SIDE_MOST_ROWS] && out[SIDE_NARROWEST] && out[SIDE_WIDEST];
	return n;
}

/* The error of a cell's time as a table of these points has it: an interval is one of times. */
static double error_at(const struct util_point *p, size_t n, const struct table_cell *c)
{
	struct arena scratch = ARENA_INIT;
	const struct util u =
		util_at(util_table(&scratch, p, n, util_error_unknown), cell_rows(c), cell_width(c));

	arena_release(&scratch);
	return fabs(u.u / c->u - 1);
}

/* A few errors may show that a table is worse than usual, not that it is better. */
static struct number error_number(struct profile_fitting *g, const double *off, size_t n, const char *what,
				  const char *where, double usual)
{
	const double least = n < ERRORS_ENOUGH ? usual : g->run_sd, widest = 0.5;

	if (!n)
		return (struct number){.given = false};
	profile_fit_note(g, "%s: leave-one-out %s %% median, %s %% worst, over %zu shapes %s", what,
			 units_digits(100 * quantile_of(off, n, 0.5), 2).text,
			 units_digits(100 * quantile_of(off, n, 1), 2).text, n, where);
	return (struct number){fmin(fmax(model_error_sd(off, n), least), widest),
			       0,
			       (int64_t)n,
			       PROVENANCE_MEASURED,
			       arena_printf(g->arena, "each shape %s, predicted from the rest", where),
			       true};
}

static size_t inner_errors(struct table_fit *t, struct util_point *p, double *off)
{
	size_t errors = 0;

	for (size_t i = 0; i < t->n; i++) {
		bool within = false;
		const size_t n = t->at[i].why ? 0 : other_shapes(t, &t->at[i], p, &within);

		if (n && within)
			off[errors++] = error_at(p, n, &t->at[i]);
	}
	return errors;
}

static bool is_at(const struct table_cell *c, const double ends[SIDES], int side)
{
	return !c->why && along(c, (enum side)side) == ends[side];
}

/* Of squares, the widest are those of most rows: they are left out once. */
static bool left_out_before(const struct table_fit *t, const double ends[SIDES], int side)
{
	for (int before = 0; before < side; before++) {
		bool same = true;

		for (size_t i = 0; i < t->n; i++)
			same &= is_at(&t->at[i], ends, side) == is_at(&t->at[i], ends, before);
		if (same)
			return true;
	}
	return false;
}

static size_t outer_errors(struct table_fit *t, struct util_point *p, double *off)
{
	double ends[SIDES];
	size_t errors = 0;

	find_ends(t, ends);
	for (int s = 0; s < SIDES; s++) {
		size_t n = 0;

		for (size_t i = 0; i < t->n; i++)
			if (!t->at[i].why && !is_at(&t->at[i], ends, s))
				add_point(p, &n, &t->at[i]);
		for (size_t i = 0; i < t->n && n && !left_out_before(t, ends, s); i++)
			if (is_at(&t->at[i], ends, s))
				off[errors++] = error_at(p, n, &t->at[i]);
	}
	return errors;
}

const struct util_table *table_prepare(struct arena *a, const struct utilisation_table *t)
{
	struct util_point *p = arena_array(a, t->n, sizeof *p);

	for (size_t i = 0; i < t->n; i++)
		p[i] = (struct util_point){(double)t->at[i].m, (double)t->at[i].n * (double)t->at[i].k,
					   t->at[i].u.value, 0, PROVENANCE_MEASURED};
	return util_table(a, p, t->n, util_error_unknown);
}

void table_error(struct table_fit *t, struct utilisation_table *table, const char *what)
{
	struct arena *a = t->g->arena;
	struct util_point *p = arena_array(a, t->n, sizeof *p);
	double *off = arena_array(a, SIDES * t->n, sizeof *off);
	const size_t inner = inner_errors(t, p, off);

	table->between = error_number(t->g, off, inner, what, "between others", util_error_usual.between);
	table->beyond = error_number(t->g, off, outer_errors(t, p, off), what, "beyond others",
				     util_error_usual.beyond);
}
