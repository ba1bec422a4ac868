/* model.c - see model.h. */
#include "sim/llm/model.h"

#include <math.h>
#include <string.h>

#include "sim/base/units.h"
#include "sim/llm/layers.h"

const char *const role_names[ROLE_N + 1] = {[ROLE_EMBEDDING] = "embedding",
					    [ROLE_ATTENTION] = "attention",
					    [ROLE_FFN] = "ffn",
					    [ROLE_ROUTER] = "router",
					    [ROLE_SHARED] = "shared_experts",
					    [ROLE_EXPERTS] = "experts",
					    [ROLE_HEAD] = "head",
					    [ROLE_N] = NULL};

static const char *const ffn_kinds[] = {
	[FFN_SWIGLU] = "swiglu", [FFN_GELU] = "gelu", [FFN_RELU2] = "relu2", NULL};
static const char *const biases[] = {[BIAS_NONE] = "none", [BIAS_QKV] = "qkv", [BIAS_QKVO] = "qkvo", NULL};

static const char *const gates[] = {
	[GATE_NONE] = "none", [GATE_HEAD] = "head", [GATE_ELEMENT] = "element", NULL};
static const char *const values[] = {
	[VALUES_OWN] = "own", [VALUES_OF_KEYS] = "of_keys", [VALUES_ARE_KEYS] = "keys", NULL};
static const char *const mlx_dtypes[] = {[MLX_BF16] = "bf16", [MLX_F16] = "f16", NULL};
static const char *const decays[] = {[DECAY_HEAD] = "head", [DECAY_CHANNEL] = "channel", NULL};

#define COUNT(strukt, member, hi, text)                                                                      \
	{                                                                                                    \
		FIELD_KEY(strukt, member), .type = FIELD_COUNT, .min = 1, .max = hi, .help = text            \
	}
#define COUNT0(strukt, member, hi, d, text)                                                                  \
	{                                                                                                    \
		FIELD_KEY(strukt, member), .type = FIELD_COUNT, .min = 0, .max = hi, .def = d, .help = text  \
	}
#define FLAG(strukt, member, d, text)                                                                        \
	{                                                                                                    \
		FIELD_KEY(strukt, member), .type = FIELD_BOOL, .def = d, .help = text                        \
	}

/* Keys that few models have: a default is not shown. */
#define OPTION(strukt, member, hi, text)                                                                     \
	{                                                                                                    \
		FIELD_KEY(strukt, member), .type = FIELD_COUNT, .min = 0, .max = hi, .optional = true,       \
					   .help = text                                                      \
	}
#define OPTION_FLAG(strukt, member, text)                                                                    \
	{                                                                                                    \
		FIELD_KEY(strukt, member), .type = FIELD_BOOL, .optional = true, .help = text                \
	}

static const struct field latent_fields[] = {
	COUNT0(struct latent, q_rank, 1 << 20, "0", "rank of the compressed queries; 0: not compressed"),
	COUNT(struct latent, kv_rank, 1 << 20, "rank of the compressed keys and values"),
	COUNT(struct latent, nope_dim, 4096, "width of a head's part without positions"),
	COUNT0(struct latent, rope_dim, 4096, NULL,
	       "width of the rotary part, shared by all heads; 0: no positions"),
	COUNT(struct latent, value_dim, 4096, "width of a head's value"),
	OPTION_FLAG(struct latent, expanded, "the cache holds keys and values of all heads, not the latent"),
};
static const struct table latent_table = {"latent", sizeof(struct latent), latent_fields,
					  ARRAY_LEN(latent_fields)};

