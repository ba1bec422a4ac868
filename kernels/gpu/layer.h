/*
 * layer.h - private to the plans: a layer of a model, whose kernels are those of other cases.
 *
 * One token of a dense model behind LAYER_CONTEXT others: norm, queries, keys, values, attention, its output, norm, gate, up, down,
 * and between them up to as many kernels that do nothing. Each has buffers of its own: what is timed is the order, not what flows.
 */
#ifndef KERNELS_GPU_LAYER_H
#define KERNELS_GPU_LAYER_H
#include "kernels/gpu/plan.h"

/* Fills a plan whose case is SAMPLE_LAYER or SAMPLE_PARTS; false: one of its kernels cannot be run. */
bool layer_plan(struct plan *p, const struct plan_limits *l);

/* The part as a plan of its own, for the check of its result. */
void layer_part(const struct plan *p, int part, struct plan *view);

#endif
