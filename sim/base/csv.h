/*
 * csv.h - reads comma-separated values (RFC 4180) with a header line, by column name; sizes are bounded.
 *
 * Layer base. Fields may be quoted; a quote inside quotes is doubled. Empty lines and lines that begin with
 * '#' are skipped before the header and between rows. All results live in the caller's arena.
 */
#ifndef SIM_BASE_CSV_H
#define SIM_BASE_CSV_H
#include <stddef.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"

enum { CSV_COLUMNS = 256, CSV_ROWS = 100000 };

struct csv_row {
	int line;
	const char **at; /* [column]: text; "" where the row has fewer fields */
};

struct csv {
	const char *path;
	const char **heads;
	size_t heads_n;
	int head_line;
	struct csv_row *rows;
	size_t n;
};

/* 0, or -1 with err "path:line: ...": no header, a column name twice, an open quote, a row with more
 * fields than the header, or more than CSV_COLUMNS columns or CSV_ROWS rows. */
int csv_read(struct arena *a, const char *path, const char *text, struct csv *c, struct err *err);

/* The text of a row in a column, or "" if there is no such column. */
const char *csv_get(const struct csv *c, const struct csv_row *row, const char *head);
size_t csv_column(const struct csv *c, const char *head); /* (size_t)-1 if none */

#endif
