/* describe_kinds.c - the blocks of each layer of a config.json, and the kinds of layers; see describe_layers.h. */
#include <string.h>

#include "sim/base/str.h"
#include "sim/import/describe_layers.h"

static struct attention *copy(struct layers_job *j, const struct attention *from)
{
	struct attention *a = arena_alloc(j->r->diags->arena, sizeof *a);

	*a = *from;
	return a;
}

/* --- the blocks ----------------------------------------------------------------------------------- */

static void attention_of_windows(struct layers_job *j, struct attention *a)
{
	struct config_reading *r = j->r;
	const struct yml *other = config_find(r->config, "attention_other_setting");
	struct config_reading inner = *r;

	if (!strcmp(r->f->type, "llama4_text")) {
		a->chunk = CONFIG_NUMBER(r, 8192, "attention_chunk_size");
		return;
	}
	a->window =
		CONFIG_USUAL(r, r->f->window ? r->f->window : 4096, "sliding_window", "sliding_window_size");
	if (r->f->plan == PLAN_FLAGS)
		CONFIG_NOTE_ABSENT(r, "layers with a window are taken to have as many as others",
				   "swa_num_key_value_heads");
	a->heads = CONFIG_NUMBER(r, a->heads, "swa_num_attention_heads");
	a->kv_heads = CONFIG_NUMBER(r, a->kv_heads, "swa_num_key_value_heads");
	a->head_dim = CONFIG_NUMBER(r, a->head_dim, "swa_head_dim");
	a->value_dim = config_find(r->config, "swa_v_head_dim")
			       ? CONFIG_NUMBER(r, a->head_dim, "swa_v_head_dim")
			       : a->value_dim;
	a->sinks |= config_flag(r, r->config, "add_swa_attention_sink_bias", false);
	if (other && other->kind == YML_MAP) {
		inner.config = other;
		a->heads = CONFIG_NUMBER(&inner, a->heads, "num_attention_heads");
		a->kv_heads = CONFIG_NUMBER(&inner, a->kv_heads, "num_attention_groups");
		a->head_dim = CONFIG_NUMBER(&inner, a->head_dim, "head_dim");
		r->failed |= inner.failed;
	} else if (!strcmp(r->f->type, "step3p7")) {
		a->heads = a->heads * 3 / 2;
		describe_note(
			r->d, r->diags->arena,
			"'attention_other_setting' is missing: layers with a window are taken to have %lld "
			"heads, as in Step 3.5",
			(long long)a->heads);
	}
}

/* What transformers writes of full layers in the place of 'global_head_dim': {"5": {"head_dim": 512, ...}, ...}. */
static void heads_of_gemma4(struct config_reading *r, struct attention *a)
{
	const struct yml *own = config_find(r->config, "per_layer_config");
	struct config_reading inner = *r;

	if (own && !(own->kind == YML_MAP && own->n && own->items[0]->kind == YML_MAP)) {
		config_wrong(r, own, "per_layer_config",
			     "a mapping of layers, each with a mapping of its own");
	} else if (own) {
		inner.config = own->items[0];
		a->head_dim = CONFIG_NUMBER(&inner, a->head_dim, "head_dim");
		a->kv_heads = CONFIG_NUMBER(&inner, a->kv_heads, "num_key_value_heads");
		r->failed |= inner.failed;
	} else if (!config_find(r->config, "global_head_dim")) {
		describe_note(r->d, r->diags->arena,
			      "'global_head_dim' is missing: taken as 512, as is usual in gemma4_text");
		a->head_dim = 512;
	}
}

/* Gemma 4: full layers have wider heads, fewer keys and values, or keys that are values, too. */
static void attention_of_full(struct layers_job *j, struct attention *a)
{
	struct config_reading *r = j->r;

	if (!strcmp(r->f->type, "gemma4_text"))
		heads_of_gemma4(r, a);
	a->head_dim = CONFIG_NUMBER(r, a->head_dim, "global_head_dim");
	if (config_flag(r, r->config, "attention_k_eq_v", false)) {
		a->kv_heads = CONFIG_NUMBER(r, a->kv_heads, "num_global_key_value_heads");
		a->values = VALUES_OF_KEYS;
	}
	a->sinks |= config_flag(r, r->config, "add_full_attention_sink_bias", false);
}

static struct sparse *sparse_of(struct layers_job *j, bool shared)
{
	struct config_reading *r = j->r, inner = *r;
	struct sparse *s = arena_alloc(r->diags->arena, sizeof *s);

