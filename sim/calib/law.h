/*
 * law.h - one profile for a family of machines: its numbers, as shares of what each machine has, fitted to
 * runs on several of them at once.
 *
 * Layer calib. A family's file is written by hand but for the numbers that measurements have to give: those
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
#ifndef SIM_CALIB_LAW_H
#define SIM_CALIB_LAW_H
#include "sim/calib/evidence.h"
#include "sim/calib/replay.h"

enum { LAW_PARAMS = 24, LAW_CHIPS = 32, LAW_ONES = 2 };

/* What a chip does of what the family's numbers say of it. */
struct law_chip {
	const char *name;
	double speed[LAW_ONES];       /* REPLAY_ARITHMETIC, REPLAY_MEMORY */
	double expected_sd[LAW_ONES]; /* relative: how far from what is expected of it they may lie */
};

struct law_values {
	double of[LAW_PARAMS];
	struct law_chip chip[LAW_CHIPS];
	size_t chips_n;
};

struct law {
	struct loader *l;
	const char *path, *device, *runtime;
	char *text; /* the file */
	size_t len;
	const struct profile *profile; /* as the file has it; shares not settled */
	size_t key[LAW_PARAMS];        /* private: which numbers are fitted */
	size_t params_n;
	double start[LAW_PARAMS];
	double prior_sd[LAW_PARAMS]; /* of the logarithms */
};

/* Names of the numbers that may be fitted: "gemv", "overhead.kernel", "few.first.q4". */
const char *law_param_name(const struct law *law, size_t i);

/* The first runtime of the file that has something to fit. -1: reasons in the loader's diags, or in err. */
int law_load(struct loader *l, const char *path, struct law *law, struct err *err);

/* Rows of a law are those of its runtime. What is held out is not fitted to. */
bool law_takes(const struct law *law, const struct evidence_row *row);

/* The values for these rows. Each chip of the rows gets its factors; those of chips whose rows are all held
 * out are what is expected of them. */
int law_fit(const struct law *law, const struct evidence *e, struct law_values *v, struct err *err);

/* What the law says of a row, as its `seconds` are meant: of a ratio, those on its machine as a share of
 * those on the other, which moves with the law where it is of the law's runtime. */
double law_seconds(const struct law *law, const struct law_values *v, const struct evidence_row *row);

/* d ln law_seconds() / d ln of each of the law's numbers, and of its chips' factors. */
struct law_slopes {
	double of[LAW_PARAMS], chip[LAW_CHIPS][LAW_ONES];
};
void law_slopes(const struct law *law, const struct law_values *v, const struct evidence_row *row,
		struct law_slopes *d);

/* What is left out for a row: every machine with its chip; or its model, or operators of its size, on its
 * machine alone. Where all rows are of one chip, the latter stands for the former too. */
enum law_hole { LAW_HOLE_CHIP, LAW_HOLE_MODEL };

/* Relative error of each row of the law, NAN for others: predicted from a fit with that hole. fitted: from
 * all, law_fit()'s values. */
struct law_errors {
	double *without, *fitted;
};
int law_leave_out(const struct law *law, const struct evidence *e, const struct law_values *all,
		  enum law_hole hole, struct law_errors *errors, struct err *err);

/* Appends the family's file with its numbers filled in, and how well they do. */
int law_write(const struct law *law, const struct evidence *e, struct str *out, struct err *err);

#endif
