/*
 * datasheet.h - what is known of a machine without measuring it: a data sheet's figures, a runtime's kernels.
 *
 * Layer calib. A fact stands for the key of a hardware file it names, as people write it; it wins over what
 * samples say. Lives in the caller's arena.
 */
#ifndef SIM_CALIB_DATASHEET_H
#define SIM_CALIB_DATASHEET_H
#include <stdbool.h>
#include <stddef.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/units.h"

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

/* csv with the columns key, value and any of sd, n, how, source. -1 with err "path:line: ...". */
int datasheet_read(struct arena *a, const char *path, struct datasheet *f, struct err *err);

const struct datasheet_row *datasheet_find(const struct datasheet *f,
					   const char *key); /* NULL if not known; f may be NULL */

/* Its value, or *value untouched and false. Values were checked when they were read. */
bool datasheet_value(const struct datasheet *f, const char *key, enum dim dim, double *value);

#endif
