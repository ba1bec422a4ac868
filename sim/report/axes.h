/*
 * axes.h - logarithmic axes of a picture: their ranges, grid and numbers, and the position of a value.
 *
 * Layer report.
 */
#ifndef SIM_REPORT_AXES_H
#define SIM_REPORT_AXES_H
#include "sim/report/canvas.h"

struct axis {
	double low, high; /* values at the ends, rounded outwards to 1, 2 or 5 times a power of ten */
	double from, to;  /* positions of low and high, in points */
	double unit;      /* value of the number 1 in a label */
};

struct axis axis_over(double low, double high);
double axis_even(double value); /* 1, 2 or 5 times a power of ten, at or above the value; 1 for 0 */
double axis_at(const struct axis *a, double value); /* position of a value in points, clamped to the axis */

/* Draws the frame, the grid and the numbers of both axes. The canvas must be opened with lines_first. */
void axes_draw(struct canvas *c, const struct axis *x, const struct axis *y);

#endif
