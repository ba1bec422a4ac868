/*
 * describe_hf.c - config.json of Hugging Face as a description.
 *
 * What a family implies is in families.c; the names of keys are here, since they mean the same in all families
 * that have them.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/units.h"
#include "sim/import/describe_layers.h"
#include "sim/import/describe_vision.h"

void describe_note(struct described *d, struct arena *a, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < d->notes_n; i++)
		if (!strcmp(d->notes[i], text))
			return;
	if (d->notes_n < NOTES_MAX)
		d->notes[d->notes_n++] = arena_strdup(a, text);
}

static void note(struct config_reading *r, const char *key, const char *what)
{
	if (config_find(r->config, key))
		describe_note(r->d, r->diags->arena, "'%s': %s", key, what);
}

/* A default that counts only within a model of several, which says what differs from its class (LLaVA 1.5, Pixtral). */
static int64_t within(struct config_reading *r, int64_t def)
{
	return r->config == r->top ? 0 : def;
}

/* Entry i of layer_types sees everything. */
static bool sees_all(const struct yml *types, size_t i)
{
	return !strcmp(config_item(types, i), "full_attention");
}

/* Is each so many-th layer the one that sees everything? */
static bool is_regular(const struct yml *types)
{
	size_t every = 0;

	for (size_t i = 0; i < types->n; i++) {
		if (sees_all(types, i) && !every)
			every = i + 1;
		if (sees_all(types, i) != (every && (i + 1) % every == 0))
			return false;
	}
	return true;
}

/* A family with one kind of layers, but for windows: layer_types names no other, and where windows come in no regular order each
 * layer is read for itself. */
static void plain_types(struct config_reading *r)
{
	const struct yml *types = config_by_layer(r, "layer_types");
	struct family *f;

	for (size_t i = 0; types && i < types->n; i++)
		if (!sees_all(types, i) && strcmp(config_item(types, i), "sliding_attention") != 0)
			config_wrong(r, types->items[i], "layer_types",
				     "'full_attention' or 'sliding_attention'");
	if (!types || r->failed || r->f->sight == SEES_ALL || is_regular(types) ||
	    !config_find(r->config, "sliding_window"))
		return;
	f = arena_alloc(r->diags->arena, sizeof *f);
	*f = *r->f;
	f->plan = PLAN_TYPES;
	r->f = f;
}

/* layer_types, where it is given, says which layers see everything; it is regular. */
static bool layer_types(struct config_reading *r)
{
	const struct yml *y = config_find(r->config, "layer_types");
	int64_t every = 0;

	if (!y)
		return false;
	for (size_t i = y->kind == YML_LIST ? y->n : 0; i-- > 0;)
		if (sees_all(y, i))
			every = (int64_t)i + 1;
	r->d->full_every = every;
	if (every == 1)
		r->d->window = r->d->full_every = 0;
	return true;
}

/* sliding_window_pattern of EXAONE 4: "LLLG", local layers and behind them a global one. */
static bool letters_of_windows(struct config_reading *r)
{
	const char *letters = config_word(r->config, "sliding_window_pattern", "");
	const size_t local = strspn(letters, "L");

	if (strcmp(letters + local, "G") != 0)
		return false;
	r->d->full_every = (int64_t)local + 1;
	return true;
}

static void sight(struct config_reading *r)
{
	const struct family *f = r->f;
	struct described *d = r->d;
	const struct yml *said = yml_get(r->config, "sliding_window");

	if (f->sight == SEES_ALL)
		return;
	if (f->sight == SEES_QWEN && !config_flag(r, r->config, "use_sliding_window", false))
		return;
	if (said && said->kind == YML_NULL)
		return;
	if (!said && f->window && r->config == r->top)
		describe_note(d, r->diags->arena,
			      "'sliding_window' is missing: taken as %lld, as is usual in %s",
			      (long long)f->window, f->type);
	d->window = f->window;
	config_number(r, "sliding_window", &d->window);
	if (!d->window || layer_types(r))
		return;
	if (!strcmp(f->type, "ministral"))
		CONFIG_NOTE_ABSENT(r, "all layers are taken to have a window", "layer_types");
	d->full_every = f->full_every;
	if (f->full_every && !letters_of_windows(r) &&
	    config_number(r, "sliding_window_pattern", &d->full_every) == SAID_NOT)
		config_number(r, "_sliding_window_pattern", &d->full_every);
	if (d->full_every == 1)
		d->window = d->full_every = 0;
	if (f->sight == SEES_QWEN && CONFIG_OR_0(r, "max_window_layers") < d->layers)
		describe_note(
			d, r->diags->arena,
			"'max_window_layers': the first layers see everything, here all have the window");
	if (d->window >= CONFIG_NUMBER(r, (int64_t)1 << 40, "max_position_embeddings"))
		d->window = d->full_every = 0; /* never reached */
}

