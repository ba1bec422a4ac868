/* cmd_show.c - lemursim show SCENARIO: the effective configuration, each value with where it came from. */
#include <stdio.h>

#include "sim/cli/cmd.h"

struct show_options {
	struct load_options load;
	struct output_options output;
};

static const struct opt_table tables[] = {OPTS_SET(struct show_options, load),
					  OPTS_PATH(struct show_options, load),
					  OPTS_OUTPUT(struct show_options, output)};

static int cmd_show(const void *options, const struct texts *files)
{
	const struct show_options *o = options;
	struct str out = STR_INIT;
	struct session s;
	const struct world *w;
	int rc = EXIT_USAGE;

	session_begin(&s, &o->load, &o->output);
	w = session_world(&s, &o->load.sets, files->at[0]);
	if (w) {
		field_show(w->tree, &out);
		rc = session_deliver(&s, &out);
	}
	session_end(&s);
	str_release(&out);
	return rc;
}

const struct verb verb_show = {.name = "show",
			       .arguments = "SCENARIO",
			       .help = "the effective configuration, each value with where it came from",
			       .options = tables,
			       .options_n = ARRAY_LEN(tables),
			       .size = sizeof(struct show_options),
			       .run = cmd_show,
			       .tries = "show scenarios/m5-vs-m4pro.yaml --set \"links.tb.latency=1 ms\"\n"};
