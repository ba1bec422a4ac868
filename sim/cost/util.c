/* util.c - see util.h. */
#include "sim/cost/util.h"
#include "sim/base/err.h"
#include "sim/base/exact_math.h"

#include <gsl/gsl_interp.h>
#include <gsl/gsl_interp2d.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

const struct util_error util_error_unknown = {-1, -1}, util_error_usual = {0.06, 0.15};

enum law { LAW_FLAT, LAW_GRID, LAW_PLANE, LAW_LINE };

struct axis {
	double *x; /* ascending logarithms, distinct */
	size_t n;
};

struct node {
	double x, y, log_u; /* logarithms of rows, width and utilisation */
};

/* GSL's linear and bilinear interpolations keep no state: their handles are made in place. */
struct util_table {
	const struct util_point *points;
	size_t n;
	enum law law;
	struct util flat;
	struct axis rows, width; /* LAW_GRID, LAW_PLANE: of the second, only the ends are used */
	struct axis volume;      /* LAW_LINE */
	const double *u;         /* at each node of the grid or of the axis; LAW_PLANE: NULL */
	struct node *nodes;      /* LAW_PLANE: [n] */
	double spacing;          /* LAW_PLANE: the usual distance of a point to its nearest */
	gsl_interp2d plane;
	gsl_interp line;
	/* provenance and spread of a shape that is none of the points; u is unused */
	struct util between, beyond;
};

static int ascending(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct axis distinct(struct arena *a, const struct util_point *p, size_t n,
			    double (*of)(const struct util_point *))
{
	struct axis axis = {arena_array(a, n, sizeof *axis.x), 0};
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		axis.x[i] = exact_log(of(&p[i]));
	qsort(axis.x, n, sizeof *axis.x, ascending);
	for (size_t i = 0; i < n; i++)
		if (!kept || axis.x[i] > axis.x[kept - 1])
			axis.x[kept++] = axis.x[i];
	axis.n = kept;
	return axis;
}

static double rows_of(const struct util_point *p)
{
	return p->rows;
}

static double width_of(const struct util_point *p)
{
	return p->width;
}

static double volume_of(const struct util_point *p)
{
	return p->rows * p->width;
}

static double hold(const struct axis *axis, double x)
{
	return fmin(fmax(x, axis->x[0]), axis->x[axis->n - 1]);
}

/* u at each node of the grid: the mean of the points there (one shape may be measured twice); NAN without
 * points. */
static double *lay_out(struct arena *a, const struct util_point *p, size_t n, const struct axis *ax,
		       const struct axis *ay, double (*x_of)(const struct util_point *),
		       double (*y_of)(const struct util_point *))
{
	const size_t cells = ax->n * (ay ? ay->n : 1);
	double *u = arena_array(a, cells, sizeof *u), *count = arena_array(a, cells, sizeof *count);

	for (size_t i = 0; i < n; i++) {
		const double x = exact_log(x_of(&p[i])), y = ay ? exact_log(y_of(&p[i])) : 0;
		size_t ix = 0, iy = 0;

		while (ax->x[ix] < x)
			ix++;
		while (ay && ay->x[iy] < y)
			iy++;
		u[iy * ax->n + ix] += p[i].u;
		count[iy * ax->n + ix]++;
	}
	for (size_t i = 0; i < cells; i++)
		u[i] = count[i] > 0 ? u[i] / count[i] : NAN;
	return u;
}

static bool full(const double *u, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (isnan(u[i]))
			return false;
	return true;
}

static bool inside(const struct axis *axis, double x)
{
	return x >= axis->x[0] && x <= axis->x[axis->n - 1];
}

/* Provenance and spread of a value between points, or beyond them. */
static struct util off_points(const struct util_point *p, size_t n, double known, double otherwise,
			      enum provenance provenance)
{
	struct util r = {.spread = known >= 0 ? known : otherwise, .provenance = provenance};

	for (size_t i = 0; i < n; i++) {
		if (known < 0)
			r.spread = fmax(r.spread, p[i].spread);
		r.provenance = provenance_worse(r.provenance, p[i].provenance);
	}
	return r;
}

static bool lay_grid(struct arena *a, struct util_table *t)
{
	double *u;

	if (t->rows.n < 2 || t->width.n < 2)
		return false;
	u = lay_out(a, t->points, t->n, &t->rows, &t->width, rows_of, width_of);
	if (!full(u, t->rows.n * t->width.n))
		return false;
	t->u = u;
	t->plane = (gsl_interp2d){.type = gsl_interp2d_bilinear, .xsize = t->rows.n, .ysize = t->width.n};
	gsl_interp2d_init(&t->plane, t->rows.x, t->width.x, u, t->rows.n, t->width.n);
	return true;
}

static double distance2(const struct node *a, double x, double y)
{
	return (a->x - x) * (a->x - x) + (a->y - y) * (a->y - y);
}

/* The median over the points of the distance to the nearest other shape. */
static double usual_distance(struct arena *a, const struct node *node, size_t n)
{
	double *nearest = arena_array(a, n, sizeof *nearest);

	for (size_t i = 0; i < n; i++) {
		nearest[i] = INFINITY;
		for (size_t j = 0; j < n; j++) {
			const double d2 = distance2(&node[j], node[i].x, node[i].y);

			nearest[i] = d2 > 0 ? fmin(nearest[i], d2) : nearest[i];
		}
	}
	qsort(nearest, n, sizeof *nearest, ascending);
	return sqrt(nearest[n / 2]);
}

/* Some number of rows was measured with several widths, and some width with several numbers of rows: with squares
 * alone, nothing tells the one from the other. */
static bool spans_plane(const struct util_point *p, size_t n)
{
	bool row = false, column = false;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++) {
			row |= p[i].rows == p[j].rows && p[i].width != p[j].width;
			column |= p[i].rows != p[j].rows && p[i].width == p[j].width;
		}
	return row && column;
}

