/*
 * describe_layers.c - a config.json whose layers are of several kinds.
 *
 * Each layer's mixer and FFN are told first, by the family's plan; layers that are alike become one kind.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/import/describe_layers.h"

static void all_layers(struct layers_job *j, enum layer_mixer mixer)
{
	for (int64_t i = 0; i < j->r->d->layers; i++)
		j->at[i].mixer = (unsigned char)mixer;
}

/* --- which mixer a layer has ---------------------------------------------------------------------- */

static bool mixer_named(const char *name, unsigned char *mixer)
{
	static const struct {
		const char *name;
		enum layer_mixer mixer;
	} names[] = {{"full_attention", LAYER_FULL},
		     {"attention", LAYER_FULL},
		     {"full", LAYER_FULL},
		     {"sliding_attention", LAYER_WINDOW},
		     {"sliding_window", LAYER_WINDOW},
		     {"chunked_attention", LAYER_WINDOW},
		     {"linear_attention", LAYER_RECURRENT},
		     {"deepseek_sparse_attention", LAYER_SPARSE},
		     {"indexed_attention", LAYER_SPARSE},
		     {"qwen_sparse_attention", LAYER_SPARSE},
		     {"hybrid_indexed", LAYER_SPARSE},
		     {"mamba", LAYER_RECURRENT},
		     {"conv", LAYER_RECURRENT},
		     {"moe", LAYER_NONE},
		     {"mlp", LAYER_NONE}};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(names[i].name, name) != 0)
			continue;
		*mixer = (unsigned char)names[i].mixer;
		return true;
	}
	return false;
}

/* Which layers of a family with a recurrence have attention is nobody's guess; where all layers have it, a window may be
 * meant. */
static void say_what_is_assumed(struct config_reading *r, const int64_t every)
{
	static const char *const keys[] = {"full_attention_interval", "sliding_window_pattern",
					   "_sliding_window_pattern", "layer_group_size", "no_rope_layers"};
	const bool windows = config_find(r->config, "sliding_window") != NULL;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (config_find(r->config, keys[i]))
			return;
	if (r->f->mixer && !r->f->full_every) {
		config_missing(r,
			       r->f->mixer == MIXES_BAILING ? "layer_group_size"
			       : r->f->mixer == MIXES_KDA   ? "gqa_layers"
							    : "layer_types",
			       NULL, "which says what layers have attention");
	} else if (every > 1 && (windows || r->f->mixer)) {
		describe_note(r->d, r->diags->arena,
			      "'layer_types' is missing: one layer in %lld is taken to have full attention",
			      (long long)every);
	} else if (every == 1 && windows) {
		describe_note(r->d, r->diags->arena,
			      "'layer_types' is missing: all layers are taken to have full attention");
	}
}

/* Without a list: each so many-th layer sees everything, the others have the family's other mixer. */
static void every_so_many(struct layers_job *j)
{
	struct config_reading *r = j->r;
	const struct yml *said = config_find(r->config, "no_rope_layers"); /* []: not said */
	const struct yml *nope = said && said->kind == YML_LIST && !said->n
					 ? NULL
					 : config_by_layer(r, "no_rope_layers"); /* 0: full */
	const int64_t every =
		CONFIG_NUMBER(r, r->f->full_every ? r->f->full_every : 1, "full_attention_interval",
			      "sliding_window_pattern", "_sliding_window_pattern");
	const enum layer_mixer other = r->f->mixer ? LAYER_RECURRENT : LAYER_WINDOW;
	/* Cohere's dense layers come first, with a rhythm of their own */
	const int64_t own = CONFIG_OR_0(r, "prefix_dense_sliding_window_pattern");
	const int64_t first = own ? r->d->first_dense : 0;
	/* of Ling: the last layer of each group, and those that make no whole one */
	const int64_t group = CONFIG_OR_0(r, "layer_group_size"),
		      grouped = group ? r->d->layers / group * group : 0;

	say_what_is_assumed(r, every);
	for (int64_t i = 0; i < r->d->layers; i++) {
		const bool full = group       ? (i + 1) % group == 0 || i >= grouped
				  : nope      ? !strcmp(config_item(nope, (size_t)i), "0")
				  : i < first ? (i + 1) % own == 0
					      : (i - first + 1) % every == 0;

		j->at[i].mixer = (unsigned char)(full ? LAYER_FULL : other);
	}
}

