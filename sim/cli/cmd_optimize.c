/* cmd_optimize.c - lemursim optimize SCENARIO --goal METRIC: the best assignments there are. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/cli/cmd.h"
#include "sim/report/scenario_result.h"
#include "sim/search/search.h"
#include "sim/search/best_first.h"

struct optimize_options {
	struct load_options load;
	struct output_options output;
	struct draws_ask draws;
	const char *goal, *pareto;
	struct texts limits;
	int64_t best, budget; /* 0: not said */
};

static const struct opt own[] = {
	OPT_TEXT_ROW(struct optimize_options, goal, "goal", 'g', "METRIC",
		     "what is to be as good as can be, such as decode_tok_per_s; 'simulate --format csv' "
		     "names all"),
	OPT_TEXTS_ROW(struct optimize_options, limits, "subject-to", 0, "LIMIT",
		      "what must hold besides, such as 'ttft_s <= 2 s'; may be given again"),
	OPT_COUNT_ROW(struct optimize_options, best, "best", 0, "K",
		      "how many to show, each of another kind or on other devices; 5 if not said", 1, 30, 0),
	OPT_TEXT_ROW(struct optimize_options, pareto, "pareto", 0, "METRIC",
		     "a second goal: what is best for one is shown with what it costs the other"),
	OPT_COUNT_ROW(struct optimize_options, budget, "budget", 0, "N",
		      "candidates to run at most; 1000 if not said", 1, 100000000, 0)};
static const struct opt_table tables[] = {
	OPTS_SET(struct optimize_options, load),      OPT_OWN(own),
	OPTS_PATH(struct optimize_options, load),     OPTS_RESULT_FORMAT(struct optimize_options, output),
	OPTS_OUTPUT(struct optimize_options, output), OPTS_SEED(struct optimize_options, draws),
	OPTS_DRAWS(struct optimize_options, draws)};

enum { BEST = 5, BUDGET = 1000, LIMITS_MAX = 16, FRONT_MAX = 12 };

struct asked {
	const struct optimize_options *o;
	struct goal goal, second; /* second: with --pareto */
	struct limit limits[LIMITS_MAX + 1];
	size_t limits_n;
	enum result_format format;
};

/* What a search came to, in words that outlive it. */
struct outcome {
	struct str sets; /* "assignments=[...]" */
	struct search_counts counts;
	size_t n;           /* winners */
	const char *alone;  /* the best on one device; NULL: none */
	const char **names; /* of the winners; the best on one device behind them if it is none */
	size_t names_n;
	double least;                /* of the goal */
	const char *first;           /* the best as an entry of `assignments` */
	struct metric_values values; /* its metrics */
};

static int read_asked(const struct optimize_options *o, struct asked *a)
{
	struct output_options table = o->output;
	struct err err = ERR_INIT;

	*a = (struct asked){.o = o};
	table.path = NULL;
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
	if (o->limits.n > LIMITS_MAX) {
		err_set(&err, "%zu limits are given, at most %d are allowed", o->limits.n, LIMITS_MAX);
		return complain(&err, EXIT_USAGE);
	}
	for (size_t i = 0; i < o->limits.n; i++)
		if (limit_parse(o->limits.at[i], &a->limits[a->limits_n++], &err) != 0)
			return complain(&err, EXIT_USAGE);
	if (o->output.path && !str_ends(o->output.path, ".yaml")) {
		err_set(&err, "cannot write '%.200s': the winners are a scenario", o->output.path);
		err_hint(&err, "-o FILE.yaml; the table goes to the standard output, see --format");
		return complain(&err, EXIT_USAGE);
	}
	return choose_format(&table, &a->format);
}

static int check_power(const struct world *w, const struct metric_info *m)
{
	const bool usd = m->needs == METRIC_OF_POWER_AND_PRICE, power = usd || m->needs == METRIC_OF_POWER;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < w->machines_n; i++) {
		const struct machine *machine = &w->machines[i];

		if (power && (!machine->idle_power.given || (usd && !machine->price.given))) {
			err_set(&err, "%s: %s of machine '%s' is not known, which %s needs", w->path,
				machine->idle_power.given ? "the price" : "the power", machine->origin.name,
				m->name);
			err_hint(&err, "say 'idle_power', 'active_power' and 'price'");
			return complain(&err, EXIT_USAGE);
		}
	}
	return EXIT_FINE;
}

