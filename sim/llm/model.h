/*
 * model.h - the dimensions of an LLM that decide its speed and its size.
 *
 * Layer llm. Counts are bare, sizes in bytes. The field table in model.c is the reference of the model files.
 */
#ifndef SIM_LLM_MODEL_H
#define SIM_LLM_MODEL_H
#include "sim/llm/quant.h"
#include "sim/llm/scans.h"

#define MODEL_SCHEMA "lemursim/model/1"

enum ffn_kind { FFN_SWIGLU, FFN_GELU, FFN_RELU2 };
enum bias { BIAS_NONE, BIAS_QKV, BIAS_QKVO };
enum out_gate {
	GATE_NONE,
	GATE_HEAD,
	GATE_ELEMENT
}; /* a number for each head, or for each of its elements */
enum attention_values { VALUES_OWN, VALUES_OF_KEYS, VALUES_ARE_KEYS };

/* Multi-head latent attention (DeepSeek-V2, arXiv:2405.04434, section 2.1): the cache holds one latent vector
 * of kv_rank and one rotary key of rope_dim for each token, whatever the number of heads. */
struct latent {
	struct origin origin;
	int64_t q_rank; /* 0: queries are not compressed */
	int64_t kv_rank, nope_dim, rope_dim, value_dim;
	bool expanded; /* the cache holds keys and values of all heads: GGUF files of before 2025-04 */
};

/* Sparse attention (DeepSeek-V3.2, arXiv:2512.02556, section 2.1): an indexer of a few narrow heads scores
 * the context, and attention reads the best `top` tokens, or the best blocks of `block` tokens that hold as
 * many. */
struct sparse {
	struct origin origin;
	int64_t top, block; /* tokens, in blocks of so many */
	int64_t heads, dim; /* the indexer's, which has one key of dim for each `pool` tokens */
	int64_t pool;
	bool shared;      /* the choice is that of an earlier layer: no indexer and no key of its own */
	bool from_hidden; /* its queries come from the hidden state; false: from the compressed queries */
	bool in_prefill, in_decode; /* attention reads only what was chosen: model_as_run() */
};

/* Compressed attention (DeepSeek-V4): one row of the cache for each `ratio` tokens beyond the window. */
struct compress {
	struct origin origin;
	int64_t ratio;
	int64_t overlap; /* windows of `ratio` tokens that one row is made of: 1 or 2 */
};

struct attention {
	struct origin origin;
	int64_t heads, kv_heads, head_dim;
	int64_t value_dim;         /* width of a value; 0: as head_dim */
	int64_t q_rank;            /* rank of compressed queries without a latent; 0: not compressed */
	int64_t window;            /* tokens a query sees at most; 0: all before it */
	int64_t chunk;             /* tokens see only those of their own chunk of so many; 0: not in chunks */
	int64_t full_every;        /* with a window: each so many-th layer sees all; 0: no layer does */
	struct latent *latent;     /* NULL: keys and values are kept as they are */
	struct sparse *sparse;     /* NULL: a query reads all that it sees */
	struct compress *compress; /* NULL: the cache has a row for each token */
	bool expanded;     /* the cache holds the keys and values that the latent gives: model_as_run() */
	bool absorbs;      /* not in a file: prompts, too, attend in the latent; set by model_as_run() */
	int bias;          /* enum bias */
	int gate;          /* enum out_gate: of what leaves attention */
	int64_t gate_rank; /* that gate is a product of two of this rank; 0: one product */
	int values;        /* enum attention_values */
	bool causal, rope, qk_norm, sinks;
	bool qk_norm_wide;  /* that norm has a number for each element of all heads, not of one */
	bool shares_cache;  /* keys and values are those of an earlier layer of its kind */
	bool keeps_weights; /* though the file holds k and v of its own */
	int64_t out_groups,
		out_rank; /* o is so many products of that rank and one behind them; 0: one product */
	bool fused;       /* queries, keys and values are one tensor: file types treat them alike */
};

