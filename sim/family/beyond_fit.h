/*
 * beyond_fit.h - private to the room: kinds of models, weights and contexts that the rows of a fit had, and how wide
 * predictions of the others have proved to be.
 *
 * Layer family. The spreads of a profile's numbers are those of runs left out of its fit, whose kinds it still saw. Of a
 * kind that it never saw, or saw on other chips alone, errors are larger: as large as such predictions proved to be where
 * other families could be asked. beyond_evidence.h asks each family, hardware/measured/beyond.csv keeps the answers, and a
 * family's widths are those of all families but itself, so that no width rests on a run that it is judged by.
 *
 * A family's error is that which four in five of its runs stay below. Its logarithm is taken as a mean of the hole and phase, an
 * effect of the kind, one of the chips' maker (whose runtimes are akin: Metal, CUDA, ROCm and Vulkan) and what is left; effects that
 * few families tell are drawn towards none. A width is the error that four in five further families of that maker stay below, by
 * Student's t, over 1.28, a normal's P90; of a kind or a maker that no line is of, it has the whole variance of such effects. It is
 * of families, since what one runtime does otherwise with a kind all of its runs share. Of the 223 lines of November 2026, each
 * held against the widths without its family, 80 % stay below theirs (of prompts of a kind never seen 81 %, whoever made the chip
 * between 77 and 87 %), and the mean loss of that quantile is 7.7, 3.6, 4.5 and 4.2 points where the rank among the kind's own
 * lines, which came before, has 11.2, 5.0, 5.7 and 4.8.
 * Of a kind on further chips the family's own chips tell too (own_widths.h).
 * What a profile is given of it is drawn towards what all widths have proved to be (proved_width.h), but for contexts, whose width is
 * of a part of a time.
 * The width of contexts in prompts is held at 20 %, so that a draw's time still grows with the context.
 */
#ifndef SIM_FAMILY_BEYOND_FIT_H
#define SIM_FAMILY_BEYOND_FIT_H
#include "sim/family/family_model.h"

enum { REACH_PREFILL, REACH_DECODE, REACH_PHASES };

/* The kinds that runs were of, in prompts and in generation, and the longest context that attention had. */
struct fit_reach {
	bool had[REACH_PHASES][BEYOND_KINDS];
	/* names of the chips that had them, which live as long as the rows */
	const char *chip[REACH_PHASES][BEYOND_KINDS][FAMILY_CHIPS], *any_chip[FAMILY_CHIPS];
	size_t chips_n[REACH_PHASES][BEYOND_KINDS], any_chips_n;
	int64_t context, fewest; /* fewest: tokens of a prompt's pass; 0: there was none */
};

/* Is a run one of decode alone, or of a request with at least two tokens for each of its prompt? The time of the latter is
 * that of its steps to a few percent, since a token of a prompt takes a tenth of theirs or less, and tells nothing of
 * prompts. */
bool reach_is_of_steps(const struct run *run);

/* Adds the kinds of a row to *reach; a ratio and an operator alone add none. */
void fit_reach_add(struct arena *a, const struct observation *row, const struct profile *p,
		   struct fit_reach *reach);

/* True where a row is of no kind that is beyond the fit. */
bool fit_reach_holds(const struct fit_reach *fit, const struct fit_reach *row);

/* True where the fit had the kind on that chip. */
bool fit_reach_had(const struct fit_reach *fit, int phase, int kind, const char *chip);

extern const char
	*const beyond_keys[BEYOND_KINDS]; /* a kind's key in a profile's `beyond` and in the evidence */
extern const char *const reach_phases[REACH_PHASES];

enum beyond_left_out { BEYOND_KIND, BEYOND_CHIP, BEYOND_HOLES };
extern const char
	*const beyond_left_out[BEYOND_HOLES]; /* "kind": on every chip; "chip": on that of the run */

/* Of a kind on further chips the family's own chips tell too, each left out of its fit. prior: how many chips the width of other
 * families counts as; squares: the sum over chips of the mean squared error (in logarithms) of their runs of the kind. */
struct own_chips {
	double prior, squares, n;
};

struct beyond_widths {
	double of[BEYOND_HOLES][REACH_PHASES][BEYOND_KINDS];
	struct own_chips own[REACH_PHASES][BEYOND_KINDS];
};

/* The width of a kind on a chip that the fit had none of it on, for a profile: with v that of other families, the variance is
 * (prior v^2 + squares) / (prior + n), the mean of an inverse chi-square posterior whose scale is as unsure as families differ. */
double beyond_chip_width(const struct beyond_widths *w, int phase, int kind);

/* The widths that all families but `own` give for chips of that maker, read from the file of evidence beside the family's
 * file; with no such file, those of no evidence. -1 with err "path:line: ...". */
int beyond_widths_load(struct arena *a, const char *family_path, const char *maker, struct beyond_widths *w,
		       struct err *err);

/* Who made the chips of a family's rows: the first word of their machines' names in the catalogue, such as "apple". */
const char *beyond_maker(struct arena *a, const struct family_model *family, const struct observations *e);

/* A family's name: that of its file without `.family.yaml`. */
const char *beyond_family_name(struct arena *a, const char *family_path);

/* What is beyond a fit of that reach, as a profile says it; the names of chips live in `a` and as long as the rows. */
struct beyond fit_reach_beyond(struct arena *a, const struct fit_reach *fit, const struct beyond_widths *w);

/* Appends the map that a profile's `beyond` is: the kinds that the fit lacks, or had on some of its chips alone. */
void fit_reach_write(const struct fit_reach *fit, const struct beyond_widths *w, struct str *out);

#endif
