/* sweep_curves.c - see sweep_curves.h. */
#include "sim/report/sweep_curves.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/units.h"

const char *sweep_axis_name(const char *path)
{
	const char *name = strrchr(path, '.');

	if (!name)
		return path;
	if (strcmp(name, ".base") != 0 && strcmp(name, ".value") != 0)
		return name + 1;
	for (name--; name > path && *name != '.'; name--)
		;
	return *name == '.' ? name + 1 : name;
}

bool sweep_axis_values(const struct sweep_axis *axis, double *values)
{
	for (int dim = 0; dim < DIM_N; dim++) {
		size_t n = 0;

		for (; n < axis->values.n; n++) {
			struct err err = ERR_INIT;

			if (units_parse(axis->values.at[n], (enum dim)dim, &values[n], &err) != 0)
				break;
		}
		if (n == axis->values.n)
			return true;
	}
	for (size_t i = 0; i < axis->values.n; i++)
		values[i] = (double)i;
	return false;
}

/* ---- the order of the values ---- */

struct swept {
	double value;
	size_t cell;
};

static int by_value(const void *a, const void *b)
{
	const struct swept *x = a, *y = b;

	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return (x->cell > y->cell) - (x->cell < y->cell);
}

static const struct swept *swept_in_order(struct arena *a, const struct sweep *s, bool *named)
{
	struct swept *swept = arena_array(a, s->cells_n, sizeof *swept);
	double *values = arena_array(a, s->cells_n, sizeof *values);

	*named = !sweep_axis_values(&s->axes[0], values);
	for (size_t i = 0; i < s->cells_n; i++)
		swept[i] = (struct swept){values[i], i};
	if (s->cells_n)
		qsort(swept, s->cells_n, sizeof *swept, by_value);
	return swept;
}

/* The unit that all values of an axis are written in, which texts[] then lack; "" if they differ or have none.
 */
static const char *common_unit(struct arena *a, const char **texts, size_t n)
{
	const char *unit = "";

	for (size_t i = 0; i < n; i++) {
		const char *of = texts[i] + strspn(texts[i], "+-.0123456789 ");

		if (i && strcmp(of, unit) != 0)
			return "";
		unit = of;
	}
	for (size_t i = 0; i < n && *unit; i++) {
		size_t len = strlen(texts[i]) - strlen(unit);

		while (len && texts[i][len - 1] == ' ')
			len--;
		texts[i] = arena_strndup(a, texts[i], len);
	}
	return unit;
}

/* ---- points ---- */

static struct curve_point point_of(const struct sweep_entry *e, size_t shown)
{
	const struct metric *m = e->shown[2 * shown], *median = e->shown[2 * shown + 1];

	if (!m)
		return (struct curve_point){.state = e->overloaded ? CURVE_OVERLOADED : CURVE_NOTHING,
					    .median = NAN};
	return (struct curve_point){.state = CURVE_HAS,
				    .value = m->value,
				    .lo = m->lo,
				    .hi = m->hi,
				    .ci = m->ci,
				    .median = median ? median->value : (double)NAN};
}

static struct panel panel_of(struct arena *a, const struct sweep *s, const struct swept *swept, size_t shown)
{
	const struct metric_info *m = s->shown[shown].metric;
	struct curve_point *points = arena_array(a, s->names_n * s->cells_n, sizeof *points);

	for (size_t k = 0; k < s->names_n; k++)
		for (size_t i = 0; i < s->cells_n; i++)
			points[k * s->cells_n + i] = point_of(&s->cells[swept[i].cell].entries[k], shown);
	return (struct panel){.head = m->head ? m->head : m->name,
			      .unit = m->unit,
			      .bound = s->shown[shown].bound,
			      .points = points};
}

/* ---- what is said of each assignment ---- */

/* Up to which value the SLO holds in at least half of the runs, and from which on the load is too much: of a load, values in their order. */
static const char *remark_of(struct arena *a, const struct sweep *s, const struct swept *swept, size_t k)
{
	const char *holds = NULL, *fails = NULL, *overload = NULL;
	bool slo = false;

	for (size_t i = 0; i < s->cells_n; i++) {
		const struct sweep_entry *e = &s->cells[swept[i].cell].entries[k];
		const char *text = s->cells[swept[i].cell].values[0];

		slo |= isfinite(e->holds);
		if (e->holds >= 0.5 && !fails)
			holds = text;
		else if (isfinite(e->holds) && !fails)
			fails = text;
		if (e->overloaded && !overload)
			overload = text;
	}
	if (!slo && !overload)
		return NULL;
	return arena_printf(a, "%s%s%s%s%s",
			    !slo     ? ""
			    : !holds ? "SLO missed"
			    : !fails ? "SLO holds throughout"
				     : "SLO holds to ",
			    slo && holds && fails ? holds : "", slo && overload ? ", " : "",
			    overload ? "overloaded from " : "", overload ? overload : "");
}

struct curves sweep_curves(struct arena *a, const struct sweep *s)
{
	struct curves c = {.title = s->title,
			   .x_name = sweep_axis_name(s->axes[0].path),
			   .x_n = s->cells_n,
			   .names = s->names,
			   .names_n = s->names_n,
			   .panels_n = s->shown_n};
	const struct swept *swept = swept_in_order(a, s, &c.x_named);
	const char **texts = arena_array(a, s->cells_n, sizeof *texts);
	const char **remarks = arena_array(a, s->names_n, sizeof *remarks);
	double *x = arena_array(a, s->cells_n, sizeof *x);
	struct panel *panels = arena_array(a, s->shown_n, sizeof *panels);

	for (size_t i = 0; i < s->cells_n; i++) {
		x[i] = swept[i].value;
		texts[i] = s->cells[swept[i].cell].values[0];
	}
	for (size_t k = 0; k < s->names_n; k++)
		remarks[k] = remark_of(a, s, swept, k);
	for (size_t k = 0; k < s->shown_n; k++) {
		panels[k] = panel_of(a, s, swept, k);
		for (size_t i = 0; i < s->names_n * s->cells_n; i++) {
			c.chance |= panels[k].points[i].ci > 0;
			c.medians |= isfinite(panels[k].points[i].median);
		}
	}
	c.x = x;
	c.x_unit = c.x_named ? "" : common_unit(a, texts, s->cells_n);
	c.x_texts = texts;
	c.remarks = remarks;
	c.panels = panels;
	return c;
}
