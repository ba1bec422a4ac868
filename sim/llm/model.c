/* model.c - see model.h. */
#include "sim/llm/model.h"

#include <math.h>

static const char *const ffn_kinds[] = {[FFN_SWIGLU] = "swiglu", [FFN_GELU] = "gelu", NULL};

#define COUNT(strukt, member, hi, text)                                                                      \
	{                                                                                                    \
		FIELD_KEY(strukt, member), .type = FIELD_COUNT, .min = 1, .max = hi, .help = text            \
	}
#define FLAG(strukt, member, d, text)                                                                        \
	{                                                                                                    \
		FIELD_KEY(strukt, member), .type = FIELD_BOOL, .def = d, .help = text                        \
	}

static const struct field attention_fields[] = {
	COUNT(struct attention, heads, 4096, "query heads"),
	COUNT(struct attention, kv_heads, 4096, "key and value heads (fewer: grouped-query attention)"),
	COUNT(struct attention, head_dim, 4096, "width of a head"),
	{FIELD_KEY(struct attention, window), .type = FIELD_COUNT, .min = 0, .max = 1 << 24, .def = "0",
	 .dim = DIM_TOKENS, .help = "tokens a query sees at most; 0: all"},
	FLAG(struct attention, causal, "true", "a token sees only what came before it"),
	FLAG(struct attention, rope, "true", "rotary positions"),
};
static const struct table attention_table = {"attention", sizeof(struct attention), attention_fields,
					     ARRAY_LEN(attention_fields)};

static const struct field ffn_fields[] = {
	{FIELD_KEY(struct ffn, kind), .type = FIELD_CHOICE, .choices = ffn_kinds, .def = "swiglu",
	 .help = "swiglu: gate, up, down; gelu: up, down"},
	COUNT(struct ffn, inner, 1 << 24, "inner width"),
};
static const struct table ffn_table = {"ffn", sizeof(struct ffn), ffn_fields, ARRAY_LEN(ffn_fields)};

static const struct field model_fields[] = {
	{FIELD_KEY(struct model, schema), .type = FIELD_TEXT, .help = MODEL_SCHEMA},
	{FIELD_KEY(struct model, title), .type = FIELD_TEXT, .help = "its name, for people"},
	{FIELD_KEY(struct model, source), .type = FIELD_TEXT, .help = "where these figures come from"},
	COUNT(struct model, layers, 4096, "transformer layers"),
	COUNT(struct model, hidden, 1 << 20, "width of the residual stream"),
	COUNT(struct model, vocabulary, 1 << 24, "tokens it knows"),
	{FIELD_KEY(struct model, attention), .type = FIELD_TABLE, .sub = &attention_table,
	 .help = "attention"},
	{FIELD_KEY(struct model, ffn), .type = FIELD_TABLE, .sub = &ffn_table,
	 .help = "feed-forward network"},
	FLAG(struct model, tied_head, "false", "the head shares the embedding's weights"),
	FLAG(struct model, norms, "true", "a norm before each block and the residual around it"),
	FLAG(struct model, ends, "true", "embedding and head; false: bare layers"),
	{FIELD_KEY(struct model, parameters), .type = FIELD_COUNT, .min = 0, .max = 1e14, .def = "0",
	 .help = "as published; checked to 0.5 %"},
};
const struct table model_table = {"model", sizeof(struct model), model_fields, ARRAY_LEN(model_fields)};

int model_check(const struct model *m, struct diags *diags)
{
	const double ours = model_weights(m), published = (double)m->parameters;

	if (m->attention.heads % m->attention.kv_heads)
		return diag_add(diags, m->attention.origin.node->place, NULL,
				"attention: kv_heads (%lld) does not divide heads (%lld)",
				(long long)m->attention.kv_heads, (long long)m->attention.heads);
	if (published > 0 && fabs(ours / published - 1) > 0.005)
		return diag_add(
			diags, yml_get(m->origin.node, "parameters")->place, "one of the dimensions is wrong",
			"model: %.4g parameters are published, these dimensions make %.4g", published, ours);
	return 0;
}

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

double format_bytes(enum format_id f, double numbers)
{
	return numbers * formats[f].bytes / formats[f].weights;
}

double model_attention_weights(const struct model *m)
{
	const double h = (double)m->hidden, q = (double)(m->attention.heads * m->attention.head_dim);
	const double kv = (double)(m->attention.kv_heads * m->attention.head_dim);

	return h * q + 2 * h * kv + q * h + (m->norms ? h : 0);
}

double model_ffn_weights(const struct model *m)
{
	const double h = (double)m->hidden, f = (double)m->ffn.inner;

	return (m->ffn.kind == FFN_SWIGLU ? 3 : 2) * h * f + (m->norms ? h : 0);
}

double model_embedding_weights(const struct model *m)
{
	return m->ends ? (double)m->vocabulary * (double)m->hidden : 0;
}

double model_head_weights(const struct model *m)
{
	if (!m->ends)
		return 0;
	return (m->tied_head ? 0 : (double)m->vocabulary * (double)m->hidden) +
	       (m->norms ? (double)m->hidden : 0);
}

double model_weights(const struct model *m)
{
	return (double)m->layers * (model_attention_weights(m) + model_ffn_weights(m)) +
	       model_embedding_weights(m) + model_head_weights(m);
}

double model_kv_numbers_per_token(const struct model *m)
{
	return 2.0 * (double)(m->attention.kv_heads * m->attention.head_dim);
}
