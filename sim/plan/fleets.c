/* fleets.c - see fleets.h. */
#include "sim/plan/fleets.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/vec.h"

struct verdict { /* some servers and whether they hold the load, remembered: what a fleet is without one may be another fleet */
	int *counts;
	int holds;
};

struct search {
	const struct fleets_ask *ask;
	struct arena *arena;
	VEC(struct fleet) candidates;
	VEC(struct fleet) tried;
	VEC(struct verdict) verdicts;
	struct fleets out;
	double best;  /* goal of the best so far */
	int *counts;  /* the candidate being made */
	size_t first; /* its first kind */
};

static size_t size(const struct search *s)
{
	return s->ask->n * sizeof *s->counts;
}

/* ---- bounds ---- */

/* The mix of lengths on each kind may differ from that of the load, so that of unlike servers only prompts and
 * answers each by itself bound the work. */
static bool can_do(const struct search *s, const int *counts)
{
	double rate = 0, prompt = 0, answer = 0;
	int kinds = 0, roles = 0;

	for (size_t i = 0; i < s->ask->n; i++) {
		const struct fleet_kind *k = &s->ask->kinds[i];

		if (!counts[i])
			continue;
		kinds++;
		roles |= 1 << k->role;
		rate += counts[i] * k->rate;
		prompt += k->role != FLEET_DECODE ? counts[i] * k->prompt : 0;
		answer += k->role != FLEET_PREFILL ? counts[i] * k->answer : 0;
	}
	if (roles == 1 << FLEET_PREFILL || roles == 1 << FLEET_DECODE)
		return false; /* nobody does the other half */
	if (kinds < 2)
		return rate >= s->ask->work;
	return prompt >= s->ask->work && answer >= s->ask->work;
}

/* Every fleet that may be left must be able to do the work. */
static bool can_spare(const struct search *s, int *counts, int spare)
{
	bool fine = can_do(s, counts);
	int left = 0;

	for (size_t i = 0; i < s->ask->n; i++)
		left += counts[i];
	if (left <= spare)
		return false;
	for (size_t i = 0; i < s->ask->n && spare > 0 && fine; i++)
		if (counts[i]) {
			counts[i]--;
			fine = can_spare(s, counts, spare - 1);
			counts[i]++;
		}
	return fine;
}

/* ---- candidates ---- */

static bool bounded_out(struct search *s, struct fleet *f)
{
	for (size_t i = 0; i < s->ask->n; i++)
		if (s->counts[i] && s->ask->kinds[i].never)
			return true;
	return f->usd > s->ask->budget || !can_spare(s, s->counts, s->ask->spare);
}

static void consider(struct search *s, double usd, int machines, int servers)
{
	struct fleet f = {.usd = usd, .machines = machines, .servers = servers};

	s->out.bounds++;
	if (bounded_out(s, &f)) {
		s->out.ruled_out++;
		return;
	}
	f.least = s->ask->least ? s->ask->least(s->ask->self, s->counts) : usd;
	if (!(f.least < s->best)) {
		s->out.ruled_out++;
		return;
	}
	f.counts = arena_alloc(s->arena, size(s));
	memcpy(f.counts, s->counts, size(s));
	f.order = s->out.bounds;
	VEC_ADD(&s->candidates, f);
}

/* A kind may stand beside those chosen: of their set, and no other setting of a machine that is there. */
static bool may_join(const struct search *s, size_t kind, int chosen)
{
	const struct fleet_kind *k = &s->ask->kinds[kind];

	if (chosen && k->set != s->ask->kinds[s->first].set)
		return false;
	for (size_t i = 0; i < kind; i++)
		if (s->counts[i] && s->ask->kinds[i].name == k->name)
			return false;
	return true;
}

/* All fleets of exactly `wanted` kinds, those from `from` on still to be chosen. */
static void choose(struct search *s, size_t from, int chosen, int wanted, double usd, int machines,
		   int servers)
{
	for (size_t i = from; i < s->ask->n; i++) {
		const struct fleet_kind *k = &s->ask->kinds[i];

		if (k->never || k->role != FLEET_WHOLE || !may_join(s, i, chosen))
			continue;
		if (!chosen)
			s->first = i;
		for (int c = 1; c <= k->up_to && machines + c * k->machines <= s->ask->up_to; c++) {
			if (!(usd + c * k->usd <= s->ask->budget))
				break;
			s->counts[i] = c;
			if (chosen + 1 == wanted)
				consider(s, usd + c * k->usd, machines + c * k->machines, servers + c);
			else
				choose(s, i + 1, chosen + 1, wanted, usd + c * k->usd,
				       machines + c * k->machines, servers + c);
		}
		s->counts[i] = 0;
	}
}

/* Every number of one prefill kind with every number of one decode kind. */
static void pair_up(struct search *s, size_t prefill, size_t decode)
{
	const struct fleet_kind *p = &s->ask->kinds[prefill], *d = &s->ask->kinds[decode];

	for (int i = 1; i <= p->up_to; i++)
		for (int j = 1; j <= d->up_to; j++) {
			const int machines = i * p->machines + j * d->machines;
			const double usd = i * p->usd + j * d->usd;

			if (machines > s->ask->up_to || !(usd <= s->ask->budget))
				break;
			s->counts[prefill] = i;
			s->counts[decode] = j;
			consider(s, usd, machines, i + j);
		}
	s->counts[prefill] = s->counts[decode] = 0;
}

