/* check_foreign_parts.c - keys that speak of parts which a known family has not: told as left out, never passed over. */
#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/file.h"
#include "sim/base/str.h"
#include "sim/import/import.h"
#include "tests/import/imported.h"
#include "tests/suites.h"

#define FOLDER "tests/data/families/"

static const char *const added[][2] = {
	{"hc_count", "2"}, {"ngram_table_size", "1000000"}, {"engram_layers", "[1, 2]"}, {"num_loops", "2"}};

/* The notes of the import of that text; "": it is refused. */
static const char *notes_of(struct arena *a, const char *text)
{
	const char *path = arena_printf(a, "/tmp/lemursim-parts-%d.config.json", (int)getpid());
	const struct import_ask ask = {.path = path, .tool = "check"};
	struct import_result result = {0};
	struct diags diags;
	struct loader loader;
	struct err err = ERR_INIT;
	const char *out;

	MUST(file_write(path, text, strlen(text), true, &err) == 0);
	diags_init(&diags, a);
	loader_init(&loader, a, &diags);
	out = import_model(&loader, &ask, &result, &err) == 0 ? arena_strdup(a, result.text.text) : "";
	str_release(&result.text);
	unlink(path);
	return out;
}

/* Whether the text, whose layers are not said in a part of it, takes the key in silence, or says it without the key. */
static void check_file(struct arena *a, const char *text, size_t k, size_t *n)
{
	const char *brace = strchr(text, '{'), *left_out = arena_printf(a, "'%s'", added[k][0]);
	const char *with = brace ? arena_printf(a, "%.*s\"%s\": %s, %s", (int)(brace + 1 - text), text,
						added[k][0], added[k][1], brace + 1)
				 : "";
	const char *before = brace ? notes_of(a, text) : "", *after = *before ? notes_of(a, with) : "";

	if (!*before || !*after || strstr(text, "text_config"))
		return;
	(*n)++;
	ck_assert_ptr_null(strstr(before, left_out));
	ck_assert_msg(strstr(after, left_out) != NULL, "%s in %.200s", added[k][0], text);
}

/* Every shipped config with each of the keys. */
START_TEST(parts_of_few_are_told)
{
	DIR *folder = opendir(FOLDER);
	size_t n = 0;

	MUST(folder);
	for (struct dirent *e = readdir(folder); e; e = readdir(folder)) {
		struct arena a = ARENA_INIT;
		struct err err = ERR_INIT;
		char *text;
		size_t len;

		if (str_ends(e->d_name, ".json") && !strstr(e->d_name, "longcat") &&
		    !strstr(e->d_name, "loop") && !strstr(e->d_name, "V4") &&
		    file_read(&a, arena_printf(&a, FOLDER "%s", e->d_name), 1 << 22, &text, &len, &err) == 0)
			check_file(&a, text, (size_t)_i, &n);
		arena_release(&a);
	}
	closedir(folder);
	ck_assert_uint_gt(n, 20);
}
END_TEST

/* A family without latent attention with its rank, or without windows with one. */
START_TEST(other_kinds_are_told)
{
	static const char *const keys[][2] = {{"kv_lora_rank", "512"}, {"sliding_window", "1024"}};
	static const char base[] =
		"\"model_type\": \"llama\", \"hidden_size\": 4096, \"intermediate_size\": 14336, "
		"\"num_hidden_layers\": 32, \"num_attention_heads\": 32, \"num_key_value_heads\": 8, "
		"\"vocab_size\": 128256, \"max_position_embeddings\": 8192}";
	struct arena a = ARENA_INIT;
	const char *said = notes_of(&a, arena_printf(&a, "{\"%s\": %s, %s", keys[_i][0], keys[_i][1], base)),
		   *none = notes_of(&a, arena_printf(&a, "{\"%s\": null, %s", keys[_i][0], base));

	ck_assert_ptr_nonnull(strstr(said, keys[_i][0]));
	ck_assert(*none && !strstr(none, keys[_i][0]));
	arena_release(&a);
}
END_TEST

/* What generates no tokens of language is refused by what it is, with --assume too. */
static const char *const others[][2] = {
	{"\"model_type\": \"xlm-roberta\", \"hidden_size\": 1024, \"intermediate_size\": 4096, "
	 "\"num_hidden_layers\": 24, \"num_attention_heads\": 16, \"vocab_size\": 250002",
	 "'xlm-roberta' is an encoder"},
	{"\"model_type\": \"whisper\", \"d_model\": 1280", "'whisper' is a model of speech"},
	{"\"model_type\": \"clip\", \"text_config\": {\"hidden_size\": 768}",
	 "'clip' is a model of pictures"},
	{"\"model_type\": \"t5\", \"d_model\": 4096", "'t5' is an encoder and a decoder"},
	{"\"model_type\": \"llada\", \"d_model\": 4096", "'llada' is a model of diffusion"},
	{"\"_class_name\": \"UNet2DConditionModel\", \"act_fn\": \"silu\"",
	 "'UNet2DConditionModel' is a part of a diffusion pipeline"},
	{"\"peft_type\": \"LORA\", \"r\": 16", "an adapter is no model of its own"}};

START_TEST(others_are_named)
{
	struct arena a = ARENA_INIT;
	const char *text = arena_printf(&a, "{%s}", others[_i / 2][0]);
	const struct outcome x = import_text(&a, text, _i % 2);

	ck_assert(!x.right);
	ck_assert_msg(strstr(x.text, others[_i / 2][1]) != NULL, "%s", x.text);
	arena_release(&a);
}
END_TEST

/* Qwen3-Omni has towers within the part that thinks, and a model beside it that speaks. */
START_TEST(parts_within_are_told)
{
	static const char text[] =
		"{\"model_type\": \"qwen3_omni_moe\", \"thinker_config\": {\"text_config\": {\"model_type\": "
		"\"qwen3_omni_moe_text\", \"hidden_size\": 2048, \"num_hidden_layers\": 2, "
		"\"num_attention_heads\": 32, \"num_key_value_heads\": 4, \"head_dim\": 128, "
		"\"num_experts\": 8, "
		"\"num_experts_per_tok\": 2, \"moe_intermediate_size\": 768, \"intermediate_size\": 768, "
		"\"vocab_size\": 1000, \"max_position_embeddings\": 65536}, \"audio_config\": {\"d_model\": "
		"1280}, "
		"\"vision_config\": {\"depth\": 27}}, \"talker_config\": {\"text_config\": {\"hidden_size\": "
		"1024}}}";
	static const char *const parts[] = {"'audio_config'", "'vision_config'", "'talker_config'"};
	struct arena a = ARENA_INIT;
	const char *said = notes_of(&a, text);

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		ck_assert_msg(strstr(said, parts[i]) != NULL, "%s is not in\n%s", parts[i], said);
	arena_release(&a);
}
END_TEST

Suite *suite_foreign_parts(void)
{
	Suite *s = suite_create("foreign_parts");
	TCase *t = tcase_create("foreign_parts");

	tcase_add_loop_test(t, parts_of_few_are_told, 0, ARRAY_LEN(added));
	tcase_add_loop_test(t, other_kinds_are_told, 0, 2);
	tcase_add_loop_test(t, others_are_named, 0, 2 * ARRAY_LEN(others));
	tcase_add_test(t, parts_within_are_told);
	suite_add_tcase(s, t);
	return s;
}
