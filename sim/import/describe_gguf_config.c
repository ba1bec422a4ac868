/* describe_gguf_config.c - see describe_gguf_config.h. Keys are those of llama.cpp's gguf-py/gguf/constants.py and
 * conversion/, 2026. */
#include "sim/import/describe_gguf_config.h"

#include <stdio.h>
#include <string.h>

#include "sim/base/str.h"

struct name {
	const char *gguf, *config;
};

/* Keys that mean the same in every architecture. */
static const struct name common[] = {
	{"embedding_length", "hidden_size"},
	{"feed_forward_length", "intermediate_size"},
	{"attention.head_count", "num_attention_heads"},
	{"context_length", "max_position_embeddings"},
	{"vocab_size", "vocab_size"},
	{"expert_count", "num_experts"},
	{"expert_used_count", "num_experts_per_tok"},
	{"expert_feed_forward_length", "moe_intermediate_size"},
	{"expert_shared_count", "n_shared_experts"},
	{"expert_shared_feed_forward_length", "shared_expert_intermediate_size"},
	{"leading_dense_block_count", "first_k_dense_replace"},
	{"nextn_predict_layers", "num_nextn_predict_layers"},
	{"attention.q_lora_rank", "q_lora_rank"},
	{"attention.kv_lora_rank", "kv_lora_rank"},
	{"attention.sliding_window", "sliding_window"},
	{"attention.indexer.head_count", "index_n_heads"},
	{"attention.indexer.key_length", "index_head_dim"},
	{"attention.indexer.top_k", "index_topk"},
	{"full_attention_interval", "full_attention_interval"},
	{"interleave_moe_layer_step", "interleave_moe_layer_step"},
	{"attention.shared_kv_layers", "num_kv_shared_layers"},
	{"embedding_length_per_layer_input", "hidden_size_per_layer_input"},
	{"moe_latent_size", "moe_latent_size"},
	{"expert_latent_length", "routed_expert_hidden_size"},
	{"shortconv.l_cache", "conv_L_cache"},
};

/* How the lengths of heads are named. */
enum heads_as { HEADS_PLAIN, HEADS_LATENT, HEADS_BY_WINDOW };
/* How layers are told apart. */
enum layers_as { LAYERS_BY_WINDOW, LAYERS_BY_KV, LAYERS_OF_ONE_BLOCK, LAYERS_IN_LISTS };

