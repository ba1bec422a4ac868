/*
 * beyond_evidence.h - how far off a family's model is on runs of a kind that its fit had none of.
 *
 * Layer family. For each kind of beyond_fit.h that some of a family's runs are of, and others not, the model is fitted
 * without the runs of that kind in prompts, then without those in generation (left_out "kind"); and, where several chips
 * ran the kind, without those of one chip that has other runs too, for four chips at most ("chip"). Contexts above a
 * quarter of the longest, and passes of less than four times the fewest tokens, are left out as the kinds `context` and
 * `short`. Of the runs left out those count whose chip is left and that lack no second kind by it. Runs that are held out count for the kinds that the whole fit lacks, or lacks on their chip; where these are
 * several, each takes the error over the square root of their number, since widths add up in squares.
 */
#ifndef SIM_FAMILY_BEYOND_EVIDENCE_H
#define SIM_FAMILY_BEYOND_EVIDENCE_H
#include "sim/base/str.h"
#include "sim/family/family_model.h"

#define BEYOND_EVIDENCE_HEAD "family,maker,kind,phase,left_out,rows,error\n"

/* Appends a line of csv for each kind, phase and hole: the error that four in five of the runs stay below. A fit that does
 * not converge without its rows gives no line. -1 with err: the whole fit does not converge. */
int beyond_evidence(const struct family_model *family, const struct observations *e, struct str *out,
		    struct err *err);

#endif
