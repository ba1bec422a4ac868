/* describe_recurrence.c - recurrent blocks of a config.json, and small numbers that no block has; see describe_layers.h. */
#include <stdlib.h>
#include <string.h>

#include "sim/base/str.h"
#include "sim/import/describe_layers.h"

/* --- recurrent blocks ----------------------------------------------------------------------------- */

static void mamba1(struct config_reading *r, struct recurrent *x)
{
	x->kind = RECURRENT_MAMBA1;
	x->inner = r->d->hidden * CONFIG_NUMBER(r, 2, "mamba_expand", "expand");
	x->key_dim = CONFIG_NUMBER(r, 16, "mamba_d_state", "state_size");
	x->width = CONFIG_NUMBER(r, 4, "mamba_d_conv", "conv_kernel");
	x->decay_rank = (r->d->hidden + 15) / 16;
	if (strcmp(config_word(r->config, "time_step_rank", ""), "auto") != 0)
		x->decay_rank = CONFIG_NUMBER(r, x->decay_rank, "mamba_dt_rank", "time_step_rank");
	x->conv_bias = config_flag(r, r->config, "use_conv_bias",
				   config_flag(r, r->config, "mamba_conv_bias", true));
	/* Jamba norms the decay and the state's two inputs; Falcon Mamba does so without weights */
	x->norm = r->f->plan != PLAN_SCANS;
}

static void mamba2(struct config_reading *r, struct recurrent *x)
{
	const bool scan = r->f->plan == PLAN_SCANS; /* else those are of its attention */

	x->kind = RECURRENT_MAMBA2;
	x->heads = CONFIG_USUAL(r, 128, "mamba_num_heads", "mamba_n_heads", scan ? "num_heads" : NULL);
	x->value_dim = CONFIG_USUAL(r, 64, "mamba_head_dim", "mamba_d_head", scan ? "head_dim" : NULL);
	x->key_dim = CONFIG_USUAL(r, 128, "ssm_state_size", "mamba_d_state", "state_size");
	x->groups = CONFIG_USUAL(r, 1, "n_groups", "mamba_n_groups");
	x->width = CONFIG_NUMBER(r, 4, "conv_kernel", "mamba_d_conv");
	x->conv_bias = config_flag(r, r->config, "use_conv_bias",
				   config_flag(r, r->config, "mamba_conv_bias", true));
	x->norm = config_flag(r, r->config, "mamba_rms_norm", strcmp(r->f->type, "falcon_h1") != 0);
}

static void delta(struct config_reading *r, struct recurrent *x)
{
	x->kind = RECURRENT_DELTA;
	x->key_heads = CONFIG_USUAL(r, 16, "linear_num_key_heads");
	x->heads = CONFIG_USUAL(r, 32, "linear_num_value_heads");
	x->key_dim = CONFIG_USUAL(r, 128, "linear_key_head_dim");
	x->value_dim = CONFIG_USUAL(r, 128, "linear_value_head_dim");
	x->width = CONFIG_NUMBER(r, 4, "linear_conv_kernel_dim");
	x->gated = true;
}

/* Both are Kimi's: a decay for each channel, and low ranks as wide as a head. */
static void kda_widths(struct recurrent *x, int64_t heads, int64_t head_dim)
{
	x->kind = RECURRENT_DELTA;
	x->heads = x->key_heads = heads;
	x->key_dim = x->value_dim = head_dim;
	x->decay = DECAY_CHANNEL;
	x->decay_rank = x->gate_rank = head_dim;
	x->gated = true;
}

static void kda(struct config_reading *r, struct recurrent *x)
{
	struct config_reading inner = *r;
	const char *kv;

	if (config_find(r->config, "linear_num_heads")) { /* as transformers writes GLM-5.3 */
		kda_widths(x, CONFIG_NUMBER(r, 0, "linear_num_heads"),
			   CONFIG_NUMBER(r, 0, "linear_head_dim"));
		x->width = CONFIG_NUMBER(r, 4, "linear_conv_kernel_dim");
		return;
	}
	inner.config = config_mapping(r, "linear_attn_config",
				      "a published config.json has it: {num_heads: ..., head_dim: ..., "
				      "short_conv_kernel_size: ...}",
				      "which says heads and widths of the linear attention");
	if (!inner.config)
		return;
	kv = config_word(inner.config, "num_kv_heads", NULL);
	kda_widths(x, CONFIG_NUMBER(&inner, 0, "num_heads"), CONFIG_NUMBER(&inner, 0, "head_dim"));
	x->width = CONFIG_NUMBER(&inner, 4, "short_conv_kernel_size");
	if (config_flag(r, inner.config, "use_full_rank_gate", false))
		x->gate_rank = 0;
	if (config_flag(r, r->config, "kda_use_full_proj", false)) /* of Solar Open 2 */
		x->decay_rank = x->gate_rank = 0;
	if (kv && strcmp(kv, "null") != 0 && strtoll(kv, NULL, 10) != x->heads)
		config_wrong(r, config_find(inner.config, "num_kv_heads"), "num_kv_heads",
			     "as many as num_heads");
	r->failed |= inner.failed;
}

