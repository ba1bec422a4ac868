/*
 * sharing.h - the resources that tasks of several queues of a program use at the same time, and by which queues.
 *
 * Layer step. A wire is a shared part of the network (world.h) that messages of several queues go through, or the memory
 * of a machine on which several devices work. A queue runs one task after the other, so what one queue alone uses is not
 * shared, but is a wire too where it is narrower than the queue's link.
 */
#ifndef SIM_STEP_SHARING_H
#define SIM_STEP_SHARING_H
#include "sim/step/program.h"

struct queue_wires {       /* shared wires that the tasks of a queue go over */
	uint32_t first, n; /* paths[first .. first + n - 1] */
	bool memory;       /* a machine's memory, which operators read */
	bool own_rate; /* a message is no faster than alone on idle links: sizes or the way set its rate */
};

struct sharing {
	const struct program *p;
	const size_t *paths;
	size_t paths_n;
	const struct queue_wires *of; /* [queue] */
};

size_t program_wires(const struct world *w); /* the parts of the network, then each machine's memory */

/* In the arena; the program must outlive it. */
struct sharing sharing_make(struct arena *a, const struct program *p);

/* Returns whether a task of a class is a flow over the queue's wires, given its time alone on the queue; sets the bytes that
 * it moves and the rate that it does not exceed. Of joined tasks none is (joined_holds()). */
bool sharing_flow(const struct sharing *s, uint32_t queue, uint32_t op_class, sim_ns ns, double *bytes,
		  double *cap_Bps);

/* The time of such a task while no other uses its wires: to the nanosecond that of the event engine. */
sim_ns sharing_alone_ns(const struct sharing *s, uint32_t queue, uint32_t op_class, sim_ns ns,
			const double *wires_Bps);

#endif
