/*
 * steady.h - the time of a step in a steady state, from a program of several steps.
 *
 * Layer step. A program holds several equal steps, and groups of sequences in flight may be in
 * different ones. In every step each queue does the same work. The cycle of a queue extends from the
 * end of its first few steps' work (the warm-up) to the end of the next few steps' work (the timed
 * steps). If the order of tasks on the queue repeats by then, a cycle contains all work of the timed
 * steps, so under any times it is no shorter than that work. In a steady state the cycles of all queues
 * and of all groups are equal (the eigenvalue of a timed event graph: Baccelli, Cohen, Olsder, Quadrat,
 * Synchronization and Linearity, 1992, section 3.7), so the longest one is the time of the timed steps.
 */
#ifndef SIM_STEP_STEADY_H
#define SIM_STEP_STEADY_H
#include "sim/step/run.h"

/* Numbers of steps: warm-up, timed, cool-down. The cool-down keeps groups that are ahead from idling. */
struct steady_window {
	int warmup, timed, cooldown;
};
int steady_steps(struct steady_window p);

/* Marks the cycles of a program of steady_steps() equal steps, for the order in which it runs with the
 * calibrated parameters. Returns whether it is in a steady state: each cycle holds the work of its
 * steps, and all cycles take the same time to a thousandth. saturated: a queue is never idle in its cycle. */
bool steady_put(struct program *p, struct steady_window steady_window, bool *saturated);

#endif
