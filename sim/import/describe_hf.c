/* describe_hf.c - config.json of Hugging Face as a description. Defaults are those of the model's class in
 * transformers (configuration_*.py, 4.57) and of mlx-lm; they differ from family to family. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/import/describe.h"

/* How the layers of a family see: all everything, all through a window, or every n-th everything. */
enum sight { SEES_ALL, SEES_WINDOW, SEES_QWEN };

struct family {
	const char *type;        /* model_type */
	bool tied;               /* default of tie_word_embeddings */
	int64_t head_dim;        /* default; 0: hidden / heads */
	int64_t heads, kv_heads; /* defaults; 0: must be said; kv_heads 0: as many as heads */
	const char *bias;        /* always there ("qkv"), or NULL: attention_bias says */
	const char *bias_key;    /* what attention_bias brings: "qkv" or "qkvo" */
	bool qk_norm, post_norms, sinks, fused;
	enum sight sight;
	int64_t full_every; /* default of the window's pattern */
	int64_t window;     /* default */
	bool latent;
	bool routed;                /* every layer has experts */
	bool expert_inner_is_inner; /* intermediate_size is an expert's */
	int64_t vocabulary;         /* default */
	int64_t context;            /* default of max_position_embeddings; 0: it is said */
	int64_t experts, active;    /* defaults */
};

static const struct family families[] = {
	{.type = "llama", .bias_key = "qkvo"},
	{.type = "mistral", .kv_heads = 8, .sight = SEES_WINDOW, .window = 4096},
	{.type = "ministral", .kv_heads = 8, .sight = SEES_WINDOW, .window = 4096},
	{.type = "ministral3", .kv_heads = 8, .head_dim = 128},
	{.type = "mixtral",
	 .kv_heads = 8,
	 .sight = SEES_WINDOW,
	 .routed = true,
	 .expert_inner_is_inner = true,
	 .experts = 8,
	 .active = 2},
	{.type = "qwen2", .bias = "qkv", .kv_heads = 32, .sight = SEES_QWEN, .window = 4096},
	{.type = "qwen2_moe",
	 .bias = "qkv",
	 .kv_heads = 16,
	 .sight = SEES_QWEN,
	 .window = 4096,
	 .routed = true,
	 .experts = 60,
	 .active = 4},
	{.type = "qwen3",
	 .bias_key = "qkvo",
	 .head_dim = 128,
	 .kv_heads = 32,
	 .qk_norm = true,
	 .sight = SEES_QWEN,
	 .window = 4096},
	{.type = "qwen3_moe",
	 .bias_key = "qkvo",
	 .kv_heads = 4,
	 .qk_norm = true,
	 .sight = SEES_QWEN,
	 .window = 4096,
	 .routed = true,
	 .experts = 128,
	 .active = 8},
	{.type = "gemma", .tied = true, .head_dim = 256, .kv_heads = 16, .bias_key = "qkvo"},
	{.type = "gemma2",
	 .tied = true,
	 .head_dim = 256,
	 .heads = 8,
	 .kv_heads = 4,
	 .bias_key = "qkvo",
	 .post_norms = true,
	 .sight = SEES_WINDOW,
	 .full_every = 2,
	 .window = 4096,
	 .vocabulary = 256000},
	{.type = "gemma3_text",
	 .tied = true,
	 .head_dim = 256,
	 .heads = 8,
	 .kv_heads = 4,
	 .bias_key = "qkvo",
	 .qk_norm = true,
	 .post_norms = true,
	 .sight = SEES_WINDOW,
	 .full_every = 6,
	 .window = 4096,
	 .vocabulary = 262208,
	 .context = 131072},
	{.type = "phi3", .sight = SEES_WINDOW, .fused = true},
	{.type = "gpt_oss",
	 .head_dim = 64,
	 .kv_heads = 8,
	 .bias_key = "qkvo",
	 .sinks = true,
	 .sight = SEES_WINDOW,
	 .full_every = 2,
	 .window = 128,
	 .routed = true,
	 .expert_inner_is_inner = true,
	 .experts = 128,
	 .active = 4},
	{.type = "deepseek_v2", .latent = true, .routed = true, .bias_key = "qkvo"},
	{.type = "deepseek_v3",
	 .latent = true,
	 .routed = true,
	 .bias_key = "qkvo",
	 .experts = 256,
	 .active = 8},
	{.type = "kimi_k2", .latent = true, .routed = true, .bias_key = "qkvo"},
	{.type = "glm", .head_dim = 128, .kv_heads = 2, .bias_key = "qkv"},
	{.type = "glm4", .head_dim = 128, .kv_heads = 2, .bias_key = "qkv", .post_norms = true},
	{.type = "glm4_moe", .bias_key = "qkv", .kv_heads = 8, .routed = true, .experts = 128, .active = 8},
};

