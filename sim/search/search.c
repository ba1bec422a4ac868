/* search.c - see search.h. */
#include "sim/search/search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/search/anneal.h"
#include "sim/search/least.h"
#include "sim/search/pairs.h"
#include "sim/search/stream.h"
#include "sim/search/variants.h"

enum { LOOKS_A_RUN = 20, POLISHES = 300 };

/* Two bounds this close are one: sums are rounded. */
static const double close_to = 1e-9;

struct combo {
	const struct variant *variant;
	struct stream *leg[LEGS]; /* both the same: one seating for both legs */
};

struct family {
	unsigned units, kind;
	double bound;
	VEC(struct combo) combos;
	struct pairs heap;
	bool begun, answered;
	size_t looked, tried; /* candidates bounded; run, whether they fit or not */
	struct winner best;
	struct plan plan; /* of the best, in annealing */
};

struct keyed {
	const struct variant *variant;
	unsigned whole, legs, units, kind; /* whole: the family's units, where its rate hangs on them */
	struct stream *stream;
};

struct search {
	struct search_ask ask;
	const struct world *w; /* with the goal's job alone, where nothing else is asked */
	struct arena arena;
	enum job job;
	struct variant variants[VARIANTS];
	size_t variants_n;
	VEC(struct family) families;
	size_t now; /* the family being worked on */
	VEC(struct keyed) streams;
	struct anneal *anneal;        /* NULL: the exact search */
	const struct annealed *found; /* once its chains are done; n of them, `next` is run next */
	size_t found_n, next, polished;
	struct winner *winners;
	struct search_counts counts;
};

/* ---- streams ---- */

static bool rate_hangs_on_units(const struct search *s)
{
	const enum metric_id m = s->ask.goal.sought;

	return m == M_ENERGY || m == M_USD || m == M_TRAIN_ENERGY || m == M_TRAIN_USD;
}

static struct rate rate_of(const struct search *s, const struct variant *v, unsigned units)
{
	return goal_rate_tied(&v->prices, s->ask.goal.sought, units);
}

/* key.stream is not looked at. */
static struct stream *stream_of(struct search *s, struct keyed key)
{
	const unsigned whole = key.whole;

	key.whole = rate_hangs_on_units(s) ? whole : 0;
	for (size_t i = 0; i < s->streams.n; i++) {
		const struct keyed *have = &s->streams.at[i];

		if (have->variant == key.variant && have->whole == key.whole && have->legs == key.legs &&
		    have->units == key.units && have->kind == key.kind)
			return have->stream;
	}
	key.stream = stream_new(&(const struct stream_ask){&key.variant->prices, key.legs, key.units,
							   key.kind, rate_of(s, key.variant, whole)});
	VEC_ADD(&s->streams, key);
	return key.stream;
}

/* What a pair costs at least, from what its legs do: passes that overlap cannot be added. */
static double joined(const struct variant *v, double a, double b)
{
	return v->prices.chunks[0] > 1 || v->prices.chunks[1] > 1 ? fmax(a, b) : a + b;
}

static void add_combo(struct family *c, const struct combo *k)
{
	const double a = stream_least(k->leg[0]), b = stream_least(k->leg[1]);
	const double least = k->leg[0] == k->leg[1] ? a : joined(k->variant, a, b);

	if (isfinite(least))
		VEC_ADD(&c->combos, *k);
	c->bound = fmin(c->bound, least);
}

static bool one_bit(unsigned x)
{
	return !(x & (x - 1));
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
	const unsigned features = c->kind & KIND_OF_LEG;

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
			struct stream *both =
				stream_of(s, (struct keyed){v, units, 3, units, kind & KIND_OF_LEG, NULL});

			add_combo(&c, &(const struct combo){v, {both, both}});
		}
	}
	if (c.combos.n)
		VEC_ADD(&s->families, c);
}

/* ---- pairs of a family, by bound ---- */

static void offer_pair(struct family *c, uint32_t combo, uint32_t i, uint32_t j)
{
	const struct combo *k = &c->combos.at[combo];
	const bool single = k->leg[0] == k->leg[1];
	const struct found *a = stream_at(k->leg[0], i), *b = single ? a : stream_at(k->leg[1], j);

	if (a && b)
		pairs_put(&c->heap, (struct pair){single ? a->bound : joined(k->variant, a->bound, b->bound),
						  combo, i, j});
}

