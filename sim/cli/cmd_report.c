/* cmd_report.c - lemursim report SCENARIO...: one page with the answer, its pictures and all that it rests on. */
#include <string.h>

#include "sim/ask/would_fit.h"
#include "sim/base/file.h"
#include "sim/cli/cmd.h"
#include "sim/cli/progress.h"
#include "sim/draw/draw.h"
#include "sim/plan/plan.h"
#include "sim/report/front_curves.h"
#include "sim/report/plan_basis.h"
#include "sim/report/report_page.h"
#include "sim/report/result_read.h"
#include "sim/report/scenario_result.h"

struct report_options {
	struct load_options load;
	struct output_options output;
	struct draws_ask draws;
	struct texts assignments, over, metrics;
	bool no_pictures;
};

static const struct opt own[] = {
	OPT_TEXTS_ROW(struct report_options, assignments, "assignment", 'a', "NAME",
		      "whose schedules are drawn, all that fit if not said; may be given again"),
	OPT_TEXTS_ROW(struct report_options, over, "over", 0, "PATH=VALUE,VALUE...",
		      "a sweep on the page: an axis, as 'sweep' has; may be given again"),
	OPT_TEXTS_ROW(struct report_options, metrics, "metric", 0, "NAME",
		      "what the sweep compares, as 'sweep' has; more of them are more panels"),
	OPT_FLAG_ROW(struct report_options, no_pictures, "no-pictures", 0,
		     "without what Graphviz draws: a page of text and tables")};
static const struct opt_table tables[] = {OPTS_SET(struct report_options, load),
					  OPTS_PATH(struct report_options, load),
					  OPT_OWN(own),
					  OPTS_OUTPUT(struct report_options, output),
					  OPTS_SEED(struct report_options, draws),
					  OPTS_DRAWS(struct report_options, draws),
					  OPTS_JOBS(struct report_options, draws.workers)};

/* One scenario, or a result of one, with all that its part of the page refers to. */
struct reported {
	struct session session;
	struct result result;
	struct plan_result plan;
	struct pictures pictures;
	struct str config;
	lemursim_result *swept; /* NULL: no sweep was asked for */
	const char *file;       /* that the result was read from; NULL: it is made here */
	bool plans, fits;
};

static int refused(const struct err *err)
{
	return complain(err, *session_interrupted() ? EXIT_INTERRUPTED : EXIT_USAGE);
}

/* ---- a plan ---- */

static int make_plan(struct reported *r, const struct report_options *o, const char *path)
{
	const struct plan_ask ask = {.path = session_scenario(&r->session, path),
				     .sets = &o->load.sets,
				     .seed = o->draws.seed,
				     .draws = o->draws.n,
				     .workers = o->draws.workers,
				     .stop = session_interrupted()};
	const struct plan_basis_ask basis = {.draws = o->draws, .stop = session_interrupted()};
	struct err err = ERR_INIT;

	r->plans = true;
	if (plan_make(&r->session.loader, &ask, &r->plan) != 0)
		return *session_interrupted() ? EXIT_INTERRUPTED : session_complain(&r->session);
	r->result = (struct result){.scenario = scenario_result_name(&r->session.arena, path),
				    .version = VERSION,
				    .title = r->plan.title,
				    .computed = r->plan.computed,
				    .seed = r->plan.seed};
	scenario_result_inputs(&r->session.loader, &r->result);
	if (plan_basis(&r->session.loader, &r->plan, &basis, &r->result) != 0)
		return EXIT_INTERRUPTED;
	r->fits = r->plan.best != NULL;
	if (!o->no_pictures && plan_pictures(&r->session.arena, &r->plan, &r->pictures, &err) != 0)
		return refused(&err);
	return EXIT_FINE;
}

/* ---- assignments ---- */

static int make_pictures(struct reported *r, const struct report_options *o, const struct placement *all)
{
	struct pictures_ask ask = {.assignments = &o->assignments,
				   .seed = draws_asked_seed(&o->draws, all->world),
				   .each_iteration = o->draws.each_iteration,
				   .stop = session_interrupted()};
	struct err err = ERR_INIT;

	for (int j = 0; j < JOB_N && !o->assignments.n; j++)
		ask.shown[j] = report_quickest(&r->result, (enum job)j);

	if (o->no_pictures || scenario_pictures(&r->session.arena, all, &ask, &r->pictures, &err) == 0)
		return EXIT_FINE;
	if (!*session_interrupted())
		err_hint(&err, "--no-pictures leaves them out%s%s", err.hint[0] ? "; or " : "", err.hint);
	return refused(&err);
}

/* Names of assignments that no scenario has are told before anything is simulated. */
static int check_names(struct reported *r, const struct report_options *o, const struct placement *all)
{
	for (size_t i = 0; i < o->assignments.n; i++)
		if (!session_choose(&r->session, all, all->world, o->assignments.at[i]))
			return EXIT_USAGE;
	return EXIT_FINE;
}

