/* exact.c - see exact.h. */
#include "sim/search/exact.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/workers.h"
#include "sim/search/search_job.h"
#include "sim/search/twins.h"

/* PAIRS_AHEAD: pairs that are looked at for each thread, to find candidates that they can simulate meanwhile */
enum { BOUNDED_PER_RUN = 20, PAIRS_AHEAD = 4 };

/* ---- best-first searches, and the classes made from them ---- */

static bool rate_depends_on_units(const struct search *s)
{
	const enum metric_needs needs = s->ask.goal.minimized->needs;

	return needs == METRIC_OF_POWER || needs == METRIC_OF_POWER_AND_PRICE;
}

static struct rate class_rate(const struct search *s, const struct variant *v, unsigned units)
{
	const struct unit_set set = unit_set_of_bits(units);

	return goal_rate_tied(&v->block_costs, s->ask.goal.minimized, &set);
}

/* The units of a class as bits: there are few. */
static unsigned bits_of(const struct candidate_class *c)
{
	return (unsigned)c->units.of[0];
}

/* Returns the best-first search for a key, whose field best_first is ignored; makes it if there is none
 * yet, for begin_searches() to begin. */
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

static double combo_bound(const struct combo *k)
{
	const double a = best_first_lower_bound(k->phase_group[0]),
		     b = best_first_lower_bound(k->phase_group[1]);

	return k->phase_group[0] == k->phase_group[1] ? a : combined_bound(k->variant, a, b);
}

/* Keeps what has a layer map at all; a class without any goes. */
static void bound_classes(struct search *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->classes.n; i++) {
		struct candidate_class c = s->classes.at[i];
		const size_t combos = c.combos.n;

		c.combos.n = 0;
		for (size_t k = 0; k < combos; k++) {
			const double least = combo_bound(&c.combos.at[k]);

			if (isfinite(least))
				c.combos.at[c.combos.n++] = c.combos.at[k];
			c.bound = fmin(c.bound, least);
		}
		if (c.combos.n)
			s->classes.at[kept++] = c;
		else
			VEC_FREE(&c.combos);
	}
	s->classes.n = kept;
}

static int begin_search(void *self, size_t worker, size_t i)
{
	const struct search *s = self;

	(void)worker;
	best_first_begin(s->searches.at[i].best_first);
	return 0;
}

static void begin_searches(struct search *s)
{
	const struct workers_task all = {.n = s->searches.n, .item = begin_search, .self = s};

	(void)workers_run(&all, workers_count((int64_t)search_threads(s), s->searches.n));
}

/* Adds the pair of searches for layer maps on units a and b and of kinds x and y. */
static void add_pair(struct search *s, struct candidate_class *c, const struct variant *v,
		     const unsigned units_kinds[4])
{
	const struct combo k = {
		v,
		{find_or_add_best_first(
			 s, (struct best_first_key){v, bits_of(c), 1, units_kinds[0], units_kinds[2], NULL}),
		 find_or_add_best_first(s, (struct best_first_key){v, bits_of(c), 2, units_kinds[1],
								   units_kinds[3], NULL})}};

	VEC_ADD(&c->combos, k);
}

