/* what_if.c - see what_if.h. */
#include "sim/place/what_if.h"

#include "sim/hw/programs.h"

/* Do two devices belong to machines that a link joins which is not one host's own? */
static bool are_apart(const struct world *w, size_t a, size_t b)
{
	const size_t use = w->units[a].machine == w->units[b].machine
				   ? WORLD_NONE
				   : world_link_use(w, w->units[a].machine, w->units[b].machine);

	return use != WORLD_NONE && !w->link_uses[use].link->local;
}

static const char *refused(const struct world *w, const struct shards *s)
{
	if (s->data || s->by_experts)
		return NULL;
	for (int i = 1; i < s->n; i++)
		if (are_apart(w, s->unit[0], s->unit[i]))
			return runtime_no_tensor_between(w->units[s->unit[i]].profile->origin.name);
	return NULL;
}

const char *placement_what_if(const struct placement *p)
{
	static const enum phase phases[] = {PHASE_PREFILL, PHASE_DECODE};

	for (size_t k = 0; k < ARRAY_LEN(phases); k++)
		for (size_t b = 0; p->shard_groups[phases[k]] && b < p->blocks_n; b++) {
			const char *why = refused(p->world, &p->shard_groups[phases[k]][b]);

			if (why)
				return why;
		}
	return NULL;
}
