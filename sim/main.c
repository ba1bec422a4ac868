/* main.c - a table of verbs, and the way to each. */
#include <gsl/gsl_errno.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/calib/samples_csv.h"
#include "sim/cli/cmd.h"
#include "sim/hw/hw.h"
#include "sim/llm/model.h"
#include "sim/world/scenario.h"

#ifndef VERSION
#define VERSION "unknown"
#endif

static int print(const struct str *s, FILE *to)
{
	return fwrite(s->text, 1, s->len, to) == s->len && fflush(to) == 0 ? EXIT_FINE : EXIT_FAILED;
}

static void usage(struct str *out)
{
	str_add(out, "lemursim: what will these unlike machines do with this model?\n\n"
		     "usage: lemursim VERB [OPTION...] [FILE...]\n\nverbs\n");
	for (size_t i = 0; verbs[i]; i++)
		str_addf(out, "  %-9s %-12s %s\n", verbs[i]->name, verbs[i]->arguments, verbs[i]->help);
	str_add(out,
		"  help      [WORD]       a verb, or the keys of a file: scenario, model, machine, link, "
		"samples\n\n"
		"exit codes: 0 fine, 1 internal or I/O failure, 2 bad usage or input, 3 a stated target is "
		"missed,\n"
		"4 nothing fits, 130 interrupted\n\n"
		"try: lemursim simulate scenarios/m5-vs-m4pro.yaml\n");
}

static const struct verb *find(const char *name)
{
	for (size_t i = 0; verbs[i]; i++)
		if (!strcmp(verbs[i]->name, name))
			return verbs[i];
	return NULL;
}

static void verb_usage(const struct verb *v, struct str *out)
{
	str_addf(out, "usage: lemursim %s [OPTION...] %s\n\n%s\n\n", v->name, v->arguments, v->help);
	opts_help(v->options, v->options_n, out);
	str_add(out, "\n");
	for (const char *line = v->tries; *line; line += strcspn(line, "\n") + 1)
		str_addf(out, "try: lemursim %.*s\n", (int)strcspn(line, "\n"), line);
}

enum { VERBS_MAX = 32 };

static int unknown_word(const char *what, const char *word)
{
	const char *names[VERBS_MAX], *near;
	struct err err = ERR_INIT;
	size_t n = 0;

	for (; verbs[n]; n++)
		names[n] = verbs[n]->name;
	near = str_closest(word, names, n);
	err_set(&err, "unknown %s '%.60s'", what, word);
	err_hint(&err, near ? "did you mean '%s'?" : "'lemursim help' lists them%.0s", near ? near : "");
	return complain(&err, EXIT_USAGE);
}

static int help(const char *word)
{
	static const struct {
		const char *name;
		const struct table *table;
		const char *example;
	} files[] = {{"scenario", &scenario_table, "scenarios/m5-vs-m4pro.yaml"},
		     {"model", &model_table, "models/mistral-7b.yaml"},
		     {"machine", &machine_table, "hardware/apple/apple-m5-10c-24gb.yaml"},
		     {"link", &link_table, "hardware/links/thunderbolt-bridge-tcp.yaml"}};
	struct str out = STR_INIT;
	int rc;

	if (!word) {
		usage(&out);
	} else if (find(word)) {
		verb_usage(find(word), &out);
	} else if (!strcmp(word, "samples")) {
		samples_csv_help(&out);
	} else {
		for (size_t i = 0; i < ARRAY_LEN(files); i++)
			if (!strcmp(files[i].name, word)) {
				field_help(files[i].table, 0, &out);
				str_addf(&out, "\nan example: %s\n", files[i].example);
			}
	}
	rc = out.len ? print(&out, stdout) : unknown_word("word", word);
	str_release(&out);
	return rc;
}

static int run(const struct verb *v, int argc, char **argv)
{
	struct arena arena = ARENA_INIT;
	void *options = arena_alloc(&arena, v->size);
	struct args args;
	struct err err = ERR_INIT;
	const bool wants_file = v->arguments[0] != '[', wants_one = !strstr(v->arguments, "...");
	int rc;

	if (opts_parse(&arena, argc, argv, v->options, v->options_n, options, &args, &err) != 0) {
		rc = complain(&err, EXIT_USAGE);
	} else if (args.help) {
		rc = help(v->name);
	} else if ((wants_file && !args.files.n) || (wants_one && args.files.n > 1)) {
		const bool named = str_starts(v->arguments, "MODEL");

		err_set(&err, args.files.n ? "%s takes one %s" : "%s needs a %s", v->name,
			named ? "model" : "file");
		if (named && args.files.n)
			err_hint(&err, "a name with blanks goes in quotes: lemursim %s \"%s %s\"", v->name,
				 args.files.at[0], args.files.at[1]);
		else
			err_hint(&err, "usage: lemursim %s [OPTION...] %s", v->name, v->arguments);
		rc = complain(&err, EXIT_USAGE);
	} else {
		rc = v->run(options, &args.files);
	}
	arena_release(&arena);
	return rc;
}

int main(int argc, char **argv)
{
	struct str out = STR_INIT;
	int rc;

	mem_keep_freed();
	gsl_set_error_handler_off();
	if (argc < 2) {
		usage(&out);
		print(&out, stderr);
		str_release(&out);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "version")) {
		printf("lemursim %s\n", VERSION);
		return EXIT_FINE;
	}
	if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help(argc > 2 ? argv[2] : NULL);
	if (!find(argv[1]))
		return unknown_word("verb", argv[1]);
	rc = run(find(argv[1]), argc - 2, argv + 2);
	return rc;
}
