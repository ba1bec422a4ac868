/* cmd_optimize.c - lemursim optimize SCENARIO --goal METRIC: the best assignments there are. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/ask/would_fit.h"
#include "sim/base/file.h"
#include "sim/base/units.h"
#include "sim/cli/cmd.h"
#include "sim/cli/progress.h"
#include "sim/draw/draw.h"
#include "sim/report/front_curves.h"
#include "sim/report/scenario_result.h"
#include "sim/search/outcome.h"
#include "sim/world/counted.h"

struct optimize_options {
	struct load_options load;
	struct output_options output;
	struct draws_ask draws;
	const char *goal, *pareto;
	struct texts limits;
	int64_t best, budget;
};

static const struct opt own[] = {
	OPT_TEXT_ROW(struct optimize_options, goal, "goal", 'g', "METRIC",
		     "what is to be as good as can be, such as decode_tok_per_s; 'simulate --format csv' "
		     "names all"),
	OPT_TEXTS_ROW(struct optimize_options, limits, "subject-to", 0, "LIMIT",
		      "what must hold besides, such as 'ttft_s <= 2 s'; may be given again"),
	OPT_COUNT_ROW(struct optimize_options, best, "best", 0, "K",
		      "how many to show, each of another kind or on other devices; 5 if not said", 1, 30, 5),
	OPT_TEXT_ROW(struct optimize_options, pareto, "pareto", 0, "METRIC",
		     "a second goal: what is best for one is shown with what it costs the other"),
	OPT_COUNT_ROW(struct optimize_options, budget, "budget", 0, "N",
		      "candidates to run at most; 1000 if not said", 1, 100000000, 1000)};
static const struct opt_table tables[] = {
	OPTS_SET(struct optimize_options, load),      OPT_OWN(own),
	OPTS_PATH(struct optimize_options, load),     OPTS_RESULT_FORMAT(struct optimize_options, output),
	OPTS_OUTPUT(struct optimize_options, output), OPTS_SEED(struct optimize_options, draws),
	OPTS_DRAWS(struct optimize_options, draws),   OPTS_JOBS(struct optimize_options, draws.workers)};

/* What -o writes: the winners as a scenario or the front as a picture, beside the answer on the standard output; or the
 * answer itself. */
static bool writes_scenario(const struct optimize_options *o)
{
	return o->output.path && str_ends(o->output.path, ".yaml");
}

static bool draws_front(const struct optimize_options *o)
{
	return o->output.path && draw_format(o->output.path);
}

static struct output_options answer_output(const struct optimize_options *o)
{
	struct output_options to = o->output;

	if (writes_scenario(o) || draws_front(o))
		to.path = NULL;
	return to;
}

static int check_output(const struct optimize_options *o, enum result_format *format)
{
	const struct output_options answer = answer_output(o);
	struct err err = ERR_INIT;

	if (answer.path && !answer.format && !str_ends(answer.path, ".json") &&
	    !str_ends(answer.path, ".jsonl") && !str_ends(answer.path, ".csv") &&
	    !str_ends(answer.path, ".md") && !str_ends(answer.path, ".txt")) {
		err_set(&err, "cannot tell from '%.200s' what to write", answer.path);
		err_hint(&err, "-o FILE.yaml is for the winners as a scenario, FILE.json, .md or .csv for "
			       "the answer");
		return complain(&err, EXIT_USAGE);
	}
	if (!draws_front(o) || o->pareto)
		return choose_format(&answer, format);
	err_set(&err, "cannot draw '%.200s': one goal has no front", o->output.path);
	err_hint(&err, "add --pareto METRIC; 'schedule' draws the winners of -o FILE.yaml");
	return complain(&err, EXIT_USAGE);
}

/* Complains and returns an exit code where the options make no request; the world and the seed are still to
 * come. */
static int read_ask(const struct optimize_options *o, struct outcome_ask *a, enum result_format *format)
{
	struct err err = ERR_INIT;

	*a = (struct outcome_ask){.pareto = o->pareto != NULL,
				  .best = (size_t)o->best,
				  .budget = (size_t)o->budget,
				  .threads = workers_count(o->draws.workers.threads, WORKERS_MAX)};
	if (!o->goal) {
		err_set(&err, "optimize needs a goal: --goal METRIC");
		err_hint(&err, "such as decode_tok_per_s, ttft_s, train_tok_per_s or usd_per_Mtok");
		return complain(&err, EXIT_USAGE);
	}
	if (goal_parse(o->goal, &a->goal, &err) != 0)
		return complain(&err, EXIT_USAGE);
	if (o->pareto && goal_parse(o->pareto, &a->second, &err) != 0)
		return complain(&err, EXIT_USAGE);
	if (o->pareto && a->second.metric->job != a->goal.metric->job) {
		err_set(&err, "%s and %s are of different workloads", o->goal, o->pareto);
		return complain(&err, EXIT_USAGE);
	}
	if (o->limits.n > OUTCOME_LIMITS) {
		err_set(&err, "%zu limits are given, at most %d are allowed", o->limits.n, OUTCOME_LIMITS);
		return complain(&err, EXIT_USAGE);
	}
	for (size_t i = 0; i < o->limits.n; i++)
		if (limit_parse(o->limits.at[i], &a->limits[a->limits_n++], &err) != 0)
			return complain(&err, EXIT_USAGE);
	return check_output(o, format);
}

