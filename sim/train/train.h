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

/* The same step; of many micro-batches those that repeat a cycle exactly are left out (step/loop.h; of GPipe in both halves,
 * step/paces.h), so that loop_run() runs it. A step without such a cycle is whole. The operators of a block, and the rounds of a collective operation among equal devices, are
 * one task where that changes no time (step/joined.h). */
struct program *train_build_short(const struct placement *p);

#endif
