/*
 * family_keys.h - private to the room: which numbers of a family's model can be fitted, and the functions
 * that family_model.c (the family's file), family_fit.c, leave_out.c and family_write.c share.
 *
 * Layer family.
 */
#ifndef SIM_FAMILY_FAMILY_KEYS_H
#define SIM_FAMILY_FAMILY_KEYS_H
#include "sim/family/family_model.h"

/* Numbers of one group are drawn together, with one normal deviate, when a profile is drawn from its spreads. */
enum family_group {
	FAMILY_ARITHMETIC = PARAM_ARITHMETIC,
	FAMILY_MEMORY = PARAM_MEMORY,
	FAMILY_OVERHEAD = PARAM_OVERHEAD,
	FAMILY_DEQUANT,
	FAMILY_DIES,
	FAMILY_GROUPS
};

struct family_key {
	const char *name;
	size_t offset; /* in family_model.c's struct profile_copy */
	enum dim dim;  /* the number's; rates may be shares */
	enum family_group group;
};
extern const struct family_key family_keys[];

/* The relative standard deviation of a row, 3 %: runs of one machine by different people differ by that. */
extern const double family_row_sd;
/* Relative standard deviations of the priors of a chip's factors: between chips of a family; of one chip between two versions
 * of a runtime. */
extern const double family_chip_sd, family_like_sd;

/* The largest value of a number: 1 for a share, 10 for `dequant`, since blocks may be multiplied as integers faster
 * than f16; else INFINITY. */
double family_number_max(const struct family_key *k, const struct qty *q);

/* The i-th fitted number as the family's file states it; in the loader's arena. */
const struct qty *family_number(const struct family_model *family, size_t i);

/* The seconds that the row's run takes on its machine, its ratio left aside: under the family's model, or under the
 * catalogue's profile where the row is of another runtime. */
double family_own_seconds(const struct family_model *family, const struct family_values *v,
			  const struct observation *row);

/* True of a row that the model is fitted to: of its runtime, and not held out. */
bool family_fits(const struct family_model *family, const struct observation *row);

/* The rows that a fit leaves out: those that agree with every member that is not NULL. `like` stands for runs of its
 * model, or of its operator and size. All NULL: no row is left out. */
struct family_exclusion {
	const char *chip, *machine;
	const struct run *like;
	const bool *rows; /* [observation]: left out as well; NULL: none */
};

/* Whether a row is one of those; of a ratio, whether either of its rows is. */
bool family_excludes_alone(const struct observation *row, const struct family_exclusion *w);
bool family_excludes(const struct observation *row, const struct family_exclusion *w);

/* -1 with err where family_fit() cannot begin: a table is missing, or there are more than FAMILY_CHIPS chips. */
int family_check(const struct family_model *family, const struct observations *e, struct err *err);

/* family_fit() without some rows, and without its checks. 0, or -1 where the fit does not converge. */
int family_fit_excluding(const struct family_model *family, const struct observations *e,
			 const struct family_exclusion *without, struct family_values *v);

/* True where two runs are of one model, or of one operator of one size. */
bool family_same_subject(const struct run *a, const struct run *b);

/* The name of the chip in the row's machine; "" where the machine names none. */
const char *family_chip_name(const struct observation *row);

/* The index in v->chip of the row's chip. A row of a chip that is not there is a bug. */
size_t family_chip_of(const struct family_values *v, const struct observation *row);

#endif
