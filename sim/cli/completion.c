/* completion.c - scripts that complete command lines in bash, zsh and fish; see help_text.h. */
#include "sim/cli/help_text.h"

#include <string.h>

#include "sim/draw/look.h"
#include "sim/predict/job.h"
#include "sim/predict/program_job.h"
#include "sim/report/listing.h"
#include "sim/report/result.h"

const char *const shell_names[SHELL_N + 1] = {"bash", "zsh", "fish", NULL};

enum words_of { /* what may stand somewhere on the command line */
		WORDS_NONE,
		WORDS_FILES,
		WORDS_FOLDERS,
		WORDS_HARDWARE, /* names of the catalogue */
		WORDS_MODELS,
		WORDS_SCENARIOS, /* or files */
		WORDS_SUBJECTS,  /* scenarios, machines or files */
		WORDS_METRICS,
		WORDS_FORMATS, /* of results, of rows, of what a verb says, of lists */
		WORDS_ROWS,
		WORDS_SAYINGS,
		WORDS_LISTS,
		WORDS_KINDS, /* of the catalogue */
		WORDS_HELP,  /* verbs and kinds of files */
		WORDS_SHELLS,
		WORDS_STYLES,    /* of pictures */
		WORDS_TEMPLATES, /* of `init` */
		WORDS_PHASES,    /* of `schedule` */
		WORDS_N
};

static const char *const function_of[WORDS_N] = {
	"none", "files",   "folders", "hardware", "models", "scenarios", "subjects", "metrics",   "formats",
	"rows", "sayings", "lists",   "kinds",    "help",   "shells",    "styles",   "templates", "phases"};

static enum words_of words_of_option(const struct opt *o)
{
	static const struct {
		const char *option, *value; /* NULL: any */
		enum words_of words;
	} rows[] = {{"model", NULL, WORDS_MODELS},      {"on", NULL, WORDS_HARDWARE},
		    {"machine", NULL, WORDS_HARDWARE},  {NULL, "FILE", WORDS_FILES},
		    {NULL, "DIR", WORDS_FOLDERS},       {NULL, "METRIC", WORDS_METRICS},
		    {"metric", NULL, WORDS_METRICS},    {"format", NULL, WORDS_LISTS},
		    {"completion", NULL, WORDS_SHELLS}, {"link", "LINK", WORDS_HARDWARE},
		    {"style", "STYLE", WORDS_STYLES},   {"subject-to", NULL, WORDS_METRICS},
		    {"phase", NULL, WORDS_PHASES}};

	if (o == opts_result_format)
		return WORDS_FORMATS;
	if (o == opts_rows_format)
		return WORDS_ROWS;
	if (o == opts_list_format)
		return WORDS_SAYINGS;
	for (size_t i = 0; o->value && i < ARRAY_LEN(rows); i++)
		if ((!rows[i].option || !strcmp(rows[i].option, o->name)) &&
		    (!rows[i].value || !strcmp(rows[i].value, o->value)))
			return rows[i].words;
	return WORDS_NONE;
}

static enum words_of words_of_argument(const struct verb *v)
{
	if (!strcmp(v->name, "list"))
		return WORDS_KINDS;
	if (!strcmp(v->name, "help"))
		return WORDS_HELP;
	if (!strcmp(v->name, "init"))
		return WORDS_TEMPLATES;
	if (strstr(v->arguments, "MODEL"))
		return WORDS_MODELS;
	if (strstr(v->arguments, "SCENARIO") && strstr(v->arguments, "MACHINE"))
		return WORDS_SUBJECTS;
	return strstr(v->arguments, "SCENARIO") ? WORDS_SCENARIOS : WORDS_FILES;
}

static bool takes_files(enum words_of words) /* beside names of the catalogue */
{
	return words == WORDS_SCENARIOS || words == WORDS_SUBJECTS;
}

static void add_names(const char *const *names, struct str *out)
{
	for (size_t i = 0; names[i]; i++)
		str_addf(out, "%s%s", i ? " " : "", names[i]);
}

static void add_verbs(struct str *out)
{
	for (size_t i = 0; verbs[i]; i++)
		str_addf(out, "%s%s", i ? " " : "", verbs[i]->name);
}

static void add_metrics(struct str *out)
{
	for (int j = 0; j < JOB_N; j++)
		for (size_t m = 0; m < job_types[j]->metrics_n; m++)
			str_addf(out, "%s%s", j || m ? " " : "", job_types[j]->metrics[m].name);
}

static void add_phases(struct str *out)
{
	for (int j = 0; j < JOB_N; j++)
		for (size_t i = 0; job_types[j]->programs && i < job_types[j]->programs->parts_n; i++)
			str_addf(out, "%s ", job_types[j]->programs->parts[i].name);
	str_add(out, "serve");
}

/* Appends the words themselves, blanks between them, or a command that prints them; false: they are the shell's own, or
 * there are none. */