/* Complains of a goal or limit that the scenario has no answer to, whatever the assignment. */
static int check_metric(const struct world *w, const struct metric_info *m)
{
	const struct job_type *job = job_types[m->job];
	const char *why;
	struct err err = ERR_INIT;

	if (!workload_asks(&w->scenario->workload, m->job)) {
		err_set(&err, "%s asks for no %s, which %s is about", w->path, job->noun, m->name);
		return complain(&err, EXIT_USAGE);
	}
	why = job->lacks ? job->lacks(w, metric_index(m)) : NULL;
	if (why) {
		err_set(&err, "%s: %s, so there is no %s", w->path, why, m->name);
		return complain(&err, EXIT_USAGE);
	}
	return check_power(w, m);
}

static int check_world(const struct world *w, const struct asked *a)
{
	struct err err = ERR_INIT;
	int rc = check_metric(w, a->goal.metric);

	if (w->units_n > SEARCH_UNITS) {
		err_set(&err, "%s has %zu devices, up to %d can be searched", w->path, w->units_n,
			SEARCH_UNITS);
		return complain(&err, EXIT_USAGE);
	}

	if (a->o->pareto && rc == EXIT_FINE)
		rc = check_metric(w, a->second.metric);
	for (size_t i = 0; i < a->limits_n && rc == EXIT_FINE; i++)
		rc = check_metric(w, a->limits[i].metric);
	return rc;
}

static void add_assignment(struct outcome *r, struct arena *a, const struct world *w,
			   const struct candidate *c)
{
	const char *words = candidate_words(a, w, c);
	const char *entry = arena_printf(a, "{name: \"%s\", place: %s%s%s}", words, candidate_rules(a, w, c),
					 c->options && *c->options ? ", " : "", c->options ? c->options : "");

	str_addf(&r->sets, "%s%s", r->names_n ? ", " : "assignments=[", entry);
	r->first = r->names_n ? r->first : entry;
	r->names[r->names_n++] = words;
}

/* Searches and keeps what was found; a limit may be left out to see what it costs. */
static void seek(struct arena *a, const struct world *w, const struct asked *asked, const struct goal *goal,
		 bool limited, struct outcome *r)
{
	const struct optimize_options *o = asked->o;
	struct search *s =
		search_new(&(const struct search_ask){.w = w,
						      .goal = *goal,
						      .limits = asked->limits,
						      .limits_n = limited ? asked->limits_n : 0,
						      .seed = draws_asked_seed(&o->draws, w),
						      .best = o->best ? (size_t)o->best : BEST,
						      .runs_most = o->budget ? (size_t)o->budget : BUDGET});
	const struct winner *winners, *alone;

	while (search_step(s))
		;
	*r = (struct outcome){.sets = STR_INIT};
	winners = search_winners(s, &r->n);
	alone = search_alone(s);
	r->names = arena_array(a, r->n + 1, sizeof *r->names);
	r->least = r->n ? metric_value(&winners[0].values, goal->metric) : NAN;
	if (r->n)
		r->values = winners[0].values;
	for (size_t i = 0; i < r->n; i++)
		add_assignment(r, a, w, &winners[i].c);
	if (alone) {
		r->alone = candidate_words(a, w, &alone->c);
		for (size_t i = 0; i < r->n; i++)
			if (!strcmp(r->names[i], r->alone))
				alone = NULL;
	}
	if (alone)
		add_assignment(r, a, w, &alone->c);
	str_add(&r->sets, "]");
	r->counts = search_counts(s);
	search_free(s);
}

/* The front of two goals, by the constraint method (Haimes, Lasdon & Wismer, IEEE Trans. SMC 1(3), 1971): the
 * best of the first goal, then the best of those that do 2 % better by the second, and so on. */
static void seek_front(struct arena *a, const struct world *w, const struct asked *asked, struct outcome *r)
{
	const struct metric_info *second = asked->second.metric;
	struct asked next = *asked;
	struct optimize_options one = *asked->o;
	struct limit *limit = &next.limits[next.limits_n++];
	const char *names[FRONT_MAX + 1];
	struct str sets = STR_INIT;
	size_t n = 0;
	bool exact = true;

	one.best = 1;
	next.o = &one;
	*limit = (struct limit){
		.metric = asked->second.metric, .at_least = !second->less, .value = second->less ? 1e300 : 0};
	for (; n < FRONT_MAX; n++) {
		seek(a, w, &next, &asked->goal, true, r);
		exact &= r->counts.exact;
		if (!r->n)
			break;
		names[n] = r->names[0];
		str_addf(&sets, "%s%s", n ? ", " : "assignments=[", r->first);
		limit->value = metric_value(&r->values, asked->second.metric) * (second->less ? 0.98 : 1.02);
		str_release(&r->sets);
	}
	r->counts.exact = exact;
	str_release(&r->sets);
	str_add(&sets, "]");
	r->sets = sets;
	r->n = r->names_n = n;
	r->names = arena_array(a, n + 1, sizeof *r->names);
	memcpy(r->names, names, n * sizeof *names);
}