/* Where nothing says how many there are, old models have one for each query head. */
static int64_t key_heads(struct config_reading *r)
{
	static const char *const keys[] = {"num_key_value_heads", "n_kv_heads", "num_attention_groups", NULL};
	const struct family *f = r->f;

	if (f->kv_heads)
		return config_usual(r, keys, f->kv_heads);
	if (!f->mha && !f->latent && f->plan != PLAN_SCANS && f->plan != PLAN_BLOCKS)
		config_note_absent(r, keys, "each query head is taken to have keys and values of its own");
	return config_any(r, keys, r->d->heads);
}

/* Families in which a key says whether queries and keys have a norm. */
static bool norm_is_said(const struct family *f)
{
	return !strcmp(f->type, "glm4_moe") || str_starts(f->type, "bailing_moe");
}

static void attention(struct config_reading *r)
{
	const struct family *f = r->f;
	struct described *d = r->d;

	d->heads = f->plan == PLAN_SCANS
			   ? CONFIG_NUMBER(r, f->heads, "num_attention_heads", "n_head", "n_heads")
			   : CONFIG_USUAL(r, f->hidden ? within(r, f->heads) : f->heads,
					  "num_attention_heads", "n_head", "n_heads");
	d->kv_heads = key_heads(r);
	d->head_dim = f->head_dim ? CONFIG_USUAL(r, f->head_dim, "head_dim", "attention_head_dim")
				  : CONFIG_NUMBER(r, d->hidden / (d->heads ? d->heads : 1), "head_dim",
						  "attention_head_dim");
	d->bias = f->bias ? f->bias : "none";
	if (!f->bias && f->bias_key &&
	    config_flag(r, r->config, "attention_bias", !strcmp(f->type, "gpt_oss")))
		d->bias = f->bias_key;
	else if (!f->bias && config_flag(r, r->config, "use_qkv_bias", false))
		d->bias = "qkv";
	d->qk_norm = f->qk_norm;
	d->qk_norm_wide = f->qk_norm_wide;
	d->norm_bias = f->norm_bias;
	if (norm_is_said(f))
		d->qk_norm = config_flag(r, r->config, "use_qk_norm", false);
	d->post_norms = f->post_norms;
	d->sinks = f->sinks && config_flag(r, r->config, "learnable_sink", true);
	d->fused = f->fused;
	if (!f->latent)
		return;
	d->latent = true;
	d->q_rank = CONFIG_OR_0(r, "q_lora_rank");
	CONFIG_NOTE_ABSENT(r, "queries are taken as not compressed", "q_lora_rank");
	d->kv_rank = CONFIG_NUMBER(r, 0, "kv_lora_rank");
	d->nope_dim = CONFIG_NUMBER(r, 0, "qk_nope_head_dim");
	d->rope_dim = str_starts(f->type, "glm5_next") /* has none: 0 is right */
			      ? CONFIG_OR_0(r, "qk_rope_head_dim")
			      : CONFIG_NUMBER(r, 0, "qk_rope_head_dim");
	d->value_dim = CONFIG_NUMBER(r, 0, "v_head_dim");
	d->kv_heads = d->heads;
	d->head_dim = d->nope_dim + d->rope_dim;
}

/* The longest sequence: max_position_embeddings, which most configs give as it is after scaling, or the
 * factor times the original where that is more (YaRN as Qwen describes it keeps max_position_embeddings as it
 * was). */
