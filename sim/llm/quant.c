/* quant.c - see quant.h. */
#include "sim/llm/quant.h"

#include <assert.h>

const struct format formats[FORMAT_N] = {
#define X(id, name, weights, bytes) [FORMAT_##id] = {name, weights, bytes},
	FORMATS(X)
#undef X
};
#define X(id, name, weights, bytes) name,
const char *const format_names[FORMAT_N + 1] = {FORMATS(X) NULL};

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
						[TENSOR_QKV] = "qkv",
						[TENSOR_OTHER] = "other",
						[TENSOR_HEAD] = "head",
						[TENSOR_SMALL] = "small",
						[TENSOR_N] = NULL};

#define Y(id, name) name,
const char *const mix_names[MIX_N + 1] = {FORMATS(X) MIXES(Y) NULL};

static const char *const compute_names[] = {"f32", "f16", "bf16",
					    NULL}; /* the first formats are the dtypes */

/* Choices of an exception: as the mix, or a format. */
static const char *const exception_names[] = {"mix", FORMATS(X) NULL};
#undef X
#undef Y

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
	TENSOR(TENSOR_QKV, "qkv", "queries, keys and values of recurrent layers"),
	TENSOR(TENSOR_OTHER, "other", "other matrices of recurrent layers, of indexers and gates"),
	TENSOR(TENSOR_HEAD, "head", "the head; a tied one is the embedding's"),
	TENSOR(TENSOR_SMALL, "small", "norms, biases"),
};
static_assert(ARRAY_LEN(tensors_fields) == TENSOR_N, "a row for each class of tensors");
static const struct table tensors_table = {"tensors", sizeof(struct tensor_formats), tensors_fields,
					   ARRAY_LEN(tensors_fields)};

static const struct field file_fields[] = {
	{FIELD_KEY(struct weights_file, file), .type = FIELD_TEXT,
	 .help = "a GGUF, whose tensors have the formats that they have there (only headers are read), or a "
		 "config.json, whose quantization block says them"},
};
static const struct table file_table = {"weights", sizeof(struct weights_file), file_fields,
					ARRAY_LEN(file_fields)};

static const struct field precision_fields[] = {
	{FIELD_KEY(struct precision, weights), .type = FIELD_CHOICE, .choices = mix_names, .sub = &file_table,
	 .instead = offsetof(struct precision, file), .def = "f16", .help = "file type of the weights"},
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
