/* cmd_init.c - lemursim init [KIND]: a commented scenario to begin with. */
#include "sim/cli/cmd.h"

#include "sim/cli/templates.h"

struct init_options {
	struct output_options output;
};

static const struct opt_table tables[] = {OPTS_OUTPUT(struct init_options, output)};

const char *const init_kinds[] = {"generate", "train", "serve", "plan", NULL};
enum { KINDS = ARRAY_LEN(init_kinds) - 1 };

/* What it is written to is a scenario, which a verb is then asked of. */
static int check_target(const char *path)
{
	struct err err = ERR_INIT;

	if (!path || str_ends(path, ".yaml"))
		return EXIT_FINE;
	err_set(&err, "a scenario is YAML, which '%.100s' does not say", path);
	err_hint(&err, "add -o FILE.yaml");
	return complain(&err, EXIT_USAGE);
}

static int cmd_init(const void *options, const struct texts *files)
{
	const struct init_options *o = options;
	const char *kind = files->n ? files->at[0] : init_kinds[0];
	struct str text = STR_INIT;
	struct err err = ERR_INIT;
	int rc = check_target(o->output.path);

	if (rc != EXIT_FINE)
		return rc;
	if (str_find(kind, init_kinds, KINDS) == KINDS) {
		err_unknown(&err, "kind of scenario", kind, init_kinds, KINDS);
		return complain(&err, EXIT_USAGE);
	}
	str_add(&text, templates_source(kind));
	rc = deliver(&o->output, &text);
	str_release(&text);
	return rc;
}

const struct verb verb_init = {
	.name = "init",
	.arguments = "[KIND]",
	.help = "a commented scenario to begin with, -o FILE.yaml; KIND is generate, train, serve or plan",
	.options = tables,
	.options_n = ARRAY_LEN(tables),
	.size = sizeof(struct init_options),
	.run = cmd_init,
	.tries = "init serve -o mine.yaml\n"};
