/*
 * model.h - what an LLM is made of, as far as its speed and size go, and the formats its numbers are kept in.
 *
 * Layer llm. Counts are bare, sizes in bytes. The field table in model.c is the reference of the model files.
 */
#ifndef SIM_LLM_MODEL_H
#define SIM_LLM_MODEL_H
#include "sim/conf/field.h"

#define MODEL_SCHEMA "lemursim/model/1"

enum ffn_kind { FFN_SWIGLU, FFN_GELU };

struct attention {
	struct origin origin;
	int64_t heads, kv_heads, head_dim;
	int64_t window; /* tokens a query sees at most; 0: all before it */
	bool causal, rope;
};

struct ffn {
	struct origin origin;
	int kind;
	int64_t inner;
};

struct model {
	struct origin origin;
	const char *schema, *title, *source;
	int64_t layers, hidden, vocabulary;
	struct attention attention;
	struct ffn ffn;
	bool tied_head;     /* the head's weights are the embedding's */
	bool norms;         /* a norm before each block and the residual around it; false: bare, as in a layer
			       benchmark */
	bool ends;          /* embedding, last norm and head; false: bare layers, as in a layer benchmark */
	int64_t parameters; /* as published; 0: not said. Checked against ours to 0.5 % */
};

extern const struct table model_table;
int model_check(const struct model *m,
		struct diags *diags); /* what a row cannot: heads divide, parameters agree */

/* How weights and caches are stored: `weights` numbers in `bytes`. */
struct format {
	const char *name;
	int weights, bytes;
};
enum format_id {
	FORMAT_F32,
	FORMAT_F16,
	FORMAT_BF16,
	FORMAT_Q8_0,
	FORMAT_Q6_K,
	FORMAT_Q5_K,
	FORMAT_Q4_K,
	FORMAT_Q4_0,
	FORMAT_MXFP4,
	FORMAT_N
};
extern const struct format formats[FORMAT_N];
extern const char *const format_names[FORMAT_N + 1];
double format_bytes(enum format_id f, double numbers);

/* Numbers of weights. A layer is one attention block and one FFN, with the norm before each. */
double model_attention_weights(const struct model *m);
double model_ffn_weights(const struct model *m);
double model_embedding_weights(const struct model *m); /* 0 without ends */
double
model_head_weights(const struct model *m); /* last norm included; 0 without ends; a tied head has its norm */
double model_weights(const struct model *m);

double model_kv_numbers_per_token(const struct model *m); /* of one layer: keys and values */

#endif
