/* clock.c - see clock.h. */
#include "sim/base/clock.h"

#include <math.h>

int64_t span_holds(int64_t fs, int64_t slope_fs, span_fs span, int64_t most)
{
	const double a = (double)fs - 0.5 * (double)slope_fs, b = 0.5 * (double)slope_fs, x = (double)span;
	double guess = slope_fs ? (sqrt(a * a + 4 * b * x) - a) / (2 * b) : x / a;
	int64_t k;

	if (guess > (double)most)
		guess = (double)most;
	k = guess > 0 ? (int64_t)guess : 0;
	while (k < most && span_of(fs, slope_fs, k + 1) <= span)
		k++;
	while (k > 0 && span_of(fs, slope_fs, k) > span)
		k--;
	return k;
}