/* Adds every combination of two layer maps that together use the units of the class and have its features. */
static void add_pairs(struct search *s, struct candidate_class *c, const struct variant *v)
{
	const unsigned features = c->kind & KIND_OF_PHASE_GROUP, units = bits_of(c);

	for (unsigned a = 1; a <= units; a++)
		for (unsigned b = 1; b <= units; b++) {
			if ((a | b) != units)
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
	struct candidate_class c = {.units = unit_set_of_bits(units), .kind = kind, .bound = INFINITY};

	for (size_t i = 0; i < (space_on_one(units) ? 1 : s->variants_n); i++) {
		const struct variant *v = &s->variants[i];

		if (kind & HAS_PHASES) {
			add_pairs(s, &c, v);
		} else {
			struct best_first *both = find_or_add_best_first(
				s, (struct best_first_key){v, units, 3, units, kind & KIND_OF_PHASE_GROUP,
							   NULL});

			VEC_ADD(&c.combos, (struct combo){v, {both, both}});
		}
	}
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
	return unit_set_order(&x->units, &y->units);
}

void exact_begin(struct search *s)
{
	const unsigned all = (1u << s->w->units_n) - 1;

	twins_find(s->w, s->twins);
	for (unsigned units = 1; units <= all; units++) {
		const struct unit_set set = unit_set_of_bits(units);

		for (unsigned kind = 0; kind < KINDS; kind++)
			if (twins_in_order(s->twins, s->w->units_n, &set) && !space_unjoined(s->w, &set) &&
			    (!space_on_one(units) || !kind))
				add_class(s, units, kind);
	}
	begin_searches(s);
	bound_classes(s);
	if (s->classes.n)
		qsort(s->classes.at, s->classes.n, sizeof *s->classes.at, by_bound);
	s->counts.bound = INFINITY;
	for (size_t i = 0; i < s->classes.n; i++)
		s->counts.bound = fmin(s->counts.bound, s->classes.at[i].bound);
}

/* ---- pairs of a class, in ascending order of their bound ---- */

/* False: a search was truncated before it came to the pair. */
static bool offer_pair(struct candidate_class *c, uint32_t combo, uint32_t i, uint32_t j)
{
	const struct combo *k = &c->combos.at[combo];
	const bool single = k->phase_group[0] == k->phase_group[1];
	const struct found *a = best_first_at(k->phase_group[0], i),
			   *b = single ? a : best_first_at(k->phase_group[1], j);

	if (a && b)
		pairs_put(&c->heap,
			  (struct pair){single ? a->bound : combined_bound(k->variant, a->bound, b->bound),
					combo, i, j});
	return (a || !best_first_truncated(k->phase_group[0])) &&
	       (b || !best_first_truncated(k->phase_group[1]));
}

/* Offers the successors of the pair (i, j) that was taken, so that each pair is offered once. */
static bool offer_next(struct candidate_class *c, const struct pair *p)
{
	const struct combo *k = &c->combos.at[p->combo];
	bool all = offer_pair(c, p->combo, p->i + 1, p->j);

	if (p->i == 0 && k->phase_group[0] != k->phase_group[1])
		all &= offer_pair(c, p->combo, 0, p->j + 1);
	return all;
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

struct pair_maps {
	const struct variant *variant;
	const struct found *of[PHASE_GROUPS];
	bool single; /* one layer map for both phase groups */
};

static struct pair_maps pair_maps(const struct candidate_class *c, const struct pair *p)
{
	const struct combo *k = &c->combos.at[p->combo];
	const bool single = k->phase_group[0] == k->phase_group[1];
	const struct found *a = best_first_at(k->phase_group[0], p->i);

	return (struct pair_maps){
		k->variant, {a, single ? a : best_first_at(k->phase_group[1], p->j)}, single};
}

static struct candidate candidate_of(const struct search *s, const struct pair_maps *m)
{
	return (struct candidate){
		s->job, {&m->of[0]->layer_map, &m->of[1]->layer_map}, m->variant->options, m->variant->words};
}

enum verdict { RULED_OUT, TOO_HEAVY, TO_BE_RUN };

/* What is known of a pair without simulating it. */
static enum verdict judge_pair(const struct search *s, const struct candidate_class *c,
			       const struct pair_maps *m)
{
	const struct block_costs *block_costs = &m->variant->block_costs;
	struct phase_group_sum phase_groups[PHASE_GROUPS] = {m->of[0]->sums[0], m->of[1]->sums[1]};
	const uint8_t *const at[PHASE_GROUPS] = {m->of[0]->at, m->of[1]->at};
	const struct rate r = class_rate(s, m->variant, bits_of(c));

	if (!m->single && !memcmp(at[0], at[1], block_costs->blocks))
		return RULED_OUT;
	if (!m->single)
		block_costs_add_handovers(block_costs, at, phase_groups);
	if (search_job(s->job)->backward)
		phase_groups[1].fill_s = block_costs_fill_s(block_costs, at);
	if (rate_bound(block_costs, &r, phase_groups) >= incumbents_threshold(s, c) ||
	    limits_violation(block_costs, s->ask.limits, s->ask.limits_n, &c->units, phase_groups) > 0)
		return RULED_OUT;
	return weights_fit(block_costs, at) ? TO_BE_RUN : TOO_HEAVY;
}

/* ---- the next pairs: several are simulated at a time, each is tried in turn ---- */

struct simulations {
	const struct search *s;
	struct candidate_class *c;
	size_t n, at[WORKERS_MAX]; /* of the pairs ahead */
};

static int simulate_pair(void *self, size_t worker, size_t i)
{
	const struct simulations *all = self;
	struct taken_pair *t = &all->c->ahead.at[all->at[i]];
	const struct pair_maps m = pair_maps(all->c, &t->pair);
	const struct candidate k = candidate_of(all->s, &m);

	(void)worker;
	incumbents_simulate(all->s, m.variant->w, &k, &t->run);
	return 0;
}

/* Simulates the pair in turn and, on the other threads, pairs after it that would be simulated if it changed nothing. */
static void simulate_ahead(const struct search *s, struct candidate_class *c)
{
	const size_t threads = search_threads(s);
	struct simulations all = {.s = s, .c = c};

	for (size_t i = c->ahead_at; i < c->ahead.n && all.n < threads; i++) {
		const struct pair_maps m = pair_maps(c, &c->ahead.at[i].pair);

		if (!c->ahead.at[i].run.done && (i == c->ahead_at || judge_pair(s, c, &m) == TO_BE_RUN))
			all.at[all.n++] = i;
	}
	(void)workers_run(&(const struct workers_task){.n = all.n, .item = simulate_pair, .self = &all},
			  all.n);
}

static void try_pair(struct search *s, struct candidate_class *c)
{
	const struct taken_pair *t = &c->ahead.at[c->ahead_at];
	const struct pair_maps m = pair_maps(c, &t->pair);
	const struct candidate k = candidate_of(s, &m);
	const enum verdict v = judge_pair(s, c, &m);

	c->cut_off |= t->cut_off;
	s->counts.too_heavy += v == TOO_HEAVY;
	if (v == TO_BE_RUN && !t->run.done)
		simulate_ahead(s, c);
	if (v == TO_BE_RUN)
		incumbents_judge(s, c, &k, &t->run);
	c->ahead_at++;
}

static void take_pairs(struct search *s, struct candidate_class *c)
{
	const size_t threads = search_threads(s), most = threads > 1 ? threads * PAIRS_AHEAD : 1;

	c->ahead.n = c->ahead_at = 0;
	while (c->heap.n && c->ahead.n < most && c->heap.at[0].bound < incumbents_threshold(s, c)) {
		struct taken_pair t = {.pair = pairs_take(&c->heap)};

		t.cut_off = !offer_next(c, &t.pair);
		VEC_ADD(&c->ahead, t);
	}
}

/* ---- classes in turn ---- */

static void begin_class(struct candidate_class *c)
{
	c->started = true;
	for (uint32_t i = 0; i < c->combos.n; i++)
		c->cut_off |= !offer_pair(c, i, 0, 0);
}

/* The bound of the next pair; INFINITY: there is none. */
static double next_bound(const struct candidate_class *c)
{
	if (c->ahead_at < c->ahead.n)
		return c->ahead.at[c->ahead_at].pair.bound;
	return c->heap.n ? c->heap.at[0].bound : INFINITY;
}

bool exact_step(struct search *s)
{
	struct candidate_class *c;

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
	if (next_bound(c) >= incumbents_threshold(s, c)) {
		s->counts.exact &= !c->cut_off;
		s->current_class++;
		return true;
	}
	/* a class may use an eighth of the budget, so that the other classes are tried, too */
	if (c->tried > s->ask.runs_most / 8 || c->bounded++ > BOUNDED_PER_RUN * s->ask.runs_most) {
		s->counts.exact = false;
		s->current_class++;
		return true;
	}
	if (c->ahead_at == c->ahead.n)
		take_pairs(s, c);
	try_pair(s, c);
	return true;
}

void exact_release(struct search *s)
{
	for (size_t i = 0; i < s->searches.n; i++)
		best_first_free(s->searches.at[i].best_first);
	for (size_t i = 0; i < s->classes.n; i++) {
		VEC_FREE(&s->classes.at[i].combos);
		VEC_FREE(&s->classes.at[i].ahead);
		pairs_release(&s->classes.at[i].heap);
	}
	VEC_FREE(&s->searches);
}
