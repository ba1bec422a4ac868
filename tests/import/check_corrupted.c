/*
 * check_corrupted.c - room import: a config.json with one key deleted or replaced. It is refused with the place and the key, or
 * gives the model that it gave before, or one with a note that names the key; never another model in silence.
 */
#include "tests/suites.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/str.h"
#include "tests/import/imported.h"

/* The text with the value of a key replaced; value NULL: with the key under another name. */
static const char *with_value(struct arena *a, const char *text, const char *key, const char *value)
{
	const char *quoted = arena_printf(a, "\"%s\":", key), *at = strstr(text, quoted), *end;
	int depth = 0;

	ck_assert_msg(at != NULL, "%s", key);
	if (!value)
		return arena_printf(a, "%.*s\"was_%s", (int)(at - text), text, at + 1);
	at += strlen(quoted);
	for (end = at; depth > 0 || !strchr(",}", *end); end++)
		depth += (*end == '[' || *end == '{') - (*end == ']' || *end == '}');
	return arena_printf(a, "%.*s%s%s", (int)(at - text), text, value, end);
}

#define LAGUNA "laguna-xs-2.1"
#define SOLAR  "solar-open-2"
#define LING   "ling-2.5-1t"
#define LING3  "ling-3.0-flash"

static const struct {
	const char *file, *key, *value; /* value NULL: deleted */
	const char *says;
} wrongs[] = {
	{LAGUNA, "mlp_layer_types", "\"sparse\"",
	 "expected a list with an entry for each layer, got 'sparse'"},
	{LAGUNA, "mlp_layer_types", "-1", "expected a list with an entry for each layer, got '-1'"},
	{LAGUNA, "mlp_layer_types", "[]", "expected an entry for each of the 40 layers, got a list of 0"},
	{LAGUNA, "mlp_layer_types", "true", "expected a list with an entry for each layer, got 'true'"},
	{LAGUNA, "num_attention_heads_per_layer", "64", "expected a list with an entry for each layer"},
	{LAGUNA, "num_attention_heads_per_layer", "\"abc\"", "expected a list with an entry for each layer"},
	{LAGUNA, "num_attention_heads_per_layer", "[]", "each of the 40 layers, got a list of 0"},
	{LAGUNA, "intermediate_size", "0", "'intermediate_size': expected a whole number above 0, got '0'"},
	{LAGUNA, "intermediate_size", NULL, "'intermediate_size' is missing"},
	{LAGUNA, "moe_intermediate_size", NULL, "'moe_intermediate_size' is missing"},
	{LAGUNA, "gating", "\"abc\"", "a gate of each head or of each element"},
	/* numbers whose products no integer holds */
	{LAGUNA, "hidden_size", "1000000000000", "'hidden_size': expected a width that a model can have"},
	{LAGUNA, "num_hidden_layers", "1000000",
	 "'num_hidden_layers': expected 1 to 4096 layers, got '1000000'"},
	{LING, "intermediate_size", NULL, "is missing"},
	{LING, "intermediate_size", "0", "'intermediate_size': expected a whole number above 0, got '0'"},
	{LING, "moe_intermediate_size", NULL, "'moe_intermediate_size' is missing"},
	{LING, "layer_group_size", NULL,
	 "'layer_group_size' is missing, which says what layers have attention"},
	{LING3, "intermediate_size", NULL, "is missing"},
	{LING3, "moe_intermediate_size", NULL, "'moe_intermediate_size' is missing"},
	{LING3, "layer_group_size", NULL, "'layer_group_size' is missing"},
	{LING3, "short_conv_kernel_size", NULL, "'short_conv_kernel_size' is missing"},
	{LING3, "gated_attention_proj_granularity_type", "\"abc\"", "a gate of each head"},
	{LING3, "gated_attention_proj_granularity_type", "1", "a gate of each head"},
	{SOLAR, "gqa_layers", "[1,500]", "'gqa_layers': expected a whole number from 0 to 47, got '500'"},
	{SOLAR, "gqa_layers", "[1.5]", "'gqa_layers': expected a whole number from 0 to 47, got '1.5'"},
	{SOLAR, "gqa_layers", "\"abc\"", "'gqa_layers': expected a list of layers, got 'abc'"},
	{SOLAR, "gqa_layers", "1.5", "'gqa_layers': expected a list of layers, got '1.5'"},
	{SOLAR, "moe_intermediate_size", NULL, "'moe_intermediate_size' is missing"},
	{SOLAR, "linear_attn_config", NULL, "'linear_attn_config' is missing"},
	{SOLAR, "linear_attn_config", "7", "'linear_attn_config': expected a mapping, got '7'"},
};

