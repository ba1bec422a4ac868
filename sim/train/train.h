/*
 * train.h - one training step: forward and backward of every micro-batch, then the optimizer's update.
 *
 * Layer train. The schedule (pipeline.h) orders the passes over the stages that the placement makes
 * (stages.h). Where backward runs on other devices than forward, the activations that forward kept travel
 * there. Replicas of a data split all-reduce their gradients. Where the update runs elsewhere, gradients
 * travel there and trained weights come back.
 */
#ifndef SIM_TRAIN_TRAIN_H
#define SIM_TRAIN_TRAIN_H
#include "sim/step/run.h"

struct program *train_build(const struct placement *p);

/* The time of a step by what devices do in it, in seconds. A phase's time is what its operators take (the
 * host's part of a step included: the loss belongs to forward, the end of the step to the optimizer), as the
 * mean over the devices that run any of them; a forward pass that is run again for its gradients belongs to
 * backward. Waiting is what remains of the step, as the mean over the devices that run anything: for other
 * devices, for links, for copies to and from them, for the gradients of other replicas. So on one device, or
 * on equal stages of a pipeline, the four add up to the step, in whatever order the schedule runs its
 * micro-batches. */
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

double train_tokens(const struct train *t); /* of one step, all micro-batches */

#endif