/* Ling 3.0: Kimi's, without low ranks if 'no_kda_lora'. */
static void bailing_kda(struct config_reading *r, struct recurrent *x)
{
	kda_widths(x, r->d->heads, CONFIG_NUMBER(r, 128, "head_dim"));
	x->width = CONFIG_NUMBER(r, 0, "short_conv_kernel_size");
	CONFIG_NOTE_ABSENT(r, "its attention is taken to have no gate",
			   "gated_attention_proj_granularity_type");
	if (config_flag(r, r->config, "no_kda_lora", false))
		x->decay_rank = x->gate_rank = 0;
}

/* Keys of Kimi's delta attention, which Ling 2.5 has not. */
static bool has_kda(const struct yml *config)
{
	for (size_t i = 0; i < config->n; i++)
		if (str_starts(config->keys[i]->text, "kda_") ||
		    !strcmp(config->keys[i]->text, "no_kda_lora") ||
		    !strcmp(config->keys[i]->text, "short_conv_kernel_size"))
			return true;
	return false;
}

/* Of Ling 2.5 and MiniMax Text-01: a decay for each head, a norm and a gate behind it. */
static void lightning(struct config_reading *r, struct recurrent *x)
{
	x->kind = RECURRENT_LIGHTNING;
	x->heads = x->key_heads = r->d->heads;
	x->key_dim = x->value_dim = CONFIG_NUMBER(r, r->f->latent ? 128 : r->d->head_dim, "head_dim");
	x->gated = x->norm = true;
}

static void bailing(struct config_reading *r, struct recurrent *x)
{
	if (has_kda(r->config)) {
		bailing_kda(r, x);
		return;
	}
	lightning(r, x);
	if (r->f->latent && r->d->kv_heads && r->d->kv_heads != r->d->heads)
		config_wrong(r, config_find(r->config, "num_key_value_heads"), "num_key_value_heads",
			     "as many as num_attention_heads");
}

static void rwkv(struct config_reading *r, struct recurrent *x)
{
	x->kind = RECURRENT_RWKV;
	x->key_dim = x->value_dim = CONFIG_NUMBER(r, 64, "head_dim");
	x->heads = x->key_heads = r->d->hidden / x->key_dim;
	x->decay_rank = CONFIG_NUMBER(r, 64, "decay_low_rank_dim");
	x->value_rank = CONFIG_NUMBER(r, 64, "a_low_rank_dim");
	x->gate_rank = CONFIG_NUMBER(r, 128, "gate_low_rank_dim");
}

struct recurrent *describe_recurrence(struct config_reading *r)
{
	struct recurrent *x = arena_alloc(r->diags->arena, sizeof *x);

	switch (r->f->mixer) {
	case MIXES_NOT:
		return NULL;
	case MIXES_DELTA:
		delta(r, x);
		break;
	case MIXES_KDA:
		kda(r, x);
		break;
	case MIXES_MAMBA2:
		mamba2(r, x);
		break;
	case MIXES_MAMBA1:
		mamba1(r, x);
		break;
	case MIXES_CONV:
		x->kind = RECURRENT_CONV;
		x->width = CONFIG_USUAL(r, 3, "conv_L_cache");
		x->conv_bias = config_flag(r, r->config, "conv_bias", false);
		break;
	case MIXES_RWKV:
		rwkv(r, x);
		break;
	case MIXES_BAILING:
		bailing(r, x);
		break;
	case MIXES_LIGHTNING:
		lightning(r, x);
		break;
	}
	return x;
}

/* --- small numbers that no block has -------------------------------------------------------------- */

