/* incumbents.c - see incumbents.h. */
#include "sim/search/incumbents.h"

#include <math.h>
#include <stdlib.h>

/* Two bounds that differ by less than this are equal: sums are rounded. */
static const double rounding_margin = 1e-9;

static bool keeps_limits(const struct search *s, const struct metric_values *v)
{
	for (size_t i = 0; i < s->ask.limits_n; i++)
		if (!limit_holds(&s->ask.limits[i], metric_value(v, s->ask.limits[i].metric)))
			return false;
	return true;
}

void incumbents_simulate(const struct search *s, const struct world *w, const struct candidate *c,
			 struct candidate_run *r)
{
	struct arena scratch = ARENA_INIT;
	const struct placement at = candidate_place(&scratch, w, c);
	struct prediction p;
	struct err err = ERR_INIT;

	prediction_make(&scratch, &at, &p);
	r->done = true;
	r->fits = p.jobs[s->job].fits;
	if (r->fits && prediction_values(&p, &r->values, &err) != 0)
		BUG("%s", err.msg); /* a load is not searched for */
	prediction_release(&p);
	arena_release(&scratch);
}

static double cost_of_values(const struct search *s, const struct metric_values *v)
{
	return metric_value(v, s->ask.goal.minimized) + goal_tie * metric_value(v, metric_compared(s->job));
}

double incumbents_look(const struct search *s, const struct world *w, const struct candidate *k)
{
	struct candidate_run r;

	incumbents_simulate(s, w, k, &r);
	if (!r.fits || !keeps_limits(s, &r.values))
		return NAN;
	return metric_value(&r.values, s->ask.goal.minimized);
}

unsigned incumbents_count_bits(unsigned bits)
{
	unsigned n = 0;

	for (; bits; bits &= bits - 1)
		n++;
	return n;
}

bool incumbents_budget_spent(const struct search *s)
{
	return s->counts.run + s->counts.unfit >= s->ask.runs_most;
}

/* Has b a subset of a's features and devices, and a more than one feature? */
static bool is_simpler(const struct candidate_class *b, const struct candidate_class *a)
{
	return incumbents_count_bits(a->kind) > 1 && (b->kind & a->kind) == b->kind &&
	       unit_set_within(&b->units, &a->units) &&
	       (b->kind != a->kind || !unit_set_same(&b->units, &a->units));
}

double incumbents_threshold(const struct search *s, const struct candidate_class *c)
{
	double least = c->solved ? c->best.rank : INFINITY;
	size_t n = 0;

	for (size_t i = 0; i < s->classes.n; i++) {
		const struct candidate_class *k = &s->classes.at[i];

		if (k->solved && is_simpler(k, c))
			least = fmin(least, k->best.rank);
		n += k->solved && k != c;
	}
	if (n >= s->ask.best)
		least = fmin(least, s->winners[s->ask.best - 1].rank);
	return least * (1 - rounding_margin) / search_complexity_penalty(&c->units, c->kind);
}

static int by_cost(const void *a, const void *b)
{
	const struct winner *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return unit_set_order(&x->units, &y->units);
}

size_t incumbents_sort(struct search *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->classes.n; i++)
		if (s->classes.at[i].solved)
			s->winners[n++] = s->classes.at[i].best;
	qsort(s->winners, n, sizeof *s->winners, by_cost);
	return n;
}

void incumbents_judge(struct search *s, struct candidate_class *c, const struct candidate *k,
		      const struct candidate_run *r)
{
	struct winner a = {.c = *k, .units = c->units, .kind = c->kind, .values = r->values};

	c->tried++;
	s->counts.run += r->fits;
	s->counts.unfit += !r->fits;
	if (!r->fits || !keeps_limits(s, &a.values))
		return;
	a.cost = cost_of_values(s, &a.values);
	a.rank = a.cost * search_complexity_penalty(&a.units, a.kind);
	if (isnan(a.cost) || a.cost >= incumbents_threshold(s, c))
		return;
	c->best = a;
	c->solved = true;
	incumbents_sort(s);
}