struct reading {
	struct described *d;
	const struct family *f;
	const struct yml *config; /* the text model's part */
	const struct yml *top;    /* the whole */
	struct diags *diags;
	bool failed;
};

void describe_note(struct described *d, struct arena *a, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (d->notes_n < NOTES_MAX)
		d->notes[d->notes_n++] = arena_strdup(a, text);
}

static void wrong(struct reading *r, const struct yml *at, const char *key, const char *expected)
{
	r->failed = true;
	diag_add(r->diags, at->place, NULL, "config: '%s': expected %s, got %s%s%s", key, expected,
		 at->kind == YML_SCALAR ? "'" : "", at->kind == YML_SCALAR ? at->text : yml_kind_name(at),
		 at->kind == YML_SCALAR ? "'" : "");
}

static const struct yml *find(const struct yml *map, const char *key)
{
	const struct yml *y = yml_get(map, key);

	return y && y->kind != YML_NULL ? y : NULL;
}

enum said { SAID_NOT, SAID_RIGHT, SAID_WRONG };

/* A whole number from 0 to 10^12, "8", "8.0" or "8e0". What is wrong is complained about. */
static enum said number(struct reading *r, const char *key, int64_t *to)
{
	const struct yml *y = find(r->config, key);
	char *end;
	double x;

	if (!y)
		return SAID_NOT;
	x = y->kind == YML_SCALAR && !y->quoted && *y->text ? strtod(y->text, &end) : -1;
	if (!(x >= 0 && x <= 1e12) || *end || x != (double)(int64_t)x || strpbrk(y->text, "xXnN")) {
		wrong(r, y, key, "a whole number");
		return SAID_WRONG;
	}
	*to = (int64_t)x;
	return SAID_RIGHT;
}

/* The first of the keys that is said, else the default; a default of 0: one of them must be said. */
static int64_t any_number(struct reading *r, const char *const *keys, int64_t def)
{
	int64_t x = 0;

	for (size_t i = 0; keys[i]; i++) {
		const enum said said = number(r, keys[i], &x);

		if (said == SAID_WRONG)
			return 1; /* goes on, to say all that is wrong */
		if (said == SAID_RIGHT && (x || !def))
			return x;
	}
	if (def)
		return def;
	r->failed = true;
	diag_add(r->diags, r->config->place, NULL, "config: '%s' is missing, which a %s model needs", keys[0],
		 r->f->type);
	return 1;
}
#define NUMBER(r, def, ...) any_number(r, (const char *const[]){__VA_ARGS__, NULL}, def)

/* As above, but 0 where it is not said. */
static int64_t number_or_0(struct reading *r, const char *key)
{
	int64_t x = 0;

	number(r, key, &x);
	return x;
}

static bool flag(struct reading *r, const struct yml *config, const char *key, bool def)
{
	const struct yml *y = find(config, key);

	if (!y)
		return def;
	if (y->kind == YML_SCALAR && !y->quoted && !strcmp(y->text, "true"))
		return true;
	if (y->kind != YML_SCALAR || y->quoted || strcmp(y->text, "false") != 0)
		wrong(r, y, key, "true or false");
	return false;
}

