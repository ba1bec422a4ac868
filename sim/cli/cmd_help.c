/* cmd_help.c - lemursim help [WORD]: the verbs, one verb, the keys of a file; and the same for editors and shells. */
#include <string.h>

#include "sim/base/jsonw.h"
#include "sim/cli/help_text.h"

struct help_options {
	bool schema, man, verbs;
	const char *completion;
	struct output_options output;
};

static const struct opt rows[] = {
	OPT_FLAG_ROW(struct help_options, schema, "schema", 0,
		     "of a kind of file: its JSON Schema, for an editor"),
	OPT_FLAG_ROW(struct help_options, man, "man", 0, "the manual page of the program, or of a verb"),
	OPT_FLAG_ROW(struct help_options, verbs, "verbs", 0, "the names of the verbs alone, one a line"),
	OPT_TEXT_ROW(struct help_options, completion, "completion", 0, "SHELL",
		     "a script that completes command lines: bash, zsh or fish"),
};
static const struct opt_table tables[] = {OPT_OWN(rows), OPTS_OUTPUT(struct help_options, output)};

static int refuse(const char *message, const char *hint)
{
	struct err err = ERR_INIT;

	err_set(&err, "%s", message);
	err_hint(&err, "%s", hint);
	return complain(&err, EXIT_USAGE);
}

static int write_completion(const char *shell, struct str *out)
{
	struct err err = ERR_INIT;
	const size_t at = str_find(shell, shell_names, SHELL_N);

	if (at < SHELL_N) {
		completion_script((enum shell)at, out);
		return EXIT_FINE;
	}
	err_set(&err, "no completion for '%.40s'", shell);
	err_hint(&err, "one of: bash, zsh, fish");
	return complain(&err, EXIT_USAGE);
}

static int write_schema(const char *word, struct str *out)
{
	const struct file_kind *kind = word ? file_kind_find(word) : NULL;
	struct jsonw w;

	if (!kind || !kind->schema)
		return refuse("'--schema' needs a kind of YAML file",
			      "one of: scenario, model, machine, link, family, server, as in: lemursim help "
			      "scenario --schema");
	jsonw_init(&w, out, 1);
	field_schema(kind->schema, kind->name, kind->part, &w);
	str_add(out, "\n");
	return EXIT_FINE;
}

static int write_verbs(struct str *out)
{
	for (size_t i = 0; verbs[i]; i++)
		str_addf(out, "%s\n", verbs[i]->name);
	return EXIT_FINE;
}

static int write_help(const struct help_options *o, const char *word, struct str *out)
{
	const size_t width = (size_t)(o->output.path ? 100 : terminal_width(100));
	const struct verb *v = word ? verb_find(word) : NULL;
	const struct file_kind *kind = word ? file_kind_find(word) : NULL;

	if (word && !v && !kind)
		return help_unknown("word", word);
	if (o->man && kind)
		return refuse("there is no manual page of a kind of file",
			      "'lemursim help KIND' says its keys");
	if (o->man)
		manual_page(v, out);
	else if (v)
		help_verb(v, width, out);
	else if (kind)
		help_file(kind, width, out);
	else
		help_program(width, out);
	return EXIT_FINE;
}

static int cmd_help(const void *options, const struct texts *files)
{
	const struct help_options *o = options;
	const char *word = files->n ? files->at[0] : NULL;
	struct str out = STR_INIT;
	int rc;

	if (o->schema + o->man + o->verbs + (o->completion != NULL) > 1)
		rc = refuse("several questions at once",
			    "ask for one of --schema, --man, --verbs, --completion");
	else if (word && (o->completion || o->verbs))
		rc = refuse("'--completion' and '--verbs' take no word", "lemursim help --completion bash");
	else if (o->completion)
		rc = write_completion(o->completion, &out);
	else if (o->verbs)
		rc = write_verbs(&out);
	else if (o->schema)
		rc = write_schema(word, &out);
	else
		rc = write_help(o, word, &out);
	if (rc == EXIT_FINE)
		rc = deliver(&o->output, &out);
	str_release(&out);
	return rc;
}

const struct verb verb_help = {.name = "help",
			       .arguments = "[WORD]",
			       .help = "a verb, the keys of a file (scenario, model, machine, link, "
				       "family, server, samples) or the columns of results; for editors "
				       "and shells too",
			       .options = tables,
			       .options_n = ARRAY_LEN(tables),
			       .size = sizeof(struct help_options),
			       .run = cmd_help,
			       .tries = "help scenario\nhelp columns\nhelp --completion bash\n"};