static const struct field sparse_fields[] = {
	{FIELD_KEY(struct sparse, top), .type = FIELD_COUNT, .min = 1, .max = 1 << 24, .dim = DIM_TOKENS,
	 .help = "tokens that a query reads at most"},
	COUNT(struct sparse, heads, 4096, "heads of the indexer"),
	COUNT(struct sparse, dim, 4096, "width of its heads and of its key"),
	{FIELD_KEY(struct sparse, block), .type = FIELD_COUNT, .min = 1, .max = 1 << 20, .def = "1",
	 .help = "tokens are chosen in blocks of so many"},
	{FIELD_KEY(struct sparse, pool), .type = FIELD_COUNT, .min = 1, .max = 1 << 20, .def = "1",
	 .help = "so many tokens share a key of the indexer"},
	FLAG(struct sparse, shared, "false", "the choice of an earlier layer is used: no indexer"),
	FLAG(struct sparse, from_hidden, "false",
	     "its queries come from the hidden state, not from compressed queries"),
};
static const struct table sparse_table = {"sparse", sizeof(struct sparse), sparse_fields,
					  ARRAY_LEN(sparse_fields)};

static const struct field compress_fields[] = {
	COUNT(struct compress, ratio, 65536, "tokens for each row of the cache beyond the window"),
	{FIELD_KEY(struct compress, overlap), .type = FIELD_COUNT, .min = 1, .max = 2, .def = "1",
	 .help = "windows of so many tokens that a row is made of"},
};
static const struct table compress_table = {"compress", sizeof(struct compress), compress_fields,
					    ARRAY_LEN(compress_fields)};

static const struct field attention_fields[] = {
	COUNT(struct attention, heads, 4096, "query heads"),
	COUNT(struct attention, kv_heads, 4096, "key and value heads (fewer: grouped-query attention)"),
	COUNT(struct attention, head_dim, 4096, "width of a head"),
	{FIELD_KEY(struct attention, window), .type = FIELD_COUNT, .min = 0, .max = 1 << 24, .def = "0",
	 .dim = DIM_TOKENS, .help = "tokens a query sees at most; 0: all"},
	COUNT0(struct attention, full_every, 4096, "0",
	       "with a window: each so many-th layer sees all; 0: none does"),
	{FIELD_KEY(struct attention, latent), .type = FIELD_MAYBE, .sub = &latent_table, .optional = true,
	 .help = "multi-head latent attention (MLA)"},
	{FIELD_KEY(struct attention, sparse), .type = FIELD_MAYBE, .sub = &sparse_table, .optional = true,
	 .help = "an indexer chooses what a query reads"},
	{FIELD_KEY(struct attention, compress), .type = FIELD_MAYBE, .sub = &compress_table, .optional = true,
	 .help = "beyond the window the cache has one row for several tokens"},
	{FIELD_KEY(struct attention, chunk), .type = FIELD_COUNT, .min = 0, .max = 1 << 24, .optional = true,
	 .dim = DIM_TOKENS, .help = "tokens see only their own chunk of so many; 0: no chunks"},
	OPTION(struct attention, value_dim, 4096, "width of a head's value; 0: as head_dim"),
	OPTION(struct attention, q_rank, 1 << 20,
	       "rank of compressed queries without a latent; 0: not compressed"),
	{FIELD_KEY(struct attention, gate), .type = FIELD_CHOICE, .choices = gates, .optional = true,
	 .help = "on what leaves attention: a number for each head, for each element"},
	OPTION(struct attention, gate_rank, 1 << 20, "rank of that gate's product; 0: full"),
	{FIELD_KEY(struct attention, values), .type = FIELD_CHOICE, .choices = values, .optional = true,
	 .help = "of_keys: made by the keys' product; keys: the cache has one row for both"},
	OPTION_FLAG(struct attention, qk_norm_wide, "the norm of queries and keys is over all heads"),
	OPTION_FLAG(struct attention, shares_cache,
		    "keys and values are those of an earlier layer: no cache of its own"),
	OPTION_FLAG(struct attention, keeps_weights, "though the file holds its k and v"),
	OPTION(struct attention, out_groups, 4096, "products that o begins with; 0: it is one product"),
	OPTION(struct attention, out_rank, 1 << 20, "rank of each of those"),
	FLAG(struct attention, causal, "true", "a token sees only what came before it"),
	FLAG(struct attention, rope, "true", "rotary positions"),
	{FIELD_KEY(struct attention, bias), .type = FIELD_CHOICE, .choices = biases, .def = "none",
	 .help = "which projections have one"},
	FLAG(struct attention, qk_norm, "false", "a norm over each head's query and key"),
	FLAG(struct attention, sinks, "false", "a learned number for each head joins the softmax"),
	FLAG(struct attention, fused, "false", "its q, k and v are one tensor (Phi-3, GLM-4 9B)"),
};
static const struct table attention_table = {"attention", sizeof(struct attention), attention_fields,
					     ARRAY_LEN(attention_fields)};

