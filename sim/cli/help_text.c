/* help_text.c - help as text; see help_text.h. */
#include "sim/cli/help_text.h"

#include <string.h>

#include "sim/calib/samples_csv.h"
#include "sim/hw/hw.h"
#include "sim/hw/serving.h"
#include "sim/llm/model.h"
#include "sim/world/scenario.h"

#define KIND(word, keys, whole, file) .name = word, .table = keys, .schema = whole, .example = file

const struct file_kind file_kinds[] = {
	{KIND("scenario", &scenario_table, &planned_table, "scenarios/m5-vs-m4pro.yaml")},
	{KIND("model", &model_table, &model_table, "models/mistral-7b.yaml")},
	{KIND("machine", &machine_table, &machine_table, "hardware/apple/apple-m5-10c-24gb.yaml")},
	{KIND("link", &link_table, &link_table, "hardware/links/thunderbolt-bridge-tcp.yaml")},
	{KIND("family", &machine_table, &machine_table, "hardware/apple/apple-m5.yaml"), .part = true},
	{KIND("server", &server_table, &server_table, "hardware/runtimes/serve-vllm.yaml")},
	{.name = "samples", .help = samples_csv_help, .example = "hardware/measured"},
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

static void verb_line(const struct verb *v, size_t width, struct str *out)
{
	enum { ARGUMENTS = 12, HELP_AT = 25 };
	const size_t from = out->len;

	str_addf(out, "  %-9s %-*s ", v->name, ARGUMENTS, v->arguments);
	if (out->len - from > HELP_AT) {
		str_add(out, "\n");
		str_pad(out, ' ', HELP_AT);
	}
	str_add_wrapped(out, v->help, HELP_AT, HELP_AT, width);
}

void help_program(size_t width, struct str *out)
{
	str_add(out, "lemursim: what will these unlike machines do with this model?\n\n"
		     "usage: lemursim VERB [OPTION...] [FILE...]\n\nverbs\n");
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
	str_add(out, "\ntry: lemursim simulate scenarios/m5-vs-m4pro.yaml\n");
}

void help_verb(const struct verb *v, size_t width, struct str *out)
{
	str_addf(out, "usage: lemursim %s [OPTION...] %s\n\n", v->name, v->arguments);
	str_add_wrapped(out, v->help, 0, 0, width);
	str_add(out, "\n");
	opts_help(v->options, v->options_n, width, out);
	str_add(out, "\n");
	for (const char *line = v->tries; *line; line += strcspn(line, "\n") + 1)
		str_addf(out, "try: lemursim %.*s\n", (int)strcspn(line, "\n"), line);
}

void help_file(const struct file_kind *kind, size_t width, struct str *out)
{
	if (kind->help)
		kind->help(out);
	else
		field_help(kind->table, 0, width, out);
	str_addf(out, "\nan example: %s\n", kind->example);
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
	near = str_closest(word, names, n);
	err_set(&err, "unknown %s '%.60s'", what, word);
	err_hint(&err, near ? "did you mean '%s'?" : "'lemursim help' lists them%.0s", near ? near : "");
	return complain(&err, EXIT_USAGE);
}
