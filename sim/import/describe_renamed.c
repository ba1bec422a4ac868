/*
 * describe_renamed.c - families whose config.json has names of its own for what others call alike; see describe_layers.h.
 *
 * Their keys are added under the usual names, with the place of the value, so that the rest of the import knows one name of each
 * thing. Sources: transformers' configuration_falcon.py, configuration_bloom.py, configuration_mpt.py, configuration_gptj.py,
 * configuration_codegen.py and their modeling files, 4.57; SmallThinker's configuration_smallthinker.py as llama.cpp's
 * conversion reads it (@3f545be); Huawei's configuration_openpangu_dense.py, configuration_pangu_moe.py.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/import/describe_layers.h"

/* The copy of a config that keys are added to. */
struct renaming {
	struct config_reading *r;
	struct yml *config;
	struct family *f; /* a row of its own, which the config's flags change */
};

static void add(const struct renaming *n, const char *key, const struct yml *at, const char *text)
{
	yml_put(n->r->diags->arena, n->config, key, at->place,
		yml_scalar(n->r->diags->arena, text, at->place));
}

/* The value of one key under another name, where that is not said. */
static void rename_key(const struct renaming *n, const char *from, const char *to)
{
	const struct yml *y = config_find(n->r->config, from);

	if (y && !yml_get(n->config, to))
		yml_put(n->r->diags->arena, n->config, to, y->place, yml_copy(n->r->diags->arena, y));
}

/* So many times the hidden width, where no key says the FFN's. */
static void inner_of_hidden(const struct renaming *n, const char *key, double times)
{
	const char *hidden = config_word(n->config, key, "");
	const double h = strtod(hidden, NULL);

	if (h >= 1 && h <= 1 << 24 && times >= 0.01 && times <= 1024 &&
	    !config_find(n->config, "intermediate_size") && !config_find(n->config, "n_inner"))
		add(n, "intermediate_size", config_find(n->config, key),
		    arena_printf(n->r->diags->arena, "%.0f", times * h));
}

static void all_biased(struct family *f)
{
	f->bias = "qkvo";
	f->ffn_bias = true;
}

/* A flag of the family's own; where it is not said a note says how it is taken. */
static bool flag(const struct renaming *n, const char *key, bool def)
{
	if (!yml_get(n->r->config, key))
		describe_note(n->r->d, n->r->diags->arena, "'%s' is missing: taken as %s", key,
			      def ? "true" : "false");
	return config_flag(n->r, n->r->config, key, def);
}

/* The longest sequence under a name of its own. */
static void context_as(const struct renaming *n, const char *key)
{
	if (!config_find(n->r->config, key) && !config_find(n->r->config, "max_position_embeddings"))
		describe_note(n->r->d, n->r->diags->arena,
			      "'%s' is missing: the longest sequence is not known", key);
	rename_key(n, key, "max_position_embeddings");
}

/* One of the rows of the first generation says nothing of new_decoder_architecture: 40B's has n_head_kv. */
bool describe_has_falcon_groups(struct config_reading *r)
{
	return config_flag(r, r->config, "new_decoder_architecture",
			   config_find(r->config, "n_head_kv") != NULL);
}

static void falcon(const struct renaming *n)
{
	struct config_reading *r = n->r;
	const bool groups = describe_has_falcon_groups(r);

	rename_key(n, "ffn_hidden_size", "intermediate_size");
	inner_of_hidden(n, "hidden_size", 4);
	if (flag(n, "bias", false))
		all_biased(n->f);
	if (!groups)
		CONFIG_NOTE_ABSENT(r, "taken as false", "new_decoder_architecture", "n_head_kv");
	n->f->one_norm = groups || flag(n, "parallel_attn", true);
	if (groups) {
		CONFIG_NOTE_ABSENT(r, "each query head is taken to have keys and values of its own",
				   "num_kv_heads", "n_head_kv", "num_key_value_heads");
		rename_key(n, "num_kv_heads", "num_key_value_heads");
		rename_key(n, "n_head_kv", "num_key_value_heads");
	} else if (flag(n, "multi_query", true)) {
		add(n, "num_key_value_heads", r->config, "1");
	}
	if (flag(n, "alibi", false))
		add(n, "use_rope", r->config, "false");
}

