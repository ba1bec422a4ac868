/*
 * family_keys.h - what the files of a law share: family_model.c (the family's file), family_fit.c,
 * family_write.c.
 *
 * Layer family.
 */
#ifndef SIM_FAMILY_FAMILY_KEYS_H
#define SIM_FAMILY_FAMILY_KEYS_H
#include "sim/family/family_model.h"

/* Numbers that go together when a profile is drawn: those of a kind, and what is known apart from them. */
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
	size_t offset; /* in law.c's own profile */
	enum dim dim;  /* of the number; rates may be shares */
	enum family_group group;
};
extern const struct family_key family_keys[];

/* A row counts as known to 3 %: what runs of one machine by different people differ by. */
extern const double family_row_sd;

/* What a number may be at most: a share no more than all, but for blocks that are multiplied as integers. */
double family_most(const struct family_key *k, const struct qty *q);

/* As the family's file has it; in the loader's arena. */
const struct qty *family_number(const struct family_model *family_model, size_t i);

/* The seconds of a row's own machine, or of what a ratio is over: under the law, or as the catalogue has it
 * where it is of another runtime. */
double family_own_seconds(const struct family_model *family_model, const struct family_values *v,
			  const struct observation *row);

/* A row that the law is fitted to. */
bool family_fits(const struct family_model *family_model, const struct observation *row);

/* What a fit goes without: the rows of a chip or a machine, those of the same model or the same operator as
 * `like`, or those that are all of what is named. Nothing named: nothing. */
struct family_without {
	const char *chip, *machine;
	const struct run *like;
};

/* As family_fit(). 0 or -1. */
int family_fit_without(const struct family_model *family_model, const struct observations *e,
		       const struct family_without *without, struct family_values *v);

/* Are they of one model, or of one operator of one size? */
bool family_alike(const struct run *a, const struct run *b);

/* What the row's machine calls its chip; "" where it does not. */
const char *family_chip_name(const struct observation *row);

/* Which of the values' chips a row is of; it must be of one. */
size_t family_chip_of(const struct family_values *v, const struct observation *row);

#endif
