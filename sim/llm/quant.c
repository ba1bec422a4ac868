/* quant.c - see quant.h. */
#include "sim/llm/quant.h"

#include <assert.h>

/* Block sizes: ggml-common.h of llama.cpp (block_q8_0, block_q6_K, ...); MXFP4: OCP Microscaling v1.0. */
const struct format formats[FORMAT_N] = {
	[FORMAT_F32] = {"f32", 1, 4},       [FORMAT_F16] = {"f16", 1, 2},
	[FORMAT_BF16] = {"bf16", 1, 2},     [FORMAT_Q8_0] = {"q8_0", 32, 34},
	[FORMAT_Q6_K] = {"q6_K", 256, 210}, [FORMAT_Q5_K] = {"q5_K", 256, 176},
	[FORMAT_Q4_K] = {"q4_K", 256, 144}, [FORMAT_Q4_0] = {"q4_0", 32, 18},
	[FORMAT_MXFP4] = {"mxfp4", 32, 17},
};
const char *const format_names[FORMAT_N + 1] = {"f32",  "f16",  "bf16", "q8_0",  "q6_K",
						"q5_K", "q4_K", "q4_0", "mxfp4", NULL};

const char *const tensor_names[TENSOR_N + 1] = {[TENSOR_EMBEDDING] = "embedding",
						[TENSOR_Q] = "q",
						[TENSOR_K] = "k",
						[TENSOR_V] = "v",
						[TENSOR_O] = "o",
						[TENSOR_UP] = "up",
						[TENSOR_DOWN] = "down",
						[TENSOR_ROUTER] = "router",
						[TENSOR_SHARED_UP] = "shared_up",
						[TENSOR_SHARED_DOWN] = "shared_down",
						[TENSOR_EXPERT_UP] = "expert_up",
						[TENSOR_EXPERT_DOWN] = "expert_down",
						[TENSOR_HEAD] = "head",
						[TENSOR_SMALL] = "small",
						[TENSOR_N] = NULL};

const char *const mix_names[MIX_N + 1] = {"f32",  "f16",   "bf16",   "q8_0",   "q6_K",   "q5_K",   "q4_K",
					  "q4_0", "mxfp4", "q5_K_M", "q5_K_S", "q4_K_M", "q4_K_S", NULL};

/* What a mix makes of a class: `most`, but `some` in the layers that get more bits. The same where some is
 * not said. */
struct mixed {
	unsigned char said; /* a row that is all zero takes the mix's own format */
	unsigned char most, some;
};
struct mix {
	enum format_id most;
	struct mixed at[TENSOR_N];
};

#define ALL(f)                                                                                               \
	{                                                                                                    \
		1, f, f                                                                                      \
	}
#define SOME(f, more)                                                                                        \
	{                                                                                                    \
		1, f, more                                                                                   \
	}
/* A quantised file keeps norms and the router in f32. */
#define SMALL [TENSOR_ROUTER] = ALL(FORMAT_F32), [TENSOR_SMALL] = ALL(FORMAT_F32)
#define MORE(f, more)                                                                                        \
	SMALL, [TENSOR_V] = SOME(f, more), [TENSOR_DOWN] = SOME(f, more),                                    \
	       [TENSOR_SHARED_DOWN] = SOME(f, more), [TENSOR_EXPERT_DOWN] = SOME(f, more),                   \
	       [TENSOR_HEAD] = ALL(FORMAT_Q6_K)

/* llama.cpp, src/llama-quant.cpp: llama_tensor_get_type_impl(). */
static const struct mix mixes[MIX_N] = {
	[FORMAT_F32] = {FORMAT_F32, {{0}}},
	[FORMAT_F16] = {FORMAT_F16, {{0}}},
	[FORMAT_BF16] = {FORMAT_BF16, {{0}}},
	[FORMAT_Q8_0] = {FORMAT_Q8_0, {SMALL}},
	[FORMAT_Q6_K] = {FORMAT_Q6_K, {SMALL}},
	[FORMAT_Q5_K] = {FORMAT_Q5_K, {SMALL}}, /* every matrix alike */
	[FORMAT_Q4_K] = {FORMAT_Q4_K, {SMALL}}, /* likewise */
	[FORMAT_Q4_0] = {FORMAT_Q4_0, {SMALL, [TENSOR_HEAD] = ALL(FORMAT_Q6_K)}},
	/* MXFP4_MOE: experts alone */
	[FORMAT_MXFP4] =
		{FORMAT_Q8_0,
		 {SMALL, [TENSOR_EXPERT_UP] = ALL(FORMAT_MXFP4), [TENSOR_EXPERT_DOWN] = ALL(FORMAT_MXFP4)}},
	[MIX_Q5_K_M] = {FORMAT_Q5_K, {MORE(FORMAT_Q5_K, FORMAT_Q6_K)}},
	[MIX_Q5_K_S] = {FORMAT_Q5_K, {SMALL, [TENSOR_HEAD] = ALL(FORMAT_Q6_K)}},
	[MIX_Q4_K_M] = {FORMAT_Q4_K, {MORE(FORMAT_Q4_K, FORMAT_Q6_K)}},
	[MIX_Q4_K_S] = {FORMAT_Q4_K, {SMALL, [TENSOR_HEAD] = ALL(FORMAT_Q6_K)}},
};