static void bloom(const struct renaming *n)
{
	rename_key(n, "n_embed", "hidden_size");
	context_as(n, "seq_length");
	inner_of_hidden(n, "hidden_size", 4);
	add(n, "use_rope", n->r->config, "false");
}

static void keys_of_mpt_attention(const struct renaming *n, const struct yml *attention)
{
	struct config_reading *r = n->r;
	const struct yml *heads = config_find(attention, "kv_n_heads");
	const char *type = config_word(attention, "attn_type", "multihead_attention");

	if (!strcmp(type, "multiquery_attention"))
		add(n, "num_key_value_heads", attention, "1");
	else if (!strcmp(type, "grouped_query_attention") && heads)
		yml_put(r->diags->arena, n->config, "num_key_value_heads", heads->place,
			yml_copy(r->diags->arena, heads));
	else if (strcmp(type, "multihead_attention") != 0)
		config_wrong(r, config_find(attention, "attn_type"), "attn_type",
			     "multihead_attention, multiquery_attention or grouped_query_attention");
	n->f->qk_norm = n->f->qk_norm_wide = config_flag(r, attention, "qk_ln", false);
	if (config_find(attention, "sliding_window_size") &&
	    config_word(attention, "sliding_window_size", "")[0] != '-')
		describe_note(r->d, r->diags->arena,
			      "'sliding_window_size': a window is taken as full attention");
}

static void mpt(const struct renaming *n)
{
	struct config_reading *r = n->r;
	const struct yml *attention = config_find(r->config, "attn_config"),
			 *ratio = config_find(r->config, "expansion_ratio");
	const bool said = attention && attention->kind == YML_MAP;
	char *end = NULL;
	const double times = ratio && ratio->kind == YML_SCALAR ? strtod(ratio->text, &end) : 4;

	CONFIG_NOTE_ABSENT(r,
			   "attention is taken to have a head of keys for each query, and positions a table",
			   "attn_config");
	CONFIG_NOTE_ABSENT(r, "taken as 4", "expansion_ratio");
	if (attention && !said)
		config_wrong(r, attention, "attn_config", "a mapping");
	if (ratio && !(end && !*end && times >= 0.01 && times <= 1024))
		config_wrong(r, ratio, "expansion_ratio", "a number up to 1024");
	if (!flag(n, "no_bias", true)) {
		all_biased(n->f);
		n->f->norm_bias = true;
	}
	context_as(n, "max_seq_len");
	inner_of_hidden(n, "d_model", times);
	if (said)
		keys_of_mpt_attention(n, attention);
	n->f->learned_positions = flag(n, "learned_pos_emb", true) &&
				  !(said && config_flag(r, attention, "alibi", false)) &&
				  !(said && config_flag(r, attention, "rope", false));
	if (!(said && config_flag(r, attention, "rope", false)))
		add(n, "use_rope", r->config, "false");
}

static void gptj(const struct renaming *n)
{
	context_as(n, "n_positions");
	inner_of_hidden(n, "n_embd", 4);
}

/* Entry 1 of `from` is a layer with a window. */
static void windows_of(const struct renaming *n, const char *from)
{
	const struct yml *y = config_by_layer(n->r, from);
	struct arena *a = n->r->diags->arena;
	struct yml *types;

	if (!y)
		return;
	types = yml_new(a, YML_LIST, y->place);
	types->items = arena_array(a, y->n, sizeof *types->items);
	for (size_t i = 0; i < y->n; i++) {
		const int64_t is = config_item_within(n->r, y, i, from, 0, 1);

		types->items[types->n++] =
			yml_scalar(a, is > 0 ? "sliding_attention" : "full_attention", y->items[i]->place);
	}
	yml_put(a, n->config, "layer_types", y->place, types);
}

