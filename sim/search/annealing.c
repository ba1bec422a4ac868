/* annealing.c - see annealing.h. */
#include "sim/search/annealing.h"

#include <math.h>
#include <stdlib.h>

#include "sim/base/workers.h"
#include "sim/search/lower_bound.h"

/* AHEAD: candidates for each thread at a time, some of which take longer than others and all but a millisecond or two */
enum { REFINEMENTS = 300, LAST_RUNS = 12, AHEAD = 4 };

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
		anneal_state_unpack(k->state, &c->anneal_state);
}

struct simulations {
	const struct search *s;
	size_t n, at[AHEAD * WORKERS_MAX]; /* of those that were found */
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
	const size_t threads = search_threads(s), most = threads > 1 ? AHEAD * threads : 1;
	struct simulations all = {.s = s, .n = 1, .at = {turn}};

	for (size_t i = turn + 1; i < s->found_n && all.n < most; i++)
		if (!s->found_runs[i].done && is_to_be_run(s, find_class(s, &s->found[i]), &s->found[i]))
			all.at[all.n++] = i;
	(void)workers_run(&(const struct workers_task){.n = all.n, .item = simulate_found, .self = &all},
			  workers_count((int64_t)threads, all.n));
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

/* The state of one of the best assignments, each in turn. */
static const struct anneal_state *centre_of(const struct search *s, size_t number, size_t winners)
{
	const struct winner *k = &s->winners[number % (winners < s->ask.best ? winners : s->ask.best)];
	size_t i = 0;

	while (s->classes.at[i].kind != k->kind || !unit_set_same(&s->classes.at[i].units, &k->units))
		i++;
	return &s->classes.at[i].anneal_state;
}

/* Neighbours of the best as those are now: each is found by its number and simulated if it is to be. */
struct neighbours {
	const struct search *s;
	size_t first, n, winners;
	struct neighbour {
		struct arena arena;
		struct annealed near;
		size_t tried;
		struct candidate_run run;
	} * at;
};

static int run_neighbour(void *self, size_t worker, size_t i)
{
	const struct neighbours *x = self;
	const struct search *s = x->s;
	struct neighbour *k = &x->at[i];
	struct candidate c;

	(void)worker;
	k->tried = anneal_neighbour(s->anneal, &k->arena, x->first + i,
				    centre_of(s, x->first + i, x->winners), s->winners[0].rank, &k->near);
	if (!k->near.variant || !is_to_be_run(s, find_class(s, &k->near), &k->near))
		return 0;
	c = candidate_of(s, &k->near);
	incumbents_simulate(s, k->near.variant->w, &c, &k->run);
	return 0;
}

/* Returns true if it is better than what there was, so that those after it were found around what is no more the best. */
static bool take_neighbour(struct search *s, struct neighbour *k)
{
	struct annealed *near;
	struct candidate_class *c;
	double before;

	anneal_count(s->anneal, k->tried);
	s->refined++;
	if (!k->near.variant)
		return false;
	c = find_or_add_class(s, &k->near);
	if (!k->run.done)
		return false;
	near = arena_alloc(&s->arena, sizeof *near);
	*near = k->near;
	before = c->solved ? c->best.rank : INFINITY;
	judge_annealed(s, c, near, &k->run);
	if (!c->solved || !(c->best.rank < before))
		return false;
	arena_adopt(&s->arena, &k->arena);
	return true;
}

/* The next neighbours, as many as threads can do at a time; those after one that changes the best are found anew. */
static void run_neighbours(struct search *s, size_t winners)
{
	const size_t threads = search_threads(s), left = REFINEMENTS - s->refined,
		     most = threads > 1 ? 2 * threads : 1;
	struct neighbours x = {s, s->refined, left < most ? left : most, winners, NULL};
	bool changed = false;

	x.at = xcalloc(x.n, sizeof *x.at);
	(void)workers_run(&(const struct workers_task){.n = x.n, .item = run_neighbour, .self = &x},
			  workers_count((int64_t)threads, x.n));
	for (size_t i = 0; i < x.n; i++) {
		if (!changed && !incumbents_budget_spent(s))
			changed = take_neighbour(s, &x.at[i]);
		arena_release(&x.at[i].arena);
	}
	free(x.at);
}

/* What chains have found gets seven tenths of the budget, or all but what the neighbours of the best can use. */
static bool found_spent(const struct search *s)
{
	const size_t all = s->ask.runs_most, near = all * 3 / 10;

	return s->counts.run + s->counts.unfit + (near < REFINEMENTS ? near : REFINEMENTS) >= all;
}

/* Runs a few chains; once all are done, simulates one candidate that they found; then simulates
 * neighbours of the best assignments, since a simulated time exceeds its bound where passes overlap; then
 * computes the lower bound. */
bool annealing_step(struct search *s)
{
	size_t n;

	if (!s->found) {
		if (!s->stopped && anneal_step(s->anneal, search_threads(s)))
			return true;
		finish_chains(s);
	}
	if (s->stopped && (s->next_found == s->found_n || s->last_run++ == LAST_RUNS)) {
		s->counts.tried = anneal_tried(s->anneal);
		return false;
	}
	if (!found_spent(s) && s->next_found < s->found_n) {
		run_found(s, s->next_found++);
		return true;
	}
	if (!incumbents_budget_spent(s) && s->refined < REFINEMENTS && (n = incumbents_sort(s))) {
		run_neighbours(s, n);
		return true;
	}
	finish_runs(s);
	return false;
}
