/* pipeline.c - see pipeline.h: layouts, the choice among orders, and their simulation. */
#include "sim/train/pipeline.h"

#include <string.h>

#include "sim/base/err.h"
#include "sim/base/sort.h"
#include "sim/train/cycle.h"
#include "sim/train/list_schedule.h"
#include "sim/train/published_schedules.h"

bool schedule_splits(enum train_schedule s)
{
	return s == SCHEDULE_ZB_H1 || s == SCHEDULE_ZB_H2 || s == SCHEDULE_ZB_V;
}

bool pipeline_is(const struct pipeline *p, enum layout layout)
{
	const size_t n = p->stages_n;

	if (layout == LAYOUT_CHAIN ? p->chunks_n != n
				   : p->chunks_n % n != 0 || (layout == LAYOUT_VEE && p->chunks_n != 2 * n))
		return false;
	for (size_t c = 0; c < p->chunks_n; c++) {
		const size_t *at = p->chunks[c].stage;
		const size_t due = layout == LAYOUT_VEE && c >= n ? 2 * n - 1 - c : c % n;

		if (at[PASS_FORWARD] != due || at[PASS_INPUT] != due || at[PASS_WEIGHTS] != due)
			return false;
	}
	return true;
}

struct pipeline pipeline_compared(const struct pipeline *p)
{
	enum { EACH_STAGE = 8, LEAST = 64 };
	const uint32_t n = (uint32_t)p->stages_n, all = p->micros + p->more;
	const uint32_t from = (EACH_STAGE * n > LEAST ? EACH_STAGE : (LEAST + n - 1) / n) * n;
	struct pipeline few = *p;

	few.more = 0;
	few.micros = all > from ? from + (all - from) % n : all;
	return few;
}

struct pipeline pipeline_joined(struct arena *a, const struct pipeline *p)
{
	struct chunk *chunks = arena_array(a, p->chunks_n, sizeof *chunks);
	struct pipeline joined = *p;

	memcpy(chunks, p->chunks, p->chunks_n * sizeof *chunks);
	for (size_t c = 0; c < p->chunks_n; c++) {
		if (chunks[c].ns[PASS_WEIGHTS] >= 0)
			chunks[c].ns[PASS_INPUT] += chunks[c].ns[PASS_WEIGHTS];
		chunks[c].ns[PASS_WEIGHTS] = -1;
	}
	joined.chunks = chunks;
	return joined;
}

/* ---- simulation ---- */

struct orders_simulator {
	const struct pipeline *p;
	const struct stage_orders *o;
	sim_ns *ends; /* [(chunk * micros + micro) * PASS_N + pass]; -1: not yet */
	size_t *at;   /* [stage]: actions done */
	struct hold { /* a change of the number of activations that a stage holds */
		sim_ns at_ns;
		int64_t by;
		size_t stage;
	} * holds;
	size_t holds_n;
	struct simulated_orders *r;
	sim_ns *free_ns;
};

static sim_ns *slot(const struct orders_simulator *r, size_t chunk, uint32_t micro, enum pass_kind pass)
{
	return &r->ends[(chunk * r->p->micros + micro) * PASS_N + pass];
}

/* The time at which an action's inputs are available; -1: not computed yet. */
static sim_ns inputs_ns(const struct orders_simulator *r, const struct action *t)
{
	const struct chunk *chunks = r->p->chunks;
	const size_t c = t->chunk;
	sim_ns own, at;

	if (t->pass == PASS_FORWARD) {
		at = c ? *slot(r, c - 1, t->micro, PASS_FORWARD) : 0;
		return at < 0 || !c ? at : at + chunks[c - 1].hop_ns[0];
	}
	own = *slot(r, c, t->micro, t->pass == PASS_INPUT ? PASS_FORWARD : PASS_INPUT);
	if (own < 0 || t->pass == PASS_WEIGHTS || c + 1 == r->p->chunks_n)
		return own;
	at = *slot(r, c + 1, t->micro, PASS_INPUT);
	if (at < 0)
		return -1;
	at += chunks[c + 1].hop_ns[1];
	return at > own ? at : own;
}

static void keep(struct orders_simulator *r, const struct action *t, sim_ns start, sim_ns end)
{
	const struct chunk *k = &r->p->chunks[t->chunk];
	const enum pass_kind last = k->ns[PASS_WEIGHTS] >= 0 ? PASS_WEIGHTS : PASS_INPUT;

	if (k->ns[PASS_INPUT] < 0)
		return;
	if (t->pass == PASS_FORWARD)
		r->holds[r->holds_n++] = (struct hold){start, 1, k->stage[PASS_INPUT]};
	else if (t->pass == last)
		r->holds[r->holds_n++] = (struct hold){end, -1, k->stage[PASS_INPUT]};
}

