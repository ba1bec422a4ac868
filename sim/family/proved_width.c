/* proved_width.c - see proved_width.h. */
#include "sim/family/proved_width.h"

#include "sim/base/exact_math.h"

static const double common = 0.1, proved_at_common = 0.107, exponent = 0.75;

double proved_width(double sd)
{
	return sd > 0 ? proved_at_common * exact_exp(exponent * exact_log(sd / common)) : 0;
}
