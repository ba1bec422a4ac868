/* describe_ffn.c - FFN and experts of a config.json; see describe_layers.h. */
#include <stdlib.h>
#include <string.h>

#include "sim/base/units.h"
#include "sim/import/describe_layers.h"

/* mlp_only_layers of Qwen must be the first ones, if any. */
static void dense_layers(struct config_reading *r)
{
	const struct yml *y = config_find(r->config, "mlp_only_layers");

	for (size_t i = 0; y && y->kind == YML_LIST && i < y->n; i++) {
		const struct yml *item = y->items[i];

		if (item->kind != YML_SCALAR || strtoll(item->text, NULL, 10) != (long long)i) {
			config_wrong(r, item, "mlp_only_layers", "the first layers, in order");
			return;
		}
		r->d->first_dense = (int64_t)i + 1;
	}
	if (y && y->kind != YML_LIST)
		config_wrong(r, y, "mlp_only_layers", "a list");
}

/* Is there an FFN beside the experts of each layer? Grok says so by a key. */
static bool has_ffn_beside(struct config_reading *r)
{
	return !strcmp(r->f->type, "grok-1") ? config_flag(r, r->config, "residual_moe", false)
					     : r->f->beside;
}

/* ERNIE's vision models say two numbers, of experts for text and of others for pictures (vLLM's ernie45_vl_moe.py). */
static bool is_pair(const struct yml *y)
{
	return y && y->kind == YML_LIST && y->n == 2;
}

/* Where dense layers have a width of their own, intermediate_size may be an expert's. The config classes of the other families
 * have a number of their own in the place of moe_intermediate_size, which is not that of dense layers (inclusionAI/Ring-V2.5
 * models/configuration_bailing_moe_v2_5.py: 512 beside 5120), so that it must be said. */
static int64_t expert_width(struct config_reading *r)
{
	if (!strcmp(r->f->type, "ernie4_5_moe") && is_pair(config_find(r->config, "moe_intermediate_size")))
		return config_item_within(r, config_find(r->config, "moe_intermediate_size"), 0,
					  "moe_intermediate_size", 1, 1 << 30);
	if (r->f->expert_inner_is_inner)
		return CONFIG_NUMBER(r, 0, "intermediate_size", "ffn_dim");
	if (r->f->expert_inner_or_inner || config_find(r->config, "dense_intermediate_size"))
		return CONFIG_NUMBER(r, 0, "moe_intermediate_size", "expert_hidden_size",
				     "intermediate_size");
	return CONFIG_NUMBER(r, 0, "moe_intermediate_size", "expert_hidden_size", "expert_ffn_hidden_size");
}

static void vision_experts(struct config_reading *r)
{
	const struct yml *inner = config_find(r->config, "moe_intermediate_size"),
			 *count = config_find(r->config, "moe_num_experts");
	double n;

	if (strcmp(r->f->type, "ernie4_5_moe") != 0 || !is_pair(inner) || !is_pair(count))
		return;
	n = strtod(config_item(count, 1), NULL) * strtod(config_item(inner, 1), NULL) * 3 *
	    (double)r->d->hidden * (double)r->d->layers;
	describe_note(r->d, r->diags->arena,
		      "'moe_num_experts': experts of pictures are left out, about %s billion parameters",
		      units_digits(n / 1e9, 2).text);
}

/* Some of the experts that LongCat chooses from do nothing: so many of those chosen are others, on average. */
static void idle_experts(struct config_reading *r)
{
	const int64_t idle = CONFIG_OR_0(r, "zero_expert_num"), all = r->d->experts + idle,
		      chosen = r->d->active;

	if (strcmp(r->f->type, "longcat_flash") != 0)
		return;
	if (idle > 1 << 20 || chosen > all || all > 1 << 20) {
		config_wrong(r, r->config, "zero_expert_num", "as many experts as a model can have");
		return;
	}
	CONFIG_NOTE_ABSENT(r, "no expert is taken to do nothing", "zero_expert_num");
	r->d->active = (2 * chosen * r->d->experts + all) / (2 * all);
	if (idle)
		describe_note(r->d, r->diags->arena,
			      "'zero_expert_num': of %lld chosen experts %lld do nothing on average",
			      (long long)chosen, (long long)(chosen - r->d->active));
}

