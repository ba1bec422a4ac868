/*
 * projections.h - the products of a mixer: of attention, or of a block with a recurrent state.
 *
 * Layer llm. The graph runs them and the tensor table sums them, so that what is computed and what is stored
 * cannot differ. Shapes are those of the models' code: llama.cpp's src/models and mlx_lm/models, 2026.
 */
#ifndef SIM_LLM_PROJECTIONS_H
#define SIM_LLM_PROJECTIONS_H
#include "sim/llm/graph.h"

struct projection {
	const char *name;
	enum op_split split;
	enum tensor tensor;
	int64_t n, k;
	enum adapter adapter; /* ADAPTER_N: never has one */
	bool idle;            /* stored, but not run */
};

enum { PROJECTIONS = 16 };
struct projections {
	struct projection at[PROJECTIONS];
	size_t n;
	size_t behind; /* the first one that works on what the mixer makes */
	double small; /* numbers in norms, biases, convolutions and the like; norms around the block not counted
			*/
};

void attention_projections(const struct model *m, const struct attention *a, struct projections *out);
void recurrent_projections(const struct model *m, const struct recurrent *r, struct projections *out);

/* The widths of one token's queries, of its keys and values together, and of the input of o. */
struct widths {
	double q, kv, out;
};
struct widths attention_widths(const struct attention *a);

/* The numbers that a recurrence keeps for a sequence and its work for each token. */
struct recurrence_cost {
	double state;      /* numbers of the recurrent state */
	double conv_state; /* and of the convolution's */
	double conv;       /* width of the convolution */
	double width;      /* numbers of a token that the scan reads and writes */
	double step_flop;  /* a token's, if tokens are walked one by one */
	double out;        /* width of what it makes */
};
struct recurrence_cost recurrence_cost(const struct model *m, const struct recurrent *r);
/* FLOP of a token where a scan runs in chunks of so many. */
double recurrence_chunk_flop(const struct model *m, const struct recurrent *r, double chunk);

/* Bytes that one sequence keeps in a part besides its cache. conv: the format of the convolution's state. The
 * recurrent one is f32 in all runtimes: L llama-model.cpp create_memory(), M gated_delta.py and ssm.py. */
double part_state_B(const struct model *m, enum format_id conv, struct part part);

#endif
