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

enum { DRAW_LIMIT_S = 300 }; /* the largest pictures that were tried take a few seconds */

/* Writes the picture to path by way of a temporary file; format "dot" writes the text itself. The DOT text is
 * the standard input of `dot -Kneato -n2 -T<format>`; a PNG has 144 dpi, or fewer where it would be too
 * large. A dot that has not ended after limit_s seconds is killed, with all that it started, and so it is
 * when SIGINT, SIGTERM or SIGHUP comes, provided that the caller holds them blocked: it gets that signal, and
 * the caller has it still pending. Errors: dot not installed (the hint says how), dot failed (its last line),
 * dot took too long, file exists; nothing is left at path then. */
int draw_write_within(const char *path, const char *dot_text, bool force, int limit_s, struct err *err);

int draw_write(const char *path, const char *dot_text, bool force, struct err *err); /* DRAW_LIMIT_S */

#endif
