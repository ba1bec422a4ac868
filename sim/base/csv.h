/*
 * csv.h - comma-separated values (RFC 4180) with a head line, read by column name; bounded.
 *
 * Layer base. Fields may be quoted, a quote is doubled inside quotes. Lines that are empty or begin with '#'
 * are passed over before the head and between rows. Lives in the caller's arena.
 */
#ifndef SIM_BASE_CSV_H
#define SIM_BASE_CSV_H
#include <stddef.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"

enum { CSV_COLUMNS = 256, CSV_ROWS = 100000 };

struct csv_row {
	int line;
	const char **at; /* a text for each column of the head; "" where the row ends early */
};

struct csv {
	const char *path;
	const char **heads;
	size_t heads_n;
	int head_line;
	struct csv_row *rows;
	size_t n;
};

/* -1 with err "path:line: ...": no head, a head twice, an open quote, a row with more fields than the head.
 */
int csv_read(struct arena *a, const char *path, const char *text, struct csv *c, struct err *err);

/* The text under a head, or "" where there is no such column. */
const char *csv_get(const struct csv *c, const struct csv_row *row, const char *head);
size_t csv_column(const struct csv *c, const char *head); /* (size_t)-1 if none */

#endif
