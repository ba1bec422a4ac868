/*
 * diag.h - what is wrong with the files people wrote: each complaint with its place, its line, a caret and a
 * hint.
 *
 * Layer conf. Loading goes on after a complaint, so that one run tells all; the list stops at DIAG_MAX.
 */
#ifndef SIM_CONF_DIAG_H
#define SIM_CONF_DIAG_H
#include <stddef.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/str.h"

/* A file's text, or a --set argument's; NUL-terminated. Lives as long as every node that came from it. */
struct source {
	const char *path; /* the user's name for it: "scenarios/x.yaml", "--set", "default" */
	const char *text;
	size_t len;
};

struct place {
	const struct source *source; /* NULL: nowhere in particular */
	int line, col;               /* from 1; col counts code points; 0: the whole file */
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
	size_t n;     /* kept */
	size_t total; /* seen */
};

void diags_init(struct diags *d, struct arena *a);
/* The bytes of the line break at s, as YAML 1.1 counts them (LF, CR, CR LF, NEL, LS, PS); 0 if there is none.
 */
size_t diag_line_break(const char *s, const char *end);

/* Quoted text in a message is made safe to print: control characters and bad UTF-8 do not reach a
 * terminal. */
int diag_add(struct diags *d, struct place place, const char *hint, const char *fmt, ...)
	PRINTF_LIKE(4, 5); /* -1 */
int diag_err(struct diags *d, struct place place,
	     const struct err *err); /* takes msg and hint from err; -1 */

/* All of them, sorted by nothing: in the order found. "path:line:col: message", the line, the caret, "hint:
 * ...". */
void diags_format(const struct diags *d, struct str *out);

#endif
