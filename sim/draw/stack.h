/*
 * stack.h - a row of a picture over time: layers that stand on each other, with a height for each step.
 *
 * Layer draw.
 */
#ifndef SIM_DRAW_STACK_H
#define SIM_DRAW_STACK_H
#include "sim/draw/canvas.h"

enum { STACK_STEPS = 432, STACK_LAYERS = 3 };

struct stack_look {
	const char *fill, *line;
	const char *letter; /* drawn in the layer where it has room */
	const char *word;   /* in a legend */
};

struct stack {
	double left[STACK_STEPS + 1];          /* each step's left edge, and the end of the last; in points */
	double top[STACK_LAYERS][STACK_STEPS]; /* upper edge of each layer above the row's bottom */
	size_t n, layers;
	double bottom, height;
	const int *look; /* for each layer: an index of the looks */
};

/* Fills the layers. seen[look] becomes true where a layer of that look has any height. */
void stack_draw(struct canvas *c, const struct stack *s, const struct stack_look *looks, bool *seen);

#endif
