/*
 * time_axis.h - the time axis of a schedule or a time line: positions, grid and numbers.
 *
 * Layer draw.
 */
#ifndef SIM_DRAW_TIME_AXIS_H
#define SIM_DRAW_TIME_AXIS_H
#include "sim/des/evq.h"
#include "sim/draw/canvas.h"

struct time_axis {
	sim_ns from_ns, to_ns; /* the window, not empty */
	double left, width;    /* in points */
	double gutter;         /* between the plot and what stands beside it */
};

double time_axis_at(const struct time_axis *a, sim_ns at_ns);

/* Draws grid lines from top to bottom and numbers below. Ticks are absolute, or count from the start of a
 * window that begins late, so that labels stay short. */
void time_axis_draw(struct canvas *c, const struct time_axis *a, double top, double bottom);

/* The smallest of 1, 2 and 5 times a power of ten that gives at most twelve steps. */
sim_ns time_axis_tick(sim_ns span_ns, int most);

void time_axis_add(struct str *out, sim_ns ns); /* appends "1.234 ms" */

#endif