static const struct arch {
	const char *arch, *type;
	enum heads_as heads;
	enum layers_as layers;
	struct name own[8];
} archs[] = {
#define DELTA                                                                                                \
	{                                                                                                    \
		{"ssm.state_size", "linear_key_head_dim"}, {"ssm.group_count", "linear_num_key_heads"},      \
			{"ssm.time_step_rank", "linear_num_value_heads"},                                    \
			{"ssm.conv_kernel", "linear_conv_kernel_dim"},                                       \
	}
#define MAMBA                                                                                                \
	{                                                                                                    \
		{"ssm.state_size", "ssm_state_size"}, {"ssm.group_count", "n_groups"},                       \
			{"ssm.time_step_rank", "mamba_num_heads"}, {"ssm.conv_kernel", "conv_kernel"},       \
	}
	{"qwen3next", "qwen3_next", HEADS_PLAIN, LAYERS_BY_WINDOW, DELTA},
	{"qwen35", "qwen3_5_text", HEADS_PLAIN, LAYERS_BY_WINDOW, DELTA},
	{"qwen35moe", "qwen3_5_moe_text", HEADS_PLAIN, LAYERS_BY_WINDOW, DELTA},
	{"nemotron_h", "nemotron_h", HEADS_PLAIN, LAYERS_OF_ONE_BLOCK, MAMBA},
	{"nemotron_h_moe", "nemotron_h", HEADS_PLAIN, LAYERS_OF_ONE_BLOCK, MAMBA},
	{"granitehybrid",
	 "granitemoehybrid",
	 HEADS_PLAIN,
	 LAYERS_BY_KV,
	 {{"ssm.state_size", "ssm_state_size"},
	  {"ssm.group_count", "n_groups"},
	  {"ssm.time_step_rank", "mamba_num_heads"},
	  {"ssm.conv_kernel", "conv_kernel"},
	  {"expert_shared_feed_forward_length", "shared_intermediate_size"}}},
	{"falcon-h1", "falcon_h1", HEADS_PLAIN, LAYERS_BY_WINDOW, MAMBA},
	{"lfm2", "lfm2", HEADS_PLAIN, LAYERS_BY_KV, {{NULL, NULL}}},
	{"lfm2moe", "lfm2_moe", HEADS_PLAIN, LAYERS_BY_KV, {{NULL, NULL}}},
	{"kimi-linear", "kimi_linear", HEADS_LATENT, LAYERS_IN_LISTS, {{NULL, NULL}}},
	{"gemma4", "gemma4_text", HEADS_BY_WINDOW, LAYERS_BY_WINDOW, {{NULL, NULL}}},
	{"gemma3n", "gemma3n_text", HEADS_PLAIN, LAYERS_BY_WINDOW, {{NULL, NULL}}},
	{"llama4", "llama4_text", HEADS_PLAIN, LAYERS_BY_WINDOW, {{NULL, NULL}}},
	{"mimo2", "mimo_v2_flash", HEADS_BY_WINDOW, LAYERS_BY_WINDOW, {{NULL, NULL}}},
	{"step35", "step3p7", HEADS_PLAIN, LAYERS_BY_WINDOW, {{NULL, NULL}}},
	{"deepseek32", "deepseek_v32", HEADS_LATENT, LAYERS_BY_WINDOW, {{NULL, NULL}}},
	{"glm-dsa", "glm_moe_dsa", HEADS_LATENT, LAYERS_BY_WINDOW, {{NULL, NULL}}},
	{"minimax-m2",
	 "minimax_m2",
	 HEADS_PLAIN,
	 LAYERS_BY_WINDOW,
	 {{"expert_feed_forward_length", "intermediate_size"}}},
	{"cohere2", "cohere2", HEADS_PLAIN, LAYERS_BY_WINDOW, {{NULL, NULL}}},
	{"cohere2moe",
	 "cohere2_moe",
	 HEADS_PLAIN,
	 LAYERS_BY_WINDOW,
	 {{"feed_forward_length", "prefix_dense_intermediate_size"},
	  {"expert_feed_forward_length", "intermediate_size"}}},
	{"laguna", "laguna", HEADS_PLAIN, LAYERS_BY_WINDOW, {{NULL, NULL}}},
	{"granite_swa", "granite_swa", HEADS_PLAIN, LAYERS_BY_WINDOW, {{NULL, NULL}}},
	{"muse-glimmer", "muse_glimmer_text", HEADS_PLAIN, LAYERS_BY_WINDOW, {{NULL, NULL}}},
	{"afmoe", "afmoe", HEADS_PLAIN, LAYERS_BY_WINDOW, {{NULL, NULL}}},
	{"exaone-moe", "exaone_moe", HEADS_PLAIN, LAYERS_BY_WINDOW, {{NULL, NULL}}},
	{"mellum", "mellum", HEADS_PLAIN, LAYERS_BY_WINDOW, {{NULL, NULL}}},
	{"minimax-01", "minimax_text_01", HEADS_PLAIN, LAYERS_BY_WINDOW, {{NULL, NULL}}},
};

/* Where 'sliding_window_pattern' is not said, each so many-th layer sees everything: the last of them, or the first (llama.cpp
 * src/models, @3f545be). */
static const struct rhythm {
	const char *arch;
	int64_t every;
	bool full_first;
} rhythms[] = {{"cohere2", 4, false},      {"cohere2moe", 4, true}, {"laguna", 4, true},
	       {"muse-glimmer", 4, false}, {"afmoe", 4, false},     {"exaone-moe", 4, false},
	       {"mellum", 4, false}};

