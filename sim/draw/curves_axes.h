/*
 * curves_axes.h - what the two drawings of curves (curves.h) have in common: ranges, units and letters.
 *
 * Layer draw.
 */
#ifndef SIM_DRAW_CURVES_AXES_H
#define SIM_DRAW_CURVES_AXES_H
#include "sim/draw/axes.h"
#include "sim/draw/curves.h"

enum { CURVES_FEW = 6 }; /* more are drawn without medians and whiskers */

/* The range of a panel: its values, their bands and the SLO, unless that is so far above that it would flatten
 * the lines. The position of the axis is the caller's to set. */
struct axis curves_y_axis(const struct curves *c, const struct panel *p);
struct axis curves_x_axis(const struct curves *c, const struct panel *p);

/* The unit that a panel's numbers have, and the value of one: s becomes ms where all values are small. */
double panel_unit(const struct panel *p, size_t points_n, const char **unit);
/* "A" of the first curve, ..., "Z", "a", ... */
char curve_letter(size_t curve);

#endif