	s->block = s->pool = 1;
	s->shared = shared;
	if (r->f->plan == PLAN_SPARSE) {
		inner.config =
			config_mapping(r, "sparse_attention_config", NULL, "which says what is attended to");
		if (!inner.config)
			return s;
		s->block = CONFIG_NUMBER(&inner, 128, "sparse_block_size");
		s->top = s->block * CONFIG_NUMBER(&inner, 16, "sparse_topk_blocks");
		s->heads = CONFIG_NUMBER(&inner, 4, "sparse_num_index_heads");
		s->dim = CONFIG_NUMBER(&inner, 128, "sparse_index_dim");
		s->from_hidden = true;
		r->failed |= inner.failed;
		return s;
	}
	if (config_find(r->config, "indexer_n_heads")) { /* Qwen4's, with the mean of so many keys */
		s->from_hidden = true;
		s->heads = CONFIG_NUMBER(r, 0, "indexer_n_heads");
		s->dim = CONFIG_NUMBER(r, 0, "indexer_head_dim");
		s->top = CONFIG_NUMBER(r, 0, "indexer_budget");
		s->block = s->pool = CONFIG_NUMBER(r, 0, "indexer_compress_ratio");
		return s;
	}
	s->top = CONFIG_USUAL(r, 2048, "index_topk");
	s->heads = CONFIG_USUAL(r, 64, "index_n_heads");
	s->dim = CONFIG_USUAL(r, 128, "index_head_dim");
	if (config_flag(r, r->config, "index_kpool_compress",
			false)) /* GLM-5.3 chooses what shares a key together */
		s->block = s->pool = CONFIG_NUMBER(r, 1, "index_kpool");
	return s;
}

static struct compress *compress_of(struct layers_job *j, int64_t ratio)
{
	struct compress *c = arena_alloc(j->r->diags->arena, sizeof *c);

	c->ratio = ratio;
	c->overlap = ratio <= 4 ? 2 : 1; /* pairs of windows where rows are short */
	return c;
}

/* num_attention_heads_per_layer of Laguna: one number for all layers of a kind. */
static void heads_by_layer(struct layers_job *j, const struct described_layer *l, struct attention *a)
{
	struct config_reading *r = j->r;
	const struct yml *y = config_by_layer(r, "num_attention_heads_per_layer");
	int64_t heads = 0;

	if (!strcmp(r->f->type, "laguna"))
		CONFIG_NOTE_ABSENT(r, "all layers are taken to have as many heads",
				   "num_attention_heads_per_layer");
	for (int64_t i = 0; y && i < r->d->layers; i++) {
		const bool alike = j->at[i].mixer == l->mixer;
		const int64_t own =
			alike ? config_item_within(r, y, (size_t)i, "num_attention_heads_per_layer", 1, 65536)
			      : 0;

		if (own && heads && own != heads)
			config_wrong(r, y->items[i], "num_attention_heads_per_layer",
				     "as many heads as other layers of that kind have");
		heads = own ? own : heads;
	}
	a->heads = heads ? heads : a->heads;
}

static const struct attention *attention_of(struct layers_job *j, const struct described_layer *l)
{
	struct attention *a = copy(j, j->base);

	switch ((enum layer_mixer)l->mixer) {
	case LAYER_NONE:
	case LAYER_RECURRENT:
		return NULL;
	case LAYER_WINDOW:
	case LAYER_SHARED_WINDOW:
		attention_of_windows(j, a);
		break;
	case LAYER_SHARED_INDEX:
		a->sparse = sparse_of(j, true);
		break;
	case LAYER_SPARSE:
		a->sparse = sparse_of(j, false);
		break;
	default:
		attention_of_full(j, a);
	}
	if (j->r->f->plan == PLAN_COMPRESS) {
		a->window = CONFIG_USUAL(j->r, 128, "sliding_window");
		a->compress = l->ratio ? compress_of(j, l->ratio) : NULL;
	}
	heads_by_layer(j, l, a);
	a->shares_cache = a->keeps_weights = l->mixer == LAYER_SHARED_FULL || l->mixer == LAYER_SHARED_WINDOW;
	return a;
}