static void context(struct config_reading *r)
{
	const struct yml *rope = config_find(r->config, "rope_scaling"), *by_kind;
	struct config_reading inner = *r;
	struct described *d = r->d;
	char *end;

	d->context = r->f->context;
	if (config_number(r, "max_position_embeddings", &d->context) == SAID_NOT)
		config_number(r, "seq_length", &d->context); /* ChatGLM */
	if (d->context && d->context == r->f->context && r->config == r->top)
		CONFIG_NOTE_ABSENT(r, "taken as is usual", "max_position_embeddings");
	if (!d->context && !r->f->learned_positions)
		CONFIG_NOTE_ABSENT(r, "the longest sequence is not known", "max_position_embeddings");
	if (!rope)
		rope = config_find(r->config, "rope_parameters"); /* transformers 5 */
	by_kind = rope ? config_find(rope, "full_attention") : NULL;
	if (by_kind && by_kind->kind == YML_MAP)
		rope = by_kind; /* layers with a window are not stretched */
	if (rope && rope->kind != YML_MAP)
		config_wrong(r, rope, "rope_scaling", "a mapping");
	if (!rope || rope->kind != YML_MAP || !config_find(rope, "factor"))
		return;
	d->rope_kind = config_word(rope, "rope_type", config_word(rope, "type", "linear"));
	d->rope_factor = strtod(config_word(rope, "factor", ""), &end);
	if (!(d->rope_factor >= 1 && d->rope_factor <= 4096) || *end) {
		config_wrong(r, config_find(rope, "factor"), "factor", "a number from 1 to 4096");
		d->rope_kind = NULL;
		return;
	}
	inner.config = rope;
	config_number(&inner, "original_max_position_embeddings", &d->rope_original);
	r->failed |= inner.failed;
	if (d->rope_factor * (double)d->rope_original > (double)d->context)
		d->context = (int64_t)(d->rope_factor * (double)d->rope_original);
}

/* How the weights are kept: MLX's own block, Hugging Face's, or the dtype. */
static void stored(struct config_reading *r)
{
	const struct yml *mlx = config_find(r->top, "quantization"),
			 *hf = config_find(r->top, "quantization_config");
	const char *mode = config_word(mlx, "mode", "affine"), *bits = config_word(mlx, "bits", NULL);
	struct arena *a = r->diags->arena;

	if (!hf)
		hf = config_find(r->config, "quantization_config");
	if (mlx && bits && !strcmp(mode, "affine")) {
		r->d->stored = arena_printf(a, "mlx %s bits in groups of %s", bits,
					    config_word(mlx, "group_size", "64"));
	} else if (mlx) {
		r->d->stored = arena_printf(a, "mlx %s", mode);
	} else if (hf) {
		r->d->stored = arena_printf(a, "%s%s%s", config_word(hf, "quant_method", "quantized"),
					    config_word(hf, "bits", NULL) ? " of bits: " : "",
					    config_word(hf, "bits", ""));
	} else {
		r->d->stored = config_word(
			r->config, "dtype",
			config_word(r->config, "torch_dtype",
				    config_word(r->top, "dtype", config_word(r->top, "torch_dtype", NULL))));
	}
}

static const char *const expert_keys[] = {"num_experts", "n_routed_experts", "num_local_experts"};

/* Keys that begin so speak of parts which the layers of few families have; type: of those, how their names begin. */
static const struct {
	const char *key, *types[4], *part;
} parts_of_few[] = {{"hc_", {"deepseek_v4", "hy_v4", "glm5_next", "qwen4_exp"}, "several residual streams"},
		    {"altup_", {"gemma3n"}, "several residual streams"},
		    {"laurel_", {"gemma3n"}, "a low-rank path beside each layer"},
		    {"ngram_", {"longcat_flash_ngram", "qwen4_exp"}, "tables of n-grams"},
		    {"engram_", {NULL}, "tables of n-grams"},
		    {"num_loops", {"iquestloopcoder"}, "layers that run several times"}};

/* The family is one of those that have part k. */
static bool has_part(const struct family *f, size_t k)
{
	for (size_t i = 0; i < ARRAY_LEN(parts_of_few[k].types) && parts_of_few[k].types[i]; i++)
		if (str_starts(f->type, parts_of_few[k].types[i]))
			return true;
	return false;
}

