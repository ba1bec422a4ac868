/*
 * product.h - what a product of activations with weights takes; private to the room.
 *
 * Layer cost. Few rows run in a matrix-vector kernel, which reads the weights; many in tiles, at a utilisation of the
 * peak. A profile with rows measured one by one (measured_rows.h) has neither.
 */
#ifndef SIM_COST_PRODUCT_H
#define SIM_COST_PRODUCT_H
#include "sim/cost/cost.h"

/* Adds flop, bytes and times of a share of a product to c. */
void cost_product(struct cost *c, const struct op *op, const struct device_model *device_model, double share);

/* Whether a matrix-vector kernel runs it. */
bool product_is_few(const struct profile *p, const struct op *op);

/* Whether the host starts the product of each expert by itself; known by kernels, or by the host's time. */
bool product_is_looped(const struct profile *p, const struct op *op);
/* Columns of the product that it is computed in: its own, or those of all that the runtime makes one. */
double product_columns(const struct profile *p, const struct op *op);
bool product_is_called(const struct profile *p, const struct op *op);

/* Adds to c, which has the device's time, what the host takes longer where it starts each expert's product. */
void product_add_calls(struct cost *c, const struct op *op, const struct profile *p, double share);

/* Seconds of the kernel that writes weights of blocks out before a product of many rows reads them; 0: the runtime has none. */
double product_unpacking_s(const struct op *op, const struct profile *p, double share);

/* The tokens of a pass whose products of many rows reach half of their rate (struct ramp). */
double product_ramp(const struct device_model *device_model, const struct op *op);

/* What products of f16 that are summed in f16 reach on the device over what they do on those of the profile's fit. */
double product_sums_share(const struct device_model *device_model);

/* What products of many rows reach on the device over what they do on those of the profile's fit, by the power that a card allows each
 * core: dense products hold cards to their power, and the clock is what it allows. */
double product_power_share(const struct device_model *device_model);

/* The tokens of the pass that it belongs to. */
double product_tokens(const struct op *op);

#endif
