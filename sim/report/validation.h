/*
 * validation.h - the writers of a validation.
 *
 * Layer report. JSON has one schema whatever was compared (lemursim/validation/4): `rows`, each with set,
 * runtime, machine or assignment, run or metric, unit, measured, predicted, lo, hi, error, inside and
 * held_out, and with what else is known of it; and `sums`, one for each set and one of all.
 */
#ifndef SIM_REPORT_VALIDATION_H
#define SIM_REPORT_VALIDATION_H
#include "sim/base/str.h"
#include "sim/validate/validation.h"

enum validation_format {
	VALIDATION_TABLE,
	VALIDATION_MD,
	VALIDATION_CSV,
	VALIDATION_JSON,
	VALIDATION_FORMAT_N
};
extern const char *const validation_format_names[VALIDATION_FORMAT_N];

/* sums_only: a table leaves the rows out. */
void validation_write(struct str *out, const struct validation *v, enum validation_format format,
		      bool sums_only);

#endif
