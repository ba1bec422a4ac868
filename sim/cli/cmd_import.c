/* cmd_import.c - lemursim import FILE: a model file from a config.json, a GGUF or safetensors. */
#include <stdio.h>

#include "sim/cli/cmd.h"
#include "sim/base/units.h"
#include "sim/import/import.h"

struct import_options {
	struct load_options load;
	struct output_options output;
	const char *facts;
	bool assume;
};

static const struct opt own[] = {
	OPT_TEXT_ROW(struct import_options, facts, "facts", 0, "FILE",
		     "yaml to add: title, source, parameters, sizes, notes"),
	OPT_FLAG_ROW(struct import_options, assume, "assume", 0,
		     "take an unknown family of plain shape as a plain transformer")};
static const struct opt_table tables[] = {OPTS_PATH(struct import_options, load),
					  OPTS_OUTPUT(struct import_options, output), OPT_OWN(own)};

/* Tells on stderr, so that the file can go to stdout, which tensors were found and what is not modelled. */
static void tell_result(const struct import_result *r)
{
	const struct described *d = &r->described;
	struct str text = STR_INIT;

	for (int c = 0; c < CLASS_N && r->tensors_n; c++)
		if (r->sums.bytes[c] > 0)
			str_addf(&text, "  %-24s %14.0f weights %14.0f bytes\n", tensor_class_names[c],
				 r->sums.numbers[c], r->sums.bytes[c]);
	if (r->short_B)
		str_addf(&text, "warning: %s GB of tensors are missing: only the headers were read\n",
			 units_digits((double)r->short_B / 1e9, 4).text);
	if (r->file_type)
		str_addf(&text, "  as %s: %+.3f %%\n", r->file_type, 100 * r->off);
	for (size_t i = 0; i < d->notes_n; i++)
		str_addf(&text, "warning: not modelled: %s\n", d->notes[i]);
	say(text.text);
	str_release(&text);
}

static int cmd_import(const void *options, const struct texts *files)
{
	const struct import_options *o = options;
	const struct import_ask ask = {files->at[0], o->facts, o->assume, "lemursim " VERSION};
	struct import_result r = {.text = STR_INIT};
	struct session s;
	struct err err = ERR_INIT;
	int rc;

	session_begin(&s, &o->load, &o->output);
	if (session_reads(&s, ask.path) != EXIT_FINE) {
		rc = EXIT_USAGE;
	} else if (import_model(&s.loader, &ask, &r, &err) == 0) {
		tell_result(&r);
		rc = session_deliver(&s, &r.text);
		if (rc == EXIT_FINE && o->output.path)
			printf("written: %s\n", o->output.path);
	} else if (s.diags.total) {
		rc = session_complain(&s);
	} else {
		rc = complain(&err, EXIT_USAGE);
	}
	str_release(&r.text);
	session_end(&s);
	return rc;
}

const struct verb verb_import = {
	.name = "import",
	.arguments = "FILE",
	.help = "a model file from a config.json, a GGUF or safetensors (a shard, or the index); -o "
		"models/NAME.yaml",
	.options = tables,
	.options_n = ARRAY_LEN(tables),
	.size = sizeof(struct import_options),
	.run = cmd_import,
	.tries = "import config.json -o my-model.yaml\n"};
