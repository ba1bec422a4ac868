/*
 * run.h - a program run: the times of its classes under some parameters, and all its tasks on the event
 * engine.
 *
 * Layer step. What several tasks use at once they share by max-min fairness (des/flow.h): a half-duplex
 * link's wire, and the memory of a machine of which several devices work. There an operator is a flow of the
 * bytes it moves, at most as fast as it would be alone; the memory gives no more than the quickest stream
 * that was measured of any of the machine's devices. Copies to and from the host are not counted.
 */
#ifndef SIM_STEP_RUN_H
#define SIM_STEP_RUN_H
#include "sim/step/program.h"

/* A drawn or changed world is the same program with other times. */
struct class_times {
	sim_ns *ns, *lag_ns; /* one for each class: alone on its queue, and a link's latency */
	double *wires_Bps;   /* what is shared: one for each link, then one for each machine's memory */
};
size_t program_wires(const struct world *w);

struct class_times program_times(struct arena *a, const struct program *p); /* as calibrated */
struct class_times program_times_new(struct arena *a,
				     const struct program *p); /* room for the next two; p may be NULL */
/* speed, z: one for each source. */
void program_times_at(const struct program *p, const struct params *speed, struct class_times *t);
void program_times_drawn(const struct program *p, const struct params *z, struct class_times *t);

/* Does anything that the program uses have to be shared? */
bool program_shares(const struct program *p);

/* The truth: all tasks on the event engine. graph (may be NULL) gets what was run, for the critical path. */
struct task_run program_run(struct arena *a, const struct program *p, const struct class_times *t,
			    struct task_graph *graph);

#endif
