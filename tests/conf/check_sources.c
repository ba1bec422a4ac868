/* check_sources.c - room conf: sources of figures by key, both ways. */
#include "tests/suites.h"

#include <string.h>

#include "sim/conf/sources.h"

static struct arena arena;
static struct diags diags;

static void begin(void)
{
	arena = (struct arena)ARENA_INIT;
	diags_init(&diags, &arena);
}

static void end(void)
{
	arena_release(&arena);
}

static struct yml *read(const char *text)
{
	struct source *source = arena_alloc(&arena, sizeof *source);
	struct yml *tree;

	*source = (struct source){"x.yaml", text, strlen(text)};
	tree = yml_parse(&arena, source, &diags);
	ck_assert_ptr_nonnull(tree);
	sources_resolve(&arena, tree, &diags);
	return tree;
}

static const char *source_of(const struct yml *tree, const char *key)
{
	return yml_get(yml_get(tree, key), "source")->text;
}

START_TEST(a_key_stands_for_its_text)
{
	const struct yml *tree = read("a: {value: 1, source: page}\n"
				      "b: [{source: page}, {source: \"page\"}]\n"
				      "c: {source: measured here}\n"
				      "sources:\n  page: \"a page, 3 May 2026\"\n");

	ck_assert_uint_eq(diags.total, 0);
	ck_assert_str_eq(source_of(tree, "a"), "a page, 3 May 2026");
	ck_assert_str_eq(yml_get(yml_get(tree, "b")->items[1], "source")->text, "a page, 3 May 2026");
	ck_assert_str_eq(source_of(tree, "c"), "measured here");
	ck_assert_ptr_null(yml_get(tree, "sources"));
}
END_TEST

START_TEST(a_slip_is_seen)
{
	static const struct {
		const char *text, *msg, *hint;
	} cases[] = {
		{"a: {source: pagee}\nb: {source: page}\nsources: {page: x}\n",
		 "'pagee' is not in the file's list of sources", "did you mean 'page'?"},
		{"a: {source: page}\nsources: {page: x, other: y}\n",
		 "no figure of this file has the source 'other'", "take it out, or name it in a figure"},
		{"a: 1\nsources: page\n", "sources: expected a mapping, got text",
		 "write sources: {KEY: \"where it comes from\"}"},
		{"a: {source: page}\nsources: {page: [x]}\n", "sources: expected text, got a list", NULL},
	};

	read(cases[_i].text);
	ck_assert_uint_eq(diags.total, 1);
	ck_assert_str_eq(diags.list[0].msg, cases[_i].msg);
	if (cases[_i].hint)
		ck_assert_str_eq(diags.list[0].hint, cases[_i].hint);
}
END_TEST

/* A long source of one figure and a short one of two, one with quotes in it, and a key that is taken. */
static const char plain[] = "a: {value: 1 GB/s, how: measured, source: \"somebody's page of \\\"figures\\\" "
			    "with a title so long that it "
			    "does not fit beside the number\"}\n"
			    "b: {value: 2 GB/s, how: datasheet, source: \"twice\"}\n"
			    "c: {value: 3 GB/s, how: datasheet, source: \"twice\"}\n"
			    "d: {value: 4 GB/s, how: datasheet, source: \"once\"}\n"
			    "e: {value: 5 GB/s, how: measured, source: \"somebody's page of \\\"figures\\\" "
			    "with another title, as long, "
			    "that does not fit  either\"}\n";

START_TEST(texts_become_keys_and_back)
{
	struct str listed = STR_INIT, twice = STR_INIT;
	const struct yml *before = read(plain), *after;

	sources_list(plain, &listed);
	ck_assert_ptr_nonnull(strstr(listed.text, "b: {value: 2 GB/s, how: datasheet, source: twice}\n"));
	ck_assert_ptr_nonnull(strstr(listed.text, "d: {value: 4 GB/s, how: datasheet, source: \"once\"}\n"));
	after = read(arena_strdup(&arena, listed.text));
	ck_assert_uint_eq(diags.total, 0);
	for (size_t i = 0; i < before->n; i++)
		ck_assert_str_eq(source_of(after, before->keys[i]->text),
				 source_of(before, before->keys[i]->text));
	for (const char *line = listed.text; *line; line += strcspn(line, "\n") + 1)
		ck_assert_uint_le(strcspn(line, "\n"), SOURCES_COLUMNS);
	sources_list(listed.text, &twice); /* nothing is left to do */
	ck_assert_str_eq(listed.text, twice.text);
	str_release(&listed);
	str_release(&twice);
}
END_TEST

START_TEST(a_list_is_added_to)
{
	struct str once = STR_INIT, more = STR_INIT;

	sources_list("a: {source: \"twice said\"}\nb: {source: \"twice said\"}\nc: {source: twice-said}\n"
		     "sources:\n  twice-said: \"another text\"\n",
		     &once);
	str_add(&more, "a: {source: twice-said-2}\nb: {source: twice-said-2}\nc: {source: twice-said}\n"
		       "sources:\n  twice-said: \"another text\"\n  twice-said-2: \"twice said\"\n");
	ck_assert_str_eq(once.text, more.text);
	str_release(&once);
	str_release(&more);
}
END_TEST

Suite *suite_sources(void)
{
	Suite *s = suite_create("sources");
	TCase *t = tcase_create("list");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, a_key_stands_for_its_text);
	tcase_add_loop_test(t, a_slip_is_seen, 0, 4);
	tcase_add_test(t, texts_become_keys_and_back);
	tcase_add_test(t, a_list_is_added_to);
	suite_add_tcase(s, t);
	return s;
}