static const char *word(const struct yml *config, const char *key, const char *def)
{
	const struct yml *y = find(config, key);

	return y && y->kind == YML_SCALAR ? y->text : def;
}

static void note(struct reading *r, const char *key, const char *what)
{
	if (find(r->config, key))
		describe_note(r->d, r->diags->arena, "'%s': %s", key, what);
}

/* layer_types, where it is given, says which layers see everything; it must be regular. */
static bool layer_types(struct reading *r)
{
	const struct yml *y = find(r->config, "layer_types");
	int64_t every = 0;

	if (!y)
		return false;
	if (y->kind != YML_LIST || (int64_t)y->n != r->d->layers) {
		wrong(r, y, "layer_types", "a list with an entry for each layer");
		return true;
	}
	for (size_t i = 0; i < y->n; i++) {
		const char *type = y->items[i]->kind == YML_SCALAR ? y->items[i]->text : "";
		const bool full = !strcmp(type, "full_attention");

		if (!full && strcmp(type, "sliding_attention") != 0) {
			wrong(r, y->items[i], "layer_types", "'full_attention' or 'sliding_attention'");
			return true;
		}
		if (full && !every)
			every = (int64_t)i + 1;
		if (full != (every && (int64_t)(i + 1) % every == 0)) {
			r->failed = true;
			diag_add(r->diags, y->items[i]->place, NULL,
				 "config: 'layer_types': layer %zu breaks the pattern of one full layer in "
				 "%lld",
				 i, (long long)every);
			return true;
		}
	}
	r->d->full_every = every;
	if (every == 1)
		r->d->window = r->d->full_every = 0;
	return true;
}

static void sight(struct reading *r)
{
	const struct family *f = r->f;
	struct described *d = r->d;
	const struct yml *said = yml_get(r->config, "sliding_window");

	if (f->sight == SEES_ALL)
		return;
	if (f->sight == SEES_QWEN && !flag(r, r->config, "use_sliding_window", false))
		return;
	if (said && said->kind == YML_NULL)
		return;
	d->window = f->window;
	number(r, "sliding_window", &d->window);
	if (!d->window || layer_types(r))
		return;
	d->full_every = f->full_every;
	if (f->full_every && number(r, "sliding_window_pattern", &d->full_every) == SAID_NOT)
		number(r, "_sliding_window_pattern", &d->full_every);
	if (d->full_every == 1)
		d->window = d->full_every = 0;
	if (f->sight == SEES_QWEN && number_or_0(r, "max_window_layers") < d->layers)
		describe_note(
			d, r->diags->arena,
			"'max_window_layers': the first layers see everything, here all have the window");
	if (d->window >= NUMBER(r, (int64_t)1 << 40, "max_position_embeddings"))
		d->window = d->full_every = 0; /* never reached */
}

static void attention(struct reading *r)
{
	const struct family *f = r->f;
	struct described *d = r->d;

	d->heads = NUMBER(r, f->heads, "num_attention_heads", "n_head", "n_heads");
	d->kv_heads = NUMBER(r, f->kv_heads ? f->kv_heads : d->heads, "num_key_value_heads", "n_kv_heads");
	d->head_dim =
		NUMBER(r, f->head_dim ? f->head_dim : d->hidden / (d->heads ? d->heads : 1), "head_dim");
	d->bias = f->bias ? f->bias : "none";
	if (!f->bias && f->bias_key && flag(r, r->config, "attention_bias", !strcmp(f->type, "gpt_oss")))
		d->bias = f->bias_key;
	d->qk_norm = f->qk_norm;
	if (!strcmp(f->type, "glm4_moe"))
		d->qk_norm = flag(r, r->config, "use_qk_norm", false);
	d->post_norms = f->post_norms;
	d->sinks = f->sinks;
	d->fused = f->fused;
	if (!f->latent)
		return;
	d->latent = true;
	d->q_rank = number_or_0(r, "q_lora_rank");
	d->kv_rank = NUMBER(r, 0, "kv_lora_rank");
	d->nope_dim = NUMBER(r, 0, "qk_nope_head_dim");
	d->rope_dim = NUMBER(r, 0, "qk_rope_head_dim");
	d->value_dim = NUMBER(r, 0, "v_head_dim");
	d->kv_heads = d->heads;
	d->head_dim = d->nope_dim + d->rope_dim;
}