/* The pairs that may come next once (i, j) is out: each pair is offered once. */
static void offer_next(struct family *c, const struct pair *p)
{
	const struct combo *k = &c->combos.at[p->combo];

	offer_pair(c, p->combo, p->i + 1, p->j);
	if (p->i == 0 && k->leg[0] != k->leg[1])
		offer_pair(c, p->combo, 0, p->j + 1);
}

/* ---- running ---- */

/* Do the weights alone fit? Cheaper than the whole truth, and mostly the same. */
static bool weights_fit(const struct prices *p, const uint8_t *const at[LEGS])
{
	const struct world *w = p->w;
	double need_B[SPACE_UNITS];

	prices_needs_B(p, at, need_B);
	for (size_t m = 0; m < w->machines_n; m++)
		if (need_B[m] > w->machines[m].memory.usable.value)
			return false;
	return true;
}

static bool keeps(const struct search *s, const struct metric_values *v)
{
	for (size_t i = 0; i < s->ask.limits_n; i++)
		if (!limit_holds(&s->ask.limits[i], v->of[s->ask.limits[i].metric]))
			return false;
	return true;
}

/* Runs a candidate on the engine; false where it does not fit. */
static bool run(struct search *s, const struct world *w, const struct candidate *c, struct metric_values *v)
{
	struct arena scratch = ARENA_INIT;
	const struct placement at = candidate_place(&scratch, w, c);
	struct prediction p;
	bool fits;

	prediction_make(&scratch, &at, &p);
	fits = s->job == JOB_GENERATE ? p.generate_fits : p.train_fits;
	s->counts.run += fits;
	s->counts.unfit += !fits;
	if (fits)
		*v = prediction_values(&p);
	prediction_release(&p);
	arena_release(&scratch);
	return fits;
}

static double cost_of_values(const struct search *s, const struct metric_values *v)
{
	return v->of[s->ask.goal.sought] + goal_tie * v->of[s->job == JOB_TRAIN ? M_STEP : M_E2EL];
}

static unsigned ones(unsigned bits)
{
	unsigned n = 0;

	for (; bits; bits &= bits - 1)
		n++;
	return n;
}

/* A feature more, and a device more, have to be worth a thousandth each. */
double search_handicap(unsigned units, unsigned kind)
{
	return 1 + 0.001 * (ones(kind) + ones(units) - 1);
}

/* Is a's kind a mixture that b makes do without? */
static bool is_simpler(const struct family *b, const struct family *a)
{
	return ones(a->kind) > 1 && (b->kind & a->kind) == b->kind && (b->units & a->units) == b->units &&
	       (b->kind != a->kind || b->units != a->units);
}

/* What a family has to beat to matter: its own best, those it is a mixture of, the k best of all. */
static double to_beat(const struct search *s, const struct family *c)
{
	double least = c->answered ? c->best.rank : INFINITY;
	size_t n = 0;

	for (size_t i = 0; i < s->families.n; i++) {
		const struct family *k = &s->families.at[i];

		if (k->answered && is_simpler(k, c))
			least = fmin(least, k->best.rank);
		n += k->answered && k != c;
	}
	if (n >= s->ask.best)
		least = fmin(least, s->winners[s->ask.best - 1].rank);
	return least * (1 - close_to) / search_handicap(c->units, c->kind);
}

static int by_cost(const void *a, const void *b)
{
	const struct winner *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return (x->units > y->units) - (x->units < y->units);
}

static size_t sort_winners(struct search *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->families.n; i++)
		if (s->families.at[i].answered)
			s->winners[n++] = s->families.at[i].best;
	qsort(s->winners, n, sizeof *s->winners, by_cost);
	return n;
}

static void try_candidate(struct search *s, struct family *c, const struct world *w,
			  const struct candidate *k)
{
	struct winner a = {.c = *k, .units = c->units, .kind = c->kind};

	c->tried++;
	if (!run(s, w, k, &a.values) || !keeps(s, &a.values))
		return;
	a.cost = cost_of_values(s, &a.values);
	a.rank = a.cost * search_handicap(a.units, a.kind);
	if (isnan(a.cost) || a.cost >= to_beat(s, c))
		return;
	c->best = a;
	c->answered = true;
	sort_winners(s);
}

