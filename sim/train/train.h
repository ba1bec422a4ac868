/*
 * train.h - one training step: forward and backward of every micro-batch, then the optimizer's update.
 *
 * Layer train. The order of the passes is the schedule's (pipeline.h) over the stages that the placement
 * makes (stages.h). Where backward runs elsewhere than forward, what forward saved travels; replicas of a
 * data split add their gradients up; where the update runs elsewhere, gradients go there and trained weights
 * come back.
 */
#ifndef SIM_TRAIN_TRAIN_H
#define SIM_TRAIN_TRAIN_H
#include "sim/step/program.h"

enum { MARK_FORWARD = 0, MARK_BACKWARD = 1 }; /* ends of the last forward and of the last backward pass */

struct program *train_build(const struct placement *p);

/* Useful FLOP of one step (model FLOPs as in Chowdhery et al., arXiv:2204.02311, appendix B: no
 * recomputation, the causal half of attention), for MFU. */
double train_flop(const struct world *w);

double train_tokens(const struct train *t); /* of one step, all micro-batches */

#endif
