/* anneal.c - see anneal.h. */
#include "sim/search/anneal.h"

#include <math.h>
#include <string.h>

#include "sim/base/rng.h"
#include "sim/place/fit.h"
#include "sim/search/plan.h"
#include "sim/search/search.h"

enum { MOVES = 4000, AGAIN = 4, A_FAMILY = 4, POOL = 256 };

/* From steps of a fifth for the worse to none. */
static const double hot = 0.2, cold = 1e-4;
/* More than any ratio of bounds; what cannot be done at all is beyond that. */
static const double heavy = 50, unreachable = 1000;

/* A plan as it is looked at; buffers are the annealing's own. */
struct look {
	struct seating leg[LEGS];
	uint8_t *at[LEGS];
	bool single;
	unsigned units, kind;
	double rank, energy;
};

struct anneal {
	struct anneal_ask ask;
	struct plan_space space;
	struct arena arena;
	struct rng *rng;
	size_t chain, tried;
	struct plan best;
	double best_energy;
	struct look look;
	VEC(struct annealed) pool;
};

/* ---- what a plan costs ---- */

static size_t unjoined(const struct world *w, size_t u, size_t v)
{
	const size_t a = w->units[u].machine, b = w->units[v].machine;

	return a != b && world_joint(w, a, b) == WORLD_NONE;
}

/* Ways that a candidate wants where no link is. */
static size_t out_of_reach(const struct prices *p, const struct look *k)
{
	size_t n = 0;

	for (size_t b = p->first; b <= p->last; b++) {
		n += unjoined(p->w, k->at[0][b], k->at[1][b]);
		for (int leg = 0; leg < LEGS && b > p->first; leg++)
			n += unjoined(p->w, k->at[leg][p->feed[b]], k->at[leg][b]) +
			     unjoined(p->w, k->at[leg][b - 1], k->at[leg][b]);
	}
	if (p->job == JOB_GENERATE)
		n += unjoined(p->w, k->at[0][p->last], k->at[1][p->first]) +
		     unjoined(p->w, k->at[1][p->last], k->at[1][p->first]);
	return n;
}

/* The share by which weights are more than machines hold. */
static double overweight(const struct prices *p, const struct look *k)
{
	const struct world *w = p->w;
	const uint8_t *const at[LEGS] = {k->at[0], k->at[1]};
	double need_B[SPACE_UNITS], over = 0;

	prices_needs_B(p, at, need_B);
	for (size_t m = 0; m < w->machines_n; m++)
		over += fmax(0, need_B[m] / w->machines[m].memory.usable.value - 1);
	return over;
}

/* Bounds beyond the limits, in the units of the energy. */
static double beyond_limits(const struct anneal *a, const struct prices *p, const struct leg_sum legs[LEGS])
{
	double beyond = 0;

	for (size_t i = 0; i < a->ask.limits_n; i++) {
		enum metric_id sought;
		double most, least;
		struct rate r;

		if (!limit_sought(a->ask.w, &a->ask.limits[i], &sought, &most))
			continue;
		r = goal_rate(p, sought, a->look.units);
		least = rate_bound(p, &r, legs);
		if (least > most * (1 + 1e-9))
			beyond += most > 0 ? fmin(heavy, 0.1 + 5 * log(least / most)) : heavy;
	}
	return beyond;
}

static void sum_legs(const struct prices *p, const struct look *k, struct leg_sum legs[LEGS])
{
	const uint8_t *const at[LEGS] = {k->at[0], k->at[1]};

	for (int leg = 0; leg < LEGS; leg++)
		legs[leg] = prices_leg(p, leg, at[leg]);
	if (!k->single)
		prices_hand_over(p, at, legs);
	if (p->job == JOB_TRAIN)
		legs[1].fill_s = prices_fill_s(p, at);
}

