/*
 * describe.h - a model as its file describes it: what a model file of ours says, and what it cannot say.
 *
 * Layer import. Made from a config.json (describe_hf.c) or from a GGUF's keys and tensors (describe_gguf.c),
 * then written (describe_write.c). Nothing is dropped in silence: what is not modelled becomes a note.
 */
#ifndef SIM_IMPORT_DESCRIBE_H
#define SIM_IMPORT_DESCRIBE_H
#include "sim/conf/field.h"
#include "sim/import/gguf.h"
#include "sim/import/tensors.h"

enum { NOTES_MAX = 32 };

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
	bool fused; /* q, k and v in one tensor */
	bool latent;
	int64_t q_rank, kv_rank, nope_dim, rope_dim, value_dim;
	bool gelu, ffn_bias; /* gelu: up and down alone; a gated GELU counts as swiglu */
	int64_t inner;       /* of dense layers; 0: there are none */
	int64_t experts, active, expert_inner, shared, shared_inner, first_dense, every;
	bool expert_bias;
	const char *notes[NOTES_MAX]; /* what is not modelled, a sentence each */
	size_t notes_n;
	double beyond; /* numbers of tensors that are not modelled: vision, multi-token prediction */
	double parameters, bytes; /* from the tensor table; 0: there is none */
};

void describe_note(struct described *d, struct arena *a, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* From the tree of a config.json; complaints with their place go to diags. 0 or -1. */
int describe_hf(struct described *d, const struct yml *config, struct diags *diags);

/* A tensor table of safetensors, read with their config: packed weights are unpacked, scales are no weights.
 */
int describe_unpack(struct tensor_table *t, const struct yml *config, struct err *err);

/* From the keys of a GGUF and all of its tensors (sorted). 0 or -1 with err. */
int describe_gguf(struct arena *a, struct described *d, const struct gguf *g, const struct tensor_table *t,
		  struct err *err);

/* What people add to what a file says. */
struct extra_size {
	struct origin origin;
	const char *weights, *bytes, *source;
};
struct extras {
	struct origin origin;
	const char *title, *source;
	int64_t parameters;
	double skew;             /* of its experts' popularity */
	struct field_list sizes; /* struct extra_size */
	struct field_list notes; /* const char * */
};
extern const struct table extras_table;

/* The model file. how: "lemursim import 0.1.0, from config.json". */
void describe_write(const struct described *d, const struct extras *x, const char *provenance,
		    struct str *out);

#endif
