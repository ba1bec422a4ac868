/*
 * cmd_calibrate.c - lemursim calibrate: measure this machine, or a link, or fit results; write a hardware
 * file.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/measure/link.h"
#include "sim/base/file.h"
#include "sim/calib/profile.h"
#include "sim/calib/samples_csv.h"
#include "sim/family/beyond_evidence.h"
#include "sim/family/fit_runtime.h"
#include "sim/family/family_model.h"
#include "sim/family/run_machine.h"
#include "sim/family/trace_facts.h"
#include "sim/cli/calibrate_here.h"

static const struct opt own_suite[] = {
	OPT_FLAG_ROW(struct calibrate_options, quick, "quick", 'q',
		     "fewer sizes and samples: under a minute instead of six"),
	OPT_TEXT_ROW(struct calibrate_options, only, "only", 0, "ROW,ROW",
		     "these rows of the suite, or all; '--list' names them"),
	OPT_FLAG_ROW(struct calibrate_options, list, "list", 'l',
		     "say what would be measured, and measure nothing"),
	OPT_FLAG_ROW(struct calibrate_options, dry_run, "dry-run", 0,
		     "the same with the time of each row and the files that would be written"),
	OPT_TEXT_ROW(
		struct calibrate_options, bundle, "bundle", 0, "FILE",
		"write all samples into one file to be given away, and show what it says of the machine; "
		"with --from, of those"),
	OPT_TEXT_ROW(struct calibrate_options, backend, "backend", 'b', "NAME",
		     "one way to compute: metal, cuda or cblas; if not said, all that share the main "
		     "device's memory"),
	OPT_COUNT_ROW(struct calibrate_options, threads, "threads", 0, "N",
		      "of the CPU; all cores if not said", 1, 1024, 0),
	OPT_TEXT_ROW(struct calibrate_options, link, "link", 0, "serve|HOST:PORT",
		     "the link to another machine, which runs '--link serve'")};
static const struct opt own_runs[] = {
	OPT_TEXT_ROW(struct calibrate_options, machine, "machine", 0, "NAME",
		     "with runs of models: the machine they ran on, as people type it, or its file"),
	OPT_TEXT_ROW(struct calibrate_options, device, "device", 0, "NAME",
		     "with --machine: its device; the first if not said"),
	OPT_TEXT_ROW(struct calibrate_options, like, "like", 0, "NAME",
		     "with --machine: the runtime, or another machine, whose tables are taken over; if not "
		     "said, the newest runtime that fits the program and its build"),
	OPT_FLAG_ROW(struct calibrate_options, keep, "keep", 0,
		     "with --machine: write the file even where it does not give back its own rows")};
static const struct opt own_facts[] = {
	OPT_TEXT_ROW(struct calibrate_options, facts, "facts", 0, "FILE",
		     "with samples: csv of what a data sheet says (key, value)"),
	OPT_FLAG_ROW(struct calibrate_options, beyond, "beyond", 0,
		     "with --family: not the profile, but how far off it is on kinds of runs that its fit "
		     "had none of, as csv"),
	OPT_TEXT_ROW(struct calibrate_options, trace, "trace", 0, "FILE",
		     "count kernels and launches of each layer in a trace of torch.profiler, of ggml's "
		     "Vulkan timings "
		     "or of xctrace; -o is a csv for --facts; --model: the one that ran")};
static const struct opt_table tables[] = {OPTS_PATH(struct calibrate_options, load),
					  OPTS_OUTPUT(struct calibrate_options, output),
					  OPT_OWN(own_suite),
					  OPTS_RUNS(struct calibrate_options, runs),
					  OPT_OWN(own_runs),
					  OPTS_FAMILY(struct calibrate_options, runs),
					  OPT_OWN(own_facts),
					  OPTS_JOBS(struct calibrate_options, workers)};

/* "Studio's host" -> "studio-s-host" */
static const char *slug(struct arena *a, const char *text)
{
	const char *name = str_slugged(a, text);

	return *name ? name : "machine";
}

static void tell_port(void *self, const char *port)
{
	(void)self;
	fprintf(stderr,
		"listening on port %s; on the other machine: lemursim calibrate --link HOST:%s -o "
		"FILE.yaml\n",
		port, port);
}

