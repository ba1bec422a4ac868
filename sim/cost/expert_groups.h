/*
 * expert_groups.h - kernels that take the rows of each expert in groups, with a reading of its weights for each; private to
 * the room.
 *
 * Layer cost. _blocked_R() and build_groups() of EschaLabs/escha-mlx@4901b844 (escha_mlx/models/qwen3_5_moe.py, moe.py)
 * are such a kernel: groups have a size by the number of rows in all, and are padded to it.
 */
#ifndef SIM_COST_EXPERT_GROUPS_H
#define SIM_COST_EXPERT_GROUPS_H
#include "sim/hw/hw.h"

/* The groups in which so many rows of all experts run; NULL: each row reads its expert's weights for itself. */
const struct expert_group *expert_group_of(const struct few *f, double rows);

/* The groups of `each` rows into which the rows of an expert that has some are divided, in the mean; m >= 1: its rows in
 * the mean. The numbers of rows of experts are taken as Poisson, without those that have none. */
double expert_groups(double m, double each);

#endif