/* Blocks that carry a state of constant size along a sequence instead of a cache that grows. */
enum recurrence {
	RECURRENT_DELTA,     /* gated delta net (arXiv:2412.06464), Kimi delta attention (arXiv:2510.26692) */
	RECURRENT_MAMBA2,    /* state space duality (arXiv:2405.21060) */
	RECURRENT_MAMBA1,    /* selective state space (arXiv:2312.00752) */
	RECURRENT_RWKV,      /* RWKV-7 (arXiv:2503.14456) */
	RECURRENT_LIGHTNING, /* linear attention with a decay (arXiv:2401.04658) */
	RECURRENT_CONV,      /* gated short convolution (LFM2) */
	RECURRENT_N
};
enum decay { DECAY_HEAD, DECAY_CHANNEL };

struct recurrent {
	struct origin origin;
	int kind;                      /* enum recurrence: by its key in the file */
	int64_t key_heads, heads;      /* heads: of values, of the state */
	int64_t key_dim, value_dim;    /* a head's; its state is key_dim x value_dim */
	int64_t groups;                /* Mamba-2: heads share B and C in so many groups */
	int64_t width;                 /* tokens of the short convolution; 0: none */
	int decay;                     /* enum decay */
	int64_t decay_rank, gate_rank; /* low ranks; gate_rank 0: a full product */
	int64_t value_rank;            /* RWKV-7: of its rate and of the values' mix */
	int64_t inner;                 /* Mamba-1: width */
	bool gated, conv_bias, norm;   /* an output gate; a norm in the mixer */
	struct scan_kernel prompt;     /* how a runtime runs it: model_as_run() */
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
	int kind;         /* enum ffn_kind */
	int64_t latent;   /* width that experts work in, between two products; 0: the hidden width */
	bool latent_norm; /* a norm behind the experts, in that width */
	bool shared_gate; /* the shared experts' output has a gate h -> 1 */
	bool router_bias; /* a number for each expert corrects the choice */
	bool bias;
	double skew;          /* popularity of the i-th expert ~ i^-skew; 0: all alike */
	double popularity_sd; /* standard deviation of its logarithm, which is normal; 0: as skew says */
};

/* How rotary positions were stretched to reach the model's context. */
struct rope_scaling {
	struct origin origin;
	const char *kind; /* as config.json calls it: "llama3", "yarn", "linear" */
	double factor;    /* by which the context grew */
	int64_t original; /* tokens it was trained for before; 0: not said */
};

struct model_size { /* a file's size, as published */
	struct origin origin;
	int weights; /* enum mix_id */
	double bytes;
	const char *source;
};

/* Layers of one kind, as a model file says them. A block that is given here replaces the model's own. */
struct model_kind {
	struct origin origin;
	struct field_list blocks; /* "attention", "delta", ..., "ffn", "experts"; "a | b": side by side */
	struct attention *attention;
	struct recurrent *recurrent[RECURRENT_N];
	struct ffn *ffn;
	int64_t extra; /* numbers that no block has: scales, norms */
};

/* A kind after its defaults have been filled in. */
struct layer_kind {
	const char *name;
	const struct attention *attention; /* NULL: none */
	const struct recurrent *recurrent; /* NULL: none; with attention: side by side with it */
	const struct ffn *ffn;             /* NULL: none */
	bool experts;
	bool one_norm; /* the mixer and the FFN run side by side behind one norm */
	double extra;
	int mixer, feed; /* the first kind with the same mixer, with the same FFN */
};

enum { KINDS_MAX = 32 };
/* The layers of a model that says its kinds. */
struct model_layout {
	struct layer_kind kind[KINDS_MAX];
	size_t kinds_n;
	const unsigned char *kind_of;  /* the kind of each layer */
	const size_t *begin;           /* the first block of each layer, and behind the last */
	const int64_t *layer_of;       /* of each block between the ends */
	const int64_t *mixers, *feeds; /* layers before each layer that have a mixer, an FFN */
};

/* Layers that predict further tokens, behind the last (multi-token prediction). */
struct mtp {
	struct origin origin;
	int64_t layers;
	struct field_list kinds; /* the kinds of its blocks; one for each block */
	bool stored;             /* their weights are in memory */
};

struct stored { /* weights that are in memory, but not run for text */
	struct origin origin;
	const char *name;
	int64_t parameters;
	int format; /* enum format_id */
};