static bool add_words(enum words_of words, const char *command, const char *between, struct str *out)
{
	switch (words) {
	case WORDS_HARDWARE:
	case WORDS_MODELS:
	case WORDS_SCENARIOS:
		str_addf(out, command, function_of[words]);
		return true;
	case WORDS_SUBJECTS:
		str_addf(out, command, function_of[WORDS_SCENARIOS]);
		str_add(out, between);
		str_addf(out, command, function_of[WORDS_HARDWARE]);
		return true;
	case WORDS_METRICS:
		add_metrics(out);
		return true;
	case WORDS_FORMATS:
		add_names(result_format_names, out);
		return true;
	case WORDS_ROWS:
		str_add(out, "table md csv json");
		return true;
	case WORDS_SAYINGS:
		str_add(out, "table json");
		return true;
	case WORDS_LISTS:
		add_names(listing_format_names, out);
		return true;
	case WORDS_KINDS:
		add_names(listing_kinds, out);
		return true;
	case WORDS_SHELLS:
		add_names(shell_names, out);
		return true;
	case WORDS_STYLES:
		add_names(picture_style_names, out);
		return true;
	case WORDS_TEMPLATES:
		add_names(init_kinds, out);
		return true;
	case WORDS_PHASES:
		add_phases(out);
		return true;
	case WORDS_HELP:
		add_verbs(out);
		for (const struct file_kind *k = file_kinds; k->name; k++)
			str_addf(out, " %s", k->name);
		return true;
	default:
		return false;
	}
}

/* Functions of bash and zsh that print words; `files` and `folders` are the shell's own. */
static void add_functions(struct str *out)
{
	for (int w = WORDS_HARDWARE; w < WORDS_N; w++) {
		const bool listed = w <= WORDS_SUBJECTS;

		str_addf(out, "_lemursim_%s() { %s", function_of[w], listed ? "" : "echo ");
		add_words((enum words_of)w, "lemursim list %s --format names 2>/dev/null", "; ", out);
		str_add(out, "; }\n");
	}
}

/* ---- bash ---- */

static void bash_options(const struct verb *v, struct str *out)
{
	const struct opt *o;

	str_addf(out, "\t%s) argument=%s options='", v->name, function_of[words_of_argument(v)]);
	for (size_t i = 0; (o = opts_row(v->options, v->options_n, i)); i++)
		str_addf(out, "%s--%s", i ? " " : "", o->name);
	str_add(out, "'\n\t\tcase $before in\n");
	for (size_t i = 0; (o = opts_row(v->options, v->options_n, i)); i++) {
		if (!o->value)
			continue;
		str_addf(out, "\t\t--%s", o->name);
		if (o->letter)
			str_addf(out, " | -%c", o->letter);
		str_addf(out, ") value=%s ;;\n", function_of[words_of_option(o)]);
	}
	str_add(out, "\t\tesac ;;\n");
}

static void bash_script(struct str *out)
{
	str_add(out, "# bash completion of lemursim: lemursim help --completion bash\n");
	add_functions(out);
	str_add(out, "_lemursim()\n{\n"
		     "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} options= "
		     "argument= value=\n"
		     "\tCOMPREPLY=()\n"
		     "\t# bash takes --style=grey for three words\n"
		     "\tif [ \"$before\" = = ]; then before=${COMP_WORDS[COMP_CWORD-2]}\n"
		     "\telif [ \"$word\" = = ]; then word=; fi\n"
		     "\tif [ \"$COMP_CWORD\" = 1 ]; then\n"
		     "\t\tCOMPREPLY=($(compgen -W '");
	add_verbs(out);
	str_add(out, "' -- \"$word\"))\n\t\treturn\n\tfi\n\tcase ${COMP_WORDS[1]} in\n");
	for (size_t i = 0; verbs[i]; i++)
		bash_options(verbs[i], out);
	str_add(out, "\tesac\n"
		     "\t[ -n \"$value\" ] || case $word in -*) COMPREPLY=($(compgen -W \"$options\" -- "
		     "\"$word\")); return ;; esac\n"
		     "\tcase ${value:-$argument} in\n"
		     "\tnone) ;;\n"
		     "\tfiles) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n"
		     "\tfolders) COMPREPLY=($(compgen -d -- \"$word\")) ;;\n"
		     "\tscenarios) COMPREPLY=($(compgen -f -- \"$word\") $(compgen -W "
		     "\"$(_lemursim_scenarios)\" -- \"$word\")) ;;\n"
		     "\tsubjects) COMPREPLY=($(compgen -f -- \"$word\") $(compgen -W "
		     "\"$(_lemursim_subjects)\" -- \"$word\")) ;;\n"
		     "\t*) COMPREPLY=($(compgen -W \"$(_lemursim_${value:-$argument})\" -- \"$word\")) ;;\n"
		     "\tesac\n}\n"
		     "complete -o filenames -F _lemursim lemursim\n");
}

/* ---- zsh ---- */

/* Text inside single quotes, in an argument of _arguments: brackets and colons would end a part of it. */
static void zsh_text(const char *text, struct str *out)
{
	for (; *text; text++) {
		if (*text == '\'')
			str_add(out, "'\\''");
		else if (strchr("[]:\\", *text))
			str_addf(out, "\\%c", *text);
		else
			str_add_n(out, text, 1);
	}
}

