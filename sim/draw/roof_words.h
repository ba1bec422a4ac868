/*
 * roof_words.h - a roof in words: its figures, and what they rest on.
 *
 * Layer draw; for roofline.c.
 */
#ifndef SIM_DRAW_ROOF_WORDS_H
#define SIM_DRAW_ROOF_WORDS_H
#include <stdbool.h>

#include "sim/draw/roofline.h"

bool roof_has_limit(const struct roof *roof);
bool roofline_is_measured(const struct roofline *r); /* every roof of it */

/* "13.84 TFLOPS, 118 GB/s, ridge 117.3 FLOP/B", with points between them. */
void roof_add_figures(struct str *out, double flops, double Bps);
/* "measured 13.84 TFLOPS, ...", or with the source of each figure where they differ. */
void roof_add(struct str *out, const struct roof *roof);
/* Its name, its figures, and the limits of the chip, on lines of their own: a tooltip. */
void roof_describe(struct str *out, const struct roof *roof);

#endif
