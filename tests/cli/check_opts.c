/* check_opts.c - the command line: one table, every way of writing an option, every way of getting it wrong.
 */
#include "tests/suites.h"

#include <string.h>

#include "sim/base/map.h"
#include "sim/base/nearest.h"
#include "sim/cli/cmd.h"

/* A verb with every shared group and rows of its own. */
struct options {
	struct load_options load;
	struct output_options output;
	struct draws_ask draws;
	const char *assignment;
	int64_t best;
};

static const struct opt own[] = {
	OPT_TEXT_ROW(struct options, assignment, "assignment", 'a', "NAME", "one of them"),
	OPT_COUNT_ROW(struct options, best, "best", 0, "K", "how many", 1, 30, 5)};
static const struct opt_table all_tables[] = {OPTS_SET(struct options, load),
					      OPTS_PATH(struct options, load),
					      OPT_OWN(own),
					      OPTS_RESULT_FORMAT(struct options, output),
					      OPTS_OUTPUT(struct options, output),
					      OPTS_SEED(struct options, draws),
					      OPTS_DRAWS(struct options, draws)};
static const struct opt_table set_tables[] = {OPTS_SET(struct options, load)};
static const struct opt_table seed_tables[] = {OPTS_SEED(struct options, draws)};

enum { ALL, SET_ONLY };

/* args: one on each line */
static int parse(struct arena *a, const char *lines, int uses, struct options *o, struct args *args,
		 struct err *err)
{
	char *argv[16], *text = arena_strdup(a, lines);
	int argc = 0;

	while (text && *lines) {
		char *next = strchr(text, '\n');

		ck_assert_int_lt(argc, (int)ARRAY_LEN(argv));
		argv[argc++] = text;
		if (next)
			*next++ = '\0';
		text = next;
	}
	*o = (struct options){0};
	return uses == SET_ONLY ? opts_parse(a, argc, argv, set_tables, 1, o, args, err)
				: opts_parse(a, argc, argv, all_tables, ARRAY_LEN(all_tables), o, args, err);
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
	{"-p\n/\n--path=.\nf", "f|", "", "/|.|", NULL, NULL, -1, -1, false, false},
	{"f\n-o\nx.svg\n-f", "f|", "", "", "x.svg", NULL, -1, -1, true, false},
	{"-ox.svg\n--force", "", "", "", "x.svg", NULL, -1, -1, true, false},
	{"--output=\n--format\ncsv\n--format=md", "", "", "", "", "md", -1, -1, false, false},
	{"--seed\n0\n--draws=100000", "", "", "", NULL, NULL, 0, 100000, false, false},
	{"--seed=9000000000000000\n--draws\n2", "", "", "", NULL, NULL, 9000000000000000, 2, false, false},
	{"--\n-f\n--set\n--", "-f|--set|--|", "", "", NULL, NULL, -1, -1, false, false},
	{"-\n-h", "-|", "", "", NULL, NULL, -1, -1, false, true},
	{"-o\nd\xe9j\xe0.csv", "", "", "", "d\xe9j\xe0.csv", NULL, -1, -1, false, false}, /* a name of old */
	{"--set\n--force", "", "--force|", "", NULL, NULL, -1, -1, false, false},
};