/* Puts the plan into a->look. */
static void look_at(struct anneal *a, const struct plan *plan)
{
	const struct prices *p = &a->ask.variants[plan->variant].prices;
	const struct model *m = a->ask.w->model;
	struct look *k = &a->look;
	struct leg_sum legs[LEGS];
	struct rate r;
	size_t lost;

	a->tried++;
	k->kind = k->units = 0;
	for (int leg = 0; leg < LEGS; leg++) {
		plan_seat(&a->space, &plan->leg[plan->apart ? leg : 0], &k->leg[leg], k->at[leg]);
		k->kind |= seating_kind(m, &k->leg[leg]);
		k->units |= seating_mask(m, &k->leg[leg]);
	}
	k->single = !memcmp(k->at[0], k->at[1], p->blocks);
	k->kind |= k->single ? 0 : HAS_PHASES;
	lost = out_of_reach(p, k);
	if (lost) {
		k->rank = INFINITY;
		k->energy = unreachable + (double)lost;
		return;
	}
	sum_legs(p, k, legs);
	r = goal_rate_tied(p, a->ask.goal.sought, k->units);
	k->rank = rate_bound(p, &r, legs) * search_handicap(k->units, k->kind);
	k->energy = log(fmax(k->rank, 1e-300)) + beyond_limits(a, p, legs);
	if (overweight(p, k) > 0) {
		k->energy += heavy * (1 + overweight(p, k));
		k->rank = INFINITY;
	}
}

/* ---- the best so far ---- */

/* The truth about memory; of training it shows only when it has run. */
static bool fits(const struct anneal *a, const struct variant *v, const struct look *k)
{
	struct arena scratch = ARENA_INIT;
	const struct candidate c = {.job = a->ask.job, .leg = {&k->leg[0], &k->leg[k->single ? 0 : 1]}};
	const struct placement at = candidate_place(&scratch, v->w, &c);
	struct fit *fit = arena_array(&scratch, v->w->machines_n, sizeof *fit);
	bool ok = true;

	if (a->ask.job == JOB_GENERATE)
		fit_generate(&at, fit);
	for (size_t m = 0; m < v->w->machines_n; m++)
		ok &= fit_short_B(&fit[m]) <= 0;
	arena_release(&scratch);
	return ok;
}

static bool one_bit(unsigned x)
{
	return !(x & (x - 1));
}

/* Where in the pool it would go: the place of the worst that it drives out, the end, or nowhere (> n). */
static size_t place_for(const struct anneal *a, const struct variant *v)
{
	const struct look *k = &a->look;
	const size_t blocks = v->prices.blocks, nowhere = a->pool.n + 1;
	size_t family = 0, worst = nowhere, worst_of_all = nowhere;

	for (size_t i = 0; i < a->pool.n; i++) {
		const struct annealed *have = &a->pool.at[i];

		if (!one_bit(have->units) &&
		    (worst_of_all == nowhere || have->rank > a->pool.at[worst_of_all].rank))
			worst_of_all = i;
		if (have->units != k->units || have->kind != k->kind)
			continue;
		if (have->variant == v && !memcmp(have->at[0], k->at[0], blocks) &&
		    !memcmp(have->at[1], k->at[1], blocks))
			return nowhere;
		family++;
		if (worst == nowhere || have->rank > a->pool.at[worst].rank)
			worst = i;
	}
	if (family < A_FAMILY && a->pool.n < POOL)
		return a->pool.n;
	if (family < A_FAMILY)
		worst = worst_of_all;
	return worst != nowhere && k->rank < a->pool.at[worst].rank ? worst : nowhere;
}

static void copy_seating(struct anneal *a, const struct seating *from, struct seating *to)
{
	const size_t layers = (size_t)a->ask.w->model->layers;

	*to = *from;
	for (int g = 0; g < GROUPS; g++) {
		to->unit[g] = arena_array(&a->arena, layers, 1);
		memcpy(to->unit[g], from->unit[g], layers);
	}
}

/* Keeps what a->look has if it is one of the best; makes it heavier where it turns out not to fit. */
static void keep(struct anneal *a, const struct plan *plan)
{
	const struct variant *v = &a->ask.variants[plan->variant];
	struct look *k = &a->look;
	const size_t at = isfinite(k->rank) ? place_for(a, v) : a->pool.n + 1;
	struct annealed new = {.variant = v, .units = k->units, .kind = k->kind, .rank = k->rank};

	if (at > a->pool.n)
		return;
	if (!fits(a, v, k)) {
		k->energy += heavy;
		return;
	}
	new.single = k->single;
	for (int leg = 0; leg < LEGS; leg++) {
		uint8_t *units = arena_array(&a->arena, v->prices.blocks, 1);

		memcpy(units, k->at[leg], v->prices.blocks);
		new.at[leg] = units;
		copy_seating(a, &k->leg[leg], &new.leg[leg]);
	}
	if (at == a->pool.n)
		VEC_ADD(&a->pool, new);
	else
		a->pool.at[at] = new;
}