static int run_link(struct arena *a, const struct calibrate_options *o)
{
	const struct link_options lo = {.stop = session_interrupted(), .ready = tell_port};
	struct sample_set set;
	struct str text = STR_INIT;
	struct err err = ERR_INIT;
	char host[128] = "this machine";
	int rc;

	if (str_starts(o->link, "serve")) {
		if (link_serve(o->link[5] == ':' ? o->link + 6 : LINK_PORT, &lo, &err) != 0)
			return complain(&err, EXIT_FAILED);
		return *session_interrupted() ? EXIT_INTERRUPTED : EXIT_FINE;
	}
	gethostname(host, sizeof host - 1);
	if (link_measure(a, o->link, &lo, &set, &err) != 0)
		return complain(&err, err.hint[0] ? EXIT_USAGE : EXIT_FAILED);
	if (*session_interrupted())
		return EXIT_INTERRUPTED;
	if (link_yaml(&set, arena_printf(a, "TCP, %s to %s", slug(a, host), slug(a, o->link)), &text, &err) !=
	    0)
		rc = complain(&err, EXIT_FAILED);
	else
		rc = deliver(&o->output, &text);
	str_release(&text);
	return rc;
}

/* Shows the rows beside what was made of them; where they are not given back, nothing is written. */
static int judge_fit(const struct calibrate_options *o, const struct fit_runtime_result *r)
{
	struct str table = STR_INIT;
	struct err err = ERR_INIT;

	fit_runtime_table(r, &table);
	fputs(table.text, stderr);
	str_release(&table);
	if (!r->refused)
		return EXIT_FINE;
	if (o->keep) {
		fprintf(stderr, "lemursim: note: %s; kept all the same\n", r->refused);
		return EXIT_FINE;
	}
	err_set(&err, "%s: nothing is written", r->refused);
	err_hint(&err, "measure the rows that are beyond their noise again, or leave them out; --like takes "
		       "the shape "
		       "of another runtime or machine, --keep writes it all the same");
	return complain(&err, EXIT_TARGET_MISSED);
}

/* Neither samples nor runs of a known machine: a file that cannot be read, one without a column of samples, or runs. */
static int no_machine(struct session *s, const char *path)
{
	struct err err = ERR_INIT;
	char *text;
	size_t len;

	if (file_read(&s->arena, path, SAMPLES_FILE_MAX, &text, &len, &err) != 0)
		return complain(&err, EXIT_USAGE);
	if (!len) {
		err_set(&err, "%.200s: the file is empty", path);
		return complain(&err, EXIT_USAGE);
	}
	if (samples_csv_check_head(&s->arena, path, text, &err) != 0)
		return complain(&err, EXIT_USAGE);
	err_set(&err, "runs of models say little without the machine");
	err_hint(&err, "--machine NAME, and --model NAME where the rows do not name theirs; of samples: "
		       "'lemursim help "
		       "samples' has the columns");
	return complain(&err, EXIT_USAGE);
}

/* Rows that are given twice would be taken for runs that agree. */
static int check_once(const struct texts *files, struct err *err)
{
	for (size_t i = 1; i < files->n; i++)
		for (size_t k = 0; k < i; k++)
			if (file_same(files->at[k], files->at[i])) {
				err_set(err, "'%.200s' is given twice", files->at[i]);
				return err_hint(err, "its runs would count as two that agree");
			}
	return 0;
}

static int from_runs(const struct calibrate_options *o, struct session *s, struct str *text)
{
	struct fit_runtime_input *inputs = arena_array(&s->arena, o->runs.from.n, sizeof *inputs);
	struct fit_runtime_ask ask = {.inputs = inputs,
				      .n = o->runs.from.n,
				      .device = o->device,
				      .like = o->like,
				      .runtime = o->runs.runtime,
				      .version = "lemursim " VERSION,
				      .out = o->output.path,
				      .skip = o->runs.skip_foreign};
	struct fit_runtime_result result;
	struct err err = ERR_INIT;
	const char *note;
	int rc;

	if (!o->machine)
		return no_machine(s, o->runs.from.at[0]);
	if (o->runs.models.n < 2 && check_once(&o->runs.from, &err) != 0)
		return complain(&err, EXIT_USAGE);
	ask.machine = run_machine_typed(&s->loader, o->machine, &o->runs.from, &note, &err);
	if (!ask.machine)
		return session_refuse(s, &err);
	say_note(note);
	for (size_t i = 0; i < o->runs.from.n; i++) {
		const size_t given = o->runs.models.n, at = i < given ? i : given - 1;

		inputs[i] = (struct fit_runtime_input){o->runs.from.at[i],
						       given ? o->runs.models.at[at] : NULL, o->runs.weights};
	}
	rc = fit_runtime_make(&s->loader, &ask, text, &result, &err);
	say_notes(&result.notes);
	if (rc == 0)
		return judge_fit(o, &result);
	return err.msg[0] ? complain(&err, EXIT_USAGE) : session_complain(s);
}

