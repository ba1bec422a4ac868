/*
 * law_keys.h - the numbers of a profile that a law may fit; shared by law.c and law_write.c alone.
 *
 * Layer calib.
 */
#ifndef SIM_CALIB_LAW_KEYS_H
#define SIM_CALIB_LAW_KEYS_H
#include "sim/calib/law.h"

struct law_key {
	const char *name;
	size_t offset; /* in law.c's own profile */
	enum dim dim;  /* of the number; rates may be shares */
	enum param group;
};
extern const struct law_key law_keys[];

/* As the family's file has it; in the loader's arena. */
const struct qty *law_number(const struct law *law, size_t i);

/* A row under the law, operator by operator; in the arena. */
struct replay law_replay(const struct law *law, struct arena *a, const double value[LAW_PARAMS],
			 const struct evidence_row *row);

#endif
