/* check_conf.c - room conf: trees and their places, merging, field tables, --set, finding files. */
#include "tests/suites.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/conf/field.h"
#include "sim/conf/load.h"
#include "tests/folder.h"

static struct arena arena;
static struct diags diags;
static struct loader loader;
static struct str out;

static void begin(void)
{
	arena = (struct arena)ARENA_INIT;
	out = (struct str)STR_INIT;
	diags_init(&diags, &arena);
	loader_init(&loader, &arena, &diags);
}

static void end(void)
{
	str_release(&out);
	arena_release(&arena);
}

static struct yml *parse_n(const char *text, size_t len)
{
	struct source *source = arena_alloc(&arena, sizeof *source);

	*source = (struct source){"x.yaml", text, len};
	return yml_parse(&arena, source, &diags);
}

static struct yml *parse(const char *text)
{
	return parse_n(text, strlen(text));
}

/* "a.0.b"; a number counts in a list. */
static const struct yml *at(const struct yml *y, const char *path)
{
	while (y && *path) {
		const size_t len = strcspn(path, ".");
		const size_t i = (size_t)atoi(path);

		y = y->kind == YML_LIST ? (i < y->n ? y->items[i] : NULL)
					: yml_get(y, arena_strndup(&arena, path, len));
		path += len + (path[len] == '.');
	}
	return y;
}

static const char *json_of(const struct yml *y)
{
	struct jsonw w;

	str_clear(&out);
	jsonw_init(&w, &out, 0);
	field_json(y, &w);
	return out.text;
}

static const char *first_message(void)
{
	return diags.n ? diags.list[0].msg : "";
}

static const struct {
	const char *text, *path;
	enum yml_kind kind;
	int line, col, width;
} places[] = {
	{"a: b", "a", YML_SCALAR, 1, 4, 1},
	{"a: hello world  # c", "a", YML_SCALAR, 1, 4, 11},
	{"a: 'two words'", "a", YML_SCALAR, 1, 4, 11},
	{"a:", "a", YML_NULL, 1, 3, 1},
	{"a: ~", "a", YML_NULL, 1, 4, 1},
	{"a: '~'", "a", YML_SCALAR, 1, 4, 3},
	{"a:\n  b:\n    - c\n    - dd", "a.b.1", YML_SCALAR, 4, 7, 2},
	{"a:\n  b:\n    - c\n    - dd", "a.b", YML_LIST, 3, 5, 1},
	{"a: {b: [1, 22]}", "a.b.1", YML_SCALAR, 1, 12, 2},
	{"a: {b: [1, 22]}", "a.b", YML_LIST, 1, 8, 1},
	{"{\"a\": {\"b\": 1}}", "a", YML_MAP, 1, 7, 1},
	{"\xc3\xa9\xe8\xb1\xa1: \xc3\xa9t\xc3\xa9", "\xc3\xa9\xe8\xb1\xa1", YML_SCALAR, 1, 5, 3},
	{"\xef\xbb\xbf"
	 "a: b",
	 "a", YML_SCALAR, 1, 4, 1},
	{"a: 1\r\nb: 2\r\n", "b", YML_SCALAR, 2, 4, 1},
	{"a: 1\rb: 2\r", "b", YML_SCALAR, 2, 4, 1},
	{"a: |\n  two\n  lines\nb: 1", "a", YML_SCALAR, 1, 4, 1},
	{"a: &x {b: 1}\nc: *x", "c.b", YML_SCALAR, 1, 11, 1}, /* an alias tells where it was written */
};

START_TEST(yml_place)
{
	const struct yml *tree = parse(places[_i].text), *y = at(tree, places[_i].path);

	ck_assert_msg(tree && y, "%s: %s", places[_i].text, first_message());
	ck_assert_int_eq(y->kind, places[_i].kind);
	ck_assert_int_eq(y->place.line, places[_i].line);
	ck_assert_int_eq(y->place.col, places[_i].col);
	ck_assert_int_eq(y->place.width, places[_i].width);
	ck_assert_uint_eq(diags.total, 0);
}
END_TEST

static const struct {
	const char *text;
	int line, col;
	const char *msg;
} refused[] = {
	{"", 0, 0, "the file is empty"},
	{"# a\n", 0, 0, "the file is empty"},
	{"a: 1\na: 2", 2, 1, "key 'a' is repeated; first given at line 1"},
	{"{a: 1, b: {c: 1, c: 2}}", 1, 18, "key 'c' is repeated; first given at line 1"},
	{"a: b: c", 1, 5, "a ':' is not expected here"},
	{"a: \"b\nc: d", 1, 4, "the quote that opens here is never closed"},
	{"a:\n\tb: 1", 2, 1, "found character that cannot start any token while scanning for the next token"},
	{"a: b\nc\nd: e", 2, 1, "expected 'key: value'"},
	{"a: *b", 1, 4, "this alias names nothing that is complete before it"},
	{"a: &b [*b]", 1, 8, "this alias names nothing that is complete before it"},
	{"a: &b {}\n<<: *b", 2, 1, "merge keys '<<' are not supported"},
	{"a: !!str 7", 1, 4, "tags such as '!x' are not supported"},
	{"%TAG ! x:\n--- a", 1, 1, "%TAG is not supported"},
	{"a: 1\n---\nb: 2", 2, 1, "a file holds one document, this starts a second"},
	{"[a]: 1", 1, 1, "a key must be plain text"},
	{"a: \"\\0\"", 1, 4, "text may not hold a NUL character"},
	{"a: \"\\e\"", 1, 4, "text may not hold the control character 0x1b"},
	{"a: \x01", 1, 4, "the control character 0x01 is not allowed"},
	{"a: \xc2\x9b", 1, 4, "the control character 0x9b is not allowed"},
	{"a:\n- \xff", 2, 3, "this byte (0xff) is not UTF-8"},
	{"a: \xef\xbf\xbe", 1, 4, "the character U+FFFE is not allowed"},
};

START_TEST(yml_refused)
{
	parse(refused[_i].text);
	ck_assert_uint_eq(diags.total, 1);
	ck_assert_str_eq(first_message(), refused[_i].msg);
	ck_assert_int_eq(diags.list[0].place.line, refused[_i].line);
	ck_assert_int_eq(diags.list[0].place.col, refused[_i].col);
}
END_TEST

