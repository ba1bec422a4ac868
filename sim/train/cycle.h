/*
 * cycle.h - the cycle that the passes of a pipeline repeat, and a run of them without most of its repetitions.
 *
 * Layer train. After the first micro-batches have filled the pipeline, every schedule that holds a limited number of them
 * runs the same passes in the same order for the next ones, a fixed time later (struct simulated_orders). GPipe, which
 * runs all forward passes before any backward pass, has no such cycle.
 */
#ifndef SIM_TRAIN_CYCLE_H
#define SIM_TRAIN_CYCLE_H
#include "sim/train/pipeline.h"

/* The passes that are left out: n cycles of so many micro-batches each. */
struct cycles_left_out {
	size_t first, len; /* of the simulated actions: they begin at `first`, each has so many */
	uint32_t n, micros;
	sim_ns ns;    /* of one cycle */
	sim_ns at_ns; /* when the first pass after them would now start */
};

/* Returns whether b is a, so many micro-batches and so much time later. */
bool cycle_same(const struct simulated_action *a, const struct simulated_action *b, uint32_t micros,
		sim_ns ns);

/* Finds cycles of at most so many micro-batches. Those in the middle are to be left out, where so many micro-batches are kept
 * before them and after them, and where what stays is less than two thirds. */
struct kept {
	size_t before, after;
};
bool cycle_find(const struct simulated_orders *o, uint32_t micros, size_t most, struct kept kept,
		struct cycles_left_out *out);

void cycle_leave_out(struct simulated_orders *o, const struct cycles_left_out *left);

#endif
