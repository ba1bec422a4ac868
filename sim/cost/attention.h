/*
 * attention.h - what attention proper takes: scores, softmax and values in a fused kernel; private to the room.
 *
 * Layer cost. Kernels for a few queries are bound by reading the cache, or by unpacking one in blocks, and each of their
 * readings serves so many query heads of a group. Those for the queries of a prompt are bound by what they compute, at a
 * utilisation that goes by queries and context. Attention that no fused kernel runs: by_hand.h.
 */
#ifndef SIM_COST_ATTENTION_H
#define SIM_COST_ATTENTION_H
#include "sim/cost/cost.h"

/* Fills the work, its arithmetic and its memory. */
void cost_scores(struct cost *c, const struct op *op, const struct device_model *device_model, double share);

/* Is it the kernel of a batch in which pieces of prompts are beside sequences that decode? And the seconds that its blocks
 * take to start up. */
bool attention_is_mixed(const struct attention_table *a, const struct op *op);
double attention_starts_mixed(const struct attention_table *a, const struct op *op);

/* Is it the kernel of one query of each of several sequences, which the runtime has beside that of one of one? */
bool attention_is_several(const struct attention_table *a, const struct op *op);

#endif
