/* cycle.c - see cycle.h. */
#include "sim/train/cycle.h"

#include <string.h>

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

bool cycle_find(const struct simulated_orders *o, uint32_t micros, size_t most, struct kept kept,
		struct cycles_left_out *out)
{
	size_t to = 0, cycles, before, after;

	if (!micros || o->actions_n % micros)
		return false;
	for (uint32_t per = 1; per <= most; per++) {
		if (!find_range(o, micros, per, out, &to))
			continue;
		cycles = (to - out->first) / out->len + 1;
		before = kept.before / per + 1;
		after = kept.after / per + 2;
		if (cycles <= before + after)
			return false;
		out->n = (uint32_t)(cycles - before - after);
		out->first += before * out->len;
		out->at_ns = o->actions[out->first].start_ns;
		return out->n * out->micros > micros / 3;
	}
	return false;
}

void cycle_leave_out(struct simulated_orders *o, const struct cycles_left_out *left)
{
	const size_t gone = left->n * left->len;

	for (size_t i = left->first + gone; i < o->actions_n; i++) {
		struct simulated_action *to = &o->actions[i - gone];

		*to = o->actions[i];
		to->action.micro -= left->n * left->micros;
		to->start_ns -= (sim_ns)left->n * left->ns;
	}
	o->actions_n -= gone;
}