/* A number of which products are made: a larger one than can be is reported. */
static int64_t number_up_to(struct config_reading *r, int64_t def, const char *key, int64_t most)
{
	const int64_t x = CONFIG_NUMBER(r, def, key);

	if (x <= most)
		return x;
	if (config_find(r->config, key))
		config_wrong(r, config_find(r->config, key), key,
			     arena_printf(r->diags->arena, "a whole number up to %lld", (long long)most));
	r->failed = true;
	return 1;
}

/* Hyper-connections of DeepSeek V4: n streams mix before and behind each of two blocks, with n (n + 2) outputs
 * of n h inputs; the first layers route by a table of V k numbers in the place of a correction. */
static void extras_of_v4(struct layers_job *j)
{
	struct described *d = j->r->d;
	const int64_t n = number_up_to(j->r, 4, "hc_mult", 64), outputs = n * (n + 2), in = n * d->hidden,
		      hashed = CONFIG_OR_0(j->r, "num_hash_layers");

	CONFIG_NOTE_ABSENT(j->r, "no layer is taken to choose experts by a table", "num_hash_layers");
	d->streams = n;
	d->extra = in * n + n + 1;
	for (int64_t i = 0; i < d->layers; i++) {
		j->at[i].extra = 2 * (in * outputs + outputs + 3);
		if (i < hashed)
			j->at[i].extra += d->vocabulary * d->active - d->experts;
	}
}

/* AltUp of Gemma 3n: a router to n streams, a prediction n -> n n, a correction n -> n; Laurel beside attention.
 * Its ends have n - 1 products each. */
static void extras_of_3n(struct layers_job *j)
{
	struct described *d = j->r->d;
	const int64_t n = number_up_to(j->r, 4, "altup_num_inputs", 64),
		      laurel = number_up_to(j->r, 64, "laurel_rank", 1 << 20), h = d->hidden;

	d->streams = n;
	d->extra = 2 * (n - 1) * h * h;
	for (int64_t i = 0; i < d->layers; i++)
		j->at[i].extra = 2 * h * laurel + h + n * h + n * n * n + n * n + 2 * h;
}

/* Gemma 4: a scalar for each layer; beside experts three more norms, and scales of the router. */
static void extras_of_gemma4(struct layers_job *j)
{
	const struct described *d = j->r->d;

	for (int64_t i = 0; i < d->layers; i++)
		j->at[i].extra = 1 + (j->at[i].experts ? 4 * d->hidden + d->experts : 0);
}

/* Norms of queries and keys, which all heads share. */
static void extras_of_lightning(struct layers_job *j)
{
	for (int64_t i = 0; i < j->r->d->layers; i++)
		if (j->at[i].mixer == LAYER_RECURRENT)
			j->at[i].extra = 2 * j->recurrent->key_dim;
}

/* Hy4 has what V4 has, but for streams that do not mix: 2 n outputs of each. GLM-5.3 mixes them, and its end is their mean. */
static void extras_of_streams(struct layers_job *j, bool mixes)
{
	struct described *d = j->r->d;
	const int64_t n = number_up_to(j->r, 4, "hc_mult", 64), outputs = mixes ? n * (n + 2) : 2 * n,
		      in = n * d->hidden;

	if (!config_flag(j->r, j->r->config, mixes ? "mhc" : "enable_ihc", true))
		return;
	d->streams = n;
	d->extra = mixes ? 0 : in * n + n + 1;
	for (int64_t i = 0; i < d->layers; i++)
		j->at[i].extra = 2 * (in * outputs + outputs + (mixes ? 3 : 2));
}

/* Entry "layer", counted from 1, of ple_layer_ids. */
static bool has_ngrams(struct config_reading *r, int64_t layer)
{
	const struct yml *ids = config_find(r->config, "ple_layer_ids");

	for (size_t i = 0; ids && ids->kind == YML_LIST && i < ids->n; i++)
		if (config_item_within(r, ids, i, "ple_layer_ids", 1, r->d->layers) == layer)
			return true;
	return false;
}

/* The streams of Qwen4 have a norm in the place of the block's, a mix through a rank and n numbers of what goes back; its end has
 * a mix, too. A layer with n-grams has two products, norms and a convolution; of their tables a token reads a row a head. */