static void foreign_parts(struct config_reading *r)
{
	for (size_t k = 0; k < ARRAY_LEN(parts_of_few); k++)
		for (size_t i = 0; i < r->config->n; i++) {
			const char *key = r->config->keys[i]->text;

			if (!str_starts(key, parts_of_few[k].key) || !config_says(r->config->items[i]) ||
			    has_part(r->f, k))
				continue;
			describe_note(r->d, r->diags->arena, "'%.60s': %s, which %s has not, are left out",
				      key, parts_of_few[k].part, r->f->type);
			break;
		}
	if (!r->f->plan && !r->f->latent)
		note(r, "kv_lora_rank", "latent attention, which this family has not, is left out");
}

/* A window that the code of the family does not look at. */
static void foreign_window(struct config_reading *r)
{
	const struct yml *y = config_find(r->config, "sliding_window");
	int64_t window = 0;

	if (r->f->plan || r->f->sight != SEES_ALL || !y || y->kind != YML_SCALAR || !config_says(y) ||
	    !config_flag(r, r->config, "use_sliding_window", true) ||
	    config_number(r, "sliding_window", &window) != SAID_RIGHT || window >= r->d->context)
		return;
	note(r, "sliding_window", "a window, which this family has not, is taken as full attention");
}

/* Experts in a family without any: which layers have them, and how wide they are, nobody says. */
static void foreign_experts(struct config_reading *r)
{
	for (size_t k = 0; !r->f->may_route && !r->f->routed && k < ARRAY_LEN(expert_keys); k++) {
		const struct yml *n = config_find(r->config, expert_keys[k]);

		if (!n || !config_says(n))
			continue;
		if (r->assume) {
			note(r, expert_keys[k], "experts, which this family has not, are left out");
			continue;
		}
		r->failed = true;
		diag_add(r->diags, n->place, "--assume leaves them out",
			 "config: '%s': experts, which %s has not", expert_keys[k], r->f->type);
	}
}

/* Beside the text model, or of Qwen's omni models within the part that has it. */
static const struct yml *part_beside(const struct config_reading *r, const char *key)
{
	const struct yml *y = config_find(r->top, key);

	return y ? y : config_find(config_find(r->top, "thinker_config"), key);
}

static void what_is_not_modelled(struct config_reading *r)
{
	struct described *d = r->d;
	struct arena *a = r->diags->arena;
	const struct yml *vision = part_beside(r, "vision_config");

	if (vision && vision->kind == YML_MAP) {
		d->vision = vision_weights(r, vision, (double)d->hidden);
		if (d->vision > 0)
			describe_note(d, a,
				      "'vision_config': the vision tower is left out, about %s billion "
				      "parameters",
				      units_digits(d->vision / 1e9, 2).text);
		else
			describe_note(d, a, "'vision_config': the vision tower is left out");
	}
	describe_head_by_class(r);
	if (part_beside(r, "audio_config"))
		describe_note(d, a, "'audio_config': the audio tower is left out");
	if (config_find(r->top, "talker_config"))
		describe_note(d, a, "'talker_config': the model that speaks the answer is left out");
	if (r->f && r->f->plan != PLAN_INDEX && r->f->plan != PLAN_COMPRESS && r->f->plan != PLAN_SPARSE &&
	    !str_starts(r->f->type, "glm5_next"))
		note(r, "index_topk", "attention over chosen tokens only is taken as full attention");
	if (r->f && !r->f->plan) {
		note(r, "attention_chunk_size", "attention in chunks is taken as full attention");
		note(r, "num_kv_shared_layers",
		     "layers that share keys and values are taken to have their own");
		note(r, "hidden_size_per_layer_input", "embeddings of each layer are left out");
		note(r, "linear_num_key_heads", "linear attention is not known");
		note(r, "ssm_state_size", "state-space layers are not known");
		note(r, "mamba_d_state", "state-space layers are not known");
	}
	if (r->f) {
		foreign_parts(r);
		foreign_experts(r);
		foreign_window(r);
	}
	note(r, "attn_res_block_size", "attention over the residuals of earlier layers is left out");
}

