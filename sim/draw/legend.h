/*
 * legend.h - the legend of a picture: a swatch or a piece of a line, and its word, in centred rows.
 *
 * Layer draw.
 */
#ifndef SIM_DRAW_LEGEND_H
#define SIM_DRAW_LEGEND_H
#include "sim/draw/canvas.h"

struct legend_entry {
	struct ink ink;       /* the colour of the swatch, or of the mark on the line */
	const char *text;     /* shortened to the room if need be */
	struct stroke stroke; /* width 0: no line, a swatch */
};

/* Draws entries around the middle of a width, in as many rows as they need; y is the middle of the first row.
 * Returns the number of rows. c may be NULL: nothing is drawn, the rows are counted. */
size_t legend_draw(struct canvas *c, const struct legend_entry *entries, size_t n, double left, double width,
		   double y);
extern const double legend_row_h;

#endif
