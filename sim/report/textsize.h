/*
 * textsize.h - how wide a text will be in a picture, before anyone has drawn it.
 *
 * Layer report; pure. Measured in DejaVu Sans, the widest face that `dot` or a browser puts in Helvetica's
 * place: what fits here fits there. Sizes and widths in points.
 */
#ifndef SIM_REPORT_TEXTSIZE_H
#define SIM_REPORT_TEXTSIZE_H
#include <stdbool.h>

#include "sim/base/str.h"

double textsize_width(const char *utf8, double size, bool bold);

/* Appends as much of the text as fits into room, with an ellipsis where it was cut. False if it was cut. */
bool textsize_shorten(struct str *out, const char *utf8, double room, double size, bool bold);

#endif
