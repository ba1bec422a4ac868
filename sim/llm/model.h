/*
 * model.h - the dimensions of an LLM that decide its speed and its size.
 *
 * Layer llm. Counts are bare, sizes in bytes. The field table in model.c is the reference of the model files.
 */
#ifndef SIM_LLM_MODEL_H
#define SIM_LLM_MODEL_H
#include "sim/llm/quant.h"

#define MODEL_SCHEMA "lemursim/model/1"

enum ffn_kind { FFN_SWIGLU, FFN_GELU };
enum bias { BIAS_NONE, BIAS_QKV, BIAS_QKVO };

/* Multi-head latent attention (DeepSeek-V2, arXiv:2405.04434, section 2.1): the cache holds one latent vector
 * of kv_rank and one rotary key of rope_dim for each token, whatever the number of heads. */
struct latent {
	struct origin origin;
	int64_t q_rank; /* 0: queries are not compressed */
	int64_t kv_rank, nope_dim, rope_dim, value_dim;
};

struct attention {
	struct origin origin;
	int64_t heads, kv_heads, head_dim;
	int64_t window;        /* tokens a query sees at most; 0: all before it */
	int64_t full_every;    /* with a window: each so many-th layer sees all; 0: no layer does */
	struct latent *latent; /* NULL: keys and values are kept as they are */
	bool expanded;         /* the cache holds the keys and values that the latent gives: model_as_run() */
	int bias;
	bool causal, rope, qk_norm, sinks;
	bool fused; /* queries, keys and values are one tensor: file types treat them alike */
};

struct ffn {
	struct origin origin;
	int kind;
	int64_t inner;
	bool bias;
};

/* Layer i has experts in the place of the FFN iff i >= first_dense and (i - first_dense) % every == every -
 * 1. */
struct experts {
	struct origin origin;
	int64_t count, active, inner; /* active: for each token; inner: width of one */
	int64_t shared, shared_inner; /* experts every token goes through; their width together */
	int64_t first_dense, every;
	bool bias;
	double skew; /* popularity of the i-th expert ~ i^-skew; 0: all alike */
};

/* How rotary positions were stretched to reach the model's context. */
struct rope_scaling {
	struct origin origin;
	const char *kind; /* as config.json calls it: "llama3", "yarn", "linear" */
	double factor;    /* by which the context grew */
	int64_t original; /* tokens it was trained for before; 0: not said */
};

struct model_size { /* of a file, as published */
	struct origin origin;
	int weights; /* enum mix_id */
	double bytes;
	const char *source;
};

struct model {
	struct origin origin;
	const char *schema, *title, *source;
	/* The model_type of its config.json, by which a runtime chooses its code; NULL: not said. */
	const char *architecture;
	int64_t context; /* tokens of the longest sequence that it was made for; 0: not said */
	struct rope_scaling *rope_scaling; /* NULL: none */
	int64_t layers, hidden, vocabulary;
	struct attention attention;
	struct ffn *ffn;         /* NULL: every layer has experts */
	struct experts *experts; /* NULL: a dense model */
	bool tied_head;          /* the head's weights are the embedding's */
	bool norms;              /* a norm before each block and the residual around it; false: bare, as in a
				    layer benchmark */
	bool post_norms;         /* and one behind it (Gemma 2 and 3) */
	bool ends;               /* embedding, last norm and head; false: bare layers, as in a layer
				    benchmark */
	int64_t parameters;      /* as published; 0: not said. Checked against ours to 0.5 % */
	struct field_list sizes; /* struct model_size, likewise checked */
};

extern const struct table model_table;
int model_check(const struct model *m,
		struct diags *diags); /* checks across keys: heads divide, parameters and sizes agree */

/* The kinds of blocks, the units of placement: operators that stay together. A dense layer is attention and
 * ffn; one with experts is attention, router, shared experts where it has some, experts. */
enum role {
	ROLE_EMBEDDING,
	ROLE_ATTENTION,
	ROLE_FFN,
	ROLE_ROUTER,
	ROLE_SHARED,
	ROLE_EXPERTS,
	ROLE_HEAD,
	ROLE_N
};
extern const char *const role_names[ROLE_N + 1];

/* Blocks of one part have the same operators and the same size. */
struct part {
	enum role role;
	bool windowed; /* attention that sees no more than the window */
};
bool part_same(struct part a, struct part b);

/* The parts a model has, in the order of its blocks, and how many blocks are of each; returns how many. */
enum { MODEL_PARTS = ROLE_N + 1 };
struct part_count {
	struct part part;
	double blocks;
};
size_t model_parts(const struct model *m, struct part_count out[MODEL_PARTS]);
bool model_has(const struct model *m, enum role role);
bool model_layer_has_experts(const struct model *m, int64_t layer);

/* Blocks in order: the embedding, those of each layer, the head. The ends are numbered even where a model has
 * none. */
struct block {
	struct part part;
	int64_t layer; /* -1 for the ends */
};
size_t model_blocks(const struct model *m);
struct block model_block(const struct model *m, size_t i);
/* The blocks that run, from the first to the last. */
size_t model_first_block(const struct model *m);
size_t model_last_block(const struct model *m);
/* Blocks of the last layer that follow its attention: where one token's logits are asked for, it alone needs
 * them. */
bool block_is_tail(const struct model *m, struct block b);
/* The number of a block; layer is ignored for the ends. A role that the layer lacks is a BUG. */
size_t model_block_of(const struct model *m, enum role role, int64_t layer);

/* The tensors of a part: how many numbers of each class; returns how many rows. A tied head has no tensor. */
struct tensor_row {
	enum tensor tensor;
	double numbers;
};
enum { PART_TENSORS = 8 };
size_t model_tensors(const struct model *m, struct part part, struct tensor_row rows[PART_TENSORS]);

/* As they are stored. A tied table is kept as the head's would be: it is read whole for every token. */
double tensor_row_B(const struct model *m, const struct precision *p, const struct tensor_row *row);

double part_weights(const struct model *m, struct part part); /* in numbers; a tied head: its norm */
double part_weights_B(const struct model *m, const struct precision *p, struct part part);
double model_weights(const struct model *m); /* the whole model */
double model_weights_B(const struct model *m, const struct precision *p);

/* The model as a runtime runs it that takes no account of its window (window false: every query sees all
 * tokens before it, and the cache holds them), or that caches the keys and values made from its latent
 * (latent false). m itself where that changes nothing, else a copy in the arena; m must outlive it. */
const struct model *model_as_run(struct arena *a, const struct model *m, bool window, bool latent);

/* Is the latent what the cache holds? Then it belongs to all heads alike. */
bool model_caches_latent(const struct model *m);

/* Numbers that one block of attention caches for each token: keys and values, or the latent. */
double model_kv_numbers_per_token(const struct model *m);
/* Tokens that a query of the part sees at most; 0: all. A part that is windowed in the model's own file is
 * not in a model_as_run() without windows. */
int64_t part_window(const struct model *m, struct part part);
/* Tokens of a sequence of that length that a block's cache has to hold. */
int64_t part_cached(const struct model *m, struct part part, int64_t tokens);

/* Distinct experts hit by so many tokens: the sum over experts of 1 - (1 - p)^tokens with p = active / count
 * where all are alike, so E(1 - (1 - k/E)^T); else p follows the power law, capped at 1 (each token's experts
 * are distinct) with the rest shared out again. */
double experts_hit(const struct experts *x, double tokens);
int64_t experts_shared_inner(const struct experts *x); /* width of all shared experts of a layer */

#endif