START_TEST(opts_fine)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct options o;
	struct args args;

	ck_assert_msg(parse(&a, fine[_i].args, ALL, &o, &args, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(joined(&a, &args.files), fine[_i].files);
	ck_assert_str_eq(joined(&a, &o.load.sets), fine[_i].sets);
	ck_assert_str_eq(joined(&a, &o.load.paths), fine[_i].paths);
	ck_assert_pstr_eq(o.output.path, fine[_i].out);
	ck_assert_pstr_eq(o.output.format, fine[_i].format);
	ck_assert_int_eq(o.draws.seed, fine[_i].seed);
	ck_assert_int_eq(o.draws.n, fine[_i].draws);
	ck_assert_int_eq(o.output.force, fine[_i].force);
	ck_assert_int_eq(args.help, fine[_i].help);
	arena_release(&a);
}
END_TEST

static const struct {
	const char *args;
	int uses;
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
	{"--seed\n1", SET_ONLY, "unknown option '--seed'", "did you mean '--set'?"},
	{"-o\nx", SET_ONLY, "unknown option '-o'", "'--help' lists the options"},
	{"--set", ALL, "option '--set' needs a value: PATH=VALUE",
	 "change one value, such as workload.generate.prompt=\"4096 tok\"; may be given again"},
	{"f\n-o", ALL, "option '--output' needs a value: FILE",
	 "write to FILE, its suffix says how; never overwrites without -f. '-': the standard output"},
	{"--force=yes", ALL, "option '--force' takes no value", ""},
	{"--seed\nx", ALL, "option '--seed': expected a whole number, got 'x'",
	 "of every random number; if not said, the scenario's"},
	{"--seed=", ALL, "option '--seed': expected a whole number, got ''",
	 "of every random number; if not said, the scenario's"},
	{"--seed\n1.5", ALL, "option '--seed': expected a whole number, got '1.5'", "such as '--seed 1'"},
	{"--seed\n-1", ALL, "option '--seed': -1 is out of range, from 0 to 9000000000000000 is allowed",
	 "of every random number; if not said, the scenario's"},
	{"--seed\n99999999999999999999", ALL,
	 "option '--seed': 99999999999999999999 is out of range, from 0 to 9000000000000000 is allowed",
	 "of every random number; if not said, the scenario's"},
	{"-a\nall \xe2\x80\xae on", ALL,
	 "option '--assignment': the value holds the bidirectional control U+202E", "take it out"},
	{"-s\nname=a\x1b[31m", ALL, "option '--set': the value holds the control character U+001B",
	 "take it out"},
	{"-o\n\xe9\xe2\x81\xa6.csv", ALL,
	 "option '--output': the value holds the bidirectional control U+2066", "take it out"},
	{"--draws=1", ALL, "option '--draws': 1 is out of range, from 2 to 100000 is allowed",
	 "samples behind each interval; if not said, the scenario's"},
	{"--draws=100001", ALL, "option '--draws': 100001 is out of range, from 2 to 100000 is allowed",
	 "samples behind each interval; if not said, the scenario's"},
};

START_TEST(opts_wrong)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct options o;
	struct args args;

	ck_assert_int_eq(parse(&a, wrong[_i].args, wrong[_i].uses, &o, &args, &err), -1);
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

/* Without the option a count has its preset; values of the verb's own rows go to its own members. */
START_TEST(own_rows_and_presets)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct options o;
	struct args args;

	ck_assert_int_eq(parse(&a, "f", ALL, &o, &args, &err), 0);
	ck_assert_int_eq(o.best, 5);
	ck_assert_int_eq(o.draws.seed, -1);
	ck_assert_ptr_null(o.assignment);
	ck_assert_int_eq(parse(&a, "--best=30\n-a\nall on m5", ALL, &o, &args, &err), 0);
	ck_assert_int_eq(o.best, 30);
	ck_assert_str_eq(o.assignment, "all on m5");
	ck_assert_int_eq(parse(&a, "--best=31", ALL, &o, &args, &err), -1);
	arena_release(&a);
}
END_TEST

/* Rows are all that completion and a manual page have: each says what it takes, and no name is given twice.
 */
START_TEST(rows_of_verbs_are_sound)
{
	for (size_t v = 0; verbs[v]; v++) {
		struct map names = MAP_INIT, letters = MAP_INIT;

		for (size_t t = 0; t < verbs[v]->options_n; t++) {
			const struct opt_table *table = &verbs[v]->options[t];

			for (size_t i = 0; i < table->n; i++) {
				const struct opt *row = &table->rows[i];
				const char letter[] = {row->letter, '\0'};

				ck_assert_msg(map_find(&names, row->name) == MAP_NONE, "%s", row->name);
				ck_assert(!row->letter || map_find(&letters, letter) == MAP_NONE);
				ck_assert((row->type == OPT_FLAG) == (row->value == NULL));
				ck_assert(*row->help != '\0');
				ck_assert(table->offset + row->offset < verbs[v]->size);
				map_add(&names, row->name);
				map_add(&letters, letter);
			}
		}
		map_release(&names);
		map_release(&letters);
	}
}
END_TEST

START_TEST(a_verb_takes_its_own_options)
{
	char *argv[] = {(char *)"-q", (char *)"--only=gemm", (char *)"-l",   (char *)"--threads",
			(char *)"4",  (char *)"-b",          (char *)"cblas"};
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct args args;
	const struct verb *v = &verb_calibrate;

	ck_assert_int_eq(opts_parse(&a, ARRAY_LEN(argv), argv, v->options, v->options_n,
				    arena_alloc(&a, v->size), &args, &err),
			 0);
	ck_assert_uint_eq(args.files.n, 0);
	v = &verb_simulate;
	ck_assert_int_eq(opts_parse(&a, ARRAY_LEN(argv), argv, v->options, v->options_n,
				    arena_alloc(&a, v->size), &args, &err),
			 -1);
	ck_assert_str_eq(err.msg, "unknown option '-q'");
	arena_release(&a);
}
END_TEST

START_TEST(opts_help_says_what_is_taken)
{
	struct str out = STR_INIT;

	opts_help(seed_tables, 1, 80, &out);
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

	ck_assert_pstr_eq(nearest_of(guesses[_i].word, names, ARRAY_LEN(names)), guesses[_i].want);
}
END_TEST

Suite *suite_opts(void)
{
	Suite *s = suite_create("opts");
	TCase *t = tcase_create("opts");

	tcase_add_loop_test(t, opts_fine, 0, ARRAY_LEN(fine));
	tcase_add_loop_test(t, opts_wrong, 0, ARRAY_LEN(wrong));
	tcase_add_test(t, texts_cut_outside_brackets);
	tcase_add_test(t, own_rows_and_presets);
	tcase_add_test(t, a_verb_takes_its_own_options);
	tcase_add_test(t, rows_of_verbs_are_sound);
	tcase_add_test(t, opts_help_says_what_is_taken);
	tcase_add_loop_test(t, closest, 0, ARRAY_LEN(guesses));
	suite_add_tcase(s, t);
	return s;
}