/* The file type of ours that this is, if it is one. */
static void file_type(struct config_reading *r)
{
	static const char *const names[][2] = {{"bfloat16", "bf16"},    {"float16", "f16"},
					       {"float32", "f32"},      {"fp8", "fp8"},
					       {"mxfp4", "mxfp4_bf16"}, {"mlx mxfp4", "mlx_mxfp4"}};
	const struct yml *mlx = config_find(r->top, "quantization");
	const char *bits = config_word(mlx, "bits", NULL), *group = config_word(mlx, "group_size", "64");

	for (size_t i = 0; r->d->stored && i < ARRAY_LEN(names); i++)
		if (!strcmp(r->d->stored, names[i][0]))
			r->d->file_type = names[i][1];
	if (bits && !strcmp(config_word(mlx, "mode", "affine"), "affine"))
		r->d->file_type =
			arena_printf(r->diags->arena, "mlx_q%.8s%s%.8s", bits,
				     strcmp(group, "64") ? "_g" : "", strcmp(group, "64") ? group : "");
}

/* ChatGLM (GLM-4 9B as first published) has names of its own. */
static void chatglm(struct config_reading *r)
{
	static const struct family like = {.type = "chatglm", .fused = true};
	struct described *d = r->d;

	r->f = &like;
	d->layers = CONFIG_NUMBER(r, 0, "num_layers");
	d->hidden = CONFIG_NUMBER(r, 0, "hidden_size");
	d->vocabulary = CONFIG_NUMBER(r, 0, "padded_vocab_size");
	d->heads = CONFIG_NUMBER(r, 0, "num_attention_heads");
	d->head_dim = CONFIG_NUMBER(r, d->hidden / (d->heads ? d->heads : 1), "kv_channels");
	d->kv_heads = config_flag(r, r->config, "multi_query_attention", false)
			      ? CONFIG_NUMBER(r, 1, "multi_query_group_num")
			      : d->heads;
	d->inner = CONFIG_NUMBER(r, 0, "ffn_hidden_size");
	d->fused = like.fused;
	d->bias = config_flag(r, r->config, "add_bias_linear", false) ? "qkvo"
		  : config_flag(r, r->config, "add_qkv_bias", false)  ? "qkv"
								      : "none";
	d->tied = config_flag(r, r->config, "tie_word_embeddings", false);
}

/* Layers that predict further tokens, by whatever name. */
static void predictors(struct config_reading *r)
{
	struct described *d = r->d;

	d->mtp_layers = CONFIG_OR_0(r, "num_nextn_predict_layers", "mtp_num_hidden_layers");
	if (d->mtp_layers > 64)
		d->mtp_layers = 0;
	if (d->mtp_layers && !r->f->mtp_in_files && r->f->plan && r->f->plan != PLAN_LETTERS) {
		describe_note(d, r->diags->arena,
			      "%lld layer%s that predict%s further tokens: declared, but not in the files",
			      (long long)d->mtp_layers, d->mtp_layers == 1 ? "" : "s",
			      d->mtp_layers == 1 ? "s" : "");
		d->mtp_layers = 0;
	}
	if (d->mtp_layers)
		describe_note(d, r->diags->arena,
			      "%lld layer%s that predict%s further tokens: counted apart, not run",
			      (long long)d->mtp_layers, d->mtp_layers == 1 ? "" : "s",
			      d->mtp_layers == 1 ? "s" : "");
}

/* Widths of which no product could be counted. */
static void too_large(struct config_reading *r)
{
	static const char *const keys[] = {"hidden_size", "n_embd", "dim", "d_model", "vocab_size"};

	r->failed = true;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct yml *y = config_find(r->config, keys[i]);

		if (y && y->kind == YML_SCALAR && strtod(y->text, NULL) > 1 << 24)
			config_wrong(r, y, keys[i], "a width that a model can have");
	}
	if (!r->diags->n)
		diag_add(r->diags, r->config->place, NULL, "config: its widths are too large");
}