/* gqa_interval of Solar Open 2: so many layers between two that have attention, the first of which has it. */
static bool by_interval(struct layers_job *j)
{
	const int64_t between = CONFIG_OR_0(j->r, "gqa_interval");

	for (int64_t i = 0; between && i < j->r->d->layers; i++)
		j->at[i].mixer = (unsigned char)(i % (between + 1) ? LAYER_RECURRENT : LAYER_FULL);
	return between > 0;
}

/* The layers of that list, counted from `first` on, have attention. */
static void attention_at(struct layers_job *j, const struct yml *list, const char *key, int64_t first)
{
	if (list->kind != YML_LIST || !list->n) {
		config_wrong(j->r, list, key, "a list of layers");
		return;
	}
	all_layers(j, LAYER_RECURRENT);
	for (size_t i = 0; i < list->n; i++) {
		const int64_t at = config_item_within(j->r, list, i, key, first, j->r->d->layers - 1 + first);

		if (at >= first)
			j->at[at - first].mixer = LAYER_FULL;
	}
}

/* "full_attn_idxs" of LFM2, "gqa_layers" of Solar Open 2, "attn_layer_indices" of Bamba: the layers that have attention. */
static bool by_indices(struct layers_job *j)
{
	static const char *const keys[] = {"full_attn_idxs", "gqa_layers", "attn_layer_indices"};

	for (size_t i = 0; j->r->f->mixer && i < ARRAY_LEN(keys); i++) {
		const struct yml *y = config_find(j->r->config, keys[i]);

		if (!y)
			continue;
		attention_at(j, y, keys[i], 0);
		return true;
	}
	return j->r->f->mixer && by_interval(j);
}

/* attn_type_list of MiniMax: 1 is softmax, 0 lightning attention. */
static bool by_numbers(struct layers_job *j)
{
	const struct yml *y = config_by_layer(j->r, "attn_type_list");

	if (j->r->f->mixer != MIXES_LIGHTNING || !y)
		return false;
	for (int64_t i = 0; i < j->r->d->layers; i++)
		j->at[i].mixer = config_item_within(j->r, y, (size_t)i, "attn_type_list", 0, 1)
					 ? LAYER_FULL
					 : LAYER_RECURRENT;
	return true;
}

/* A layer that mixes as its family cannot: without a recurrence, or without an indexer. */
static bool is_foreign(const struct config_reading *r, int mixer)
{
	return (mixer == LAYER_RECURRENT && !r->f->mixer) ||
	       (mixer == LAYER_SPARSE && !config_find(r->config, "indexer_n_heads") &&
		!(r->f->latent && config_find(r->config, "index_topk")));
}

/* Qwen4's files call layers whose indexer has keys full ones. */
static void full_is_sparse(struct layers_job *j)
{
	if (strcmp(j->r->f->type, "qwen4_exp_text") != 0 || !config_find(j->r->config, "indexer_n_heads"))
		return;
	for (int64_t i = 0; i < j->r->d->layers; i++)
		if (j->at[i].mixer == LAYER_FULL)
			j->at[i].mixer = LAYER_SPARSE;
}

static void by_types(struct layers_job *j)
{
	struct config_reading *r = j->r;
	const struct yml *types = config_by_layer(r, "layer_types");

	if (!types)
		types = config_by_layer(r, "layers_block_type");
	if (r->f->mixer == MIXES_RWKV) {
		all_layers(j, LAYER_RECURRENT);
	} else if (!strcmp(r->f->type, "falcon_h1")) {
		all_layers(j, LAYER_BOTH);
	} else if (!types) {
		if (!by_numbers(j) && !by_indices(j))
			every_so_many(j);
	} else {
		for (int64_t i = 0; i < r->d->layers; i++)
			if (!mixer_named(config_item(types, (size_t)i), &j->at[i].mixer) ||
			    is_foreign(r, j->at[i].mixer))
				config_wrong(r, types->items[i], "layer_types",
					     "a kind of attention or mixer");
	}
}

static void by_nothing(struct layers_job *j)
{
	all_layers(j, LAYER_RECURRENT);
}

