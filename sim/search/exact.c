/* exact.c - see exact.h. */
#include "sim/search/exact.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/search/search_job.h"
#include "sim/search/twins.h"

enum { BOUNDED_PER_RUN = 20 };

/* ---- best-first searches, and the classes made from them ---- */

static bool rate_depends_on_units(const struct search *s)
{
	const enum metric_needs needs = s->ask.goal.minimized->needs;

	return needs == METRIC_OF_POWER || needs == METRIC_OF_POWER_AND_PRICE;
}

static struct rate class_rate(const struct search *s, const struct variant *v, unsigned units)
{
	return goal_rate_tied(&v->block_costs, s->ask.goal.minimized, units);
}

/* Returns the best-first search for a key, whose field best_first is ignored; makes it if there is none
 * yet. */
static struct best_first *find_or_add_best_first(struct search *s, struct best_first_key key)
{
	const unsigned class_units = key.class_units;

	key.class_units = rate_depends_on_units(s) ? class_units : 0;
	for (size_t i = 0; i < s->searches.n; i++) {
		const struct best_first_key *have = &s->searches.at[i];

		if (have->variant == key.variant && have->class_units == key.class_units &&
		    have->phase_groups == key.phase_groups && have->units == key.units &&
		    have->kind == key.kind)
			return have->best_first;
	}
	/* an exchange of twins changes both layer maps of a pair, so it can put one of them alone in order */
	key.best_first = best_first_new(&(const struct best_first_ask){
		&key.variant->block_costs, key.phase_groups, key.units, key.kind,
		class_rate(s, key.variant, class_units), key.phase_groups & 1 ? s->twins : NULL});
	VEC_ADD(&s->searches, key);
	return key.best_first;
}

/* The lower bound of a pair of layer maps from the bounds of its phase groups: the sum, or the larger one
 * where passes overlap. */
static double combined_bound(const struct variant *v, double a, double b)
{
	return v->block_costs.in_flight[0] > 1 || v->block_costs.in_flight[1] > 1 ? fmax(a, b) : a + b;
}

static void add_combo(struct candidate_class *c, const struct combo *k)
{
	const double a = best_first_lower_bound(k->phase_group[0]),
		     b = best_first_lower_bound(k->phase_group[1]);
	const double least = k->phase_group[0] == k->phase_group[1] ? a : combined_bound(k->variant, a, b);

	if (isfinite(least))
		VEC_ADD(&c->combos, *k);
	c->bound = fmin(c->bound, least);
}

/* Adds the pair of searches for layer maps on units a and b and of kinds x and y. */
static void add_pair(struct search *s, struct candidate_class *c, const struct variant *v,
		     const unsigned units_kinds[4])
{
	const struct combo k = {
		v,
		{find_or_add_best_first(
			 s, (struct best_first_key){v, c->units, 1, units_kinds[0], units_kinds[2], NULL}),
		 find_or_add_best_first(
			 s, (struct best_first_key){v, c->units, 2, units_kinds[1], units_kinds[3], NULL})}};

	add_combo(c, &k);
}

/* Adds every combination of two layer maps that together use the units of the class and have its features. */
static void add_pairs(struct search *s, struct candidate_class *c, const struct variant *v)
{
	const unsigned features = c->kind & KIND_OF_PHASE_GROUP;

	for (unsigned a = 1; a <= c->units; a++)
		for (unsigned b = 1; b <= c->units; b++) {
			if ((a | b) != c->units)
				continue;
			for (unsigned x = 0; x <= features; x++)
				for (unsigned y = 0; y <= features; y++)
					if ((x | y) == features && (x == 0 || !space_on_one(a)) &&
					    (y == 0 || !space_on_one(b)))
						add_pair(s, c, v, (const unsigned[]){a, b, x, y});
		}
}

/* On one device the options make no difference, so only the first variant is tried. */
static void add_class(struct search *s, unsigned units, unsigned kind)
{
	struct candidate_class c = {.units = units, .kind = kind, .bound = INFINITY};

	for (size_t i = 0; i < (space_on_one(units) ? 1 : s->variants_n); i++) {
		const struct variant *v = &s->variants[i];

		if (kind & HAS_PHASES) {
			add_pairs(s, &c, v);
		} else {
			struct best_first *both = find_or_add_best_first(
				s, (struct best_first_key){v, units, 3, units, kind & KIND_OF_PHASE_GROUP,
							   NULL});

			add_combo(&c, &(const struct combo){v, {both, both}});
		}
	}
	if (c.combos.n)
		VEC_ADD(&s->classes, c);
}

static int by_bound(const void *a, const void *b)
{
	const struct candidate_class *x = a, *y = b;

	if (incumbents_count_bits(x->kind) != incumbents_count_bits(y->kind))
		return incumbents_count_bits(x->kind) < incumbents_count_bits(y->kind) ? -1 : 1;
	if (x->bound != y->bound)
		return x->bound < y->bound ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return (x->units > y->units) - (x->units < y->units);
}

void exact_begin(struct search *s)
{
	const unsigned all = (1u << s->w->units_n) - 1;

	twins_find(s->w, s->twins);
	for (unsigned units = 1; units <= all; units++)
		for (unsigned kind = 0; kind < KINDS; kind++)
			if (twins_in_order(s->twins, s->w->units_n, units) && !space_unjoined(s->w, units) &&
			    (!space_on_one(units) || !kind))
				add_class(s, units, kind);
	if (s->classes.n)
		qsort(s->classes.at, s->classes.n, sizeof *s->classes.at, by_bound);
	s->counts.bound = INFINITY;
	for (size_t i = 0; i < s->classes.n; i++)
		s->counts.bound = fmin(s->counts.bound, s->classes.at[i].bound);
}

