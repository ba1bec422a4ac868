/*
 * memory.h - bytes of a training step on each machine.
 *
 * Layer train.
 */
#ifndef SIM_TRAIN_MEMORY_H
#define SIM_TRAIN_MEMORY_H
#include "sim/place/fit.h"

/* On each machine of the world (out has room for machines_n). */
void train_fit(const struct placement *p, struct fit *out);

#endif
