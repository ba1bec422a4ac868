/* check_model_words.c - names of models as registries, files and people spell them, and the names of others that begin alike. */
#include <ctype.h>
#include <string.h>

#include "sim/base/str.h"
#include "sim/family/model_words.h"
#include "sim/family/run_weights.h"
#include "tests/fixtures.h"
#include "tests/suites.h"

/* --- every name of the catalogue in every spelling -------------------------------------------------- */

/* "llama-3.1-8b" with each of: capitals, '_' for points, no '-' between a word and a number, ':' before its last part. */
enum { CAPITALS = 1, UNDERSCORES = 2, JOINED = 4, COLON = 8, SPELLINGS = 16 };

static const char *spelled(struct arena *a, const char *name, int how)
{
	char *out = arena_strdup(a, name), *last = strrchr(out, '-');

	if (how & COLON && last && strspn(last + 1, "0123456789.") + 1 == strlen(last + 1))
		*last = ':';
	for (char *c = out; *c; c++) {
		if (how & CAPITALS)
			*c = (char)toupper((unsigned char)*c);
		if (how & UNDERSCORES && *c == '.')
			*c = '_';
	}
	for (char *c = out; how & JOINED && *c; c++)
		if (*c == '-' && c > out && isalpha((unsigned char)c[-1]) && isdigit((unsigned char)c[1]))
			memmove(c, c + 1, strlen(c));
	return out;
}

static const char *const around[][2] = {{"", ""},
					{"org/", "-GGUF"},
					{"/models/deepseek-r1/", "-Q4_K_M.gguf"},
					{"", "-instruct-q8_0"},
					{"hf.co/x/", ":Q6_K"}};

static const char *found_as(struct model_shelf *shelf, const char *text)
{
	const struct run run = {.model = text};
	struct named_model found;
	enum run_column column;
	struct err err = ERR_INIT;

	return run_model(shelf, &run, &found, &column, &err) == 0 ? found.name : NULL;
}

START_TEST(each_spelling_is_found)
{
	struct fixture t = {.arena = ARENA_INIT};
	struct model_shelf shelf = {.loader = &t.loader};

	diags_init(&t.diags, &t.arena);
	loader_init(&t.loader, &t.arena, &t.diags);
	MUST(!found_as(&shelf, "nothing of the kind")); /* fills the shelf */
	ck_assert_uint_gt(shelf.n, 100);
	for (size_t i = 0; i < shelf.n; i++) {
		const char *text = arena_printf(&t.arena, "%s%s%s", around[_i / SPELLINGS][0],
						spelled(&t.arena, shelf.at[i].name, _i % SPELLINGS),
						around[_i / SPELLINGS][1]);
		const char *found = found_as(&shelf, text);

		ck_assert_msg(found && !strcmp(found, shelf.at[i].name), "%s is taken for %s", text,
			      found ? found : "none");
	}
	fixture_release(&t);
}
END_TEST

/* --- names that others begin with ------------------------------------------------------------------- */

static const char *const behind[] = {"-mini-instruct", "-0.5b", ":3b", "-reap-12b-a3b", "-flash"};

/* Of a name without a size. */
START_TEST(the_front_of_another_name_is_none)
{
	struct fixture t = {.arena = ARENA_INIT};
	struct model_shelf shelf = {.loader = &t.loader};
	size_t n = 0;

	diags_init(&t.diags, &t.arena);
	loader_init(&t.loader, &t.arena, &t.diags);
	MUST(!found_as(&shelf, "nothing of the kind"));
	for (size_t i = 0; i < shelf.n; i++) {
		const char *text = arena_printf(&t.arena, "%s%s", shelf.at[i].name, behind[_i]),
			   *found = found_as(&shelf, text);

		if (model_words_have_size(shelf.at[i].words))
			continue;
		n++;
		ck_assert_msg(!found || strcmp(found, shelf.at[i].name) != 0, "%s is taken for %s", text,
			      found);
	}
	ck_assert_uint_gt(n, 20);
	fixture_release(&t);
}
END_TEST

