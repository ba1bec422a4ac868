/*
 * band.h - what the draws of a calibration leave open about a value.
 *
 * Layer stats; includes base only.
 *
 * The value is that of the calibrated numbers, each draw's that of numbers drawn about them. The band is the middle 80 %
 * of the draws, P10 to P90, and reaches to the value where that lies outside: twenty draws place a tenth only roughly,
 * and a cost with kinks may be dearer in nearly every draw than at the middle of them. A band without the value would say
 * that the number printed beside it is unlikely, which the draws do not show. So the band holds at least 80 % of them.
 */
#ifndef SIM_STATS_BAND_H
#define SIM_STATS_BAND_H
#include <stddef.h>

struct band {
	double lo, hi;
};

/* Draws that are not finite say nothing: a metric did not apply. NAN without any other. drawn is left in its order. */
struct band band_of(double value, const double *drawn, size_t n);

#endif