static bool lay_plane(struct arena *a, struct util_table *t)
{
	if (!spans_plane(t->points, t->n))
		return false;
	t->nodes = arena_array(a, t->n, sizeof *t->nodes);
	for (size_t i = 0; i < t->n; i++)
		t->nodes[i] = (struct node){exact_log(t->points[i].rows), exact_log(t->points[i].width),
					    exact_log(t->points[i].u)};
	t->spacing = usual_distance(a, t->nodes, t->n);
	return true;
}

static void lay_line(struct arena *a, struct util_table *t)
{
	t->volume = distinct(a, t->points, t->n, volume_of);
	t->u = lay_out(a, t->points, t->n, &t->volume, NULL, volume_of, NULL);
	t->line = (gsl_interp){.type = gsl_interp_linear, .size = t->volume.n};
	if (t->volume.n > 1)
		gsl_interp_init(&t->line, t->volume.x, t->u, t->volume.n);
}

struct util_table *util_table(struct arena *a, const struct util_point *points, size_t n,
			      struct util_error error)
{
	struct util_table *t = arena_alloc(a, sizeof *t);
	struct util_point *kept = arena_array(a, n, sizeof *kept);

	memcpy(kept, points, n * sizeof *kept);
	t->points = kept;
	t->n = n;
	t->rows = distinct(a, kept, n, rows_of);
	t->width = distinct(a, kept, n, width_of);
	t->law = lay_grid(a, t) ? LAW_GRID : lay_plane(a, t) ? LAW_PLANE : LAW_LINE;
	if (t->law == LAW_LINE)
		lay_line(a, t);
	t->between = off_points(kept, n, error.between, util_error_usual.between, PROVENANCE_INTERPOLATED);
	t->beyond = off_points(kept, n, error.beyond, util_error_usual.beyond, PROVENANCE_TRANSFERRED);
	return t;
}

struct util_table *util_flat(struct arena *a, struct util u)
{
	struct util_table *t = arena_alloc(a, sizeof *t);

	*t = (struct util_table){.flat = u};
	return t;
}

/* Provenance and spread: those of a point with exactly this shape, if there is one. */
static struct util label(const struct util_table *t, double rows, double width, bool within)
{
	const struct util_point *p = t->points;

	for (size_t i = 0; i < t->n; i++)
		if (p[i].rows == rows && p[i].width == width)
			return (struct util){.spread = p[i].spread, .provenance = p[i].provenance};
	return within ? t->between : t->beyond;
}

/* The value of a weighted plane at the origin: normal equations of log u = a + b dx + c dy. */
struct plane_sums {
	double w, x, y, xx, xy, yy, u, xu, yu;
};

static void add_node(struct plane_sums *s, double w, double dx, double dy, double log_u)
{
	s->w += w;
	s->x += w * dx;
	s->y += w * dy;
	s->xx += w * dx * dx;
	s->xy += w * dx * dy;
	s->yy += w * dy * dy;
	s->u += w * log_u;
	s->xu += w * dx * log_u;
	s->yu += w * dy * log_u;
}

/* A little of the slopes' own size is added to their equations: where the near points lie on a line, the slope across
 * it stays small, and the value is their weighted mean. */
static double plane_value(const struct plane_sums *s)
{
	const double mx = s->x / s->w, my = s->y / s->w, mu = s->u / s->w;
	const double ridge = 0.001 * (s->xx + s->yy);
	const double xx = s->xx - s->x * mx + ridge, yy = s->yy - s->y * my + ridge, xy = s->xy - s->x * my;
	const double xu = s->xu - s->x * mu, yu = s->yu - s->y * mu;
	const double det = xx * yy - xy * xy;
	const double b = (xu * yy - yu * xy) / det, c = (yu * xx - xu * xy) / det;

	return mu - b * mx - c * my;
}

