/* cmd_validate.c - lemursim validate [SCENARIO|MACHINE...] --from FILE: predicted against measured, run by
 * run or outcome by outcome. */
#include <math.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/base/units.h"
#include "sim/calib/samples_csv.h"
#include "sim/cli/cmd.h"
#include "sim/family/run_machine.h"
#include "sim/report/validation.h"
#include "sim/runs/ingest.h"
#include "sim/runs/training_log.h"
#include "sim/validate/validate_replays.h"
#include "sim/validate/validate_runs.h"
#include "sim/validate/validate_scenario.h"
#include "sim/validate/validate_serving.h"
#include "sim/validate/validate_training.h"

struct validate_options {
	struct load_options load;
	struct output_options output;
	struct draws_ask draws;
	struct runs_options runs;
	const char *tolerance, *profile;
	bool sums_only;
};

static const struct opt own[] = {
	OPT_TEXT_ROW(struct validate_options, tolerance, "tolerance", 0, "SHARE",
		     "exit 3 where a prediction is further off than this, such as '10 %'"),
	OPT_FLAG_ROW(struct validate_options, sums_only, "sets", 0,
		     "of rows of many machines, or of outcomes, print only the sums by set")};
static const struct opt own_family[] = {
	OPT_TEXT_ROW(struct validate_options, profile, "profile", 0, "FILE",
		     "with --family: also write the profile that calibrate would, from the same fits")};
static const struct opt_table tables[] = {OPTS_SET(struct validate_options, load),
					  OPTS_PATH(struct validate_options, load),
					  OPTS_ROWS_FORMAT(struct validate_options, output),
					  OPTS_OUTPUT(struct validate_options, output),
					  OPTS_SEED(struct validate_options, draws),
					  OPTS_RUNS(struct validate_options, runs),
					  OPT_OWN(own),
					  OPTS_FAMILY(struct validate_options, runs),
					  OPT_OWN(own_family),
					  OPTS_DRAWS(struct validate_options, draws),
					  OPTS_JOBS(struct validate_options, draws.workers)};

static int check_profile(const struct validate_options *o, struct err *err)
{
	if (o->profile && !o->runs.family) {
		err_set(err, "--profile writes what a family's fits give, and no family was given");
		return err_hint(err, "--family FILE, such as "
				     "hardware/measured/llama.cpp-2026-02-apple-m1-m2.family.yaml");
	}
	if (!o->profile || !o->output.path ||
	    (strcmp(o->profile, o->output.path) != 0 && !file_same(o->profile, o->output.path)))
		return 0;
	err_set(err, "the profile and the comparison cannot both be written to '%s'", o->profile);
	return err_hint(err, "give --profile and -o two names");
}

static int choose(const struct validate_options *o, enum validation_format *format, double *tolerance)
{
	struct err err = ERR_INIT;
	int chosen, rc;

	*tolerance = INFINITY;
	if (o->tolerance && units_parse(o->tolerance, DIM_SHARE, tolerance, &err) != 0)
		return complain(&err, EXIT_USAGE);
	if (check_profile(o, &err) != 0)
		return complain(&err, EXIT_USAGE);
	rc = choose_word(&o->output, validation_format_names, VALIDATION_FORMAT_N, &chosen);
	*format = (enum validation_format)chosen;
	return rc;
}

static int check_from(const struct validate_ask *ask, struct err *err)
{
	if (!ask->from.n) {
		err_set(err, "validate needs measured runs: --from FILE");
		return err_hint(
			err,
			"what llama-bench -o json, llama-batched-bench, mlx_lm.benchmark or vllm bench serve "
			"--save-result wrote, or a csv");
	}
	if (!samples_csv_is_none(&ask->from, "validate compares runs of whole models", err))
		return -1;
	if (ask->models.n > 1 && ask->models.n != ask->from.n)
		return err_set(err, "%zu --model for %zu --from: give one for each, or one for all",
			       ask->models.n, ask->from.n);
	return 0;
}

static int compare_serving(const struct validate_ask *ask, struct validation *v, struct err *err)
{
	struct texts notes;
	const int rc = validate_serving_make(ask, v, &notes, err);

	say_notes(&notes);
	return rc;
}

static int compare_training(const struct validate_ask *ask, struct validation *v, struct err *err)
{
	struct texts notes;
	const int rc = validate_training_make(ask, v, &notes, err);

	say_notes(&notes);
	return rc;
}

