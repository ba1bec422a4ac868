/*
 * steady.h - how long steps that follow one another take once a program of several has settled.
 *
 * Layer step. A program holds several equal steps, and the groups of sequences in flight may be in different
 * ones. Every queue does the work of one step in each step, whichever group that work is of. A cycle of a
 * queue goes from where it has done the work of so many steps (the warm-up) to where it has done that of so
 * many more (the timed ones). If the order of the queue repeats by then, a cycle holds all that the queue
 * does in those steps, so under any times it is no shorter than that work. In a steady state the cycles of
 * all queues and of all groups are equal (the eigenvalue of a timed event graph: Baccelli, Cohen, Olsder,
 * Quadrat, Synchronization and Linearity, 1992, section 3.7), so the longest one is the time of the timed
 * steps.
 */
#ifndef SIM_STEP_STEADY_H
#define SIM_STEP_STEADY_H
#include "sim/step/run.h"

/* Steps before the cycle, in it and behind it. Steps behind it keep groups that are ahead from idling. */
struct steady_window {
	int warmup, timed, cooldown;
};
int steady_steps(struct steady_window p);

/* Marks the cycles of a program of steady_steps() equal steps, in the order in which it runs as calibrated.
 * Returns whether it is in a steady state: each cycle holds the work of its steps, and all cycles take the
 * same time to a thousandth. */
bool steady_put(struct program *p, struct steady_window steady_window);

#endif