static size_t times(const char *text, const char *part)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, part)); at++)
		n++;
	return n;
}

START_TEST(corrupted_keys_are_refused)
{
	struct arena a = ARENA_INIT;
	const char *path = arena_printf(&a, "tests/data/fresh/%s.json", wrongs[_i].file);
	const struct outcome x =
		import_text(&a, with_value(&a, read_text(&a, path), wrongs[_i].key, wrongs[_i].value), false);

	ck_assert_msg(!x.right, "%s %s: taken", wrongs[_i].file, wrongs[_i].key);
	ck_assert_msg(times(x.text, wrongs[_i].says) == 1, "%s", x.text);
	ck_assert_msg(strstr(x.text, "config.json:1:"), "%s", x.text);
	arena_release(&a);
}
END_TEST

/* One entry too few, and one that is no word of the list. */
START_TEST(corrupted_entries_are_refused)
{
	struct arena a = ARENA_INIT;
	const char *text = read_text(&a, "tests/data/fresh/" LAGUNA ".json"),
		   *types = strstr(text, "\"mlp_layer_types\":[\"dense\","),
		   *heads = strstr(text, "\"num_attention_heads_per_layer\":[48,");
	const struct outcome foo = import_text(&a,
					       arena_printf(&a, "%.*s\"mlp_layer_types\":[\"foo\",%s",
							    (int)(types - text), text, types + 27),
					       false),
			     few = import_text(&a,
					       arena_printf(&a, "%.*s\"num_attention_heads_per_layer\":[%s",
							    (int)(heads - text), text, heads + 36),
					       false);

	ck_assert_msg(!foo.right && strstr(foo.text, "expected 'sparse' or 'dense', got 'foo'"), "%s",
		      foo.text);
	ck_assert_msg(!few.right && times(few.text, "each of the 40 layers, got a list of 39") == 1, "%s",
		      few.text);
	arena_release(&a);
}
END_TEST

/* --- any key of any config --------------------------------------------------------------------------- */

/* Keys by which the model may change without a word. A flag may be the other way round, and is usually not said; a part is one
 * that a model has only where its config says so. */
static const char *const flags[] = {"attention_bias",
				    "mlp_bias",
				    "tie_word_embeddings",
				    "use_qk_norm",
				    "use_qkv_bias",
				    "use_rope",
				    "use_sliding_window",
				    "kda_use_full_proj",
				    "no_kda_lora",
				    "use_gqa_gate",
				    "mla_use_output_gate",
				    "residual_moe",
				    "latent_moe_use_norm",
				    "attention_k_eq_v",
				    "mamba_rms_norm",
				    "use_double_wide_mlp",
				    "conv_bias",
				    "moe_router_enable_expert_bias",
				    "alibi",
				    "bias",
				    "multi_query",
				    "new_decoder_architecture",
				    "parallel_attn",
				    "use_parallel_residual",
				    "add_full_attention_sink_bias",
				    "add_swa_attention_sink_bias"};
static const char *const parts[] = {
	"rope_scaling",
	/* as transformers 5 calls it */ "rope_parameters",
	"num_nextn_predict_layers",
	"mtp_num_hidden_layers",
	"moe_latent_size",
	"routed_expert_hidden_size",
	"num_kv_shared_layers",
	"mtp_hybrid_override_pattern",
	"mtp_layers_block_type",
	/* hidden by heads where it is not said */ "head_dim",
	/* dense layers as wide as it is said elsewhere */ "dense_intermediate_size",
	"sliding_window"};

static bool is_among(const char *const *keys, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(keys[i], key))
			return true;
	return false;
}

enum change { DELETED, A_STRING, NEGATIVE, EMPTY, TRUE, CHANGES };
static const char *const change_names[] = {"deleted", "a string", "-1", "[]", "true"};

static bool is_excused(const char *key, enum change change, bool nested)
{
	if (change == TRUE || change == DELETED)
		if (is_among(flags, ARRAY_LEN(flags), key))
			return true;
	/* a part of a model of several is published without what is usual */
	return change == DELETED && (nested || is_among(parts, ARRAY_LEN(parts), key));
}

struct reading {
	struct diags diags;
	struct described d;
	bool right;
	const char *written;
};

static void read_tree(struct arena *a, struct reading *r, const struct yml *config)
{
	static const struct extras none;
	struct str out = STR_INIT;

	diags_init(&r->diags, a);
	r->right = describe_hf(&r->d, config, false, &r->diags) == 0;
	if (!r->right)
		return;
	r->d.title = r->d.source = "-";
	describe_write(&r->d, &none, "check", &out);
	r->written = arena_strdup(a, out.text);
	str_release(&out);
}