/* The longest sequence: max_position_embeddings, which most configs give as it is after scaling, or the
 * factor times the original where that is more (YaRN as Qwen describes it keeps max_position_embeddings as it
 * was). */
static void context(struct reading *r)
{
	const struct yml *rope = find(r->config, "rope_scaling");
	struct reading inner = *r;
	struct described *d = r->d;
	char *end;

	d->context = r->f->context;
	if (number(r, "max_position_embeddings", &d->context) == SAID_NOT)
		number(r, "seq_length", &d->context); /* ChatGLM */
	if (!rope)
		rope = find(r->config, "rope_parameters"); /* transformers 5 */
	if (!rope || rope->kind != YML_MAP || !find(rope, "factor"))
		return;
	d->rope_kind = word(rope, "rope_type", word(rope, "type", "linear"));
	d->rope_factor = strtod(word(rope, "factor", ""), &end);
	if (!(d->rope_factor >= 1 && d->rope_factor <= 4096) || *end) {
		wrong(r, find(rope, "factor"), "factor", "a number from 1 to 4096");
		d->rope_kind = NULL;
		return;
	}
	inner.config = rope;
	number(&inner, "original_max_position_embeddings", &d->rope_original);
	r->failed |= inner.failed;
	if (d->rope_factor * (double)d->rope_original > (double)d->context)
		d->context = (int64_t)(d->rope_factor * (double)d->rope_original);
}

/* mlp_only_layers of Qwen must be the first ones, if any. */
static void dense_layers(struct reading *r)
{
	const struct yml *y = find(r->config, "mlp_only_layers");

	for (size_t i = 0; y && y->kind == YML_LIST && i < y->n; i++) {
		const struct yml *item = y->items[i];

		if (item->kind != YML_SCALAR || strtoll(item->text, NULL, 10) != (long long)i) {
			wrong(r, item, "mlp_only_layers", "the first layers, in order");
			return;
		}
		r->d->first_dense = (int64_t)i + 1;
	}
	if (y && y->kind != YML_LIST)
		wrong(r, y, "mlp_only_layers", "a list");
}

static void experts(struct reading *r)
{
	const struct family *f = r->f;
	struct described *d = r->d;
	const bool qwen = str_starts(f->type, "qwen");

	d->experts = NUMBER(r, f->experts, "n_routed_experts", "num_local_experts", "num_experts");
	d->active = NUMBER(r, f->active, "num_experts_per_tok", "experts_per_token");
	d->expert_inner = f->expert_inner_is_inner ? NUMBER(r, 0, "intermediate_size")
						   : NUMBER(r, 0, "moe_intermediate_size");
	d->expert_bias = !strcmp(f->type, "gpt_oss");
	d->shared = number_or_0(r, "n_shared_experts");
	d->shared_inner = number_or_0(r, "shared_expert_intermediate_size");
	if (d->shared_inner && !d->shared)
		d->shared = 1;
	d->first_dense = number_or_0(r, "first_k_dense_replace");
	d->every = NUMBER(r, 1, "decoder_sparse_step", "moe_layer_freq");
	if (qwen) {
		dense_layers(r);
	} else if (d->every != 1) {
		const char *key =
			find(r->config, "decoder_sparse_step") ? "decoder_sparse_step" : "moe_layer_freq";

		wrong(r, find(r->config, key), key, "1");
	}
	if (d->first_dense >= d->layers)
		d->first_dense = d->layers - 1;
	d->inner = d->first_dense || d->every > 1 ? NUMBER(r, 0, "intermediate_size") : 0;
	if (!d->experts || !d->active || d->active > d->experts) {
		r->failed = true;
		diag_add(r->diags, r->config->place, NULL, "config: %lld of %lld experts cannot be",
			 (long long)d->active, (long long)d->experts);
	}
}