START_TEST(yml_nul_byte)
{
	ck_assert_ptr_null(parse_n("a: b\0c", 6));
	ck_assert_str_eq(first_message(), "a NUL character is not allowed");
	ck_assert_int_eq(diags.list[0].place.col, 5);
}
END_TEST

static const struct {
	int levels;
	bool fine;
} nestings[] = {{1, true}, {YML_DEPTH, true}, {YML_DEPTH + 1, false}, {1000, false}};

START_TEST(yml_depth)
{
	str_pad(&out, '[', (size_t)nestings[_i].levels);
	str_pad(&out, ']', (size_t)nestings[_i].levels);
	ck_assert_int_eq(parse(out.text) != NULL, nestings[_i].fine);
	ck_assert_uint_eq(diags.total, !nestings[_i].fine);
}
END_TEST

START_TEST(yml_depth_by_alias)
{
	str_add(&out, "a: &a ");
	str_pad(&out, '[', 40);
	str_pad(&out, ']', 40);
	str_add(&out, "\nb: ");
	str_pad(&out, '[', 23);
	str_add(&out, _i ? "[*a]" : "*a");
	str_pad(&out, ']', 23);
	ck_assert_int_eq(parse(out.text) != NULL, !_i);
}
END_TEST

START_TEST(yml_nodes) /* the list is a node too */
{
	str_add(&out, "[");
	for (int i = 0; i < YML_NODES - 1 + _i; i++)
		str_add(&out, "1,");
	str_add(&out, "]");
	ck_assert_int_eq(parse(out.text) != NULL, !_i);
}
END_TEST

START_TEST(yml_nodes_by_alias)
{
	static const char bomb[] = "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
				   "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\n"
				   "e: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e]\n"
				   "g: [*f,*f,*f,*f,*f,*f,*f,*f]\n";

	ck_assert_ptr_null(parse(bomb));
	ck_assert_str_eq(first_message(), "the file has too many nodes once aliases are followed");
}
END_TEST

START_TEST(yml_alias_is_a_copy)
{
	struct yml *tree = parse("a: &x {b: 1}\nc: *x");

	ck_assert_int_eq(load_set(&loader, tree, "a.b=2"), 0);
	ck_assert_str_eq(json_of(tree), "{\"a\":{\"b\":\"2\"},\"c\":{\"b\":\"1\"}}");
}
END_TEST

static const struct {
	const char *base, *over, *want;
} merges[] = {
	{"a: 1", "b: 2", "{\"a\":\"1\",\"b\":\"2\"}"},
	{"a: 1", "a: 2", "{\"a\":\"2\"}"},
	{"a: {b: 1, c: 2}", "a: {c: 3, d: 4}", "{\"a\":{\"b\":\"1\",\"c\":\"3\",\"d\":\"4\"}}"},
	{"a: [1, 2]", "a: [3]", "{\"a\":[\"3\"]}"},
	{"a: {b: 1}", "a: 5", "{\"a\":\"5\"}"},
	{"a: 5", "a: {b: 1}", "{\"a\":{\"b\":\"1\"}}"},
	{"a: 1\nb: 2", "a: null", "{\"b\":\"2\"}"},
	{"a: {b: 1, c: 2}", "a: {b: ~}", "{\"a\":{\"c\":\"2\"}}"},
	{"a: 1", "b: null", "{\"a\":\"1\"}"},
	{"a: 1", "{}", "{\"a\":\"1\"}"},
	{"a: 1", "7", "\"7\""},
	{"a: {value: 1, sd: 2}", "a: {value: 3}", "{\"a\":{\"value\":\"3\"}}"}, /* another number's spread */
	{"a: {value: 1, sd: 2}", "a: {sd: 3}", "{\"a\":{\"value\":\"1\",\"sd\":\"3\"}}"},
	{"b: 1\na: 2", "a: 3\nb: 4", "{\"b\":\"4\",\"a\":\"3\"}"}, /* the base's order stays */
};

START_TEST(yml_merged)
{
	const struct yml *base = parse(merges[_i].base), *over = parse(merges[_i].over);

	ck_assert_str_eq(json_of(yml_merge(&arena, base, over)), merges[_i].want);
}
END_TEST

/* ---- diags ---- */

static const struct {
	const char *text;
	struct place place;
	const char *want;
} shown[] = {
	{"abc\ndef\n", {NULL, 2, 2, 2}, "x.yaml:2:2: m\n    2 | def\n      |  ^~\n  hint: h\n"},
	{"abc", {NULL, 1, 3, 9}, "x.yaml:1:3: m\n    1 | abc\n      |   ^\n  hint: h\n"},
	{"a\tb\r\n", {NULL, 1, 3, 1}, "x.yaml:1:3: m\n    1 | a b\n      |   ^\n  hint: h\n"},
	{"a\rb", {NULL, 2, 1, 1}, "x.yaml:2:1: m\n    2 | b\n      | ^\n  hint: h\n"},
	{"\xff\x1b[1m", {NULL, 1, 1, 1}, "x.yaml:1:1: m\n    1 | ? [1m\n      | ^\n  hint: h\n"},
	{"\xc3\xa9"
	 "b",
	 {NULL, 1, 2, 1},
	 "x.yaml:1:2: m\n    1 | \xc3\xa9"
	 "b\n      |  ^\n  hint: h\n"},
	{"a", {NULL, 0, 0, 0}, "x.yaml: m\n  hint: h\n"},
	{"a", {NULL, 5, 1, 1}, "x.yaml:5:1: m\n    5 | \n      | ^\n  hint: h\n"},
};

START_TEST(diag_shown)
{
	const struct source source = {"x.yaml", shown[_i].text, strlen(shown[_i].text)};
	struct place place = shown[_i].place;

	place.source = &source;
	diag_add(&diags, place, "h", "m");
	diags_format(&diags, &out);
	ck_assert_str_eq(out.text, shown[_i].want);
}
END_TEST

/* What two results of one row lack alike is listed once, and is an error each time. */
START_TEST(diag_said_again)
{
	const struct source source = {"x.yaml", "ab", 2};

	for (int col = 1; col <= 2; col++)
		for (int i = 0; i < 2; i++)
			ck_assert_int_eq(diag_add(&diags, (struct place){&source, 1, col, 1}, NULL, "m"), -1);
	diag_add(&diags, (struct place){&source, 1, 2, 1}, NULL, "other");
	ck_assert_uint_eq(diags.total, 5);
	ck_assert_uint_eq(diags.n, 3);
	diags_format(&diags, &out);
	ck_assert_ptr_null(strstr(out.text, "more"));
}
END_TEST