#define RECURRENT(member, hi, d, text) COUNT0(struct recurrent, member, hi, d, text)
#define RECURRENT_HEADS                                                                                      \
	COUNT(struct recurrent, heads, 65536, "heads of values"),                                            \
		COUNT(struct recurrent, key_dim, 65536, "width of a head's key"),                            \
		COUNT(struct recurrent, value_dim, 65536, "width of a head's value")
#define RECURRENT_TABLE(name)                                                                                \
	static const struct table name##_table = {#name, sizeof(struct recurrent), name##_fields,            \
						  ARRAY_LEN(name##_fields)}

static const struct field delta_fields[] = {
	COUNT(struct recurrent, key_heads, 65536, "heads of queries and keys"),
	RECURRENT_HEADS,
	RECURRENT(width, 4096, "4", "of the short convolution"),
	{FIELD_KEY(struct recurrent, decay), .type = FIELD_CHOICE, .choices = decays, .def = "head",
	 .help = "a decay for each head; for each channel (Kimi delta attention)"},
	RECURRENT(decay_rank, 1 << 20, "0", "rank of the product that makes it; 0: full"),
	FLAG(struct recurrent, gated, "true", "an output gate"),
	RECURRENT(gate_rank, 1 << 20, "0", "rank of its product; 0: full"),
};
RECURRENT_TABLE(delta);

static const struct field mamba2_fields[] = {
	COUNT(struct recurrent, heads, 65536, "heads"),
	{.key = "head_dim",
	 .offset = offsetof(struct recurrent, value_dim),
	 .type = FIELD_COUNT,
	 .min = 1,
	 .max = 65536,
	 .help = "width of a head"},
	{.key = "state",
	 .offset = offsetof(struct recurrent, key_dim),
	 .type = FIELD_COUNT,
	 .min = 1,
	 .max = 65536,
	 .help = "numbers of state for each element of a head"},
	RECURRENT(groups, 65536, "1", "groups of heads that share B and C"),
	RECURRENT(width, 4096, "4", "of the short convolution"),
	FLAG(struct recurrent, conv_bias, "true", "the convolution has one"),
	FLAG(struct recurrent, norm, "true", "a gated norm behind the scan"),
};
RECURRENT_TABLE(mamba2);

static const struct field mamba1_fields[] = {
	COUNT(struct recurrent, inner, 1 << 24, "inner width"),
	{.key = "state",
	 .offset = offsetof(struct recurrent, key_dim),
	 .type = FIELD_COUNT,
	 .min = 1,
	 .max = 65536,
	 .help = "numbers of state for each element"},
	COUNT(struct recurrent, decay_rank, 1 << 20, "rank of the time step"),
	RECURRENT(width, 4096, "4", "of the short convolution"),
	FLAG(struct recurrent, conv_bias, "true", "the convolution has one"),
	FLAG(struct recurrent, norm, "false", "norms of the time step, B and C (Jamba)"),
};
RECURRENT_TABLE(mamba1);

static const struct field rwkv_fields[] = {
	RECURRENT_HEADS,
	COUNT(struct recurrent, decay_rank, 1 << 20, "rank of the decay's product"),
	COUNT(struct recurrent, value_rank, 1 << 20, "rank of the rate's and of the values' mix"),
	COUNT(struct recurrent, gate_rank, 1 << 20, "rank of the gate's product"),
};
RECURRENT_TABLE(rwkv);

static const struct field lightning_fields[] = {
	COUNT(struct recurrent, key_heads, 65536, "heads of queries and keys"),
	RECURRENT_HEADS,
	FLAG(struct recurrent, gated, "true", "an output gate"),
	RECURRENT(gate_rank, 1 << 20, "0", "rank of its product; 0: full"),
	FLAG(struct recurrent, norm, "true", "a norm behind the scan"),
};
RECURRENT_TABLE(lightning);

static const struct field conv_fields[] = {
	COUNT(struct recurrent, width, 4096, "tokens that it covers"),
	FLAG(struct recurrent, conv_bias, "false", "it has a bias"),
};
RECURRENT_TABLE(conv);

static const struct field ffn_fields[] = {
	{FIELD_KEY(struct ffn, kind), .type = FIELD_CHOICE, .choices = ffn_kinds, .def = "swiglu",
	 .help = "swiglu: gate, up, down; gelu, relu2: up, down"},
	COUNT(struct ffn, inner, 1 << 24, "inner width"),
	FLAG(struct ffn, bias, "false", "its projections have one"),
};
static const struct table ffn_table = {"ffn", sizeof(struct ffn), ffn_fields, ARRAY_LEN(ffn_fields)};

static const struct field experts_fields[] = {
	COUNT(struct experts, count, 65536, "experts of a layer"),
	COUNT(struct experts, active, 65536, "experts each token goes through"),
	COUNT(struct experts, inner, 1 << 24, "inner width of one (gate, up, down)"),
	COUNT0(struct experts, shared, 4096, "0", "experts that every token goes through besides"),
	COUNT0(struct experts, shared_inner, 1 << 24, "0", "their inner width together; 0: shared x inner"),
	COUNT0(struct experts, first_dense, 4096, "0", "layers at the beginning that have an FFN instead"),
	{FIELD_KEY(struct experts, every), .type = FIELD_COUNT, .min = 1, .max = 4096, .def = "1",
	 .help = "behind those, each so many-th layer has experts"},
	OPTION(struct experts, latent, 1 << 20, "width that they work in, between two products; 0: hidden"),
	OPTION_FLAG(struct experts, latent_norm, "a norm in that width"),
	{FIELD_KEY(struct experts, kind), .type = FIELD_CHOICE, .choices = ffn_kinds, .optional = true,
	 .help = "as of an FFN; not given: swiglu"},
	OPTION_FLAG(struct experts, shared_gate, "a gate on what the shared experts make"),
	OPTION_FLAG(struct experts, router_bias, "a number for each expert corrects the choice"),
	FLAG(struct experts, bias, "false", "router and projections have one"),
	{FIELD_KEY(struct experts, skew), .type = FIELD_DOUBLE, .dim = DIM_COUNT, .min = 0, .max = 4,
	 .def = "0", .help = "popularity of the i-th expert ~ i^-skew; 0: all alike"},
	{FIELD_KEY(struct experts, popularity_sd), .type = FIELD_DOUBLE, .dim = DIM_COUNT, .min = 0, .max = 6,
	 .def = "0",
	 .help = "popularity is log-normal, and this the standard deviation of its logarithm; 0: as skew"},
};
static const struct table experts_table = {"experts", sizeof(struct experts), experts_fields,
					   ARRAY_LEN(experts_fields)};

static const struct field rope_scaling_fields[] = {
	{FIELD_KEY(struct rope_scaling, kind), .type = FIELD_TEXT, .help = "llama3, yarn, linear, ..."},
	{FIELD_KEY(struct rope_scaling, factor), .type = FIELD_DOUBLE, .dim = DIM_COUNT, .min = 1,
	 .max = 4096, .help = "by which the context grew"},
	{FIELD_KEY(struct rope_scaling, original), .type = FIELD_COUNT, .dim = DIM_TOKENS, .min = 0,
	 .max = 1 << 30, .def = "0", .help = "context before that; 0: not said"},
};
static const struct table rope_scaling_table = {"rope scaling", sizeof(struct rope_scaling),
						rope_scaling_fields, ARRAY_LEN(rope_scaling_fields)};

static const struct field size_fields[] = {
	{FIELD_KEY(struct model_size, weights), .type = FIELD_CHOICE, .choices = mix_names,
	 .help = "file type"},
	{FIELD_KEY(struct model_size, bytes), .type = FIELD_DOUBLE, .dim = DIM_BYTES, .min = 1, .max = 1e15,
	 .help = "of all tensors"},
	{FIELD_KEY(struct model_size, source), .type = FIELD_TEXT, .help = "who says so"},
};
static const struct table size_table = {"size", sizeof(struct model_size), size_fields,
					ARRAY_LEN(size_fields)};

#define KIND_RECURRENT(name, index, text)                                                                    \
	{                                                                                                    \
		.key = #name, .offset = offsetof(struct model_kind, recurrent[index]), .type = FIELD_MAYBE,  \
		.sub = &name##_table, .optional = true, .help = text                                         \
	}
static const struct field kind_fields[] = {
	{FIELD_KEY(struct model_kind, blocks), .type = FIELD_TEXTS,
	 .help = "attention, delta, mamba2, mamba1, rwkv, lightning, conv, ffn, experts; 'a | b': side by "
		 "side"},
	{FIELD_KEY(struct model_kind, attention), .type = FIELD_MAYBE, .sub = &attention_table,
	 .optional = true, .help = "in the place of the model's"},
	KIND_RECURRENT(delta, RECURRENT_DELTA, "gated delta net; Kimi delta attention"),
	KIND_RECURRENT(mamba2, RECURRENT_MAMBA2, "state space, Mamba-2"),
	KIND_RECURRENT(mamba1, RECURRENT_MAMBA1, "state space, Mamba-1"),
	KIND_RECURRENT(rwkv, RECURRENT_RWKV, "time mix of RWKV-7"),
	KIND_RECURRENT(lightning, RECURRENT_LIGHTNING, "linear attention with a decay"),
	KIND_RECURRENT(conv, RECURRENT_CONV, "gated short convolution (LFM2)"),
	{FIELD_KEY(struct model_kind, ffn), .type = FIELD_MAYBE, .sub = &ffn_table, .optional = true,
	 .help = "in the place of the model's"},
	COUNT0(struct model_kind, extra, 1000000000000, "0",
	       "numbers that no block counts: scales, further norms"),
};
static const struct table kind_table = {"kind", sizeof(struct model_kind), kind_fields,
					ARRAY_LEN(kind_fields)};

static const struct field mtp_fields[] = {
	COUNT(struct mtp, layers, 64, "layers that predict further tokens, one after another"),
	{FIELD_KEY(struct mtp, kinds), .type = FIELD_TEXTS, .optional = true,
	 .help = "the kinds whose blocks each has; not given: as the last layer"},
	FLAG(struct mtp, stored, "false", "they are in memory"),
};
static const struct table mtp_table = {"mtp", sizeof(struct mtp), mtp_fields, ARRAY_LEN(mtp_fields)};

static const struct field stored_fields[] = {
	{FIELD_KEY(struct stored, name), .type = FIELD_TEXT, .help = "what it is: 'vision tower'"},
	{FIELD_KEY(struct stored, parameters), .type = FIELD_COUNT, .min = 1, .max = 1e13, .help = "weights"},
	{FIELD_KEY(struct stored, format), .type = FIELD_CHOICE, .choices = format_names, .def = "bf16",
	 .help = "they are kept in"},
};
static const struct table stored_table = {"stored", sizeof(struct stored), stored_fields,
					  ARRAY_LEN(stored_fields)};

static const struct field model_fields[] = {
	{FIELD_KEY(struct model, schema), .type = FIELD_TEXT, .help = MODEL_SCHEMA},
	{FIELD_KEY(struct model, title), .type = FIELD_TEXT, .help = "its name, for people"},
	{FIELD_KEY(struct model, source), .type = FIELD_TEXT, .help = "where these figures come from"},
	{FIELD_KEY(struct model, architecture), .type = FIELD_TEXT, .optional = true,
	 .help = "model_type of its config.json: which windows and latent caches a runtime honours"},
	{FIELD_KEY(struct model, mlx_dtype), .type = FIELD_CHOICE, .choices = mlx_dtypes, .def = "bf16",
	 .help = "dtype that its files for MLX keep, and MLX computes in"},
	{FIELD_KEY(struct model, context), .type = FIELD_COUNT, .dim = DIM_TOKENS, .min = 0, .max = 1 << 30,
	 .def = "0", .help = "longest sequence that it was made for; 0: not said"},
	{FIELD_KEY(struct model, rope_scaling), .type = FIELD_MAYBE, .sub = &rope_scaling_table,
	 .optional = true, .help = "how its rotary positions were stretched to that context"},
	COUNT(struct model, layers, 4096, "transformer layers"),
	COUNT(struct model, hidden, 1 << 20, "width of the residual stream"),
	COUNT(struct model, vocabulary, 1 << 24, "tokens it knows"),
	{FIELD_KEY(struct model, attention), .type = FIELD_TABLE, .sub = &attention_table, .optional = true,
	 .help = "attention"},
	{FIELD_KEY(struct model, ffn), .type = FIELD_MAYBE, .sub = &ffn_table, .optional = true,
	 .help = "feed-forward network; absent where every layer has experts"},
	{FIELD_KEY(struct model, experts), .type = FIELD_MAYBE, .sub = &experts_table, .optional = true,
	 .help = "mixture of experts in the place of the feed-forward network"},
	{FIELD_KEY(struct model, kinds), .type = FIELD_MAP, .sub = &kind_table, .optional = true,
	 .help = "kinds of layers, where they are not all alike"},
	{FIELD_KEY(struct model, pattern), .type = FIELD_TEXTS, .optional = true,
	 .help = "of kinds: [3 linear, full]; repeated to fill the layers"},
	{FIELD_KEY(struct model, mtp), .type = FIELD_MAYBE, .sub = &mtp_table, .optional = true,
	 .help = "multi-token prediction"},
	{FIELD_KEY(struct model, stored_only), .type = FIELD_LIST, .sub = &stored_table, .optional = true,
	 .help = "weights that take memory but are not run for text"},
	OPTION(struct model, per_layer_embedding, 1 << 20,
	       "width of an embedding that each layer has of its own"),
	OPTION(struct model, streams, 64, "residual streams (hyper-connections, AltUp)"),
	OPTION(struct model, positions, 1 << 24, "learned positions; 0: none"),
	OPTION(struct model, extra, 1000000000000, "numbers at the ends that no block counts"),
	OPTION_FLAG(struct model, norm_bias, "norms have a bias too"),
	FLAG(struct model, tied_head, "false", "the head shares the embedding's weights"),
	FLAG(struct model, norms, "true", "a norm before each block and the residual around it"),
	FLAG(struct model, post_norms, "false", "and a norm behind each block"),
	FLAG(struct model, ends, "true", "embedding and head; false: bare layers"),
	{FIELD_KEY(struct model, parameters), .type = FIELD_COUNT, .min = 0, .max = 1e14, .def = "0",
	 .help = "as published; checked to 0.5 %"},
	{FIELD_KEY(struct model, sizes), .type = FIELD_LIST, .sub = &size_table, .optional = true,
	 .help = "published sizes of files; checked to 0.5 %"},
};
const struct table model_table = {"model", sizeof(struct model), model_fields, ARRAY_LEN(model_fields)};

/* --- checks --------------------------------------------------------------------------------------- */

static int check_sizes(const struct model *m, struct diags *diags)
{
	const struct model_size *s = m->sizes.at;
	int rc = 0;

	for (size_t i = 0; i < m->sizes.n; i++) {
		const struct precision p = {.weights = s[i].weights};
		const double ours = model_weights_B(m, &p);

		if (fabs(ours / s[i].bytes - 1) > 0.005)
			rc = diag_add(diags, s[i].origin.node->place, NULL,
				      "model: %s GB are published for %s, these dimensions make %s GB",
				      units_digits(s[i].bytes / 1e9, 5).text, mix_names[s[i].weights],
				      units_digits(ours / 1e9, 5).text);
	}
	return rc;
}

static int check_heads(const struct attention *a, struct diags *diags)
{
	if (a->heads && a->heads % a->kv_heads)
		return diag_add(diags, a->origin.node->place, NULL,
				"attention: kv_heads (%lld) does not divide heads (%lld)",
				(long long)a->kv_heads, (long long)a->heads);
	if (a->full_every && !a->window)
		return diag_add(diags, yml_get(a->origin.node, "full_every")->place, "add 'window:'",
				"attention: full_every is given, but no window");
	if (a->compress && !a->window)
		return diag_add(diags, a->compress->origin.node->place, "add 'window:'",
				"attention: what is not compressed yet is seen through a window");
	if (a->out_groups && (a->heads % a->out_groups || !a->out_rank))
		return diag_add(diags, a->origin.node->place, NULL,
				"attention: out_groups must divide heads, and out_rank be given");
	if (a->sparse && !a->sparse->shared && !a->sparse->from_hidden &&
	    !(a->latent ? a->latent->q_rank : a->q_rank))
		return diag_add(
			diags, a->sparse->origin.node->place, "say 'from_hidden: true'",
			"attention: there are no compressed queries that the indexer could start from");
	return 0;
}

static bool has_attention(const struct model_layout *l, int mixer)
{
	const struct attention *a = l->kind[mixer].attention;

	return a && !a->shares_cache;
}

/* A layer without a cache of its own needs one before it that has one. */
static int check_shared_caches(const struct model *m, struct diags *diags)
{
	bool owner = false;

	for (int64_t i = 0; i < m->layers; i++) {
		const struct layer_kind *k = &m->layout->kind[m->layout->kind_of[i]];

		owner |= has_attention(m->layout, m->layout->kind_of[i]);
		if (k->attention && k->attention->shares_cache && !owner)
			return diag_add(diags, k->attention->origin.node->place, NULL,
					"model: layer %lld of kind '%s' shares a cache, but none before it "
					"has one",
					(long long)i, k->name);
	}
	return 0;
}

static int check_kinds(const struct model *m, struct diags *diags)
{
	int64_t window = 0;

	for (size_t i = 0; i < m->layout->kinds_n; i++) {
		const struct attention *a = m->layout->kind[i].attention;
		const int64_t w = a ? (a->chunk ? a->chunk : a->window) : 0;

		if (a && check_heads(a, diags) != 0)
			return -1;
		if (w && window && w != window)
			return diag_add(diags, a->origin.node->place, NULL,
					"model: kinds with windows of %lld and of %lld tokens: one width is "
					"modelled",
					(long long)window, (long long)w);
		window = w ? w : window;
		if (a && a->full_every)
			return diag_add(diags, a->origin.node->place, "write a kind for each",
					"model: with kinds, 'full_every' has no meaning");
	}
	if (m->experts && (m->experts->first_dense || m->experts->every > 1))
		return diag_add(diags, m->experts->origin.node->place, "write a kind for each",
				"model: with kinds, 'first_dense' and 'every' have no meaning");
	return check_shared_caches(m, diags);
}

static int check_mtp(const struct model *m, struct diags *diags)
{
	const char *const *names = m->mtp ? m->mtp->kinds.at : NULL;

	for (size_t i = 0; m->mtp && i < m->mtp->kinds.n; i++) {
		bool found = false;

		for (int64_t l = 0; l < m->layers && !found; l++)
			found = layout_is_first(m, l, names[i]);
		if (!found)
			return diag_add(diags, m->mtp->origin.node->place,
					"name kinds that some layer of the pattern has",
					"model: mtp: no layer is of kind '%s'", names[i]);
	}
	return 0;
}

static void expand(struct attention *a)
{
	if (a && a->latent)
		a->expanded = a->latent->expanded;
}

int model_check_layers(struct model *m, struct diags *diags)
{
	const struct experts *x = m->experts;
	struct model_kind *kinds = m->kinds.at;

	expand(&m->attention);
	for (size_t i = 0; i < m->kinds.n; i++)
		expand(kinds[i].attention);

	m->layout = NULL;
	if (m->kinds.n)
		return layout_make(m, diags) != 0 || check_kinds(m, diags) != 0 ? -1 : 0;
	if (m->pattern.n)
		return diag_add(diags, yml_get(m->origin.node, "pattern")->place, "add 'kinds:'",
				"model: a pattern, but no kinds");
	if (!m->attention.heads)
		return diag_add(diags, m->origin.node->place, "say 'attention: {heads: ..., ...}'",
				"model: 'attention' is missing");
	if (!m->ffn && (!x || m->layers > layers_with_experts(m)))
		return diag_add(diags, m->origin.node->place, "say 'ffn: {inner: ...}'",
				"model: layers without experts need an 'ffn'");
	if (x && x->first_dense >= m->layers)
		return diag_add(diags, x->origin.node->place, NULL,
				"experts: first_dense leaves no layer for them");
	return check_heads(&m->attention, diags);
}

/* A value of a dimension, however deep, that another file says than the one at `published`; NULL: there is none. */
static const struct yml *said_elsewhere(const struct yml *y, const struct place *published)
{
	const struct yml *found = NULL;

	if (y->kind == YML_SCALAR && y->place.source && published->source &&
	    strcmp(y->place.source->path, published->source->path) != 0)
		return y;
	for (size_t i = 0; i < y->n && !found; i++)
		found = said_elsewhere(y->items[i], published);
	return found;
}

/* Where a file inherits the number of parameters and changes a dimension, it is its line that is wrong. */
static int refuse_parameters(const struct model *m, double ours, struct diags *diags)
{
	static const char *const dimensions[] = {"layers",  "hidden",  "vocabulary", "attention", "ffn",
						 "experts", "pattern", "kinds",      "tied_head", "mtp"};
	const struct yml *root = m->origin.node, *parameters = yml_get(root, "parameters"), *changed = NULL;
	const struct place *const at = &parameters->place, *const own = &root->place;
	const bool inherited = at->source && own->source && strcmp(at->source->path, own->source->path) != 0;
	struct err err = ERR_INIT;

	for (size_t i = 0; inherited && !changed && i < ARRAY_LEN(dimensions); i++) {
		const struct yml *dimension = yml_get(root, dimensions[i]);

		changed = dimension ? said_elsewhere(dimension, at) : NULL;
	}
	err_set(&err, "model: %s parameters are published, these dimensions make %s",
		units_digits((double)m->parameters, 4).text, units_digits(ours, 4).text);
	if (changed)
		err_hint(&err,
			 "the number is inherited from %s:%d; 'parameters: null' if this is another model",
			 at->source->path, at->line);
	else
		err_hint(&err, "one of the dimensions is wrong");
	return diag_err(diags, changed ? changed->place : *at, &err);
}

int model_check(struct model *m, struct diags *diags)
{
	const double published = (double)m->parameters;
	const struct experts *x = m->experts;
	double ours;

	if (x && x->skew > 0 && x->popularity_sd > 0)
		return diag_add(diags, x->origin.node->place,
				"a power law has skew, a log-normal one popularity_sd",
				"experts: their popularity is given twice, by skew and by popularity_sd");
	if (x && x->active > x->count)
		return diag_add(diags, x->origin.node->place, NULL,
				"experts: more are active than there are");
	if (model_check_layers(m, diags) != 0 || check_mtp(m, diags) != 0)
		return -1;
	ours = model_weights(m);
	if (published > 0 && fabs(ours / published - 1) > 0.005)
		return refuse_parameters(m, ours, diags);
	return published > 0 ? check_sizes(m, diags) : 0; /* else it is no published model, or one changed */
}
