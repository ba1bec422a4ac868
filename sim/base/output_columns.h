/*
 * output_columns.h - what the columns of a csv, or the keys of JSON, are: name, unit and meaning. The writers print their
 * heads from these tables, and `lemursim help columns` prints the tables.
 *
 * Layer base.
 */
#ifndef SIM_BASE_OUTPUT_COLUMNS_H
#define SIM_BASE_OUTPUT_COLUMNS_H
#include "sim/base/str.h"

struct output_column {
	const char *name;
	const char *unit; /* "" for a text, a truth value or a pure number */
	const char *meaning;
};

/* Appends the names with commas between them, no line feed. No name needs quotes. */
static inline void output_columns_head(struct str *out, const struct output_column *columns, size_t n)
{
	for (size_t i = 0; i < n; i++)
		str_addf(out, "%s%s", i ? "," : "", columns[i].name);
}

#endif
