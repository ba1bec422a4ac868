/*
 * textsize.h - the width of a text in a picture, before it is drawn.
 *
 * Layer draw; pure. Widths are those of DejaVu Sans, the widest font that `dot` or a browser uses in place
 * of Helvetica, so a text that fits by these widths always fits. Sizes and widths are in points.
 */
#ifndef SIM_DRAW_TEXTSIZE_H
#define SIM_DRAW_TEXTSIZE_H
#include <stdbool.h>

#include "sim/base/str.h"

double textsize_width(const char *utf8, double size, bool bold);

/* Appends as much of the text as fits into `room`, with an ellipsis if it was shortened. Returns false if
 * it was. */
bool textsize_shorten(struct str *out, const char *utf8, double room, double size, bool bold);

#endif