START_TEST(diag_long_line) /* the caret stays under its place, within a hundred columns */
{
	char text[1001];
	struct source source = {"x.yaml", text, 1000};
	const char *line, *caret;

	memset(text, '.', sizeof text);
	text[1000] = '\0';
	text[_i] = '!';
	diag_add(&diags, (struct place){&source, 1, _i + 1, 500}, NULL, "m");
	diags_format(&diags, &out);
	line = strchr(out.text, '\n') + 1;
	caret = strchr(line, '\n') + 1;
	ck_assert_int_eq(line[strcspn(caret, "^")], '!');
	ck_assert_uint_le(strlen(caret), 110);
}
END_TEST

START_TEST(diag_too_many)
{
	for (int i = 0; i < DIAG_MAX + 3; i++)
		ck_assert_int_eq(diag_add(&diags, (struct place){0}, NULL, "no. %d", i), -1);
	ck_assert_uint_eq(diags.n, DIAG_MAX);
	diags_format(&diags, &out);
	ck_assert_ptr_nonnull(strstr(out.text, "no. 19\n... and 3 more\n"));
}
END_TEST

START_TEST(diag_safe) /* what a file says does not reach the terminal as it is */
{
	diag_add(&diags, (struct place){0}, "a\nb", "got '%s'", "\x1b[2J\xff\xc2\x9b");
	ck_assert_str_eq(diags.list[0].msg, "got ' [2J? '");
	ck_assert_str_eq(diags.list[0].hint, "a b");
}
END_TEST

/* ---- field tables ---- */

enum { ONE, TWO, THREE };
static const char *const words[] = {"one", "two", "three", NULL};

struct inner {
	struct origin origin;
	int64_t count;
};

struct thing {
	struct origin origin;
	const char *text, *optional;
	int64_t count, tokens;
	bool flag;
	double number;
	struct qty rate;
	int choice;
	struct field_list texts, doubles, list, map;
	struct field_range range;
	struct inner table;
	struct inner *maybe;
	const struct yml *yml;
};

static const struct field inner_fields[] = {
	{FIELD_KEY(struct inner, count), .type = FIELD_COUNT, .min = 1, .max = 9, .def = "3", .help = "h"},
};
static const struct table inner_table = {"inner", sizeof(struct inner), inner_fields, 1};

static const struct field thing_fields[] = {
	{FIELD_KEY(struct thing, text), .type = FIELD_TEXT, .help = "its text"},
	{FIELD_KEY(struct thing, optional), .type = FIELD_TEXT, .optional = true, .help = "h"},
	{FIELD_KEY(struct thing, count), .type = FIELD_COUNT, .min = -5, .max = 5, .def = "1", .help = "h"},
	{FIELD_KEY(struct thing, tokens), .type = FIELD_COUNT, .dim = DIM_TOKENS, .def = "512 tok",
	 .help = "h"},
	{FIELD_KEY(struct thing, flag), .type = FIELD_BOOL, .def = "false", .help = "h"},
	{FIELD_KEY(struct thing, number), .type = FIELD_DOUBLE, .dim = DIM_TIME, .min = 0, .max = 1,
	 .def = "2 ms", .help = "h"},
	{FIELD_KEY(struct thing, rate), .type = FIELD_QTY, .dim = DIM_BANDWIDTH, .min = 1, .max = 1e12,
	 .optional = true, .help = "h"},
	{FIELD_KEY(struct thing, choice), .type = FIELD_CHOICE, .choices = words, .def = "two", .help = "h"},
	{FIELD_KEY(struct thing, texts), .type = FIELD_TEXTS, .optional = true, .help = "h"},
	{FIELD_KEY(struct thing, doubles), .type = FIELD_DOUBLES, .dim = DIM_SHARE, .optional = true,
	 .help = "h"},
	{FIELD_KEY(struct thing, list), .type = FIELD_LIST, .sub = &inner_table, .max = 2, .optional = true,
	 .help = "h"},
	{FIELD_KEY(struct thing, map), .type = FIELD_MAP, .sub = &inner_table, .optional = true, .help = "h"},
	{FIELD_KEY(struct thing, range), .type = FIELD_RANGE, .optional = true, .help = "h"},
	{FIELD_KEY(struct thing, table), .type = FIELD_TABLE, .sub = &inner_table, .def = NULL,
	 .optional = true, .help = "h"},
	{FIELD_KEY(struct thing, maybe), .type = FIELD_MAYBE, .sub = &inner_table, .optional = true,
	 .help = "h"},
	{FIELD_KEY(struct thing, yml), .type = FIELD_YML, .optional = true, .help = "h"},
};
static const struct table thing_table = {"thing", sizeof(struct thing), thing_fields,
					 ARRAY_LEN(thing_fields)};

static int load(const char *text, struct thing *t)
{
	struct yml *tree = parse(text);

	memset(t, 0, sizeof *t);
	ck_assert_msg(tree != NULL, "%s", first_message());
	return field_load(&thing_table, tree, "x", t, &diags);
}

START_TEST(field_each_type)
{
	struct thing t;

	ck_assert_msg(
		load("text: hi\ncount: -5\ntokens: 1 Ktok\nflag: yes\nnumber: 30 us\nrate: 5 GB/s\n"
		     "choice: three\ntexts: [a, b]\ndoubles: [70 %, 0.3]\nlist: [{}, {count: 4}]\n"
		     "map: {p: {count: 5}}\nrange: 3-9\ntable: {count: 6}\nmaybe: {count: 7}\nyml: [z]\n",
		     &t) == 0,
		"%s", first_message());
	ck_assert_str_eq(t.origin.name, "x");
	ck_assert_str_eq(t.text, "hi");
	ck_assert_ptr_null(t.optional);
	ck_assert_int_eq(t.count, -5);
	ck_assert_int_eq(t.tokens, 1024);
	ck_assert(t.flag);
	ck_assert_double_eq_tol(t.number, 30e-6, 1e-19);
	ck_assert(t.rate.given);
	ck_assert_double_eq(t.rate.value, 5e9);
	ck_assert_int_eq(t.choice, THREE);
	ck_assert_uint_eq(t.texts.n, 2);
	ck_assert_str_eq(((const char **)t.texts.at)[1], "b");
	ck_assert_double_eq_tol(((double *)t.doubles.at)[0], 0.7, 1e-15);
	ck_assert_uint_eq(t.list.n, 2);
	ck_assert_int_eq(((struct inner *)t.list.at)[0].count, 3);
	ck_assert_int_eq(((struct inner *)t.list.at)[1].count, 4);
	ck_assert_str_eq(((struct inner *)t.map.at)[0].origin.name, "p");
	ck_assert_int_eq(t.range.first, 3);
	ck_assert_int_eq(t.range.last, 9);
	ck_assert_int_eq(t.table.count, 6);
	ck_assert_int_eq(t.maybe->count, 7);
	ck_assert_int_eq(t.yml->kind, YML_LIST);
}
END_TEST

