/* main.c - a table of verbs, and the way to each. */
#include <gsl/gsl_errno.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cli/cmd.h"
#include "sim/cli/help_text.h"

static int print(const struct str *s, FILE *to)
{
	return fwrite(s->text, 1, s->len, to) == s->len && fflush(to) == 0 ? EXIT_FINE : EXIT_FAILED;
}

static int print_help(const struct verb *v) /* NULL: of the program */
{
	const struct texts of = {.at = v ? (const char *[]){v->name} : NULL, .n = v ? 1 : 0};
	struct arena arena = ARENA_INIT;
	const int rc = verb_help.run(arena_alloc(&arena, verb_help.size), &of);

	arena_release(&arena);
	return rc;
}

/* The command as it was meant, where its names stand before and behind options: words with no option between are one name. */
static void add_quoted(struct str *out, const char *verb, int argc, char **argv)
{
	str_addf(out, "lemursim %s", verb);
	for (int i = 0, end; i < argc; i = end) {
		const bool option = argv[i][0] == '-' && argv[i][1];
		bool blank = false;

		for (end = i + 1; !option && end < argc && argv[end][0] != '-'; end++)
			blank = true;
		for (int k = i; k < end; k++)
			blank = blank || strchr(argv[k], ' ');
		for (int k = i; k < end; k++)
			str_addf(out, "%s%s", k > i || !blank || option ? " " : " \"", argv[k]);
		str_add(out, blank && !option ? "\"" : "");
	}
}

static int refuse_files(const struct verb *v, const struct args *args, int argc, char **argv)
{
	const bool named = str_starts(v->arguments, "MODEL");
	const char *what = named                             ? "model"
			   : !strcmp(v->arguments, "[KIND]") ? "kind"
			   : !strcmp(v->arguments, "[WORD]") ? "word"
							     : "file";
	struct err err = ERR_INIT;

	err_set(&err, args->files.n ? "%s takes one %s" : "%s needs a %s", v->name, what);
	if (named && args->files.n) {
		struct str meant = STR_INIT;

		add_quoted(&meant, v->name, argc, argv);
		err_hint(&err, "a name with blanks goes in quotes: %s", meant.text);
		str_release(&meant);
	} else {
		err_hint(&err, "usage: lemursim %s [OPTION...] %s", v->name, v->arguments);
	}
	return complain(&err, EXIT_USAGE);
}

static int run(const struct verb *v, int argc, char **argv)
{
	struct arena arena = ARENA_INIT;
	void *options = arena_alloc(&arena, v->size);
	struct args args;
	struct err err = ERR_INIT;
	const bool wants_file = v->arguments[0] != '[', wants_one = !strstr(v->arguments, "...");
	int rc;

	if (opts_parse(&arena, argc, argv, v->options, v->options_n, options, &args, &err) != 0)
		rc = complain(&err, EXIT_USAGE);
	else if (args.help)
		rc = print_help(v);
	else if ((wants_file && !args.files.n) || (wants_one && args.files.n > 1))
		rc = refuse_files(v, &args, argc, argv);
	else
		rc = v->run(options, &args.files);
	arena_release(&arena);
	return rc;
}

int main(int argc, char **argv)
{
	struct str out = STR_INIT;

	mem_keep_freed();
	gsl_set_error_handler_off();
	if (argc < 2) {
		help_program(100, &out);
		print(&out, stderr);
		str_release(&out);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "version")) {
		int rc;

		str_addf(&out, "lemursim %s\n", VERSION);
		rc = deliver(&(struct output_options){0}, &out);
		str_release(&out);
		return rc;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return print_help(NULL);
	if (!verb_find(argv[1]))
		return help_unknown("verb", argv[1]);
	return run(verb_find(argv[1]), argc - 2, argv + 2);
}
