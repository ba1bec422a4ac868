/* annealing.c - see annealing.h. */
#include "sim/search/annealing.h"

#include <math.h>

#include "sim/search/lower_bound.h"

enum { POLISHES = 300 };

void annealing_begin(struct search *s)
{
	s->anneal = anneal_new(&(const struct anneal_ask){.w = s->w,
							  .job = s->job,
							  .goal = s->ask.goal,
							  .limits = s->ask.limits,
							  .limits_n = s->ask.limits_n,
							  .variants = s->variants,
							  .variants_n = s->variants_n,
							  .seed = s->ask.seed});
}

static void end_chains(struct search *s)
{
	s->found = anneal_found(s->anneal, &s->found_n);
	s->winners = arena_array(&s->arena, s->found_n + POLISHES + 1, sizeof *s->winners);
}

/* What no assignment does better than; the best so far is where the bound is bounded for. */
static void end_runs(struct search *s)
{
	const double known = incumbents_sort(s) ? s->winners[0].cost : INFINITY;

	s->counts.tried = anneal_tried(s->anneal);
	s->counts.classes = s->classes.n;
	s->counts.bound = INFINITY;
	for (size_t i = 0; i < s->variants_n; i++)
		s->counts.bound = fmin(s->counts.bound, lower_bound_of(&s->variants[i].block_costs,
								       s->ask.goal.sought, known));
}

static struct candidate_class *class_of(struct search *s, const struct annealed *k)
{
	for (size_t i = 0; i < s->classes.n; i++)
		if (s->classes.at[i].units == k->units && s->classes.at[i].kind == k->kind)
			return &s->classes.at[i];
	VEC_ADD(&s->classes, (struct candidate_class){.units = k->units, .kind = k->kind, .bound = k->rank});
	return &s->classes.at[s->classes.n - 1];
}

/* One device alone is what the others are held against: it runs anyway. */
static void run_annealed(struct search *s, const struct annealed *k)
{
	const struct candidate c = {s->job,
				    {&k->phase_group[0], &k->phase_group[k->single ? 0 : 1]},
				    k->variant->options,
				    k->variant->words};
	struct candidate_class *f = class_of(s, k);

	if (incumbents_ones(k->units) > 1 &&
	    k->rank >= incumbents_to_beat(s, f) * search_complexity_penalty(k->units, k->kind))
		return;
	incumbents_try(s, f, k->variant->w, &c);
	if (f->answered && f->best.c.phase_group[0] == &k->phase_group[0])
		f->anneal_state = k->anneal_state;
}

/* The best in turn. */
static const struct anneal_state *centre_of(const struct search *s, size_t winners)
{
	const struct winner *k = &s->winners[s->polished % (winners < s->ask.best ? winners : s->ask.best)];
	size_t i = 0;

	while (s->classes.at[i].units != k->units || s->classes.at[i].kind != k->kind)
		i++;
	return &s->classes.at[i].anneal_state;
}

/* A chain; then a run of one that was found; then, as runs are more than their bounds where passes overlap,
 * what is near the best of those; then the bound. */
bool annealing_step(struct search *s)
{
	const struct annealed *near;
	size_t n;

	if (!s->found) {
		if (anneal_step(s->anneal))
			return true;
		end_chains(s);
	}
	if (!incumbents_spent(s) && s->next < s->found_n) {
		run_annealed(s, &s->found[s->next++]);
		return true;
	}
	if (!incumbents_spent(s) && s->polished < POLISHES && (n = incumbents_sort(s))) {
		near = anneal_near(s->anneal, centre_of(s, n), s->winners[0].rank);
		s->polished++;
		if (near)
			run_annealed(s, near);
		return true;
	}
	end_runs(s);
	return false;
}
