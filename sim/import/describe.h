/*
 * describe.h - the description of a model, as read from its files: the content of a model file, and notes.
 *
 * Layer import. It is read from config.json (describe_hf.c) or from the keys and tensors of a GGUF file
 * (describe_gguf.c), and written as a model file (describe_write.c). Nothing is dropped silently: a feature
 * that is not modelled becomes a note.
 */
#ifndef SIM_IMPORT_DESCRIBE_H
#define SIM_IMPORT_DESCRIBE_H
#include "sim/conf/field.h"
#include "sim/import/gguf.h"
#include "sim/import/tensors.h"
#include "sim/llm/model.h"

enum { NOTES_MAX = 32 };

/* A kind of layers, for a model file that says several. */
struct described_kind {
	const char *name;
	const char *blocks; /* as a list: "attention, ffn" */
	const struct attention *attention;
	const struct recurrent *recurrent;
	int64_t inner; /* FFN width; 0: no FFN in it */
	int64_t extra;
};

struct described {
	const char *title, *source;
	const char *family;       /* model_type, or general.architecture */
	const char *stored;       /* how its weights are kept, as far as the file says; may be NULL */
	const char *file_type;    /* the same as a file type of ours: "q4_K_M", "mlx_q4"; NULL: not said */
	const char *architecture; /* model_type of config.json, also where a GGUF calls it otherwise */
	int64_t context;          /* longest sequence that it was made for; 0: not said */
	const char *rope_kind;    /* how rotary positions were stretched to it; NULL: not */
	double rope_factor;
	int64_t rope_original; /* context before that; 0: not said */
	int64_t layers, hidden, vocabulary;
	int64_t heads, kv_heads, head_dim;
	int64_t window, full_every;
	const char *bias; /* "none", "qkv", "qkvo" */
	bool qk_norm, sinks, tied, post_norms;
	bool fused;            /* q, k and v in one tensor */
	bool latent, expanded; /* expanded: its cache holds whole heads */
	int64_t q_rank, kv_rank, nope_dim, rope_dim, value_dim;
	bool gelu, ffn_bias; /* gelu: only up and down projections; a gated GELU counts as SwiGLU */
	int64_t inner;       /* FFN width of dense layers; 0: there are none */
	int64_t experts, active, expert_inner, shared, shared_inner, first_dense, every;
	bool expert_bias, router_bias, shared_gate, latent_norm;
	int64_t expert_latent; /* width that experts work in; 0: the hidden width */
	const char *ffn_kind;  /* in a model with kinds: "swiglu", "relu2", ... */
	bool qk_norm_wide, norm_bias;
	struct described_kind
		*kinds; /* NULL: none; then window, full_every, first_dense and every are not used */
	size_t kinds_n;
	const unsigned char *kind_of; /* the kind of each layer */
	int64_t mtp_layers;           /* that predict further tokens */
	const char *mtp_kinds;        /* "full": of each; NULL: as the last layer */
	int64_t per_layer_embedding, streams, positions, extra;
	int64_t tables;               /* of n-grams: in memory, of which a token reads a few rows */
	double vision;                /* weights of a vision tower, from its config; 0: none, or not known */
	const char *notes[NOTES_MAX]; /* features that are not modelled, one sentence each */
	size_t notes_n;
	double beyond; /* numbers in tensors that are not modelled: vision, multi-token prediction */
	double parameters, bytes; /* from the tensor table; 0: no table */
};

void describe_note(struct described *d, struct arena *a, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Reads the tree of a config.json. assume: a model_type that is not known is taken as a plain transformer where
 * its keys allow that, with a note. Errors go to diags with their place. 0 or -1. */
int describe_hf(struct described *d, const struct yml *config, bool assume, struct diags *diags);

/* Sets the number of weights of each tensor of a safetensors table by the quantization that the config
 * states: packed weights are counted one by one, scales count as none. 0 or -1 with err. */
int describe_unpack(struct tensor_table *t, const struct yml *config, struct err *err);

/* Reads the keys of a GGUF file and all of its tensors (sorted). 0 or -1 with err. */
int describe_gguf(struct arena *a, struct described *d, const struct gguf *g, const struct tensor_table *t,
		  struct err *err);

/* The file type that a GGUF names, by our name; NULL: none, or one that is not here. */
const char *describe_gguf_file_type(const struct gguf *g);

/* Figures that a user adds to those of the files. */
struct extra_size {
	struct origin origin;
	const char *weights, *bytes, *source;
};
struct extras {
	struct origin origin;
	const char *title, *source;
	const char *mlx_dtype;        /* NULL: not said */
	const char *mlx_dtype_source; /* NULL: not said */
	int64_t parameters;
	double skew;             /* skew of the popularity of its experts */
	double popularity_sd;    /* or the standard deviation of its logarithm */
	struct field_list sizes; /* struct extra_size */
	struct field_list notes; /* const char * */
};
extern const struct table extras_table;

/* Appends the model file to out. provenance: "lemursim import 0.1.0, from config.json". */
void describe_write(const struct described *d, const struct extras *x, const char *provenance,
		    struct str *out);

#endif