/* enum out_gate by `gating` of Laguna: true or "per-head", "per-element", or false; use_gqa_gate of Solar Open 2. */
static int gating_of(struct config_reading *r, int usual)
{
	static const char *const of_ling = "gated_attention_proj_granularity_type"; /* 3.0 */
	const char *key = config_find(r->config, of_ling) ? of_ling : "gating";
	const struct yml *y = config_find(r->config, key);
	const char *said = y && y->kind == YML_SCALAR ? y->text : "";

	if (!config_flag(r, r->config, "use_gqa_gate", true))
		return GATE_NONE;
	if (!y || (key != of_ling && !strcmp(said, "true")))
		return usual;
	if (str_starts(said, "per-element") || str_starts(said, "element"))
		return GATE_ELEMENT;
	if (str_starts(said, "per-head") || str_starts(said, "head"))
		return GATE_HEAD;
	if (strcmp(said, "false") != 0)
		config_wrong(r, y, key, "a gate of each head or of each element, such as 'head_wise'");
	return GATE_NONE;
}

struct attention *describe_base_attention(struct config_reading *r)
{
	const struct described *d = r->d;
	struct attention *a = arena_alloc(r->diags->arena, sizeof *a);

	*a = (struct attention){.heads = d->heads,
				.kv_heads = d->kv_heads,
				.head_dim = d->head_dim,
				.causal = true,
				.rope = config_flag(r, r->config, "use_rope", true) &&
					!(d->latent && !d->rope_dim),
				.qk_norm = d->qk_norm,
				.qk_norm_wide = d->qk_norm_wide,
				.sinks = d->sinks,
				.fused = d->fused};
	a->bias = !strcmp(d->bias, "qkvo") ? BIAS_QKVO : !strcmp(d->bias, "qkv") ? BIAS_QKV : BIAS_NONE;
	if (r->f->attention_gate && config_flag(r, r->config, "attn_output_gate", true))
		a->gate = !strcmp(r->f->attention_gate, "head") ? GATE_HEAD : GATE_ELEMENT;
	a->gate = config_flag(r, r->config, "gated_mla", true) ? gating_of(r, a->gate) : GATE_NONE;
	if (config_flag(r, r->config, "mla_use_output_gate", false))
		a->gate = GATE_ELEMENT;
	if (d->latent) {
		a->latent = arena_alloc(r->diags->arena, sizeof *a->latent);
		*a->latent = (struct latent){.q_rank = d->q_rank,
					     .kv_rank = d->kv_rank,
					     .nope_dim = d->nope_dim,
					     .rope_dim = d->rope_dim,
					     .value_dim = d->value_dim};
		return a;
	}
	if (!strcmp(r->f->type, "step3_text")) {
		CONFIG_NOTE_ABSENT(r, "queries are taken as not compressed", "share_q_dim");
		a->q_rank = CONFIG_OR_0(r, "share_q_dim");
	}
	if (r->f->plan == PLAN_FLAGS)
		CONFIG_NOTE_ABSENT(r, "taken as 'head_dim'", "v_head_dim");
	if (config_find(r->config, "v_head_dim"))
		a->value_dim = CONFIG_NUMBER(r, a->head_dim, "v_head_dim");
	if (r->f->plan == PLAN_COMPRESS) {
		a->q_rank = CONFIG_NUMBER(r, 0, "q_lora_rank");
		a->out_groups = CONFIG_NUMBER(r, 0, "o_groups");
		a->out_rank = CONFIG_NUMBER(r, 0, "o_lora_rank");
		a->values = VALUES_ARE_KEYS;
	}
	return a;
}

/* --- kinds ---------------------------------------------------------------------------------------- */

static bool alike(const struct described_layer *a, const struct described_layer *b)
{
	return a->mixer == b->mixer && a->experts == b->experts && a->inner == b->inner &&
	       a->ratio == b->ratio && a->extra == b->extra;
}

static const char *recurrence_name(const struct layers_job *j)
{
	static const char *const names[] = {
		[RECURRENT_DELTA] = "delta",         [RECURRENT_MAMBA2] = "mamba2",
		[RECURRENT_MAMBA1] = "mamba1",       [RECURRENT_RWKV] = "rwkv",
		[RECURRENT_LIGHTNING] = "lightning", [RECURRENT_CONV] = "conv"};

	return j->recurrent ? names[j->recurrent->kind] : "";
}

static const char *mixer_name(const struct layers_job *j, const struct described_layer *l)
{
	static const char *const names[LAYER_MIXERS] = {[LAYER_NONE] = "",
							[LAYER_FULL] = "full",
							[LAYER_WINDOW] = "window",
							[LAYER_SHARED_FULL] = "full_shared",
							[LAYER_SHARED_WINDOW] = "window_shared",
							[LAYER_BOTH] = "both",
							[LAYER_SHARED_INDEX] = "sparse_shared",
							[LAYER_SPARSE] = "sparse",
							[LAYER_ROWS] = "rows"};

	return l->mixer == LAYER_RECURRENT ? recurrence_name(j) : names[l->mixer];
}

