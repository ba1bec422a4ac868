/* exact.c - see exact.h. */
#include "sim/search/exact.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/search/search_job.h"

enum { LOOKS_A_RUN = 20 };

static bool one_bit(unsigned x)
{
	return !(x & (x - 1));
}

/* ---- streams, and the families they make ---- */

static bool rate_hangs_on_units(const struct search *s)
{
	const enum metric_needs needs = s->ask.goal.sought->needs;

	return needs == METRIC_OF_POWER || needs == METRIC_OF_POWER_AND_PRICE;
}

static struct rate rate_of(const struct search *s, const struct variant *v, unsigned units)
{
	return goal_rate_tied(&v->block_costs, s->ask.goal.sought, units);
}

/* key.stream is not looked at. */
static struct best_first *stream_of(struct search *s, struct keyed key)
{
	const unsigned whole = key.whole;

	key.whole = rate_hangs_on_units(s) ? whole : 0;
	for (size_t i = 0; i < s->best_firsts.n; i++) {
		const struct keyed *have = &s->best_firsts.at[i];

		if (have->variant == key.variant && have->whole == key.whole &&
		    have->phase_groups == key.phase_groups && have->units == key.units &&
		    have->kind == key.kind)
			return have->best_first;
	}
	key.best_first = best_first_new(&(const struct best_first_ask){&key.variant->block_costs,
								       key.phase_groups, key.units, key.kind,
								       rate_of(s, key.variant, whole)});
	VEC_ADD(&s->best_firsts, key);
	return key.best_first;
}

/* What a pair costs at least, from what its legs do: passes that overlap cannot be added. */
static double joined(const struct variant *v, double a, double b)
{
	return v->block_costs.chunks[0] > 1 || v->block_costs.chunks[1] > 1 ? fmax(a, b) : a + b;
}

static void add_combo(struct family *c, const struct combo *k)
{
	const double a = best_first_least(k->phase_group[0]), b = best_first_least(k->phase_group[1]);
	const double least = k->phase_group[0] == k->phase_group[1] ? a : joined(k->variant, a, b);

	if (isfinite(least))
		VEC_ADD(&c->combos, *k);
	c->bound = fmin(c->bound, least);
}

/* Two seatings, of kinds x and y on units a and b. */
static void add_pair(struct search *s, struct family *c, const struct variant *v, const unsigned abxy[4])
{
	const struct combo k = {v,
				{stream_of(s, (struct keyed){v, c->units, 1, abxy[0], abxy[2], NULL}),
				 stream_of(s, (struct keyed){v, c->units, 2, abxy[1], abxy[3], NULL})}};

	add_combo(c, &k);
}

/* Every way in which two seatings make a family: together they use its units and have its features. */
static void add_pairs(struct search *s, struct family *c, const struct variant *v)
{
	const unsigned features = c->kind & KIND_OF_PHASE_GROUP;

	for (unsigned a = 1; a <= c->units; a++)
		for (unsigned b = 1; b <= c->units; b++) {
			if ((a | b) != c->units)
				continue;
			for (unsigned x = 0; x <= features; x++)
				for (unsigned y = 0; y <= features; y++)
					if ((x | y) == features && (x == 0 || !one_bit(a)) &&
					    (y == 0 || !one_bit(b)))
						add_pair(s, c, v, (const unsigned[]){a, b, x, y});
		}
}

/* On one device there is nothing to go about otherwise. */
static void add_family(struct search *s, unsigned units, unsigned kind)
{
	struct family c = {.units = units, .kind = kind, .bound = INFINITY};

	for (size_t i = 0; i < (one_bit(units) ? 1 : s->variants_n); i++) {
		const struct variant *v = &s->variants[i];

		if (kind & HAS_PHASES) {
			add_pairs(s, &c, v);
		} else {
			struct best_first *both = stream_of(
				s, (struct keyed){v, units, 3, units, kind & KIND_OF_PHASE_GROUP, NULL});

			add_combo(&c, &(const struct combo){v, {both, both}});
		}
	}
	if (c.combos.n)
		VEC_ADD(&s->families, c);
}

static int by_bound(const void *a, const void *b)
{
	const struct family *x = a, *y = b;

	if (incumbents_ones(x->kind) != incumbents_ones(y->kind))
		return incumbents_ones(x->kind) < incumbents_ones(y->kind) ? -1 : 1;
	if (x->bound != y->bound)
		return x->bound < y->bound ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return (x->units > y->units) - (x->units < y->units);
}

void exact_begin(struct search *s)
{
	const unsigned all = (1u << s->w->units_n) - 1;

	for (unsigned units = 1; units <= all; units++)
		for (unsigned kind = 0; kind < KINDS; kind++)
			if (!one_bit(units) || !kind)
				add_family(s, units, kind);
	if (s->families.n)
		qsort(s->families.at, s->families.n, sizeof *s->families.at, by_bound);
	s->counts.bound = INFINITY;
	for (size_t i = 0; i < s->families.n; i++)
		s->counts.bound = fmin(s->counts.bound, s->families.at[i].bound);
}