/* How experts are told: count, choice, widths, and those that every token goes through. */
static void expert_widths(struct config_reading *r)
{
	const struct family *f = r->f;
	struct described *d = r->d;

	d->experts = CONFIG_USUAL(r, f->experts, "n_routed_experts", "num_local_experts", "num_experts",
				  "moe_num_experts", "num_experts_per_layer");
	d->active = CONFIG_USUAL(r, f->active, "num_experts_per_tok", "experts_per_token",
				 "num_experts_per_token", "top_k_experts", "moe_k", "moe_topk", "moe_top_k");
	d->expert_inner = expert_width(r);
	vision_experts(r);
	d->expert_bias = !strcmp(f->type, "gpt_oss");
	d->router_bias = f->router_bias && config_flag(r, r->config, "moe_router_enable_expert_bias",
						       !str_starts(f->type, "bailing_moe"));
	d->shared_gate = f->shared_gate;
	d->shared = CONFIG_OR_0(r, "n_shared_experts", "num_shared_experts", "num_shared_expert",
				"moe_num_shared_experts");
	d->shared_inner =
		CONFIG_OR_0(r, "shared_expert_intermediate_size", "moe_shared_expert_intermediate_size",
			    "share_expert_dim", "shared_intermediate_size");
	if (f->shares)
		CONFIG_NOTE_ABSENT(r, "no expert is taken to be there that every token goes through",
				   "n_shared_experts", "num_shared_experts", "num_shared_expert",
				   "moe_num_shared_experts", "shared_expert_intermediate_size",
				   "moe_shared_expert_intermediate_size", "share_expert_dim",
				   "shared_intermediate_size");
	if (!strcmp(f->type, "nemotron_h"))
		CONFIG_NOTE_ABSENT(r, "the shared expert is taken to be as wide as the others",
				   "moe_shared_expert_intermediate_size", "shared_expert_intermediate_size");
	if (!strcmp(f->type, "llama4_text")) {
		d->shared = 1;
		d->shared_inner = d->expert_inner;
	}
	if (!strcmp(f->type, "granitemoehybrid"))
		CONFIG_NOTE_ABSENT(r, "taken as 'intermediate_size'", "shared_intermediate_size");
	if (has_ffn_beside(r) && !d->shared_inner) /* an FFN beside the experts of each layer */
		d->shared_inner = CONFIG_NUMBER(r, 0, "intermediate_size", "ffn_hidden_size");
	idle_experts(r);
	if (d->shared_inner && !d->shared)
		d->shared = 1;
	if (d->shared * d->expert_inner == d->shared_inner && f->plan)
		d->shared_inner = 0;
	d->expert_latent = CONFIG_OR_0(r, "moe_latent_size", "routed_expert_hidden_size");
	d->latent_norm = config_flag(r, r->config, "latent_moe_use_norm", false);
}

/* An entry of a list that tells which layers have experts is one of two words. */
static void check_words(struct config_reading *r, const char *key, const char *with, const char *without)
{
	const struct yml *y = config_by_layer(r, key);
	const char *expected = arena_printf(r->diags->arena, "'%s' or '%s'", with, without);

	for (size_t i = 0; y && i < y->n; i++)
		if (strcmp(config_item(y, i), with) != 0 && strcmp(config_item(y, i), without) != 0)
			config_wrong(r, y->items[i], key, expected);
}

static void check_layers_with_experts(struct config_reading *r)
{
	const struct yml *freq = config_find(r->config, "moe_layer_freq"),
			 *list = config_find(r->config, "moe_layers"),
			 *chosen = config_find(r->config, "moe_layers_enum");

	if (freq && freq->kind == YML_LIST)
		check_words(r, "moe_layer_freq", "1", "0");
	if (config_find(r->config, "is_moe_layer"))
		check_words(r, "is_moe_layer", "true", "false");
	if (config_find(r->config, "mlp_layer_types"))
		check_words(r, "mlp_layer_types", "sparse", "dense");
	if (chosen && (chosen->kind != YML_SCALAR || !*chosen->text ||
		       chosen->text[strspn(chosen->text, "0123456789, ")]))
		config_wrong(r, chosen, "moe_layers_enum", "a text of layers such as '4,5,6'");
	if (list && list->kind != YML_LIST)
		config_wrong(r, list, "moe_layers", "a list of layers");
	for (size_t i = 0; list && list->kind == YML_LIST && i < list->n; i++)
		config_item_within(r, list, i, "moe_layers", 0, r->d->layers - 1);
}

