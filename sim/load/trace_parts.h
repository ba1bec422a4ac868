/*
 * trace_parts.h - what the readers of the two kinds of trace share: lines, cells, numbers, complaints.
 *
 * Layer load; for trace.c, trace_csv.c, trace_jsonl.c and requests_in.c alone.
 */
#ifndef SIM_LOAD_TRACE_PARTS_H
#define SIM_LOAD_TRACE_PARTS_H
#include <stdio.h>

#include "sim/base/vec.h"
#include "sim/load/trace.h"

enum { LINES_BUFFER = 1 << 16 };

struct lines {      /* a file, or text, line by line */
	FILE *file; /* NULL: text alone */
	const char *name;
	const char *text; /* the part not read yet */
	size_t len;
	char *buffer;   /* buffer for the file's text */
	VEC(char) line; /* without its end; NUL-terminated */
	int64_t number; /* number of that line, from 1 */
	size_t columns; /* cells of the first line that was split; 0: none was */
};

int lines_open(struct lines *l, const char *path, struct err *err);
void lines_of_text(struct lines *l, const char *name, const char *text, size_t len);
void lines_close(struct lines *l);
/* 1: l->line is the next one that is not blank; 0: no more; -1: it is too long, holds a NUL, cannot be read.
 */
int lines_next(struct lines *l, struct err *err);

/* "name:line:column: message"; at: a byte of the line, or NULL for the line as a whole. -1. What is quoted
 * from the file goes through lines_quote(). */
int lines_wrong(const struct lines *l, const char *at, struct err *err, const char *hint, const char *fmt,
		...) PRINTF_LIKE(5, 6);
struct quoted {
	char text[44];
};
struct quoted lines_quote(const char *text, size_t len); /* its beginning, printable */

struct cell {
	const char *text;
	size_t len;
};
/* Splits a line of csv (RFC 4180 within one line); quoted cells are unquoted in place. Returns how many cells
 * there are, or 0 with err where a quote is not closed, where the first line has more than room cells, or a
 * later line has more than the first. */
size_t lines_cells(struct lines *l, struct cell *cells, size_t room, struct err *err);

enum decimal { DECIMAL_FINE, DECIMAL_NO_NUMBER, DECIMAL_NEGATIVE, DECIMAL_TOO_LARGE };
/* A decimal number times 10^scale as an integer, halves upwards; *exact: nothing was lost. */
enum decimal decimal_parse(const char *text, size_t len, int scale, int64_t *value, bool *exact);

/* A time in units of 10^-scale ns; a number of tokens from 0 to LENGTH_MAX. 0, or -1 with err. */
int lines_time(const struct lines *l, struct cell c, int scale, int64_t *ns, struct err *err);
int lines_tokens(const struct lines *l, struct cell c, const char *what, int64_t *tokens, struct err *err);

enum trace_kind { TRACE_OWN, TRACE_AZURE, TRACE_BURSTGPT, TRACE_JSONL };
enum { TRACE_COLUMNS = 64, TRACE_WANTED = 4 };

struct trace {
	struct lines lines;
	struct trace_how how;
	enum trace_kind kind;
	size_t column[TRACE_WANTED]; /* columns of time, prompt, output, session; TRACE_COLUMNS: absent */
	bool pending;                /* the line that was looked at first is a row */
	int64_t first_ns;            /* time of the first row, where rows have dates */
	int64_t last_ns;
	uint64_t rows;
	struct trace_skipped skipped;
	VEC(uint64_t) blocks;
};

static inline bool trace_any_skipped(const struct trace *t)
{
	return t->skipped.no_prompt || t->skipped.no_answer;
}

int trace_csv_header(struct trace *t, struct err *err);
int trace_csv_row(struct trace *t, struct trace_row *row, struct err *err);
int trace_jsonl_row(struct trace *t, struct trace_row *row, struct err *err);

#endif
