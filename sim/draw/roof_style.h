/*
 * roof_style.h - how the devices of a roofline are told apart: by colour, and by letters where colours do not do.
 *
 * Layer draw; for roofline.c.
 */
#ifndef SIM_DRAW_ROOF_STYLE_H
#define SIM_DRAW_ROOF_STYLE_H
#include "sim/draw/roofline.h"

const char *roof_color(const struct roofline *r, size_t roof);
const char *roof_text_color(const struct roofline *r, size_t roof); /* of a letter on that colour */

/* The line of its roof: solid for as many devices as there are colours, then in dashes, in dots, and wide. */
struct stroke roof_stroke(const struct roofline *r, size_t roof);

/* Whether devices have letters: there are more of them than colours, or the picture is for a printer without colour. */
bool roofs_are_marked(const struct roofline *r);

struct roof_mark {
	char text[4];
};
/* "A" to "Z", then "A2": different for each of 64 devices; empty where they are not marked. */
struct roof_mark roof_mark(const struct roofline *r, size_t roof);
/* The name, behind its letter: "A  m5.gpu (Apple M5)". */
void roof_add_name(struct str *out, const struct roofline *r, size_t roof, double width, double size,
		   bool bold);

#endif
