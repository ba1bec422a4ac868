/* anneal.c - see anneal.h. */
#include "sim/search/anneal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/base/exact_math.h"
#include "sim/base/workers.h"
#include "sim/search/anneal_order.h"
#include "sim/search/anneal_starts.h"
#include "sim/search/anneal_walk.h"
#include "sim/search/pipelines.h"
#include "sim/search/search.h"
#include "sim/search/search_job.h"

enum {
	RESTARTS = 4, /* chains of a wave that begins with the best of the waves before it */
	WAVES = 2,
	BY_NUMBER = STARTS_KEPT,
	CHAINS_BY_NUMBER = 4,
	PIPELINES = 12 /* simulated whatever else was found */
};

/* At its beginning a chain often accepts a state that is a fifth worse. */
static const double temperature_begin = 0.2;

struct anneal {
	struct arena arena; /* of what is common */
	struct anneal_common common;
	struct anneal_walk all;    /* what starts and chains have found */
	size_t chain;              /* the next one */
	double speed[SPACE_UNITS]; /* [unit], anneal_starts_speeds() */
	struct anneal_starts starts;
	struct start_list by_number, pipelines; /* the best of try_numbers() and of try_pipelines() */
	struct anneal_state restart;            /* the best state that the given starts have led to */
};

/* ---- chains ---- */

/* The number of chains that begin at given states; later chains begin at the best that those have led to. */
static size_t given_starts(const struct anneal *a)
{
	const size_t by_number = a->by_number.n < CHAINS_BY_NUMBER ? a->by_number.n : CHAINS_BY_NUMBER;

	return a->starts.kinds_n * (1 + a->common.ask.variants_n) + by_number;
}

/* The first chains begin with each device alone, the next with the layers divided over all devices, once
 * for each first device and variant; of equal devices the first stands for all. The next begin with the best numbers of
 * equal devices. */
static struct anneal_state start_state(const struct anneal *a, size_t chain)
{
	const size_t n = a->starts.kinds_n, divided = n * (1 + a->common.ask.variants_n);
	struct anneal_state p;

	if (chain < n)
		return anneal_state_alone(&a->common.space, a->starts.kinds[chain]);
	if (chain >= given_starts(a) && a->all.best_energy < INFINITY)
		return a->restart;
	if (chain >= divided && chain < given_starts(a))
		return a->by_number.at[chain - divided].state;
	p = anneal_state_by_speed(&a->common.space, a->starts.kinds[chain % n], a->speed);
	p.variant = (chain / n - 1) % a->common.ask.variants_n;
	return p;
}

/* ---- numbers of equal devices ---- */

/* Looks at the layers divided over each set, by speed and by memory, with each variant. */
static void try_numbers(struct anneal *a, const double *memory)
{
	const double *const by[] = {a->speed, memory};
	struct unit_set units;

	while (anneal_starts_next(&a->starts, &units))
		for (size_t i = 0; i < ARRAY_LEN(by) * a->common.ask.variants_n; i++) {
			struct anneal_state p =
				anneal_state_over(&a->common.space, &units, by[i / a->common.ask.variants_n]);

			p.variant = i % a->common.ask.variants_n;
			anneal_state_order_twins(&a->common.space, &p);
			walk_try(&a->all, &p, INFINITY);
			if (isfinite(a->all.evaluated.rank))
				start_list_keep(&a->by_number, BY_NUMBER, &p, &a->all.evaluated.units,
						a->all.energy);
		}
}

/* ---- pipelines ---- */

/* Cuts the layers over a set at given rates as far as each machine's memory goes. Returns false if there is not enough. */
static bool cut_within_memory(struct anneal *a, const struct pipelines *of, const struct unit_set *units,
			      const double *rates, struct anneal_state *p)
{
	const size_t variant = p->variant;
	size_t most[SPACE_UNITS];
	double over[SPACE_UNITS];

	for (size_t u = 0; u < a->common.ask.w->units_n; u++)
		most[u] = a->common.space.layers;
	while (pipelines_cut(of, units, rates, most, p)) {
		p->variant = variant;
		anneal_state_order_twins(&a->common.space, p);
		walk_lay_out(&a->all, p);
		if (!(walk_excess(&a->all, over) > 0))
			return true;
		pipelines_limit(of, p, over, most);
	}
	return false;
}

