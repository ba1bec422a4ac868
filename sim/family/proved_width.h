/*
 * proved_width.h - how wide errors of rows outside a fit have proved to be where their own family's evidence said a width.
 *
 * Layer family. A width is an estimate from few errors, most of which one model on one machine shares: the widest are too
 * wide and the narrowest too narrow, as with any estimates (regression towards the mean). Widths are drawn in as far as 3,355
 * errors were (November 2026: of rows in no fit, and of those predicted without their model or their chip; rows of a set
 * weigh together as the root of their number): 0.107 (width / 0.1)^0.75. The exponent is of a regression of the errors'
 * scale on the width (the square roots of errors have a mean that is a power of it; likelihood of an exponential
 * distribution, by Newton's method). The factor is the empirical quantile that four in five errors over it stay within,
 * over a normal's, since tails are heavier than a normal's: with what four in five stay within at 1.28 (a normal's), half
 * stay within 0.5 to 0.6 (0.67) and one in a hundred is beyond 2.8 to 5 (2.58). Without any one of the 26 families the exponent is
 * 0.72 to 0.82 and the factor 0.103 to 0.113.
 *
 * With both numbers fitted to all families but the one that is held against them, the interval score (tests/tools/coverage.awk)
 * goes from 0.510 to 0.512 (rows in no fit), 0.508 to 0.499 (without their model) and 0.596 to 0.552 (without their chip), if whole
 * intervals are drawn in; as it is done, number by number, to 0.508, 0.505 and 0.568, with as many rows inside as should be (74,
 * 80, 83 %). Those rows had been seen when the numbers were found, but no family's own rows move them by more than that.
 *
 * The following did not help families that a regression has not seen, each tried beside the width: phase, mixture, operator,
 * number of sequences, depth and context against the fit's, kinds never fitted or fitted on other chips, distance to the
 * nearest row, rows of the phase and of the chip (as an effect, and as how far the width is trusted), chip never
 * fitted, bandwidth as the bound, maker, program, effects of the family from its other sets. Two helped by 0.5 % of the score
 * and are left out: rows bound by overheads are wider, and models that another chip ran at such a size narrower.
 */
#ifndef SIM_FAMILY_PROVED_WIDTH_H
#define SIM_FAMILY_PROVED_WIDTH_H

/* The relative standard deviation to write for one that a fit's own errors give; 0 for 0. */
double proved_width(double sd);

#endif