static void wrong_letter(struct config_reading *r, const struct yml *words, int64_t layer)
{
	const struct yml *y = config_find(r->config, "hybrid_override_pattern");

	if (words)
		config_wrong(r, words->items[layer], "layers_block_type", "mamba, attention, moe or mlp");
	else if (y)
		config_wrong(r, y, "hybrid_override_pattern", "M, *, - or E for each layer");
	else if (!config_find(r->config, "layers_block_type"))
		config_missing(r, "hybrid_override_pattern", NULL, "which says what each layer is");
}

/* One block in each layer: M Mamba-2, * attention, - FFN, E experts; or the same in words. */
static void by_letters(struct layers_job *j)
{
	struct config_reading *r = j->r;
	const struct yml *words = config_by_layer(r, "layers_block_type");
	const struct yml *list = config_find(r->config, "hybrid_override_pattern");
	const char *letters = config_word(r->config, "hybrid_override_pattern", "");

	for (int64_t i = 0; i < r->d->layers; i++) {
		const char *word = words ? config_item(words, (size_t)i) : "";
		const char *letter =
			list && list->kind == YML_LIST ? config_item(list, (size_t)i) : letters + i;
		const char c = words ? (!strcmp(word, "mamba")       ? 'M'
					: !strcmp(word, "attention") ? '*'
					: !strcmp(word, "moe")       ? 'E'
					: !strcmp(word, "mlp")       ? '-'
								     : '?')
				     : *letter;

		if (!strchr("M*E-", c) || !c) {
			wrong_letter(r, words, i);
			return;
		}
		j->at[i].mixer = c == 'M' ? LAYER_RECURRENT : c == '*' ? LAYER_FULL : LAYER_NONE;
		j->at[i].experts = c == 'E';
		j->at[i].inner = c == '-' ? r->d->inner : 0;
	}
}

static void by_flags(struct layers_job *j)
{
	const struct yml *y = config_by_layer(j->r, "hybrid_layer_pattern");

	if (!config_find(j->r->config, "hybrid_layer_pattern"))
		config_missing(j->r, "hybrid_layer_pattern", NULL, "which says what layers have a window");

	for (int64_t i = 0; i < j->r->d->layers; i++)
		j->at[i].mixer = y && !strcmp(config_item(y, (size_t)i), "1") ? LAYER_WINDOW : LAYER_FULL;
}

static void by_lists(struct layers_job *j)
{
	const struct yml *lists = config_find(j->r->config, "linear_attn_config");
	const struct yml *full = config_find(lists, "full_attn_layers");

	if (full)
		attention_at(j, full, "full_attn_layers", 1);
	else if (lists)
		config_missing(j->r, "linear_attn_config.full_attn_layers", NULL,
			       "which says what layers have attention");
}

static void by_periods(struct layers_job *j)
{
	struct config_reading *r = j->r;
	const int64_t period = CONFIG_NUMBER(r, 8, "attn_layer_period"),
		      offset = config_find(r->config, "attn_layer_offset")
				       ? CONFIG_OR_0(r, "attn_layer_offset")
				       : 4,
		      moe = CONFIG_NUMBER(r, 2, "expert_layer_period"),
		      from = config_find(r->config, "expert_layer_offset")
				     ? CONFIG_OR_0(r, "expert_layer_offset")
				     : 1;

	for (int64_t i = 0; i < r->d->layers; i++) {
		j->at[i].mixer = i % period == offset ? LAYER_FULL : LAYER_RECURRENT;
		j->at[i].experts = r->d->experts > 1 && i >= from && (i - from) % moe == 0;
		j->at[i].inner = j->at[i].experts ? 0 : r->d->inner;
	}
}

/* inner = 2 mult h / 3, rounded up to 256 (llama.cpp conversion of DeciLM). */
static int64_t nas_inner(const struct config_reading *r, const struct yml *ffn)
{
	const double mult = strtod(config_word(ffn, "ffn_mult", "0"), NULL);
	const int64_t n = (int64_t)(2 * mult * (double)r->d->hidden / 3);

	return mult > 0 && mult <= 64 ? (n + 255) / 256 * 256 : 0;
}

