/* cycle.c - see cycle.h. */
#include "sim/train/cycle.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/sort.h"

bool cycle_same(const struct simulated_action *a, const struct simulated_action *b, uint32_t micros,
		sim_ns ns)
{
	return a->action.micro + micros == b->action.micro && a->action.chunk == b->action.chunk &&
	       a->action.pass == b->action.pass && a->start_ns + ns == b->start_ns;
}

/* Returns whether action i + len is action i one cycle later. */
static bool repeats(const struct simulated_orders *o, size_t i, const struct cycles_left_out *c)
{
	return i + c->len < o->actions_n &&
	       cycle_same(&o->actions[i], &o->actions[i + c->len], c->micros, c->ns);
}

/* Returns whether the actions in the middle are a cycle of so many micro-batches, and from where to where it is repeated. */
static bool find_range(const struct simulated_orders *o, uint32_t micros, uint32_t per,
		       struct cycles_left_out *c, size_t *to)
{
	const size_t middle = o->actions_n / 2;

	*c = (struct cycles_left_out){.len = o->actions_n / micros * per, .micros = per};
	if (middle + 2 * c->len > o->actions_n)
		return false;
	c->ns = o->actions[middle + c->len].start_ns - o->actions[middle].start_ns;
	for (size_t i = middle; i < middle + c->len; i++)
		if (!repeats(o, i, c))
			return false;
	for (c->first = middle; c->first && repeats(o, c->first - 1, c);)
		c->first--;
	for (*to = middle + c->len; repeats(o, *to, c);)
		++*to;
	return true;
}

bool cycle_find(const struct simulated_orders *o, const struct pipeline *p, size_t most, struct kept kept,
		struct cycles_left_out *out)
{
	const uint32_t micros = p->micros;
	size_t to = 0, cycles, before, after;

	if (!micros || o->actions_n % micros)
		return false;
	for (uint32_t per = 1; per <= most; per++) {
		if (!find_range(o, micros, per, out, &to))
			continue;
		cycles = (to - out->first) / out->len + 1;
		before = kept.before / per + 1;
		before = before < 4 * kept.fold ? 4 * kept.fold : before;
		after = kept.after / per + 1 + kept.cycles * kept.fold;
		if (cycles < before + after + kept.fold || p->more % per)
			return false;
		out->n = (uint32_t)((cycles - before - after + p->more / per) / kept.fold);
		out->first += before * out->len;
		out->at_ns = o->actions[out->first].start_ns;
		out->after = (uint32_t)kept.cycles;
		out->len *= kept.fold;
		out->micros *= (uint32_t)kept.fold;
		out->ns *= (sim_ns)kept.fold;
		return (uint64_t)out->n * out->micros > (micros + p->more) / 3;
	}
	return false;
}

void cycle_leave_out(struct simulated_orders *o, const struct pipeline *p, const struct cycles_left_out *left)
{
	const uint32_t micros = left->n * left->micros - p->more;
	const size_t gone = micros * (left->len / left->micros);

	for (size_t i = left->first + gone; i < o->actions_n; i++) {
		struct simulated_action *to = &o->actions[i - gone];

		*to = o->actions[i];
		to->action.micro -= micros;
		to->start_ns -= (sim_ns)micros * left->ns / left->micros;
	}
	o->actions_n -= gone;
}

/* ---- what goes on ---- */

uint32_t cycle_common(uint32_t a, uint32_t b)
{
	enum { MOST = 1 << 12 };
	uint64_t x = a, y = b;

	while (y) {
		const uint64_t rest = x % y;

		x = y;
		y = rest;
	}
	if (!x || (uint64_t)a / x * b > MOST)
		return 0;
	return (uint32_t)(a / x * b);
}

static int by_ns(const void *x, const void *y)
{
	const sim_ns a = *(const sim_ns *)x, b = *(const sim_ns *)y;

	return (a > b) - (a < b);
}

size_t cycle_under_way(struct arena *a, const struct pipeline *p, const struct simulated_orders *o)
{
	sim_ns *first = arena_array(a, p->micros, sizeof *first),
	       *last = arena_array(a, p->micros, sizeof *last);
	size_t most = 0, ended = 0;

	for (uint32_t k = 0; k < p->micros; k++)
		first[k] = INT64_MAX;
	for (size_t i = 0; i < o->actions_n; i++) {
		const struct simulated_action *at = &o->actions[i];
		const sim_ns end = at->start_ns + p->chunks[at->action.chunk].ns[at->action.pass];
		const uint32_t k = at->action.micro;

		first[k] = at->start_ns < first[k] ? at->start_ns : first[k];
		last[k] = end > last[k] ? end : last[k];
	}
	if (!p->micros)
		return 0;
	qsort(first, p->micros, sizeof *first, by_ns);
	qsort(last, p->micros, sizeof *last, by_ns);
	for (uint32_t k = 0; k < p->micros; k++) {
		while (last[ended] <= first[k] && ended < k)
			ended++;
		most = k + 1 - ended > most ? k + 1 - ended : most;
	}
	return most;
}

static bool starts_before(const struct simulated_action *a, const struct simulated_action *b)
{
	if (a->start_ns != b->start_ns)
		return a->start_ns < b->start_ns;
	if (a->action.chunk != b->action.chunk)
		return a->action.chunk < b->action.chunk;
	if (a->action.pass != b->action.pass)
		return a->action.pass < b->action.pass;
	return a->action.micro < b->action.micro;
}
SORT_DEFINE(sort_actions, struct simulated_action, starts_before);

struct simulated_action *cycle_sorted(struct arena *a, const struct pipeline *p,
				      const struct simulated_orders *o)
{
	struct simulated_action *sorted = arena_room(a, o->actions_n, sizeof *sorted);
	bool instant = false;

	for (size_t c = 0; c < p->chunks_n; c++)
		for (int x = 0; x < PASS_N; x++)
			instant |= !p->chunks[c].ns[x];
	if (!o->actions_n)
		return sorted;
	memcpy(sorted, o->actions, o->actions_n * sizeof *sorted);
	if (!instant)
		sort_actions(sorted, o->actions_n);
	return sorted;
}

bool cycle_goes_on(struct arena *a, const struct pipeline *p, const struct simulated_orders *o,
		   struct cycles_left_out *out)
{
	const size_t under_way = cycle_under_way(a, p, o);
	size_t to = 0;

	if (!p->micros || o->actions_n % p->micros)
		return false;
	for (uint32_t per = 1; per <= 2 * p->stages_n; per++)
		if (find_range(o, p->micros, per, out, &to))
			return to - out->first >= (under_way / per + 3) * out->len;
	return false;
}
