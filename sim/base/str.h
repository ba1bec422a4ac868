/*
 * str.h - a growing string, always terminated by NUL.
 *
 * Layer base. STR_INIT allocates nothing; str_release() frees the memory and leaves STR_INIT.
 */
#ifndef SIM_BASE_STR_H
#define SIM_BASE_STR_H
#include <stdbool.h>
#include <stddef.h>

struct arena;

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
void str_pad(struct str *s, char c, size_t n); /* appends c n times */
/* Appends a CSV cell (RFC 4180), quoted if necessary. If the text begins with = + - @, a tab or a carriage
 * return, a spreadsheet would run it as a formula; an apostrophe is then put before it, which spreadsheets
 * read as a mark of text (owasp.org, CSV Injection). Numbers are written unchanged. */
void str_add_csv(struct str *s, const char *text);
void str_clear(struct str *s);
void str_release(struct str *s);

/* Appends the text as a file name: "Apple M4 Pro" becomes "apple-m4-pro". Letters and digits of ASCII are
 * kept; anything between them becomes one '-'. */
void str_slug(struct str *s, const char *text);
const char *str_slugged(struct arena *a, const char *text); /* the same, in the arena */

bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);
/* The bytes of the word that text begins with, 0 where it begins with a blank or ends. A number and a unit after it are one
 * word, "12.3 s", and so are the two numbers beside a plus-minus. */
size_t str_word(const char *text);
/* Appends the words of text and a line feed; a line ends before it is wider than width, and further lines are indented.
 * The first word is put where s ends, at column `at`. */
void str_add_wrapped(struct str *s, const char *text, size_t at, size_t indent, size_t width);
size_t str_width(const char *utf8); /* columns of a terminal: the sum of utf8_width() */

/* The place of text among names[] (n of them); n where it is none of them. */
size_t str_find(const char *text, const char *const *names, size_t n);

#endif