START_TEST(field_defaults) /* taken, and marked in the tree */
{
	struct thing t;
	const struct yml *tree;

	ck_assert_int_eq(load("text: hi", &t), 0);
	tree = t.origin.node;
	ck_assert_int_eq(t.count, 1);
	ck_assert_int_eq(t.tokens, 512);
	ck_assert(!t.flag && !t.rate.given && !t.maybe && !t.yml);
	ck_assert_double_eq(t.number, 2e-3);
	ck_assert_int_eq(t.choice, TWO);
	ck_assert_int_eq(t.range.first, -1);
	ck_assert(!yml_get(tree, "text")->is_default);
	ck_assert(yml_get(tree, "number")->is_default);
	ck_assert_ptr_null(yml_get(tree, "rate"));
	field_show(tree, &out);
	ck_assert_ptr_nonnull(strstr(out.text, "text: hi "));
	ck_assert_ptr_nonnull(strstr(out.text, "# x.yaml:1\n"));
	ck_assert_ptr_nonnull(strstr(out.text, "number: 2 ms "));
	ck_assert_ptr_nonnull(strstr(out.text, "# default\n"));
}
END_TEST

#define KEYS                                                                                                 \
	"its keys are text, optional, count, tokens, flag, number, rate, choice, texts, doubles, list, "     \
	"map, range, table, "                                                                                \
	"maybe, yml"
static const struct {
	const char *text, *msg, *hint;
} wrong[] = {
	{"text: t\na: 1", "thing 'x': unknown key 'a'", KEYS},
	{"text: ''", "thing 'x': text: the text is empty", "text: its text"},
	{"text: [a]", "thing 'x': text: expected text, got a list", "text: its text"},
	{"text:", "thing 'x': text: expected a value, got nothing", "text: its text"},
	{"txt: a", "thing 'x': unknown key 'txt'", "did you mean 'text'?"},
	{"{}", "thing 'x': key 'text' is missing", "text: its text"},
	{"count: 6", "thing 'x': count: '6' is out of range: from -5 to 5 is allowed", "count: h"},
	{"count: 1.5", "thing 'x': count: expected a whole number, got '1.5'", "count: h"},
	{"count: 1 tok", "thing 'x': count: expected a whole number, got '1 tok'", "count: h"},
	{"count: 9223372036854775808",
	 "thing 'x': count: '9223372036854775808' is out of range: from -5 to 5 is allowed", "count: h"},
	{"tokens: 5", "thing 'x': tokens: expected a unit such as 'tok' after the number in '5'",
	 "write it like '512 tok'"},
	{"tokens: 0.5 tok", "thing 'x': tokens: expected a whole number of tokens, got '0.5 tok'",
	 "tokens: h"},
	{"flag: 1", "thing 'x': flag: unknown choice '1'", "one of: false, true, no, yes"},
	{"number: 2 s", "thing 'x': number: '2 s' is out of range: from 0 ns to 1 s is allowed", "number: h"},
	{"number: {}", "thing 'x': number: expected a quantity like '30 us', got a mapping", "number: h"},
	{"rate: 5 Gb/s", "thing 'x': rate: 'Gb/s' in '5 Gb/s' counts bits; this wants bytes",
	 "write '5 Gbit/s' for bits or '5 GB/s' for bytes"},
	{"choice: for", "thing 'x': choice: unknown choice 'for'", "one of: one, two, three"},
	{"choice: thre", "thing 'x': choice: unknown choice 'thre'", "did you mean 'three'?"},
	{"texts: []", "thing 'x': texts: the list is empty", "texts: h"},
	{"texts: [a, {}]", "thing 'x': texts: expected text, got a mapping", "texts: h"},
	{"doubles: 5 %", "thing 'x': doubles: expected a list, got text", "doubles: h"},
	{"doubles: []", "thing 'x': doubles: the list is empty", "doubles: h"},
	{"list: {}", "thing 'x': list: expected a list, got a mapping",
	 "brackets around it, '[{...}]', or a dash and a blank before each entry: '- '"},
	{"list: [{}, {}, {}]", "thing 'x': list: 3 are given, at most 2 are allowed", "list: h"},
	{"list: [5]", "inner: expected a mapping, got text", "its keys are count"},
	{"map: []", "thing 'x': map: expected a mapping of names, got a list",
	 "a name and a colon before each, without a dash"},
	{"map: {p: {count: 0}}", "inner 'p': count: '0' is out of range: from 1 to 9 is allowed", "count: h"},
	{"range: 9-3", "thing 'x': range: the range '9-3' runs backwards", "range: h"},
	{"range: 0-100001", "thing 'x': range: the range '0-100001' goes too far", "range: h"},
	{"range: 3-", "thing 'x': range: expected a number or a range like '0-19', got '3-'", "range: h"},
	{"range: -3", "thing 'x': range: expected a number or a range like '0-19', got '-3'", "range: h"},
	{"[]", "thing 'x': expected a mapping, got a list", KEYS},
};

START_TEST(field_wrong)
{
	struct thing t;
	const struct diag *last = diags.list;

	load(wrong[_i].text, &t);
	ck_assert_uint_ge(diags.n, 1);
	last += diags.n - 1;
	ck_assert_str_eq(last->msg, wrong[_i].msg);
	ck_assert_str_eq(last->hint, wrong[_i].hint);
}
END_TEST