/* The content of the files decides what is compared. 0 or -1; see sim/validate/ask.h. */
static int compare(const struct validate_ask *ask, struct validation *v, struct err *err)
{
	struct arena *a = ask->loader->arena;
	struct runs *files = arena_array(a, ask->from.n, sizeof *files), all;
	struct texts notes = {NULL, 0};
	int rc;

	if (ask->from.n && validate_scenario_are(ask->from.at[0]))
		return validate_scenario_make(ask, v, err);
	if (ask->from.n && validate_serving_are(ask->from.at[0]))
		return compare_serving(ask, v, err);
	if (ask->from.n && training_log_at(ask->from.at[0]))
		return compare_training(ask, v, err);
	if (check_from(ask, err) != 0)
		return -1;
	for (size_t i = 0; i < ask->from.n; i++) {
		if (runs_read(a, ask->from.at[i], &files[i], err) != 0)
			return -1;
		say_notes(&files[i].notes);
	}
	if (ask->subjects.n || !runs_name_machines(&files[0]))
		rc = validate_replays_make(ask, files, v, &notes, err);
	else if ((rc = runs_read_all(a, ask->from.at, ask->from.n, &all, err)) == 0)
		rc = validate_runs_make(ask, &all, v, &notes, err);
	say_notes(&notes);
	return rc;
}

static int judge(const struct validation *v, double tolerance)
{
	const double worst = validation_worst(v);

	if (isnan(worst) && v->kind == VALIDATION_REPLAYS)
		return EXIT_NOTHING_FITS;
	return fabs(worst) > tolerance ? EXIT_TARGET_MISSED : EXIT_FINE;
}

/* Writes the family's profile beside the comparison, never over what was read. */
static int deliver_profile(struct session *s, const struct validate_options *o, const struct str *profile)
{
	const struct output_options to = {.path = o->profile, .force = o->output.force}, *const usual =
												 s->output;
	int rc;

	s->output = &to;
	rc = session_reads_all(s, &o->runs.from);
	if (rc == EXIT_FINE)
		rc = session_reads(s, o->runs.family);
	if (rc == EXIT_FINE)
		rc = session_deliver(s, profile);
	s->output = usual;
	return rc;
}

/* The path of a scenario, or a machine as people type it; what is neither is reported by whoever loads it. */
static const char *subject_named(struct session *s, const char *name, const struct texts *files)
{
	const char *found = session_scenario(s, name), *note, *id;
	struct err unheard = ERR_INIT;

	if (strcmp(found, name) != 0 || catalogue_has(&s->loader, name))
		return found;
	id = run_machine_typed(&s->loader, name, files, &note, &unheard);
	say_note(note);
	return id ? id : found;
}

static struct texts subjects_named(struct session *s, const struct texts *named, const struct texts *files)
{
	struct texts all = {arena_array(&s->arena, named->n + 1, sizeof *all.at), named->n};

	for (size_t i = 0; i < named->n; i++)
		all.at[i] = subject_named(s, named->at[i], files);
	return all;
}

static int validate(struct session *s, const struct validate_options *o, const struct texts *subjects,
		    enum validation_format format, double tolerance)
{
	struct str profile = STR_INIT;
	const struct validate_ask ask = {.loader = &s->loader,
					 .subjects = subjects_named(s, subjects, &o->runs.from),
					 .sets = o->load.sets,
					 .from = o->runs.from,
					 .models = o->runs.models,
					 .runtime = o->runs.runtime,
					 .weights = o->runs.weights,
					 .skip_foreign = o->runs.skip_foreign,
					 .family = o->runs.family,
					 .profile = o->profile ? &profile : NULL,
					 .draws = o->draws};
	struct validation v;
	struct str out = STR_INIT;
	struct err err = ERR_INIT;
	int rc = session_reads_all(s, &ask.from);

	if (rc != EXIT_FINE)
		return rc;
	rc = compare(&ask, &v, &err) == 0 ? EXIT_FINE : session_refuse(s, &err);
	if (rc == EXIT_FINE) {
		validation_write(&out, &v, format, o->sums_only, o->output.path ? 0 : terminal_width(0));
		rc = session_deliver(s, &out);
	}
	if (rc == EXIT_FINE && o->profile)
		rc = deliver_profile(s, o, &profile);
	str_release(&out);
	str_release(&profile);
	return rc == EXIT_FINE ? judge(&v, tolerance) : rc;
}

static int cmd_validate(const void *options, const struct texts *files)
{
	const struct validate_options *o = options;
	enum validation_format format = VALIDATION_TABLE;
	struct session s;
	double tolerance;
	int rc = choose(o, &format, &tolerance);

	if (rc != EXIT_FINE)
		return rc;
	session_begin(&s, &o->load, &o->output);
	s.loader.typed_as = "MACHINE";
	rc = validate(&s, o, files, format, tolerance);
	session_end(&s);
	return rc;
}

const struct verb verb_validate = {
	.name = "validate",
	.arguments = "[SCENARIO|MACHINE...]",
	.help = "predicted against measured, --from FILE: runs of a model, or outcomes of a scenario",
	.options = tables,
	.options_n = ARRAY_LEN(tables),
	.size = sizeof(struct validate_options),
	.run = cmd_validate,
	.tries = "validate --from hardware/measured/cuda-2025-10-geforce.csv\n"
		 "validate nvidia-h100-sxm-80gb-torch --from hardware/measured/torch-h100-llama-3.1-8b.csv "
		 "--model "
		 "llama-3.1-8b --runtime torch --weights f16\n"};
