/*
 * validation.h - predicted against measured: a row for each comparison, and the sums of rows by set.
 *
 * Layer validate. Whatever was compared (runs of the machines that their rows name, runs on machines or
 * scenarios that the request names, outcomes of a scenario) comes to these rows.
 */
#ifndef SIM_VALIDATE_VALIDATION_H
#define SIM_VALIDATE_VALIDATION_H
#include <stdbool.h>
#include <stddef.h>

#include "sim/base/mem.h"

/* Predicted without the row: the relative error of the rate (NAN: not asked, or the row was in no fit), P10 and P90 of
 * that prediction, and whether they hold the measurement. */
struct left_out {
	double error, lo, hi;
	bool inside;
};

struct validation_row {
	const char *set, *runtime;
	const char *machine, *assignment; /* the predicted one: one of the two, the other is NULL */
	const char *run, *metric;         /* the measured one: one of the two, the other is NULL */
	const char *unit;                 /* "tok/s", "TFLOPS", "GB/s", "s"; "": a share; "times": a ratio */
	const char *file, *source, *quality, *note; /* about the measurement; NULL: not said */
	const char *computed;                       /* what the prediction is of; NULL: not said */
	const char *why;                            /* there is no prediction; NULL: none is given */
	const char *limited_by; /* the term that takes most of the time: "arithmetic"; NULL: not known */
	double limited_share;   /* and how much of it */
	double measured, sd;    /* sd: standard deviation of a sample, 0 where it is not known */
	double predicted, lo,
		hi; /* predicted: NAN where there is none; lo, hi: NAN where no draws were made */
	struct left_out no_model, no_chip; /* without its model on its machine; without its chip */
	bool held_out;                     /* in no fit */
};

enum validation_kind {
	VALIDATION_ROWS,    /* each row names its machine */
	VALIDATION_REPLAYS, /* runs on machines and scenarios that the request names */
	VALIDATION_OUTCOMES /* metrics of a scenario's assignments */
};

struct validation {
	struct validation_row *at;
	size_t n;
	enum validation_kind kind;
};

double validation_error(const struct validation_row *r);
bool validation_inside(const struct validation_row *r); /* false where there is no interval */

/* The error that is largest either way, with its sign. A row without a prediction counts as infinite, but
 * among replays, where it is passed over; NAN where none is left. */
double validation_worst(const struct validation *v);

/* Of rows that a fit left out. */
struct left_sum {
	size_t n, inside;
	double error; /* sum of magnitudes */
};

struct validation_sum {
	const char *set;
	size_t n, compared, held_out, inside;
	double error, bias; /* sums of the errors' magnitudes, and of the errors */
	double worst;       /* the largest error of those compared */
	struct left_sum no_model, no_chip;
	/* The row that is furthest off, where it can be without its own measurement. NULL: none compared. */
	const struct validation_row *worst_row;
	double worst_row_error;
};

/* In the order in which sets are first met; the last sum is of all rows. */
struct validation_sum *validation_sums(struct arena *a, const struct validation *v, size_t *n);

#endif
