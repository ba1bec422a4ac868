/*
 * ranges.h - one quantity of all assignments as marks with their intervals, as an SVG element for a page.
 *
 * Layer report. Written without Graphviz: its place is in a page, whose style gives it its colours.
 */
#ifndef SIM_REPORT_RANGES_H
#define SIM_REPORT_RANGES_H
#include "sim/report/columns.h"

/* Appends a <figure>. The axis begins at zero. */
void ranges_add(struct str *out, const struct result *r, const struct column *c);

#endif
