/*
 * str.h - a growing string; always ends in NUL.
 *
 * Layer base. STR_INIT needs no allocation; str_release() gives the memory back and leaves STR_INIT.
 */
#ifndef SIM_BASE_STR_H
#define SIM_BASE_STR_H
#include <stdbool.h>
#include <stddef.h>

struct str {
	char *text;  /* read-only: owned, NUL-terminated, never NULL */
	size_t len;  /* read-only: bytes before the NUL */
	size_t room; /* private */
};

extern char str_nothing[1];
#define STR_INIT                                                                                             \
	{                                                                                                    \
		.text = str_nothing, .len = 0, .room = 0                                                     \
	}

void str_add(struct str *s, const char *text);
void str_add_n(struct str *s, const char *bytes, size_t n);
void str_addf(struct str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void str_pad(struct str *s, char c, size_t n); /* n times c */
/* A cell of text (RFC 4180), quoted where it has to be. Where it begins with one of = + - @, a tab or a carriage
 * return, a spreadsheet would run it as a formula: an apostrophe is put before it, which spreadsheets take as
 * "what follows is text" (owasp.org, CSV Injection). A number stays as it is. */
void str_add_csv(struct str *s, const char *text);
void str_clear(struct str *s);
void str_release(struct str *s);

/* A name as files have it: "Apple M4 Pro" -> "apple-m4-pro"; letters and digits of ASCII, else one '-'
 * between them. */
void str_slug(struct str *s, const char *text);

bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);
size_t str_width(const char *utf8); /* columns on a terminal, one per code point */

/* The entry of names[] (n of them) closest to text by edit distance, or NULL if none is close enough to
 * suggest. */
const char *str_closest(const char *text, const char *const *names, size_t n);

#endif