struct work {
	struct arena *a;
	const struct gguf *g;
	const struct tensor_table *t;
	const struct arch *arch;
	struct yml *config;
	struct place place;
	int64_t layers;
};

static const struct gguf_key *find(const struct work *w, const char *key)
{
	char full[400];

	snprintf(full, sizeof full, "%s.%s", w->arch->arch, key);
	return gguf_find(w->g, full);
}

static struct yml *number_node(const struct work *w, double x)
{
	return yml_scalar(w->a, arena_printf(w->a, "%.0f", x), w->place);
}

static void put(const struct work *w, const char *key, struct yml *value)
{
	yml_put(w->a, w->config, key, w->place, value);
}

static void put_number(const struct work *w, const char *key, double x)
{
	put(w, key, number_node(w, x));
}

static struct yml *list(const struct work *w)
{
	struct yml *y = yml_new(w->a, YML_LIST, w->place);

	y->items = arena_array(w->a, (size_t)w->layers, sizeof *y->items);
	return y;
}

/* The number of a key in a layer, 0 where it is not told. */
static double of_layer(const struct gguf_key *k, int64_t layer)
{
	if (!k)
		return 0;
	if (k->kind != GGUF_ARRAY)
		return k->number;
	return k->numbers && (uint64_t)layer < k->n ? k->numbers[layer] : 0;
}

/* A number; of one for each layer that of the first layer that has it. */
static double any_layer(const struct work *w, const struct gguf_key *k)
{
	double x = 0;

	for (int64_t i = 0; k && i < w->layers && x <= 0; i++)
		x = of_layer(k, i);
	return x;
}

/* Each layer has a number above 0, and not all have the same. */
static bool differs(const struct work *w, const struct gguf_key *k)
{
	bool same = true;

	for (int64_t i = 0; i < w->layers; i++) {
		if (of_layer(k, i) <= 0)
			return false;
		same &= of_layer(k, i) == of_layer(k, 0);
	}
	return !same;
}

static void put_by_layer(const struct work *w, const char *key, const struct gguf_key *k)
{
	struct yml *each = list(w);

	for (int64_t i = 0; i < w->layers; i++)
		each->items[each->n++] = number_node(w, of_layer(k, i));
	put(w, key, each);
}

static void put_named(const struct work *w, const struct name *n)
{
	const struct gguf_key *k = n->gguf ? find(w, n->gguf) : NULL;

	if (k && k->kind == GGUF_ARRAY && !strcmp(n->config, "intermediate_size") && differs(w, k))
		put_by_layer(w, n->config, k); /* Gemma 4 E2B */
	else if (k && (k->kind == GGUF_NUMBER || k->kind == GGUF_ARRAY))
		put_number(w, n->config, any_layer(w, k));
}

static const struct file_tensor *tensor(const struct work *w, int64_t layer, const char *name)
{
	char full[300];

	snprintf(full, sizeof full, "blk.%lld.%s", (long long)layer, name);
	return tensors_find(w->t, full);
}

static const struct rhythm *rhythm_of(const struct work *w)
{
	for (size_t i = 0; i < ARRAY_LEN(rhythms); i++)
		if (!strcmp(rhythms[i].arch, w->arch->arch))
			return &rhythms[i];
	return NULL;
}

/* The pattern is a flag for each layer, or how many layers there are to one that sees everything. */
static bool has_window(const struct work *w, int64_t layer)
{
	const struct gguf_key *pattern = find(w, "attention.sliding_window_pattern"),
			      *window = find(w, "attention.sliding_window");
	const struct rhythm *rhythm = rhythm_of(w);
	int64_t every;

	if (pattern && pattern->kind == GGUF_ARRAY)
		return of_layer(pattern, layer) > 0;
	if (!rhythm || !window || !(window->number > 0))
		return false;
	every = pattern && pattern->number >= 1 ? (int64_t)pattern->number : rhythm->every;
	return (rhythm->full_first ? layer : layer + 1) % every != 0;
}