enum mlx_dtype { MLX_BF16, MLX_F16 };

/* What a runtime's code for the model does in kernels one after the other; all false in a model's own file. */
struct by_hand_as {
	bool caps, norms,
		gates; /* of scores; adds 1 to the weights of norms; of an activation and its product */
};

struct model {
	struct origin origin;
	const char *schema, *title, *source;
	/* The model_type of its config.json, by which a runtime chooses its code; NULL: not said. */
	const char *architecture;
	/* enum mlx_dtype: what its files for MLX keep beside quantised weights, in which MLX computes. mlx_lm converted to
	 * f16 where nobody said another (ml-explore/mlx-examples PR 186, January 2024) until spring 2025; since then to
	 * config.json's dtype (mlx_lm/convert.py, ml-explore/mlx-lm@d78bf58), which is bf16. */
	int mlx_dtype;
	int64_t context; /* tokens of the longest sequence that it was made for; 0: not said */
	struct rope_scaling *rope_scaling; /* NULL: none */
	int64_t layers, hidden, vocabulary;
	struct attention attention; /* for kinds that say no other; heads is 0 if no kind has it from here */
	struct field_list kinds; /* struct model_kind; none: attention and an FFN or experts in every layer */
	struct field_list pattern; /* names of kinds, repeated to fill the layers: "3 linear", "full" */
	const struct model_layout *layout; /* made by model_check(); NULL: no kinds */
	struct mtp *mtp;                   /* NULL: none */
	struct field_list stored_only;     /* struct stored */
	int64_t per_layer_embedding;       /* width of an embedding that each layer has of its own; 0: none */
	int64_t streams;                   /* residual streams (AltUp, hyper-connections) */
	int64_t positions;                 /* learned ones; 0: none */
	int64_t extra;                     /* numbers at the ends that no block has */
	bool is_mtp;                       /* a layer that predicts further tokens: model_mtp() */
	bool norm_bias;                    /* norms have a bias too */
	struct by_hand_as by_hand;         /* set by model_as_run() */
	struct ffn *ffn;                   /* NULL: every layer has experts */
	struct experts *experts;           /* NULL: a dense model */
	bool tied_head;                    /* the head's weights are the embedding's */
	bool norms;              /* a norm before each block and the residual around it; false: bare, as in a
				    layer benchmark */
	bool post_norms;         /* and one behind it (Gemma 2 and 3) */
	bool ends;               /* embedding, last norm and head; false: bare layers, as in a layer
				    benchmark */
	int64_t parameters;      /* as published; 0: not said. Checked against ours to 0.5 % */
	struct field_list sizes; /* struct model_size, likewise checked */
};

extern const struct table model_table;
/* Lays out the layers and checks across keys: kinds and pattern, heads divide, parameters and sizes agree. */
int model_check(struct model *m, struct diags *diags);
/* The part of it without which nothing may be asked of a model: what layers are made of. The published sizes, which take
 * most of its time, are not looked at. */
int model_check_layers(struct model *m, struct diags *diags);

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
	int kind;      /* the first kind of layers that has this mixer or FFN; 0 of the others */
};
bool part_same(struct part a, struct part b);

/* The parts a model has, in the order of its blocks, and how many blocks are of each; returns how many. */
enum { MODEL_PARTS = ROLE_N + 1 + 2 * KINDS_MAX };
struct part_count {
	struct part part;
	double blocks;
};
size_t model_parts(const struct model *m, struct part_count out[MODEL_PARTS]);
bool model_has(const struct model *m, enum role role);
bool model_layer_has_experts(const struct model *m, int64_t layer);
bool model_layer_has_ffn(const struct model *m, int64_t layer);

