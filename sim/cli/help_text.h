/*
 * help_text.h - what is said of the program, its verbs and the files that it reads, all from the tables that parse
 * them: as help, as manual pages, as completion of shells.
 *
 * Layer cli. Functions append to out, and print nothing.
 */
#ifndef SIM_CLI_HELP_TEXT_H
#define SIM_CLI_HELP_TEXT_H
#include "sim/cli/cmd.h"
#include "sim/conf/field.h"

struct file_kind {
	const char *name;
	void (*help)(size_t width, struct str *out); /* NULL: a file of YAML, which has a table */
	const struct table *table;
	const struct table *schema; /* as `table`, with what every such file must have */
	const char *example;        /* in a checkout; NULL: none */
	bool part;                  /* it is merged under files that have what is required */
};
extern const struct file_kind file_kinds[];               /* a NULL name ends them */
const struct file_kind *file_kind_find(const char *name); /* NULL: there is none */

const struct verb *verb_find(const char *name); /* NULL: there is none */

void help_program(size_t width, struct str *out);
void help_verb(const struct verb *v, size_t width, struct str *out);
void help_file(const struct file_kind *kind, size_t width, struct str *out);
int help_unknown(const char *what, const char *word); /* complains of a word that is no verb; an exit code */

/* A page of man(7) in section 1; v NULL: of the program. */
void manual_page(const struct verb *v, struct str *out);

enum shell { SHELL_BASH, SHELL_ZSH, SHELL_FISH, SHELL_N };
extern const char *const shell_names[SHELL_N + 1]; /* NULL-terminated */

/* A script that completes verbs, options and their values; names of files in the catalogue come from `lemursim list KIND
 * --format names` when they are asked for. */
void completion_script(enum shell shell, struct str *out);

#endif
