/*
 * units.h - quantities as text: '118 GB/s', '13.84 TFLOPS', '24 GiB', '30 us'.
 *
 * Layer base. Internally every value is in base units: byte, byte/s, FLOP/s, second, hertz, watt, one
 * (share), and so on. Where a unit is required, a number without one is an error, except 0. Bits and bytes
 * are distinguished, and so are binary and decimal prefixes (Gi and G).
 */
#ifndef SIM_BASE_UNITS_H
#define SIM_BASE_UNITS_H
#include <stddef.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/str.h"

enum dim {
	DIM_COUNT, /* a number without a unit: layers, heads */
	DIM_BYTES,
	DIM_BANDWIDTH, /* byte/s */
	DIM_FLOPS,     /* FLOP/s */
	DIM_TIME,
	DIM_FREQUENCY,
	DIM_TRANSFERS, /* transfers/s of a memory bus */
	DIM_TOKENS,
	DIM_TOKEN_RATE,
	DIM_REQUEST_RATE,
	DIM_SHARE, /* 0.05 and 5 % are both accepted */
	DIM_POWER,
	DIM_MONEY,
	DIM_TARIFF, /* USD per joule; written USD/kWh */
	DIM_LIFE,   /* seconds; written in years */
	DIM_BITS,   /* bits per weight */
	DIM_N
};

/* Parses the whole text. *value is unchanged on failure. Returns 0, or -1 with err and a hint. */
int units_parse(const char *text, enum dim dim, double *value, struct err *err);

/* Reads the finite decimal number that a text begins with, and returns where it ends; NULL: there is none. What else
 * strtod() takes (hexadecimal numbers, inf, nan, space before the number) is none. */
const char *units_number(const char *text, double *number);

/* A pure number for tables and prose. */
struct figure {
	char text[48];
};
/* As %g with that many significant digits, but never with an exponent: 12583 has its whole part, 0.000012 its zeros, and
 * from 1e16 on and below 1e-9 the nearest power of ten alone is said, "10^94". "-" of NAN. */
struct figure units_digits(double x, int digits);
/* How many there are: "430 million", "2.1 trillion", "10^94". */
struct figure units_amount(double x);

/* Appends the quantity in the largest unit that leaves a digit other than zero before the point: "118
 * GB/s". digits: significant digits, as of %g. */
void units_format(struct str *out, double value, enum dim dim, int digits);
/* The same as a text of its own, in the arena. */
const char *units_text(struct arena *a, double value, enum dim dim, int digits);
/* Appends a size of memory in binary units, as every table has it: "5.14 GiB". */
void units_format_memory(struct str *out, double bytes);

/* The same with four significant digits, or as many as its whole part has, since "1.234e+04 tok/s" is
 * no figure to read; "-" of NAN. */
struct figure units_figure(double x);

/* Appends a pure number with three significant digits, zeros at the end included, so that the numbers of a column compare
 * at a glance: "8.80", "1260"; beyond 10^-4 and 10^8 as units_digits(). */
void units_format_number(struct str *out, double value);

/* Appends the shortest text that units_parse() reads as exactly this value, if possible in the unit that
 * units_format() uses. In dimensions without a unit equal to the base unit (tariff, life) the last digit
 * may differ. */
void units_format_exact(struct str *out, double value, enum dim dim);

const char *units_example(enum dim dim); /* an example for messages and help: "118 GB/s" */
const char *units_name(enum dim dim);    /* the name for help: "bandwidth" */

#endif
