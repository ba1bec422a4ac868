/*
 * jsonw.h - writes JSON into a str: objects, arrays, keys and values; it sets the commas and line breaks.
 *
 * Layer base. Misuse (a value without a key in an object, an end too many) is a BUG. Numbers are written as
 * %.17g or as the shortest of %.15g, %.16g and %.17g that reads back the same; NaN and infinities are written
 * as null.
 */
#ifndef SIM_BASE_JSONW_H
#define SIM_BASE_JSONW_H
#include <stdbool.h>
#include <stdint.h>

#include "sim/base/str.h"

enum { JSONW_DEPTH = 64 };

struct jsonw {
	struct str *out; /* borrowed */
	int indent;      /* spaces per level; 0 writes all on one line */
	int depth;       /* private, like the fields below */
	char kind[JSONW_DEPTH];
	bool filled[JSONW_DEPTH], keyed;
};

void jsonw_init(struct jsonw *w, struct str *out, int indent);
void jsonw_object(struct jsonw *w);
void jsonw_array(struct jsonw *w);
void jsonw_end(struct jsonw *w); /* closes the innermost object or array */
void jsonw_key(struct jsonw *w, const char *key);
void jsonw_string(struct jsonw *w, const char *text); /* invalid UTF-8 becomes U+FFFD */
void jsonw_number(struct jsonw *w, double number);
void jsonw_int(struct jsonw *w, int64_t number);
void jsonw_bool(struct jsonw *w, bool value);
void jsonw_null(struct jsonw *w);

/* A key and its value in one call. */
void jsonw_key_string(struct jsonw *w, const char *key, const char *text);
/* Writes key and text unless the text is NULL or empty. */
void jsonw_key_text(struct jsonw *w, const char *key, const char *text);
void jsonw_key_number(struct jsonw *w, const char *key, double number);
void jsonw_key_int(struct jsonw *w, const char *key, int64_t number);
void jsonw_key_bool(struct jsonw *w, const char *key, bool value);

#endif
