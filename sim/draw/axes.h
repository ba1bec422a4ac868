/*
 * axes.h - axes of a picture, logarithmic or linear: their ranges, grid and numbers, and positions of values.
 *
 * Layer draw.
 */
#ifndef SIM_DRAW_AXES_H
#define SIM_DRAW_AXES_H
#include <stdbool.h>

#include "sim/draw/canvas.h"

struct axis {
	double low, high; /* values at the ends, rounded outwards */
	double from, to;  /* positions of low and high, in points */
	double unit;      /* value of the number 1 in a label */
	double step;      /* the distance of a linear axis' numbers; 0: the axis is logarithmic */
};

/* Logarithmic, between 1, 2 or 5 times a power of ten; 0 < low <= high. */
struct axis axis_over(double low, double high);
/* Linear, with some six numbers; low <= high. */
struct axis axis_linear(double low, double high);
/* Logarithmic if no value is negative and the greatest is more than `ratio` times the least positive one; zeros
 * are then at the lower end. Linear from 0 otherwise. Values that are not finite do not count; 0 to 1 without
 * any. */
struct axis axis_for(const double *values, size_t n, double ratio);
double axis_even(double value); /* 1, 2 or 5 times a power of ten, at or above the value; 1 for 0 */
double axis_at(const struct axis *a, double value); /* position of a value in points, clamped to the axis */

/* Draws the frame, the grid and the numbers of both axes. The canvas must be opened with lines_first. */
void axes_draw(struct canvas *c, const struct axis *x, const struct axis *y);
/* The grid and the numbers of one; upright: its numbers are at the left of the other's beginning. */
void axis_draw(struct canvas *c, const struct axis *a, bool upright, const struct axis *other);
void axes_frame(struct canvas *c, const struct axis *x, const struct axis *y);

#endif
