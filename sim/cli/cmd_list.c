/* cmd_list.c - lemursim list [hardware|models|scenarios]. */
#include <stdio.h>
#include <string.h>

#include "sim/cli/cmd.h"
#include "sim/report/listing.h"

struct list_options {
	struct load_options load;
	struct output_options output;
};

static const struct opt rows[] = {OPT_TEXT_ROW(
	struct output_options, format, "format", 0, "FORMAT",
	"table, json, jsonl, or names alone, one a line; if not said, the suffix of -o, or table")};
static const struct opt_table tables[] = {OPTS_PATH(struct list_options, load),
					  OPT_GROUP(rows, struct output_options, struct list_options, output),
					  OPTS_OUTPUT(struct list_options, output)};

static int list_all(const struct texts *named, enum listing_format format, struct session *s, struct str *out)
{
	bool kinds[LISTING_N], any = false;
	struct err err = ERR_INIT;

	for (int k = 0; k < LISTING_N; k++) {
		kinds[k] = !named->n || !strcmp(named->at[0], listing_kinds[k]);
		any |= kinds[k];
	}
	if (!any) {
		err_set(&err, "cannot list '%.40s'", named->at[0]);
		err_hint(&err, "one of: hardware, models, scenarios");
		return complain(&err, EXIT_USAGE);
	}
	listing_write(&s->loader, kinds, format, s->output->path ? 0 : terminal_width(0), out);
	if (!out->len)
		say("nothing is in reach here; '--path DIR' adds a place, such as a checkout\n");
	return session_deliver(s, out);
}

static int cmd_list(const void *options, const struct texts *files)
{
	const struct list_options *o = options;
	struct str out = STR_INIT;
	struct session s;
	int rc, format;

	rc = choose_word(&o->output, listing_format_names, LISTING_FORMAT_N, &format);
	if (rc != EXIT_FINE)
		return rc;
	session_begin(&s, &o->load, &o->output);
	s.loader.unhashed = true;
	rc = list_all(files, (enum listing_format)format, &s, &out);
	session_end(&s);
	str_release(&out);
	return rc;
}

const struct verb verb_list = {
	.name = "list",
	.arguments = "[KIND]",
	.help = "what hardware, models and scenarios there are; KIND is one of these three words",
	.options = tables,
	.options_n = ARRAY_LEN(tables),
	.size = sizeof(struct list_options),
	.run = cmd_list,
	.tries = "list models\n"};