START_TEST(field_all_at_once) /* loading goes on after an error; who was meant is not said to be missing */
{
	struct thing t;

	ck_assert_int_eq(load("tex: hi\ncount: x\nflag: x\nlist: [{count: 0}, {cont: 1}]", &t), -1);
	ck_assert_uint_eq(diags.total, 5);
	ck_assert_str_eq(diags.list[0].hint, "did you mean 'text'?");
}
END_TEST

static const struct {
	const char *text;
	double value, spread;
	enum provenance provenance;
	int64_t n;
	const char *msg;
} quantities[] = {
	{"5 GB/s", 5e9, 0.03, PROVENANCE_MEASURED, 0, NULL},
	{"{value: 5 GB/s}", 5e9, 0.03, PROVENANCE_MEASURED, 0, NULL},
	{"{value: 5 GB/s, sd: 0.5 GB/s, n: 30, source: s}", 5e9, 0.1, PROVENANCE_MEASURED, 30, NULL},
	{"{value: 5 GB/s, sd: 0}", 5e9, 0, PROVENANCE_MEASURED, 0, NULL},
	{"{value: 5 GB/s, how: measured}", 5e9, 0.03, PROVENANCE_MEASURED, 0, NULL},
	{"{value: 5 GB/s, how: interpolated}", 5e9, 0.06, PROVENANCE_INTERPOLATED, 0, NULL},
	{"{value: 5 GB/s, how: transferred}", 5e9, 0.15, PROVENANCE_TRANSFERRED, 0, NULL},
	{"{value: 5 GB/s, how: datasheet}", 5e9, 0.15, PROVENANCE_DATASHEET, 0, NULL},
	{"{value: 5 GB/s, how: datasheet, sd: 50 MB/s}", 5e9, 0.01, PROVENANCE_DATASHEET, 0, NULL},
	{"{value: 5}", 0, 0, PROVENANCE_MEASURED, 0,
	 "thing 'x': rate: expected a unit such as 'GB/s' after the number in '5'"},
	{"{value: 5 GB/s, sd: 5 %}", 0, 0, PROVENANCE_MEASURED, 0,
	 "thing 'x': rate: sd: unknown unit '%' for bandwidth in '5 %'"},
	{"{value: 5 GB/s, sd: -1 GB/s}", 0, 0, PROVENANCE_MEASURED, 0,
	 "thing 'x': rate: sd: a standard deviation is not negative"},
	{"{value: 5 GB/s, n: 0}", 0, 0, PROVENANCE_MEASURED, 0,
	 "quantity 'rate': n: '0' is out of range: from 1 to 1000000000 is allowed"},
	{"{sd: 5 GB/s}", 0, 0, PROVENANCE_MEASURED, 0, "quantity 'rate': key 'value' is missing"},
	{"{value: 5 GB/s, sdd: 1 GB/s}", 0, 0, PROVENANCE_MEASURED, 0, "quantity 'rate': unknown key 'sdd'"},
	{"[5 GB/s]", 0, 0, PROVENANCE_MEASURED, 0,
	 "thing 'x': rate: expected a quantity like '118 GB/s', got a list"},
};

START_TEST(field_quantity)
{
	struct thing t;
	const int rc = load(arena_printf(&arena, "text: t\nrate: %s", quantities[_i].text), &t);

	if (quantities[_i].msg) {
		ck_assert_int_eq(rc, -1);
		ck_assert_str_eq(first_message(), quantities[_i].msg);
		return;
	}
	ck_assert_msg(rc == 0, "%s", first_message());
	ck_assert_double_eq(t.rate.value, quantities[_i].value);
	ck_assert(fabs(t.rate.spread - quantities[_i].spread) < 1e-12);
	ck_assert_int_eq(t.rate.provenance, quantities[_i].provenance);
	ck_assert_int_eq(t.rate.n, quantities[_i].n);
}
END_TEST

START_TEST(field_show_is_yaml) /* what is shown reads back as the same tree, odd texts and keys too */
{
	static const char text[] = "a: 'null'\n\"b: c\": '- x'\nd: {'#e': \" f \", g: [], h: {}}\ni: [[1, "
				   "'tr\"ue'], \"l1\\nl2\"]\n"
				   "j: ~\nk: 'it''s'\n? '@'\n: '%'\n'': \"\\ttab\"\n";
	const char *before = arena_strdup(&arena, json_of(parse(text)));

	str_clear(&out);
	field_show(parse(text), &out);
	ck_assert_str_eq(json_of(parse(arena_strdup(&arena, out.text))), before);
	ck_assert_uint_eq(diags.total, 0);
}
END_TEST

/* ---- --set ---- */