/* Sets *nearest to the distance of the nearest point. The value stays between the least and the largest measured. */
static double on_plane(const struct util_table *t, double x, double y, double *nearest)
{
	struct plane_sums s = {0};
	double at = 0, here = 0, d2_least = INFINITY, lo = INFINITY, hi = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct node *p = &t->nodes[i];
		const double d2 = distance2(p, x, y);

		d2_least = fmin(d2_least, d2);
		lo = fmin(lo, t->points[i].u);
		hi = fmax(hi, t->points[i].u);
		if (d2 < 1e-12) {
			at += t->points[i].u;
			here++;
		} else {
			add_node(&s, 1 / (d2 * d2 * d2), p->x - x, p->y - y, p->log_u);
		}
	}
	*nearest = sqrt(d2_least);
	return here > 0 ? at / here : fmin(fmax(exact_exp(plane_value(&s)), lo), hi);
}

/* Of two shapes with the same weights, the one of more rows does not take less time than both that were measured about it:
 * a utilisation that doubles with the rows is a time that stays, and interpolated in their logarithm it would be up to 6 %
 * shorter between. lo, hi: utilisations at the measured rows (or volumes) below and above x, which are at axis->x[i] and
 * the next. */
static double held_between(const struct axis *axis, size_t i, double x, double u, double lo, double hi)
{
	const double below = lo * exact_exp(x - axis->x[i]), above = hi * exact_exp(x - axis->x[i + 1]);

	return fmax(fmin(u, fmax(below, above)), fmin(below, above));
}

/* Sets *i to the interval of the axis that x lies within; false at its ends and on its points. */
static bool interval_of(const struct axis *axis, double x, size_t *i)
{
	for (*i = 0; *i + 1 < axis->n; ++*i)
		if (x > axis->x[*i] && x < axis->x[*i + 1])
			return true;
	return false;
}

static struct util at_plane(const struct util_table *t, double rows, double width)
{
	const double x = exact_log(rows), y = exact_log(width), widest = 0.5;
	const bool within = inside(&t->rows, x) && inside(&t->width, y);
	struct util r = label(t, rows, width, within);
	double nearest, ignored;
	size_t i;

	r.u = on_plane(t, hold(&t->rows, x), hold(&t->width, y), &nearest);
	if (interval_of(&t->rows, x, &i))
		r.u = held_between(&t->rows, i, x, r.u,
				   on_plane(t, t->rows.x[i], hold(&t->width, y), &ignored),
				   on_plane(t, t->rows.x[i + 1], hold(&t->width, y), &ignored));
	if (r.provenance != PROVENANCE_MEASURED && nearest > t->spacing)
		r.spread = fmax(r.spread, fmin(r.spread * nearest / t->spacing, widest));
	return r;
}

static double on_grid(const struct util_table *t, double x, double y)
{
	return gsl_interp2d_eval(&t->plane, t->rows.x, t->width.x, t->u, hold(&t->rows, x),
				 hold(&t->width, y), NULL, NULL);
}

static struct util at_grid(const struct util_table *t, double rows, double width)
{
	const double x = exact_log(rows), y = exact_log(width);
	struct util r = label(t, rows, width, inside(&t->rows, x) && inside(&t->width, y));
	size_t i;

	r.u = on_grid(t, x, y);
	if (interval_of(&t->rows, x, &i))
		r.u = held_between(&t->rows, i, x, r.u, on_grid(t, t->rows.x[i], y),
				   on_grid(t, t->rows.x[i + 1], y));
	return r;
}

static struct util at_line(const struct util_table *t, double rows, double width)
{
	const double v =
		exact_log(rows * width); /* not the sum of two logarithms, which may round past the edge */
	struct util r = label(t, rows, width, inside(&t->volume, v));
	size_t i;

	r.u = t->volume.n == 1 ? t->u[0]
			       : gsl_interp_eval(&t->line, t->volume.x, t->u, hold(&t->volume, v), NULL);
	if (interval_of(&t->volume, v, &i))
		r.u = held_between(&t->volume, i, v, r.u, t->u[i], t->u[i + 1]);
	return r;
}

struct util util_at(const struct util_table *t, double rows, double width)
{
	switch (t->law) {
	case LAW_FLAT:
		return t->flat;
	case LAW_GRID:
		return at_grid(t, rows, width);
	case LAW_PLANE:
		return at_plane(t, rows, width);
	case LAW_LINE:
		return at_line(t, rows, width);
	}
	BUG("law of a table %d", (int)t->law);
}
