/* exchange.c - see exchange.h. */
#include "sim/step/exchange.h"

#include "sim/llm/memory.h"
#include "sim/step/collective.h"

static size_t machine_of(const struct exchange *e, size_t unit)
{
	return e->program->world->units[unit].machine;
}

/* The devices of the exchange that are on device i's machine, as bits. */
static uint64_t beside(const struct exchange *e, int i)
{
	uint64_t set = 0;

	for (int j = 0; j < e->at->n; j++)
		if (machine_of(e, e->at->unit[j]) == machine_of(e, e->at->unit[i]))
			set |= (uint64_t)1 << j;
	return set;
}

static int first_of(uint64_t set)
{
	int i = 0;

	while (!(set >> i & 1))
		i++;
	return i;
}

/* The router's device that sends rows to a machine and receives its sums: the one on that machine,
 * otherwise by turns. */
static int home_of(const struct exchange *e, int i)
{
	for (int r = 0; r < e->home->n; r++)
		if (machine_of(e, e->home->unit[r]) == machine_of(e, e->at->unit[i]))
			return r;
	return i % e->home->n;
}

static double numbers_B(const struct exchange *e, double numbers)
{
	return format_bytes((enum format_id)e->program->world->scenario->precision.compute, numbers);
}

/* The bytes sent to a machine: each row once and, where routing weights are sent, one for each pair of row
 * and expert. */
static double rows_B(const struct exchange *e, uint64_t set, bool weights)
{
	const struct model *m = e->program->world->model;
	const struct routed here = shard_group_routed(m, e->at, set, (double)graph_rows(e->shape));

	return numbers_B(e, here.tokens * (double)m->hidden + (weights ? here.rows : 0));
}

static struct deps send(const struct exchange *e, size_t from, size_t to, double bytes,
			const struct deps *after)
{
	const bool out = shard_group_beside(e->program->world, e->home, from);
	const struct message m = {.kind = CLASS_SEND, .from = from, .to = to, .bytes = bytes, .opens = true};
	struct label label = e->label;

	label.payload = out ? PAYLOAD_DISPATCH : PAYLOAD_COMBINE;
	return program_message(e->program, &m, label, after);
}

static void dispatch(const struct exchange *e, const struct deps *after, struct deps there[SHARDS_MAX])
{
	const bool weights = e->label.phase != PHASE_BACKWARD;

	for (int i = 0; i < e->at->n; i++) {
		const uint64_t set = beside(e, i);

		there[i] = first_of(set) < i ? there[first_of(set)]
					     : send(e, e->home->unit[home_of(e, i)], e->at->unit[i],
						    rows_B(e, set, weights), after);
	}
}

/* have[r]: the tasks after which the router's device r has the sums of its machines. */
static void combine(const struct exchange *e, const struct deps *made, struct deps have[SHARDS_MAX])
{
	const bool weights = e->label.phase == PHASE_BACKWARD;

	for (int i = 0; i < e->at->n; i++) {
		const uint64_t set = beside(e, i);
		struct deps all = {.n = 0}, came;

		if (first_of(set) < i)
			continue;
		for (int j = i; j < e->at->n; j++)
			if (set >> j & 1)
				deps_add(e->program, &all, made->task[j]);
		came = send(e, e->at->unit[i], e->home->unit[home_of(e, i)], rows_B(e, set, weights), &all);
		deps_join(e->program, &have[home_of(e, i)], &came);
	}
}

struct deps exchange_put(const struct exchange *e, const struct deps *after, const struct deps *with)
{
	const struct world *w = e->program->world;
	const double rows = (double)graph_rows(e->shape);
	const struct collective c = {.bytes = rows * graph_hidden_B(w->model, &w->scenario->precision)};
	struct deps there[SHARDS_MAX], have[SHARDS_MAX], made, all = {.n = 0};

	dispatch(e, after, there);
	made = program_ops_each(e->program, e->shape, e->at, e->label, there);
	for (int r = 0; r < e->home->n; r++) {
		have[r] = *after;
		if (with)
			deps_add(e->program, &have[r], with->task[r]);
	}
	combine(e, &made, have);
	if (e->home->n > 1)
		collective_put_each(e->program, e->home, &c, collective_way(w, e->home, &c), e->label, have);
	for (int r = 0; r < e->home->n; r++)
		deps_join(e->program, &all, &have[r]);
	return all;
}
