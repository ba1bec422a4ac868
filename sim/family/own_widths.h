/*
 * own_widths.h - private to the room: how far off a family's own chips were on runs of a kind, each predicted by the fit without it.
 *
 * Layer family. What a fit says of a kind on a chip that it had none of it on is as wide as other families' fits were
 * (beyond_fit.h); of a family with many chips its own say it better: 17 chips of one agree to 4 %, where families scatter by 9.
 * A chip counts once, whatever its runs, since they share its error. No chip tells of itself: of runs that are predicted without a
 * chip, or without a model on it, its errors are left out; rows that are held out tell nothing.
 */
#ifndef SIM_FAMILY_OWN_WIDTHS_H
#define SIM_FAMILY_OWN_WIDTHS_H
#include "sim/family/beyond_fit.h"

struct own_widths {
	const char *chip[FAMILY_CHIPS];
	/* of each chip: the sum of squared errors, in logarithms, and the number of runs */
	double squares[FAMILY_CHIPS][REACH_PHASES][BEYOND_KINDS];
	size_t runs[FAMILY_CHIPS][REACH_PHASES][BEYOND_KINDS], n;
};

/* errors: of each row, the measured time over that by a fit without its chip, less 1; NAN: none. Of a family of one chip there is
 * nothing to take. */
void own_widths_take(const struct family_model *family, const struct observations *e, const double *errors,
		     struct own_widths *own);

/* Of all chips but one (NULL: of all): joins them to the widths of other families. */
void own_widths_join(const struct own_widths *own, const char *but, struct beyond_widths *w);

#endif