/* ---- pairs of a class, in ascending order of their bound ---- */

static void offer_pair(struct candidate_class *c, uint32_t combo, uint32_t i, uint32_t j)
{
	const struct combo *k = &c->combos.at[combo];
	const bool single = k->phase_group[0] == k->phase_group[1];
	const struct found *a = best_first_at(k->phase_group[0], i),
			   *b = single ? a : best_first_at(k->phase_group[1], j);

	if (a && b)
		pairs_put(&c->heap,
			  (struct pair){single ? a->bound : combined_bound(k->variant, a->bound, b->bound),
					combo, i, j});
}

/* Offers the successors of the pair (i, j) that was taken, so that each pair is offered once. */
static void offer_next(struct candidate_class *c, const struct pair *p)
{
	const struct combo *k = &c->combos.at[p->combo];

	offer_pair(c, p->combo, p->i + 1, p->j);
	if (p->i == 0 && k->phase_group[0] != k->phase_group[1])
		offer_pair(c, p->combo, 0, p->j + 1);
}

/* Do the weights alone fit? This is cheaper than the whole footprint, and usually decides. */
static bool weights_fit(const struct block_costs *p, const uint8_t *const at[PHASE_GROUPS])
{
	const struct world *w = p->w;
	double need_B[SPACE_UNITS];

	block_costs_machine_weights_B(p, at, need_B);
	for (size_t m = 0; m < w->machines_n; m++)
		if (need_B[m] > w->machines[m].memory.usable.value)
			return false;
	return true;
}

static void try_pair(struct search *s, struct candidate_class *c, const struct pair *p)
{
	const struct combo *k = &c->combos.at[p->combo];
	const bool single = k->phase_group[0] == k->phase_group[1];
	const struct found *a = best_first_at(k->phase_group[0], p->i),
			   *b = single ? a : best_first_at(k->phase_group[1], p->j);
	struct phase_group_sum phase_groups[PHASE_GROUPS] = {a->sums[0], b->sums[1]};
	const struct block_costs *block_costs = &k->variant->block_costs;
	const uint8_t *const at[PHASE_GROUPS] = {a->at, b->at};
	const struct rate r = class_rate(s, k->variant, c->units);
	const struct candidate candidate = {
		s->job, {&a->layer_map, &b->layer_map}, k->variant->options, k->variant->words};

	if (!single && !memcmp(a->at, b->at, block_costs->blocks))
		return;
	if (!single)
		block_costs_add_handovers(block_costs, at, phase_groups);
	if (search_job(s->job)->backward)
		phase_groups[1].fill_s = block_costs_fill_s(block_costs, at);
	if (rate_bound(block_costs, &r, phase_groups) >= incumbents_threshold(s, c) ||
	    limits_violation(block_costs, s->ask.limits, s->ask.limits_n, c->units, phase_groups) > 0)
		return;
	if (!weights_fit(block_costs, at)) {
		s->counts.too_heavy++;
		return;
	}
	incumbents_evaluate(s, c, k->variant->w, &candidate);
}

/* ---- classes in turn ---- */

static void begin_class(struct candidate_class *c)
{
	c->started = true;
	for (uint32_t i = 0; i < c->combos.n; i++)
		offer_pair(c, i, 0, 0);
}

static void end_class(struct search *s, struct candidate_class *c)
{
	for (size_t i = 0; i < c->combos.n; i++)
		s->counts.exact &= !best_first_truncated(c->combos.at[i].phase_group[0]) &&
				   !best_first_truncated(c->combos.at[i].phase_group[1]);
	s->current_class++;
}

bool exact_step(struct search *s)
{
	struct candidate_class *c;
	struct pair p;

	if (s->current_class >= s->classes.n || s->stopped)
		return false;
	c = &s->classes.at[s->current_class];
	if (incumbents_budget_spent(s)) {
		s->counts.exact = false;
		return false;
	}
	if (!c->started && c->bound >= incumbents_threshold(s, c)) {
		s->counts.classes_left++;
		s->current_class++;
		return true;
	}
	if (!c->started)
		begin_class(c);
	if (!c->heap.n || c->heap.at[0].bound >= incumbents_threshold(s, c)) {
		end_class(s, c);
		return true;
	}
	/* a class may use an eighth of the budget, so that the other classes are tried, too */
	if (c->tried > s->ask.runs_most / 8 || c->bounded++ > BOUNDED_PER_RUN * s->ask.runs_most) {
		s->counts.exact = false;
		s->current_class++;
		return true;
	}
	p = pairs_take(&c->heap);
	try_pair(s, c, &p);
	offer_next(c, &p);
	return true;
}

void exact_release(struct search *s)
{
	for (size_t i = 0; i < s->searches.n; i++)
		best_first_free(s->searches.at[i].best_first);
	for (size_t i = 0; i < s->classes.n; i++) {
		VEC_FREE(&s->classes.at[i].combos);
		pairs_release(&s->classes.at[i].heap);
	}
	VEC_FREE(&s->searches);
}