/* Each layer of a searched model has its own heads and widths, or lacks a block. */
static void by_blocks(struct layers_job *j)
{
	struct config_reading *r = j->r;
	const struct yml *y = config_by_layer(r, "block_configs");
	int64_t group = 0;

	for (int64_t i = 0; y && i < r->d->layers; i++) {
		const struct yml *attention = config_find(y->items[i], "attention"),
				 *ffn = config_find(y->items[i], "ffn");
		const int64_t own =
			(int64_t)strtoll(config_word(attention, "n_heads_in_group", "0"), NULL, 10);

		j->at[i].mixer = config_flag(r, attention, "no_op", false) ? LAYER_NONE : LAYER_FULL;
		j->at[i].inner = config_flag(r, ffn, "no_op", false) ? 0 : nas_inner(r, ffn);
		if (own && group && own != group)
			config_wrong(r, config_find(attention, "n_heads_in_group"), "n_heads_in_group",
				     "the same number in all layers");
		group = own ? own : group;
	}
	if (group && j->base->heads % group == 0)
		j->base->kv_heads = j->base->heads / group;
}

/* 0: the window alone; a ratio with an indexer up to 4, without above. */
static void by_ratios(struct layers_job *j)
{
	const struct yml *y = config_by_layer(j->r, "compress_ratios");

	for (int64_t i = 0; y && i < j->r->d->layers; i++) {
		const int64_t ratio = strtoll(config_item(y, (size_t)i), NULL, 10);

		j->at[i].ratio = ratio;
		j->at[i].mixer = !ratio ? LAYER_WINDOW : ratio <= 4 ? LAYER_SPARSE : LAYER_ROWS;
	}
	if (!y) {
		j->r->failed = true;
		diag_add(j->r->diags, j->r->config->place, NULL, "config: 'compress_ratios' is missing");
	}
}

/* Without indexer_types: files for a million positions share an index between four layers behind the
 * third (llama.cpp src/models/glm-dsa.cpp). */
static void by_index(struct layers_job *j)
{
	struct config_reading *r = j->r;
	const struct yml *types = config_by_layer(r, "indexer_types");
	const bool hy = !types && !strcmp(r->f->type, "hy_v4"),
		   shares = hy || (!types && !strcmp(r->f->type, "glm_moe_dsa") && r->d->context >= 1048576);

	for (int64_t i = 0; i < r->d->layers; i++) {
		const bool shared = types ? !strcmp(config_item(types, (size_t)i), "shared")
				    : hy  ? i && (i - 1) % 4 != 0
					  : shares && i >= 3 && (i - 2) % 4 != 0;

		j->at[i].mixer = shared ? LAYER_SHARED_INDEX : LAYER_SPARSE;
	}
	if (shares)
		describe_note(r->d, r->diags->arena,
			      "'indexer_types' is missing: layers share an index as in %s",
			      hy ? "Hy4" : "GLM-5.2");
}

static void by_frequency(struct layers_job *j)
{
	const struct yml *config = config_mapping(j->r, "sparse_attention_config", NULL,
						  "which says what layers attend to blocks"),
			 *y = config_find(config, "sparse_attention_freq");

	for (int64_t i = 0; i < j->r->d->layers; i++)
		j->at[i].mixer = y && y->kind == YML_LIST && !strcmp(config_item(y, (size_t)i), "1")
					 ? LAYER_SPARSE
					 : LAYER_FULL;
}

/* The last layers use the cache of the last one of their kind that has its own. */
static void share_caches(struct layers_job *j)
{
	const struct described *d = j->r->d;
	const int64_t shared = CONFIG_OR_0(j->r, "num_kv_shared_layers");

	for (int64_t i = d->layers > shared ? d->layers - shared : 0; shared && i < d->layers; i++)
		j->at[i].mixer = j->at[i].mixer == LAYER_FULL ? LAYER_SHARED_FULL : LAYER_SHARED_WINDOW;
}

static void mixers(struct layers_job *j)
{
	static void (*const plans[])(struct layers_job *) = {
		[PLAN_TYPES] = by_types,     [PLAN_LETTERS] = by_letters, [PLAN_FLAGS] = by_flags,
		[PLAN_LISTS] = by_lists,     [PLAN_PERIODS] = by_periods, [PLAN_BLOCKS] = by_blocks,
		[PLAN_COMPRESS] = by_ratios, [PLAN_INDEX] = by_index,     [PLAN_SPARSE] = by_frequency,
		[PLAN_SCANS] = by_nothing};

	plans[j->r->f->plan](j);
	full_is_sparse(j);
	share_caches(j);
}

