/*
 * fit.h - does it fit? Bytes on each machine, by what they are for.
 *
 * Layer place. A weight lives wherever some phase uses it; devices of one machine share one copy. Not fitting
 * is a result, not an error.
 */
#ifndef SIM_PLACE_FIT_H
#define SIM_PLACE_FIT_H
#include "sim/llm/memory.h"
#include "sim/place/place.h"

struct fit { /* bytes on one machine */
	double weights_B, kv_B, activations_B, gradients_B, optimizer_B;
	double usable_B;
};

double fit_need_B(const struct fit *f);  /* the sum */
double fit_short_B(const struct fit *f); /* what is missing; 0 if it fits */

/* On each machine of the world (out has room for machines_n), for one workload. */
void fit_generate(const struct placement *p, struct fit *out);
void fit_train(const struct placement *p, struct fit *out);

/* The shape of the training step's micro-batch, and of the largest pass of a generation's prefill: the last
 * chunk is the one that sees most, the first group of sequences may be smaller by one. */
struct shape train_shape(const struct train *t);
struct shape prefill_shape(const struct generate *g);

/* Bytes that the forward pass of a block keeps for the backward pass: all that its gradient needs, or its
 * input. */
double train_kept_B(const struct world *w, struct part part);

/* Bytes of optimizer state for each trainable number, and of its traffic in one update (p and g in the given
 * width). */
double optimizer_state_B(enum optimizer o);
double optimizer_traffic_B(enum optimizer o, double width_B);

#endif
