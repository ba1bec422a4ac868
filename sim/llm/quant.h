/*
 * quant.h - the formats numbers are kept in, and which of them each tensor of a file has.
 *
 * Layer llm. A format is a block of so many numbers in so many bytes. A mix is what a file type really is:
 * llama.cpp's q4_K_M keeps half of the value and down projections, and the head, in q6_K; MXFP4 files hold
 * only their experts in it. Layers are treated alike: what differs between them by a rule is averaged over
 * them, so that a model's bytes are exact and a layer's are the mean.
 */
#ifndef SIM_LLM_QUANT_H
#define SIM_LLM_QUANT_H
#include "sim/conf/field.h"

/* `weights` numbers in `bytes`. */
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

/* Classes of tensors that file types tell apart. Of latent attention: q a and q b are q, kv a is k, kv b v.
 */
enum tensor {
	TENSOR_EMBEDDING,
	TENSOR_Q,
	TENSOR_K,
	TENSOR_V,
	TENSOR_O,
	TENSOR_UP, /* gate and up */
	TENSOR_DOWN,
	TENSOR_ROUTER,
	TENSOR_SHARED_UP,
	TENSOR_SHARED_DOWN,
	TENSOR_EXPERT_UP,
	TENSOR_EXPERT_DOWN,
	TENSOR_HEAD,
	TENSOR_SMALL, /* norms, biases, sinks */
	TENSOR_N
};
extern const char *const tensor_names[TENSOR_N + 1];

/* The first FORMAT_N mixes are named as the formats, in their order. */
enum mix_id { MIX_Q5_K_M = FORMAT_N, MIX_Q5_K_S, MIX_Q4_K_M, MIX_Q4_K_S, MIX_N };
extern const char *const mix_names[MIX_N + 1];

struct tensor_formats { /* exceptions to the mix: 0, or a format's id + 1 */
	struct origin origin;
	int at[TENSOR_N];
};

struct precision {
	struct origin origin;
	int weights;                   /* enum mix_id */
	int kv, compute;               /* enum format_id; compute is one of f32, f16, bf16 */
	struct tensor_formats tensors; /* which tensors are not as the mix has them */
};
extern const struct table precision_table;

/* What most weights of a class are kept in. */
enum format_id precision_format(const struct precision *p, enum tensor t);

/* Bytes of so many weights of a class, in a model of so many layers. */
double precision_bytes(const struct precision *p, enum tensor t, int64_t layers, double numbers);

#endif
