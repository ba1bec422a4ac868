/*
 * arrows.h - the arrows of a schedule's picture: from the bar that another bar of another lane waited for.
 *
 * Layer draw. Waits between the same two bars are one arrow. Of arrows between the same two lanes that arrive nearer to
 * each other than ARROW_GAP_PT, the first is drawn. Arrows of one kind are all left out where they are too many to be read.
 */
#ifndef SIM_DRAW_ARROWS_H
#define SIM_DRAW_ARROWS_H
#include "sim/draw/bars.h"

#define ARROW_GAP_PT 2.0

struct arrow {
	size_t from, to; /* indices of bars */
	bool critical;   /* both ends are on the critical path */
};

struct arrows {
	struct arrow *at; /* those to draw, in the order of the boxes that waited; owned */
	size_t n, left_out;
};

void arrows_init(struct arrows *a, const struct schedule *s, const struct bars *bars, double pt_per_ns);
void arrows_release(struct arrows *a);

#endif
