/*
 * memory.h - bytes of a training step on each machine, as the step goes on: the peak, when, and during what.
 *
 * Layer train. Counted from the tasks that ran, so by the schedule that was run. What forward kept of a
 * micro-batch in a block lives from when that starts until the last of its gradients is made; gradients from
 * the first that is made until their block's update is over; weights, adapters and optimizer states always.
 * NEEDSWORK: where W comes later than B the gradient of each product's output is kept too, and all but the
 * products' inputs is let go: neither is counted.
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
	sim_ns at_ns;                /* when */
	bool raised;                 /* else it stands from the start, and during is nothing */
	struct label during;         /* the task that raised it */
	struct memory_point *points; /* over time, one for each change; in the arena */
	size_t points_n;
};

/* On each machine of the world (out has room for machines_n), of a program that train_build() made for the
 * placement. */
void train_memory(struct arena *a, const struct placement *at, const struct program *p,
		  const struct task_run *run, struct memory_use *out);

/* The peaks alone: builds and runs the step. */
void train_footprint(const struct placement *p, struct footprint *out);

#endif
