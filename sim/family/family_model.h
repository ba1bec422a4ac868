/*
 * family_model.h - one profile for a family of machines, with rates as shares of each machine's peaks, fitted
 * to runs on several machines at once.
 *
 * Layer family. The model of a family is a YAML file written by hand (hardware/measured/NAME.family.yaml). A
 * number that is to be fitted says `source: fit`, as in `gemv: {value: 90 %, source: fit}`: the value is the mean of
 * its prior, and where the fit starts; an `sd` beside it is the prior's standard deviation. family_write()
 * gives the same text with the fitted numbers (hardware/runtimes/NAME.yaml). One that says `source: fit of NAME` is by
 * its value as many times the value of the number NAME as the two stand in the file, with that sd: kernels of one program
 * share code, so that formats of weights differ by ratios that transfer better than their rates do. Where no run
 * tells such a number it follows what the runs make of NAME, and is written as transferred, as unsure as both.
 *
 * The model has mixed effects: the family's numbers, and two factors for each chip, of its memory's rate and of
 * its arithmetic. A chip's factors have a normal prior about the factors that another runtime gave the chip
 * (chip_reach_of()), about those of the chip that its dies are, or about 1. Residuals are logarithms of
 * times; all unknowns are fitted at once by weighted non-linear least squares with Huber's weights
 * (sim/stats/robust_fit.h). The error on a machine that nobody measured is estimated by cross-validation: the
 * rows of each chip are predicted by a fit to the others, and the spreads that are written follow from that.
 */
#ifndef SIM_FAMILY_FAMILY_MODEL_H
#define SIM_FAMILY_FAMILY_MODEL_H
#include "sim/base/workers.h"
#include "sim/family/observations.h"
#include "sim/family/predicted_run.h"

enum { FAMILY_PARAMS = 24, FAMILY_CHIPS = 32, FAMILY_CHIP_FACTORS = 2 };

/* The factors of a chip on the rates that the family's numbers give it. */
struct family_chip {
	const char *name;
	double factor[FAMILY_CHIP_FACTORS];   /* by enum run_factor: FACTOR_ARITHMETIC, FACTOR_MEMORY */
	double prior_sd[FAMILY_CHIP_FACTORS]; /* relative: of the factors' priors */
};

struct family_values {
	double of[FAMILY_PARAMS];
	struct family_chip chip[FAMILY_CHIPS];
	size_t chips_n;
};

struct family_model {
	struct loader *l;
	const char *path, *device, *runtime;
	char *text; /* the file as it was read, len bytes */
	size_t len;
	const struct profile *profile; /* as the file states it: shares are not yet rates of a machine */
	size_t key[FAMILY_PARAMS];     /* private: indices in family_keys[] of the fitted numbers */
	size_t params_n;
	double start[FAMILY_PARAMS];
	double prior_sd[FAMILY_PARAMS]; /* in logarithms of the numbers */
	size_t follows[FAMILY_PARAMS]; /* the number whose ratio to it the prior is of; FAMILY_PARAMS: none */
	struct observations_scratch *scratch; /* private: of one thread, as the struct is */
};

/* The name of the i-th fitted number: "gemv", "overhead.kernel", "few.first.q4". */
const char *family_param_name(const struct family_model *family, size_t i);

/* Reads the first runtime of the file that has a number to be fitted; everything lives in the loader's arena. -1:
 * reasons in the loader's diags, or in err. */
int family_load(struct loader *l, const char *path, struct family_model *family, struct err *err);

/* True of rows of the model's runtime. Those that are held out are predicted, but not fitted to. */
bool family_takes(const struct family_model *family, const struct observation *row);

/* Fits the model to these rows. Each chip of the rows gets its factors; a chip whose rows are all held out keeps the
 * means of its priors. -1 with err: the fit does not converge, a table is missing, more than FAMILY_CHIPS chips. */
int family_fit(const struct family_model *family, const struct observations *e, struct family_values *v,
	       struct err *err);

/* The predicted seconds of a row; of a ratio, the time on its machine over the time on the other machine, which is
 * predicted by the model too where it is of the model's runtime. */
double family_seconds(const struct family_model *family, const struct family_values *v,
		      const struct observation *row);

/* d ln family_seconds() / d ln of each of the model's numbers and of its chips' factors, by central differences. */
struct family_slopes {
	double of[FAMILY_PARAMS], chip[FAMILY_CHIPS][FAMILY_CHIP_FACTORS];
};
void family_slopes(const struct family_model *family, const struct family_values *v,
		   const struct observation *row, struct family_slopes *d);

/* The rows that cross-validation leaves out together with a row: those of its chip, on every machine; or those of its
 * model (or of operators of its size) on its machine. Where all rows are of one chip, the second is used for the
 * first too. */
enum family_left_out { FAMILY_LEAVE_OUT_CHIP, FAMILY_LEAVE_OUT_MODEL };

/* A fit without some rows: its values, what is beyond it, as a catalogue made of it would say, and what it is without: the
 * model, of a family of one chip, whichever was asked for. */
struct family_hole {
	struct family_values values;
	struct beyond beyond;
	enum family_left_out left_out;
};

/* The family's profile with these values on the row's machine, as the catalogue would load it, but for spreads, which it
 * has none of; in the arena. Of a row of another runtime: the catalogue's. */
const struct profile *family_profile(struct arena *a, const struct family_model *family,
				     const struct family_values *v, const struct observation *row);

/* Relative errors of the predicted rates, one for each row; NAN for rows of other runtimes. */
struct family_errors {
	double *without; /* by a fit without the rows that are left out with the row */
	double *fitted;  /* by family_fit()'s values */
	/* The fit that each row was left out of, in the loader's arena; NULL of rows that are in every fit. */
	const struct family_hole **hole;
};

struct beyond_widths;

/* The fit to all rows, and the errors of those with holes: all that a family's file and its comparison with measurements rest
 * on. Lives in the loader's arena. */
struct family_judged {
	struct family_values all;
	struct family_errors chip_left_out, model_left_out;
	const struct beyond_widths *widths; /* of kinds that the fit lacks, in the loader's arena */
};
/* Results do not depend on the threads. -1 with err: no row is of the model's runtime, or family_fit() or a fit without some rows
 * fails: the first of them, all rows before chips before models. */
int family_judge(const struct family_model *family, const struct observations *e, struct workers_ask workers,
		 struct family_judged *judged, struct err *err);

/* Appends the family's file to *out: a head with the errors, then the file's text with the fitted numbers and their
 * spreads in place. -1 with err; *out is then unchanged. */
int family_write(const struct family_model *family, const struct observations *e,
		 const struct family_judged *judged, struct str *out, struct err *err);

#endif
