/*
 * units.h - quantities as text: '118 GB/s', '13.84 TFLOPS', '24 GiB', '30 us'. Pure and total.
 *
 * Layer base. Inside, everything is in base units: byte, byte/s, FLOP/s, second, hertz, watt, one (share),
 * ... A number without a unit is an error where a unit is due, except 0. Bits and bytes, Gi and G are kept
 * apart.
 */
#ifndef SIM_BASE_UNITS_H
#define SIM_BASE_UNITS_H
#include <stddef.h>

#include "sim/base/err.h"
#include "sim/base/str.h"

enum dim {
	DIM_COUNT, /* bare number: layers, heads */
	DIM_BYTES,
	DIM_BANDWIDTH, /* byte/s */
	DIM_FLOPS,     /* FLOP/s */
	DIM_TIME,
	DIM_FREQUENCY,
	DIM_TRANSFERS, /* transfers/s of a memory bus */
	DIM_TOKENS,
	DIM_TOKEN_RATE,
	DIM_REQUEST_RATE,
	DIM_SHARE, /* 0.05 or 5 %; both are read */
	DIM_POWER,
	DIM_MONEY,
	DIM_TARIFF, /* USD per joule; written USD/kWh */
	DIM_LIFE,   /* seconds; written in years */
	DIM_BITS,   /* bits per weight */
	DIM_N
};

/* Parses text, all of it; *value is untouched on failure. Returns 0 or -1 with err filled, hint included. */
int units_parse(const char *text, enum dim dim, double *value, struct err *err);

/* The quantity in the largest decimal unit that leaves one digit or more before the point: "118 GB/s".
 * %.<digits>g. */
void units_format(struct str *out, double value, enum dim dim, int digits);

const char *units_example(enum dim dim); /* "118 GB/s"; for messages and help */
const char *units_name(enum dim dim);    /* "bandwidth"; for help */

#endif
