/*
 * datasheet.h - figures of a machine that are stated, not measured: its data sheet's, and a runtime's kernel counts.
 *
 * Layer calib. Each row gives the value of one key of a hardware file, and takes precedence over what samples
 * give. Rows and texts live in the caller's arena.
 */
#ifndef SIM_CALIB_DATASHEET_H
#define SIM_CALIB_DATASHEET_H
#include <stdbool.h>
#include <stddef.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/units.h"

struct machine;

struct datasheet_row {
	const char *key;   /* "base" (of the file that is written), "title", "memory.bandwidth", "peak_f16",
			      "read", "norm.kernels", "run_to_run" */
	const char *value; /* "273 GB/s" */
	const char *sd, *n, *provenance, *source; /* NULL: not said */
	int line;
};

struct datasheet {
	const char *path; /* for messages; NULL: none */
	const struct datasheet_row *at;
	size_t n;
};

/* Reads a csv with the columns key, value and any of sd, n, how, source. -1 with err "path:line: ...": an unknown or
 * repeated key, a value of another dimension. */
int datasheet_read(struct arena *a, const char *path, struct datasheet *sheet, struct err *err);

/* Adds what `base` states and the data sheet does not: memory, and the device's peaks of the dtypes that are measured (by
 * enum dtype). The first device where none has that name. */
void datasheet_inherit(struct arena *a, struct datasheet *sheet, const struct machine *base,
		       const char *device, const bool *measured);

const struct datasheet_row *datasheet_find(const struct datasheet *sheet,
					   const char *key); /* NULL: no such row; sheet may be NULL */

/* The value of a key in base units; false, with *value untouched, where there is no such row. Values were checked when
 * they were read. sheet may be NULL. */
bool datasheet_value(const struct datasheet *sheet, const char *key, enum dim dim, double *value);

#endif
