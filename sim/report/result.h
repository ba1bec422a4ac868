/*
 * result.h - what a command found out, as rows: one writer for each format reads only this.
 *
 * Layer report. Everything is borrowed from the caller's arenas. Times in seconds, sizes in bytes, shares of
 * one.
 */
#ifndef SIM_REPORT_RESULT_H
#define SIM_REPORT_RESULT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/err.h"
#include "sim/base/str.h"
#include "sim/base/how.h"

struct metric {
	const char *name;     /* as in the JSON: decode_tok_per_s */
	const char *unit;     /* "tok/s", "s", "" for a share of one */
	double value, lo, hi; /* lo, hi: P10 and P90 */
	enum how from;
};

struct memory_row {
	const char *machine;
	const char *phase; /* which workload needs most there: "generate", "train" */
	double need_B, usable_B, weights_B, kv_B, activations_B, gradients_B, optimizer_B;
};

struct busy_row {
	const char *name; /* "m4pro.gpu", "tb m5>m4pro" */
	const char *phase;
	double share; /* of that phase's time */
};

struct assignment_row {
	const char *name;
	bool fits;
	double short_B;       /* the largest shortfall, 0 if it fits */
	const char *short_on; /* the machine that is short */
	const char *bound;    /* what limits it: "memory bandwidth of m4pro.gpu"; never NULL */
	const char *advice;   /* what would change that most; may be NULL */
	const struct metric *metrics;
	size_t metrics_n;
	const struct memory_row *memory;
	size_t memory_n;
	const struct busy_row *busy;
	size_t busy_n;
	/* the workload that does not fit, where another does and has metrics: "train"; else NULL */
	const char *short_phase;
};

struct input_row {
	const char *file;
	char sha256[65];
};

struct result {
	const char *scenario, *version, *title;
	uint64_t seed;
	int draws;
	const struct input_row *inputs;
	size_t inputs_n;
	const struct assignment_row *rows;
	size_t rows_n;
	const char *const *notes; /* sentences under the table: the peak MFU is stated against, ... */
	size_t notes_n;
	const char *config_json; /* the effective configuration as one JSON object, or NULL */
};

enum result_format { RESULT_TABLE, RESULT_MD, RESULT_CSV, RESULT_JSON, RESULT_JSONL, RESULT_FORMAT_N };
extern const char *const result_format_names[RESULT_FORMAT_N + 1];

/* Appends the result in that format. width: columns of the terminal for RESULT_TABLE, 0 for as wide as it
 * takes. */
void result_write(struct str *out, const struct result *r, enum result_format format, int width);

#endif