static const struct {
	const char *set, *want, *msg; /* want NULL: refused with msg */
	int col;
} sets[] = {
	{"a=2", "{\"a\":\"2\",\"l\":[{\"n\":\"x\"},\"y\"],\"m\":{\"k\":\"1\"}}", NULL, 0},
	{"m.k=[1, {z: 2}]", "{\"a\":\"1\",\"l\":[{\"n\":\"x\"},\"y\"],\"m\":{\"k\":[\"1\",{\"z\":\"2\"}]}}",
	 NULL, 0},
	{"m.new.deep=3",
	 "{\"a\":\"1\",\"l\":[{\"n\":\"x\"},\"y\"],\"m\":{\"k\":\"1\",\"new\":{\"deep\":\"3\"}}}", NULL, 0},
	{"l.0.n=z", "{\"a\":\"1\",\"l\":[{\"n\":\"z\"},\"y\"],\"m\":{\"k\":\"1\"}}", NULL, 0},
	{"l.1=w", "{\"a\":\"1\",\"l\":[{\"n\":\"x\"},\"w\"],\"m\":{\"k\":\"1\"}}", NULL, 0},
	{"a.k=3", "{\"a\":{\"base\":\"1\",\"k\":\"3\"},\"l\":[{\"n\":\"x\"},\"y\"],\"m\":{\"k\":\"1\"}}",
	 NULL, 0},
	{"m.\"p.q\".k=3",
	 "{\"a\":\"1\",\"l\":[{\"n\":\"x\"},\"y\"],\"m\":{\"k\":\"1\",\"p.q\":{\"k\":\"3\"}}}", NULL, 0},
	{"m.\"k\"=3", "{\"a\":\"1\",\"l\":[{\"n\":\"x\"},\"y\"],\"m\":{\"k\":\"3\"}}", NULL, 0},
	{"m.\"k=3", "{\"a\":\"1\",\"l\":[{\"n\":\"x\"},\"y\"],\"m\":{\"k\":\"1\",\"\\\"k\":\"3\"}}", NULL, 0},
	{"m.\"\".k=x", NULL, "the path has an empty part", 3},
	{"a==", "{\"a\":\"=\",\"l\":[{\"n\":\"x\"},\"y\"],\"m\":{\"k\":\"1\"}}", NULL, 0},
	{"m=null", "{\"a\":\"1\",\"l\":[{\"n\":\"x\"},\"y\"]}", NULL, 0},
	{"m.none=null", "{\"a\":\"1\",\"l\":[{\"n\":\"x\"},\"y\"],\"m\":{\"k\":\"1\"}}", NULL, 0},
	{"a", NULL, "'a' is not path=value", 1},
	{"=1", NULL, "'=1' is not path=value", 1},
	{"a=", NULL, "there is no value after '='", 2},
	{"l.2=x", NULL, "'2' is not an index into a list of 2", 3},
	{"l.-0=x", NULL, "'-0' is not an index into a list of 2", 3},
	{"l. 1=x", NULL, "' 1' is not an index into a list of 2", 3},
	{"l.18446744073709551616=x", NULL, "'18446744073709551616' is not an index into a list of 2", 3},
	{"l.x=x", NULL, "'x' is not an index into a list of 2", 3},
	{"m..k=x", NULL, "the path has an empty part", 3},
	{"m.=x", NULL, "the path has an empty part", 3},
	{"m.k={a: 1, a: 2}", NULL, "key 'a' is repeated; first given at line 1", 12},
	{"m.k={a", NULL, "did not find expected ',' or '}' while parsing a flow mapping that begins here", 5},
};

START_TEST(set)
{
	struct yml *tree = parse("a: 1\nl: [{n: x}, y]\nm: {k: 1}");
	const int rc = load_set(&loader, tree, sets[_i].set);

	if (sets[_i].want) {
		ck_assert_msg(rc == 0, "%s", first_message());
		ck_assert_str_eq(json_of(tree), sets[_i].want);
		return;
	}
	ck_assert_str_eq(first_message(), sets[_i].msg);
	ck_assert_str_eq(diags.list[0].place.source->path, "--set");
	ck_assert_int_eq(diags.list[0].place.col, sets[_i].col);
}
END_TEST

START_TEST(set_place) /* a value tells where it stands in the argument */
{
	struct yml *tree = parse("\xc3\xa9: {b: 1}");

	ck_assert_int_eq(load_set(&loader, tree, "\xc3\xa9.b={c: 5}"), 0);
	ck_assert_str_eq(at(tree, "\xc3\xa9.b.c")->place.source->path, "--set");
	ck_assert_int_eq(at(tree, "\xc3\xa9.b.c")->place.col, 9);
}
END_TEST

/* ---- files ---- */

static const char *made[32];
static size_t made_n;

static void enter(void)
{
	begin();
	folder_enter();
	made_n = 0;
}

static void leave(void)
{
	while (made_n)
		remove(made[--made_n]);
	folder_leave();
	end();
}

/* Writes a file and makes the directories on its way. */
static void put(const char *path, const char *text)
{
	FILE *f;

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		const char *dir = arena_strndup(&arena, path, (size_t)(slash - path));

		if (mkdir(dir, 0777) == 0)
			made[made_n++] = dir;
	}
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
	made[made_n++] = path;
}

START_TEST(base_chain) /* three files deep; each value tells which file it came from */
{
	struct yml *tree;

	put("s/main.yaml", "schema: s/1\nbase: mid\na: 1\nm: {x: 1}\n");
	put("things/mid.yaml", "schema: s/1\nbase: low\nb: 2\nm: {y: null}\n");
	put("things/deep/er/low.yaml", "schema: s/1\na: 0\nc: 3\nm: {x: 0, y: 0, z: 0}\n");
	tree = load_file(&loader, "s/main.yaml", "things", "s/1");
	ck_assert_msg(tree != NULL, "%s", first_message());
	ck_assert_str_eq(json_of(tree),
			 "{\"schema\":\"s/1\",\"a\":\"1\",\"c\":\"3\",\"m\":{\"x\":\"1\",\"z\":"
			 "\"0\"},\"b\":\"2\"}");
	ck_assert_str_eq(at(tree, "a")->place.source->path, "s/main.yaml");
	ck_assert_str_eq(at(tree, "b")->place.source->path, "things/mid.yaml");
	ck_assert_str_eq(at(tree, "c")->place.source->path, "things/deep/er/low.yaml");
	ck_assert_str_eq(at(tree, "m.x")->place.source->path, "s/main.yaml");
	ck_assert_int_eq(at(tree, "m.z")->place.line, 4);
	ck_assert_uint_eq(loader.inputs_n, 3);
	ck_assert_str_eq(loader.inputs[2].path, "things/deep/er/low.yaml");
}
END_TEST

static const struct {
	const char *first, *second, *msg, *path;
} chains[] = {
	{"schema: s/1\nbase: one", "", "'base:' goes in a circle back to things/one.yaml", "things/one.yaml"},
	{"schema: s/1\nbase: two", "schema: s/1\nbase: one",
	 "'base:' goes in a circle back to things/one.yaml", "things/two.yaml"},
	{"schema: s/1\nbase: ./two.yaml", "schema: s/1\nbase: ../things/one.yaml", NULL, NULL},
	{"schema: s/1\nbase: two", "schema: s/2", "the schema is 's/2'", "things/two.yaml"},
	{"schema: s/1\nbase: two", "a: 1", "key 'schema' is missing", "things/two.yaml"},
	{"schema: s/1\nbase: two", "[", "did not find the expected node", NULL},
	{"schema: s/1\nbase: tow", "", "no file 'tow.yaml' under any 'things' folder in reach",
	 "things/one.yaml"},
	{"schema: s/1\nbase: {}", "", "expected the name of a file in 'things', got a mapping",
	 "things/one.yaml"},
	{"- a", "", "expected a mapping, got a list", "things/one.yaml"},
	{"schema: s/1\nbase: []", "", "the list is empty", "things/one.yaml"},
	{"schema: s/1\nbase: [two, [two]]", "schema: s/1",
	 "expected the name of a file in 'things', got a list", "things/one.yaml"},
	{"schema: s/1\nbase: [two, one]", "schema: s/1", "'base:' goes in a circle back to things/one.yaml",
	 "things/one.yaml"},
	{"schema: s/1\nbase: two-big", "schema: s/1\nvariants: {small: {a: 1}, large: {a: 2}}",
	 "'two' has no variant 'big'", "things/one.yaml"},
	{"schema: s/1\nbase: two-big", "schema: s/1\nvariants: {big: 7}",
	 "variant 'big': expected a mapping, got text", "things/two.yaml"},
	{"schema: s/1\nbase: two-big", "schema: s/1",
	 "no file 'two-big.yaml' under any 'things' folder in reach", "things/one.yaml"},
	{"schema: s/1\nbase: two-big", "schema: s/1\nvariants: {big: {base: one}}",
	 "'base:' goes in a circle back to things/one.yaml", "things/two.yaml"},
};

