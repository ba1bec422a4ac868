/* annealing.c - see annealing.h. */
#include "sim/search/annealing.h"

#include <math.h>

#include "sim/base/workers.h"
#include "sim/search/lower_bound.h"

enum { REFINEMENTS = 300, LAST_RUNS = 12 };

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

static struct candidate candidate_of(const struct search *s, const struct annealed *k)
{
	return (struct candidate){s->job,
				  {&k->phase_group[0], &k->phase_group[k->single ? 0 : 1]},
				  k->variant->options,
				  k->variant->words};
}

struct bounds {
	const struct search *s;
	double known, of[VARIANTS];
};

static int bound_variant(void *self, size_t worker, size_t i)
{
	struct bounds *b = self;

	(void)worker;
	b->of[i] = lower_bound_compute(&b->s->variants[i].block_costs, b->s->ask.goal.minimized, b->known);
	return 0;
}

/* The least of the bounds of all variants. known: the value of some assignment, which sets the step size of the bound's
 * method; INFINITY: none. */
static double bound_over_all(const struct search *s, double known)
{
	struct bounds b = {.s = s, .known = known};
	double bound = INFINITY;

	(void)workers_run(&(const struct workers_task){.n = s->variants_n, .item = bound_variant, .self = &b},
			  workers_count((int64_t)search_threads(s), s->variants_n));
	for (size_t i = 0; i < s->variants_n; i++)
		bound = fmin(bound, b.of[i]);
	return bound;
}

void annealing_look(struct search *s, double *best, double *bound)
{
	const struct annealed *k = s->found ? NULL : anneal_best(s->anneal);

	if (k && (!(s->shown_rank > 0) || k->rank < s->shown_rank)) {
		const struct candidate c = candidate_of(s, k);
		const double cost = incumbents_look(s, k->variant->w, &c);

		s->shown_rank = k->rank;
		if (cost > 0 && !(s->shown_best > 0 && s->shown_best <= cost))
			s->shown_best = cost;
	}
	if (!(s->shown_bound > 0) && s->shown_best > 0)
		s->shown_bound = bound_over_all(s, s->shown_best);
	*best = s->shown_best > 0 ? s->shown_best : (double)NAN;
	*bound = s->shown_bound > 0 ? s->shown_bound : (double)NAN;
}

static void finish_chains(struct search *s)
{
	s->found = anneal_found(s->anneal, &s->found_n);
	s->found_runs = arena_array(&s->arena, s->found_n, sizeof *s->found_runs);
	s->winners = arena_array(&s->arena, s->found_n + REFINEMENTS + 1, sizeof *s->winners);
}

/* Computes the lower bound over all assignments; the best value found sets the step size of the bound's
 * method. */
static void finish_runs(struct search *s)
{
	const double known = incumbents_sort(s) ? s->winners[0].cost : INFINITY;

	s->counts.tried = anneal_tried(s->anneal);
	s->counts.classes = s->classes.n;
	s->counts.bound = bound_over_all(s, known);
}

static struct candidate_class *find_class(const struct search *s, const struct annealed *k)
{
	for (size_t i = 0; i < s->classes.n; i++)
		if (s->classes.at[i].kind == k->kind && unit_set_same(&s->classes.at[i].units, &k->units))
			return &s->classes.at[i];
	return NULL;
}

static struct candidate_class *find_or_add_class(struct search *s, const struct annealed *k)
{
	struct candidate_class *c = find_class(s, k);

	if (c)
		return c;
	VEC_ADD(&s->classes, (struct candidate_class){.units = k->units, .kind = k->kind, .bound = k->rank});
	return &s->classes.at[s->classes.n - 1];
}

/* Assignments on one device are always simulated, since the others are compared with them. */
static bool is_to_be_run(const struct search *s, const struct candidate_class *c, const struct annealed *k)
{
	return unit_set_on_one(&k->units) || !c ||
	       k->rank < incumbents_threshold(s, c) * search_complexity_penalty(&k->units, k->kind);
}

