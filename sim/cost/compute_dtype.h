/*
 * compute_dtype.h - the dtype that a runtime computes a model in where nobody says it.
 *
 * Layer cost. Most GPUs multiply f16 and bf16 at one rate, and profiles are fitted to f16. Those that have no bf16 in
 * hardware (M1, M2) take twice as long in it, and MLX computes in what a model's files keep (mlx_dtype of model.h).
 */
#ifndef SIM_COST_COMPUTE_DTYPE_H
#define SIM_COST_COMPUTE_DTYPE_H
#include "sim/hw/hw.h"
#include "sim/llm/model.h"

/* The first of f16, bf16 that the profile has a GEMM table of; else f32. */
enum dtype compute_dtype_of_profile(const struct profile *p);

/* m: NULL for an operator alone. */
enum dtype compute_dtype(const struct device *d, const struct profile *p, const struct model *m);

#endif