/* Kinds of one mixer are told apart by their FFN. */
static const char *kind_name(const struct layers_job *j, size_t at, const struct described_layer *of,
			     size_t n)
{
	const char *mixer = mixer_name(j, &of[at]), *feed = of[at].experts ? "moe"
							    : of[at].inner ? "ffn"
									   : "none";
	struct arena *a = j->r->diags->arena;
	int same = 0, twins = 0;

	for (size_t i = 0; i < n; i++) {
		const bool mixes = i != at && !strcmp(mixer_name(j, &of[i]), mixer);

		same += mixes;
		twins += mixes && of[i].experts == of[at].experts && !of[i].inner == !of[at].inner;
	}
	if (!*mixer && !twins)
		return feed;
	if (!same)
		return mixer;
	if (!twins)
		return arena_printf(a, "%s_%s", mixer, feed);
	return arena_printf(a, "%s%s%s_%zu", mixer, *mixer ? "_" : "", feed, at);
}

static const char *blocks_of(const struct layers_job *j, const struct described_layer *l)
{
	const bool attends = l->mixer != LAYER_NONE && l->mixer != LAYER_RECURRENT,
		   recurs = l->mixer == LAYER_RECURRENT || l->mixer == LAYER_BOTH;
	const char *feed = l->experts ? "experts" : l->inner ? "ffn" : "";

	return arena_printf(j->r->diags->arena, "%s%s%s%s%s", attends ? "attention" : "",
			    attends && recurs ? " | " : "", recurs ? recurrence_name(j) : "",
			    (attends || recurs) && *feed ? (j->r->f->one_norm ? " | " : ", ") : "", feed);
}

static void make_kinds(struct layers_job *j)
{
	struct described *d = j->r->d;
	struct arena *a = j->r->diags->arena;
	unsigned char *kind_of = arena_array(a, (size_t)d->layers, 1);
	struct described_layer of[KINDS_MAX];
	size_t n = 0;

	d->kinds = arena_array(a, KINDS_MAX, sizeof *d->kinds);
	for (int64_t i = 0; i < d->layers; i++) {
		size_t k = 0;

		while (k < n && !alike(&of[k], &j->at[i]))
			k++;
		if (k == KINDS_MAX) {
			j->r->failed = true;
			diag_add(j->r->diags, j->r->config->place, NULL,
				 "config: its layers are of more than %d kinds", KINDS_MAX);
			return;
		}
		if (k == n)
			of[n++] = j->at[i];
		kind_of[i] = (unsigned char)k;
	}
	for (size_t k = 0; k < n; k++)
		d->kinds[k] = (struct described_kind){
			kind_name(j, k, of, n),
			blocks_of(j, &of[k]),
			attention_of(j, &of[k]),
			of[k].mixer == LAYER_RECURRENT || of[k].mixer == LAYER_BOTH ? j->recurrent : NULL,
			of[k].inner,
			of[k].extra};
	d->kinds_n = n;
	d->kind_of = kind_of;
}

/* The kinds of the blocks of a layer that predicts further tokens. */
static void predicting_kinds(struct layers_job *j)
{
	const struct yml *words = config_find(j->r->config, "mtp_layers_block_type");
	const char *letters = config_word(j->r->config, "mtp_hybrid_override_pattern", NULL);
	struct described *d = j->r->d;
	const int mixer = j->r->f->plan == PLAN_COMPRESS ? LAYER_WINDOW
			  : j->r->f->plan == PLAN_INDEX  ? LAYER_SPARSE
							 : LAYER_FULL;
	const struct described_layer *found = NULL;

	if (!letters && config_find(j->r->config, "mtp_hybrid_override_pattern"))
		config_wrong(j->r, config_find(j->r->config, "mtp_hybrid_override_pattern"),
			     "mtp_hybrid_override_pattern", "a text");
	if (!d->mtp_layers)
		return;
	if (letters || words) { /* "*E" */
		d->mtp_kinds = "full, moe";
		return;
	}
	for (int64_t i = 0; i < d->layers; i++) {
		if (j->at[i].mixer != mixer &&
		    !(j->r->f->plan == PLAN_TYPES && j->at[i].mixer == LAYER_SPARSE))
			continue;
		found = &j->at[i];
		d->mtp_kinds = d->kinds[d->kind_of[i]].name;
	}
	if (!found)
		d->mtp_kinds = NULL;
}

void describe_kinds(struct layers_job *j)
{
	make_kinds(j);
	if (!j->r->failed)
		predicting_kinds(j);
}
