/*
 * cycle.h - the cycle that the passes of a pipeline repeat, and a run of them without most of its repetitions.
 *
 * Layer train. After the first micro-batches have filled the pipeline, every schedule that holds a limited number of them
 * runs the same passes in the same order for the next ones, a fixed time later (struct simulated_orders). GPipe, which
 * runs all forward passes before any backward pass, has no such cycle, but one in each half (step/paces.h).
 */
#ifndef SIM_TRAIN_CYCLE_H
#define SIM_TRAIN_CYCLE_H
#include "sim/train/pipeline.h"

/* The passes that are left out: n cycles of so many micro-batches each. */
struct cycles_left_out {
	size_t first, len;         /* of the simulated actions: they begin at `first`, each has so many */
	uint32_t n, micros, after; /* after: equal cycles that stay behind them */
	sim_ns ns;                 /* of one cycle */
	sim_ns at_ns;              /* when the first pass after them would now start */
};

/* Returns whether b is a, so many micro-batches and so much time later. */
bool cycle_same(const struct simulated_action *a, const struct simulated_action *b, uint32_t micros,
		sim_ns ns);

/* Finds cycles of at most so many micro-batches. Those in the middle are to be left out, where so many micro-batches are kept
 * before them and after them, and where what stays is less than two thirds; p->more of them are left out beside. */
struct kept {
	size_t before, after, cycles; /* and so many cycles after them */
	size_t fold; /* one cycle that is left out is so many of the actions': where messages share a network, tasks may take turns */
};
bool cycle_find(const struct simulated_orders *o, const struct pipeline *p, size_t most, struct kept kept,
		struct cycles_left_out *out);

/* The cycle that a schedule goes on repeating for as long as there are micro-batches: whatever the next action hangs on, all that
 * is under way, was the same one cycle before. actions: in the order in which they start. Sets len, micros and ns; false: it has
 * not come to one. */
bool cycle_goes_on(struct arena *a, const struct pipeline *p, const struct simulated_orders *o,
		   struct cycles_left_out *out);

/* The least common multiple; 0: of 0, or too large to be of use. */
uint32_t cycle_common(uint32_t a, uint32_t b);

/* The micro-batches that are under way at the same time, at most. */
size_t cycle_under_way(struct arena *a, const struct pipeline *p, const struct simulated_orders *o);

/* The actions in the order in which they start, in the arena, so that cycles are as short as they are in time: orders were
 * simulated one stage after the other. Where a pass takes no time, others may need it at the same instant, and the order stays. */
struct simulated_action *cycle_sorted(struct arena *a, const struct pipeline *p,
				      const struct simulated_orders *o);

/* Those of p->more are no part of the orders. */
void cycle_leave_out(struct simulated_orders *o, const struct pipeline *p,
		     const struct cycles_left_out *left);

#endif
