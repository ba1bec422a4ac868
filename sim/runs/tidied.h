/*
 * tidied.h - a report as its program wrote it, from the text that was pasted.
 *
 * Layer runs. On its way through terminals, browsers and threads a report gets quoted, indented and coloured; blanks become
 * unbreakable; a Markdown table becomes one of HTML, of lines drawn as boxes, or of tabs (as browsers copy it); a csv goes through
 * a spreadsheet, which writes ';' or tabs where its numbers have commas. What comes out has plain blanks, lines that begin
 * with their first character, and tables with bars. Lines keep their numbers.
 */
#ifndef SIM_RUNS_TIDIED_H
#define SIM_RUNS_TIDIED_H
#include <stddef.h>

#include "sim/base/mem.h"

/* The text, `len` bytes without a NUL among them, tidied; in the arena. */
const char *tidied(struct arena *a, const char *text, size_t len);

#endif
