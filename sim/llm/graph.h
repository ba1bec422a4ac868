/*
 * graph.h - the operators of one step of one model: what is multiplied, read, written; forward and backward.
 *
 * Layer llm; knows no device and no time. Layers are alike, so a block's operators are made once for all of
 * them. FLOP counts are useful ones: 2mnk for a product, the causal half of attention.
 */
#ifndef SIM_LLM_GRAPH_H
#define SIM_LLM_GRAPH_H
#include "sim/llm/model.h"

enum phase { PHASE_PREFILL, PHASE_DECODE, PHASE_FORWARD, PHASE_BACKWARD, PHASE_UPDATE, PHASE_N };
extern const char *const phase_names[PHASE_N + 1];

enum op_kind {
	OP_GATHER, /* rows of the embedding */
	OP_NORM,
	OP_LINEAR, /* C[m,n] = A[m,k] W[k,n] */
	OP_ROPE,
	OP_KV_APPEND,  /* the new keys and values join the cache; its tensor is the whole cache */
	OP_KV_REPEAT,  /* keys and values written out for every query head, where a runtime does that */
	OP_SCORES,     /* softmax(QK')V */
	OP_ACTIVATION, /* the FFN's gate */
	OP_RESIDUAL,
	OP_ROUTE,   /* softmax over experts, the best of them, tokens sorted to them */
	OP_COMBINE, /* the experts' results, weighted and summed */
	OP_CONV,    /* a short convolution along a sequence */
	OP_SCAN,    /* a recurrence along a sequence */
	OP_TOP,     /* the best of an indexer's scores */
	OP_UPDATE,  /* the optimizer over its weights */
	OP_STEP,    /* nothing but the host's part of a step */
	OP_LAUNCH,  /* the host's launches of a block's kernels, `times` of them (sim/cost/cost.h) */
	OP_WIRE,    /* weights made resident, before the first pass of a request */
	OP_KIND_N
};

/* How an operator divides over devices that split its block by tensor. */
enum op_split {
	SPLIT_NONE,
	SPLIT_COLUMNS /* n */,
	SPLIT_ROWS /* k */,
	SPLIT_HEADS,
	SPLIT_WIDTH /* its tensor's */,
	SPLIT_EXPERTS /* whole experts, or a part of each: as much work either way */
};

struct op {
	const char *name; /* "q", "gate", "scores" */
	enum op_kind kind;
	enum op_split split;
	enum role role;
	enum phase phase;
	int64_t m, n, k; /* OP_LINEAR; m: rows for each of the copies */
	double copies; /* OP_LINEAR: products of that shape that each read weights: experts hit; sequences, where a runtime runs
			* each apart (llm/scans.h); else 1 */
	/* OP_SCORES: of one sequence; context includes the query. OP_SCAN: context is the tokens of a chunk, 0: they are
	 * walked one by one */
	int64_t query, context;
	double flop;       /* useful */
	double dense_flop; /* OP_SCORES: of the whole rectangle, the masked half included */
	double weight_B; /* bytes of all copies; read once however many rows; for a weight gradient: written */
	enum format_id format; /* OP_LINEAR: what most of its weights are kept in */
	double rows;           /* OP_LINEAR: in all, over the copies */
	int64_t joint; /* OP_LINEAR: columns of all products that may be one with it (q, k, v; gate, up); 0: none */
	int64_t experts;     /* OP_LINEAR: that each token goes through, where they are experts'; else 0 */
	int64_t experts_all; /* OP_LINEAR: that the model has to choose from */
	bool gradient;       /* OP_LINEAR: makes the gradient of its weights */
	bool adapter;        /* OP_LINEAR: of a LoRA adapter */
	double taken_cores;  /* OP_LINEAR: of the device's, by kernels that send or receive meanwhile */
	double tensor_B;     /* one pass over what it works on: elementwise kinds, activations of a product */
	double kv_B;         /* OP_SCORES: the cache it reads; OP_SCAN: states, read and written */
	bool kv_of_all;      /* OP_SCORES: one for all heads (a latent): a share of them reads all of it */
	double cells; /* OP_STEP: of its tokens, those of their sequences that are cached behind each, itself too */
	double caches; /* OP_SCORES: of decodes, a head's keys and values of one sequence each; 0: of prompts */
	int64_t sequences; /* OP_SCORES: of decodes; 0: of prompts */
	int64_t beside; /* OP_SCORES: of decodes, tokens of the longest piece of a prompt in their batch; 0: none */
	double groups;    /* OP_SCORES: query heads for each key and value head */
	int64_t head_dim; /* OP_SCORES: width of a head; 0: latent attention, whose kernels have no one width */
	int64_t kv_bits; /* OP_SCORES: of a number of the cache, without its blocks' scales */
	bool by_hand;    /* scores, norms, activations: as struct by_hand_as says */
	double times;    /* kernels and passes against the forward operator: 2 for most backward ones; 0 of
			  * scores that join the kernel of those before */
};

