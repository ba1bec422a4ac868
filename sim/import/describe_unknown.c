/* describe_unknown.c - families that have no row, or one that says why they are refused; see
 * describe_layers.h. */
#include <string.h>

#include "sim/base/nearest.h"
#include "sim/import/describe_layers.h"

/* layer_types that name more than full attention and windows. */
static const struct yml *strange_type(const struct yml *config)
{
	const struct yml *y = config_find(config, "layer_types");

	for (size_t i = 0; y && y->kind == YML_LIST && i < y->n; i++)
		if (strcmp(config_item(y, i), "full_attention") != 0 &&
		    strcmp(config_item(y, i), "sliding_attention") != 0)
			return y->items[i];
	return NULL;
}

/* Words in keys of layers that are no attention and no FFN: such a model is not plain. */
static const struct yml *strange(const struct yml *config)
{
	static const char *const words[] = {
		"ssm",          "mamba",       "linear_",     "conv",        "rwkv",      "recurrent",
		"lru",          "lstm",        "block_",      "hc_",         "mhc_",      "altup_",
		"laurel_",      "gram_",       "num_loops",   "zero_expert", "cca_",      "residual_moe",
		"kv_shared",    "per_layer",   "layer_group", "gqa_",        "swa_",      "local_layer",
		"noise_heads",  "rel_extent",  "compress_",   "attn_res",    "attn_type", "prefix_dense",
		"global_head_", "cross_attn_", "cla"};

	for (size_t i = 0; i < config->n; i++)
		for (size_t k = 0; k < ARRAY_LEN(words); k++)
			if (strstr(config->keys[i]->text, words[k]) && config_says(config->items[i]))
				return config->keys[i];
	return strange_type(config);
}

/* What is no model of language that generates tokens, by its model_type in transformers. To refuse another one, add it to a row. */
static const struct {
	const char *is, *types[18];
} others[] = {
	{"an encoder, which generates no tokens",
	 {"bert", "roberta", "xlm-roberta", "camembert", "distilbert", "electra", "albert", "mpnet",
	  "deberta", "deberta-v2", "modernbert", "nomic_bert", "jina_bert", "new", "eurobert"}},
	{"a model of pictures",
	 {"clip", "clip_text_model", "siglip", "siglip2", "vit", "dinov2", "dinov3_vit"}},
	{"a model of speech",
	 {"whisper", "wav2vec2", "wav2vec2-bert", "hubert", "speecht5", "seamless_m4t", "bark", "encodec"}},
	{"an encoder and a decoder: what both take together is not modelled",
	 {"t5", "mt5", "umt5", "t5gemma", "bart", "mbart", "pegasus", "marian", "m2m_100", "led"}},
	{"a model of diffusion, whose steps see all tokens at once",
	 {"llada", "llada_moe", "Dream", "rnd1"}}};

/* What a model of that type is, as a refusal has it; NULL: none of `others`. */
static const char *what_other(const struct yml *config)
{
	const char *type = config_word(config, "model_type", "");

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		for (size_t k = 0; k < ARRAY_LEN(others[i].types) && others[i].types[k]; k++)
			if (!strcmp(type, others[i].types[k]))
				return others[i].is;
	return NULL;
}

/* A family that is not known, taken as what its keys say: grouped-query or latent attention and an FFN or
 * experts in every layer. NULL where they say more. */
const struct family *describe_assumed(struct config_reading *r, const char *type)
{
	struct family *f = arena_alloc(r->diags->arena, sizeof *f);
	const bool latent = config_find(r->config, "kv_lora_rank"),
		   routed = config_find(r->config, "num_experts") ||
			    config_find(r->config, "n_routed_experts") ||
			    config_find(r->config, "num_local_experts"),
		   norm = config_flag(r, r->config, "use_qk_norm", false);

	if (strange(r->config) || what_other(r->config) || what_other(r->top))
		return NULL;
	*f = (struct family){.type = type,
			     .bias_key = "qkvo",
			     .latent = latent,
			     .routed = routed,
			     .expert_inner_or_inner = true,
			     .qk_norm = norm,
			     .sight = config_find(r->config, "sliding_window") &&
						      config_find(r->config, "layer_types")
					      ? SEES_WINDOW
					      : SEES_ALL,
			     .window = 4096,
			     .full_every = 1};
	describe_note(
		r->d, r->diags->arena,
		"model_type '%.60s' is not known: assumed %s attention%s, %s in every layer, RMS norms, "
		"biases only where 'attention_bias' says so",
		type, latent ? "latent" : "grouped-query", norm ? " with a norm of queries and keys" : "",
		routed ? "experts" : "a gated FFN");
	if (routed && !config_find(r->config, "moe_intermediate_size") &&
	    !config_find(r->config, "expert_hidden_size"))
		describe_note(r->d, r->diags->arena,
			      "'moe_intermediate_size' is missing: 'intermediate_size' is assumed to be an "
			      "expert's");
	return f;
}

/* Refuses, by what it is, a file of something else than a model of language that generates tokens. */
static int refuse_other(struct config_reading *r)
{
	const struct yml *part = config_find(r->top, "_class_name"); /* of diffusers */
	const struct yml *typed = what_other(r->config) ? r->config : r->top;
	const char *is = what_other(typed);

	if (is)
		return diag_add(r->diags, config_find(typed, "model_type")->place,
				"models of language that generate tokens alone are predicted",
				"config: '%.60s' is %s", config_word(typed, "model_type", ""), is);
	if (part && part->kind == YML_SCALAR)
		return diag_add(r->diags, part->place,
				"models of language that generate tokens alone are predicted",
				"config: '%.60s' is a part of a diffusion pipeline", part->text);
	if (config_find(r->top, "peft_type"))
		return diag_add(r->diags, config_find(r->top, "peft_type")->place,
				"import the config.json of the model that it was made for",
				"config: an adapter is no model of its own");
	return 0;
}

static int unknown(struct config_reading *r, const char *type)
{
	const struct yml *odd = strange(r->config);
	const char *names[FAMILIES_MAX + 1], *near;
	const struct yml *at = config_find(r->config, "model_type") ? config_find(r->config, "model_type")
								    : config_find(r->top, "model_type");
	struct str list = STR_INIT;
	size_t n = 0;

	if (refuse_other(r) != 0)
		return -1;
	for (; n < FAMILIES_MAX && family_at(n); n++)
		names[n] = family_at(n)->type;
	names[n++] = "chatglm";
	near = type ? nearest_of(type, names, n) : NULL;
	if (near)
		str_addf(&list, "the closest is %s; ", near);
	str_addf(&list, "models/README.md lists the %zu that are", n);
	if (odd)
		str_addf(&list, "; '%.60s' speaks of layers that a plain transformer lacks", odd->text);
	else
		str_add(&list, "; --assume takes it as a plain transformer");
	if (type)
		diag_add(r->diags, at->place, list.text,
			 "config: model_type '%s' is not known, so what its layers hold is not", type);
	else
		diag_add(r->diags, r->config->place, list.text, "config: 'model_type' is missing");
	str_release(&list);
	return -1;
}

static int refused(struct config_reading *r, const char *type)
{
	const struct yml *at = config_find(r->config, "model_type");

	return diag_add(r->diags, (at ? at : r->config)->place,
			"write its model file by hand: lemursim help model",
			"config: model_type '%s' cannot be imported: %s", type, r->f->refused);
}

int describe_unknown(struct config_reading *r, const char *type)
{
	return r->f ? refused(r, type) : unknown(r, type);
}
