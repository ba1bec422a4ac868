/* help_text.c - help as text; see help_text.h. */
#include "sim/cli/help_text.h"

#include <string.h>

#include "sim/base/nearest.h"
#include "sim/calib/samples_csv.h"
#include "sim/cli/help_columns.h"
#include "sim/hw/hw.h"
#include "sim/hw/serving.h"
#include "sim/llm/model.h"
#include "sim/world/scenario.h"

#define KIND(word, keys, whole, file) .name = word, .table = keys, .schema = whole, .example = file

const struct file_kind file_kinds[] = {
	{KIND("scenario", &scenario_table, &planned_table, "scenarios/m5-vs-m4pro.yaml")},
	{KIND("model", &model_table, &model_table, "models/mistral-7b.yaml")},
	{KIND("machine", &machine_table, &machine_table, "hardware/apple/apple-m5-10c-24gb.yaml")},
	{KIND("link", &link_table, &link_table, "hardware/links/thunderbolt-5-tcp.yaml")},
	{KIND("family", &machine_table, &machine_table, "hardware/apple/apple-m5.yaml"), .part = true},
	{KIND("server", &server_table, &server_table, "hardware/runtimes/serve-vllm.yaml")},
	{.name = "samples", .help = samples_csv_help, .example = "hardware/measured/apple-m5-10c-24gb.csv"},
	{.name = "columns", .help = columns_help},
	{.name = NULL},
};

const struct file_kind *file_kind_find(const char *name)
{
	for (const struct file_kind *k = file_kinds; k->name; k++)
		if (!strcmp(k->name, name))
			return k;
	return NULL;
}

const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; verbs[i]; i++)
		if (!strcmp(verbs[i]->name, name))
			return verbs[i];
	return NULL;
}

/* From which width on what is said of a verb stands beside it, and not below. */
enum { WIDE = 64, INDENT = 6 };

static void verb_line(const struct verb *v, size_t width, struct str *out)
{
	enum { ARGUMENTS = 12, HELP_AT = 25 };
	const size_t from = out->len, at = width < WIDE ? INDENT : HELP_AT;

	str_addf(out, "  %-9s %-*s ", v->name, ARGUMENTS, v->arguments);
	if (out->len - from > HELP_AT || at < HELP_AT) {
		while (out->text[out->len - 1] == ' ')
			out->text[--out->len] = '\0';
		str_add(out, "\n");
		str_pad(out, ' ', at);
	}
	str_add_wrapped(out, v->help, at, at, width);
}

/* The bytes of the next word of a command line: up to a blank outside double quotes. */
static size_t word_of(const char *line)
{
	bool quoted = false;
	size_t n = 0;

	for (; line[n] && line[n] != '\n' && (quoted || line[n] != ' '); n++)
		quoted ^= line[n] == '"';
	return n;
}

/* A word that is wider than a line goes on at the beginning of the next, where a shell joins it. */
static size_t add_word(struct str *out, const char *word, size_t n, size_t at, size_t width)
{
	for (size_t i = 0; i < n; i++, at++) {
		if (i && at + 1 >= width && n - i > 1) {
			str_add(out, "\\\n");
			at = 0;
		}
		str_add_n(out, word + i, 1);
	}
	return at;
}

/* A command line that can be copied to a shell whatever the width: lines but the last end in a backslash. */
static void add_try(struct str *out, const char *line, size_t width)
{
	enum { GO_ON = 4 };
	size_t at = strlen("try: lemursim");

	str_add(out, "try: lemursim");
	for (size_t n; (n = word_of(line)) > 0; line += n + (line[n] == ' ')) {
		const bool last = line[n] != ' ';

		if (at + 1 + n + (last ? 0 : 2) > width) {
			str_add(out, " \\\n");
			str_pad(out, ' ', GO_ON);
			at = GO_ON;
		} else {
			str_add(out, " ");
			at++;
		}
		at = add_word(out, line, n, at, width);
	}
	str_add(out, "\n");
}

void help_program(size_t width, struct str *out)
{
	str_add_wrapped(out, "lemursim: what will these unlike machines do with this model?", 0, 2, width);
	str_add(out, "\n");
	str_add_wrapped(out, "usage: lemursim VERB [OPTION...] [FILE...]", 0, 4, width);
	str_add(out, "\nverbs\n");
	for (size_t i = 0; verbs[i]; i++)
		verb_line(verbs[i], width, out);
	str_add(out, "\n");
	str_add_wrapped(
		out,
		"options: of one that is given twice the last counts; those that may be repeated, such as "
		"--set, --path and --over, add up",
		0, 2, width);
	str_add(out, "\n");
	str_add_wrapped(
		out,
		"exit codes: 0 fine, 1 internal or I/O failure, 2 bad usage or input, 3 a stated target is "
		"missed, 4 nothing fits, 130 interrupted",
		0, 2, width);
	str_add(out, "\n");
	add_try(out, "simulate scenarios/m5-vs-m4pro.yaml", width);
}

void help_verb(const struct verb *v, size_t width, struct str *out)
{
	struct str usage = STR_INIT;

	str_addf(&usage, "usage: lemursim %s [OPTION...] %s", v->name, v->arguments);
	str_add_wrapped(out, usage.text, 0, 4, width);
	str_release(&usage);
	str_add(out, "\n");
	str_add_wrapped(out, v->help, 0, 0, width);
	str_add(out, "\n");
	opts_help(v->options, v->options_n, width, out);
	str_add(out, "\n");
	for (const char *line = v->tries; *line; line += strcspn(line, "\n") + 1)
		add_try(out, line, width);
}

void help_file(const struct file_kind *kind, size_t width, struct str *out)
{
	if (kind->help)
		kind->help(width, out);
	else
		field_help(kind->table, 0, width, out);
	if (!kind->example)
		return;
	str_add(out, "\nan example:");
	str_add(out, strlen("an example: ") + strlen(kind->example) > width ? "\n" : " ");
	str_addf(out, "%s\n", kind->example);
}

int help_unknown(const char *what, const char *word)
{
	enum { WORDS_MAX = 48 };
	const char *names[WORDS_MAX], *near;
	struct err err = ERR_INIT;
	size_t n = 0;

	for (size_t i = 0; verbs[i]; i++)
		names[n++] = verbs[i]->name;
	for (const struct file_kind *k = file_kinds; k->name && strcmp(what, "verb") != 0; k++)
		names[n++] = k->name;
	BUG_ON(n > WORDS_MAX);
	near = nearest_of(word, names, n);
	err_set(&err, "unknown %s '%.60s'", what, word);
	if (!near && (str_ends(word, ".yaml") || str_ends(word, ".yml")))
		err_hint(&err, "a verb comes first: lemursim simulate %.200s", word);
	else if (*word == '-')
		err_hint(&err, "a verb comes first; without one there are --help and --version");
	else
		err_hint(&err, near ? "did you mean '%s'?" : "'lemursim help' lists them%.0s",
			 near ? near : "");
	return complain(&err, EXIT_USAGE);
}
