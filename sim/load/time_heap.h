/*
 * time_heap.h - numbers in the order of their times; of equal times, the one that was put in first comes first.
 *
 * Layer load. A binary heap of (time, order of entry).
 */
#ifndef SIM_LOAD_TIME_HEAP_H
#define SIM_LOAD_TIME_HEAP_H
#include "sim/base/vec.h"

#include <stdbool.h>
#include <stdint.h>

struct time_heap_entry {
	int64_t ns;
	uint64_t order, what;
};

struct time_heap {
	VEC(struct time_heap_entry) heap;
	uint64_t orders;
};

void time_heap_add(struct time_heap *d, int64_t ns, uint64_t what);
const struct time_heap_entry *time_heap_first(const struct time_heap *d); /* NULL if there is none */
void time_heap_drop(struct time_heap *d);                                 /* the first one */
void time_heap_release(struct time_heap *d);

#endif