static void judge_annealed(struct search *s, struct candidate_class *c, const struct annealed *k,
			   const struct candidate_run *r)
{
	const struct candidate candidate = candidate_of(s, k);

	incumbents_judge(s, c, &candidate, r);
	if (c->solved && c->best.c.phase_group[0] == &k->phase_group[0])
		c->anneal_state = k->anneal_state;
}

struct simulations {
	const struct search *s;
	size_t n, at[WORKERS_MAX]; /* of those that were found */
};

static int simulate_found(void *self, size_t worker, size_t i)
{
	const struct simulations *all = self;
	const struct search *s = all->s;
	const struct annealed *k = &s->found[all->at[i]];
	const struct candidate c = candidate_of(s, k);

	(void)worker;
	incumbents_simulate(s, k->variant->w, &c, &s->found_runs[all->at[i]]);
	return 0;
}

/* Simulates the candidate in turn and, on the other threads, later ones that would be simulated if it changed nothing. */
static void simulate_ahead(const struct search *s, size_t turn)
{
	struct simulations all = {.s = s, .n = 1, .at = {turn}};

	for (size_t i = turn + 1; i < s->found_n && all.n < search_threads(s); i++)
		if (!s->found_runs[i].done && is_to_be_run(s, find_class(s, &s->found[i]), &s->found[i]))
			all.at[all.n++] = i;
	(void)workers_run(&(const struct workers_task){.n = all.n, .item = simulate_found, .self = &all},
			  all.n);
}

static void run_found(struct search *s, size_t i)
{
	struct candidate_class *c = find_or_add_class(s, &s->found[i]);

	if (!is_to_be_run(s, c, &s->found[i]))
		return;
	if (!s->found_runs[i].done)
		simulate_ahead(s, i);
	judge_annealed(s, c, &s->found[i], &s->found_runs[i]);
}

static void run_neighbour(struct search *s, const struct annealed *k)
{
	struct candidate_class *c = find_or_add_class(s, k);
	const struct candidate candidate = candidate_of(s, k);
	struct candidate_run r;

	if (!is_to_be_run(s, c, k))
		return;
	incumbents_simulate(s, k->variant->w, &candidate, &r);
	judge_annealed(s, c, k, &r);
}

/* The state of one of the best assignments, each in turn. */
static const struct anneal_state *next_centre(const struct search *s, size_t winners)
{
	const struct winner *k = &s->winners[s->refined % (winners < s->ask.best ? winners : s->ask.best)];
	size_t i = 0;

	while (s->classes.at[i].kind != k->kind || !unit_set_same(&s->classes.at[i].units, &k->units))
		i++;
	return &s->classes.at[i].anneal_state;
}

/* Runs one chain; once all chains are done, simulates one candidate that they found; then simulates
 * neighbours of the best assignments, since a simulated time exceeds its bound where passes overlap; then
 * computes the lower bound. */
bool annealing_step(struct search *s)
{
	const struct annealed *near;
	size_t n;

	if (!s->found) {
		if (!s->stopped && anneal_step(s->anneal))
			return true;
		finish_chains(s);
	}
	if (s->stopped && (s->next_found == s->found_n || s->last_run++ == LAST_RUNS)) {
		s->counts.tried = anneal_tried(s->anneal);
		return false;
	}
	if (!incumbents_budget_spent(s) && s->next_found < s->found_n) {
		run_found(s, s->next_found++);
		return true;
	}
	if (!incumbents_budget_spent(s) && s->refined < REFINEMENTS && (n = incumbents_sort(s))) {
		near = anneal_neighbour(s->anneal, next_centre(s, n), s->winners[0].rank);
		s->refined++;
		if (near)
			run_neighbour(s, near);
		return true;
	}
	finish_runs(s);
	return false;
}