/* ---- pairs of a family, by bound ---- */

static void offer_pair(struct family *c, uint32_t combo, uint32_t i, uint32_t j)
{
	const struct combo *k = &c->combos.at[combo];
	const bool single = k->phase_group[0] == k->phase_group[1];
	const struct found *a = best_first_at(k->phase_group[0], i),
			   *b = single ? a : best_first_at(k->phase_group[1], j);

	if (a && b)
		pairs_put(&c->heap, (struct pair){single ? a->bound : joined(k->variant, a->bound, b->bound),
						  combo, i, j});
}

/* The pairs that may come next once (i, j) is out: each pair is offered once. */
static void offer_next(struct family *c, const struct pair *p)
{
	const struct combo *k = &c->combos.at[p->combo];

	offer_pair(c, p->combo, p->i + 1, p->j);
	if (p->i == 0 && k->phase_group[0] != k->phase_group[1])
		offer_pair(c, p->combo, 0, p->j + 1);
}

/* Do the weights alone fit? Cheaper than the whole truth, and mostly the same. */
static bool weights_fit(const struct block_costs *p, const uint8_t *const at[PHASE_GROUPS])
{
	const struct world *w = p->w;
	double need_B[SPACE_UNITS];

	block_costs_needs_B(p, at, need_B);
	for (size_t m = 0; m < w->machines_n; m++)
		if (need_B[m] > w->machines[m].memory.usable.value)
			return false;
	return true;
}

static void try_pair(struct search *s, struct family *c, const struct pair *p)
{
	const struct combo *k = &c->combos.at[p->combo];
	const bool single = k->phase_group[0] == k->phase_group[1];
	const struct found *a = best_first_at(k->phase_group[0], p->i),
			   *b = single ? a : best_first_at(k->phase_group[1], p->j);
	struct phase_group_sum phase_groups[PHASE_GROUPS] = {a->sums[0], b->sums[1]};
	const struct block_costs *block_costs = &k->variant->block_costs;
	const uint8_t *const at[PHASE_GROUPS] = {a->at, b->at};
	const struct rate r = rate_of(s, k->variant, c->units);
	const struct candidate candidate = {
		s->job, {&a->layer_map, &b->layer_map}, k->variant->options, k->variant->words};

	if (!single && !memcmp(a->at, b->at, block_costs->blocks))
		return;
	if (!single)
		block_costs_hand_over(block_costs, at, phase_groups);
	if (search_job(s->job)->backward)
		phase_groups[1].fill_s = block_costs_fill_s(block_costs, at);
	if (rate_bound(block_costs, &r, phase_groups) >= incumbents_to_beat(s, c) ||
	    limits_beyond(block_costs, s->ask.limits, s->ask.limits_n, c->units, phase_groups) > 0)
		return;
	if (!weights_fit(block_costs, at)) {
		s->counts.heavy++;
		return;
	}
	incumbents_try(s, c, k->variant->w, &candidate);
}

/* ---- families in turn ---- */

static void begin_family(struct family *c)
{
	c->begun = true;
	for (uint32_t i = 0; i < c->combos.n; i++)
		offer_pair(c, i, 0, 0);
}

static void end_family(struct search *s, struct family *c)
{
	for (size_t i = 0; i < c->combos.n; i++)
		s->counts.exact &= !best_first_cut(c->combos.at[i].phase_group[0]) &&
				   !best_first_cut(c->combos.at[i].phase_group[1]);
	s->now++;
}

bool exact_step(struct search *s)
{
	struct family *c;
	struct pair p;

	if (s->now >= s->families.n)
		return false;
	c = &s->families.at[s->now];
	if (incumbents_spent(s)) {
		s->counts.exact = false;
		return false;
	}
	if (!c->begun && c->bound >= incumbents_to_beat(s, c)) {
		s->counts.families_left++;
		s->now++;
		return true;
	}
	if (!c->begun)
		begin_family(c);
	if (!c->heap.n || c->heap.at[0].bound >= incumbents_to_beat(s, c)) {
		end_family(s, c);
		return true;
	}
	/* the others have a right to be tried, too */
	if (c->tried > s->ask.runs_most / 8 || c->looked++ > LOOKS_A_RUN * s->ask.runs_most) {
		s->counts.exact = false;
		s->now++;
		return true;
	}
	p = pairs_take(&c->heap);
	try_pair(s, c, &p);
	offer_next(c, &p);
	return true;
}

void exact_release(struct search *s)
{
	for (size_t i = 0; i < s->best_firsts.n; i++)
		best_first_free(s->best_firsts.at[i].best_first);
	for (size_t i = 0; i < s->families.n; i++) {
		VEC_FREE(&s->families.at[i].combos);
		pairs_release(&s->families.at[i].heap);
	}
	VEC_FREE(&s->best_firsts);
}
