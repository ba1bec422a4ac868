/*
 * canvas.h - a picture as DOT text: shapes, text and lines, each pinned where the caller says.
 *
 * Layer report. Made for `dot -Kneato -n2`, which draws positions as they are. Points (1/72 inch); x grows to
 * the right and y downwards from the top left corner. Every text is escaped here; bad UTF-8 becomes U+FFFD.
 * The picture's size stands in the graph attribute bb, from which draw.c sees what a PNG would measure.
 */
#ifndef SIM_REPORT_CANVAS_H
#define SIM_REPORT_CANVAS_H
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
	struct str *out; /* borrowed; private, as all below */
	double height;
	size_t n;
};

struct ink {
	const char *shape; /* of Graphviz; NULL: a box */
	const char *fill;  /* NULL: not filled */
	const char *line;  /* NULL: no outline */
	double pen;        /* width of the outline */
	const char *text;  /* in the middle of it, or NULL; the caller sees to it that it fits */
	double text_size;
};

struct type {
	double size;
	bool bold;
	char align; /* 'l' the text starts at x, 'r' it ends there, 'c' it is centred */
	const char *color;
};

struct stroke {
	const char *color;
	double width;
	bool dashed;
	double arrow; /* length of the arrowhead; 0: none */
};

/* lines_first: lines lie under all shapes and texts; otherwise above them. Of one sort, later ones lie above.
 */
void canvas_open(struct canvas *c, struct str *out, double width, double height, bool lines_first);
void canvas_close(struct canvas *c);

/* A tooltip (SVG) may be NULL and may hold '\n'. */
void canvas_shape(struct canvas *c, struct rect at, const struct ink *ink, const char *tooltip);
void canvas_text(struct canvas *c, struct point at, const struct type *type, const char *text,
		 const char *tooltip); /* at.y: the middle of the line */
/* Cut where the room ends, with all of it in the tooltip if it was. */
void canvas_text_in(struct canvas *c, struct point at, const struct type *type, const char *text,
		    double room);
void canvas_line(struct canvas *c, struct point from, struct point to, const struct stroke *stroke,
		 const char *tooltip);
void canvas_curve(struct canvas *c, const struct point bezier[4], const struct stroke *stroke,
		  const char *tooltip); /* an arrow's tip is bezier[3] */

#endif
