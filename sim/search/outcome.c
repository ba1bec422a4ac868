/* outcome.c - see outcome.h. */
#include "sim/search/outcome.h"

#include <math.h>
#include <string.h>

#include "sim/search/best_first.h"
#include "sim/search/search_job.h"

enum { FRONT_MAX = 12 };

/* A number in a sentence; of an expression's lifetime. */
#define of_3(x) (units_digits(x, 3).text)

/* ---- check of the request ---- */

static int check_power(const struct world *w, const struct metric_info *m, struct err *err)
{
	const bool usd = m->needs == METRIC_OF_POWER_AND_PRICE, power = usd || m->needs == METRIC_OF_POWER;

	for (size_t i = 0; i < w->machines_n; i++) {
		const struct machine *machine = &w->machines[i];

		if (power && (!machine->idle_power.given || (usd && !machine->price.given))) {
			err_set(err, "%s: %s of machine '%s' is not known, which %s needs", w->path,
				machine->idle_power.given ? "the price" : "the power", machine->origin.name,
				m->name);
			err_hint(err, "say 'idle_power', 'active_power' and 'price'");
			return -1;
		}
	}
	return 0;
}

/* Reports a goal or limit for which the scenario has no value, whatever the assignment. */
static int check_metric(const struct world *w, const struct metric_info *m, struct err *err)
{
	const struct job_type *job = job_types[m->job];
	const char *why;

	if (!workload_asks(&w->scenario->workload, m->job)) {
		err_set(err, "%s asks for no %s, which %s is about", w->path, job->noun, m->name);
		return -1;
	}
	why = job->lacks ? job->lacks(w, metric_index(m)) : NULL;
	if (why) {
		err_set(err, "%s: %s, so there is no %s", w->path, why, m->name);
		return -1;
	}
	return check_power(w, m, err);
}

int outcome_check(const struct outcome_ask *ask, struct err *err)
{
	if (check_metric(ask->w, ask->goal.metric, err) != 0)
		return -1;
	if (ask->w->units_n > SEARCH_UNITS) {
		err_set(err, "%s has %zu devices, up to %d can be searched", ask->w->path, ask->w->units_n,
			SEARCH_UNITS);
		return err_hint(err,
				"leave some out: an assignment has at most one device for each of the "
				"%lld layers in each phase and role",
				(long long)ask->w->model->layers);
	}
	if (ask->pareto && check_metric(ask->w, ask->second.metric, err) != 0)
		return -1;
	for (size_t i = 0; i < ask->limits_n; i++)
		if (check_metric(ask->w, ask->limits[i].metric, err) != 0)
			return -1;
	return 0;
}

/* ---- search ---- */

static void add_assignment(struct outcome *r, struct arena *a, const struct world *w,
			   const struct candidate *c)
{
	const char *words = candidate_words(a, w, c);
	const char *entry = arena_printf(a, "{name: \"%s\", place: %s%s%s}", words, candidate_rules(a, w, c),
					 c->options && *c->options ? ", " : "", c->options ? c->options : "");

	str_addf(&r->sets, "%s%s", r->names_n ? ", " : "assignments=[", entry);
	r->first = r->names_n ? r->first : entry;
	r->names[r->names_n++] = words;
	r->other_options |= c->options && *c->options;
}

/* Runs a search to its end, or to the best that it has when it is to stop; true: it was stopped. */
static bool run_steps(struct search *s, const struct outcome_ask *ask)
{
	bool stopped = false;

	do {
		if (!stopped && ask->stop && *ask->stop) {
			stopped = true;
			search_stop(s);
		}
		if (ask->tell && !stopped) {
			const struct search_progress p = search_progress(s);

			ask->tell(ask->self, &p);
		}
	} while (search_step(s));
	return stopped;
}

/* Runs a search and stores its result; without `limited` the limits are ignored. */
static void run_search(struct arena *a, const struct outcome_ask *ask, const struct goal *goal, bool limited,
		       struct outcome *r)
{
	const struct world *w = ask->w;
	struct search *s = search_new(&(const struct search_ask){.w = w,
								 .goal = *goal,
								 .limits = ask->limits,
								 .limits_n = limited ? ask->limits_n : 0,
								 .seed = ask->seed,
								 .threads = ask->threads,
								 .best = ask->best,
								 .runs_most = ask->budget});
	const struct winner *winners, *alone;