/* Where nothing fits: what would have to change; NULL: nothing that is tried helps. */
static const char *would_fit_note(struct reported *r, const struct report_options *o, const char *path)
{
	const struct would_fit_ask ask = {.loader = &r->session.loader, .path = path, .sets = &o->load.sets};
	const struct texts changes = would_fit(&r->session.arena, &ask);
	const char *note =
		changes.n > 1 ? "Nothing fits; each of these alone would: " : "Nothing fits; this would: ";

	for (size_t i = 0; i < changes.n; i++)
		note = arena_printf(&r->session.arena, "%s%s--set \"%s\"", note, i ? " or " : "",
				    changes.at[i]);
	return changes.n ? arena_printf(&r->session.arena, "%s.", note) : NULL;
}

static int make_assignments(struct reported *r, const struct report_options *o, const struct world *w)
{
	struct progress progress = progress_begin();
	struct draws_progress drawing = {.line = &progress};
	struct draws_ask draws = o->draws;
	const struct placement *all = session_placements(&r->session, w);
	struct scenario_result found;
	int rc = all ? check_names(r, o, all) : EXIT_USAGE;

	if (rc != EXIT_FINE)
		return rc;
	draws.watch = (struct draws_watch){progress_draw, &drawing};
	rc = scenario_result_make(&r->session.loader, all, &draws, VERSION, &found);
	if (rc == 0) {
		progress_say(&progress, "drawing");
		if (!found.any_fits)
			scenario_result_note(&found, would_fit_note(r, o, all->world->path));
		r->result = found.result;
		r->fits = found.any_fits;
		rc = make_pictures(r, o, all);
		progress_clear(&progress);
		return rc;
	}
	progress_clear(&progress);
	return session_complain(&r->session);
}

/* ---- a sweep ---- */

static void tell_sweep(void *self, const char *what, size_t done, size_t of)
{
	if (!what)
		progress_say(self, "sweep: %zu of %zu", done, of);
}

static int make_sweep(struct reported *r, const struct report_options *o, const char *path)
{
	struct progress progress = progress_begin();
	struct lemursim_options ask = session_options(&o->draws);
	struct arena *const a = &r->session.arena;
	lemursim_scenario *scenario = session_load(&r->session, path);
	struct err err = ERR_INIT;

	if (!scenario)
		return EXIT_USAGE;
	ask.tell = tell_sweep;
	ask.self = &progress;
	ask.stop = session_interrupted();
	r->swept = lemursim_sweep(scenario, texts_ended(a, &o->over), texts_ended(a, &o->metrics), &ask);
	progress_clear(&progress);
	if (!r->swept)
		return *session_interrupted() ? EXIT_INTERRUPTED : session_lament(&r->session);
	if (!o->no_pictures && sweep_picture(a, &r->swept->swept, &r->pictures, &err) != 0)
		return refused(&err);
	return session_keeps_result(&r->session, r->swept);
}

/* ---- a result that was written ---- */

/* An option that was given and that says nothing of a result; NULL: none. */
static const char *scenario_option(const struct report_options *o)
{
	const struct {
		const char *name;
		bool given;
	} options[] = {{"set", o->load.sets.n > 0},
		       {"over", o->over.n > 0},
		       {"assignment", o->assignments.n > 0},
		       {"seed", o->draws.seed >= 0},
		       {"draws", o->draws.n > 0}};

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (options[i].given)
			return options[i].name;
	return NULL;
}

/* The standard input can be read once: a scenario from there is given to the loader. An exit code. */
static int pass_on(struct reported *r, const char *path, const char *text)
{
	return load_text(&r->session.loader, path, text) == 0 ? EXIT_FINE : session_complain(&r->session);
}

/* Reads a file that `simulate -o FILE.json` or FILE.jsonl has written. *is: whether it is such a file. An exit code. */
static int read_result(struct reported *r, const struct report_options *o, const char *path, bool *is)
{
	const bool piped = !strcmp(path, "-");
	struct arena *const a = &r->session.arena;
	struct err err = ERR_INIT;
	const char *config;
	char *text;
	size_t n;

	*is = false; /* a scenario may be JSON too; whoever reads it next tells of what is wrong */
	if ((!piped && !str_ends(path, ".json") && !str_ends(path, ".jsonl")) ||
	    file_read(a, path, RESULT_FILE_MAX, &text, &n, &err) != 0)
		return EXIT_FINE;
	if (!result_is(text))
		return piped ? pass_on(r, path, text) : EXIT_FINE;
	*is = true;
	if (scenario_option(o)) {
		err_set(&err, "%.200s is a result: --%s changes a scenario", path, scenario_option(o));
		err_hint(&err, "name the scenario that it is of");
		return complain(&err, EXIT_USAGE);
	}
	if (session_reads(&r->session, path) != EXIT_FINE)
		return EXIT_USAGE;
	if (result_read(a, path, text, n, &r->result, &config, &err) != 0)
		return complain(&err, EXIT_USAGE);
	str_add(&r->config, config ? config : "");
	r->file = piped ? "the standard input" : path;
	for (size_t i = 0; i < r->result.rows_n; i++)
		r->fits |= r->result.rows[i].fits || r->result.rows[i].short_phase;
	if (!o->no_pictures && front_is(&r->result) && front_picture(a, &r->result, &r->pictures, &err) != 0)
		return refused(&err);
	return EXIT_FINE;
}

