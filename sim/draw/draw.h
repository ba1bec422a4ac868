/*
 * draw.h - renders DOT text to svg, png or pdf with the installed program `dot`; Graphviz is not linked.
 *
 * Layer draw; the only file that starts a process.
 */
#ifndef SIM_DRAW_DRAW_H
#define SIM_DRAW_DRAW_H
#include <stdbool.h>

#include "sim/base/err.h"
#include "sim/base/str.h"

/* The format that a file name asks for: "svg", "png", "pdf", "dot"; NULL for any other suffix. */
const char *draw_format(const char *path);

/* dot takes a few seconds for the largest pictures tried; a dot that hangs should not hold the user longer. */
enum { DRAW_LIMIT_S = 60 };

/* Writes the picture to path through a temporary file; format "dot" writes the text itself. `dot -Kneato
 * -n2 -T<format>` reads the DOT text from its standard input; a PNG has 144 dpi, or fewer if it would be
 * too large. After limit_s seconds dot is killed with all processes that it started, and also when SIGINT,
 * SIGTERM or SIGHUP arrives while the caller blocks them; the signal is passed on to dot and stays pending
 * for the caller. Returns 0, or -1 with err: dot is not installed (the hint says how to install it), dot
 * failed (with its last line), dot took too long, the file exists. On error nothing is written to path. */
int draw_write_within(const char *path, const char *dot_text, bool force, int limit_s, struct err *err);

/* with a limit of DRAW_LIMIT_S */
int draw_write(const char *path, const char *dot_text, bool force, struct err *err);

/* Appends the picture as SVG, for a page with the rules for dark screens. 0, or -1 with err, and nothing is appended. */
int draw_svg(struct str *out, const char *dot_text, struct err *err);
/* The same bytes that draw_write() writes to a file. */
int draw_svg_alone(struct str *out, const char *dot_text, struct err *err);

#endif