/* Tables that nobody wrote are printed as comments; equal machines stand there once. */
static int write_scenario(const struct session *s, const struct world *w)
{
	struct str text = STR_INIT;
	int rc;

	field_show(counted_fold(s->loader.arena, w->tree), &text);
	rc = session_deliver(s, &text);
	str_release(&text);
	return rc;
}

/* A front of one assignment, or of none, is no picture: the answer says what there is. */
static int draw_front(const struct session *s, const struct result *r)
{
	struct str text = STR_INIT;
	struct curves c;
	int rc;

	if (!front_is(r)) {
		fprintf(stderr, "lemursim: %.200s is not written: one assignment is the best by both goals\n",
			s->output->path);
		return EXIT_FINE;
	}
	c = front_curves(s->loader.arena, r);
	curves_dot(&text, &c);
	rc = deliver_by(s->output, &text, draw_write);
	str_release(&text);
	return rc;
}

/* The winners as a scenario of their own, predicted as simulate does. searched: has read the scenario, which may be the
 * standard input. note: NULL for none. */
static int show(const struct session *searched, const struct optimize_options *o,
		const struct outcome_ask *ask, const char *path, enum result_format format,
		const struct outcome *r, const char *note)
{
	const struct output_options table = answer_output(o);
	const char *found[3] = {r->sets.text}; /* and seed and draws, in what is written as in the table */
	size_t found_n = 1;
	struct session s;
	struct texts sets;
	const struct world *w;
	const struct placement *at;
	struct scenario_result answer;
	struct str out = STR_INIT;
	int rc = EXIT_USAGE;

	session_begin(&s, &o->load, &o->output);
	s.loader.outer = &searched->loader;
	if (o->draws.seed >= 0)
		found[found_n++] = arena_printf(&s.arena, "seed=%lld", (long long)o->draws.seed);
	if (o->draws.n > 1)
		found[found_n++] = arena_printf(&s.arena, "draws=%lld", (long long)o->draws.n);
	sets = texts_join(&s.arena, &o->load.sets, found, found_n);
	w = session_world(&s, &sets, path);
	at = w ? session_placements(&s, w) : NULL;
	if (at && scenario_result_make(&s.loader, at, &o->draws, VERSION, &answer) != 0) {
		session_complain(&s);
	} else if (at) {
		struct result *result = &answer.result;

		if (ask->pareto) {
			result->goal = ask->goal.metric->name;
			result->pareto = ask->second.metric->name;
		}
		/* ranks say it better than verdicts, which they replace */
		result->notes_n = outcome_rank_notes(&s.arena, ask, r, result->rows, result->rows_n,
						     result->draws, answer.notes);
		scenario_result_note(&answer, note);
		scenario_result_note(&answer, outcome_search_note(&s.arena, ask, r));
		scenario_result_note(&answer, outcome_options_note(&s.arena, ask, r));
		scenario_result_note(&answer, outcome_unjoined_note(&s.arena, w));
		result_write(&out, result, format, output_width(&table));
		rc = deliver(&table, &out);
		if (rc == EXIT_FINE && writes_scenario(o))
			rc = write_scenario(&s, w);
		if (rc == EXIT_FINE && draws_front(o))
			rc = draw_front(&s, result);
	}
	str_release(&out);
	session_end(&s);
	return rc;
}

/* Whether a search, a short one, finds an assignment of a changed world. */
static bool any_is_found(void *outcome_ask, const struct world *w)
{
	struct outcome_ask ask = *(const struct outcome_ask *)outcome_ask;
	struct arena scratch = ARENA_INIT;
	struct outcome found;
	bool any;

	ask.w = w;
	ask.pareto = false;
	ask.limits_n = 0;
	ask.best = ask.budget = 1;
	outcome_find(&scratch, &ask, &found);
	any = found.n > 0;
	outcome_release(&found);
	arena_release(&scratch);
	return any;
}