/* ---- notes ---- */

static const struct assignment_row *row_named(const struct result *r, const char *name)
{
	for (size_t i = 0; name && i < r->rows_n; i++)
		if (!strcmp(r->rows[i].name, name))
			return &r->rows[i];
	return NULL;
}

/* "1. ffn on m5, ...: 12.1 tok/s (11.0 to 13.2), 1.31 times what one device gives (all on m4pro), better in
 * 98 % of draws." */
static const char *rank_note(struct arena *a, const struct asked *asked, const struct result *r, size_t i,
			     const struct assignment_row *alone)
{
	const struct metric_info *info = asked->goal.metric;
	const struct metric *m = rows_metric(&r->rows[i], info->name);
	const struct metric *than = alone ? rows_metric(alone, info->name) : NULL;
	const struct assignment_row *row = &r->rows[i];
	size_t won = 0;
	double gain;

	if (!m)
		return NULL;
	if (asked->o->pareto) {
		const struct metric *other = rows_metric(row, asked->second.metric->name);

		return arena_printf(a, "%zu. %s: %.3g %s, %.3g %s.", i + 1, row->name, m->value, info->unit,
				    other ? other->value : NAN, asked->second.metric->unit);
	}
	if (!than)
		return arena_printf(a, "%zu. %s: %.3g %s (%.3g to %.3g); no device can do it alone.", i + 1,
				    row->name, m->value, info->unit, m->lo, m->hi);
	if (row == alone)
		return arena_printf(a, "%zu. %s: %.3g %s (%.3g to %.3g), the best on one device.", i + 1,
				    row->name, m->value, info->unit, m->lo, m->hi);
	for (int d = 0; d < r->draws; d++)
		won += info->less ? m->drawn[d] < than->drawn[d] : m->drawn[d] > than->drawn[d];
	gain = info->less ? than->value / m->value : m->value / than->value;
	return arena_printf(
		a,
		"%zu. %s: %.3g %s (%.3g to %.3g), %.3g times as good as the best on one device (%s), "
		"better in %.0f %% of draws.",
		i + 1, row->name, m->value, info->unit, m->lo, m->hi, gain, alone->name,
		100.0 * (double)won / r->draws);
}

/* Of a rate the bound is of the time behind it: the same share. */
static const char *annealed_note(struct arena *a, const struct asked *asked, const struct outcome *r)
{
	const struct search_counts *c = &r->counts;
	const struct metric_info *sought = asked->goal.sought;
	const char *gap = "";

	if (r->n && c->bound > 0 && !asked->o->pareto)
		gap = arena_printf(a,
				   " No assignment has less than %.3g %s of %s: the first is at most %.3g %% "
				   "from the best "
				   "possible.",
				   c->bound, sought->unit, sought->name,
				   100 * fmax(0, metric_value(&r->values, sought) / c->bound - 1));
	return arena_printf(
		a,
		"Annealed %.3g assignments (contiguous cuts, roles apart, phases apart, devices left out): "
		"%zu were "
		"looked at, %zu of the best were run, %zu of them do not fit; not proved to be the best.%s",
		c->considered, c->tried, c->run + c->unfit, c->unfit, gap);
}

static const char *counts_note(struct arena *a, const struct search_counts *c)
{
	const char *exact = c->exact ? "the first is the best of them all" : "the budget ended the search";

	return arena_printf(
		a,
		"Searched %.3g assignments (contiguous cuts, roles apart, phases apart, devices left "
		"out): %zu were run, %zu do not fit, bounds ruled out the rest; %s.",
		c->considered, c->run, c->unfit + c->heavy, exact);
}

/* ---- what is written ---- */

/* Without the tables that nobody wrote: those that a scenario has are asked for. */
static int write_scenario(const struct session *s, const struct world *w)
{
	struct arena scratch = ARENA_INIT;
	struct yml *said = yml_new(&scratch, YML_MAP, w->tree->place);
	struct str text = STR_INIT;
	int rc;

	for (size_t i = 0; i < w->tree->n; i++) {
		struct yml *item = w->tree->items[i];

		if (item->kind != YML_MAP || !item->is_default)
			yml_put(&scratch, said, w->tree->keys[i]->text, w->tree->keys[i]->place, item);
	}
	field_show(said, &text);
	arena_release(&scratch);
	rc = session_deliver(s, &text);
	str_release(&text);
	return rc;
}

