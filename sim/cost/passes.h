/*
 * passes.h - passes over tensors of activations in kernels of their own.
 *
 * Layer cost. A pass reads and writes at the rate of copies. What a kernel wrote the next one finds in the device's own
 * cache, as far as that holds what is read and what is written: such passes take `copy_held` of that time.
 */
#ifndef SIM_COST_PASSES_H
#define SIM_COST_PASSES_H
#include "sim/cost/cost.h"

/* The time of passes of `bytes` in all over a tensor that has tensor_B bytes as it is kept. */
struct term term_passes(double bytes, double tensor_B, const struct device_model *device_model);

#endif
