/*
 * validation.h - writes the result of a validation.
 *
 * Layer report. JSON has one schema whatever was compared (lemursim/validation/4): `rows`, each with set,
 * runtime, machine or assignment, run or metric, unit, measured, predicted, lo, hi, error, inside and
 * held_out, and with further keys where known; and `sums`, one for each set and one for all rows. So has csv: its columns are
 * those of every comparison, empty where they do not apply.
 */
#ifndef SIM_REPORT_VALIDATION_H
#define SIM_REPORT_VALIDATION_H
#include "sim/base/output_columns.h"
#include "sim/validate/validation.h"

enum validation_format {
	VALIDATION_TABLE,
	VALIDATION_MD,
	VALIDATION_CSV,
	VALIDATION_JSON,
	VALIDATION_FORMAT_N
};
extern const char *const validation_format_names[VALIDATION_FORMAT_N];

enum { VALIDATION_CSV_COLUMNS = 25 };
extern const struct output_column validation_csv[VALIDATION_CSV_COLUMNS];

/* Appends the validation. sums_only: tables have no rows, only the sums. width: columns of the terminal for
 * VALIDATION_TABLE, 0 for as wide as it takes. */
void validation_write(struct str *out, const struct validation *v, enum validation_format format,
		      bool sums_only, int width);

#endif
