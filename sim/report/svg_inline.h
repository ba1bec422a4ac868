/*
 * svg_inline.h - a picture that Graphviz has written, as an element of an HTML page.
 *
 * Layer report.
 */
#ifndef SIM_REPORT_SVG_INLINE_H
#define SIM_REPORT_SVG_INLINE_H
#include <stdbool.h>

#include "sim/base/err.h"
#include "sim/base/str.h"

/* Appends the <svg> element of a document of Graphviz's. Several can stand in one page: ids, which nothing in
 * such a picture refers to, are left out. Tooltips become <title> elements, which need no script, or are left out without
 * `tips`; fonts are left to the page's style. name: what the picture shows, for readers of the screen. 0, or -1 with err where the text is
 * no such document. */
int svg_inline(struct str *out, const char *svg, const char *name, bool tips, struct err *err);

#endif
