/*
 * check_corrupted.c - room import: a config.json with one key deleted or replaced. It is refused with the place and the key, or
 * gives the model that it gave before, or one with a note that names the key; never another model in silence.
 */
#include "tests/suites.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/file.h"
#include "sim/base/str.h"
#include "sim/import/import.h"

/* What the import of a text says: its complaints, or the model file. */
struct outcome {
	bool right;
	const char *text;
};

static struct outcome import_text(struct arena *a, const char *text)
{
	const char *path = arena_printf(a, "/tmp/lemursim-corrupted-%d.config.json", (int)getpid());
	const struct import_ask ask = {.path = path, .tool = "check"};
	struct import_result result = {0};
	struct outcome x = {0};
	struct err err = ERR_INIT;
	struct str said = STR_INIT;
	struct diags *diags = arena_alloc(a, sizeof *diags);
	struct loader loader;

	MUST(file_write(path, text, strlen(text), true, &err) == 0);
	diags_init(diags, a);
	loader_init(&loader, a, diags);
	x.right = import_model(&loader, &ask, &result, &err) == 0;
	if (!x.right)
		diags_format(diags, &said);
	x.text = x.right ? arena_strdup(a, result.text.text)
			 : arena_printf(a, "%s%s", err.msg, said.text ? said.text : "");
	str_release(&said);
	str_release(&result.text);
	unlink(path);
	return x;
}

static const char *read_text(struct arena *a, const char *path)
{
	struct err err = ERR_INIT;
	char *text;
	size_t len;

	ck_assert_msg(file_read(a, path, 1 << 20, &text, &len, &err) == 0, "%s", err.msg);
	return text;
}

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
	{LAGUNA, "intermediate_size", "0", "the width of the FFN of layers without experts, got '0'"},
	{LAGUNA, "intermediate_size", NULL, "which layer 0 needs: it has no experts"},
	{LAGUNA, "moe_intermediate_size", NULL, "'moe_intermediate_size' is missing"},
	{LAGUNA, "gating", "\"abc\"", "a gate of each head or of each element"},
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
		import_text(&a, with_value(&a, read_text(&a, path), wrongs[_i].key, wrongs[_i].value));

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
	const struct outcome foo = import_text(&a, arena_printf(&a, "%.*s\"mlp_layer_types\":[\"foo\",%s",
								(int)(types - text), text, types + 27)),
			     few = import_text(&a,
					       arena_printf(&a, "%.*s\"num_attention_heads_per_layer\":[%s",
							    (int)(heads - text), text, heads + 36));

	ck_assert_msg(!foo.right && strstr(foo.text, "expected 'sparse' or 'dense', got 'foo'"), "%s",
		      foo.text);
	ck_assert_msg(!few.right && times(few.text, "each of the 40 layers, got a list of 39") == 1, "%s",
		      few.text);
	arena_release(&a);
}
END_TEST

Suite *suite_corrupted(void)
{
	Suite *s = suite_create("corrupted");
	TCase *t = tcase_create("corrupted");

	tcase_add_loop_test(t, corrupted_keys_are_refused, 0, ARRAY_LEN(wrongs));
	tcase_add_test(t, corrupted_entries_are_refused);
	suite_add_tcase(s, t);
	return s;
}