static void feed_forward(struct reading *r)
{
	static const char *const gated[] = {"silu",     "swish",    "swiglu", "gelu", "gelu_pytorch_tanh",
					    "gelu_new", "gelu_fast"};
	const char *act = word(r->config, "hidden_act", word(r->config, "hidden_activation", "silu"));
	bool known = false;

	for (size_t i = 0; i < ARRAY_LEN(gated); i++)
		known = known || !strcmp(act, gated[i]);
	if (!known)
		describe_note(r->d, r->diags->arena, "'hidden_act': %s is taken as a gated one", act);
	if (r->f->routed) {
		experts(r);
		return;
	}
	r->d->inner = NUMBER(r, 0, "intermediate_size", "n_inner", "ffn_dim");
	r->d->ffn_bias = flag(r, r->config, "mlp_bias", false);
}

/* How the weights are kept: MLX's own block, Hugging Face's, or the dtype. */
static void stored(struct reading *r)
{
	const struct yml *mlx = find(r->top, "quantization"), *hf = find(r->top, "quantization_config");
	const char *mode = word(mlx, "mode", "affine"), *bits = word(mlx, "bits", NULL);
	struct arena *a = r->diags->arena;

	if (!hf)
		hf = find(r->config, "quantization_config");
	if (mlx && bits && !strcmp(mode, "affine")) {
		r->d->stored =
			arena_printf(a, "mlx %s bits in groups of %s", bits, word(mlx, "group_size", "64"));
	} else if (mlx) {
		r->d->stored = arena_printf(a, "mlx %s", mode);
	} else if (hf) {
		r->d->stored = arena_printf(a, "%s%s%s", word(hf, "quant_method", "quantized"),
					    word(hf, "bits", NULL) ? " of bits: " : "", word(hf, "bits", ""));
	} else {
		r->d->stored = word(r->config, "dtype",
				    word(r->config, "torch_dtype",
					 word(r->top, "dtype", word(r->top, "torch_dtype", NULL))));
	}
}

static void what_is_not_modelled(struct reading *r)
{
	struct described *d = r->d;
	struct arena *a = r->diags->arena;

	if (find(r->top, "vision_config"))
		describe_note(d, a, "'vision_config': the vision tower is left out");
	if (find(r->top, "audio_config"))
		describe_note(d, a, "'audio_config': the audio tower is left out");
	if (number_or_0(r, "num_nextn_predict_layers"))
		describe_note(
			d, a,
			"'num_nextn_predict_layers': the layers that predict further tokens are left out");
	note(r, "index_topk", "attention over chosen tokens only is taken as full attention");
	note(r, "attention_chunk_size", "attention in chunks is taken as full attention");
	note(r, "num_kv_shared_layers", "layers that share keys and values are taken to have their own");
	note(r, "attn_output_gate", "the gate on the attention's output is left out");
	note(r, "hidden_size_per_layer_input", "embeddings of each layer are left out");
	note(r, "linear_num_key_heads", "linear attention is not known");
	note(r, "ssm_state_size", "state-space layers are not known");
	note(r, "mamba_d_state", "state-space layers are not known");
}

/* The file type of ours that this is, if it is one. */
static void file_type(struct reading *r)
{
	static const char *const names[][2] = {{"bfloat16", "bf16"},    {"float16", "f16"},
					       {"float32", "f32"},      {"fp8", "fp8"},
					       {"mxfp4", "mxfp4_bf16"}, {"mlx mxfp4", "mlx_mxfp4"}};
	const struct yml *mlx = find(r->top, "quantization");
	const char *bits = word(mlx, "bits", NULL), *group = word(mlx, "group_size", "64");

	for (size_t i = 0; r->d->stored && i < ARRAY_LEN(names); i++)
		if (!strcmp(r->d->stored, names[i][0]))
			r->d->file_type = names[i][1];
	if (bits && !strcmp(word(mlx, "mode", "affine"), "affine"))
		r->d->file_type =
			arena_printf(r->diags->arena, "mlx_q%.8s%s%.8s", bits,
				     strcmp(group, "64") ? "_g" : "", strcmp(group, "64") ? group : "");
}