/* One profile for all machines of a family. */
static int from_family(const struct calibrate_options *o, struct session *s, struct str *text)
{
	struct runs runs = {0};
	struct observations e;
	struct family_model family_model;
	struct family_judged judged;
	struct err err = ERR_INIT;

	if (runs_read_all(&s->arena, o->runs.from.at, o->runs.from.n, &runs, &err) == 0 &&
	    family_load(&s->loader, o->runs.family, &family_model, &err) == 0 &&
	    observations_load(&s->loader, &runs, OBSERVATIONS_NO_PROFILE, &e, &err) == 0 &&
	    (o->beyond ? beyond_evidence(&family_model, &e, text, &err) == 0
		       : family_judge(&family_model, &e, o->workers, &judged, &err) == 0 &&
				 family_write(&family_model, &e, &judged, text, &err) == 0))
		return EXIT_FINE;
	return err.msg[0] ? complain(&err, EXIT_USAGE) : session_complain(s);
}

/* The machine that the data sheet's `base` names; NULL: it names none, or a family, which is no machine of its own. */
static const struct machine *base_of(const struct calibrate_options *o, struct session *s)
{
	struct datasheet sheet = {0};
	struct err ignored = ERR_INIT; /* reported when the samples are read */
	struct catalogue_device base;
	const struct datasheet_row *row;

	if (!o->facts || datasheet_read(&s->arena, o->facts, &sheet, &ignored) != 0)
		return NULL;
	row = datasheet_find(&sheet, "base");
	return row && catalogue_is_machine(&s->loader, row->value, NULL, &base) ? base.machine : NULL;
}

static int fit_text(const struct calibrate_options *o, struct session *s, struct str *text)
{
	struct texts unused = {NULL, 0};
	const struct profile_files files = {o->runs.from.at,     o->runs.from.n, o->facts,
					    "lemursim " VERSION, base_of(o, s),  &unused};
	struct err err = ERR_INIT;
	int rc;

	if (o->runs.family)
		return from_family(o, s, text);
	if (!samples_csv_is_file(o->runs.from.at[0]))
		return from_runs(o, s, text);
	rc = profile_write_files(&s->arena, &files, text, &err);
	say_notes(&unused);
	return rc == 0 ? EXIT_FINE : complain(&err, EXIT_USAGE);
}

/* Shows what a trace counts; what it says of the runtime goes to -o. */
static int from_trace(const struct calibrate_options *o, struct session *s)
{
	const struct model *m = NULL;
	struct str table = STR_INIT, facts = STR_INIT;
	struct err err = ERR_INIT;
	struct kernel_trace t;
	int rc = session_reads(s, o->trace);

	if (rc != EXIT_FINE)
		return rc;
	if (o->runs.models.n && !(m = catalogue_model_load(&s->loader, o->runs.models.at[0])))
		return session_complain(s);
	if (kernel_trace_read(&s->arena, o->trace, &t, &err) != 0)
		return complain(&err, EXIT_USAGE);
	trace_table(&t, m, &table);
	fputs(table.text, stderr);
	rc = trace_facts(&t, m, &facts, &err) == 0 ? session_deliver(s, &facts) : complain(&err, EXIT_USAGE);
	str_release(&table);
	str_release(&facts);
	return rc;
}

/* What is wrong with the facts is said before anything is measured; a base that nobody has, too. */
static int check_facts(const struct calibrate_options *o, struct session *s)
{
	struct datasheet sheet = {0};
	const struct datasheet_row *base;
	struct err err = ERR_INIT;

	if (!o->facts || o->runs.family)
		return EXIT_FINE;
	if (datasheet_read(&s->arena, o->facts, &sheet, &err) != 0)
		return complain(&err, EXIT_USAGE);
	base = datasheet_find(&sheet, "base");
	if (!base || catalogue_has(&s->loader, base->value))
		return EXIT_FINE;
	err_set(&err, "%s:%d: base: no hardware file is called '%.80s'", o->facts, base->line, base->value);
	err_hint(&err, "'lemursim list hardware' has the machines; --path DIR adds a place");
	return complain(&err, EXIT_USAGE);
}