/* The penalties of limits are those of the state's energy. */
static void keep_pipeline(struct anneal *a, const struct anneal_state *p)
{
	const struct annealed *k = &a->all.evaluated;
	const struct block_costs *costs = &k->variant->block_costs;
	const struct rate r = goal_rate_tied(costs, a->common.ask.goal.minimized, &k->units);
	struct phase_group_sum sums[PHASE_GROUPS];
	double estimate;

	walk_sum(&a->all, sums);
	estimate = pipelines_estimate(costs, &r, sums) * search_complexity_penalty(&k->units, k->kind);
	start_list_keep(&a->pipelines, PIPELINES, p, &k->units,
			a->all.energy + exact_log(fmax(estimate, 1e-300) / fmax(k->rank, 1e-300)));
}

/* Looks at the pipelines over each set, by speed and by memory, with each variant. */
static void try_pipelines(struct anneal *a, const double *memory)
{
	const double *const by[] = {a->speed, memory};
	struct pipelines of;
	struct unit_set units;

	pipelines_make(&of, &a->common.space, &a->common.ask.variants[0].block_costs, a->speed, memory);
	while (pipelines_next(&of, &units))
		for (size_t i = 0; i < ARRAY_LEN(by) * a->common.ask.variants_n; i++) {
			struct anneal_state p = {.variant = i % a->common.ask.variants_n};

			if (!cut_within_memory(a, &of, &units, by[i / a->common.ask.variants_n], &p))
				continue;
			walk_try(&a->all, &p, INFINITY);
			if (isfinite(a->all.evaluated.rank))
				keep_pipeline(a, &p);
		}
}

/* Devices that no chain begins with are looked at alone: the others are compared with them. */
static void try_alone(struct anneal *a)
{
	for (size_t u = 0; u < a->common.ask.w->units_n && !a->starts.all_kinds; u++) {
		struct anneal_state p = anneal_state_alone(&a->common.space, u);

		if (a->common.space.first_twin[u] == u)
			walk_try(&a->all, &p, INFINITY);
	}
}

static void try_starts(struct anneal *a)
{
	const struct world *w = a->common.ask.w;
	double memory[SPACE_UNITS];

	for (size_t u = 0; u < w->units_n; u++)
		memory[u] = w->machines[w->units[u].machine].memory.usable.value;
	try_alone(a);
	try_numbers(a, memory);
	try_pipelines(a, memory);
}

size_t anneal_chains(const struct anneal *a, size_t *of)
{
	*of = given_starts(a) + WAVES * RESTARTS;
	return a->chain;
}

/* Chains that go side by side: none begins with what another one of them finds. */
struct chains {
	struct anneal *a;
	size_t first;
	struct anneal_walk *walks;
};

static int run_chain(void *self, size_t worker, size_t i)
{
	const struct chains *x = self;
	const struct anneal *a = x->a;
	const size_t chain = x->first + i;
	const struct anneal_state from = start_state(a, chain);
	char stream[32];

	(void)worker;
	snprintf(stream, sizeof stream, "anneal chain %zu", chain);
	walk_init(&x->walks[i], &a->common, stream);
	walk_chain(&x->walks[i], &from, temperature_begin / (chain >= given_starts(a) ? 10 : 1));
	return 0;
}

static void run_chains(struct anneal *a, size_t n, size_t threads)
{
	struct chains x = {a, a->chain, xcalloc(n, sizeof *x.walks)};

	(void)workers_run(&(const struct workers_task){.n = n, .item = run_chain, .self = &x},
			  workers_count((int64_t)threads, n));
	for (size_t i = 0; i < n; i++) {
		walk_take(&a->all, &x.walks[i]);
		walk_release(&x.walks[i]);
	}
	free(x.walks);
	a->chain += n;
}

bool anneal_step(struct anneal *a, size_t threads)
{
	const size_t most = threads > 1 ? 2 * threads : 1; /* some are done sooner than others */
	size_t given, restarts, left;

	if (!a->chain)
		try_starts(a);
	given = given_starts(a);
	if (a->chain == given + WAVES * RESTARTS)
		return false;
	restarts = a->chain < given ? 0 : a->chain - given;
	if (a->chain >= given && restarts % RESTARTS == 0)
		anneal_state_copy(&a->all.best, &a->restart);
	left = a->chain < given ? given - a->chain : RESTARTS - restarts % RESTARTS;
	run_chains(a, left < most ? left : most, threads);
	return true;
}