START_TEST(base_wrong)
{
	put("things/one.yaml", chains[_i].first);
	put("things/two.yaml", chains[_i].second);
	ck_assert_ptr_null(load_file(&loader, "things/one.yaml", "things", "s/1"));
	ck_assert_uint_eq(diags.total, 1);
	if (chains[_i].path) {
		ck_assert_str_eq(first_message(), chains[_i].msg);
		ck_assert_str_eq(diags.list[0].place.source->path, chains[_i].path);
	}
}
END_TEST

START_TEST(base_many) /* merged in their order, then the file itself */
{
	struct yml *tree;

	put("s/main.yaml", "schema: s/1\nbase: [x, y]\na: 1\nm: {p: 1}\n");
	put("things/x.yaml", "schema: s/1\na: 2\nb: 2\nc: 2\nm: {p: 2, q: 2}\nvariants: {v: {a: 9}}\n");
	put("things/y.yaml", "schema: s/1\nbase: z\nb: 3\nm: {q: null}\n");
	put("things/z.yaml", "schema: s/1\nd: 4\nm: {p: 4}\n");
	tree = load_file(&loader, "s/main.yaml", "things", "s/1");
	ck_assert_msg(tree != NULL, "%s", first_message());
	/* z's m.p wins over x's: it comes in with y */
	ck_assert_str_eq(
		json_of(tree),
		"{\"schema\":\"s/1\",\"a\":\"1\",\"b\":\"3\",\"c\":\"2\",\"m\":{\"p\":\"1\",\"q\":\"2\"},"
		"\"d\":\"4\"}");
}
END_TEST

static const struct {
	const char *name, *want; /* of a */
} variants[] = {
	{"x", "0"},
	{"x-small", "1"},
	{"x-large", "2"},
	{"x-very-large", "3"},
	{"x-small-own", "file"}, /* a file of that name comes first */
	{"low-v", "5"},
	{"x-based", "4"},
};

START_TEST(variant)
{
	struct yml *tree;

	put("s/main.yaml", arena_printf(&arena, "schema: s/1\nbase: %s\n", variants[_i].name));
	put("things/x.yaml", "schema: s/1\nbase: low\na: 0\nm: {x: 1, y: 1}\nvariants: {small: {a: 1}, "
			     "large: {a: 2, m: {x: null}}, "
			     "very-large: {a: 3}, based: {base: other, m: {x: 7}}}\n");
	put("things/low.yaml", "schema: s/1\na: 6\nvariants: {v: {a: 5}}\n");
	put("things/other.yaml", "schema: s/1\na: 4\n");
	put("things/x-small-own.yaml", "schema: s/1\na: file\n");
	tree = load_file(&loader, "s/main.yaml", "things", "s/1");
	ck_assert_msg(tree != NULL, "%s", first_message());
	ck_assert_str_eq(at(tree, "a")->text, variants[_i].want);
	ck_assert_ptr_null(yml_get(tree, "variants")); /* nobody inherits them */
	ck_assert_int_eq(at(tree, "m.x") != NULL, variants[_i].name[0] == 'x' && _i != 2 && _i != 4);
	ck_assert_uint_eq(load_variants(&loader, "things/x.yaml")->n, 4);
	ck_assert_ptr_null(load_variants(&loader, "things/other.yaml"));
	ck_assert_ptr_null(load_variants(&loader, "things/none.yaml"));
}
END_TEST

START_TEST(variant_is_not_inherited) /* low's v is not one of x, which inherits from it */
{
	put("s/main.yaml", "schema: s/1\nbase: x-v\n");
	put("things/x.yaml", "schema: s/1\nbase: low\nvariants: {w: {}}\n");
	put("things/low.yaml", "schema: s/1\na: 6\nvariants: {v: {a: 5}}\n");
	ck_assert_ptr_null(load_file(&loader, "s/main.yaml", "things", "s/1"));
	ck_assert_str_eq(first_message(), "'x' has no variant 'v'");
	ck_assert_str_eq(diags.list[0].hint, "there are: w");
}
END_TEST

START_TEST(variant_near) /* a wrong letter in the name of a file with variants */
{
	put("s/main.yaml", "schema: s/1\nbase: machne-16gb\n");
	put("things/machine.yaml", "schema: s/1\nvariants: {16gb: {}, 64gb: {}}\n");
	ck_assert_ptr_null(load_file(&loader, "s/main.yaml", "things", "s/1"));
	ck_assert_str_eq(diags.list[0].hint, "did you mean 'machine-16gb'?");
}
END_TEST

START_TEST(file_twice) /* what is done to one tree of a file is not seen in the next */
{
	struct yml *first, *second;

	put("things/x.yaml", "schema: s/1\na: 1\nm: {b: 2}\n");
	first = load_file(&loader, "things/x.yaml", "things", "s/1");
	ck_assert_ptr_nonnull(first);
	ck_assert_int_eq(load_set(&loader, first, "m.b=3"), 0);
	yml_drop(first, "a");
	second = load_file(&loader, "things/x.yaml", "things", "s/1");
	ck_assert_str_eq(json_of(second), "{\"schema\":\"s/1\",\"a\":\"1\",\"m\":{\"b\":\"2\"}}");
	ck_assert_str_eq(at(second, "m.b")->place.source->path, "things/x.yaml");
	ck_assert_int_eq(at(second, "m.b")->place.line, 3);
	ck_assert_uint_eq(loader.inputs_n, 1);
}
END_TEST

