/*
 * canvas.h - a picture as DOT text: shapes, texts and lines at positions that the caller sets.
 *
 * Layer draw. The text is for `dot -Kneato -n2`, which keeps positions. Units are points (1/72 inch); x
 * grows to the right and y downwards from the top left corner. Every text is escaped here; invalid UTF-8
 * becomes U+FFFD. The size of the picture is in the graph attribute bb, from which draw.c computes the size
 * of a PNG.
 */
#ifndef SIM_DRAW_CANVAS_H
#define SIM_DRAW_CANVAS_H
#include <stdbool.h>
#include <stddef.h>

#include "sim/base/str.h"

struct point {
	double x, y;
};

struct rect {
	double x, y, w, h; /* x, y: the top left corner */
};

struct canvas {
	struct str *out; /* borrowed; private, like the fields below */
	double height, scale;
	size_t n;
	struct str areas; /* drawing operations of xdot, written by canvas_close() */
};

struct ink {
	const char *shape; /* Graphviz's name of the shape; NULL: a box */
	const char *fill;  /* NULL: not filled */
	const char *line;  /* NULL: no outline */
	double pen;        /* width of the outline */
	const char *text;  /* centred text, or NULL; the caller makes sure that it fits */
	double text_size;
	const char *text_color; /* NULL: black */
	const char *class_name; /* of its element in an SVG; NULL: none */
};

struct type {
	double size;
	bool bold;
	char align; /* 'l': the text begins at x, 'r': it ends there, 'c': it is centred */
	const char *color;
};

struct stroke {
	const char *color;
	double width;
	bool dashed, dotted;
	double arrow;           /* length of the arrowhead; 0: none */
	const char *class_name; /* as of struct ink */
};

/* Begins a picture whose lengths, all of them, are multiplied by a scale. lines_first: all lines are below all shapes and
 * texts, otherwise above them; of two elements of one sort the later one is above. paper: it is to be printed, so that an SVG
 * keeps its colours on a dark screen. */
void canvas_open(struct canvas *c, struct str *out, double width, double height, bool lines_first,
		 double scale, bool paper);
void canvas_close(struct canvas *c);
/* Moves the origin of all that is drawn from now on down by `by` points. */
void canvas_move_down(struct canvas *c, double by);

/* Draws a shape. The tooltip (SVG only) may be NULL and may contain '\n'. */
void canvas_shape(struct canvas *c, struct rect at, const struct ink *ink, const char *tooltip);
void canvas_text(struct canvas *c, struct point at, const struct type *type, const char *text,
		 const char *tooltip); /* at.y: the middle of the line */
/* Draws a text shortened to the room; if it was shortened, the tooltip has the whole text. */
void canvas_text_in(struct canvas *c, struct point at, const struct type *type, const char *text,
		    double room);
/* Fills a polygon. Areas are below everything else, the later above the earlier, whatever they are drawn
 * between. The colour may have an alpha value: "#0072b230". */
void canvas_area(struct canvas *c, const struct point *corners, size_t n, const char *fill);
void canvas_line(struct canvas *c, struct point from, struct point to, const struct stroke *stroke,
		 const char *tooltip);
void canvas_curve(struct canvas *c, const struct point bezier[4], const struct stroke *stroke,
		  const char *tooltip); /* the tip of the arrow is bezier[3] */

#endif
