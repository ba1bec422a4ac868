/*
 * ranked.h - a list that items are added to and that is put into the order of their ranks now and then; few come between.
 *
 * Layer des. For flow.c.
 */
#ifndef SIM_DES_RANKED_H
#define SIM_DES_RANKED_H
#include <stddef.h>
#include <stdint.h>

#include "sim/base/vec.h"

struct ranked {
	uint64_t rank;
	size_t at; /* the item's index, wherever it is */
};

/* {0} is an empty one; items are added by VEC_ADD. */
struct ranked_list {
	struct ranked *at;
	size_t n, room;
	size_t sorted; /* so many of the first were there when it was sorted last, and are in order */
	VEC(struct ranked) merged; /* scratch */
};

void ranked_sort(struct ranked_list *l);
void ranked_clear(struct ranked_list *l); /* keeps the memory */
void ranked_release(struct ranked_list *l);

#endif
