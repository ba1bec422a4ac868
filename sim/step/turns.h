/*
 * turns.h - which of the things that several passes want done comes first.
 *
 * Layer step. A turn is a run of tasks of one pass that a device takes up as one: from where the pass comes
 * to a seat to where it leaves it. A program keeps the order in which it was written, so one with several
 * passes is written twice: once pass by pass, and again in the order that turns_order() finds by running the
 * turns with every queue taking what is ready first, as runtimes do that start a piece of work when its input
 * is there.
 */
#ifndef SIM_STEP_TURNS_H
#define SIM_STEP_TURNS_H
#include "sim/step/prog.h"

struct turn {
	uint32_t pass;
	size_t first, last;            /* its blocks */
	uint32_t tasks_from, tasks_to; /* in the program written pass by pass: from .. to - 1 */
};
struct turns { /* a vector */
	struct turn *at;
	size_t n, room;
};

/* Sorts the turns. Those of one pass keep their order, and none comes before one that it waits for. */
void turns_order(const struct prog *p, struct turns *turns);

#endif
