/*
 * memory.h - bytes of a training step on each machine, as the step goes on: the peak, when, and during what.
 *
 * Layer train. Counted from the tasks that ran, so for the schedule that was run. The activations that
 * forward kept of a micro-batch in a block live from the block's start until the last of its gradients is
 * made; gradients live from the first one that is made until the update of their block has ended; weights,
 * adapters and optimizer states live always. NEEDSWORK: where W comes later than B, the gradient of each
 * product's output is kept too, and all activations but the products' inputs are released: neither is
 * counted.
 */
#ifndef SIM_TRAIN_MEMORY_H
#define SIM_TRAIN_MEMORY_H
#include "sim/place/footprint.h"
#include "sim/step/program.h"

struct memory_point {
	sim_ns at_ns;
	double bytes; /* from then on */
};

struct memory_use { /* of one machine */
	struct footprint peak;
	sim_ns at_ns;        /* when */
	bool raised;         /* by a task; false: the peak is there from the start, and during is empty */
	struct label during; /* the task that raised it */
	struct memory_point *points; /* over time, one for each change; in the arena */
	size_t points_n;
};

/* The memory of each machine of the world (out has room for machines_n) under a program that train_build()
 * made for the placement. */
void train_memory(struct arena *a, const struct placement *at, const struct program *p,
		  const struct task_run *run, struct memory_use *out);

/* The peaks alone, for a placement: builds and runs the step. */
void train_footprint(const struct placement *p, struct footprint *out);

#endif
