/*
 * result_read.h - a result that was written as JSON, read again: `simulate -o x.json` or x.jsonl.
 *
 * Layer report. What result_write() has written is read without a loss, but for the effective configuration, which stays
 * text.
 */
#ifndef SIM_REPORT_RESULT_READ_H
#define SIM_REPORT_RESULT_READ_H
#include "sim/base/mem.h"
#include "sim/report/result.h"

enum { RESULT_FILE_MAX = 64 * 1024 * 1024 };

/* Whether a text begins as such a file does: with its schema. */
bool result_is(const char *text);

/* Reads one object, or of a .jsonl the objects of all lines, which are assignments of one result. config: the effective
 * configuration as indented JSON; NULL where the file has none. Everything lives in the arena. 0, or -1 with err, which
 * names the path and the place. */
int result_read(struct arena *a, const char *path, const char *text, size_t n, struct result *out,
		const char **config, struct err *err);

#endif