static void try_pair(struct search *s, struct family *c, const struct pair *p)
{
	const struct combo *k = &c->combos.at[p->combo];
	const bool single = k->leg[0] == k->leg[1];
	const struct found *a = stream_at(k->leg[0], p->i), *b = single ? a : stream_at(k->leg[1], p->j);
	struct leg_sum legs[LEGS] = {a->sums[0], b->sums[1]};
	const struct prices *prices = &k->variant->prices;
	const uint8_t *const at[LEGS] = {a->at, b->at};
	const struct rate r = rate_of(s, k->variant, c->units);
	const struct candidate candidate = {
		s->job, {&a->seating, &b->seating}, k->variant->how, k->variant->words};

	if (!single && !memcmp(a->at, b->at, prices->blocks))
		return;
	if (!single)
		prices_hand_over(prices, at, legs);
	if (s->job == JOB_TRAIN)
		legs[1].fill_s = prices_fill_s(prices, at);
	if (rate_bound(prices, &r, legs) >= to_beat(s, c) ||
	    limits_beyond(prices, s->ask.limits, s->ask.limits_n, c->units, legs) > 0)
		return;
	if (!weights_fit(prices, at)) {
		s->counts.heavy++;
		return;
	}
	try_candidate(s, c, k->variant->w, &candidate);
}

/* ---- the search ---- */

static const struct world *one_job(struct arena *a, const struct search_ask *ask)
{
	const bool train = goal_job(&ask->goal) == JOB_TRAIN;
	struct world *w = arena_alloc(a, sizeof *w);
	struct scenario *s = arena_alloc(a, sizeof *s);

	for (size_t i = 0; i < ask->limits_n; i++)
		if (metric_info[ask->limits[i].metric].of_training != train)
			return ask->w;
	*w = *ask->w;
	*s = *ask->w->scenario;
	w->scenario = s;
	if (train)
		s->workload.generate = NULL;
	else
		s->workload.train = NULL;
	return w;
}

static int by_bound(const void *a, const void *b)
{
	const struct family *x = a, *y = b;

	if (ones(x->kind) != ones(y->kind))
		return ones(x->kind) < ones(y->kind) ? -1 : 1;
	if (x->bound != y->bound)
		return x->bound < y->bound ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return (x->units > y->units) - (x->units < y->units);
}

static void begin_exact(struct search *s)
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

/* ---- the same by chance ---- */

static void begin_anneal(struct search *s)
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

/* What no assignment does better than; the best so far is where the bound is looked for. */
static void end_runs(struct search *s)
{
	const double known = sort_winners(s) ? s->winners[0].cost : INFINITY;

	s->counts.tried = anneal_tried(s->anneal);
	s->counts.families = s->families.n;
	s->counts.bound = INFINITY;
	for (size_t i = 0; i < s->variants_n; i++)
		s->counts.bound =
			fmin(s->counts.bound, least_of(&s->variants[i].prices, s->ask.goal.sought, known));
}

static struct family *family_of(struct search *s, const struct annealed *k)
{
	for (size_t i = 0; i < s->families.n; i++)
		if (s->families.at[i].units == k->units && s->families.at[i].kind == k->kind)
			return &s->families.at[i];
	VEC_ADD(&s->families, (struct family){.units = k->units, .kind = k->kind, .bound = k->rank});
	return &s->families.at[s->families.n - 1];
}

/* One device alone is what the others are held against: it runs anyway. */
static void run_annealed(struct search *s, const struct annealed *k)
{
	const struct candidate c = {
		s->job, {&k->leg[0], &k->leg[k->single ? 0 : 1]}, k->variant->how, k->variant->words};
	struct family *f = family_of(s, k);

	if (!one_bit(k->units) && k->rank >= to_beat(s, f) * search_handicap(k->units, k->kind))
		return;
	try_candidate(s, f, k->variant->w, &c);
	if (f->answered && f->best.c.leg[0] == &k->leg[0])
		f->plan = k->plan;
}

