/*
 * memory.h - bytes of activations and of the KV cache.
 *
 * Layer llm.
 */
#ifndef SIM_LLM_MEMORY_H
#define SIM_LLM_MEMORY_H
#include "sim/llm/graph.h"

/* Bytes of one token's activation between blocks. */
double graph_hidden_B(const struct model *m, const struct precision *p);

/* Bytes of a block's KV cache for so many sequences of so many tokens; a window caps it. */
double graph_kv_B(const struct model *m, const struct precision *p, struct part part, int64_t batch,
		  int64_t tokens);

/* Tokens of a sequence that any query of the step sees; the window of the first query reaches window - 1
 * tokens back. */
int64_t graph_seen(const struct model *m, const struct shape *s, struct part part);

/* Copies of the logits and of each block's attention scores, in the dtype of the arithmetic and in f32, and
 * those in f32 of the inputs of adapted projections: adapters that are kept in f32 multiply such a copy. */
struct copies {
	double logits, logits_f32, scores, scores_f32;
	double adapter_inputs_f32;
};

/* Bytes that the forward pass of one block keeps for the backward pass, for all tokens of the step: the
 * inputs of each operator that its gradient needs (as in Korthikanti et al., arXiv:2205.05198, section
 * 4.1, counted for this block); a frozen projection does not need its input. copies: the numbers of copies
 * that the framework keeps. Projections that read one tensor (q, k and v; gate and up) share its copy. */
double graph_saved_B(const struct model *m, const struct precision *p, const struct shape *s,
		     struct part part, const struct copies *copies);

/* Bytes of a block's largest tensor in training (the scores of attention, the logits of the head; 0 for
 * other parts), in so many copies in the dtype of the arithmetic and in f32. */
double graph_copies_B(const struct model *m, const struct precision *p, const struct shape *s,
		      struct part part, double copies, double copies_f32);

/* Bytes alive while one block runs in inference: its input and its intermediate tensors; the attention
 * scores only if the runtime writes them. */
double graph_live_B(const struct model *m, const struct precision *p, const struct shape *s, struct part part,
		    bool scores);

#endif