/* A bundle is of samples: runs of models have a form of their own. */
static int check_bundle(const struct calibrate_options *o)
{
	struct err err = ERR_INIT;

	for (size_t i = 0; i < o->runs.from.n && o->bundle; i++) {
		if (samples_csv_is_file(o->runs.from.at[i]) || !file_exists(o->runs.from.at[i]))
			continue;
		err_set(&err, "--bundle holds times of single operations, and '%.100s' has none",
			o->runs.from.at[i]);
		err_hint(&err, "without --bundle a runtime is fitted to runs of models; the file itself can "
			       "be given away");
		return complain(&err, EXIT_USAGE);
	}
	return EXIT_FINE;
}

/* Samples are of the machine that they were taken on. */
static int check_machine(const struct calibrate_options *o)
{
	struct err err = ERR_INIT;

	if (!(o->machine || o->like) || !o->runs.from.n || o->runs.family ||
	    !samples_csv_is_file(o->runs.from.at[0]))
		return EXIT_FINE;
	err_set(&err, "--%s is of runs of models, and '%.100s' has samples", o->machine ? "machine" : "like",
		o->runs.from.at[0]);
	err_hint(&err, "--facts FILE with 'base,NAME' takes what a machine's file says");
	return complain(&err, EXIT_USAGE);
}

/* No file that a calibration reads may be the one that it writes. */
static int check_inputs(const struct calibrate_options *o, const struct session *s)
{
	int rc = session_reads_all(s, &o->runs.from);

	if (rc == EXIT_FINE && o->facts)
		rc = session_reads(s, o->facts);
	return rc == EXIT_FINE && o->runs.family ? session_reads(s, o->runs.family) : rc;
}

static int fit_results(const struct calibrate_options *o, struct session *s)
{
	struct str text = STR_INIT;
	struct err err = ERR_INIT;
	int rc = fit_text(o, s, &text);

	if (rc == EXIT_FINE && o->output.path && file_prepare(o->output.path, true, &err) != 0)
		rc = complain(&err, EXIT_FAILED); /* it makes the folders, as before a measurement */
	if (rc == EXIT_FINE)
		rc = session_deliver(s, &text);
	str_release(&text);
	return rc;
}

static int calibrate(const struct calibrate_options *o, struct session *s)
{
	int rc = check_inputs(o, s);

	if (rc == EXIT_FINE)
		rc = check_facts(o, s);
	if (rc == EXIT_FINE)
		rc = check_machine(o);
	if (rc == EXIT_FINE)
		rc = check_bundle(o);
	if (rc != EXIT_FINE)
		return rc;
	if (o->trace)
		return from_trace(o, s);
	if (o->bundle && o->runs.from.n && !o->only)
		return calibrate_bundle(&s->arena, o);
	if (o->runs.from.n && !o->only)
		return fit_results(o, s);
	session_catch_interrupt();
	return o->link ? run_link(&s->arena, o) : calibrate_measure(&s->arena, o);
}

static int cmd_calibrate(const void *options, const struct texts *files)
{
	const struct calibrate_options *o = options;
	struct session s;
	int rc;

	if (files->n) {
		struct err err = ERR_INIT;

		err_set(&err, "calibrate does not take a file such as '%.100s'", files->at[0]);
		err_hint(&err, "-o FILE is written, --from FILE is read");
		return complain(&err, EXIT_USAGE);
	}
	if (o->list)
		return calibrate_list(o);
	if (o->dry_run)
		return calibrate_plan(o);
	session_begin(&s, &o->load, &o->output);
	s.loader.typed_as = "--machine";
	rc = calibrate(o, &s);
	session_end(&s);
	return rc;
}

const struct verb verb_calibrate = {
	.name = "calibrate",
	.arguments = "[-o FILE]",
	.help = "measure this machine, or the --link to another, or fit results --from FILE; writes "
		"hardware/local/CHIP.yaml",
	.options = tables,
	.options_n = ARRAY_LEN(tables),
	.size = sizeof(struct calibrate_options),
	.run = cmd_calibrate,
	.tries = "calibrate --quick\n"
		 "calibrate --trace trace.json -o facts.csv\n"
		 "calibrate --from bench.json --machine apple-m4-10c --model llama-3.1-8b -o my-mac.yaml\n"};