static void wrong_layers(struct config_reading *r)
{
	static const char *const keys[] = {"num_hidden_layers", "n_layer", "n_layers", "num_layers"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (config_find(r->config, keys[i])) {
			config_wrong(r, config_find(r->config, keys[i]), keys[i], "1 to 4096 layers");
			return;
		}
	config_wrong(r, config_find(r->config, "layers_block_type"), "layers_block_type",
		     "a list of 1 to 4096 layers");
}

/* Embeddings of each layer, which Gemma's class has where nothing is said. */
static int64_t layer_embedding(struct config_reading *r)
{
	static const char *const keys[] = {"hidden_size_per_layer_input", NULL};

	if (!r->f->plan)
		return 0;
	if (yml_get(r->config, keys[0]) ||
	    !(str_starts(r->f->type, "gemma3n") || str_starts(r->f->type, "gemma4")))
		return config_any_or_0(r, keys);
	return config_usual(r, keys, 256);
}

static void text_model(struct config_reading *r)
{
	struct described *d = r->d;
	const struct yml *blocks = config_find(r->config, "layers_block_type");
	const int64_t listed = blocks && blocks->kind == YML_LIST ? (int64_t)blocks->n : 0;

	d->layers = CONFIG_NUMBER(r, listed ? listed : within(r, r->f->layers), "num_hidden_layers",
				  "n_layer", "n_layers", "num_layers");
	if (d->layers < 1 || d->layers > 4096) {
		wrong_layers(r);
		return;
	}
	if (!strcmp(r->f->type, "longcat_flash"))
		d->layers *= 2;
	d->hidden = CONFIG_NUMBER(r, within(r, r->f->hidden), "hidden_size", "n_embd", "dim", "d_model");
	d->vocabulary = CONFIG_USUAL(r, r->f->vocabulary, "vocab_size");
	if (d->hidden > 1 << 24 || d->vocabulary > (int64_t)1 << 32) {
		too_large(r);
		return;
	}
	d->tied = config_flag(r, r->top, "tie_word_embeddings",
			      config_flag(r, r->config, "tie_word_embeddings",
					  config_flag(r, r->config, "tie_embedding", r->f->tied)));
	attention(r);
	if (!r->f->plan)
		plain_types(r);
	if (!r->f->plan)
		sight(r);
	describe_feed_forward(r);
	if (r->f->learned_positions)
		d->positions = CONFIG_NUMBER(r, 0, "n_positions", "n_ctx", "max_position_embeddings");
	d->per_layer_embedding = layer_embedding(r);
	context(r);
	predictors(r);
	if (r->f->plan && !r->failed)
		describe_layers(r);
}

/* The text model within a model of several: under text_config, InternVL's llm_config, DeepSeek-VL2's language_config, or the
 * text_config of the thinker of Qwen's omni models; NULL: the config is of text itself. */
static const struct yml *text_within(const struct yml *config)
{
	static const char *const keys[] = {"text_config", "llm_config", "language_config", "thinker_config"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct yml *found = config_find(config, keys[i]);
		const struct yml *inner =
			found && found->kind == YML_MAP ? config_find(found, "text_config") : NULL;

		if (found && found->kind == YML_MAP)
			return inner && inner->kind == YML_MAP ? inner : found;
	}
	return NULL;
}

int describe_hf(struct described *d, const struct yml *config, bool assume, struct diags *diags)
{
	struct config_reading r = {.d = d, .config = config, .top = config, .diags = diags, .assume = assume};
	const struct yml *text = config->kind == YML_MAP ? text_within(config) : NULL;
	const char *type = config_word(config, "model_type", NULL);

	*d = (struct described){.bias = "none"};
	if (config->kind != YML_MAP)
		return diag_add(diags, config->place, NULL, "config: expected a mapping, got %s",
				yml_kind_name(config));
	if (text) {
		const struct yml *own = config_find(text, "model_type");

		if (own && own->kind != YML_SCALAR)
			config_wrong(&r, own, "model_type", "a name");
		r.config = text;
		type = config_word(text, "model_type", type);
	}
	if (describe_drafter(&r))
		return -1;
	type = describe_type_by_class(&r, type);
	d->family = d->architecture = type;
	if (type && !strcmp(type, "chatglm")) {
		chatglm(&r);
		context(&r);
	} else {
		r.f = family_of(type);
		if (!r.f && assume && type)
			r.f = describe_assumed(&r, type);
		if (!r.f || r.f->refused)
			return describe_unknown(&r, type);
		d->family = d->architecture = !strcmp(r.f->type, "qwen3_moe_plain") ? type : r.f->type;
		describe_renamed(&r);
		text_model(&r);
	}
	stored(&r);
	file_type(&r);
	what_is_not_modelled(&r);
	return r.failed ? -1 : 0;
}
