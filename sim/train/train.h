/*
 * train.h - one training step: forward and backward of every micro-batch, then the optimizer's update.
 *
 * Layer train. The schedule (pipeline.h) orders the passes on the stages of the placement (stages.h). If
 * backward runs on other devices than forward, the activations that forward kept are sent there. Replicas
 * of a data split all-reduce their gradients. If the update runs on other devices, gradients are sent
 * there and updated weights come back.
 */
#ifndef SIM_TRAIN_TRAIN_H
#define SIM_TRAIN_TRAIN_H
#include "sim/step/run.h"

struct program *train_build(const struct placement *p);

/* The same step; of many micro-batches those that repeat a cycle exactly are left out (step/loop.h), so that loop_run()
 * runs it. A step without such a cycle is whole. */
struct program *train_build_short(const struct placement *p);

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
