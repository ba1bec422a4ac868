/*
 * due.h - what is to come, earliest first; of equal times, what was put in first.
 *
 * Layer serve. A binary heap of (time, order of entry).
 */
#ifndef SIM_SERVE_DUE_H
#define SIM_SERVE_DUE_H
#include "sim/base/vec.h"

#include <stdbool.h>
#include <stdint.h>

struct due_entry {
	int64_t ns;
	uint64_t order, what;
};

struct due {
	VEC(struct due_entry) heap;
	uint64_t orders;
};

void due_add(struct due *d, int64_t ns, uint64_t what);
const struct due_entry *due_first(const struct due *d); /* NULL if there is none */
void due_drop(struct due *d);                           /* the first one */
void due_release(struct due *d);

#endif
