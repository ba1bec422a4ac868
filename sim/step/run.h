/*
 * run.h - runs a program: the times of its classes under given parameters, and all its tasks on the
 * event engine.
 *
 * Layer step. Tasks that use a resource at the same time share it by max-min fairness (des/flow.h): the shared
 * parts of the network (world.h) that messages of several queues go through, and the memory of a machine on which several devices work. An operator there is a
 * flow of the bytes it moves, no faster than it would be alone; the capacity of the memory is the
 * highest bandwidth measured on any of the machine's devices. Copies between host and device are not
 * counted.
 */
#ifndef SIM_STEP_RUN_H
#define SIM_STEP_RUN_H
#include "sim/step/sharing.h"

/* Times of a program's classes; a draw or a what-if changes only these. */
struct class_times {
	sim_ns *ns, *lag_ns; /* [class]: time alone on its queue, and a link's latency */
	double *wires_Bps;   /* shared resources: the parts of the network, then each machine's memory */
	sim_ns *ahead_ns;    /* [class]: what the host is ahead by after its launches (launches.h) */
};

/* Times with the calibrated parameters. */
struct class_times program_times(struct arena *a, const struct program *p);
/* Allocates room for the next two functions; p may be NULL. */
struct class_times program_times_new(struct arena *a, const struct program *p);
/* speed, z: [source]; see cost_seconds_at() and cost_seconds_drawn(). */
void program_times_at(const struct program *p, const struct params *speed, struct class_times *t);
void program_times_drawn(const struct program *p, const struct params *z, struct class_times *t);
/* Sets the times of joined classes and of passes, of which their parts' are known; the functions above have done so. */
void program_times_join(const struct program *p, const struct class_times *t);
/* Sets what is shared under a draw; program_times_drawn() has done so. */
void program_wires_drawn(const struct program *p, const struct params *z, struct class_times *t);
/* The parameter that determines the time of a class on a link or a disk. */
enum param program_link_param(const struct op_class *c);

/* Returns whether several tasks of the program can use one resource at the same time. */
bool program_shares(const struct program *p);

/* Runs all tasks on the event engine. graph (may be NULL) gets the task graph that was run, for the
 * critical path. */
struct task_run program_run(struct arena *a, const struct program *p, const struct class_times *t,
			    struct task_graph *graph);
/* The same where tasks do not start before a time: [task]; NULL: program_run(). */
struct task_run program_run_after(struct arena *a, const struct program *p, const struct class_times *t,
				  const sim_ns *earliest_ns, struct task_graph *graph);

#endif