/* Whether what is written is a model at all: import says what is wrong with it by its place in the text that it made. */
static bool is_model(struct arena *a, const char *text)
{
	struct source *s = arena_alloc(a, sizeof *s);
	struct diags diags;
	struct model m = {0};

	diags_init(&diags, a);
	*s = (struct source){"made", text, strlen(text)};
	return field_load(&model_table, yml_parse(a, s, &diags), "model", &m, &diags) == 0 &&
	       model_check(&m, &diags) == 0;
}

static bool has_note_on(const struct described *d, const char *key)
{
	for (size_t i = 0; i < d->notes_n; i++)
		if (strstr(d->notes[i], key))
			return true;
	return false;
}

/* The notes are comments before the model. */
static bool is_same_model(const char *a, const char *b)
{
	return !strcmp(strstr(a, "\nschema:"), strstr(b, "\nschema:"));
}

static void changed(struct arena *a, struct yml *map, const char *key, enum change change)
{
	const struct yml *old = yml_get(map, key);
	struct yml *new = change == EMPTY ? yml_new(a, YML_LIST, old->place)
					  : yml_scalar(a,
						       change == A_STRING   ? "abc"
						       : change == NEGATIVE ? "-1"
									    : "true",
						       old->place);
	const struct place place = old->place;

	new->quoted = change == A_STRING;
	yml_drop(map, key);
	if (change != DELETED)
		yml_put(a, map, key, place, new);
}

static const struct yml *text_part(const struct yml *config)
{
	const struct yml *text = yml_get(config, "text_config");

	return text && text->kind == YML_MAP ? text : config;
}

/* One change: what is wrong with its outcome, or NULL. */
static const char *wrong_with(struct arena *a, const struct yml *config, const struct reading *was,
			      const char *key, enum change change)
{
	struct yml *tree = yml_copy(a, config);
	struct yml *map = (struct yml *)text_part(tree);
	struct reading now;

	changed(a, map, key, change);
	read_tree(a, &now, tree);
	if (!now.right) {
		for (size_t i = 0; i < now.diags.n; i++)
			if (!now.diags.list[i].place.source || now.diags.list[i].place.line < 1)
				return "an error without a place";
		return now.diags.n ? NULL : "refused without an error";
	}
	if (is_same_model(was->written, now.written) || has_note_on(&now.d, key) || !is_model(a, now.written))
		return NULL;
	return is_excused(key, change, map != tree) ? NULL : "another model without a word";
}

/* Sampled by a stride that is prime to the number of changes; all with LONG=1. */
static size_t changes_of(const char *path, size_t *at, size_t stride, struct str *said)
{
	struct arena a = ARENA_INIT;
	struct diags diags;
	struct source *s = arena_alloc(&a, sizeof *s);
	struct reading was;
	const char *text = read_text(&a, path);
	const struct yml *config, *map;
	size_t made = 0;

	diags_init(&diags, &a);
	*s = (struct source){path, text, strlen(text)};
	config = yml_parse(&a, s, &diags);
	read_tree(&a, &was, config);
	map = text_part(config);
	for (size_t i = 0; was.right && i < map->n * CHANGES; i++) {
		const char *key = map->keys[i / CHANGES]->text, *wrong;

		if ((*at)++ % stride)
			continue;
		wrong = wrong_with(&a, config, &was, key, (enum change)(i % CHANGES));
		made++;
		if (wrong)
			str_addf(said, "%s: '%s' %s: %s\n", path, key, change_names[i % CHANGES], wrong);
	}
	arena_release(&a);
	return made;
}

START_TEST(no_other_model_in_silence)
{
	static const char *const folders[] = {"tests/data/fresh/*.json", "tests/data/configs/*.json",
					      "tests/data/families/*.json"};
	struct str said = STR_INIT;
	size_t at = 0, made = 0;
	glob_t files;

	ck_assert_int_eq(glob(folders[_i], 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++)
		made += changes_of(files.gl_pathv[i], &at, getenv("LONG") ? 1 : 11, &said);
	globfree(&files);
	ck_assert_uint_gt(made, 100);
	ck_assert_msg(!said.len, "%s", said.text);
	str_release(&said);
}
END_TEST

Suite *suite_corrupted(void)
{
	Suite *s = suite_create("corrupted");
	TCase *t = tcase_create("corrupted");

	tcase_add_loop_test(t, corrupted_keys_are_refused, 0, ARRAY_LEN(wrongs));
	tcase_add_test(t, corrupted_entries_are_refused);
	tcase_add_loop_test(t, no_other_model_in_silence, 0, 3);
	suite_add_tcase(s, t);
	return s;
}