/* mlp_layer_types of a family whose first layers alone may be dense: as many as are, and no other. */
static void dense_by_types(struct config_reading *r)
{
	const struct yml *y = config_by_layer(r, "mlp_layer_types");
	int64_t dense = 0;

	if (!y || r->f->plan)
		return;
	while (dense < r->d->layers && !strcmp(config_item(y, (size_t)dense), "dense"))
		dense++;
	for (int64_t i = dense; i < r->d->layers; i++)
		if (strcmp(config_item(y, (size_t)i), "sparse") != 0) {
			config_wrong(r, y->items[i], "mlp_layer_types",
				     "'dense' in the first layers, then 'sparse'");
			return;
		}
	r->d->first_dense = dense;
}

/* What is taken of layers without experts where no key speaks of them. */
static void tell_what_is_absent(struct config_reading *r, const struct yml *freq)
{
	const struct family *f = r->f;

	if (((f->latent && f->routed && !f->beside) || f->leads) && !(freq && freq->kind == YML_LIST))
		CONFIG_NOTE_ABSENT(r, "all layers are taken to have experts", "first_k_dense_replace",
				   "num_dense_layers", "moe_layer_start_index", "mlp_layer_types",
				   "moe_layers_enum", "is_moe_layer", "mlp_only_layers");
	if (!strcmp(f->type, "cohere2_moe") && r->d->first_dense)
		CONFIG_NOTE_ABSENT(r, "layers without experts are taken to be as wide as one",
				   "prefix_dense_intermediate_size");
	if (f->plan == PLAN_FLAGS)
		CONFIG_NOTE_ABSENT(r, "all layers are taken to have experts", "moe_layer_freq");
	if (!strcmp(f->type, "grok-1"))
		CONFIG_NOTE_ABSENT(r, "'intermediate_size' is taken as an expert's", "moe_intermediate_size");
	if (!strcmp(f->type, "laguna"))
		CONFIG_NOTE_ABSENT(r, "all layers are taken to have experts", "mlp_layer_types",
				   "mlp_only_layers");
}

static void experts(struct config_reading *r)
{
	const struct family *f = r->f;
	struct described *d = r->d;
	const struct yml *freq = config_find(r->config, "moe_layer_freq");
	const bool qwen = str_starts(f->type, "qwen") || !strcmp(f->type, "laguna");

	expert_widths(r);
	d->first_dense = CONFIG_OR_0(r, "first_k_dense_replace", "num_dense_layers", "moe_layer_start_index");
	d->every = freq && freq->kind == YML_LIST
			   ? 1
			   : CONFIG_NUMBER(r, 1, "decoder_sparse_step", "moe_layer_freq",
					   "interleave_moe_layer_step", "moe_layer_interval");
	if (!strcmp(f->type, "step3_text") && !config_find(r->config, "moe_layers_enum")) {
		d->first_dense = 1; /* vLLM's step3_text.py */
		CONFIG_NOTE_ABSENT(r, "all layers but the first are taken to have experts",
				   "moe_layers_enum");
	}
	check_layers_with_experts(r);
	tell_what_is_absent(r, freq);
	dense_by_types(r);
	if (qwen) {
		dense_layers(r);
	} else if (d->every != 1 && !f->plan) {
		const char *key = config_find(r->config, "decoder_sparse_step") ? "decoder_sparse_step"
				  : freq                                        ? "moe_layer_freq"
										: "moe_layer_interval";

		if (config_find(r->config, key))
			config_wrong(r, config_find(r->config, key), key, "1");
	}
	if (d->first_dense >= d->layers)
		d->first_dense = d->layers - 1;
	d->inner = d->first_dense || d->every > 1 || f->plan
			   ? CONFIG_OR_0(r, "intermediate_size_mlp", "dense_intermediate_size",
					 "prefix_dense_intermediate_size", "intermediate_size",
					 "ffn_hidden_size")
			   : 0;
	if (!d->inner && (d->first_dense || d->every > 1))
		d->inner = CONFIG_NUMBER(r, 0, "intermediate_size");
	if (!d->experts || !d->active || d->active > d->experts || d->experts > 1 << 20) {
		r->failed = true;
		diag_add(r->diags, r->config->place, NULL, "config: %lld of %lld experts cannot be",
			 (long long)d->active, (long long)d->experts);
	}
}