static void zsh_action(enum words_of words, const char *what, struct str *out)
{
	str_add(out, ":");
	zsh_text(what, out);
	if (words == WORDS_NONE)
		str_add(out, ": ");
	else if (words == WORDS_FILES)
		str_add(out, ":_files");
	else if (words == WORDS_FOLDERS)
		str_add(out, ":_files -/");
	else
		str_addf(out, ":{ compadd -- $(_lemursim_%s)%s }", function_of[words],
			 takes_files(words) ? "; _files" : "");
}

static void zsh_verb(const struct verb *v, struct str *out)
{
	const struct opt *o;

	str_addf(out, "\t%s) _arguments \\\n", v->name);
	for (size_t i = 0; (o = opts_row(v->options, v->options_n, i)); i++) {
		const bool again = o->type == OPT_TEXTS || o->type == OPT_FOLDERS;

		if (o->letter)
			str_addf(out, "\t\t%s{-%c,--%s}'", again ? "'*'" : "", o->letter, o->name);
		else
			str_addf(out, "\t\t'%s--%s", again ? "*" : "", o->name);
		str_add(out, "[");
		zsh_text(o->help, out);
		str_add(out, "]");
		if (o->value)
			zsh_action(words_of_option(o), o->value, out);
		str_add(out, "' \\\n");
	}
	str_add(out, "\t\t'*");
	zsh_action(words_of_argument(v), v->arguments, out);
	str_add(out, "' ;;\n");
}

static void zsh_script(struct str *out)
{
	str_add(out, "#compdef lemursim\n# zsh completion of lemursim: lemursim help --completion zsh\n");
	add_functions(out);
	str_add(out, "_lemursim()\n{\n\tif (( CURRENT == 2 )); then\n\t\tlocal -a verbs=(\n");
	for (size_t i = 0; verbs[i]; i++) {
		str_addf(out, "\t\t\t'%s:", verbs[i]->name);
		zsh_text(verbs[i]->help, out);
		str_add(out, "'\n");
	}
	str_add(out, "\t\t)\n\t\t_describe verb verbs\n\t\treturn\n\tfi\n"
		     "\tlocal verb=$words[2]\n\tshift words\n\t(( CURRENT-- ))\n\tcase $verb in\n");
	for (size_t i = 0; verbs[i]; i++)
		zsh_verb(verbs[i], out);
	str_add(out, "\tesac\n}\n"
		     "# loaded from $fpath it is called at once; sourced it says what it completes\n"
		     "if [ \"$funcstack[1]\" = _lemursim ]; then _lemursim \"$@\"; else compdef _lemursim "
		     "lemursim; fi\n");
}

/* ---- fish ---- */

static void fish_text(const char *text, struct str *out)
{
	str_add(out, "'");
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			str_add(out, "\\");
		str_add_n(out, text, 1);
	}
	str_add(out, "'");
}

static void fish_words(enum words_of words, struct str *out)
{
	struct str list = STR_INIT;

	if (words == WORDS_FILES)
		str_add(out, " -F");
	else if (words == WORDS_FOLDERS)
		str_add(out, " -a '(__fish_complete_directories)'");
	else if (add_words(words, "(lemursim list %s --format names 2>/dev/null)", " ", &list))
		str_addf(out, " -a '%s'", list.text);
	str_release(&list);
}

static void fish_verb(const struct verb *v, struct str *out)
{
	const enum words_of argument = words_of_argument(v);
	const struct opt *o;

	str_addf(out, "complete -c lemursim -n __fish_use_subcommand -a %s -d ", v->name);
	fish_text(v->help, out);
	str_addf(out, "\ncomplete -c lemursim -n '__fish_seen_subcommand_from %s'", v->name);
	fish_words(argument, out);
	str_add(out, takes_files(argument) ? " -F\n" : "\n");
	for (size_t i = 0; (o = opts_row(v->options, v->options_n, i)); i++) {
		str_addf(out, "complete -c lemursim -n '__fish_seen_subcommand_from %s' -l %s", v->name,
			 o->name);
		if (o->letter)
			str_addf(out, " -s %c", o->letter);
		str_add(out, " -d ");
		fish_text(o->help, out);
		if (o->value) { /* -x: no files beside the words */
			str_add(out, words_of_option(o) == WORDS_FILES ? " -r" : " -x");
			fish_words(words_of_option(o), out);
		}
		str_add(out, "\n");
	}
}

static void fish_script(struct str *out)
{
	str_add(out, "# fish completion of lemursim: lemursim help --completion fish\n"
		     "complete -c lemursim -f\n");
	for (size_t i = 0; verbs[i]; i++)
		fish_verb(verbs[i], out);
}

void completion_script(enum shell shell, struct str *out)
{
	static void (*const scripts[SHELL_N])(struct str *) = {bash_script, zsh_script, fish_script};

	scripts[shell](out);
}
