/*
 * facts.h - what is known of a machine without measuring it: a data sheet's figures, a runtime's kernels.
 *
 * Layer calib. A fact stands for the key of a hardware file it names, as people write it; it wins over what
 * samples say. Lives in the caller's arena.
 */
#ifndef SIM_CALIB_FACTS_H
#define SIM_CALIB_FACTS_H
#include <stdbool.h>
#include <stddef.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/units.h"

struct fact {
	const char *key;   /* "base" (of the file that is written), "title", "memory.bandwidth", "peak_f16",
			      "read", "norm.kernels", "run_to_run" */
	const char *value; /* "273 GB/s" */
	const char *sd, *n, *how, *source; /* NULL: not said */
	int line;
};

struct facts {
	const char *path; /* for messages; NULL: none */
	const struct fact *at;
	size_t n;
};

/* csv with the columns key, value and any of sd, n, how, source. -1 with err "path:line: ...". */
int facts_read(struct arena *a, const char *path, struct facts *f, struct err *err);

const struct fact *facts_find(const struct facts *f, const char *key); /* NULL if not known; f may be NULL */

/* Its value, or *value untouched and false. Values were checked when they were read. */
bool facts_value(const struct facts *f, const char *key, enum dim dim, double *value);

#endif
