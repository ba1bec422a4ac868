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
#include "sim/conf/yml.h"
#include "sim/predict/rows.h"

struct input_row {
	const char *file;
	char sha256[65];
};

struct result {
	const char *scenario, *version, *title;
	const char *computed; /* the computed workload, world/computed.h; NULL: not said */
	uint64_t seed;
	int draws;
	const struct input_row *inputs;
	size_t inputs_n;
	const struct assignment_row *rows;
	size_t rows_n;
	const struct note *notes; /* under the table: the peak MFU is stated against, ... */
	size_t notes_n;
	/* metrics that the rows are the Pareto front of, as optimize finds it; NULL: they are none */
	const char *goal, *pareto;
	const struct yml
		*config; /* the effective configuration; NULL: not known. Written by result_json() alone */
};

enum result_format { RESULT_TABLE, RESULT_MD, RESULT_CSV, RESULT_JSON, RESULT_JSONL, RESULT_FORMAT_N };
extern const char *const result_format_names[RESULT_FORMAT_N + 1];

/* Appends the result in that format. width: columns of the terminal for RESULT_TABLE, 0 for as wide as it
 * takes. */
void result_write(struct str *out, const struct result *r, enum result_format format, int width);

#endif
