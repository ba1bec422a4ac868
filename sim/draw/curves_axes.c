/* curves_axes.c - see curves_axes.h. */
#include "sim/draw/curves_axes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"

/* Linear about the values, with room at both ends for a mark and its letter, where they lie within a small ratio. */
static struct axis axis_about(const double *values, size_t n, double ratio)
{
	const struct axis whole = axis_for(values, n, ratio);
	double low = INFINITY, high = -INFINITY;

	for (size_t i = 0; i < n; i++) {
		low = isfinite(values[i]) ? fmin(low, values[i]) : low;
		high = isfinite(values[i]) ? fmax(high, values[i]) : high;
	}
	if (!(whole.step > 0) || !(low > 0))
		return whole;
	return axis_linear(fmax(0, low - 0.1 * (high - low)), high + 0.1 * (high - low));
}

struct axis curves_y_axis(const struct curves *c, const struct panel *p)
{
	const size_t n = c->names_n * c->x_n;
	double *all = xcalloc(4 * n + 1, sizeof *all), most = -INFINITY;
	struct axis y;

	for (size_t i = 0; i < n; i++) {
		const struct curve_point *at = &p->points[i];
		const bool has = at->state == CURVE_HAS;

		all[4 * i] = has ? at->value : (double)NAN;
		all[4 * i + 1] = has ? at->hi : (double)NAN;
		all[4 * i + 2] = has ? at->lo : (double)NAN;
		all[4 * i + 3] = has && c->names_n <= CURVES_FEW ? at->median : (double)NAN;
		most = fmax(most, has ? at->value : -INFINITY);
	}
	all[4 * n] = isfinite(most) && p->bound > 3 * most ? (double)NAN : p->bound;
	y = (p->about ? axis_about : axis_for)(all, 4 * n + 1, 20);
	free(all);
	return y;
}

/* Places that no two panels share: from 0, or logarithmic over a wide range. */
static struct axis own_axis(const struct curves *c, const struct panel *p)
{
	const size_t n = c->names_n * c->x_n;
	double *used = xcalloc(n + 1, sizeof *used), most = 0;
	struct axis x;

	for (size_t i = 0; i < n; i++) {
		used[i] = p->points[i].state == CURVE_HAS ? p->x[i] : (double)NAN;
		most = fmax(most, used[i]);
	}
	used[n] = p->about ? (double)NAN : most * 1.04; /* room for a letter */
	x = (p->about ? axis_about : axis_for)(used, n + 1, 30);
	free(used);
	return x;
}

struct axis curves_x_axis(const struct curves *c, const struct panel *p)
{
	struct axis x;

	if (p->x)
		return own_axis(c, p);

	if (c->x_named || c->x_n < 2)
		return (struct axis){
			.low = c->x[0] - 0.5, .high = c->x[c->x_n - 1] + 0.5, .unit = 1, .step = 1};
	x = axis_for(c->x, c->x_n, c->x_linear ? INFINITY : 8);
	if (x.step > 0) { /* the values' own ends, and a little room */
		const double room = 0.04 * (c->x[c->x_n - 1] - c->x[0]);

		x.low = c->x[0] < 4 * room ? x.low : c->x[0] - room;
		x.high = c->x[c->x_n - 1] + room;
	}
	return x;
}

double panel_unit(const struct panel *p, size_t points_n, const char **unit)
{
	double most = isfinite(p->bound) ? p->bound : 0;

	for (size_t i = 0; i < points_n; i++)
		if (p->points[i].state == CURVE_HAS)
			most = fmax(most, p->points[i].value);
	*unit = p->unit;
	if (strcmp(p->unit, "s") != 0 || most >= 1 || most <= 0)
		return 1;
	*unit = most >= 1e-3 ? "ms" : "\xc2\xb5s";
	return most >= 1e-3 ? 1e-3 : 1e-6;
}

char curve_letter(size_t curve)
{
	return (char)(curve < 26 ? 'A' + (int)curve : curve < 52 ? 'a' + (int)(curve - 26) : '*');
}
