/*
 * pdf_date.h - PDF files whose bytes do not depend on when they were written.
 *
 * Layer draw; for draw.c. cairo, by which Graphviz writes PDF, puts the time into a file; newer versions take it from
 * SOURCE_DATE_EPOCH (cairo 1.18, cairo-pdf-interchange.c), older ones from the clock, in the time zone of TZ.
 */
#ifndef SIM_DRAW_PDF_DATE_H
#define SIM_DRAW_PDF_DATE_H
#include "sim/base/err.h"
#include "sim/base/mem.h"

/* The environment for a program that draws: as given, but for UTC and the fixed time. NULL ends it; in the arena. */
char **pdf_environment(struct arena *a, char *const *given);

/* Sets the time in a PDF to the fixed one, by as many bytes as it had. 0, or -1 with err. */
int pdf_fix_date(const char *path, struct err *err);

#endif
