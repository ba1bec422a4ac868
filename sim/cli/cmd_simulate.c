/* cmd_simulate.c - lemursim simulate SCENARIO...: one row for each assignment. */
#include <stdio.h>

#include "sim/ask/would_fit.h"
#include "sim/cli/cmd.h"
#include "sim/cli/limits.h"
#include "sim/cli/progress.h"
#include "sim/draw/draw.h"
#include "sim/load/requests_out.h"
#include "sim/predict/serve_job.h"
#include "sim/report/load_quantiles.h"
#include "sim/report/scenario_result.h"

struct simulate_options {
	struct load_options load;
	struct output_options output;
	struct draws_ask draws;
	struct texts limits;
	const char *requests, *assignment;
	int64_t replication; /* 0: not said */
};

static const struct opt own[] = {
	OPT_TEXTS_ROW(
		struct simulate_options, limits, "subject-to", 0, "LIMIT",
		"such as \"tpot_s <= 0.1 s\"; exit code 3 where no assignment keeps all; may be given again"),
	OPT_TEXT_ROW(
		struct simulate_options, requests, "requests", 0, "FILE",
		"of a scenario that serves: a line for each request of one replication, as .csv or .jsonl"),
	OPT_TEXT_ROW(struct simulate_options, assignment, "assignment", 'a', "NAME",
		     "whose requests; the first if not said"),
	OPT_COUNT_ROW(struct simulate_options, replication, "replication", 0, "N",
		      "which one the requests are of; 1 if not said", 1, INT32_MAX, 0),
	OPT_FLAG_ROW(struct simulate_options, draws.each_iteration, "each-iteration", 0,
		     "of servers: no jumps over equal iterations; slower, the same numbers")};
static const struct opt_table tables[] = {
	OPTS_SET(struct simulate_options, load),      OPT_OWN(own),
	OPTS_PATH(struct simulate_options, load),     OPTS_RESULT_FORMAT(struct simulate_options, output),
	OPTS_OUTPUT(struct simulate_options, output), OPTS_SEED(struct simulate_options, draws),
	OPTS_DRAWS(struct simulate_options, draws),   OPTS_JOBS(struct simulate_options, draws.workers)};

/* What of several replications the file has, and how long that one is where the runs of the table may be longer. */
static const char *requests_note(struct arena *a, const struct simulate_options *o,
				 const struct placement *at, const struct serve_seen *seen)
{
	const int n = serve_job_replications(at->world);
	const bool longer = serve_open_ended(at->world->scenario->workload.serve);

	if (n == 1 && !longer)
		return NULL;
	return arena_printf(
		a, "%s has the requests of '%s' in replication %lld of %d%s%s.", o->requests,
		at->assignment->name, (long long)(o->replication ? o->replication : 1), n,
		n > 1 ? "; --replication N writes another" : "",
		longer ? arena_printf(a, "; it is %llu requests long, the runs of the table may be longer",
				      (unsigned long long)seen->requests)
		       : "");
}

/* Lines are written as requests end, so that what an interrupted run has written stays. */
static int write_requests(struct session *s, const struct simulate_options *o, const struct placement *at,
			  const char **note)
{
	const struct serve *load = at->world->scenario->workload.serve;
	const struct requests_of of = {load->classes.at, load->classes.n,
				       o->replication ? (int)o->replication - 1 : 0};
	struct err err = ERR_INIT;
	struct requests_out *out = requests_out_open(o->requests, o->output.force, &of, &err);
	struct observer observer;
	struct serve_seen seen = {.requests = 0};
	const struct serve_watch watch = {.replication = of.replication,
					  .observer = &observer,
					  .seen = &seen,
					  .seed = draws_asked_seed(&o->draws, at->world),
					  .each_iteration = o->draws.each_iteration,
					  .stop = session_interrupted()};
	int rc;

	if (!out)
		return complain(&err, EXIT_USAGE);
	observer = requests_out_observer(out, NULL);
	session_catch_interrupt();
	rc = serve_job_watch(&s->arena, at, &watch, &err);
	if (rc == 0 && !seen.fits)
		rc = err_set(&err, "'%s' does not fit in memory", at->assignment->name);
	*note = requests_note(&s->arena, o, at, &seen);
	if (requests_out_close(out, rc == 0 ? &err : NULL) != 0)
		rc = -1;
	if (rc == 0)
		return EXIT_FINE;
	return complain(&err, *session_interrupted() ? EXIT_INTERRUPTED : EXIT_FAILED);
}

