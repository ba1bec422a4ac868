/* util.c - see util.h. */
#include "sim/cost/util.h"
#include "sim/base/exact_math.h"

#include <gsl/gsl_interp.h>
#include <gsl/gsl_interp2d.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Relative errors of interpolation between points, and of the constant beyond the edge. */
static const double between_spread = 0.06, beyond_spread = 0.15;

struct axis {
	double *x; /* ascending logarithms, distinct */
	size_t n;
};

/* GSL's linear and bilinear interpolations keep no state: their handles are made in place. */
struct util_table {
	const struct util_point *points;
	size_t n; /* 0: constant */
	struct util flat;
	bool grid;
	struct axis rows, width; /* for points on a grid */
	struct axis volume;      /* for other points */
	const double *u;         /* at each node of the grid or of the axis */
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
static struct util off_points(const struct util_point *p, size_t n, double spread, enum provenance provenance)
{
	struct util r = {.spread = spread, .provenance = provenance};

	for (size_t i = 0; i < n; i++) {
		r.spread = fmax(r.spread, p[i].spread);
		r.provenance = provenance_worse(r.provenance, p[i].provenance);
	}
	return r;
}

static bool lay_grid(struct arena *a, struct util_table *t)
{
	const struct axis ax = distinct(a, t->points, t->n, rows_of),
			  ay = distinct(a, t->points, t->n, width_of);
	double *u;

	if (ax.n < 2 || ay.n < 2)
		return false;
	u = lay_out(a, t->points, t->n, &ax, &ay, rows_of, width_of);
	if (!full(u, ax.n * ay.n))
		return false;
	t->rows = ax;
	t->width = ay;
	t->u = u;
	t->plane = (gsl_interp2d){.type = gsl_interp2d_bilinear, .xsize = ax.n, .ysize = ay.n};
	gsl_interp2d_init(&t->plane, ax.x, ay.x, u, ax.n, ay.n);
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

struct util_table *util_table(struct arena *a, const struct util_point *points, size_t n)
{
	struct util_table *t = arena_alloc(a, sizeof *t);
	struct util_point *kept = arena_array(a, n, sizeof *kept);

	memcpy(kept, points, n * sizeof *kept);
	t->points = kept;
	t->n = n;
	t->grid = lay_grid(a, t);
	if (!t->grid)
		lay_line(a, t);
	t->between = off_points(kept, n, between_spread, PROVENANCE_INTERPOLATED);
	t->beyond = off_points(kept, n, beyond_spread, PROVENANCE_TRANSFERRED);
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

struct util util_at(const struct util_table *t, double rows, double width)
{
	struct util r;
	double v;

	if (!t->n)
		return t->flat;
	if (t->grid) {
		const double x = exact_log(rows), y = exact_log(width);

		r = label(t, rows, width, inside(&t->rows, x) && inside(&t->width, y));
		r.u = gsl_interp2d_eval(&t->plane, t->rows.x, t->width.x, t->u, hold(&t->rows, x),
					hold(&t->width, y), NULL, NULL);
		return r;
	}
	v = exact_log(rows * width); /* not the sum of two logarithms, which may round past the edge */
	r = label(t, rows, width, inside(&t->volume, v));
	r.u = t->volume.n == 1 ? t->u[0]
			       : gsl_interp_eval(&t->line, t->volume.x, t->u, hold(&t->volume, v), NULL);
	return r;
}