enum { GRAPH_OPS = 48 }; /* no block has more */

/* Which projections a LoRA adapter may sit on; of latent attention q a and q b are q, kv a is k, kv b is v.
 */
enum adapter {
	ADAPTER_Q,
	ADAPTER_K,
	ADAPTER_V,
	ADAPTER_O,
	ADAPTER_GATE,
	ADAPTER_UP,
	ADAPTER_DOWN,
	ADAPTER_N
};
extern const char *const adapter_names[ADAPTER_N + 1];

/* A piece of a prompt: new tokens of a sequence behind those that are in its cache. */
struct shape_piece {
	int64_t tokens, past;
};

/* The batch of one pass of a server: sequences that decode, each with a context of its own, and pieces of
 * prompts. Contexts of decodes count the first row of the pass, so that of one row all of it is seen. Rows
 * may be more than those of the sequences, where a runtime pads a batch to a size it has a graph of. */
struct shape_mix {
	int64_t rows;      /* in all; what has no context hangs on them alone */
	int64_t logits;    /* rows that the head runs over */
	int64_t decodes;   /* sequences */
	int64_t rows_each; /* rows of each decode: 1, or tokens of a draft + 1 */
	int64_t context;   /* over the decodes, the sum of contexts */
	int64_t windowed;  /* the sum of min(context, window); not read where the model has no window */
	const struct shape_piece *pieces;
	size_t pieces_n;
};

struct shape {              /* the dimensions of a step */
	int64_t batch;      /* sequences */
	int64_t tokens;     /* new tokens of each */
	int64_t past;       /* tokens of each already in the cache */
	bool all_logits;    /* the head runs over every token, not the last of each sequence */
	bool train_weights; /* the backward pass makes gradients of the model's own weights */
	int64_t lora_rank;  /* the adapters' rank */
	unsigned adapters;  /* enum adapter as bits: where there are some, and they are trained */
	bool scores_again;  /* the backward pass makes the attention scores again */
	/* a share of the experts of each layer: tokens times experts that meet there, experts that are hit;
	 * 0: all of them */
	double expert_rows, experts_hit;
	bool sums;         /* the backward pass adds its gradients to the sums over micro-batches */
	double gradient_B; /* of a number of the gradients that it leaves; 0: as the arithmetic's */
	int64_t contexts; /* ranks that share the tokens of each sequence, of which these are one's; 0: it has all */
	bool no_end; /* the operators of graph_end() are left out: they run elsewhere */
	/* NULL: all sequences are alike, as batch, tokens and past say; else what is run instead of those.
	 * Of inference alone. */
	const struct shape_mix *mix;
};

/* The host's part of a step: its tokens are m, tensor_B the logits that it samples from, in f32. */
struct op graph_step(const struct model *m, const struct shape *s, enum phase phase);

/* The operators of a block, in order; returns how many (<= GRAPH_OPS). The phase is prefill, decode, forward
 * or backward; update is graph_update(). */
size_t graph_block(const struct model *m, const struct precision *p, const struct shape *s, struct part part,
		   enum phase phase, struct op ops[GRAPH_OPS]);

/* Those of a block of attention that hang on contexts: the cache's and the scores. The others hang on rows.
 */
size_t graph_attends(const struct model *m, const struct precision *p, const struct shape *s,
		     struct part part, enum phase phase, struct op ops[GRAPH_OPS]);
bool op_attends(const struct op *op);

/* How a block of (shared) experts ends: a norm behind it where the model has one, what it made added to what
 * is there. Sums of the same rows, so wherever those are. */
size_t graph_end(const struct model *m, const struct precision *p, const struct shape *s, struct part part,
		 enum phase phase, struct op ops[GRAPH_OPS]);

int64_t graph_rows(const struct shape *s);      /* the step's tokens in all */
int64_t graph_head_rows(const struct shape *s); /* the rows of the logits */

bool shape_same(const struct shape *a, const struct shape *b);

/* The optimizer's pass over `weights` numbers that takes bytes_each bytes of traffic for each. */
struct op graph_update(enum role role, double weights, double bytes_each);

/* Trainable numbers of a block: all of its weights, or its adapters. */
double graph_trainable(const struct model *m, const struct shape *s, struct part part);

#endif
