/*
 * quant.h - the formats numbers are kept in, and the file types that mix them.
 *
 * Layer llm. A format is a block of so many numbers in so many bytes. A mix is what a file type really is:
 * llama.cpp's q4_K_M keeps half of the value and down projections, and the head, in q6_K; MXFP4 files hold
 * only their experts in it. Which tensor has which format is told by mix.h, as it depends on the model.
 */
#ifndef SIM_LLM_QUANT_H
#define SIM_LLM_QUANT_H
#include "sim/conf/field.h"

/* `weights` numbers in `bytes`. */
struct format {
	const char *name;
	int weights, bytes;
};
/* id, name, weights of a block, its bytes. ggml-common.h of llama.cpp (block_q8_0, block_q6_K, ...); MXFP4:
 * OCP Microscaling v1.0; FP8: one byte, and a 32-bit scale for 128 x 128 (DeepSeek-V3, arXiv:2412.19437,
 * section 3.3.2), or for a row or tensor (fp8_row, whose scales are not counted); AWQ and GPTQ: 4 bits, a 16-bit
 * scale and a 4-bit zero for a group of 128 (arXiv:2306.00978, arXiv:2210.17323, as AutoAWQ and GPTQModel pack
 * them); int4_g32: 4 bits and a 16-bit scale for 32 (compressed-tensors, Kimi K2.5); i2_s: BitNet's ternary
 * weights, 2 bits each; MLX: `bits` each, and a scale and a bias of 16 bits for a group (mlx, quantize()), its
 * mxfp4 and nvfp4 as those of others. */