static void smallthinker(const struct renaming *n)
{
	rename_key(n, "moe_num_primary_experts", "num_experts");
	rename_key(n, "moe_num_active_primary_experts", "num_experts_per_tok");
	rename_key(n, "moe_ffn_hidden_size", "moe_intermediate_size");
	rename_key(n, "moe_layer_layout", "moe_layer_freq");
	rename_key(n, "ffn_hidden_size", "intermediate_size");
	CONFIG_NOTE_ABSENT(n->r, "all layers are taken to have full attention", "sliding_window_layout");
	CONFIG_NOTE_ABSENT(n->r, "all layers are taken to have experts", "moe_layer_layout");
	config_number(n->r, "num_hidden_layers", &n->r->d->layers);
	windows_of(n, "sliding_window_layout");
}

/* A number of a mapping within under a usual name; the mapping must be there. */
static void rename_within(const struct renaming *n, const char *map, const char *key, const char *to)
{
	const struct yml *within = config_mapping(n->r, map, NULL, "which says how wide its layers are"),
			 *y = config_find(within, key);

	if (y)
		yml_put(n->r->diags->arena, n->config, to, y->place, yml_copy(n->r->diags->arena, y));
}

/* mlx_lm's dbrx.py: FFN and attention say their widths in mappings of their own. */
static void dbrx(const struct renaming *n)
{
	rename_within(n, "attn_config", "kv_n_heads", "num_key_value_heads");
	if (n->r->failed)
		return;
	rename_within(n, "ffn_config", "ffn_hidden_size", "moe_intermediate_size");
	if (n->r->failed)
		return;
	rename_within(n, "ffn_config", "moe_num_experts", "num_experts");
	rename_within(n, "ffn_config", "moe_top_k", "num_experts_per_tok");
	context_as(n, "max_seq_len");
}

/* mlx_lm's plamo.py: so many query heads share a key, the last of them perhaps fewer. */
static void plamo(const struct renaming *n)
{
	struct config_reading *r = n->r;
	const int64_t heads = CONFIG_NUMBER(r, 0, "num_attention_heads"),
		      share = CONFIG_NUMBER(r, 8, "n_shared_head");

	CONFIG_NOTE_ABSENT(r, "8 query heads are taken to share a key", "n_shared_head");
	add(n, "num_key_value_heads",
	    config_find(r->config, "n_shared_head") ? config_find(r->config, "n_shared_head") : r->config,
	    arena_printf(r->diags->arena, "%lld", (long long)((heads + share - 1) / share)));
}

/* RedPajama's is sequential; both forms have two norms (modeling_gpt_neox.py). */
static void neox(const struct renaming *n)
{
	n->f->one_norm = flag(n, "use_parallel_residual", true);
}

static void pangu(const struct renaming *n)
{
	CONFIG_NOTE_ABSENT(n->r, "attention is taken to have no biases", "bias", "attention_bias");
	rename_key(n, "bias", "attention_bias");
}

static const struct {
	const char *type;
	void (*keys)(const struct renaming *n);
} renamings[] = {{"falcon", falcon},
		 {"bloom", bloom},
		 {"mpt", mpt},
		 {"gptj", gptj},
		 {"smallthinker", smallthinker},
		 {"PanguEmbedded", pangu},
		 {"gpt_neox", neox},
		 {"dbrx", dbrx},
		 {"plamo", plamo}};

void describe_renamed(struct config_reading *r)
{
	for (size_t i = 0; i < ARRAY_LEN(renamings); i++) {
		struct renaming n = {.r = r};

		if (strcmp(renamings[i].type, r->f->type) != 0)
			continue;
		n.f = arena_alloc(r->diags->arena, sizeof *n.f);
		*n.f = *r->f;
		n.config = yml_copy(r->diags->arena, r->config);
		renamings[i].keys(&n);
		if (r->top == r->config)
			r->top = n.config;
		r->config = n.config;
		r->f = n.f;
		return;
	}
}
