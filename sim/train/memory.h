/*
 * memory.h - bytes of a training step on each machine over time: the peak, its time and its cause.
 *
 * Layer train. Counted from the tasks of a run, so for the schedule that was run. The activations that
 * forward kept of a micro-batch in a block live from the block's start until the last of its gradients is
 * computed; gradients live from the first one computed until the update of their block has ended; weights,
 * adapters and optimizer states live always. NEEDSWORK: if W comes later than B, the gradient of each
 * product's output is kept, too, and all activations but the products' inputs are released: neither is
 * counted.
 */
#ifndef SIM_TRAIN_MEMORY_H
#define SIM_TRAIN_MEMORY_H
#include "sim/place/footprint.h"
#include "sim/step/program.h"

struct memory_point {
	sim_ns at_ns;
	double bytes; /* from this time on */
};

struct memory_use { /* the memory of one machine */
	struct footprint peak;
	sim_ns at_ns; /* when */
	/* a task caused the peak; false: the peak is there from the start, and during is empty */
	bool raised;
	struct label during;         /* label of the task that caused it */
	struct memory_point *points; /* [change]: level over time; in the arena */
	size_t points_n;
};

/* The memory of each machine of the world (out has room for machines_n) under a program made by
 * train_build() for the placement. */
void train_memory(struct arena *a, const struct placement *at, const struct program *p,
		  const struct task_run *run, struct memory_use *out);

/* Only the peaks, for a placement: builds and runs the step. */
void train_footprint(const struct placement *p, struct footprint *out);

#endif