/* The best in turn. */
static const struct plan *centre_of(const struct search *s, size_t winners)
{
	const struct winner *k = &s->winners[s->polished % (winners < s->ask.best ? winners : s->ask.best)];
	size_t i = 0;

	while (s->families.at[i].units != k->units || s->families.at[i].kind != k->kind)
		i++;
	return &s->families.at[i].plan;
}

/* A chain; then a run of one that was found; then, as runs are more than their bounds where passes overlap,
 * what is near the best of those; then the bound. */
static bool step_anneal(struct search *s)
{
	const struct annealed *near;
	size_t n;

	if (!s->found) {
		if (anneal_step(s->anneal))
			return true;
		end_chains(s);
	}
	if (s->counts.run + s->counts.unfit < s->ask.runs_most && s->next < s->found_n) {
		run_annealed(s, &s->found[s->next++]);
		return true;
	}
	if (s->counts.run + s->counts.unfit < s->ask.runs_most && s->polished < POLISHES &&
	    (n = sort_winners(s))) {
		near = anneal_near(s->anneal, centre_of(s, n), s->winners[0].rank);
		s->polished++;
		if (near)
			run_annealed(s, near);
		return true;
	}
	end_runs(s);
	return false;
}

struct search *search_new(const struct search_ask *ask)
{
	struct search *s = xcalloc(1, sizeof *s);
	double seatings;

	s->ask = *ask;
	s->job = goal_job(&ask->goal);
	s->w = one_job(&s->arena, ask);
	s->counts.annealed = ask->anneal || s->w->units_n > EXACT_UNITS;
	s->counts.exact = !s->counts.annealed;
	seatings = space_count(s->w->model, s->w->units_n);
	s->counts.considered = seatings * seatings;
	s->variants_n = variants_make(&s->arena, s->w, s->job, s->variants);
	s->counts.considered *= (double)s->variants_n;
	if (s->counts.annealed)
		begin_anneal(s);
	else
		begin_exact(s);
	s->winners = arena_array(&s->arena, s->families.n + 1, sizeof *s->winners);
	s->counts.families = s->families.n;
	return s;
}

static void begin_family(struct family *c)
{
	c->begun = true;
	for (uint32_t i = 0; i < c->combos.n; i++)
		offer_pair(c, i, 0, 0);
}

static void end_family(struct search *s, struct family *c)
{
	for (size_t i = 0; i < c->combos.n; i++)
		s->counts.exact &= !stream_cut(c->combos.at[i].leg[0]) && !stream_cut(c->combos.at[i].leg[1]);
	s->now++;
}

bool search_step(struct search *s)
{
	struct family *c;
	struct pair p;

	if (s->anneal)
		return step_anneal(s);
	if (s->now >= s->families.n)
		return false;
	c = &s->families.at[s->now];
	if (s->counts.run + s->counts.unfit >= s->ask.runs_most) {
		s->counts.exact = false;
		return false;
	}
	if (!c->begun && c->bound >= to_beat(s, c)) {
		s->counts.families_left++;
		s->now++;
		return true;
	}
	if (!c->begun)
		begin_family(c);
	if (!c->heap.n || c->heap.at[0].bound >= to_beat(s, c)) {
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

void search_free(struct search *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->streams.n; i++)
		stream_free(s->streams.at[i].stream);
	for (size_t i = 0; i < s->families.n; i++) {
		VEC_FREE(&s->families.at[i].combos);
		pairs_release(&s->families.at[i].heap);
	}
	anneal_free(s->anneal);
	VEC_FREE(&s->streams);
	VEC_FREE(&s->families);
	arena_release(&s->arena);
	free(s);
}

const struct winner *search_winners(struct search *s, size_t *n)
{
	*n = sort_winners(s);
	if (*n > s->ask.best)
		*n = s->ask.best;
	return s->winners;
}

const struct winner *search_alone(const struct search *s)
{
	const struct winner *best = NULL;

	for (size_t i = 0; i < s->families.n; i++) {
		const struct family *c = &s->families.at[i];

		if (c->answered && one_bit(c->units) && (!best || c->best.rank < best->rank))
			best = &c->best;
	}
	return best;
}

struct search_counts search_counts(const struct search *s)
{
	return s->counts;
}