struct anneal *anneal_new(const struct anneal_ask *ask)
{
	struct anneal *a = xcalloc(1, sizeof *a);
	struct anneal_common *k = &a->common;

	k->ask = *ask;
	anneal_space_make(&a->arena, ask->w, ask->variants_n, &k->space);
	for (size_t i = 0; i < ask->variants_n && search_job(ask->job)->memory; i++)
		k->memory[i] = search_job(ask->job)->memory(&a->arena, ask->variants[i].w,
							    &ask->variants[i].block_costs.slots);
	walk_init(&a->all, k, "anneal");
	anneal_starts_speeds(&ask->variants[0].block_costs, ask->goal.minimized, a->speed);
	anneal_starts_make(&a->starts, &k->space, a->speed);
	return a;
}

void anneal_free(struct anneal *a)
{
	if (!a)
		return;
	walk_release(&a->all);
	arena_release(&a->arena);
	free(a);
}

size_t anneal_neighbour(const struct anneal *a, struct arena *into, size_t number,
			const struct anneal_state *centre, double below, struct annealed *near)
{
	char stream[32];
	struct anneal_walk w;
	size_t tried;

	snprintf(stream, sizeof stream, "anneal neighbour %zu", number);
	walk_init(&w, &a->common, stream);
	if (!walk_neighbour(&w, centre, below, near))
		*near = (struct annealed){.variant = NULL};
	tried = w.tried;
	arena_adopt(into, &w.arena);
	walk_release(&w);
	return tried;
}

void anneal_count(struct anneal *a, size_t tried)
{
	a->all.tried += tried;
}

/* Puts the best of each number of equal devices before the others on several devices. What overlaps takes longer than its
 * bound, most where roles and phases are apart: these are simple. */
static void insert_by_number(struct anneal *a)
{
	size_t at = 1;

	while (at < a->all.pool.n && unit_set_on_one(&a->all.pool.at[at].units))
		at++;
	for (size_t i = 0; i < a->by_number.n; i++) {
		walk_evaluate(&a->all, &a->by_number.at[i].state, INFINITY);
		VEC_ADD(&a->all.pool, walk_evaluated(&a->all, &a->by_number.at[i].state));
	}
	for (size_t i = 0; i < a->by_number.n; i++)
		annealed_bring(a->all.pool.at, a->all.pool.n - a->by_number.n + i, at + i);
}

/* Where the evaluated candidate is in the pool; added at its end if it is not. */
static size_t find_or_add(struct anneal *a, const struct anneal_state *p)
{
	const size_t at = walk_find(&a->all);

	if (at == a->all.pool.n)
		VEC_ADD(&a->all.pool, walk_evaluated(&a->all, p));
	return at;
}

/* Puts pipelines before the others on several devices, behind the best on one alone: a search that is cut short simulates
 * them, too. */
static void bring_pipelines(struct anneal *a)
{
	size_t to = a->all.pool.n > 1 && unit_set_on_one(&a->all.pool.at[1].units) ? 2 : 1;

	for (size_t i = 0; i < a->pipelines.n; i++) {
		size_t at;

		walk_evaluate(&a->all, &a->pipelines.at[i].state, INFINITY);
		at = find_or_add(a, &a->pipelines.at[i].state);
		if (at >= to)
			annealed_bring(a->all.pool.at, at, to++);
	}
}

const struct annealed *anneal_found(struct anneal *a, size_t *n)
{
	if (!a->all.tried) /* stopped before the first chain */
		try_starts(a);
	*n = a->all.pool.n;
	if (!a->all.pool.n)
		return a->all.pool.at;
	annealed_sort(a->all.pool.at, a->all.pool.n);
	insert_by_number(a);
	bring_pipelines(a);
	*n = a->all.pool.n;
	return a->all.pool.at;
}

const struct annealed *anneal_best(const struct anneal *a)
{
	const struct annealed *best = NULL;

	for (size_t i = 0; i < a->all.pool.n; i++)
		if (!best || a->all.pool.at[i].rank < best->rank)
			best = &a->all.pool.at[i];
	return best;
}

size_t anneal_tried(const struct anneal *a)
{
	return a->all.tried;
}
