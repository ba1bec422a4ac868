/*
 * strips.h - how full something is over time, as areas under the lanes of a schedule's picture.
 *
 * Layer report.
 */
#ifndef SIM_REPORT_STRIPS_H
#define SIM_REPORT_STRIPS_H
#include "sim/report/canvas.h"
#include "sim/report/schedule.h"

struct strip_frame { /* where they lie: points, as the picture's */
	const struct schedule *s;
	double left, top, width, names_w, gutter;
};

double strips_height(size_t n); /* room that n strips take, 0 for none */
void strip_draw(struct canvas *c, const struct strip_frame *f, size_t i);

#endif