/* The attention, recurrence or FFN of a part; NULL: it has no such thing. */
const struct attention *part_attention(const struct model *m, struct part part);
const struct recurrent *part_recurrent(const struct model *m, struct part part);
const struct ffn *part_ffn(const struct model *m, struct part part);

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
/* Has the model layers with a recurrence or a short convolution; with latent attention? */
bool model_has_recurrent(const struct model *m);
bool model_has_latent(const struct model *m);
/* The last layer that has a cache or a state of its own: those behind it read earlier ones. */
int64_t model_last_cache(const struct model *m);
/* The number of a block; layer is ignored for the ends. A role that the layer lacks is a BUG. */
size_t model_block_of(const struct model *m, enum role role, int64_t layer);
/* The first block of a layer; of the layer behind the last: the head. */
size_t model_layer_begin(const struct model *m, int64_t layer);

/* The tensors of a part: how many numbers of each class; returns how many rows. A tied head has no tensor. */
struct tensor_row {
	enum tensor tensor;
	double numbers;
};
enum { PART_TENSORS = 16 };
size_t model_tensors(const struct model *m, struct part part, struct tensor_row rows[PART_TENSORS]);

/* As they are stored. A tied table is kept as the head's would be: it is read whole for every token. */
double tensor_row_B(const struct model *m, const struct precision *p, struct part part,
		    const struct tensor_row *row);

double part_weights(const struct model *m, struct part part); /* in numbers; a tied head: its norm */
double part_weights_B(const struct model *m, const struct precision *p, struct part part);
double model_weights(const struct model *m); /* the whole model */
double model_weights_B(const struct model *m, const struct precision *p);
/* The first layer that predicts further tokens as a model of its own that drafts: its table and its head are the
 * model's, so they take no memory; in the arena. NULL: there is none. */
const struct model *model_mtp(struct arena *a, const struct model *m);
double model_mtp_weights(const struct model *m); /* weights of the layers that predict further tokens */
/* Weights that take memory besides: those layers where they are stored, and stored_only. */
double model_stored_B(const struct model *m, const struct precision *p);

/* The choices of a runtime that change what a model keeps and computes. */
struct run_as {
	bool window; /* false: every query sees all tokens before it, and the cache holds them */
	bool latent; /* false: the cache holds the keys and values made from the latent */
	bool sparse_prefill, sparse_decode; /* false: attention reads all tokens, whatever an indexer chose */
	bool absorbs;                       /* prompts, too, attend in the latent, as decode does */
	struct by_hand_as by_hand;
	struct scan_kernels scans; /* all zero: tokens are walked, products are of all sequences at once */
};
/* The model as a runtime runs it. m itself where that changes nothing, else a copy in the arena; m must
 * outlive it. */
const struct model *model_as_run(struct arena *a, const struct model *m, struct run_as as);

/* Is the cache of a part the same for all heads, as a latent is, so that each share of them needs all of it?
 */
bool part_cache_of_all(const struct model *m, struct part part);

/* Numbers that a block of attention caches for each token: keys and values, or the latent; without those of
 * an indexer and of compressed rows. */
double part_kv_numbers(const struct model *m, struct part part);
/* Numbers in the cache of one sequence of so many tokens, all of them counted. */
double part_cache_numbers(const struct model *m, struct part part, int64_t tokens);
/* How fast that grows behind all windows, numbers a token. */
double part_cache_growth(const struct model *m, struct part part);
/* Smallest number of heads that any kind keeps keys and values or a state for: into so many pieces attention
 * can be split. */
int64_t model_kv_heads(const struct model *m);
/* The window of the model's windowed layers; 0: there are none. */
int64_t model_window(const struct model *m);
/* Tokens that a query of the part sees at most; 0: all. A part that is windowed in the model's own file is
 * not in a model_as_run() without windows. */
int64_t part_window(const struct model *m, struct part part);
/* Tokens of a sequence of that length that a block's cache has to hold. */
int64_t part_cached(const struct model *m, struct part part, int64_t tokens);

/* Distinct experts hit by so many tokens: the sum over experts of 1 - (1 - p)^tokens with p = active / count
 * where all are alike, so E(1 - (1 - k/E)^T); else p follows the power law, or the log-normal one, capped at 1 (each token's experts
 * are distinct) with the rest shared out again. */
double experts_hit(const struct experts *x, double tokens);
int64_t experts_shared_inner(const struct experts *x); /* width of all shared experts of a layer */
int64_t experts_width(
	const struct model *m); /* the width that experts read and write: the hidden one, or the latent's */

#endif
