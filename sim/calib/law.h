/*
 * law.h - one profile for a family of machines: its numbers, as shares of what each machine has, fitted to
 * runs on several of them at once.
 *
 * Layer calib. A family's file is written by hand but for the numbers that measurements have to give: those
 * say `source: fit`, as in `gemv: {value: 90 %, source: fit}`, the value being where to begin and where to
 * stay if the runs say nothing. Residuals are logarithms of times; the fit is weighted non-linear least
 * squares (GSL's gsl_multifit_nlinear) with Huber's weights (Ann. Math. Statist. 35, 1964) and a wide prior
 * about the beginning. How far it may be off a machine nobody measured is what it is off each machine when it
 * is fitted to the others: the spreads it writes are made of that.
 */
#ifndef SIM_CALIB_LAW_H
#define SIM_CALIB_LAW_H
#include "sim/calib/evidence.h"

enum { LAW_PARAMS = 24 };

struct law {
	struct loader *l;
	const char *path, *device, *runtime;
	char *text; /* the file */
	size_t len;
	const struct profile *profile; /* as the file has it; shares not settled */
	size_t key[LAW_PARAMS];        /* private: which numbers are fitted */
	size_t params_n;
	double start[LAW_PARAMS];
};

/* Names of the numbers that may be fitted: "gemv", "overhead.kernel", "few.first.q4". */
const char *law_param_name(const struct law *law, size_t i);

/* The first runtime of the file that has something to fit. -1: reasons in the loader's diags, or in err. */
int law_load(struct loader *l, const char *path, struct law *law, struct err *err);

/* Rows of a law are those of its runtime. What is held out is not fitted to. */
bool law_takes(const struct law *law, const struct evidence_row *row);

/* The values for these rows, without those that are on the machine `without` (may be NULL). */
int law_fit(const struct law *law, const struct evidence *e, const char *without, double value[LAW_PARAMS],
	    struct err *err);

/* What the law says of a row. */
double law_seconds(const struct law *law, const double value[LAW_PARAMS], const struct evidence_row *row);

/* Relative error of each row of the law, NAN for others: predicted from a fit without its machine (where all
 * rows are of one machine, without its model). fitted: with it. */
struct law_errors {
	double *without, *fitted;
};
int law_leave_out(const struct law *law, const struct evidence *e, struct law_errors *errors,
		  struct err *err);

/* Appends the family's file with its numbers filled in, and how well they do. */
int law_write(const struct law *law, const struct evidence *e, struct str *out, struct err *err);

#endif
