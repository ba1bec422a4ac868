/* check_yml_plain.c - room conf: the reader of plain files makes the trees that libyaml's events make. */
#include "tests/suites.h"

#include <string.h>

#include "sim/base/file.h"
#include "sim/base/rng.h"
#include "sim/conf/load.h"
#include "sim/conf/yml_plain.h"
#include "tests/conf/yml_same.h"

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

/* Whether the text is read as plain; then libyaml has to read the same. A text of other bytes than YAML's comes to neither. */
static bool is_plain(const char *path, const char *text, size_t len)
{
	struct arena scratch = ARENA_INIT;
	const struct source source = {path, text, len};
	const struct yml *plain = NULL, *any;
	struct str said = STR_INIT;

	diags_init(&diags, &scratch);
	if (yml_parse(&scratch, &source, &diags))
		plain = yml_read_plain(&scratch, &source);
	diags_init(&diags, &scratch);
	any = plain ? yml_read_any(&scratch, &source, &diags) : NULL;
	diags_format(&diags, &said);
	if (plain && (!any || diags.total || !yml_same(plain, any)))
		ck_abort_msg("%s is read otherwise than by libyaml:\n%s\n%.*s", path, said.text, (int)len,
			     text);
	str_release(&said);
	arena_release(&scratch);
	return plain != NULL;
}

static bool text_is_plain(const char *text)
{
	return is_plain("text", text, strlen(text));
}

static size_t files(const char *folder, struct load_found **found)
{
	struct loader l;

	loader_init(&l, &arena, &diags);
	return load_list(&l, ".", folder, found);
}

static char *read_file(const char *path, size_t *len)
{
	struct err err = ERR_INIT;
	char *text;

	ck_assert_int_eq(file_read(&arena, path, LOAD_FILE_MAX, &text, len, &err), 0);
	return text;
}

static const char *const folders[] = {"hardware", "models", "scenarios", "tests"};

START_TEST(every_file_is_the_same)
{
	struct load_found *found;
	const size_t n = files(folders[_i], &found);
	size_t plain = 0;

	for (size_t i = 0; i < n; i++) {
		size_t len;
		const char *text = read_file(found[i].path, &len);

		plain += is_plain(found[i].path, text, len);
	}
	ck_assert_uint_gt(n, 10);
	if (strcmp(folders[_i], "tests") != 0) /* whose files are bad for a purpose */
		ck_assert_uint_gt(plain * 10, n * 8);
}
END_TEST

/* Signs that YAML gives a meaning, put into files at any place, and lines that are cut and moved. */
START_TEST(so_is_every_file_that_was_changed)
{
	static const char signs[] = " \n:-#,[]{}'\"&*!|>%?\\\t~ax\xc3\xa9";
	enum { CHANGES = 40, LEN_MOST = 6000 };
	struct rng *r = rng_new((uint64_t)_i, "yml");
	struct load_found *found;
	const size_t n = files(folders[_i], &found);
	size_t plain = 0, all = 0;

	for (size_t i = 0; i < n; i++) {
		size_t len;
		char *const text = read_file(found[i].path, &len);

		len = len > LEN_MOST ? LEN_MOST : len;
		for (int k = 0; k < CHANGES && len; k++) {
			const size_t at = (size_t)(rng_uniform(r) * (double)len);
			const char kept = text[at];

			text[at] = signs[(size_t)(rng_uniform(r) * (double)(sizeof signs - 1))];
			plain += is_plain(found[i].path, text, len);
			all++;
			if (k % 4) /* some changes stay, so that several meet */
				text[at] = kept;
		}
	}
	ck_assert_uint_gt(plain * 20, all);
	rng_free(r);
}
END_TEST

START_TEST(forms_that_are_plain)
{
	static const char *const texts[] = {
		"a: 1\n",
		"a:\nb: ~\n",
		"a: # none\n  b: x#y # z\n",
		"a:\n- b: 1\n  c: 2\n- d\nb: 3\n",
		"a:\n  - {b: [1, 2], \"c d\": 'e'}\n",
		"a: {b: 1,\n  c: [x,\n y]}\n",
		"a:\n  {b: 1}\n",
		"a: \"one  \n   two\"\nb: c\n",
		"\"\xc3\xa9\": \xe2\x80\x94 x\nb: \"\xc3\xa9\n  \xc3\xa9\" # c",
		"{\"a\": [], \"b\": {}}",
		"- a\n- b: c\n",
	};

	MUST(text_is_plain(texts[_i]));
}
END_TEST

START_TEST(forms_that_are_left_to_libyaml)
{
	static const char *const texts[] = {
		"",
		"# nothing\n",
		"a: &b 1\n",
		"a: *b\n",
		"a: !t 1\n",
		"a: |\n  x\n",
		"a: one\n  two\n",
		"a: b: c\n",
		"a: 1\na: 2\n",
		"a:\n    b: 1\n  c: 2\n",
		"a: [1, 2\n",
		"a: [1, 2] x\n",
		"a: \"x\\n\"\n",
		"a: 'it''s'\n",
		"a: \"x\n\n  y\"\n",
		"a:\tb\n",
		"---\na: 1\n",
		"a: 1\n...\n",
		"<<: 1\n",
		"? a\n: b\n",
		"a\n",
		"a: 1\r\nb: 2\r\n",
		"a: x\xc2\x85y\n",
		"a: {b: , c: 1}\n",
		"a: {b: 1 c: 2}\n",
		"- - a\n",
		"~: 1\n",
	};

	MUST(!text_is_plain(texts[_i]));
}
END_TEST

Suite *suite_yml_plain(void)
{
	Suite *s = suite_create("yml_plain");
	TCase *t = tcase_create("readers");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_loop_test(t, every_file_is_the_same, 0, ARRAY_LEN(folders));
	tcase_add_loop_test(t, so_is_every_file_that_was_changed, 0, ARRAY_LEN(folders));
	tcase_add_loop_test(t, forms_that_are_plain, 0, 11);
	tcase_add_loop_test(t, forms_that_are_left_to_libyaml, 0, 27);
	suite_add_tcase(s, t);
	return s;
}