static bool advance(struct orders_simulator *r, size_t stage)
{
	const struct action *t = &r->o->stages[stage].at[r->at[stage]];
	struct simulated_stage *s = &r->r->stages[stage];
	const sim_ns inputs = inputs_ns(r, t), takes = r->p->chunks[t->chunk].ns[t->pass];
	sim_ns *end = slot(r, t->chunk, t->micro, t->pass);
	sim_ns start;

	if (inputs < 0)
		return false;
	BUG_ON(takes < 0 || *end >= 0); /* no such pass, or twice */
	start = inputs > r->free_ns[stage] ? inputs : r->free_ns[stage];
	r->r->actions[r->r->actions_n++] = (struct simulated_action){*t, start};
	*end = r->free_ns[stage] = s->last_ns = start + takes;
	s->busy_ns += takes;
	if (!r->at[stage]++)
		s->first_ns = start;
	if (*end > r->r->makespan_ns)
		r->r->makespan_ns = *end;
	keep(r, t, start, *end);
	return true;
}

static bool is_before(const struct hold *a, const struct hold *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns
				    : a->by < b->by; /* at one instant, what is released goes first */
}
SORT_DEFINE(sort_holds, struct hold, is_before);

static bool complete(const struct orders_simulator *r)
{
	for (size_t c = 0; c < r->p->chunks_n; c++)
		for (uint32_t k = 0; k < r->p->micros; k++)
			for (int x = 0; x < PASS_N; x++)
				if (r->p->chunks[c].ns[x] >= 0 && *slot(r, c, k, (enum pass_kind)x) < 0)
					return false;
	return true;
}

struct simulated_orders pipeline_simulate(struct arena *a, const struct pipeline *p,
					  const struct stage_orders *o)
{
	const size_t slots = p->chunks_n * p->micros * PASS_N;
	struct arena scratch = ARENA_INIT;
	struct simulated_orders out = {.stages = arena_array(a, p->stages_n, sizeof *out.stages)};
	struct orders_simulator r = {.p = p, .o = o, .r = &out};
	int64_t *held = arena_array(&scratch, p->stages_n, sizeof *held);
	bool moved = true;

	out.actions = arena_array(a, slots, sizeof *out.actions);
	r.ends = arena_array(&scratch, slots, sizeof *r.ends);
	r.at = arena_array(&scratch, p->stages_n, sizeof *r.at);
	r.free_ns = arena_array(&scratch, p->stages_n, sizeof *r.free_ns);
	r.holds = arena_array(&scratch, slots, sizeof *r.holds);
	for (size_t i = 0; i < slots; i++)
		r.ends[i] = -1;
	while (moved) {
		moved = false;
		for (size_t i = 0; i < p->stages_n; i++)
			while (r.at[i] < o->stages[i].n && advance(&r, i))
				moved = true;
	}
	out.whole = complete(&r);
	sort_holds(r.holds, r.holds_n);
	for (size_t i = 0; i < r.holds_n; i++) {
		const size_t s = r.holds[i].stage;

		held[s] += r.holds[i].by;
		if (held[s] > out.stages[s].held)
			out.stages[s].held = held[s];
	}
	arena_release(&scratch);
	return out;
}

/* ---- the choice ---- */

/* Micro-batches that a stage holds by the schedule's own rule: p (1F1B, ZB-H1, ZB-V), 2p - 1 (ZB-H2), all
 * (GPipe). */
static int64_t own_limit(enum train_schedule s, const struct pipeline *p)
{
	const int64_t n = (int64_t)p->stages_n;
	const int64_t own = s == SCHEDULE_GPIPE ? p->micros : s == SCHEDULE_ZB_H2 ? 2 * n - 1 : n;

	return p->in_flight && p->in_flight < own ? p->in_flight : own;
}

/* The same limit in chunks, for each stage. Interleaving holds as many as its warm-up takes. */
static int64_t *limits_of(struct arena *a, enum train_schedule s, const struct pipeline *p)
{
	int64_t *hold = arena_array(a, p->stages_n, sizeof *hold);
	const int64_t n = (int64_t)p->stages_n;

	for (size_t c = 0; c < p->chunks_n; c++)
		hold[p->chunks[c].stage[PASS_INPUT]] += own_limit(s, p);
	for (size_t i = 0; i < p->stages_n && s == SCHEDULE_INTERLEAVED && !p->in_flight; i++)
		hold[i] += 2 * (n - 1 - (int64_t)i) + 1 - n;
	return hold;
}

static bool within(const struct simulated_orders *r, const int64_t *hold, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (r->stages[i].held > hold[i])
			return false;
	return true;
}

/* Returns whether a is shorter than b, or as short with less idle time between a stage's first and last
 * pass, so that the next step can begin sooner. */
static bool better(const struct simulated_orders *a, const struct simulated_orders *b, size_t n)
{
	sim_ns gap[2] = {0};

	if (a->makespan_ns != b->makespan_ns)
		return a->makespan_ns < b->makespan_ns;
	for (size_t i = 0; i < n; i++) {
		const struct simulated_stage *s[2] = {&a->stages[i], &b->stages[i]};

		for (int k = 0; k < 2; k++) {
			const sim_ns idle = s[k]->last_ns - s[k]->first_ns - s[k]->busy_ns;

			gap[k] = idle > gap[k] ? idle : gap[k];
		}
	}
	return gap[0] < gap[1];
}