/* The winners as a scenario of their own, predicted as simulate does. */
static int show(const struct asked *asked, const char *path, const struct outcome *r, const char *note)
{
	const struct optimize_options *o = asked->o;
	struct output_options table = o->output;
	const char *const found[] = {r->sets.text};
	struct session s;
	struct texts sets;
	const struct world *w;
	const struct placement *at;
	struct str out = STR_INIT;
	int rc = EXIT_USAGE;

	session_begin(&s, &o->load, &o->output);
	sets = texts_join(&s.arena, &o->load.sets, found, 1);
	table.path = NULL;
	w = session_world(&s, &sets, path);
	at = w ? session_placements(&s, w) : NULL;
	if (at) {
		struct scenario_result answer = scenario_result_make(&s.loader, at, &o->draws, VERSION);
		const struct assignment_row *alone = row_named(&answer.result, r->alone);

		answer.result.notes_n = 0; /* ranks say it better than verdicts */
		for (size_t i = 0; i < r->n; i++)
			scenario_result_note(&answer, rank_note(&s.arena, asked, &answer.result, i, alone));
		scenario_result_note(&answer, note);
		scenario_result_note(&answer, r->counts.annealed ? annealed_note(&s.arena, asked, r)
								 : counts_note(&s.arena, &r->counts));
		result_write(&out, &answer.result, asked->format, output_width(&table));
		rc = deliver(&table, &out);
		if (rc == EXIT_FINE && o->output.path)
			rc = write_scenario(&s, w);
	}
	str_release(&out);
	session_end(&s);
	return rc;
}

/* Nothing keeps the limits: what is the least, or most, that the first of them could ask for? */
static int unmet(struct arena *a, const struct world *w, const struct asked *asked, const char *path)
{
	struct outcome best, r;
	const char *note = w->units_n > EXACT_UNITS ? "No assignment was found that keeps all limits"
						    : "No assignment keeps all limits";
	struct err err = ERR_INIT;
	int rc;

	seek(a, w, asked, &asked->goal, false, &r);
	if (!r.n) {
		str_release(&r.sets);
		err_set(&err, r.counts.annealed ? "no assignment was found that fits" : "no assignment fits");
		return complain(&err, EXIT_NOTHING_FITS);
	}
	for (size_t i = 0; i < asked->limits_n; i++) {
		struct goal goal;

		if (goal_parse(asked->limits[i].metric->name, &goal, &err) != 0)
			continue;
		seek(a, w, asked, &goal, false, &best);
		if (best.n && !limit_holds(&asked->limits[i], best.least))
			note = arena_printf(a, "%s; '%s' %s %.3g %s (%s)", note, asked->limits[i].text,
					    best.counts.annealed ? "was not met: the best found is"
								 : "cannot be met: the best is",
					    best.least, goal.metric->unit, best.names[0]);
		str_release(&best.sets);
	}
	rc = show(asked, path, &r, arena_printf(a, "%s. Those above are without them.", note));
	str_release(&r.sets);
	return rc == EXIT_FINE ? EXIT_TARGET_MISSED : rc;
}

static int cmd_optimize(const void *options, const struct texts *files)
{
	const struct optimize_options *o = options;
	struct asked asked;
	struct session s;
	const struct world *w;
	struct outcome r;
	int rc = read_asked(o, &asked);

	if (rc != EXIT_FINE)
		return rc;
	session_begin(&s, &o->load, &o->output);
	w = session_world(&s, &o->load.sets, files->at[0]);
	rc = w ? check_world(w, &asked) : EXIT_USAGE;
	if (rc == EXIT_FINE) {
		if (o->pareto)
			seek_front(&s.arena, w, &asked, &r);
		else
			seek(&s.arena, w, &asked, &asked.goal, true, &r);
		if (r.n)
			rc = show(&asked, files->at[0], &r, NULL);
		else
			rc = unmet(&s.arena, w, &asked, files->at[0]);
		str_release(&r.sets);
	}
	session_end(&s);
	return rc;
}

const struct verb verb_optimize = {
	.name = "optimize",
	.arguments = "SCENARIO",
	.help = "search the assignments: --goal METRIC; -o FILE.yaml writes the winners as a scenario",
	.options = tables,
	.options_n = ARRAY_LEN(tables),
	.size = sizeof(struct optimize_options),
	.run = cmd_optimize,
	.tries = "optimize scenarios/m5-vs-m4pro.yaml --goal decode_tok_per_s --subject-to \"ttft_s <= 1.5 "
		 "s\" -o "
		 "best.yaml\n"};
