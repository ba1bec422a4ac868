/* util.c - see util.h. */
#include "sim/cost/util.h"

#include <gsl/gsl_interp.h>
#include <gsl/gsl_interp2d.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"

/* What interpolation may miss between points, and what holding at the edge may; relative. */
static const double between_spread = 0.06, beyond_spread = 0.15;

struct axis {
	double *x; /* ascending logarithms, distinct */
	size_t n;
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
		axis.x[i] = log(of(&p[i]));
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

/* u at each place of the grid: the mean of the points there (the same shape may be measured twice); NAN where
 * none. */
static double *lay_out(struct arena *a, const struct util_point *p, size_t n, const struct axis *ax,
		       const struct axis *ay, double (*x_of)(const struct util_point *),
		       double (*y_of)(const struct util_point *))
{
	const size_t cells = ax->n * (ay ? ay->n : 1);
	double *u = arena_array(a, cells, sizeof *u), *count = arena_array(a, cells, sizeof *count);

	for (size_t i = 0; i < n; i++) {
		const double x = log(x_of(&p[i])), y = ay ? log(y_of(&p[i])) : 0;
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

static double along_line(const struct axis *axis, const double *u, double x)
{
	gsl_interp *line;
	double y;

	if (axis->n == 1)
		return u[0];
	line = gsl_interp_alloc(gsl_interp_linear, axis->n);
	gsl_interp_init(line, axis->x, u, axis->n);
	y = gsl_interp_eval(line, axis->x, u, hold(axis, x), NULL);
	gsl_interp_free(line);
	return y;
}

static double over_grid(const struct axis *ax, const struct axis *ay, const double *u, double x, double y)
{
	gsl_interp2d *plane = gsl_interp2d_alloc(gsl_interp2d_bilinear, ax->n, ay->n);
	double z;

	gsl_interp2d_init(plane, ax->x, ay->x, u, ax->n, ay->n);
	z = gsl_interp2d_eval(plane, ax->x, ay->x, u, hold(ax, x), hold(ay, y), NULL, NULL);
	gsl_interp2d_free(plane);
	return z;
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

/* The label and the spread: those of a point of just this shape, or those of standing between or beyond
 * points. */
static struct util label(const struct util_point *p, size_t n, double rows, double width, bool within)
{
	struct util r = {.spread = within ? between_spread : beyond_spread,
			 .how = within ? HOW_INTERPOLATED : HOW_TRANSFERRED};

	for (size_t i = 0; i < n; i++)
		if (p[i].rows == rows && p[i].width == width)
			return (struct util){.spread = p[i].spread, .how = p[i].how};
	for (size_t i = 0; i < n; i++) {
		r.spread = fmax(r.spread, p[i].spread);
		r.how = how_worse(r.how, p[i].how);
	}
	return r;
}

struct util util_at(const struct util_point *p, size_t n, double rows, double width)
{
	struct arena scratch = ARENA_INIT;
	const struct axis ax = distinct(&scratch, p, n, rows_of), ay = distinct(&scratch, p, n, width_of);
	const double *grid =
		ax.n > 1 && ay.n > 1 ? lay_out(&scratch, p, n, &ax, &ay, rows_of, width_of) : NULL;
	const double x = log(rows), y = log(width);
	struct util r;

	if (grid && full(grid, ax.n * ay.n)) {
		r = label(p, n, rows, width, inside(&ax, x) && inside(&ay, y));
		r.u = over_grid(&ax, &ay, grid, x, y);
	} else {
		const struct axis volume = distinct(&scratch, p, n, volume_of);
		const double *u = lay_out(&scratch, p, n, &volume, NULL, volume_of, NULL);
		const double v = log(rows * width); /* not x + y, which may round past the edge */

		r = label(p, n, rows, width, inside(&volume, v));
		r.u = along_line(&volume, u, v);
	}
	arena_release(&scratch);
	return r;
}