static struct stage_orders listed(struct arena *a, const struct pipeline *p, const struct limits *l,
				  const struct limits *safe)
{
	struct stage_orders o;

	if (!list_schedule(a, p, l, &o) && !list_schedule(a, p, safe, &o))
		BUG("a list schedule that limits only how many begin locks up");
	return o;
}

enum { POLISHED = 256 }; /* actions: beyond that, a swap gains little and trying all takes long */

static bool may_swap(const struct action *a, const struct action *b)
{
	return a->chunk != b->chunk || a->pass != b->pass; /* micro-batches stay in their order */
}

/* Tries each pair of neighbours in the other order; true if one of them was better so. */
static bool sweep(struct arena *a, const struct pipeline *p, const int64_t *hold, struct stage_orders *o,
		  struct simulated_orders *now)
{
	bool gained = false;

	for (size_t i = 0; i < p->stages_n; i++) {
		for (size_t k = 0; k + 1 < o->stages[i].n; k++) {
			struct action *at = &o->stages[i].at[k];
			const struct action swap = at[0];
			struct simulated_orders r;

			if (!may_swap(&at[0], &at[1]))
				continue;
			at[0] = at[1];
			at[1] = swap;
			r = pipeline_simulate(a, p, o);
			if (r.whole && within(&r, hold, p->stages_n) && better(&r, now, p->stages_n)) {
				*now = r;
				gained = true;
				continue;
			}
			at[1] = at[0];
			at[0] = swap;
		}
	}
	return gained;
}

static struct stage_orders polished(struct arena *a, const struct pipeline *p, const int64_t *hold,
				    struct stage_orders o)
{
	struct simulated_orders now = pipeline_simulate(a, p, &o);
	size_t actions = 0;

	for (size_t i = 0; i < p->stages_n; i++)
		actions += o.stages[i].n;
	for (int i = 0; actions <= POLISHED && i < 8 && sweep(a, p, hold, &o, &now); i++)
		o.published = false;
	return o;
}

/* Returns whether a list schedule is taken: the paper's order exceeds the limits, or is longer. */
static bool lists(struct arena *a, enum train_schedule s, const struct pipeline *p, const int64_t *hold,
		  const struct limits *l, const struct limits *safe)
{
	struct simulated_orders of_made, of_list;
	struct stage_orders made, list;

	if (!published(a, s, p, &made))
		return true;
	list = listed(a, p, l, safe);
	of_made = pipeline_simulate(a, p, &made);
	of_list = pipeline_simulate(a, p, &list);
	BUG_ON(!of_list.whole);
	return !of_made.whole || !within(&of_made, hold, p->stages_n) ||
	       better(&of_list, &of_made, p->stages_n);
}

/* The paper's order or a list schedule. */
static struct stage_orders best(struct arena *a, enum train_schedule s, const struct pipeline *p)
{
	const struct pipeline few = pipeline_compared(p);
	const int64_t *hold = limits_of(a, s, p);
	const struct limits l = {p->micros, hold, false, NULL}, safe = {own_limit(s, p), NULL, false, hold};
	struct arena scratch = ARENA_INIT;
	const bool list = lists(&scratch, s, &few, hold, &l, &safe);
	struct stage_orders o;

	arena_release(&scratch);
	if (list)
		o = listed(a, p, &l, &safe);
	else
		published(a, s, p, &o);
	return few.micros < p->micros + p->more ? o : polished(a, p, hold, o);
}

/* The paper's order, if there is one and the limit allows it. */
static struct stage_orders made(struct arena *a, enum train_schedule s, const struct pipeline *p)
{
	const struct limits l = {own_limit(s, p), NULL, s == SCHEDULE_GPIPE, NULL};
	struct stage_orders o;

	if (published(a, s, p, &o)) {
		const struct simulated_orders r = pipeline_simulate(a, p, &o);

		BUG_ON(!r.whole);
		if (!p->in_flight || s <= SCHEDULE_GPIPE || within(&r, limits_of(a, s, p), p->stages_n))
			return o;
	}
	return listed(a, p, &l, &l);
}

struct stage_orders pipeline_make(struct arena *a, enum train_schedule s, const struct pipeline *p)
{
	struct pipeline joined;
	struct stage_orders o;

	BUG_ON(s == SCHEDULE_ZB_V && !pipeline_is(p, LAYOUT_VEE));
	if (schedule_splits(s))
		return best(a, s, p);
	joined = pipeline_joined(a, p);
	if (s == SCHEDULE_INTERLEAVED && pipeline_is(p, LAYOUT_CHAIN))
		s = SCHEDULE_1F1B; /* one chunk a stage */
	o = s == SCHEDULE_INTERLEAVED ? best(a, s, &joined) : made(a, s, &joined);
	o.joined = true;
	return o;
}
