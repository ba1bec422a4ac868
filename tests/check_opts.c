/* check_opts.c - the command line: one table, every way of writing an option, every way of getting it wrong.
 */
#include "tests/suites.h"

#include <string.h>

#include "sim/cli/opts.h"

enum { ALL = OPT_SET | OPT_PATH | OPT_OUT | OPT_FORMAT | OPT_ASSIGNMENT | OPT_SEED };

/* args: one on each line */
static int parse(struct arena *a, const char *args, unsigned uses, struct opts *o, struct err *err)
{
	char *argv[16], *text = arena_strdup(a, args);
	int argc = 0;

	while (text && *args) {
		char *next = strchr(text, '\n');

		ck_assert_int_lt(argc, (int)ARRAY_LEN(argv));
		argv[argc++] = text;
		if (next)
			*next++ = '\0';
		text = next;
	}
	return opts_parse(a, argc, argv, uses, o, err);
}

static const char *joined(struct arena *a, const struct texts *t)
{
	const char *all = "";

	for (size_t i = 0; i < t->n; i++)
		all = arena_printf(a, "%s%s|", all, t->at[i]);
	return all;
}

static const struct {
	const char *args, *files, *sets, *paths, *out, *format;
	int64_t seed, draws;
	bool force, help;
} fine[] = {
	{"", "", "", "", NULL, NULL, -1, -1, false, false},
	{"a.yaml\nb.yaml", "a.yaml|b.yaml|", "", "", NULL, NULL, -1, -1, false, false},
	{"--set\na=1\n-s\nb=2\n--set=c=3\n-sd=4", "", "a=1|b=2|c=3|d=4|", "", NULL, NULL, -1, -1, false,
	 false},
	{"-p\nx\n--path=y\nf", "f|", "", "x|y|", NULL, NULL, -1, -1, false, false},
	{"f\n-o\nx.svg\n-f", "f|", "", "", "x.svg", NULL, -1, -1, true, false},
	{"-ox.svg\n--force", "", "", "", "x.svg", NULL, -1, -1, true, false},
	{"--output=\n--format\ncsv\n--format=md", "", "", "", "", "md", -1, -1, false, false},
	{"--seed\n0\n--draws=100000", "", "", "", NULL, NULL, 0, 100000, false, false},
	{"--seed=9000000000000000\n--draws\n2", "", "", "", NULL, NULL, 9000000000000000, 2, false, false},
	{"--\n-f\n--set\n--", "-f|--set|--|", "", "", NULL, NULL, -1, -1, false, false},
	{"-\n-h", "-|", "", "", NULL, NULL, -1, -1, false, true},
	{"--set\n--force", "", "--force|", "", NULL, NULL, -1, -1, false, false},
};

