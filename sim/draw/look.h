/*
 * look.h - how a reader asks a picture to look, and the colours of things that have no kind: curves, devices, cells.
 *
 * Layer draw. Colour is for a screen, grey has greys alone, and print has colours that can be told apart as greys too.
 */
#ifndef SIM_DRAW_LOOK_H
#define SIM_DRAW_LOOK_H
#include <stdbool.h>
#include <stddef.h>

#include "sim/draw/canvas.h"

enum picture_style { STYLE_COLOUR, STYLE_GREY, STYLE_PRINT, STYLE_N };
extern const char *const picture_style_names[STYLE_N + 1]; /* NULL-terminated */

/* Zeros stand for the usual. */
struct picture_look {
	enum picture_style style;
	double width; /* of the picture, in points; 0: 1,100 */
	double font_size; /* of the numbers at axes; 0: 8.5, or less in a narrow picture, down to what can be read */
	const char *title;   /* in place of the picture's own; NULL: its own */
	const char *caption; /* a paragraph below the picture; NULL: none */
	bool no_title;
};

/* Dark colours of lines and marks; from number look_hues(style) on they come again. In STYLE_GREY and STYLE_PRINT the
 * greys of those before are LOOKS_APART of 255 apart. */
const char *look_hue(enum picture_style style, size_t i);
size_t look_hues(enum picture_style style);
/* Pale colours of surfaces with black letters on them, likewise. */
const char *look_tint(enum picture_style style, size_t i);
size_t look_tints(enum picture_style style);
enum { LOOKS_APART = 25 };

/* Of a limit's line: a red, in STYLE_GREY black. */
const char *look_limit(enum picture_style style);
/* "#000000" or "#ffffff": whichever can be read on a colour, "#rrggbb". */
const char *look_text_on(const char *color);

/* How wide to draw a picture, in points before look_open() scales them: less than 1,100 of a narrow picture, whose letters
 * would be too small if it were scaled down further. */
double look_page(const struct picture_look *look);
enum { LOOK_WIDTH = 1100 }; /* in points, where none is said */
bool look_has_room(const struct picture_look *look);
/* The narrowest picture that there is room for in letters of that size, 0: the usual. */
double look_least_width(double font_size);

struct look_frame {
	double width, height;         /* as it is drawn, with a line for the title and one for the subtitle */
	bool lines_first;             /* as of canvas_open() */
	const char *title, *subtitle; /* subtitle: NULL or empty: there is none */
};

/* Begins a picture, as large as it is asked to be and with room for the caption, and draws its head: the title, or the one
 * in its place, and the subtitle; neither where none is wanted. Where they take more lines, all that is drawn later moves
 * down. */
void look_open(const struct picture_look *look, struct canvas *c, struct str *out,
	       const struct look_frame *frame);
/* Draws the caption and ends the picture. width, height: as at look_open(). */
void look_close(const struct picture_look *look, struct canvas *c, double width, double height);

#endif