static const char *const compute_names[] = {"f32", "f16", "bf16",
					    NULL}; /* the first formats are the dtypes */

/* Choices of an exception: as the mix, or a format. */
static const char *const exception_names[] = {"mix",  "f32",  "f16",  "bf16",  "q8_0", "q6_K",
					      "q5_K", "q4_K", "q4_0", "mxfp4", NULL};
static_assert(sizeof exception_names == sizeof format_names + sizeof *format_names,
	      "an exception may be any format");

#define TENSOR(id, name, text)                                                                               \
	{                                                                                                    \
		.key = name, .offset = offsetof(struct tensor_formats, at) + (id) * sizeof(int),             \
		.type = FIELD_CHOICE, .choices = exception_names, .def = "mix", .help = text                 \
	}
static const struct field tensors_fields[] = {
	TENSOR(TENSOR_EMBEDDING, "embedding", "the table of tokens"),
	TENSOR(TENSOR_Q, "q", "queries"),
	TENSOR(TENSOR_K, "k", "keys"),
	TENSOR(TENSOR_V, "v", "values"),
	TENSOR(TENSOR_O, "o", "what leaves attention"),
	TENSOR(TENSOR_UP, "up", "gate and up"),
	TENSOR(TENSOR_DOWN, "down", "down"),
	TENSOR(TENSOR_ROUTER, "router", "the router of experts"),
	TENSOR(TENSOR_SHARED_UP, "shared_up", "gate and up of shared experts"),
	TENSOR(TENSOR_SHARED_DOWN, "shared_down", "down of shared experts"),
	TENSOR(TENSOR_EXPERT_UP, "expert_up", "gate and up of experts"),
	TENSOR(TENSOR_EXPERT_DOWN, "expert_down", "down of experts"),
	TENSOR(TENSOR_HEAD, "head", "the head; a tied one is the embedding's"),
	TENSOR(TENSOR_SMALL, "small", "norms, biases"),
};
static_assert(ARRAY_LEN(tensors_fields) == TENSOR_N, "a row for each class of tensors");
static const struct table tensors_table = {"tensors", sizeof(struct tensor_formats), tensors_fields,
					   ARRAY_LEN(tensors_fields)};

static const struct field precision_fields[] = {
	{FIELD_KEY(struct precision, weights), .type = FIELD_CHOICE, .choices = mix_names, .def = "f16",
	 .help = "file type of the weights"},
	{FIELD_KEY(struct precision, tensors), .type = FIELD_TABLE, .sub = &tensors_table, .optional = true,
	 .help = "tensors in another format than that file type gives them"},
	{FIELD_KEY(struct precision, kv), .type = FIELD_CHOICE, .choices = format_names, .def = "f16",
	 .help = "format of the KV cache"},
	{FIELD_KEY(struct precision, compute), .type = FIELD_CHOICE, .choices = compute_names, .def = "f16",
	 .help = "arithmetic and activations"},
};
const struct table precision_table = {"precision", sizeof(struct precision), precision_fields,
				      ARRAY_LEN(precision_fields)};

double format_bytes(enum format_id f, double numbers)
{
	return numbers * formats[f].bytes / formats[f].weights;
}

enum format_id precision_format(const struct precision *p, enum tensor t)
{
	const struct mix *mix = &mixes[p->weights];

	if (p->tensors.at[t])
		return (enum format_id)(p->tensors.at[t] - 1);
	return mix->at[t].said ? (enum format_id)mix->at[t].most : mix->most;
}

/* The share of layers that get more bits: use_more_bits() in llama-quant.cpp. */
static double more_bits(int64_t layers)
{
	int64_t n = 0;

	for (int64_t i = 0; i < layers; i++)
		n += i < layers / 8 || i >= 7 * layers / 8 || (i - layers / 8) % 3 == 2;
	return layers ? (double)n / (double)layers : 0;
}

double precision_bytes(const struct precision *p, enum tensor t, int64_t layers, double numbers)
{
	const struct mix *mix = &mixes[p->weights];
	const struct mixed *at = &mix->at[t];
	double some;

	if (p->tensors.at[t])
		return format_bytes((enum format_id)(p->tensors.at[t] - 1), numbers);
	if (!at->said)
		return format_bytes(mix->most, numbers);
	if (at->most == at->some)
		return format_bytes((enum format_id)at->most, numbers);
	some = more_bits(layers);
	return format_bytes((enum format_id)at->most, (1 - some) * numbers) +
	       format_bytes((enum format_id)at->some, some * numbers);
}