/* A replication that the load has not is refused. */
static int check_replication(const struct simulate_options *o, const struct world *w)
{
	const int n = serve_job_replications(w);
	struct err err = ERR_INIT;

	if (o->replication <= n)
		return EXIT_FINE;
	err_set(&err, "--replication %lld: the load of %s has %d", (long long)o->replication, w->path, n);
	err_hint(&err, "workload.serve.replications says how many");
	return complain(&err, EXIT_USAGE);
}

static int requests_asked(struct session *s, const struct simulate_options *o, const char *path,
			  const char **note)
{
	const struct placement *at, *all;
	const struct world *w;
	struct err err = ERR_INIT;

	if (!o->requests && !o->assignment && !o->replication)
		return EXIT_FINE;
	w = session_world(s, &o->load.sets, path);
	all = w ? session_placements(s, w) : NULL;
	if (!all || (o->assignment && !session_choose(s, all, w, o->assignment)))
		return EXIT_USAGE;
	if (!o->requests || !workload_asks(&w->scenario->workload, JOB_SERVE)) {
		err_set(&err,
			o->requests ? "%s does not serve: it has no requests"
				    : "%s: --assignment and --replication go with --requests",
			w->path);
		err_hint(&err, o->requests
				       ? "give its workload 'serve:'"
				       : "--requests FILE.csv, or leave them out: all assignments are shown");
		return complain(&err, EXIT_USAGE);
	}
	at = session_choose(s, all, w, o->assignment);
	if (!at || check_replication(o, w) != EXIT_FINE)
		return EXIT_USAGE;
	return write_requests(s, o, at, note);
}

/* What is written between the results of two scenarios. */
static const char *separator(enum result_format format)
{
	return format == RESULT_JSON ? "," : format == RESULT_JSONL ? "" : "\n";
}

static bool is_picture(const struct simulate_options *o)
{
	return o->output.path && !o->output.format && draw_format(o->output.path);
}

static int no_picture(const struct world *w, size_t files)
{
	struct err err = ERR_INIT;

	if (files > 1) {
		err_set(&err, "a picture takes one scenario");
	} else {
		err_set(&err, "%s does not serve: it has no distribution of latencies to draw", w->path);
		err_hint(&err, "'lemursim schedule' and 'lemursim sweep' draw other jobs");
	}
	return complain(&err, EXIT_USAGE);
}

/* The distribution of latencies of every assignment. */
static int draw_load(const struct simulate_options *o, const struct texts *files)
{
	struct str out = STR_INIT;
	struct err err = ERR_INIT;
	struct curves c;
	struct session s;
	const struct world *w;
	const struct placement *all;
	int rc = EXIT_USAGE;

	session_begin(&s, &o->load, &o->output);
	w = session_world(&s, &o->load.sets, files->at[0]);
	all = w ? session_placements(&s, w) : NULL;
	if (all && (files->n > 1 || !workload_asks(&w->scenario->workload, JOB_SERVE))) {
		rc = no_picture(w, files->n);
	} else if (all) {
		const struct serve_watch ask = {.seed = draws_asked_seed(&o->draws, w),
						.each_iteration = o->draws.each_iteration,
						.stop = session_interrupted()};

		session_catch_interrupt();
		if (load_quantiles(&s.arena, all, &ask, &c, &err) != 0) {
			rc = complain(&err, *session_interrupted() ? EXIT_INTERRUPTED : EXIT_FAILED);
		} else {
			curves_dot(&out, &c);
			rc = deliver_by(&o->output, &out, draw_write);
		}
	}
	str_release(&out);
	session_end(&s);
	return rc;
}

/* What the scenarios have come to. */
struct simulated_all {
	bool fits; /* anything */
	bool kept; /* every scenario has an assignment that keeps the limits */
};

/* A scenario is loaded once more by the library: it is the same files, read already. */
static int limits_asked(struct session *s, const struct simulate_options *o, const char *path,
			const struct limit_list *limits)
{
	const struct world *w = limits->n ? session_world(s, &o->load.sets, path) : NULL;

	if (!limits->n)
		return EXIT_FINE;
	return w ? limits_apply(&s->arena, limits, w) : EXIT_USAGE;
}

