/*
 * kinds.h - how each kind of work looks in a schedule: a letter, a class for style sheets, and colours for a screen, for
 * grey paper, and for paper of either sort.
 *
 * Layer draw. A kind is never told by its colour alone.
 */
#ifndef SIM_DRAW_KINDS_H
#define SIM_DRAW_KINDS_H
#include "sim/draw/schedule.h"

struct kind_look {
	const char *fill, *line; /* "#rrggbb" */
	const char *text;        /* the colour of letters on the fill: black or white */
};

/* The look of a kind. In STYLE_GREY and STYLE_PRINT the greys of all kinds that can meet in one picture are at least
 * KINDS_APART of 255 apart. */
struct kind_look kind_look(enum picture_style style, enum box_kind kind);
enum { KINDS_APART = 25 };

/* The fill of shade 1 or 2 in STYLE_COLOUR; NULL: the kind has no shades. */
const char *kind_shade(enum box_kind kind, int shade);

/* "F"; of a transfer "T", but for boxes that have room to say what is sent. */
const char *kind_letter(enum box_kind kind);
const char *kind_class(enum box_kind kind); /* "weight-gradient" */
const char *kind_word(enum box_kind kind);  /* in the legend, beside the letter */

#endif
