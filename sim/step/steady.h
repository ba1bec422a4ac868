/*
 * steady.h - how long steps that follow one another take once a program of several has settled.
 *
 * Layer step. Every queue does the work of a step once a step, whoever of the groups in flight is ahead: from
 * where it has done that of so many steps to where it has done that of so many more is a lap. Where its order
 * repeats itself by then, a lap holds all that the queue does in those steps and so is no shorter, under any
 * times; in a steady state all queues and all groups take the same (the eigenvalue of a timed event graph:
 * Baccelli, Cohen, Olsder, Quadrat, Synchronization and Linearity, 1992, section 3.7). The longest counts.
 */
#ifndef SIM_STEP_STEADY_H
#define SIM_STEP_STEADY_H
#include "sim/step/run.h"

/* Steps before a lap, in it, behind it: there those that are ahead still have something to do. */
struct steady_window {
	int warmup, timed, cooldown;
};
int steady_steps(struct steady_window p);

/* Sets the laps of a program of steady_steps() equal steps, in the order in which it runs as calibrated.
 * Returns whether it has settled: each lap holds the work of its steps, and they take the same to a
 * thousandth. */
bool steady_put(struct program *p, struct steady_window steady_window);

#endif