static const struct {
	const char *text, *model; /* NULL: none, or it may be several */
} names[] = {{"phi4:14b", "phi-4"},
	     {"deepseek-r1:671b", "deepseek-r1"},
	     {"deepseek-r1:8b", NULL},
	     {"deepseek-ai/DeepSeek-R1-0528-Qwen3-8B", "qwen3-8b"},
	     {"qwen3:30b", "qwen3-30b-a3b"},
	     {"gemma4:26b", "gemma-4-26b-a4b"},
	     {"meta-llama/Llama-4-Scout-17B-16E-Instruct", "llama-4-scout"},
	     {"zai-org/GLM-5.3", NULL},
	     {"llama3.2", NULL},
	     {"mistral", NULL},
	     {"glm-4.5-air:106b", "glm-4.5-air"},
	     {"Qwen3-4bit", NULL},
	     {"", NULL}};

START_TEST(names_of_the_day)
{
	struct fixture t = {.arena = ARENA_INIT};
	struct model_shelf shelf = {.loader = &t.loader};
	const char *found;

	diags_init(&t.diags, &t.arena);
	loader_init(&t.loader, &t.arena, &t.diags);
	found = found_as(&shelf, names[_i].text);
	ck_assert_msg(!found == !names[_i].model && (!found || !strcmp(found, names[_i].model)),
		      "%s is taken for %s", names[_i].text, found ? found : "none");
	fixture_release(&t);
}
END_TEST

/* A mix whose name tells another dtype is none of that dtype. */
START_TEST(mixes_of_their_own)
{
	static const char *const names_of[][2] = {
		{"Youssofal/Qwen3.6-27B-MTPLX-Optimized-Speed-FP16", "MTPLX-"},
		{"~/models/Qwen3.6-35B-A3B-UD-MLX-4bit", "UD-MLX-4bit"}};
	struct arena a = ARENA_INIT;
	const char *unknown;

	for (size_t i = 0; i < ARRAY_LEN(names_of); i++) {
		const struct run run = {.model = names_of[i][0], .tool = "mlx_lm"};

		ck_assert_int_eq(run_named_weights(&a, &run, &unknown), MIX_N);
		ck_assert(str_starts(unknown, names_of[i][1]));
	}
	arena_release(&a);
}
END_TEST

START_TEST(words_are_cut)
{
	struct arena a = ARENA_INIT;

	ck_assert_str_eq(model_words(&a, "Llama3.1:8B"), "-llama-3.1-8-b-");
	ck_assert_str_eq(model_words(&a, "..x.7._"), "-x-7-");
	ck_assert_str_eq(model_words(&a, ""), "-");
	ck_assert(model_words_have_size("-qwen-3-30-b-a-3-b-"));
	ck_assert(!model_words_have_size("-glm-a-3-b-"));
	ck_assert(!model_words_have_size("-qwen-3-4-bit-"));
	ck_assert(model_words_other_size("-8-b-", 671e9));
	ck_assert(!model_words_other_size("-106-b-a-12-b-", 110e9));
	ck_assert(!model_words_other_size("-gguf-", 671e9));
	ck_assert_ptr_null(model_words_behind("-glm-5.1-", "-glm-5-x-"));
	ck_assert_str_eq(model_words_behind("-the-phi-4-14-b-", "-phi-4-"), "-14-b-");
	ck_assert_uint_eq(model_words_in_common("-llama-3.2-", "-llama-3.2-1-b-"), 10);
	ck_assert_uint_eq(model_words_in_common("-llama-3.2-", "-llama-3.1-8-b-"), 8);
	arena_release(&a);
}
END_TEST

Suite *suite_model_words(void)
{
	Suite *s = suite_create("model_words");
	TCase *t = tcase_create("model_words");

	tcase_add_loop_test(t, each_spelling_is_found, 0, (int)ARRAY_LEN(around) * SPELLINGS);
	tcase_add_loop_test(t, the_front_of_another_name_is_none, 0, ARRAY_LEN(behind));
	tcase_add_loop_test(t, names_of_the_day, 0, ARRAY_LEN(names));
	tcase_add_test(t, words_are_cut);
	tcase_add_test(t, mixes_of_their_own);
	suite_add_tcase(s, t);
	return s;
}
