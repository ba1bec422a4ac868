/*
 * dark.h - the colours of pictures where a reader's screen is dark, as rules of CSS.
 *
 * Layer draw. Pictures are drawn for white paper. Each of their greys has a counterpart here; fills of boxes stay,
 * as their letters are black on both.
 */
#ifndef SIM_DRAW_DARK_H
#define SIM_DRAW_DARK_H
#include "sim/base/str.h"

/* Appends rules under a media query. scope: a selector and a blank before each rule, or "". */
void dark_rules(struct str *out, const char *scope);

#endif
