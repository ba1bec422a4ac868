/* search.c - see search.h. */
#include "sim/search/search.h"

#include <math.h>
#include <stdlib.h>

#include "sim/search/annealing.h"
#include "sim/search/exact.h"

/* Each further feature and each further device must gain a thousandth. */
double search_complexity_penalty(const struct unit_set *units, unsigned kind)
{
	return 1 + 0.001 * (incumbents_count_bits(kind) + unit_set_count(units) - 1);
}

static const struct world *world_of_one_job(struct arena *a, const struct search_ask *ask)
{
	const enum job job = ask->goal.metric->job;
	struct world *w = arena_alloc(a, sizeof *w);
	struct scenario *s = arena_alloc(a, sizeof *s);

	for (size_t i = 0; i < ask->limits_n; i++)
		if (ask->limits[i].metric->job != job)
			return ask->w;
	*w = *ask->w;
	*s = *ask->w->scenario;
	w->scenario = s;
	s->workload = workload_only(&ask->w->scenario->workload, job);
	return w;
}

struct search *search_new(const struct search_ask *ask)
{
	struct search *s = xcalloc(1, sizeof *s);
	double layer_maps;

	s->ask = *ask;
	s->job = ask->goal.metric->job;
	s->w = world_of_one_job(&s->arena, ask);
	s->counts.annealed = ask->anneal || s->w->units_n > EXACT_UNITS;
	s->counts.exact = !s->counts.annealed;
	layer_maps = space_count(s->w->model, s->w->units_n);
	s->counts.considered = layer_maps * layer_maps;
	s->variants_n = variants_make(&s->arena, s->w, s->job, s->variants);
	s->counts.considered *= (double)s->variants_n;
	if (s->counts.annealed)
		annealing_begin(s);
	else
		exact_begin(s);
	s->winners = arena_array(&s->arena, s->classes.n + 1, sizeof *s->winners);
	s->counts.classes = s->classes.n;
	return s;
}

bool search_step(struct search *s)
{
	return s->anneal ? annealing_step(s) : exact_step(s);
}

void search_stop(struct search *s)
{
	s->stopped = true;
	s->counts.exact = false;
}

/* The least bound of the classes that an exact search has not looked through, or the best so far. */
static double exact_bound(const struct search *s, double best)
{
	double bound = best;

	for (size_t i = s->current_class; i < s->classes.n; i++)
		bound = fmin(bound, s->classes.at[i].bound);
	return bound;
}

struct search_progress search_progress(struct search *s)
{
	const bool any = incumbents_sort(s) > 0;
	struct search_progress p = {.run = s->counts.run + s->counts.unfit,
				    .runs_most = s->ask.runs_most,
				    .best = NAN,
				    .bound = NAN};

	if (any)
		p.best = metric_value(&s->winners[0].values, s->ask.goal.metric);
	if (s->anneal) {
		double best;

		p.chains = anneal_chains(s->anneal, &p.of_chains);
		annealing_look(s, &best, &p.bound);
		if (!any)
			p.best = goal_value(s->w, &s->ask.goal, best);
	} else {
		p.classes_left = s->classes.n - s->current_class;
		p.bound = exact_bound(s, any ? s->winners[0].cost : (double)INFINITY);
	}
	p.bound = isfinite(p.bound) ? goal_value(s->w, &s->ask.goal, p.bound) : (double)NAN;
	return p;
}

void search_free(struct search *s)
{
	if (!s)
		return;
	exact_release(s);
	anneal_free(s->anneal);
	VEC_FREE(&s->classes);
	arena_release(&s->arena);
	free(s);
}

const struct winner *search_winners(struct search *s, size_t *n)
{
	*n = incumbents_sort(s);
	if (*n > s->ask.best)
		*n = s->ask.best;
	return s->winners;
}

const struct winner *search_alone(const struct search *s)
{
	const struct winner *best = NULL;

	for (size_t i = 0; i < s->classes.n; i++) {
		const struct candidate_class *c = &s->classes.at[i];

		if (c->solved && unit_set_count(&c->units) == 1 && (!best || c->best.rank < best->rank))
			best = &c->best;
	}
	return best;
}

struct search_counts search_counts(const struct search *s)
{
	return s->counts;
}