	*r = (struct outcome){.sets = STR_INIT, .stopped = run_steps(s, ask)};
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

/* Finds the front of two goals by the constraint method (Haimes, Lasdon and Wismer, IEEE Trans. SMC 1(3),
 * 1971): the best of the first goal, then the best of those that are 2 % better by the second, and so on. */
static void run_front(struct arena *a, const struct outcome_ask *ask, struct outcome *r)
{
	const struct metric_info *second = ask->second.metric;
	struct outcome_ask next = *ask;
	struct limit *limit = &next.limits[next.limits_n++];
	const char *names[FRONT_MAX + 1];
	struct str sets = STR_INIT;
	size_t n = 0;
	bool exact = true;

	next.best = 1;
	*limit = (struct limit){
		.metric = ask->second.metric, .at_least = !second->less, .value = second->less ? 1e300 : 0};
	for (; n < FRONT_MAX; n++) {
		run_search(a, &next, &ask->goal, true, r);
		exact &= r->counts.exact;
		if (!r->n || (r->stopped && n))
			break;
		names[n] = r->names[0];
		str_addf(&sets, "%s%s", n ? ", " : "assignments=[", r->first);
		limit->value = metric_value(&r->values, ask->second.metric) * (second->less ? 0.98 : 1.02);
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

void outcome_find(struct arena *a, const struct outcome_ask *ask, struct outcome *r)
{
	if (ask->pareto)
		run_front(a, ask, r);
	else
		run_search(a, ask, &ask->goal, true, r);
}

void outcome_release(struct outcome *r)
{
	str_release(&r->sets);
}

/* The note names the best value of each limit that cannot be kept. */
const char *outcome_without_limits(struct arena *a, const struct outcome_ask *ask, struct outcome *r)
{
	const char *note = ask->w->units_n > EXACT_UNITS ? "No assignment was found that keeps all limits"
							 : "No assignment keeps all limits";
	struct outcome best;

	run_search(a, ask, &ask->goal, false, r);
	for (size_t i = 0; r->n && i < ask->limits_n; i++) {
		struct goal goal;

		if (goal_parse(ask->limits[i].metric->name, &goal, NULL) != 0)
			continue;
		run_search(a, ask, &goal, false, &best);
		if (best.n && !limit_holds(&ask->limits[i], best.least))
			note = arena_printf(a, "%s; '%s' %s %s %s (%s)", note, ask->limits[i].text,
					    best.counts.annealed ? "was not met: the best found is"
								 : "cannot be met: the best is",
					    of_3(best.least), goal.metric->unit, best.names[0]);
		str_release(&best.sets);
	}
	return arena_printf(a, "%s. Those above are without them.", note);
}

/* ---- notes ---- */

static const struct assignment_row *row_named(const struct assignment_row *rows, size_t n, const char *name)
{
	for (size_t i = 0; name && i < n; i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

/* "1. ffn on m5, ...: 12.1 tok/s (11.0 to 13.2), 1.31 times what one device gives (all on m4pro), better in
 * 98 % of draws." */
static const char *rank_note(struct arena *a, const struct outcome_ask *ask,
			     const struct assignment_row *rows, size_t i, const struct assignment_row *alone,
			     int draws)
{
	const struct metric_info *info = ask->goal.metric;
	const struct metric *m = rows_metric(&rows[i], info->name);
	const struct metric *than = alone ? rows_metric(alone, info->name) : NULL;
	const struct assignment_row *row = &rows[i];
	size_t won = 0;
	double gain;

	if (!m)
		return NULL;
	if (ask->pareto) {
		const struct metric *other = rows_metric(row, ask->second.metric->name);

		return arena_printf(a, "%zu. %s: %s %s, %s %s.", i + 1, row->name, of_3(m->value), info->unit,
				    of_3(other ? other->value : NAN), ask->second.metric->unit);
	}
	if (!than)
		return arena_printf(a, "%zu. %s: %s %s (%s to %s); no device can do it alone.", i + 1,
				    row->name, of_3(m->value), info->unit, of_3(m->lo), of_3(m->hi));
	if (row == alone)
		return arena_printf(a, "%zu. %s: %s %s (%s to %s), the best on one device.", i + 1, row->name,
				    of_3(m->value), info->unit, of_3(m->lo), of_3(m->hi));
	for (int d = 0; d < draws; d++)
		won += info->less ? m->drawn[d] < than->drawn[d] : m->drawn[d] > than->drawn[d];
	gain = info->less ? than->value / m->value : m->value / than->value;
	return arena_printf(a,
			    "%zu. %s: %s %s (%s to %s), %s times as good as the best on one device (%s), "
			    "better in %.0f %% of draws.",
			    i + 1, row->name, of_3(m->value), info->unit, of_3(m->lo), of_3(m->hi),
			    of_3(gain), alone->name, 100.0 * (double)won / draws);
}

/* Of many devices there are more than a double can say. */
static struct figure considered_text(const struct search_counts *c)
{
	return isfinite(c->considered) ? units_amount(c->considered) : (struct figure){"more than 10^300"};
}

/* By how much the first may be worse than the bound: a difference that sums of rounded times make is none. */
enum { GAP_PER_ROUNDING = 1000000000 };

static double gap_of(const struct outcome *r, const struct metric_info *minimized)
{
	const double gap = metric_value(&r->values, minimized) / r->counts.bound - 1;

	return gap * GAP_PER_ROUNDING < 1 ? 0 : gap;
}

/* The search moves whole layers of one copy of the model, so that neither it nor its bounds say anything of splits. */
static const char not_tried[] = "Tensor, data and expert splits were not tried.";

/* The lower bound is of the minimized metric; for a rate that is the time it is the inverse of, so the
 * relative gap is the same. */
static const char *annealed_note(struct arena *a, const struct outcome_ask *ask, const struct outcome *r)
{
	const struct search_counts *c = &r->counts;
	const struct metric_info *minimized = ask->goal.minimized;
	const bool bounded = r->n && c->bound > 0 && !ask->pareto;
	const double gap = bounded ? gap_of(r, minimized) : NAN;
	const char *proof = "";

	if (bounded)
		proof = arena_printf(
			a, " No assignment of these kinds has less than %s %s of %s: %s.", of_3(c->bound),
			minimized->unit, minimized->name,
			gap > 0 ? arena_printf(a, "the first is at most %s %% from the best of them",
					       of_3(100 * gap))
				: "the first is proved to be the best of them");
	return arena_printf(
		a,
		"Annealed %s assignments (contiguous cuts, roles apart, phases apart, devices left out): "
		"%zu were "
		"looked at, %zu of the best were run, %zu of them do not fit%s.%s %s%s",
		considered_text(c).text, c->tried, c->run + c->unfit, c->unfit,
		gap == 0 ? "" : "; not proved to be the best", proof, not_tried,
		r->stopped ? " It was interrupted." : "");
}

static const char *counts_note(struct arena *a, const struct search_counts *c, bool stopped)
{
	const char *exact = c->exact  ? "the first is the best of them all"
			    : stopped ? "it was interrupted"
				      : "the budget ended the search";

	return arena_printf(
		a,
		"Searched %s assignments (contiguous cuts, roles apart, phases apart, devices left "
		"out): %zu were run, %zu do not fit, %s; %s. %s",
		considered_text(c).text, c->run, c->unfit + c->too_heavy,
		c->exact ? "bounds ruled out the rest" : "others were ruled out by bounds or not looked at",
		exact, not_tried);
}

size_t outcome_rank_notes(struct arena *a, const struct outcome_ask *ask, const struct outcome *r,
			  const struct assignment_row *rows, size_t n, int draws, struct note *notes)
{
	const struct assignment_row *alone = row_named(rows, n, r->alone);
	size_t notes_n = 0;

	for (size_t i = 0; i < r->n; i++) {
		notes[notes_n] = (struct note){rank_note(a, ask, rows, i, alone, draws), 0};
		notes_n += notes[notes_n].text != NULL;
	}
	return notes_n;
}

const char *outcome_search_note(struct arena *a, const struct outcome_ask *ask, const struct outcome *r)
{
	return r->counts.annealed ? annealed_note(a, ask, r) : counts_note(a, &r->counts, r->stopped);
}

const char *outcome_options_note(struct arena *a, const struct outcome_ask *ask, const struct outcome *r)
{
	const enum job job = ask->goal.metric->job;
	const struct search_job *search = search_job(job);
	const char *key = search->trials_n ? search->trials[0].key : NULL; /* all are of one */
	const struct yml *said =
		key ? yml_get(yml_get(yml_get(ask->w->tree, "workload"), job_name(job)), key) : NULL;

	if (!r->other_options || !said || said->is_default || said->kind != YML_SCALAR)
		return NULL;
	return arena_printf(
		a,
		"The scenario says %s: %s. The search tries others, too: an assignment with another has "
		"it in its name.",
		key, said->text);
}

enum { PAIRS_NAMED = 3 };

const char *outcome_unjoined_note(struct arena *a, const struct world *w)
{
	const char *pairs = NULL;
	size_t n = 0;

	for (size_t i = 0; i < w->machines_n; i++)
		for (size_t j = i + 1; j < w->machines_n; j++) {
			if (world_link_use(w, i, j) != WORLD_NONE || n++ >= PAIRS_NAMED)
				continue;
			pairs = arena_printf(a, "%s%s%s and %s", pairs ? pairs : "", pairs ? "; " : "",
					     w->machines[i].origin.name, w->machines[j].origin.name);
		}
	if (n > PAIRS_NAMED)
		pairs = arena_printf(a, "%s; and %zu more pairs", pairs, n - PAIRS_NAMED);
	return n ? arena_printf(a, "No link joins %s: no assignment can be split over them.", pairs) : NULL;
}