START_TEST(opts_fine)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct opts o;

	ck_assert_msg(parse(&a, fine[_i].args, ALL, &o, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(joined(&a, &o.files), fine[_i].files);
	ck_assert_str_eq(joined(&a, &o.sets), fine[_i].sets);
	ck_assert_str_eq(joined(&a, &o.paths), fine[_i].paths);
	ck_assert_pstr_eq(o.out, fine[_i].out);
	ck_assert_pstr_eq(o.format, fine[_i].format);
	ck_assert_int_eq(o.seed, fine[_i].seed);
	ck_assert_int_eq(o.draws, fine[_i].draws);
	ck_assert_int_eq(o.force, fine[_i].force);
	ck_assert_int_eq(o.help, fine[_i].help);
	arena_release(&a);
}
END_TEST

static const struct {
	const char *args;
	unsigned uses;
	const char *msg, *hint;
} wrong[] = {
	{"--fromat\ncsv", ALL, "unknown option '--fromat'", "did you mean '--format'?"},
	{"--fromat=csv", ALL, "unknown option '--fromat=csv'", "did you mean '--format'?"},
	{"--banana", ALL, "unknown option '--banana'", "'--help' lists the options"},
	{"-x", ALL, "unknown option '-x'", "'--help' lists the options"},
	{"-format\ncsv", ALL, "unknown option '-format'", "did you mean '--format'?"},
	{"-output\nx", ALL, "unknown option '-output'", "did you mean '--output'?"},
	{"-seed=3", ALL, "unknown option '-seed=3'", "did you mean '--seed=3'?"},
	{"-fo\nx", ALL, "unknown option '-fo'", "'--help' lists the options"},
	{"--=x", ALL, "unknown option '--=x'", "'--help' lists the options"},
	{"--seed\n1", OPT_SET, "unknown option '--seed'", "did you mean '--set'?"},
	{"-o\nx", OPT_SET, "unknown option '-o'", "'--help' lists the options"},
	{"--set", ALL, "option '--set' needs a value: PATH=VALUE", ""},
	{"f\n-o", ALL, "option '--output' needs a value: FILE", ""},
	{"--force=yes", ALL, "option '--force' takes no value", ""},
	{"--seed\nx", ALL, "option '--seed': expected a whole number, got 'x'", ""},
	{"--seed=", ALL, "option '--seed': expected a whole number, got ''", ""},
	{"--seed\n1.5", ALL, "option '--seed': expected a whole number, got '1.5'", ""},
	{"--seed\n-1", ALL, "option '--seed': -1 is out of range, from 0 to 9000000000000000 is allowed", ""},
	{"--seed\n99999999999999999999", ALL,
	 "option '--seed': 99999999999999999999 is out of range, from 0 to 9000000000000000 is allowed", ""},
	{"--draws=1", ALL, "option '--draws': 1 is out of range, from 2 to 100000 is allowed", ""},
	{"--draws=100001", ALL, "option '--draws': 100001 is out of range, from 2 to 100000 is allowed", ""},
};

START_TEST(opts_wrong)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct opts o;

	ck_assert_int_eq(parse(&a, wrong[_i].args, wrong[_i].uses, &o, &err), -1);
	ck_assert_str_eq(err.msg, wrong[_i].msg);
	ck_assert_str_eq(err.hint, wrong[_i].hint);
	arena_release(&a);
}
END_TEST

START_TEST(texts_cut_outside_brackets)
{
	static const struct {
		const char *text;
		char at;
		const char *parts[4]; /* NULL ends */
	} rows[] = {{"a,b", ',', {"a", "b"}},
		    {"a=[1,2],{b: 3,c: 4}", ',', {"a=[1,2]", "{b: 3,c: 4}"}},
		    {"'x;y';\"]\";", ';', {"'x;y'", "\"]\"", ""}},
		    {"", ',', {""}},
		    {"one,'open", ',', {"one", "'open"}}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena a = ARENA_INIT;
		const struct texts t = texts_cut(&a, rows[i].text, rows[i].at);
		size_t n = 0;

		for (; n < ARRAY_LEN(rows[i].parts) && rows[i].parts[n]; n++)
			ck_assert_str_eq(t.at[n], rows[i].parts[n]);
		ck_assert_uint_eq(t.n, n);
		arena_release(&a);
	}
}
END_TEST

START_TEST(opts_help_says_what_is_taken)
{
	struct str out = STR_INIT;

	opts_help(OPT_SEED, &out);
	ck_assert_ptr_nonnull(strstr(out.text, "  -h, --help "));
	ck_assert_ptr_nonnull(strstr(out.text, "      --seed N "));
	ck_assert_ptr_null(strstr(out.text, "--set"));
	str_release(&out);
}
END_TEST

static const struct {
	const char *word, *want; /* NULL: nothing is close enough */
} guesses[] = {
	{"format", "format"}, {"fromat", "format"}, {"fomat", "format"}, {"formats", "format"},
	{"outptu", "output"}, {"st", "set"},        {"x", NULL},         {"banana", NULL},
	{"", NULL},           {"ouch", NULL},       {"seed", "set"},
};

START_TEST(closest)
{
	static const char *const names[] = {"format", "output", "set"};

	ck_assert_pstr_eq(str_closest(guesses[_i].word, names, ARRAY_LEN(names)), guesses[_i].want);
}
END_TEST

Suite *suite_opts(void)
{
	Suite *s = suite_create("opts");
	TCase *t = tcase_create("opts");

	tcase_add_loop_test(t, opts_fine, 0, ARRAY_LEN(fine));
	tcase_add_loop_test(t, opts_wrong, 0, ARRAY_LEN(wrong));
	tcase_add_test(t, texts_cut_outside_brackets);
	tcase_add_test(t, opts_help_says_what_is_taken);
	tcase_add_loop_test(t, closest, 0, ARRAY_LEN(guesses));
	suite_add_tcase(s, t);
	return s;
}