/* Laguna: layers of either kind have their own number of heads, and a gate for each head or each element. */
static void heads_by_layer(const struct work *w)
{
	const struct gguf_key *heads = find(w, "attention.head_count");
	const struct file_tensor *gate = tensor(w, 0, "attn_gate.weight");

	if (strcmp(w->arch->arch, "laguna") != 0)
		return;
	put_by_layer(w, "num_attention_heads_per_layer", heads);
	if (gate && gate->dims_n == 2)
		put(w, "gating",
		    yml_scalar(w->a, (double)gate->dims[1] <= of_layer(heads, 0) ? "per-head" : "per-element",
			       w->place));
}

/* Step 3.5: the first layer that has a window says how many heads such layers have, and the first that has none of the others. */
static void heads_of_windows(const struct work *w)
{
	const struct gguf_key *heads = find(w, "attention.head_count"),
			      *kv = find(w, "attention.head_count_kv");
	struct yml *other = yml_new(w->a, YML_MAP, w->place);

	if (strcmp(w->arch->arch, "step35") != 0 || !heads || !kv)
		return;
	for (int64_t i = w->layers - 1; i >= 0; i--) {
		if (!has_window(w, i)) {
			put_number(w, "num_attention_heads", of_layer(heads, i));
			put_number(w, "num_key_value_heads", of_layer(kv, i));
			continue;
		}
		other = yml_new(w->a, YML_MAP, w->place);
		yml_put(w->a, other, "num_attention_heads", w->place, number_node(w, of_layer(heads, i)));
		yml_put(w->a, other, "num_attention_groups", w->place, number_node(w, of_layer(kv, i)));
	}
	if (other->n)
		put(w, "attention_other_setting", other);
}

/* Keys of windowed layers have the suffix _swa; numbers of key heads differ by layer. */
static void heads_by_window(const struct work *w)
{
	const struct gguf_key *kv = find(w, "attention.head_count_kv"),
			      *full = find(w, "attention.key_length"),
			      *swa = find(w, "attention.key_length_swa"),
			      *value = find(w, "attention.value_length");
	const bool gemma = !strcmp(w->arch->arch, "gemma4");

	for (int64_t i = w->layers - 1; i >= 0; i--) {
		const bool window = has_window(w, i);

		put_number(w,
			   gemma ? (window ? "num_key_value_heads" : "num_global_key_value_heads")
				 : (window ? "swa_num_key_value_heads" : "num_key_value_heads"),
			   of_layer(kv, i));
		if (gemma && !window && !tensor(w, i, "attn_v.weight"))
			put(w, "attention_k_eq_v", yml_scalar(w->a, "true", w->place));
	}
	if (full)
		put_number(w, gemma ? "global_head_dim" : "head_dim", full->number);
	if (swa || full)
		put_number(w, gemma ? "head_dim" : "swa_head_dim", (swa ? swa : full)->number);
	if (value && !gemma) {
		put_number(w, "v_head_dim", value->number);
		put_number(w, "swa_v_head_dim", value->number);
	}
}

static void heads_latent(const struct work *w)
{
	const struct gguf_key *key = find(w, "attention.key_length_mla"),
			      *value = find(w, "attention.value_length_mla"),
			      *rope = find(w, "rope.dimension_count");

	if (!key || !value || !rope)
		return; /* describe_hf.c says what is missing */
	put_number(w, "qk_rope_head_dim", rope->number);
	put_number(w, "qk_nope_head_dim", key->number - rope->number);
	put_number(w, "v_head_dim", value->number);
}

static void heads(const struct work *w)
{
	const struct gguf_key *kv = find(w, "attention.head_count_kv"),
			      *dim = find(w, "attention.key_length");

	if (w->arch->heads == HEADS_BY_WINDOW) {
		heads_by_window(w);
		return;
	}
	if (w->arch->heads == HEADS_LATENT) {
		heads_latent(w);
		return;
	}
	if (any_layer(w, kv) > 0)
		put_number(w, "num_key_value_heads", any_layer(w, kv));
	if (dim)
		put_number(w, "head_dim", dim->number);
}

