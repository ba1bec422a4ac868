/*
 * law_keys.h - what the files of a law share: law.c (the family's file), law_fit.c, law_write.c.
 *
 * Layer calib.
 */
#ifndef SIM_CALIB_LAW_KEYS_H
#define SIM_CALIB_LAW_KEYS_H
#include "sim/calib/law.h"

/* Numbers that go together when a profile is drawn: those of a kind, and what is known apart from them. */
enum law_group {
	LAW_ARITHMETIC = PARAM_ARITHMETIC,
	LAW_MEMORY = PARAM_MEMORY,
	LAW_OVERHEAD = PARAM_OVERHEAD,
	LAW_DEQUANT,
	LAW_DIES,
	LAW_GROUPS
};

struct law_key {
	const char *name;
	size_t offset; /* in law.c's own profile */
	enum dim dim;  /* of the number; rates may be shares */
	enum law_group group;
};
extern const struct law_key law_keys[];

/* A row counts as known to 3 %: what runs of one machine by different people differ by. */
extern const double law_row_sd;

/* What a number may be at most: a share no more than all, but for blocks that are multiplied as integers. */
double law_most(const struct law_key *k, const struct qty *q);

/* As the family's file has it; in the loader's arena. */
const struct qty *law_number(const struct law *law, size_t i);

/* The seconds of a row's own machine, or of what a ratio is over: under the law, or as the catalogue has it
 * where it is of another runtime. */
double law_own_seconds(const struct law *law, const struct law_values *v, const struct evidence_row *row);

/* A row that the law is fitted to. */
bool law_fits(const struct law *law, const struct evidence_row *row);

/* What a fit goes without: the rows of a chip or a machine, those of the same model or the same operator as
 * `like`, or those that are all of what is named. Nothing named: nothing. */
struct law_without {
	const char *chip, *machine;
	const struct run *like;
};

/* As law_fit(). 0 or -1. */
int law_fit_without(const struct law *law, const struct evidence *e, const struct law_without *without,
		    struct law_values *v);

/* Are they of one model, or of one operator of one size? */
bool law_alike(const struct run *a, const struct run *b);

/* What the row's machine calls its chip; "" where it does not. */
const char *law_chip_name(const struct evidence_row *row);

/* Which of the values' chips a row is of; it must be of one. */
size_t law_chip_of(const struct law_values *v, const struct evidence_row *row);

#endif
