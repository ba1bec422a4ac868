/*
 * diag.h - diagnostics of input files: each has its place, the line with a caret, a message and a hint.
 *
 * Layer conf. Loading continues after a diagnostic, so that one run reports all of them; at most DIAG_MAX are
 * kept.
 */
#ifndef SIM_CONF_DIAG_H
#define SIM_CONF_DIAG_H
#include <stddef.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/str.h"

/* The text of a file or of a --set argument, NUL-terminated. It must outlive every node that was read from
 * it. */
struct source {
	const char *path; /* its name in messages: "scenarios/x.yaml", "--set", "--over", "default" */
	const char *text;
	size_t len;
};

struct place {
	const struct source *source; /* NULL: no place in an input */
	int line, col;               /* counted from 1; col counts code points; line 0: the whole file */
	int width;                   /* code points to underline, at least 1 */
};

enum { DIAG_MAX = 20 };

struct diag {
	struct place place;
	const char *msg, *hint; /* hint may be NULL */
};

struct diags {
	struct arena *arena;
	struct diag list[DIAG_MAX];
	size_t n;        /* diagnostics in list */
	size_t left_out; /* diagnostics for which it had no room */
	size_t total; /* diagnostics reported: these and such as said again what the one before had said of the same place */
	struct diag last;
};

void diags_init(struct diags *d, struct arena *a);
/* The length in bytes of the line break at s as YAML 1.1 defines it (LF, CR, CR LF, NEL, LS, PS); 0 if
 * there is none. */
size_t diag_line_break(const char *s, const char *end);

/* Adds a diagnostic and returns -1; one that says of the same place what the last one did is counted, and listed once. Control
 * characters and invalid UTF-8 in msg and hint are replaced, so that they do not reach a terminal. */
int diag_add(struct diags *d, struct place place, const char *hint, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* Adds a diagnostic with the message and hint of err; returns -1. */
int diag_err(struct diags *d, struct place place, const struct err *err);

/* Appends all diagnostics in the order in which they were found: "path:line:col: message", the line, the
 * caret, "hint: ...". */
void diags_format(const struct diags *d, struct str *out);

#endif