static int simulate_by(struct session *s, const struct simulate_options *o, const char *path,
		       lemursim_result **out)
{
	struct progress progress = progress_begin();
	struct draws_progress drawing = {.line = &progress};
	struct lemursim_options ask = session_options(&o->draws);
	lemursim_scenario *scenario = session_load(s, path);

	if (!scenario)
		return EXIT_USAGE;
	ask.tell = progress_draw;
	ask.self = &drawing;
	session_end_at_interrupt();
	*out = lemursim_simulate(scenario, &ask);
	progress_clear(&progress);
	return *out ? EXIT_FINE : session_lament(s);
}

/* Nothing fits: what would? */
static void offer(struct session *s, const struct simulate_options *o, const lemursim_result *r)
{
	const struct would_fit_ask ask = {
		.loader = &r->loader, .path = r->scenario->path, .sets = &o->load.sets};

	say("lemursim: nothing fits\n");
	session_offer(s, &ask);
}

static int simulate_one(const struct simulate_options *o, const char *path, enum result_format format,
			struct str *out, struct simulated_all *all)
{
	lemursim_result *r = NULL;
	struct session s;
	struct limit_list limits;
	const char *note = NULL;
	bool kept = false;
	int rc;

	session_begin(&s, &o->load, &o->output);
	rc = limits_read(&s.arena, &o->limits, &limits);
	if (rc == EXIT_FINE)
		rc = limits_asked(&s, o, path, &limits);
	if (rc == EXIT_FINE)
		rc = requests_asked(&s, o, path, &note);
	if (rc == EXIT_FINE)
		rc = simulate_by(&s, o, path, &r);
	if (rc == EXIT_FINE)
		rc = session_keeps_result(&s, r);
	if (rc == EXIT_FINE) {
		session_tell_idle(&s, &o->load.sets, &(struct texts){0}, path);
		scenario_result_note(&r->simulated,
				     limits_note(&s.arena, &limits, &r->simulated.result, &kept));
		scenario_result_note(&r->simulated, note);
		lemursim_write(out, r, format, output_width(&o->output));
		all->fits |= r->simulated.any_fits;
		if (!r->simulated.any_fits)
			offer(&s, o, r);
		all->kept &= kept || !limits.n;
	}
	lemursim_result_free(r);
	session_end(&s);
	return rc;
}

static int cmd_simulate(const void *options, const struct texts *files)
{
	const struct simulate_options *o = options;
	struct str out = STR_INIT;
	enum result_format format;
	struct err err = ERR_INIT;
	struct simulated_all all = {.kept = true};
	int rc;

	if (is_picture(o))
		return draw_load(o, files);
	rc = choose_format(&o->output, &format);
	if (rc == EXIT_FINE && format == RESULT_CSV && files->n > 1) {
		err_set(&err, "csv takes one scenario: each has columns of its own");
		err_hint(&err, "use --format jsonl");
		rc = complain(&err, EXIT_USAGE);
	}
	if (rc == EXIT_FINE && o->requests && files->n > 1) {
		err_set(&err, "--requests takes one scenario");
		rc = complain(&err, EXIT_USAGE);
	}
	if (format == RESULT_JSON && files->n > 1)
		str_add(&out, "[");
	for (size_t i = 0; i < files->n && rc == EXIT_FINE; i++) {
		str_add(&out, i ? separator(format) : "");
		rc = simulate_one(o, files->at[i], format, &out, &all);
	}
	if (format == RESULT_JSON && files->n > 1)
		str_add(&out, "]\n");
	if (rc == EXIT_FINE)
		rc = deliver(&o->output, &out);
	str_release(&out);
	if (rc != EXIT_FINE)
		return rc;
	return !all.fits ? EXIT_NOTHING_FITS : all.kept ? EXIT_FINE : EXIT_TARGET_MISSED;
}

const struct verb verb_simulate = {
	.name = "simulate",
	.arguments = "SCENARIO...",
	.help = "one row for each assignment: fits, how fast, what limits it, how sure",
	.options = tables,
	.options_n = ARRAY_LEN(tables),
	.size = sizeof(struct simulate_options),
	.run = cmd_simulate,
	.tries = "simulate scenarios/m5-vs-m4pro.yaml --set workload.generate.batch=8\n"};
