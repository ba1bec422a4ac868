/*
 * numbers.h - numbers as people and programs write them: "3290.92", "3,290.92", "3.290,92", "3 290.92", "3'290.92".
 *
 * Layer runs. Every reader of reports takes its numbers here. A number is read whole or not at all: digits that no rule
 * groups ("15,30.2", "1 53"), and a mark that may part thousands or a fraction ("3,290"), make it none, so that a part of it is
 * never taken for the whole. What stands behind, such as a unit, is the caller's.
 */
#ifndef SIM_RUNS_NUMBERS_H
#define SIM_RUNS_NUMBERS_H
#include <stddef.h>

/* The bytes of the number that begins the text, with the marks and single blanks between its groups; 0: none begins here. */
size_t number_span(const char *text);
/* Where the number that ends at `end` begins, not before `text`; end: none does. */
const char *number_begin(const char *text, const char *end);

/* Reads the number that begins the text, with an exponent where it has one; returns its end, or NULL: none begins here, it may
 * be either of two, or digits follow that belong to it and are not understood. */
const char *number_decimal(const char *text, double *x);
/* The same for a count, whose points, commas and blanks part thousands alone: "1,026". */
const char *number_tally(const char *text, double *x);

/* The number that begins the text; NAN: none does. */
double reading_decimal(const char *text);
double reading_tally(const char *text);

#endif
