/* check_plain.c - the reader of plain YAML gives the tree of libyaml, places included, or leaves the text to it. */
#include "tests/suites.h"

#include <string.h>

#include "sim/base/file.h"
#include "sim/conf/load.h"
#include "sim/conf/yml_plain.h"

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

static void same(const struct yml *a, const struct yml *b)
{
	const struct place p = a->place, q = b->place;

	ck_assert_int_eq(a->kind, b->kind);
	ck_assert_int_eq(a->quoted, b->quoted);
	ck_assert_pstr_eq(a->text, b->text);
	ck_assert_msg(p.line == q.line && p.col == q.col && p.width == q.width,
		      "%s: %d:%d, %d wide, by libyaml %d:%d, %d wide", p.source->path, p.line, p.col, p.width,
		      q.line, q.col, q.width);
	ck_assert_uint_eq(a->n, b->n);
	ck_assert_uint_eq(a->weight, b->weight);
	ck_assert_uint_eq(a->height, b->height);
	ck_assert_int_eq(a->keys != NULL, b->keys != NULL);
	for (size_t i = 0; i < a->n; i++) {
		if (a->keys)
			same(a->keys[i], b->keys[i]);
		same(a->items[i], b->items[i]);
	}
}

/* Reads a text both ways; returns whether it is plain. */
static bool both(const struct source *source)
{
	const struct yml *plain = yml_plain(&arena, source);
	const struct yml *any = yml_parse_any(&arena, source, &diags);

	ck_assert_msg(!plain || (any && !diags.total), "plain, but not for libyaml: %s", source->text);
	if (plain)
		same(plain, any);
	return plain != NULL;
}

static const char *const texts[] = {
	"a: 1\nb: 2 # comment\n\n# another\nc:   3  \n",
	"a:\n  b:\n    c: 1\n  d: 2\ne: 3",
	"- a\n- b: 1\n  c: 2\n-   - d\n    - e\n-\n  f: 1\n",
	"a:\n- 1\n- b: 2\n  c:\n  - 3\nd: 4\n",
	"a: {b: 1, \"c d\": [1, -2, x y], e: {}, f: [], }\n",
	"a: {b: 1,\n  c: [2, # two\n3,\n4]\n  , d: 'it''s'}\n",
	"a: 'q'\nb: \"r # s\"\nc: ''\n",
	"a: one\n  two three  \n  four\nb: 'one  \n  two'\nc: \"one\ntwo\"\n",
	"a:\n  one\n  two\nb: x:y #z\nc: http://x.y/z#w\n",
	"a: ~\nb: null\nc: Null\nd: nul\ne: 'null'\ng: -1\nh: --x\n",
	"[a, [b, {c: d\n e}], 'f\n g']",
	"{a: b}",
	"x",
	"118 GB/s",
	"'x' # y",
	"\"llama.cpp\": {\"read\": 1}\n'b' : 2\n",
	"a: [1, 2] # x\nb: {c: 1} \n",
	"a: x\n  # comment\nb: y\n",
	"  a: 1\n  b: 2\n",
};

START_TEST(plain_texts)
{
	const struct source source = {"x.yaml", texts[_i], strlen(texts[_i])};

	ck_assert(both(&source));
}
END_TEST

/* Left to libyaml, which reads some of them and reports what is wrong with the others. */
static const char *const others[] = {
	"",
	"# only\n",
	"a:\n",
	"a: 1\na: 2\n",
	"a: &x 1\nb: *x\n",
	"a: !t 1\n",
	"a: |\n  x\n",
	"a: >\n  x\n",
	"---\na: 1\n",
	"a: 1\n...\n",
	"%YAML 1.1\n---\na: 1\n",
	"a: \"\\n\"\n",
	"a: 'x\n",
	"a: {b: 1\n",
	"a: [1, 2\n",
	"a: b: c\n",
	"a: - b\n",
	"a: 1\n b: 2\n",
	"  a: 1\nb: 2\n",
	"- a\nb: 1\n",
	"a: [b: c]\n",
	"a: {b}\n",
	"a: x\n\n  y\n",
	"a: @b\n",
	"? a\n: b\n",
	"<<: x\n",
	"~: x\n",
	"a: {b: 1} c\n",
	"a: 'b' c\n",
	"a: 'b'#c\n",
	"a\nb: c\n",
	"a: [?x]\n",
	"a: [b:]\n",
	"- \n- a\n",
	"a: [,]\n",
	"a: 1\n- b\n",
	"a:\n  - b\n  c: 1\n",
	"'a\n b': c\n",
	"{a: 1}: b\n",
	"a: [1]\n]\n",
};

START_TEST(other_texts)
{
	const struct source source = {"x.yaml", others[_i], strlen(others[_i])};

	ck_assert(!both(&source));
}
END_TEST

START_TEST(nested)
{
	struct str text = STR_INIT;
	struct source source = {.path = "x.yaml"};

	for (int i = 0; i < _i; i++)
		str_add(&text, "[");
	for (int i = 0; i < _i; i++)
		str_add(&text, "]");
	source.text = text.text;
	source.len = text.len;
	ck_assert_int_eq(both(&source), _i <= YML_DEPTH - 2);
	str_release(&text);
}
END_TEST

/* What is shipped is plain, so that a look into the catalogue is quick. */
START_TEST(shipped)
{
	static const char *const folders[] = {"hardware", "models", "scenarios"};
	struct loader loader;
	struct load_found *found;
	size_t n, plain = 0;

	loader_init(&loader, &arena, &diags);
	n = load_list(&loader, ".", folders[_i], &found);
	ck_assert_uint_gt(n, 10);
	for (size_t i = 0; i < n; i++) {
		struct source source = {.path = found[i].path};
		struct err err = ERR_INIT;
		char *text;

		ck_assert_int_eq(file_read(&arena, source.path, LOAD_FILE_MAX, &text, &source.len, &err), 0);
		source.text = text;
		plain += both(&source);
	}
	ck_assert_uint_gt(plain * 5, n * 4);
}
END_TEST

Suite *suite_plain(void)
{
	Suite *s = suite_create("plain");
	TCase *t = tcase_create("plain");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_loop_test(t, plain_texts, 0, ARRAY_LEN(texts));
	tcase_add_loop_test(t, other_texts, 0, ARRAY_LEN(others));
	tcase_add_loop_test(t, nested, YML_DEPTH - 4, YML_DEPTH + 2);
	tcase_add_loop_test(t, shipped, 0, 3);
	suite_add_tcase(s, t);
	return s;
}
