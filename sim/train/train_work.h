/*
 * train_work.h - the work of a training step: where its time goes, its useful FLOP and its tokens.
 *
 * Layer train.
 */
#ifndef SIM_TRAIN_TRAIN_WORK_H
#define SIM_TRAIN_TRAIN_WORK_H
#include "sim/step/run.h"

/* The time of a step by the work of its devices, in seconds. The time of a phase is that of its operators,
 * the host's part of a step included (the loss belongs to forward, the end of the step to the optimizer),
 * as the mean over the devices that run any of them; a forward pass that is run again for its gradients
 * belongs to backward. Waiting is the rest of the step, as the mean over the devices that run anything:
 * for other devices, links, copies to and from these, and gradients of other replicas. On one device, or
 * on equal stages of a pipeline, the four add up to the step for any order of micro-batches. */
struct train_times {
	double forward_s, backward_s, optimizer_s, waiting_s;
};

/* The operators of a step, counted by device, class and phase: what train_times() needs of a program, so that each draw
 * of the calibration costs as much as there are classes, not tasks. Lives in the arena. */
struct train_work;
const struct train_work *train_work(struct arena *a, const struct program *p);
struct train_times train_times(const struct train_work *work, const struct class_times *t,
			       sim_ns makespan_ns);

/* Useful FLOP of one step (model FLOPs as in Chowdhery et al., arXiv:2204.02311, appendix B: no
 * recomputation, the causal half of attention), for MFU. */
double train_flop(const struct world *w);

double train_tokens(const struct train *t); /* in one step, over all micro-batches */

#endif
