/*
 * families.h - what the model_type of a config.json implies: one row for each family.
 *
 * Layer import. A row says what the file does not: defaults, what each layer holds, by which keys layers
 * differ. The names of keys that mean the same in every family are in describe_hf.c. To add a family that
 * differs in no more than that, add a row; one that is another under a new name needs `like` alone.
 */
#ifndef SIM_IMPORT_FAMILIES_H
#define SIM_IMPORT_FAMILIES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How the layers of a family see: all everything, all through a window, or every n-th everything. */
enum sight { SEES_ALL, SEES_WINDOW, SEES_QWEN };

/* How a config tells its layers apart. */
enum layer_plan {
	PLAN_PLAIN,    /* attention, then an FFN or experts; windows by `sight` */
	PLAN_TYPES,    /* layer_types, or every n-th layer is full */
	PLAN_LETTERS,  /* hybrid_override_pattern or layers_block_type: one block in each layer */
	PLAN_FLAGS,    /* hybrid_layer_pattern: 1 has a window */
	PLAN_LISTS,    /* linear_attn_config: lists of layers, counted from 1 */
	PLAN_PERIODS,  /* attn_layer_period and attn_layer_offset */
	PLAN_BLOCKS,   /* block_configs */
	PLAN_COMPRESS, /* compress_ratios */
	PLAN_INDEX,    /* latent attention with an indexer, in some layers that of an earlier one */
	PLAN_SPARSE,   /* sparse_attention_freq: block-sparse attention */
	PLAN_SCANS     /* every layer is one recurrent block, with no FFN */
};

/* The mixer of layers that have no attention. */
enum mixer_family {
	MIXES_NOT,
	MIXES_DELTA,
	MIXES_KDA,
	MIXES_MAMBA2,
	MIXES_MAMBA1,
	MIXES_CONV,
	MIXES_RWKV,
	MIXES_BAILING,
	MIXES_LIGHTNING
};

struct family {
	const char *type;        /* model_type */
	const char *like;        /* another row's type that this is; NULL: its own row */
	const char *refused;     /* why it is not imported; NULL: it is */
	bool tied;               /* default of tie_word_embeddings */
	int64_t head_dim;        /* default; 0: hidden / heads */
	int64_t heads, kv_heads; /* defaults; 0: must be said; kv_heads 0: as many as heads */
	int64_t layers, hidden,
		inner;        /* defaults within a model of several, which says what differs from them */
	const char *bias;     /* always there ("qkv"), or NULL: attention_bias says */
	const char *bias_key; /* the biases that attention_bias stands for: "qkv" or "qkvo" */
	bool qk_norm, qk_norm_wide, post_norms, sinks, fused;
	enum sight sight;
	int64_t full_every; /* default of the window's pattern */
	int64_t window;     /* default */
	bool latent;
	bool mha;                   /* as many key heads as query heads, and no key that says so */
	bool shares;                /* its experts have one beside them that every token goes through */
	bool leads;                 /* its first layers have no experts, as many as a key says */
	bool routed;                /* every layer has experts */
	bool may_route;             /* layers have experts where the config counts more than one */
	bool expert_inner_is_inner; /* intermediate_size is an expert's */
	bool expert_inner_or_inner; /* it is where moe_intermediate_size is not said */
	int64_t vocabulary;         /* default */
	int64_t context;            /* default of max_position_embeddings; 0: it is said */
	int64_t experts, active;    /* defaults */
	/* families of several kinds of layers, and what has come since */
	enum layer_plan plan;
	enum mixer_family mixer;
	bool one_norm;    /* attention and FFN side by side behind one norm */
	bool norm_bias;   /* LayerNorm */
	bool router_bias; /* experts are chosen with a correction */
	bool ungated;     /* FFN of two products */
	bool ffn_bias;
	bool shared_gate;           /* the shared expert has a gate */
	bool learned_positions;     /* a table of them */
	bool beside;                /* an FFN beside the experts of each layer */
	bool mtp_in_files;          /* released files hold the layers that predict further tokens */
	const char *attention_gate; /* "element", "head"; NULL: none */
};

enum { FAMILIES_MAX = 320 };
/* The row of a model_type; aliases are followed. NULL: there is none. */
const struct family *family_of(const char *type);
/* The rows of families whose layers are of several kinds (families_mixed.c). */
extern const struct family families_mixed[];
extern const size_t families_mixed_n;
/* Row i, aliases and refused ones included; NULL behind the last. */
const struct family *family_at(size_t i);

#endif