/* Nothing keeps the limits: shows the best without them, and what they could have asked for. */
static int show_unmet(struct session *s, const struct optimize_options *o, const struct outcome_ask *ask,
		      const char *path, enum result_format format)
{
	struct outcome r;
	const char *note = outcome_without_limits(&s->arena, ask, &r);
	struct outcome_ask quick = *ask;
	struct err err = ERR_INIT;
	int rc;

	if (r.n) {
		rc = show(s, o, ask, path, format, &r, note);
		rc = rc == EXIT_FINE ? EXIT_TARGET_MISSED : rc;
	} else {
		err_set(&err, r.counts.annealed ? "no assignment was found that fits" : "no assignment fits");
		if (outcome_unjoined_note(&s->arena, ask->w))
			err_hint(&err, "%s", outcome_unjoined_note(&s->arena, ask->w));
		rc = complain(&err, EXIT_NOTHING_FITS);
		session_offer(s, &(struct would_fit_ask){.loader = &s->loader,
							 .path = path,
							 .sets = &o->load.sets,
							 .fits = any_is_found,
							 .self = &quick});
	}
	outcome_release(&r);
	return rc;
}

/* "annealing, chain 12 of 36; best 12.1 tok/s; none above 13 tok/s" */
struct search_watch {
	struct progress line;
	const struct goal *goal;
};

static void tell_search(void *self, const struct search_progress *p)
{
	struct search_watch *watch = self;
	const struct metric_info *goal = watch->goal->metric;
	char best[64] = "", bound[64] = "", chains[64] = "";

	if (isfinite(p->best))
		snprintf(best, sizeof best, "; best %s %s", units_digits(p->best, 3).text, goal->unit);
	if (isfinite(p->bound))
		snprintf(bound, sizeof bound, "; none %s %s %s", goal->less ? "below" : "above",
			 units_digits(p->bound, 3).text, goal->unit);
	if (p->chains < p->of_chains)
		snprintf(chains, sizeof chains, "annealing, chain %zu of %zu", p->chains + 1, p->of_chains);
	else
		snprintf(chains, sizeof chains, "%zu of at most %zu runs", p->run, p->runs_most);
	progress_say(&watch->line, "%s%s%s", chains, best, bound);
}

static int optimize(struct session *s, const struct optimize_options *o, struct outcome_ask *ask,
		    const char *path, enum result_format format)
{
	struct search_watch watch = {progress_begin(), &ask->goal};
	struct outcome r;
	struct err err = ERR_INIT;
	int rc;

	ask->w = session_world(s, &o->load.sets, path);
	if (!ask->w)
		return EXIT_USAGE;
	ask->seed = draws_asked_seed(&o->draws, ask->w);
	if (outcome_check(ask, &err) != 0)
		return complain(&err, EXIT_USAGE);
	session_catch_interrupt();
	ask->stop = session_interrupted();
	ask->tell = watch.line.on ? tell_search : NULL; /* to look costs time */
	ask->self = &watch;
	outcome_find(&s->arena, ask, &r);
	progress_clear(&watch.line);
	ask->tell = NULL;
	if (r.stopped && !r.n) {
		err_set(&err, "interrupted before an assignment was found");
		outcome_release(&r);
		return complain(&err, EXIT_INTERRUPTED);
	}
	session_tell_idle(s, &o->load.sets, &(struct texts){0}, path);
	rc = r.n ? show(s, o, ask, path, format, &r, NULL) : show_unmet(s, o, ask, path, format);
	rc = rc == EXIT_FINE && r.stopped ? EXIT_INTERRUPTED : rc;
	outcome_release(&r);
	return rc;
}

static int cmd_optimize(const void *options, const struct texts *files)
{
	const struct optimize_options *o = options;
	struct outcome_ask ask;
	enum result_format format;
	struct session s;
	int rc = read_ask(o, &ask, &format);

	if (rc != EXIT_FINE)
		return rc;
	session_begin(&s, &o->load, &o->output);
	s.loader.searched = true;
	rc = optimize(&s, o, &ask, files->at[0], format);
	session_end(&s);
	return rc;
}

const struct verb verb_optimize = {
	.name = "optimize",
	.arguments = "SCENARIO",
	.help = "search the assignments: --goal METRIC; -o FILE.yaml writes the winners as a scenario, "
		"FILE.svg draws the front of --pareto",
	.options = tables,
	.options_n = ARRAY_LEN(tables),
	.size = sizeof(struct optimize_options),
	.run = cmd_optimize,
	.tries = "optimize scenarios/m5-vs-m4pro.yaml --goal decode_tok_per_s --subject-to \"ttft_s <= 1.5 "
		 "s\" -o "
		 "best.yaml\n"};