/* attention.recurrent_layers: a flag for each layer, in the place of an interval (llama.cpp's qwen35.cpp @3f545be). */
static bool recurrent_layers(const struct work *w)
{
	const struct gguf_key *flags = find(w, "attention.recurrent_layers");
	struct yml *types = list(w);

	if (!flags || flags->kind != GGUF_ARRAY || !flags->numbers)
		return false;
	for (int64_t i = 0; i < w->layers; i++)
		types->items[types->n++] = yml_scalar(
			w->a, of_layer(flags, i) > 0 ? "linear_attention" : "full_attention", w->place);
	put(w, "layer_types", types);
	return true;
}

/* Layers without an indexer's tensors use the choice of an earlier one (GLM-5.2). */
static void indexers(const struct work *w)
{
	struct yml *types;
	bool any = false;

	if (strcmp(w->arch->arch, "glm-dsa") != 0)
		return;
	types = list(w);
	for (int64_t i = 0; i < w->layers; i++) {
		const bool own = tensor(w, i, "indexer.attn_k.weight") != NULL;

		any |= own;
		types->items[types->n++] = yml_scalar(w->a, own ? "full" : "shared", w->place);
	}
	if (any)
		put(w, "indexer_types", types);
}

/* MiMo: which layers have experts. */
static void layers_with_experts(const struct work *w)
{
	struct yml *freq;

	if (strcmp(w->arch->arch, "mimo2") != 0 || !find(w, "leading_dense_block_count"))
		return;
	freq = list(w);
	for (int64_t i = 0; i < w->layers; i++)
		freq->items[freq->n++] = number_node(w, tensor(w, i, "ffn_gate_inp.weight") ? 1 : 0);
	put(w, "moe_layer_freq", freq);
}

/* "layer_types" from the layers that have a window, or from those that have no keys. */
static void layer_types(const struct work *w)
{
	const struct gguf_key *kv = find(w, "attention.head_count_kv"),
			      *pattern = find(w, "attention.sliding_window_pattern");
	struct yml *types = list(w);
	const bool by_kv = w->arch->layers == LAYERS_BY_KV;

	if (recurrent_layers(w))
		return;
	if (!by_kv && !rhythm_of(w) && (!pattern || pattern->kind != GGUF_ARRAY))
		return;
	for (int64_t i = 0; i < w->layers; i++) {
		const char *type = by_kv              ? (of_layer(kv, i) > 0 ? "attention" : "mamba")
				   : has_window(w, i) ? "sliding_attention"
						      : "full_attention";

		types->items[types->n++] = yml_scalar(w->a, type, w->place);
	}
	put(w, "layer_types", types);
	if (!strcmp(w->arch->arch, "mimo2"))
		for (int64_t i = 0; i < w->layers; i++)
			types->items[i] = number_node(w, has_window(w, i));
	if (!strcmp(w->arch->arch, "mimo2"))
		put(w, "hybrid_layer_pattern", types);
}

/* One block in each layer: recurrent where it has neither keys nor an FFN. */
static void layers_of_one_block(const struct work *w)
{
	const struct gguf_key *kv = find(w, "attention.head_count_kv"), *ffn = find(w, "feed_forward_length");
	struct yml *types = list(w);

	for (int64_t i = 0; i < w->layers; i++) {
		const char *type = of_layer(kv, i) > 0                   ? "attention"
				   : of_layer(ffn, i) <= 0               ? "mamba"
				   : tensor(w, i, "ffn_gate_inp.weight") ? "moe"
									 : "mlp";

		types->items[types->n++] = yml_scalar(w->a, type, w->place);
	}
	put(w, "layers_block_type", types);
}