/* A key that speaks of experts is said. */
static bool speaks_of_experts(const struct config_reading *r)
{
	static const char *const keys[] = {"moe_intermediate_size", "num_experts_per_tok"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (config_find(r->config, keys[i]) && config_says(config_find(r->config, keys[i])))
			return true;
	return false;
}

/* Does this model have experts? A family that may have them has them where the config counts more than one. */
static bool is_routed(struct config_reading *r)
{
	static const char *const counts[] = {"n_routed_experts", "num_local_experts", "num_experts", NULL};

	if (config_find(r->config, "enable_moe_block"))
		return config_flag(r, r->config, "enable_moe_block", false);
	if (r->f->may_route && speaks_of_experts(r))
		config_note_absent(r, counts, "it is taken to have no experts");
	return r->f->routed || (r->f->may_route && config_any_or_0(r, counts) > 1);
}

/* LFM2: the width is two thirds of what is said, rounded up. */
static int64_t adjusted(struct config_reading *r, int64_t inner)
{
	const int64_t of = CONFIG_NUMBER(r, 256, "block_multiple_of");
	int64_t n = inner * 2 / 3;

	if (r->f->mixer != MIXES_CONV || !config_flag(r, r->config, "block_auto_adjust_ff_dim", true) ||
	    r->d->experts)
		return inner;
	n = (int64_t)((double)n * strtod(config_word(r->config, "block_ffn_dim_multiplier", "1"), NULL));
	return (n + of - 1) / of * of;
}

/* The width of a dense FFN. GPT-2 has four times the hidden width where nothing else is said. */
static int64_t inner_width(struct config_reading *r)
{
	const int64_t own = CONFIG_OR_0(r, "block_ff_dim", "shared_intermediate_size"),
		      usual = r->f->learned_positions ? 4 * r->d->hidden
			      : r->config != r->top   ? r->f->inner
						      : 0;

	const int64_t said =
		adjusted(r, own ? own : CONFIG_NUMBER(r, usual, "intermediate_size", "n_inner", "ffn_dim"));

	return !strcmp(r->f->type, "qwen") ? said / 2 : said;
}

void describe_feed_forward(struct config_reading *r)
{
	static const char *const gated[] = {"situ",     "swigluoai", "relu2", "silu",
					    "swish",    "swiglu",    "gelu",  "gelu_pytorch_tanh",
					    "gelu_new", "gelu_fast"};
	const char *act = config_word(r->config, "hidden_act",
				      config_word(r->config, "hidden_activation",
						  config_word(r->config, "mlp_hidden_act", "silu")));
	bool known = false;

	for (size_t i = 0; i < ARRAY_LEN(gated); i++)
		known = known || !strcmp(act, gated[i]);
	if (!known)
		describe_note(r->d, r->diags->arena, "'hidden_act': %s is taken as %s", act,
			      r->f->ungated ? "one pass without a gate, as GELU is" : "a gated one");
	r->d->ffn_bias = r->f->ffn_bias || config_flag(r, r->config, "mlp_bias", false);
	r->d->gelu = r->f->ungated;
	r->d->ffn_kind = !r->f->ungated ? "swiglu" : !strcmp(act, "relu2") || r->f->mixer ? "relu2" : "gelu";
	if (is_routed(r)) {
		experts(r);
		return;
	}
	if (r->f->plan == PLAN_BLOCKS || r->f->plan == PLAN_SCANS)
		return;
	if (r->f->plan == PLAN_TYPES && config_find(r->config, "intermediate_size") &&
	    config_find(r->config, "intermediate_size")->kind == YML_LIST)
		r->d->inner = 1; /* describe_layers.c has that of each layer */
	else
		r->d->inner = inner_width(r);
}
