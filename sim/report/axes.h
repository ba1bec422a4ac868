/*
 * axes.h - two logarithmic axes: their ranges, their grid, and where a value lies.
 *
 * Layer report.
 */
#ifndef SIM_REPORT_AXES_H
#define SIM_REPORT_AXES_H
#include "sim/report/canvas.h"

struct axis {
	double low, high; /* values at the ends, rounded outwards to 1, 2 or 5 times a power of ten */
	double from, to;  /* points: where low and high lie */
	double unit;      /* what a label's 1 stands for */
};

struct axis axis_over(double low, double high);
double axis_at(const struct axis *a, double value); /* held at the ends */

/* Frame, grid and the numbers along both axes. Lines: for a canvas whose lines come first. */
void axes_draw(struct canvas *c, const struct axis *x, const struct axis *y);

#endif
