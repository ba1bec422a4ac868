/*
 * html.h - HTML as text: escaping, and tables.
 *
 * Layer report. Every text that is not written here comes in through html_text(), so that no name of a file can
 * end an element, an attribute or a script. Bytes depend on nothing but the arguments.
 */
#ifndef SIM_REPORT_HTML_H
#define SIM_REPORT_HTML_H
#include <stdbool.h>
#include <stddef.h>

#include "sim/base/str.h"

/* Appends a text for the content of an element or for a quoted attribute. Invalid UTF-8 becomes U+FFFD; control
 * characters but line feed and tab, and those that change the order of the text around them, are written out as
 * [U+202E]. */
void html_text(struct str *out, const char *text);

/* The same of a sentence, in which no number is parted from its unit at the end of a line, str_word(). */
void html_sentence(struct str *out, const char *text);

/* Appends <tag class="...">text</tag>, the text a sentence, and a line feed; class_name may be NULL. */
void html_element(struct str *out, const char *tag, const char *class_name, const char *text);

/* Appends a heading of level 1 to 6 with an id, which must be unique in the page. */
void html_heading(struct str *out, int level, const char *id, const char *text);

struct html_column {
	const char *head, *unit; /* unit: NULL or "" for none */
	bool number;             /* aligned to the right, and sorted by value */
};

struct html_cell {
	const char *text;
	const char *under; /* smaller lines below, with '\n' between them: an interval; may be NULL */
	const char *raw;   /* trusted HTML in place of text; may be NULL */
	double value;      /* by which a column of numbers is sorted; NAN: last */
	bool best;         /* the best of its column */
};

struct html_table {
	const char *caption;
	const struct html_column *columns; /* the first names the row */
	size_t columns_n;
	const struct html_cell *cells; /* [row * columns_n + column] */
	size_t rows_n;
};

/* Appends the table in a box of its own, which scrolls where it is wider than the page. */
void html_table(struct str *out, const struct html_table *t);

#endif