/* --- which layers have experts -------------------------------------------------------------------- */

static bool listed(const char *numbers, int64_t layer) /* "3,4,5": layer is among them */
{
	for (const char *at = numbers; *at; at += strspn(at, ", ")) {
		char *end;

		if (strtoll(at, &end, 10) == layer && end != at)
			return true;
		if (end == at)
			return false;
		at = end;
	}
	return false;
}

static bool has_experts(struct config_reading *r, int64_t layer)
{
	const struct described *d = r->d;
	const struct yml *freq = config_find(r->config, "moe_layer_freq"),
			 *types = config_find(r->config, "mlp_layer_types"),
			 *chosen = config_find(r->config, "moe_layers_enum"),
			 *flags = config_find(r->config, "is_moe_layer"),
			 *list = config_find(r->config, "moe_layers");

	if (!d->experts)
		return false;
	if (!strcmp(r->f->type, "longcat_flash")) /* two layers of ours are one of its */
		return layer % 2 == 0;
	if (freq && freq->kind == YML_LIST)
		return !strcmp(config_item(freq, (size_t)layer), "1");
	if (flags && flags->kind == YML_LIST)
		return !strcmp(config_item(flags, (size_t)layer), "true");
	if (types && types->kind == YML_LIST)
		return !strcmp(config_item(types, (size_t)layer), "sparse");
	if (chosen && chosen->kind == YML_SCALAR)
		return listed(chosen->text, layer);
	if (list && list->kind == YML_LIST && list->n) {
		for (size_t i = 0; i < list->n; i++)
			if (strtoll(config_item(list, i), NULL, 10) == layer)
				return true;
		return false;
	}
	return layer >= d->first_dense && (layer - d->first_dense) % d->every == d->every - 1;
}

/* A layer without experts needs a width, which is not said or 0. */
static void no_width(struct config_reading *r, int64_t layer)
{
	const struct yml *y = config_find(r->config, "intermediate_size");

	if (y && y->kind == YML_SCALAR)
		config_wrong(r, y, "intermediate_size", "the width of the FFN of layers without experts");
	else if (!y)
		config_missing(r, "intermediate_size", NULL,
			       arena_printf(r->diags->arena, "which layer %lld needs: it has no experts",
					    (long long)layer));
}

static void feeds(struct layers_job *j)
{
	struct config_reading *r = j->r;
	const bool wide = config_flag(r, r->config, "use_double_wide_mlp", false);
	const struct yml *said = config_find(r->config, "intermediate_size"),
			 *inner = said && said->kind == YML_LIST /* Gemma 3n: a list */
					  ? config_by_layer(r, "intermediate_size")
					  : NULL;

	if (r->f->plan == PLAN_LETTERS || r->f->plan == PLAN_BLOCKS || r->f->plan == PLAN_PERIODS ||
	    r->f->plan == PLAN_SCANS)
		return;
	for (int64_t i = 0; i < r->d->layers; i++) {
		struct described_layer *l = &j->at[i];
		const bool shared = l->mixer == LAYER_SHARED_FULL || l->mixer == LAYER_SHARED_WINDOW;

		l->experts = has_experts(r, i);
		l->inner = l->experts ? 0 : r->d->inner * (wide && shared ? 2 : 1);
		if (inner && !l->experts)
			l->inner = config_item_within(r, inner, (size_t)i, "intermediate_size", 1, 1 << 30);
		if (!l->experts && l->inner < 1) {
			no_width(r, i);
			return;
		}
	}
}

void describe_layers(struct config_reading *r)
{
	struct layers_job j = {.r = r,
			       .at = arena_array(r->diags->arena, (size_t)r->d->layers, sizeof *j.at)};

	j.base = describe_base_attention(r);
	j.recurrent = describe_recurrence(r);
	mixers(&j);
	feeds(&j);
	describe_extras(&j);
	if (!r->failed)
		describe_kinds(&j);
}
