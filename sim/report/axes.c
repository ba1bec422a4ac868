/* axes.c - see axes.h. */
#include "sim/report/axes.h"
#include "sim/base/exact_math.h"

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

struct axis axis_over(double low, double high)
{
	const double l = decade(low), h = decade(high);

	return (struct axis){.low = low >= 5 * l   ? 5 * l
				    : low >= 2 * l ? 2 * l
						   : l,
			     .high = high <= h       ? h
				     : high <= 2 * h ? 2 * h
				     : high <= 5 * h ? 5 * h
						     : 10 * h,
			     .to = 1.0,
			     .unit = 1.0};
}

double axis_at(const struct axis *a, double value)
{
	const double held = fmin(fmax(value, a->low), a->high);

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

/* Draws one axis: a line at 1 to 9 of each decade; numbers at 1, and at 2 and 5 if a decade is wide
 * enough. */
static void draw_axis(struct canvas *c, const struct axis *a, bool upright, const struct axis *other)
{
	const double decade_pt = fabs(a->to - a->from) / exact_log10(a->high / a->low);

	for (double ten = decade(a->low); ten <= a->high; ten *= 10.0) {
		for (int k = 1; k < 10; k++) {
			const double value = k * ten, at = axis_at(a, value);
			const struct stroke stroke = {.color = k == 1 ? "#d4d6d8" : "#eff0f1",
						      .width = k == 1 ? 0.8 : 0.5};

			if (value < a->low * 0.999 || value > a->high * 1.001)
				continue;
			canvas_line(c,
				    upright ? (struct point){other->from, at}
					    : (struct point){at, other->from},
				    upright ? (struct point){other->to, at} : (struct point){at, other->to},
				    &stroke, NULL);
			if (k == 1 || (decade_pt > 100.0 && (k == 2 || k == 5)))
				draw_number(c, a, upright, value, other->from);
		}
	}
}

void axes_draw(struct canvas *c, const struct axis *x, const struct axis *y)
{
	const struct stroke frame = {.color = "#b5b8ba", .width = 0.8};
	const struct point corner[4] = {
		{x->from, y->from}, {x->to, y->from}, {x->to, y->to}, {x->from, y->to}};

	draw_axis(c, x, false, y);
	draw_axis(c, y, true, x);
	for (int i = 0; i < 4; i++)
		canvas_line(c, corner[i], corner[(i + 1) % 4], &frame, NULL);
}
