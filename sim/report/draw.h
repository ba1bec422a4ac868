/*
 * draw.h - DOT text into svg, png or pdf by the installed `dot` program: nothing of Graphviz is linked.
 *
 * Layer report; the only file that starts a process.
 */
#ifndef SIM_REPORT_DRAW_H
#define SIM_REPORT_DRAW_H
#include <stdbool.h>

#include "sim/base/err.h"

/* Which format a file name asks for: "svg", "png", "pdf", "dot"; NULL for any other suffix. */
const char *draw_format(const char *path);

/* Writes the picture to path by way of a temporary file; format "dot" writes the text itself. The DOT text is
 * the standard input of `dot -Kneato -n2 -T<format>`; a PNG has 144 dpi, or fewer where it would be too
 * large. Errors: dot not installed (the hint says how), dot failed (its last line), file exists. */
int draw_write(const char *path, const char *dot_text, bool force, struct err *err);

#endif