/* Kimi: layers without key heads are recurrent. */
static void layers_in_lists(const struct work *w)
{
	const struct gguf_key *kv = find(w, "attention.head_count_kv"), *dim = find(w, "kda.head_dim"),
			      *conv = find(w, "ssm.conv_kernel"), *all = find(w, "attention.head_count");
	struct yml *map = yml_new(w->a, YML_MAP, w->place), *full = list(w);

	for (int64_t i = 0; i < w->layers; i++)
		if (of_layer(kv, i) > 0)
			full->items[full->n++] = number_node(w, (double)i + 1);
	yml_put(w->a, map, "full_attn_layers", w->place, full);
	yml_put(w->a, map, "num_heads", w->place, number_node(w, any_layer(w, all)));
	if (dim)
		yml_put(w->a, map, "head_dim", w->place, number_node(w, dim->number));
	if (conv)
		yml_put(w->a, map, "short_conv_kernel_size", w->place, number_node(w, conv->number));
	put(w, "linear_attn_config", map);
}

/* Keys of config.json that are one figure divided by another. */
static void quotients(const struct work *w)
{
	const struct gguf_key *inner = find(w, "ssm.inner_size"), *heads_n = find(w, "ssm.time_step_rank");

	if (inner && heads_n && heads_n->number > 0)
		put_number(w,
			   !strncmp(w->arch->type, "qwen3", 5) ? "linear_value_head_dim" : "mamba_head_dim",
			   inner->number / heads_n->number);
}

static void ends(const struct work *w)
{
	const struct file_tensor *table = tensors_find(w->t, "token_embd.weight");
	const bool tied = !tensors_find(w->t, "output.weight");

	put(w, "tie_word_embeddings", yml_scalar(w->a, tied ? "true" : "false", w->place));
	if (table && table->dims_n == 2)
		put_number(w, "vocab_size", (double)table->dims[1]);
	put(w, "block_auto_adjust_ff_dim", yml_scalar(w->a, "false", w->place));
	if (tensors_find(w->t, "blk.0.attn_q.bias"))
		put(w, "attention_bias", yml_scalar(w->a, "true", w->place));
	if (str_starts(w->arch->arch, "gemma") && !find(w, "embedding_length_per_layer_input"))
		put_number(w, "hidden_size_per_layer_input", 0);
	if (!strcmp(w->arch->arch, "gemma4"))
		put(w, "enable_moe_block",
		    yml_scalar(w->a, find(w, "expert_count") ? "true" : "false", w->place));
}

struct yml *describe_gguf_config(struct arena *a, const struct gguf *g, const struct tensor_table *t,
				 const char *arch, int64_t layers)
{
	struct source *s = arena_alloc(a, sizeof *s);
	struct work w = {.a = a, .g = g, .t = t, .layers = layers};

	for (size_t i = 0; i < ARRAY_LEN(archs); i++)
		if (!strcmp(archs[i].arch, arch))
			w.arch = &archs[i];
	if (!w.arch)
		return NULL;
	*s = (struct source){g->path, "", 0};
	w.place = (struct place){.source = s, .line = 1, .col = 1, .width = 1};
	w.config = yml_new(a, YML_MAP, w.place);
	put(&w, "model_type", yml_scalar(a, w.arch->type, w.place));
	put_number(&w, "num_hidden_layers", (double)layers);
	for (size_t i = 0; i < ARRAY_LEN(common); i++)
		put_named(&w, &common[i]);
	for (size_t i = 0; i < ARRAY_LEN(w.arch->own); i++)
		put_named(&w, &w.arch->own[i]);
	heads(&w);
	heads_by_layer(&w);
	heads_of_windows(&w);
	indexers(&w);
	layers_with_experts(&w);
	quotients(&w);
	ends(&w);
	if (w.arch->layers == LAYERS_OF_ONE_BLOCK)
		layers_of_one_block(&w);
	else if (w.arch->layers == LAYERS_IN_LISTS)
		layers_in_lists(&w);
	else
		layer_types(&w);
	return w.config;
}