static void extras_of_qwen4(struct layers_job *j)
{
	struct config_reading *r = j->r;
	struct described *d = r->d;
	const struct yml *ids = config_find(r->config, "ple_layer_ids");
	const int64_t n = number_up_to(r, 4, "hc_count", 64),
		      rank = number_up_to(r, 320, "hc_lowrank", 1 << 20), h = d->hidden, wide = n * h,
		      ple = number_up_to(r, h, "ple_embed_dim", 1 << 20),
		      heads = (number_up_to(r, 3, "ngram_size", 64) - 1) *
			      number_up_to(r, 8, "heads_per_ngram", 4096);

	CONFIG_NOTE_ABSENT(r, "no layer is taken to have tables of n-grams", "ple_layer_ids");
	if (ids && ids->kind != YML_LIST)
		config_wrong(r, ids, "ple_layer_ids", "a list of layers");
	else if (ids && !ids->n)
		describe_note(d, r->diags->arena, "'ple_layer_ids': no layer has tables of n-grams");
	d->streams = n;
	d->extra = wide + 2 * wide * rank - h;
	for (int64_t i = 0; i < d->layers; i++) {
		j->at[i].extra = 2 * (wide + 2 * wide * rank + wide * n - h);
		if (!has_ngrams(r, i + 1))
			continue;
		j->at[i].extra +=
			(wide + h) * ple + 3 * wide + wide * number_up_to(r, 4, "ple_conv_kernel_size", 1024);
		describe_note(r->d, r->diags->arena,
			      "'ple_layer_ids': tables of n-grams are kept apart, as weights of which a "
			      "token reads a few rows");
		d->tables += heads * number_up_to(r, 20000000, "ngram_vocab_size_base", 1 << 30) *
			     (ple / (heads ? heads : 1));
	}
}

/* The router's outputs and corrections of experts that do nothing. */
static void extras_of_idle_experts(struct layers_job *j)
{
	const int64_t idle = CONFIG_OR_0(j->r, "zero_expert_num");

	for (int64_t i = 0; i < j->r->d->layers; i += 2)
		j->at[i].extra = idle * (j->r->d->hidden + 1);
}

/* A convolution with biases has them in both of its products, too (transformers' modeling_lfm2.py). */
static void extras_of_conv(struct layers_job *j)
{
	for (int64_t i = 0; i < j->r->d->layers; i++)
		if (j->at[i].mixer == LAYER_RECURRENT)
			j->at[i].extra = 4 * j->r->d->hidden;
}

/* A norm for attention and another for the FFN beside it: of Falcon's layers of the second form, and of GPT-NeoX. */
static void extras_of_two_norms(struct layers_job *j)
{
	struct config_reading *r = j->r;
	const bool groups = describe_has_falcon_groups(r);

	if (groups)
		CONFIG_NOTE_ABSENT(r, "a layer is taken to have two norms", "num_ln_in_parallel_attn");
	if (!strcmp(r->f->type, "falcon") && (!groups || CONFIG_NUMBER(r, 2, "num_ln_in_parallel_attn") != 2))
		return;
	for (int64_t i = 0; i < r->d->layers; i++)
		j->at[i].extra = 2 * r->d->hidden;
}

void describe_extras(struct layers_job *j)
{
	const char *type = j->r->f->type;

	if (j->r->f->one_norm && (!strcmp(type, "falcon") || !strcmp(type, "gpt_neox")))
		extras_of_two_norms(j);
	if (!strcmp(type, "bloom")) /* a norm of the embedding */
		j->r->d->extra = 2 * j->r->d->hidden;
	if (!strcmp(type, "gptj")) /* biases of the head */
		j->r->d->extra = j->r->d->vocabulary;

	if (!strcmp(type, "deepseek_v4"))
		extras_of_v4(j);
	if (!strcmp(type, "hy_v4") || !strcmp(type, "glm5_next_text"))
		extras_of_streams(j, !strcmp(type, "glm5_next_text"));
	if (!strcmp(type, "longcat_flash"))
		extras_of_idle_experts(j);
	if (!strcmp(type, "qwen4_exp_text"))
		extras_of_qwen4(j);
	if (j->recurrent && j->recurrent->kind == RECURRENT_CONV && j->recurrent->conv_bias)
		extras_of_conv(j);
	if (!strcmp(type, "gemma3n_text"))
		extras_of_3n(j);
	if (!strcmp(type, "gemma4_text"))
		extras_of_gemma4(j);
	if (j->recurrent && j->recurrent->kind == RECURRENT_LIGHTNING &&
	    config_flag(j->r, j->r->config, "use_qk_norm", false))
		extras_of_lightning(j);
}
