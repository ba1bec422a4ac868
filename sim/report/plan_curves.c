/* plan_curves.c - see plan_curves.h. */
#include "sim/report/plan_curves.h"

#include <math.h>
#include <stdlib.h>

#include "sim/base/mem.h"

struct drawing {
	struct arena *a;
	const struct plan_result *r;
	const struct plan_range *range;
	const struct plan_row *rows[PLAN_ROWS]; /* those that were run */
	size_t rows_n, x_n;
};

static const struct range_row *range_of(const struct drawing *d, size_t k)
{
	return &d->range->rows[d->rows[k] - d->r->rows];
}

/* ---- price against what is held ---- */

static int by_price(const void *a, const void *b)
{
	const struct curve_step *x = a, *y = b;

	if (x->x != y->x)
		return x->x < y->x ? -1 : 1;
	return (x->y < y->y) - (x->y > y->y);
}

/* Of all points drawn those that no cheaper one, or none of the same price, holds as much as. */
static void add_frontier(const struct drawing *d, struct panel *p)
{
	struct curve_step *steps = arena_array(d->a, d->rows_n * d->x_n + 1, sizeof *steps);
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < d->rows_n * d->x_n; i++)
		if (p->points[i].state == CURVE_HAS && p->points[i].value > 0)
			steps[n++] = (struct curve_step){p->x[i], p->points[i].value};
	if (n)
		qsort(steps, n, sizeof *steps, by_price);
	for (size_t i = 0; i < n; i++)
		if (!kept || steps[i].y > steps[kept - 1].y)
			steps[kept++] = steps[i];
	p->steps = steps;
	p->steps_n = kept;
}

/* Next to nothing is drawn as nothing: it would stretch the axis. */
static double held(const struct drawing *d, const struct range_size *at)
{
	return at->holds < d->r->load.asked / 50 ? 0 : at->holds;
}

static struct panel price_panel(const struct drawing *d)
{
	struct curve_point *points = arena_array(d->a, d->rows_n * d->x_n, sizeof *points);
	double *x = arena_array(d->a, d->rows_n * d->x_n, sizeof *x);
	struct panel p = {.head = "largest load that is held",
			  .unit = d->r->load.unit,
			  .bound = d->r->load.needed,
			  .points = points,
			  .bound_name = "asked",
			  .x = x,
			  .x_name = "price",
			  .x_unit = "USD"};

	if (d->r->load.needed > d->r->load.asked)
		p.bound_name = "asked, with headroom";
	for (size_t k = 0; k < d->rows_n; k++)
		for (size_t i = 0; i < d->x_n; i++) {
			const struct range_row *from = range_of(d, k);
			const bool has = i < from->sizes_n && isfinite(from->sizes[i].holds);
			const double holds = has ? held(d, &from->sizes[i]) : 0;

			points[k * d->x_n + i] =
				(struct curve_point){.state = has ? CURVE_HAS : CURVE_NOTHING,
						     .value = holds,
						     .lo = NAN,
						     .hi = NAN,
						     .median = NAN};
			x[k * d->x_n + i] = has ? from->sizes[i].usd : (double)NAN;
		}
	add_frontier(d, &p);
	return p;
}

/* ---- latency over the load ---- */

static struct panel latency_panel(const struct drawing *d, size_t b)
{
	const struct range_bound *bound = &d->range->bounds[b];
	struct curve_point *points = arena_array(d->a, d->rows_n * d->x_n, sizeof *points);

	for (size_t k = 0; k < d->rows_n; k++)
		for (size_t i = 0; i < d->x_n; i++) {
			const struct range_latency *at = &range_of(d, k)->at[i];
			const double value = at->of[b];

			points[k * d->x_n + i] =
				(struct curve_point){.state = at->overloaded    ? CURVE_OVERLOADED
							      : isfinite(value) ? CURVE_HAS
										: CURVE_NOTHING,
						     .value = value,
						     .lo = NAN,
						     .hi = NAN,
						     .median = NAN};
		}
	return (struct panel){.head = plan_bound_name(bound->metric, bound->stat),
			      .unit = "s",
			      .bound = bound->bound,
			      .points = points};
}

/* ---- all of it ---- */

static void add_names(const struct drawing *d, struct curves *c)
{
	const char **names = arena_array(d->a, d->rows_n, sizeof *names);
	const char **remarks = arena_array(d->a, d->rows_n, sizeof *remarks);

	for (size_t k = 0; k < d->rows_n; k++) {
		const struct plan_row *row = d->rows[k];

		names[k] = arena_printf(d->a, "%s (%s)", row->name, row->settings);
		remarks[k] = row->why != PLAN_HOLDS ? "does not hold the load"
			     : row == d->r->best    ? "the plan's choice"
						    : "holds it";
	}
	c->names = names;
	c->remarks = remarks;
	c->names_n = d->rows_n;
}

static void add_loads(const struct drawing *d, struct curves *c)
{
	const char **texts = arena_array(d->a, d->x_n, sizeof *texts);
	double *x = arena_array(d->a, d->x_n, sizeof *x);

	for (size_t i = 0; i < d->x_n; i++) {
		x[i] = d->range->loads_n ? d->range->loads[i] : (double)i;
		texts[i] = d->range->loads_n ? arena_printf(d->a, "%.3g", x[i]) : "";
	}
	c->x_name = d->r->load.whole ? "users" : "load";
	c->x_unit = d->r->load.whole ? "" : d->r->load.unit;
	c->x = x;
	c->x_texts = texts;
	c->x_n = d->x_n;
}

struct curves plan_curves(struct arena *a, const struct plan_result *r, const struct plan_range *range)
{
	struct drawing d = {.a = a, .r = r, .range = range, .x_n = RANGE_STEPS};
	struct curves c = {.title = r->title};
	struct panel *panels = arena_array(a, 1 + RANGE_BOUNDS, sizeof *panels);

	for (size_t i = 0; i < r->rows_n; i++)
		if (r->rows[i].ran)
			d.rows[d.rows_n++] = &r->rows[i];
	add_names(&d, &c);
	add_loads(&d, &c);
	panels[c.panels_n++] = price_panel(&d);
	for (size_t b = 0; b < range->bounds_n; b++)
		panels[c.panels_n++] = latency_panel(&d, b);
	c.panels = panels;
	return c;
}