/* ChatGLM (GLM-4 9B as first published) has names of its own. */
static void chatglm(struct reading *r)
{
	static const struct family like = {.type = "chatglm", .fused = true};
	struct described *d = r->d;

	r->f = &like;
	d->layers = NUMBER(r, 0, "num_layers");
	d->hidden = NUMBER(r, 0, "hidden_size");
	d->vocabulary = NUMBER(r, 0, "padded_vocab_size");
	d->heads = NUMBER(r, 0, "num_attention_heads");
	d->head_dim = NUMBER(r, d->hidden / (d->heads ? d->heads : 1), "kv_channels");
	d->kv_heads = flag(r, r->config, "multi_query_attention", false)
			      ? NUMBER(r, 1, "multi_query_group_num")
			      : d->heads;
	d->inner = NUMBER(r, 0, "ffn_hidden_size");
	d->fused = like.fused;
	d->bias = flag(r, r->config, "add_bias_linear", false) ? "qkvo"
		  : flag(r, r->config, "add_qkv_bias", false)  ? "qkv"
							       : "none";
	d->tied = flag(r, r->config, "tie_word_embeddings", false);
}

static int unknown_family(struct reading *r, const char *type)
{
	const char *names[ARRAY_LEN(families) + 2], *near;
	const struct yml *at =
		find(r->config, "model_type") ? find(r->config, "model_type") : find(r->top, "model_type");
	struct str list = STR_INIT;
	size_t n = 0;

	for (; n < ARRAY_LEN(families); n++)
		names[n] = families[n].type;
	names[n++] = "gemma3";
	names[n++] = "chatglm";
	near = type ? str_closest(type, names, n) : NULL;
	for (size_t i = 0; i < n; i++)
		str_addf(&list, "%s%s", i ? ", " : "known: ", names[i]);
	if (near)
		str_addf(&list, "; the closest is %s", near);
	if (type)
		diag_add(r->diags, at->place, list.text,
			 "config: model_type '%s' is not known, so what its layers hold is not", type);
	else
		diag_add(r->diags, r->config->place, list.text, "config: 'model_type' is missing");
	str_release(&list);
	return -1;
}

static const struct family *family_of(const char *type)
{
	for (size_t i = 0; type && i < ARRAY_LEN(families); i++)
		if (!strcmp(families[i].type, type))
			return &families[i];
	return NULL;
}

int describe_hf(struct described *d, const struct yml *config, struct diags *diags)
{
	struct reading r = {.d = d, .config = config, .top = config, .diags = diags};
	const struct yml *text = find(config, "text_config");
	const char *type = word(config, "model_type", NULL);

	*d = (struct described){.bias = "none"};
	if (config->kind != YML_MAP)
		return diag_add(diags, config->place, NULL, "config: expected a mapping, got %s",
				yml_kind_name(config));
	if (text && text->kind == YML_MAP) {
		r.config = text;
		type = word(text, "model_type", type);
	}
	if (type && !strcmp(type, "gemma3"))
		type = "gemma3_text";
	d->family = d->architecture = type;
	if (type && !strcmp(type, "chatglm")) {
		chatglm(&r);
	} else {
		r.f = family_of(type);
		if (!r.f)
			return unknown_family(&r, type);
		d->layers = NUMBER(&r, 0, "num_hidden_layers", "n_layer", "n_layers");
		d->hidden = NUMBER(&r, 0, "hidden_size", "n_embd", "dim");
		d->vocabulary = NUMBER(&r, r.f->vocabulary, "vocab_size");
		d->tied = flag(&r, text ? config : r.config, "tie_word_embeddings",
			       flag(&r, r.config, "tie_word_embeddings", r.f->tied));
		attention(&r);
		sight(&r);
		feed_forward(&r);
	}
	context(&r);
	stored(&r);
	file_type(&r);
	what_is_not_modelled(&r);
	return r.failed ? -1 : 0;
}
