/*
 * by_hand.h - what a runtime's code does in several kernels; private to the room.
 *
 * Layer cost. Attention that no fused kernel runs is a product, a softmax and a product: it computes the whole rectangle
 * at the rate of products and passes its scores through memory. For few queries each product is one of matrix times
 * vector for each query head, which reads the keys or values of its group for itself, at the rate of weights in 16 bits.
 */
#ifndef SIM_COST_BY_HAND_H
#define SIM_COST_BY_HAND_H
#include "sim/cost/cost.h"

/* The kernels and passes of an operator's scores where no fused kernel runs them; NULL: one does. */
const struct fusion *scores_by_hand(const struct profile *p, const struct op *op);

/* What an operator of another kind has more than the profile's counts of that kind. */
struct fusion more_by_hand(const struct op *op);

/* Fills the work, its arithmetic and its memory. */
void cost_scores_by_hand(struct cost *c, const struct op *op, const struct device_model *device_model,
			 double share);

#endif