START_TEST(broken_twice) /* and complained about each time */
{
	put("things/x.yaml", "schema: s/1\na: 1\na: 2\n");
	load_file(&loader, "things/x.yaml", "things", "s/1");
	ck_assert_uint_eq(diags.total, 1);
	load_file(&loader, "things/x.yaml", "things", "s/1");
	ck_assert_uint_eq(diags.total, 2);
}
END_TEST

START_TEST(search_order) /* beside the file, then each --path in turn; the first root that has it wins */
{
	static const char *const paths[] = {"p", "q"};
	static const char *const want[] = {"here", "p", "q"};
	struct yml *tree;

	put("s/main.yaml", "schema: s/1\nbase: x\n");
	if (_i <= 0)
		put("things/x.yaml", "schema: s/1\nfrom: here\n");
	if (_i <= 1)
		put("p/things/sub/x.yaml", "schema: s/1\nfrom: p\n");
	put("q/things/x.yaml", "schema: s/1\nfrom: q\n");
	loader.paths = paths;
	loader.paths_n = 2;
	tree = load_file(&loader, "s/main.yaml", "things", NULL);
	ck_assert_msg(tree != NULL, "%s", first_message());
	ck_assert_str_eq(yml_get(tree, "from")->text, want[_i]);
}
END_TEST

START_TEST(search_twice)
{
	put("s/main.yaml", "schema: s/1\nbase: x\n");
	put("things/a/x.yaml", "schema: s/1\n");
	put("things/b/x.yaml", "schema: s/1\n");
	ck_assert_ptr_null(load_file(&loader, "s/main.yaml", "things", NULL));
	ck_assert_str_eq(first_message(), "two files are called 'x': things/a/x.yaml and things/b/x.yaml");
}
END_TEST

START_TEST(search_family) /* the model of a fit has no name, and is read by its path */
{
	put("s/main.yaml", "schema: s/1\nbase: x.family\n");
	put("s/path.yaml", "schema: s/1\nbase: ../things/x.family.yaml\n");
	put("things/x.family.yaml", "schema: s/1\na: 1\n");
	ck_assert_ptr_null(load_file(&loader, "s/main.yaml", "things", NULL));
	ck_assert_str_eq(first_message(), "no file 'x.family.yaml' under any 'things' folder in reach");
	diags_init(&diags, &arena);
	ck_assert_ptr_nonnull(load_file(&loader, "s/path.yaml", "things", NULL));
}
END_TEST

START_TEST(search_by_path) /* a slash: relative to the file that names it */
{
	put("s/t/main.yaml", "schema: s/1\nbase: ../low.yaml\n");
	put("s/low.yaml", "schema: s/1\na: 1\n");
	ck_assert_ptr_nonnull(load_file(&loader, "s/t/main.yaml", "things", NULL));
	ck_assert_str_eq(loader.inputs[1].path, "s/t/../low.yaml");
}
END_TEST

START_TEST(search_list)
{
	struct load_found *found;

	put("things/b/z.yaml", "");
	put("things/a.yaml", "");
	put("things/.hidden.yaml", "");
	put("things/c.txt", "");
	put("things/b/d.family.yaml", "");
	ck_assert_uint_eq(load_list(&loader, ".", "things", &found), 2);
	ck_assert_str_eq(found[0].name, "a");
	ck_assert_str_eq(found[1].path, "things/b/z.yaml");
}
END_TEST

static TCase *in_memory(const char *name)
{
	TCase *t = tcase_create(name);

	tcase_add_checked_fixture(t, begin, end);
	return t;
}

Suite *suite_conf(void)
{
	Suite *s = suite_create("conf");
	TCase *t = in_memory("yml");

	tcase_add_loop_test(t, yml_place, 0, ARRAY_LEN(places));
	tcase_add_loop_test(t, yml_refused, 0, ARRAY_LEN(refused));
	tcase_add_test(t, yml_nul_byte);
	tcase_add_loop_test(t, yml_depth, 0, ARRAY_LEN(nestings));
	tcase_add_loop_test(t, yml_depth_by_alias, 0, 2);
	tcase_add_loop_test(t, yml_nodes, 0, 2);
	tcase_add_test(t, yml_nodes_by_alias);
	tcase_add_test(t, yml_alias_is_a_copy);
	tcase_add_loop_test(t, yml_merged, 0, ARRAY_LEN(merges));
	suite_add_tcase(s, t);
	t = in_memory("diag");
	tcase_add_loop_test(t, diag_shown, 0, ARRAY_LEN(shown));
	tcase_add_loop_test(t, diag_long_line, 90, 120);
	tcase_add_test(t, diag_said_again);
	tcase_add_test(t, diag_too_many);
	tcase_add_test(t, diag_safe);
	suite_add_tcase(s, t);
	t = in_memory("field");
	tcase_add_test(t, field_each_type);
	tcase_add_test(t, field_defaults);
	tcase_add_loop_test(t, field_wrong, 0, ARRAY_LEN(wrong));
	tcase_add_test(t, field_all_at_once);
	tcase_add_loop_test(t, field_quantity, 0, ARRAY_LEN(quantities));
	tcase_add_test(t, field_show_is_yaml);
	tcase_add_loop_test(t, set, 0, ARRAY_LEN(sets));
	tcase_add_test(t, set_place);
	suite_add_tcase(s, t);
	t = tcase_create("load");
	tcase_add_checked_fixture(t, enter, leave);
	tcase_add_test(t, base_chain);
	tcase_add_loop_test(t, base_wrong, 0, ARRAY_LEN(chains));
	tcase_add_test(t, base_many);
	tcase_add_test(t, file_twice);
	tcase_add_test(t, broken_twice);
	tcase_add_loop_test(t, variant, 0, ARRAY_LEN(variants));
	tcase_add_test(t, variant_is_not_inherited);
	tcase_add_test(t, variant_near);
	tcase_add_loop_test(t, search_order, 0, 3);
	tcase_add_test(t, search_twice);
	tcase_add_test(t, search_family);
	tcase_add_test(t, search_by_path);
	tcase_add_test(t, search_list);
	suite_add_tcase(s, t);
	return s;
}
