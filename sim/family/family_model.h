/*
 * family_model.h - one profile for a family of machines: its numbers, as shares of what each machine has,
 * fitted to runs on several of them at once.
 *
 * Layer family. A family's file is written by hand but for the numbers that measurements have to give: those
 * say `source: fit`, as in `gemv: {value: 90 %, source: fit}`, the value being where to begin and where to
 * stay if the runs say nothing; an `sd` beside it, how far from there they may be believed to take it.
 *
 * The model is one of mixed effects: the family's numbers, and for each chip two factors, of its memory's
 * rate and of its arithmetic, that lie about what is known of the chip elsewhere (chip_reach_of()) or about
 * 1; those of a chip of two dies lie about those of the chip that its dies are. Residuals are logarithms of
 * times; the fit is weighted non-linear least squares (GSL's gsl_multifit_nlinear) of both at once with
 * Huber's weights (Ann. Math. Statist. 35, 1964) and normal priors. How far it may be off a machine nobody
 * measured is what it is off each machine when it is fitted to the others: the spreads it writes are made of
 * that.
 */
#ifndef SIM_FAMILY_FAMILY_MODEL_H
#define SIM_FAMILY_FAMILY_MODEL_H
#include "sim/family/observations.h"
#include "sim/family/predicted_run.h"

enum { FAMILY_PARAMS = 24, FAMILY_CHIPS = 32, FAMILY_ONES = 2 };

/* What a chip does of what the family's numbers say of it. */
struct family_chip {
	const char *name;
	double speed[FAMILY_ONES];       /* FACTOR_ARITHMETIC, FACTOR_MEMORY */
	double expected_sd[FAMILY_ONES]; /* relative: how far from what is expected of it they may lie */
};

struct family_values {
	double of[FAMILY_PARAMS];
	struct family_chip chip[FAMILY_CHIPS];
	size_t chips_n;
};

struct family_model {
	struct loader *l;
	const char *path, *device, *runtime;
	char *text; /* the file */
	size_t len;
	const struct profile *profile; /* as the file has it; shares not settled */
	size_t key[FAMILY_PARAMS];     /* private: which numbers are fitted */
	size_t params_n;
	double start[FAMILY_PARAMS];
	double prior_sd[FAMILY_PARAMS];       /* of the logarithms */
	struct observations_scratch *scratch; /* private: of one thread, as the struct is */
};

/* Names of the numbers that may be fitted: "gemv", "overhead.kernel", "few.first.q4". */
const char *family_param_name(const struct family_model *family_model, size_t i);

/* The first runtime of the file that has something to fit. -1: reasons in the loader's diags, or in err. */
int family_load(struct loader *l, const char *path, struct family_model *family_model, struct err *err);

/* Rows of a law are those of its runtime. What is held out is not fitted to. */
bool family_takes(const struct family_model *family_model, const struct observation *row);

/* The values for these rows. Each chip of the rows gets its factors; those of chips whose rows are all held
 * out are what is expected of them. */
int family_fit(const struct family_model *family_model, const struct observations *e, struct family_values *v,
	       struct err *err);

/* What the law says of a row, as its `seconds` are meant: of a ratio, those on its machine as a share of
 * those on the other, which moves with the law where it is of the law's runtime. */
double family_seconds(const struct family_model *family_model, const struct family_values *v,
		      const struct observation *row);

/* d ln family_seconds() / d ln of each of the law's numbers, and of its chips' factors. */
struct family_slopes {
	double of[FAMILY_PARAMS], chip[FAMILY_CHIPS][FAMILY_ONES];
};
void family_slopes(const struct family_model *family_model, const struct family_values *v,
		   const struct observation *row, struct family_slopes *d);

/* What is left out for a row: every machine with its chip; or its model, or operators of its size, on its
 * machine alone. Where all rows are of one chip, the latter stands for the former too. */
enum family_hole { FAMILY_HOLE_CHIP, FAMILY_HOLE_MODEL };

/* Relative error of each row of the law, NAN for others: predicted from a fit with that hole. fitted: from
 * all, family_fit()'s values. */
struct family_errors {
	double *without, *fitted;
};
int family_leave_out(const struct family_model *family_model, const struct observations *e,
		     const struct family_values *all, enum family_hole hole, struct family_errors *errors,
		     struct err *err);

/* Appends the family's file with its numbers filled in, and how well they do. */
int family_write(const struct family_model *family_model, const struct observations *e, struct str *out,
		 struct err *err);

#endif
