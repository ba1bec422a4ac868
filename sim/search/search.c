/* search.c - see search.h. */
#include "sim/search/search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/search/stream.h"

/* Two bounds this close are one: sums are rounded. */
static const double close_to = 1e-9;
/* Among equals the one whose whole run is shorter: a second of it counts as this much of the goal. */
static const double tie_weight = 1e-9;

struct pair { /* the i-th of one stream with the j-th of another; j of a single stream is unused */
	double bound;
	uint32_t combo, i, j;
};

struct combo {
	struct stream *leg[LEGS]; /* both the same: one seating for both legs */
};

struct family {
	unsigned units, kind;
	double bound;
	VEC(struct combo) combos;
	VEC(struct pair) heap;
	bool begun, done, answered;
	struct winner best;
};

struct keyed {
	unsigned whole, legs, units, kind; /* whole: the family's units, where its rate hangs on them */
	struct stream *stream;
};

struct search {
	struct search_ask ask;
	const struct world *w; /* with the goal's job alone, where nothing else is asked */
	struct arena arena;
	enum job job;
	struct prices prices;
	VEC(struct family) families;
	size_t now; /* the family being worked on */
	VEC(struct keyed) streams;
	struct winner *winners;
	struct search_counts counts;
};

/* ---- streams ---- */

static bool rate_hangs_on_units(const struct search *s)
{
	const enum metric_id m = s->ask.goal.sought;

	return m == M_ENERGY || m == M_USD || m == M_TRAIN_ENERGY || m == M_TRAIN_USD;
}

static struct rate rate_of(const struct search *s, unsigned units)
{
	struct rate r = goal_rate(&s->prices, s->ask.goal.sought, units);

	r.leg[0] += tie_weight;
	r.leg[1] += tie_weight;
	return r;
}

static struct stream *stream_of(struct search *s, unsigned whole, unsigned legs, unsigned units,
				unsigned kind)
{
	const struct keyed key = {rate_hangs_on_units(s) ? whole : 0, legs, units, kind, NULL};
	struct keyed k = key;

	for (size_t i = 0; i < s->streams.n; i++) {
		const struct keyed *have = &s->streams.at[i];

		if (have->whole == key.whole && have->legs == legs && have->units == units &&
		    have->kind == kind)
			return have->stream;
	}
	k.stream = stream_new(&(const struct stream_ask){&s->prices, legs, units, kind, rate_of(s, whole)});
	VEC_ADD(&s->streams, k);
	return k.stream;
}

/* What a pair costs at least, from what its legs do: passes that overlap cannot be added. */
static double joined(const struct search *s, double a, double b)
{
	return s->prices.chunks[0] > 1 || s->prices.chunks[1] > 1 ? fmax(a, b) : a + b;
}

static double combo_least(const struct search *s, const struct combo *c)
{
	if (c->leg[0] == c->leg[1])
		return stream_least(c->leg[0]);
	return joined(s, stream_least(c->leg[0]), stream_least(c->leg[1]));
}

static void add_combo(struct search *s, struct family *c, struct stream *a, struct stream *b)
{
	const struct combo combo = {{a, b}};
	const double least = combo_least(s, &combo);

	if (isfinite(least))
		VEC_ADD(&c->combos, combo);
	c->bound = fmin(c->bound, least);
}

static bool one_bit(unsigned x)
{
	return !(x & (x - 1));
}

/* Every way in which two seatings make a family: together they use its units and have its features. */
static void add_family(struct search *s, unsigned units, unsigned kind)
{
	const unsigned features = kind & KIND_OF_LEG;
	struct family c = {.units = units, .kind = kind, .bound = INFINITY};

	if (!(kind & HAS_PHASES)) {
		struct stream *both = stream_of(s, units, 3, units, features);

		add_combo(s, &c, both, both);
	}
	for (unsigned a = 1; kind & HAS_PHASES && a <= units; a++)
		for (unsigned b = 1; b <= units; b++) {
			if ((a | b) != units)
				continue;
			for (unsigned x = 0; x <= features; x++)
				for (unsigned y = 0; y <= features; y++)
					if ((x | y) == features && (x == 0 || !one_bit(a)) &&
					    (y == 0 || !one_bit(b)))
						add_combo(s, &c, stream_of(s, units, 1, a, x),
							  stream_of(s, units, 2, b, y));
		}
	if (c.combos.n)
		VEC_ADD(&s->families, c);
}

/* ---- pairs of a family, by bound ---- */

static bool sooner(const struct pair *a, const struct pair *b)
{
	if (a->bound != b->bound)
		return a->bound < b->bound;
	if (a->combo != b->combo)
		return a->combo < b->combo;
	return a->i != b->i ? a->i < b->i : a->j < b->j;
}

