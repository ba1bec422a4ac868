/* axes.c - see axes.h. */
#include "sim/base/exact_math.h"
#include "sim/draw/axes.h"

#include <math.h>

static const struct type numbers = {.size = 9, .align = 'c', .color = "#5a5a5a"};

/* The power of ten at or below the value, by multiplication only, so that it is the same on every machine. */
static double decade(double value)
{
	double ten = 1.0;

	while (ten > value)
		ten /= 10.0;
	while (ten * 10.0 <= value)
		ten *= 10.0;
	return ten;
}

double axis_even(double value)
{
	const double ten = value > 0 ? decade(value) : 1;

	return value <= ten ? ten : value <= 2 * ten ? 2 * ten : value <= 5 * ten ? 5 * ten : 10 * ten;
}

struct axis axis_over(double low, double high)
{
	const double l = decade(low);

	return (struct axis){.low = low >= 5 * l   ? 5 * l
				    : low >= 2 * l ? 2 * l
						   : l,
			     .high = axis_even(high),
			     .to = 1.0,
			     .unit = 1.0};
}

struct axis axis_linear(double low, double high)
{
	const double span = high > low ? high - low : high != 0 ? fabs(high) : 1;
	const double step = axis_even(span / 6);

	high = fmax(high, low + span);
	low = floor(low / step) * step;
	return (struct axis){.low = low,
			     .high = fmax(ceil(high / step) * step, low + step),
			     .to = 1.0,
			     .unit = 1.0,
			     .step = step};
}

struct axis axis_for(const double *values, size_t n, double ratio)
{
	double least = INFINITY, low = INFINITY, high = -INFINITY; /* least: of the positive ones */

	for (size_t i = 0; i < n; i++) {
		if (!isfinite(values[i]))
			continue;
		low = fmin(low, values[i]);
		high = fmax(high, values[i]);
		least = values[i] > 0 ? fmin(least, values[i]) : least;
	}
	if (low > high)
		return axis_linear(0, 1);
	return low >= 0 && high > ratio * least ? axis_over(least, high) : axis_linear(fmin(low, 0), high);
}

double axis_at(const struct axis *a, double value)
{
	const double held = fmin(fmax(value, a->low), a->high);

	if (a->step > 0)
		return a->from + (a->to - a->from) * (held - a->low) / (a->high - a->low);
	return a->from + (a->to - a->from) * exact_log10(held / a->low) / exact_log10(a->high / a->low);
}

static void draw_number(struct canvas *c, const struct axis *a, bool upright, double value, double beside)
{
	struct type type = numbers;
	struct str text = STR_INIT;
	const double at = axis_at(a, value);

	type.align = upright ? 'r' : 'c';
	str_addf(&text, "%.6g", value / a->unit);
	canvas_text(c, upright ? (struct point){beside - 6, at} : (struct point){at, beside + 11}, &type,
		    text.text, NULL);
	str_release(&text);
}

static void draw_grid(struct canvas *c, const struct axis *a, bool upright, const struct axis *other,
		      double value, bool strong)
{
	const double at = axis_at(a, value);
	const struct stroke stroke = {.color = strong ? "#d4d6d8" : "#eff0f1", .width = strong ? 0.8 : 0.5};

	canvas_line(c, upright ? (struct point){other->from, at} : (struct point){at, other->from},
		    upright ? (struct point){other->to, at} : (struct point){at, other->to}, &stroke, NULL);
}

static void draw_linear(struct canvas *c, const struct axis *a, bool upright, const struct axis *other)
{
	const int n = (int)lround((a->high - a->low) / a->step);

	for (int i = 0; i <= n; i++) {
		const double value = a->low + i * a->step;

		draw_grid(c, a, upright, other, value, true);
		draw_number(c, a, upright, value, other->from);
	}
}

/* Numbers of a wide range stay apart: every second decade, or every third. */
static bool has_number(const struct axis *a, int k, double ten, double decade_pt)
{
	const int every = decade_pt > 13 ? 1 : decade_pt > 7 ? 2 : 3;

	if (k != 1)
		return decade_pt > 100.0 && (k == 2 || k == 5);
	return every == 1 || lround(exact_log10(ten / decade(a->low))) % every == 0;
}

/* A line at 1 to 9 of each decade; numbers at 1, and at 2 and 5 if a decade is wide enough. */
void axis_draw(struct canvas *c, const struct axis *a, bool upright, const struct axis *other)
{
	const double decade_pt = fabs(a->to - a->from) / exact_log10(a->high / a->low);

	if (a->step > 0) {
		draw_linear(c, a, upright, other);
		return;
	}
	for (double ten = decade(a->low); ten <= a->high; ten *= 10.0) {
		for (int k = 1; k < 10; k++) {
			const double value = k * ten;

			if (value < a->low * 0.999 || value > a->high * 1.001)
				continue;
			draw_grid(c, a, upright, other, value, k == 1);
			if (has_number(a, k, ten, decade_pt))
				draw_number(c, a, upright, value, other->from);
		}
	}
}

void axes_frame(struct canvas *c, const struct axis *x, const struct axis *y)
{
	const struct stroke frame = {.color = "#b5b8ba", .width = 0.8};
	const struct point corner[4] = {
		{x->from, y->from}, {x->to, y->from}, {x->to, y->to}, {x->from, y->to}};

	for (int i = 0; i < 4; i++)
		canvas_line(c, corner[i], corner[(i + 1) % 4], &frame, NULL);
}

void axes_draw(struct canvas *c, const struct axis *x, const struct axis *y)
{
	axis_draw(c, x, false, y);
	axis_draw(c, y, true, x);
	axes_frame(c, x, y);
}