static double try_plan(struct anneal *a, const struct plan *plan)
{
	look_at(a, plan);
	keep(a, plan);
	if (a->look.energy < a->best_energy) {
		a->best_energy = a->look.energy;
		a->best = *plan;
	}
	return a->look.energy;
}

/* ---- chains ---- */

/* Layers in a second, device by device: the other devices would take its time. */
static void speeds(const struct anneal *a, double speed[SPACE_UNITS])
{
	const struct prices *p = &a->ask.variants[0].prices;
	const struct rate r = goal_rate(p, a->ask.goal.sought, (1u << p->units) - 1);

	for (size_t u = 0; u < p->units; u++) {
		double cost = 0;

		for (int leg = 0; leg < LEGS; leg++)
			for (size_t b = 0; b < p->blocks; b++)
				cost += (r.leg[leg] + r.busiest[leg] + r.busy[u] + goal_tie) *
					p->busy_s[leg][b * p->units + u];
		speed[u] = 1 / fmax(cost, 1e-300);
	}
}

/* First each device alone, then a way through all from each, then the best again. */
static struct plan start_of(const struct anneal *a, size_t chain)
{
	const size_t n = a->ask.w->units_n;
	double speed[SPACE_UNITS];

	if (chain < n)
		return plan_alone(&a->space, chain);
	if (chain >= 2 * n)
		return a->best;
	speeds(a, speed);
	return plan_by_speed(&a->space, chain - n, speed);
}

bool anneal_step(struct anneal *a)
{
	const bool again = a->chain >= 2 * a->ask.w->units_n;
	struct plan now, next;
	double energy;

	if (a->chain >= 2 * a->ask.w->units_n + AGAIN)
		return false;
	now = start_of(a, a->chain++);
	energy = try_plan(a, &now);
	for (int i = 0; i < MOVES; i++) {
		const double from = again ? hot / 10 : hot;
		const double heat = from * pow(cold / from, (double)i / MOVES);
		const double luck = rng_uniform(a->rng); /* drawn whether it is wanted or not: same stream */
		double got;

		next = now;
		if (!plan_move(&a->space, &next, a->rng))
			continue;
		got = try_plan(a, &next);
		if (got <= energy || luck < exp((energy - got) / heat)) {
			now = next;
			energy = got;
		}
	}
	return true;
}

struct anneal *anneal_new(const struct anneal_ask *ask)
{
	struct anneal *a = xcalloc(1, sizeof *a);
	const size_t layers = (size_t)ask->w->model->layers, blocks = model_blocks(ask->w->model);

	a->ask = *ask;
	a->rng = rng_new(ask->seed, "anneal");
	a->best_energy = INFINITY;
	plan_space_make(&a->arena, ask->w, ask->variants_n, &a->space);
	for (int leg = 0; leg < LEGS; leg++) {
		a->look.at[leg] = arena_array(&a->arena, blocks, 1);
		for (int g = 0; g < GROUPS; g++)
			a->look.leg[leg].unit[g] = arena_array(&a->arena, layers, 1);
	}
	return a;
}

void anneal_free(struct anneal *a)
{
	if (!a)
		return;
	rng_free(a->rng);
	VEC_FREE(&a->pool);
	arena_release(&a->arena);
	free(a);
}

static int by_rank(const void *a, const void *b)
{
	const struct annealed *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->units != y->units)
		return x->units < y->units ? -1 : 1;
	if (x->variant != y->variant) /* rows of one table */
		return x->variant < y->variant ? -1 : 1;
	for (int leg = 0; leg < LEGS; leg++) {
		const int order = memcmp(x->at[leg], y->at[leg], x->variant->prices.blocks);

		if (order)
			return order;
	}
	return 0;
}

const struct annealed *anneal_found(struct anneal *a, size_t *n)
{
	*n = a->pool.n;
	if (a->pool.n)
		qsort(a->pool.at, a->pool.n, sizeof *a->pool.at, by_rank);
	return a->pool.at;
}

size_t anneal_tried(const struct anneal *a)
{
	return a->tried;
}
