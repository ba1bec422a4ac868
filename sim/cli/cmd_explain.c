/* cmd_explain.c - lemursim explain REPORT...: is a measured number normal, and what may explain it if not. */
#include "sim/base/file.h"
#include "sim/calib/samples_csv.h"
#include "sim/cli/cmd.h"
#include "sim/family/run_machine.h"
#include "sim/report/likely_causes.h"

struct explain_options {
	struct load_options load;
	struct output_options output;
	struct draws_ask draws;
	const char *on, *runtime, *weights;
	struct texts models;
	bool skip_foreign;
};

static const struct opt own[] = {
	OPT_TEXT_ROW(struct explain_options, on, "on", 0, "MACHINE",
		     "the machine that it was measured on, as people type it, such as \"m4 max 64\", or its "
		     "file; if "
		     "not said, the one that the rows name"),
	OPT_TEXTS_ROW(struct explain_options, models, "model", 'm', "NAME",
		      "the model that ran; each row's own if not said"),
	OPT_TEXT_ROW(struct explain_options, runtime, "runtime", 0, "NAME",
		     "the runtime it ran under; that of the program which wrote the report if not said"),
	OPT_TEXT_ROW(struct explain_options, weights, "weights", 0, "FORMAT",
		     "format of the weights; as the report says if not said"),
	OPT_FLAG_ROW(
		struct explain_options, skip_foreign, "skip-foreign", 0,
		"leave rows out that ran elsewhere or are of another model, and count them; if not said, "
		"they are errors")};
static const struct opt_table tables[] = {OPT_OWN(own),
					  OPTS_PATH(struct explain_options, load),
					  OPTS_LIST_FORMAT(struct explain_options, output),
					  OPTS_OUTPUT(struct explain_options, output),
					  OPTS_SEED(struct explain_options, draws),
					  OPTS_DRAWS(struct explain_options, draws)};

static int explain(struct session *s, const struct explain_options *o, const struct texts *files, bool json)
{
	struct err err = ERR_INIT;
	const char *note = NULL,
		   *on = o->on ? run_machine_typed(&s->loader, o->on, files, &note, &err) : NULL;
	const struct validate_ask ask = {.loader = &s->loader,
					 .subjects = {&on, on ? 1 : 0},
					 .typed = note ? o->on : NULL,
					 .from = *files,
					 .models = o->models,
					 .runtime = o->runtime,
					 .weights = o->weights,
					 .skip_foreign = o->skip_foreign,
					 .draws = o->draws};
	struct explanation e;
	struct str out = STR_INIT;
	int rc = session_reads_all(s, files);

	if (rc == EXIT_FINE && o->on && !on)
		return session_refuse(s, &err);
	if (rc != EXIT_FINE)
		return rc;
	if (!samples_csv_is_none(files, "explain takes runs of whole models", &err) ||
	    explain_make(&ask, &e, &err) != 0) {
		if (!o->on && !file_exists(files->at[0]))
			err_hint(&err, "a report is a file; --on MACHINE says where it ran");
		return session_refuse(s, &err);
	}
	say_note(note);
	say_notes(&e.notes);
	explanation_write(&out, &e, json, o->output.path ? 0 : terminal_width(0));
	rc = session_deliver(s, &out);
	str_release(&out);
	return rc != EXIT_FINE ? rc : e.normal ? EXIT_FINE : EXIT_TARGET_MISSED;
}

static int cmd_explain(const void *options, const struct texts *files)
{
	static const char *const words[] = {"table", "json"};
	const struct explain_options *o = options;
	struct err err = ERR_INIT;
	struct session s;
	int format, rc = choose_word(&o->output, words, ARRAY_LEN(words), &format);

	if (rc != EXIT_FINE)
		return rc;
	if (!files->n) {
		err_set(&err, "explain needs a report");
		err_hint(&err, "what llama-bench, mlx_lm.benchmark or .generate, ollama --verbose and others "
			       "printed");
		return complain(&err, EXIT_USAGE);
	}
	if (o->models.n > 1) {
		err_set(&err, "--model once: it is of all rows; without it each row finds its own");
		return complain(&err, EXIT_USAGE);
	}
	session_begin(&s, &o->load, &o->output);
	s.loader.typed_as = "--on";
	rc = explain(&s, o, files, format == 1);
	session_end(&s);
	return rc;
}

const struct verb verb_explain = {
	.name = "explain",
	.arguments = "REPORT...",
	.help = "is my number normal: expected and measured for each row of a report, and the likely causes "
		"of a difference; "
		"exit 3 where it is not",
	.options = tables,
	.options_n = ARRAY_LEN(tables),
	.size = sizeof(struct explain_options),
	.run = cmd_explain,
	.tries = "explain bench.json --on apple-m4-10c --model llama-3.1-8b\n"};