static void choose_pools(struct search *s)
{
	const struct fleet_kind *k = s->ask->kinds;

	for (size_t i = 0; i < s->ask->n; i++)
		for (size_t j = 0; j < s->ask->n && k[i].role == FLEET_PREFILL && !k[i].never; j++)
			if (k[j].role == FLEET_DECODE && !k[j].never && k[i].set == k[j].set &&
			    (s->ask->mixed > 1 || k[i].name == k[j].name))
				pair_up(s, i, j);
}

/* By the least of the goal; of equals the fewer machines, then as the kinds were given. */
static int by_least(const void *a, const void *b)
{
	const struct fleet *x = a, *y = b;

	if (x->least < y->least || x->least > y->least)
		return x->least < y->least ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

/* ---- verdicts ---- */

/* NULL: it has not been asked for. */
static const struct verdict *find_verdict(const struct search *s, const int *counts)
{
	for (size_t i = 0; i < s->verdicts.n; i++)
		if (!memcmp(s->verdicts.at[i].counts, counts, size(s)))
			return &s->verdicts.at[i];
	return NULL;
}

static int ask_holds(struct search *s, const int *counts)
{
	const struct verdict *known = find_verdict(s, counts);
	struct verdict v = {NULL, 0};

	if (known)
		return known->holds;
	if (s->out.runs >= s->ask->runs_most)
		return -1;
	s->out.runs++;
	v.counts = arena_alloc(s->arena, size(s));
	memcpy(v.counts, counts, size(s));
	v.holds = s->ask->holds(s->ask->self, counts);
	VEC_ADD(&s->verdicts, v);
	return v.holds;
}

/* The fleet, and what is left of it without one server, without two: the same servers may be left in several
 * ways, and are asked once. */
static int holds_without(struct search *s, int *counts, int spare)
{
	int verdict = ask_holds(s, counts);

	for (size_t i = 0; i < s->ask->n && spare && verdict > 0; i++)
		if (counts[i]) {
			counts[i]--;
			verdict = holds_without(s, counts, spare - 1);
			counts[i]++;
		}
	return verdict;
}

static enum fleet_why judge(struct search *s, int *counts)
{
	int verdict = ask_holds(s, counts);

	if (verdict < 1)
		return verdict ? FLEET_STOPPED : FLEET_FAILS;
	verdict = holds_without(s, counts, s->ask->spare);
	return verdict > 0 ? FLEET_HOLDS : verdict ? FLEET_STOPPED : FLEET_SPARE_FAILS;
}

static bool is_mine(const struct search *s, const struct fleet *f)
{
	return !s->ask->mine || s->ask->mine(s->ask->self, f->counts);
}

/* From a candidate on, those that are not known. */
static void tell_ahead(const struct search *s, size_t from)
{
	int *next[FLEETS_AHEAD];
	size_t n = 0;

	if (!s->ask->ahead || find_verdict(s, s->candidates.at[from].counts))
		return;
	for (size_t i = from; i < s->candidates.n && n < FLEETS_AHEAD; i++) {
		const struct fleet *f = &s->candidates.at[i];

		if (f->least < s->best && is_mine(s, f) && !find_verdict(s, f->counts))
			next[n++] = f->counts;
	}
	s->ask->ahead(s->ask->self, next, n);
}

static void walk(struct search *s)
{
	if (s->candidates.n)
		qsort(s->candidates.at, s->candidates.n, sizeof *s->candidates.at, by_least);
	for (size_t i = 0; i < s->candidates.n && !s->out.stopped; i++) {
		struct fleet f = s->candidates.at[i];

		if (!(f.least < s->best)) {
			s->out.ruled_out += s->candidates.n - i;
			break;
		}
		if (!is_mine(s, &f))
			continue;
		tell_ahead(s, i);
		f.why = judge(s, f.counts);
		f.order = s->tried.n;
		f.value = f.why == FLEET_HOLDS && s->ask->value ? s->ask->value(s->ask->self, f.counts)
								: f.least;
		s->out.stopped = f.why == FLEET_STOPPED;
		if (f.why == FLEET_HOLDS && f.value < s->best)
			s->best = f.value;
		VEC_ADD(&s->tried, f);
	}
	s->candidates.n = 0;
}

static void finish(struct search *s)
{
	s->out.tried = arena_array(s->arena, s->tried.n ? s->tried.n : 1, sizeof *s->out.tried);
	s->out.tried_n = s->tried.n;
	if (s->tried.n)
		memcpy(s->out.tried, s->tried.at, s->tried.n * sizeof *s->tried.at);
	for (size_t i = 0; i < s->tried.n; i++) {
		const struct fleet *f = &s->out.tried[i];

		if (f->why == FLEET_HOLDS && (!s->out.best || f->value < s->out.best->value))
			s->out.best = f;
	}
	s->out.proved = !s->out.stopped;
	VEC_FREE(&s->candidates);
	VEC_FREE(&s->tried);
	VEC_FREE(&s->verdicts);
}

struct fleets fleets_find(struct arena *a, const struct fleets_ask *ask)
{
	struct search s = {.ask = ask, .arena = a, .best = INFINITY};

	BUG_ON(ask->n > FLEET_KINDS || ask->spare > FLEET_SPARE);
	s.counts = arena_array(a, ask->n ? ask->n : 1, sizeof *s.counts);
	/* fleets of one kind first: the best of them bounds those of several */
	for (int kinds = 1; kinds <= ask->mixed && !s.out.stopped; kinds++) {
		choose(&s, 0, 0, kinds, 0, 0, 0);
		walk(&s);
	}
	if (!s.out.stopped) {
		choose_pools(&s);
		walk(&s);
	}
	finish(&s);
	return s.out;
}
