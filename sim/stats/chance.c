/* chance.c - see chance.h. */
#include "sim/stats/chance.h"

#include <math.h>

#include "sim/base/exact_math.h"

double chance_of_outside(size_t outside, size_t n, double p)
{
	const double log_p = exact_log(p), log_q = exact_log(1 - p);
	double ways = 0, fewer = 0; /* logarithm of the number of ways to choose i rows; their chance */

	for (size_t i = 0; i < outside; i++) {
		fewer += exact_exp(ways + (double)i * log_p + (double)(n - i) * log_q);
		ways += exact_log((double)(n - i) / (double)(i + 1));
	}
	return fmax(1 - fewer, 0);
}
