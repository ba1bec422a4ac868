/*
 * rows.h - what is found out about an assignment, as rows of named columns with units.
 *
 * Layer predict; the writers of the report room read it. Everything is borrowed from the caller's arenas.
 * Times in seconds, sizes in bytes, shares of one.
 */
#ifndef SIM_PREDICT_ROWS_H
#define SIM_PREDICT_ROWS_H
#include <stdbool.h>
#include <stddef.h>

#include "sim/base/provenance.h"

struct metric {
	const char *name;     /* as in the JSON: decode_tok_per_s */
	const char *unit;     /* "tok/s", "s", "" for a share of one */
	double value, lo, hi; /* lo, hi: P10 and P90 of the calibration's doubt */
	enum provenance from;
	bool less;           /* is better */
	const double *drawn; /* its value under each draw, in their order; NULL: not kept */
	double ci; /* value +- ci is a 95 % interval of chance; 0: none is known, or no chance plays */
	/* The value less that of the assignment that is best by this metric, both under the same random
	 * numbers, so that chance common to both cancels: difference +- difference_ci is a 95 % interval. */
	const char *best; /* that assignment; NULL: it is this one, or no such difference is known */
	double difference, difference_ci;
};

struct memory_row {
	const char *machine;
	const char *phase; /* which workload needs most there: "generate", "train" */
	double need_B, usable_B, weights_B, kv_B, activations_B, gradients_B, optimizer_B;
	double peak_s; /* when in the step; 0: it stands from the start */
	const char
		*during; /* the operator at the peak: "layer 12 ffn, backward, micro-batch 3"; NULL: none */
	double disk_B;   /* weights that stay on the disk, to be read in every step; not of need_B */
	double load_B;   /* need_B where the peak is while the model is loaded; 0: it is not */
};

/* A sentence on the result. Of one assignment it begins with its name and ": ", about bytes of it; else about is 0. Those of
 * one assignment follow each other. */
struct note {
	const char *text;
	size_t about;
};

/* Are both of the same assignment, or both of none? */
bool notes_alike(const struct note *a, const struct note *b);

struct busy_row {
	const char *name; /* "m4pro.gpu", "tb m5>m4pro" */
	const char *phase;
	double share; /* its share of the phase's time */
};

struct assignment_row {
	const char *name;
	bool fits;
	double short_B;       /* the largest shortfall, 0 if it fits */
	const char *short_on; /* the machine that is short */
	const char *bound;    /* the bottleneck: "memory bandwidth of m4pro.gpu"; never NULL */
	const char *advice;   /* the change that would help most; may be NULL */
	const struct metric *metrics;
	size_t metrics_n;
	const struct memory_row *memory;
	size_t memory_n;
	const struct busy_row *busy;
	size_t busy_n;
	/* the workload that does not fit, where another does and has metrics: "train"; else NULL */
	const char *short_phase;
	/* Of each class of a load that has classes, its name and metrics; the rest is as where all fits. */
	const struct assignment_row *classes;
	size_t classes_n;
};

/* The row's metric of that name; NULL where it has none, or none that is finite. */
const struct metric *rows_metric(const struct assignment_row *row, const char *name);

#endif