#define MLX_FORMATS(X, bits)                                                                                 \
	X(MLX_Q##bits, "mlx_q" #bits, 64, 8 * bits + 4)                                                      \
	X(MLX_Q##bits##_G32, "mlx_q" #bits "_g32", 32, 4 * bits + 4)                                         \
	X(MLX_Q##bits##_G128, "mlx_q" #bits "_g128", 128, 16 * bits + 4)
#define FORMATS(X)                                                                                           \
	X(F32, "f32", 1, 4)                                                                                  \
	X(F16, "f16", 1, 2)                                                                                  \
	X(BF16, "bf16", 1, 2)                                                                                \
	X(Q8_0, "q8_0", 32, 34)                                                                              \
	X(Q6_K, "q6_K", 256, 210)                                                                            \
	X(Q5_K, "q5_K", 256, 176)                                                                            \
	X(Q4_K, "q4_K", 256, 144)                                                                            \
	X(Q4_0, "q4_0", 32, 18)                                                                              \
	X(MXFP4, "mxfp4", 32, 17)                                                                            \
	X(Q2_K, "q2_K", 256, 84)                                                                             \
	X(Q3_K, "q3_K", 256, 110)                                                                            \
	X(Q4_1, "q4_1", 32, 20)                                                                              \
	X(Q5_0, "q5_0", 32, 22)                                                                              \
	X(Q5_1, "q5_1", 32, 24)                                                                              \
	X(IQ4_NL, "iq4_nl", 32, 18)                                                                          \
	X(IQ4_XS, "iq4_xs", 256, 136)                                                                        \
	X(NVFP4, "nvfp4", 64, 36)                                                                            \
	X(FP8, "fp8", 16384, 16388)                                                                          \
	X(IQ1_S, "iq1_s", 256, 50)                                                                           \
	X(IQ1_M, "iq1_m", 256, 56)                                                                           \
	X(IQ2_XXS, "iq2_xxs", 256, 66)                                                                       \
	X(IQ2_XS, "iq2_xs", 256, 74)                                                                         \
	X(IQ2_S, "iq2_s", 256, 82)                                                                           \
	X(IQ3_XXS, "iq3_xxs", 256, 98)                                                                       \
	X(IQ3_S, "iq3_s", 256, 110)                                                                          \
	X(TQ1_0, "tq1_0", 256, 54)                                                                           \
	X(TQ2_0, "tq2_0", 256, 66)                                                                           \
	X(Q1_0, "q1_0", 128, 18)                                                                             \
	X(Q2_0, "q2_0", 64, 18)                                                                              \
	X(MXFP8, "mxfp8", 32, 33)                                                                            \
	X(INT4_G32, "int4_g32", 32, 18)                                                                      \
	X(AWQ, "awq", 512, 266)                                                                              \
	X(GPTQ, "gptq", 512, 266)                                                                            \
	X(FP8_ROW, "fp8_row", 1, 1)                                                                          \
	X(I2_S, "i2_s", 4, 1)                                                                                \
	MLX_FORMATS(X, 2)                                                                                    \
	MLX_FORMATS(X, 3)                                                                                    \
	MLX_FORMATS(X, 4)                                                                                    \
	MLX_FORMATS(X, 5)                                                                                    \
	MLX_FORMATS(X, 6)                                                                                    \
	MLX_FORMATS(X, 8)
enum format_id {
#define X(id, name, weights, bytes) FORMAT_##id,
	FORMATS(X)
#undef X
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
	TENSOR_QKV,   /* queries, keys and values of a recurrent layer, as one tensor */
	TENSOR_OTHER, /* matrices that no rule of a file type names: of recurrent layers, indexers, gates */
	TENSOR_HEAD,
	TENSOR_SMALL, /* norms, biases, sinks */
	TENSOR_N
};
extern const char *const tensor_names[TENSOR_N + 1];

/* File types: the first FORMAT_N are named as the formats, in their order; then those that mix formats.
 * mix.c says which tensor has which. */
#define MIXES(X)                                                                                             \
	X(Q5_K_M, "q5_K_M")                                                                                  \
	X(Q5_K_S, "q5_K_S")                                                                                  \
	X(Q4_K_M, "q4_K_M")                                                                                  \
	X(Q4_K_S, "q4_K_S")                                                                                  \
	X(Q2_K_S, "q2_K_S")                                                                                  \
	X(IQ2_M, "iq2_m")                                                                                    \
	X(IQ3_XS, "iq3_xs")                                                                                  \
	X(IQ3_M, "iq3_m")                                                                                    \
	X(MLX_MIXED_2_6, "mlx_mixed_2_6")                                                                    \
	X(MLX_MIXED_3_4, "mlx_mixed_3_4")                                                                    \
	X(MLX_MIXED_3_6, "mlx_mixed_3_6")                                                                    \
	X(MLX_MIXED_4_6, "mlx_mixed_4_6")                                                                    \
	X(MXFP8_BF16, "mxfp8_bf16")                                                                          \
	X(MLX_MXFP8, "mlx_mxfp8")                                                                            \
	X(MLX_NVFP4, "mlx_nvfp4")                                                                            \
	X(Q3_K_L, "q3_K_L")                                                                                  \
	X(Q3_K_M, "q3_K_M")                                                                                  \
	X(Q3_K_S, "q3_K_S")                                                                                  \
	X(MXFP4_BF16, "mxfp4_bf16")                                                                          \
	X(MLX_MXFP4, "mlx_mxfp4")                                                                            \
	X(MLX_MXFP4_Q4, "mlx_mxfp4_q4")                                                                      \
	X(MLX_MXFP4_Q8, "mlx_mxfp4_q8")
enum mix_id {
	MIX_BEFORE_FIRST = FORMAT_N - 1,
#define X(id, name) MIX_##id,
	MIXES(X)
#undef X
		MIX_N
};
extern const char *const mix_names[MIX_N + 1];

struct tensor_formats { /* exceptions to the mix: 0, or a format's id + 1 */
	struct origin origin;
	int at[TENSOR_N];
};

/* The formats in which one file keeps a model: read from its table of tensors, whatever its name says. */
struct file_formats {
	double numbers[TENSOR_N]; /* weights of each class in all layers; 0: the file has none */
	double bytes[TENSOR_N];
	enum format_id most
		[TENSOR_N]; /* that of most of these weights; of two with as many, the one of fewer bits */
};

struct weights_file {
	struct origin origin;
	const char *file;                 /* path of a GGUF; of a sharded one any shard */
	const struct file_formats *holds; /* filled in by the loader of scenarios */
};

struct precision {
	struct origin origin;
	int weights;                   /* enum mix_id; with a file the type that it is nearest to */
	struct weights_file *file;     /* NULL: every tensor as the rules of the file type have it */
	int kv, compute;               /* enum format_id; compute is one of f32, f16, bf16 */
	struct tensor_formats tensors; /* exceptions to the mix */
	/* Bytes over those that the mix's rules give, of all that is stored as one of its formats, of a file known by its size
	 * alone; 0: as the rules have it. The formats, and so the kernels, are the mix's. */
	double stretch;
	const struct mix_table
		*tables; /* private: of models that mix_tabulate() was told of; NULL: of none */
};
extern const struct table precision_table;

#endif