static int make_one(struct reported *r, const struct report_options *o, const char *path)
{
	const struct world *w;
	bool is_result;
	int rc = read_result(r, o, path, &is_result);

	if (rc != EXIT_FINE || is_result)
		return rc;
	w = session_world(&r->session, &o->load.sets, path);
	if (!w)
		return EXIT_USAGE;
	rc = w->scenario->plan ? make_plan(r, o, path) : make_assignments(r, o, w);
	if (rc == EXIT_FINE)
		field_show(w->tree, &r->config);
	return rc == EXIT_FINE && o->over.n ? make_sweep(r, o, path) : rc;
}

/* ---- the page ---- */

static void release(struct reported *r)
{
	if (r->plans)
		plan_free(&r->plan);
	str_release(&r->config);
	lemursim_result_free(r->swept);
	session_end(&r->session);
}

static int write_page(const struct report_options *o, const struct reported *all, size_t n)
{
	struct arena a = ARENA_INIT;
	struct report_part *parts = arena_array(&a, n, sizeof *parts);
	struct str out = STR_INIT;
	int rc;

	for (size_t i = 0; i < n; i++)
		parts[i] = (struct report_part){.result = &all[i].result,
						.plan = all[i].plans ? &all[i].plan : NULL,
						.config = all[i].config.text,
						.file = all[i].file,
						.pictures = &all[i].pictures,
						.sweep = all[i].swept ? &all[i].swept->swept : NULL};
	report_page(&out, parts, n);
	rc = deliver(&o->output, &out);
	str_release(&out);
	arena_release(&a);
	return rc;
}

static int check_options(const struct report_options *o, size_t files)
{
	const char *path = o->output.path;
	struct err err = ERR_INIT;

	if (o->assignments.n && files > 1) {
		err_set(&err, "--assignment takes one scenario");
		return complain(&err, EXIT_USAGE);
	}
	if (o->over.n && files > 1) {
		err_set(&err, "--over takes one scenario");
		return complain(&err, EXIT_USAGE);
	}
	if (o->metrics.n && !o->over.n) {
		err_set(&err, "--metric goes with --over");
		err_hint(&err, "--over workload.generate.batch=1,8");
		return complain(&err, EXIT_USAGE);
	}
	if (!path || str_ends(path, ".html") || str_ends(path, ".htm"))
		return EXIT_FINE;
	err_set(&err, "a report is HTML, which '%.100s' does not say", path);
	err_hint(&err, "add -o FILE.html");
	return complain(&err, EXIT_USAGE);
}

static int cmd_report(const void *options, const struct texts *files)
{
	const struct report_options *o = options;
	struct arena a = ARENA_INIT;
	struct reported *all = arena_array(&a, files->n, sizeof *all);
	int rc = check_options(o, files->n);
	bool fits = false;
	size_t n = 0;

	session_catch_interrupt();
	while (n < files->n && rc == EXIT_FINE) {
		struct reported *r = &all[n];

		*r = (struct reported){.config = STR_INIT};
		session_begin(&r->session, &o->load, &o->output);
		rc = make_one(r, o, files->at[n++]);
		fits |= r->fits;
	}
	if (rc == EXIT_FINE)
		rc = write_page(o, all, n);
	while (n)
		release(&all[--n]);
	arena_release(&a);
	return rc == EXIT_FINE && !fits ? EXIT_NOTHING_FITS : rc;
}

const struct verb verb_report = {
	.name = "report",
	.arguments = "SCENARIO...",
	.help = "one page to share: the answer, its pictures and all that it rests on; -o FILE.html; several "
		"scenarios, or results that simulate wrote as .json or .jsonl, are compared",
	.options = tables,
	.options_n = ARRAY_LEN(tables),
	.size = sizeof(struct report_options),
	.run = cmd_report,
	.tries = "report scenarios/m5-vs-m4pro.yaml -o report.html\n"
		 "report scenarios/m5-vs-m4pro.yaml scenarios/layer-512.yaml -o compared.html\n"
		 "report scenarios/m5-vs-m4pro.yaml --over workload.generate.batch=1,8,64 --metric "
		 "decode_tok_per_s -o "
		 "batch.html\n"};
