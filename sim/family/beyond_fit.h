/*
 * beyond_fit.h - private to the room: kinds of models, weights and contexts that the rows of a fit had, and how wide
 * predictions of the others have proved to be.
 *
 * Layer family. The spreads of a profile's numbers are those of runs left out of its fit, whose kinds it still saw. Of a
 * kind that it never saw, errors are larger. The widths of beyond_fit.c were found so: the runs of one kind were left out
 * of the fit of every family of hardware/measured that has others too, and were predicted by what was left; runs that
 * are held out and of a kind that their family's fit lacks were added. A family's error is that which four in five of
 * its runs stay below; a kind's width is that which four in five families stay below, over 1.28, a normal's P90. It is
 * of families, since what one runtime does otherwise with a kind all of its runs share. Recurrent layers and
 * embeddings of each layer are in no fit: their widths are of held-out runs alone. That of contexts in prompts (31 %) is
 * held at 20 %, so that a draw's time still grows with the context.
 */
#ifndef SIM_FAMILY_BEYOND_FIT_H
#define SIM_FAMILY_BEYOND_FIT_H
#include "sim/family/family_model.h"

enum { REACH_PREFILL, REACH_DECODE, REACH_PHASES };

/* The kinds that runs were of, in prompts and in generation, and the longest context that attention had. */
struct fit_reach {
	bool had[REACH_PHASES][BEYOND_KINDS];
	int64_t context, fewest; /* fewest: tokens of a prompt's pass; 0: there was none */
};

/* Adds the kinds of a row to *reach; a ratio and an operator alone add none. */
void fit_reach_add(struct arena *a, const struct observation *row, const struct profile *p,
		   struct fit_reach *reach);

/* True where a row is of no kind that is beyond the fit. */
bool fit_reach_holds(const struct fit_reach *fit, const struct fit_reach *row);

/* Appends the map that a profile's `beyond` is: the kinds that the fit lacks. */
void fit_reach_write(const struct fit_reach *fit, struct str *out);

#endif