static void pair_put(struct family *c, struct pair p)
{
	size_t i = c->heap.n;

	VEC_ADD(&c->heap, p);
	while (i && sooner(&p, &c->heap.at[(i - 1) / 2])) {
		c->heap.at[i] = c->heap.at[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	c->heap.at[i] = p;
}

static struct pair pair_take(struct family *c)
{
	const struct pair top = c->heap.at[0], last = c->heap.at[--c->heap.n];
	size_t i = 0;

	for (size_t child; (child = 2 * i + 1) < c->heap.n; i = child) {
		if (child + 1 < c->heap.n && sooner(&c->heap.at[child + 1], &c->heap.at[child]))
			child++;
		if (!sooner(&c->heap.at[child], &last))
			break;
		c->heap.at[i] = c->heap.at[child];
	}
	if (c->heap.n)
		c->heap.at[i] = last;
	return top;
}

static void offer_pair(const struct search *s, struct family *c, uint32_t combo, uint32_t i, uint32_t j)
{
	const struct combo *k = &c->combos.at[combo];
	const bool single = k->leg[0] == k->leg[1];
	const struct found *a = stream_at(k->leg[0], i), *b = single ? a : stream_at(k->leg[1], j);

	if (a && b)
		pair_put(c, (struct pair){single ? a->bound : joined(s, a->bound, b->bound), combo, i, j});
}

/* The pairs that may come next once (i, j) is out: each pair is offered once. */
static void offer_next(const struct search *s, struct family *c, const struct pair *p)
{
	const struct combo *k = &c->combos.at[p->combo];

	offer_pair(s, c, p->combo, p->i + 1, p->j);
	if (p->i == 0 && k->leg[0] != k->leg[1])
		offer_pair(s, c, p->combo, 0, p->j + 1);
}

/* ---- running ---- */

/* Could it keep the limits, as far as bounds can tell? */
static bool may_keep(const struct search *s, unsigned units, const struct leg_sum legs[LEGS])
{
	for (size_t i = 0; i < s->ask.limits_n; i++) {
		enum metric_id sought;
		double most;
		struct rate r;

		if (!limit_sought(s->w, &s->ask.limits[i], &sought, &most))
			continue;
		r = goal_rate(&s->prices, sought, units);
		if (rate_bound(&s->prices, &r, legs) > most * (1 + close_to))
			return false;
	}
	return true;
}

/* Do the weights alone fit, a block's once on each machine that has it in any leg? Cheaper than the whole
 * truth, and mostly the same. */
static bool weights_fit(const struct search *s, const struct candidate *c)
{
	const struct world *w = s->w;
	double need_B[EXACT_UNITS] = {0}; /* by machine */

	for (size_t b = 0; b < s->prices.blocks; b++) {
		const size_t x = w->units[seating_unit(w->model, c->leg[0], b)].machine,
			     y = w->units[seating_unit(w->model, c->leg[1], b)].machine;

		need_B[x] += s->prices.weights_B[b];
		need_B[y] += x == y ? 0 : s->prices.weights_B[b];
	}
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
static bool run(struct search *s, const struct candidate *c, struct metric_values *v)
{
	struct arena scratch = ARENA_INIT;
	const struct placement at = candidate_place(&scratch, s->w, c);
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
	return v->of[s->ask.goal.sought] + tie_weight * v->of[s->job == JOB_TRAIN ? M_STEP : M_E2EL];
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

static void try_candidate(struct search *s, struct family *c, const struct candidate *k)
{
	struct winner a = {.c = *k, .units = c->units, .kind = c->kind};

	if (!run(s, k, &a.values) || !keeps(s, &a.values))
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
	const struct leg_sum legs[LEGS] = {a->sums[0], b->sums[1]};
	const struct rate r = rate_of(s, c->units);
	const struct candidate candidate = {s->job, {&a->seating, &b->seating}};

	if (!single && seating_same(s->w->model, &a->seating, &b->seating))
		return;
	if (rate_bound(&s->prices, &r, legs) >= to_beat(s, c) || !may_keep(s, c->units, legs))
		return;
	if (!weights_fit(s, &candidate)) {
		s->counts.heavy++;
		return;
	}
	try_candidate(s, c, &candidate);
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

struct search *search_new(const struct search_ask *ask)
{
	struct search *s = xcalloc(1, sizeof *s);
	double seatings;

	s->ask = *ask;
	s->job = goal_job(&ask->goal);
	s->w = one_job(&s->arena, ask);
	s->counts.exact = s->w->units_n <= EXACT_UNITS;
	seatings = space_count(s->w->model, s->w->units_n);
	s->counts.considered = seatings * seatings;
	prices_make(&s->arena, s->w, s->job, &s->prices);
	begin_exact(s);
	s->winners = arena_array(&s->arena, s->families.n + 1, sizeof *s->winners);
	s->counts.families = s->families.n;
	return s;
}

static void begin_family(struct search *s, struct family *c)
{
	c->begun = true;
	for (uint32_t i = 0; i < c->combos.n; i++)
		offer_pair(s, c, i, 0, 0);
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
		begin_family(s, c);
	if (!c->heap.n || c->heap.at[0].bound >= to_beat(s, c)) {
		end_family(s, c);
		return true;
	}
	p = pair_take(c);
	try_pair(s, c, &p);
	offer_next(s, c, &p);
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
		VEC_FREE(&s->families.at[i].heap);
	}
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
