/* shard_group.c - see shard_group.h. */
#include "sim/place/shard_group.h"

#include <math.h>
#include <stdlib.h>

bool shard_group_same(const struct shards *a, const struct shards *b)
{
	if (a->n != b->n || a->data != b->data || a->by_experts != b->by_experts || a->ranks != b->ranks ||
	    a->by_tokens != b->by_tokens || a->overlaps != b->overlaps)
		return false;
	for (int i = 0; i < a->n; i++)
		if (a->unit[i] != b->unit[i] || a->share[i] != b->share[i])
			return false;
	return true;
}

double shard_group_sends(const struct shards *from, const struct shards *to)
{
	return from->by_tokens && to->by_tokens && from->ranks == to->ranks && from->n == to->n
		       ? from->share[0]
		       : 1;
}

bool shard_group_beside(const struct world *w, const struct shards *s, size_t unit)
{
	for (int i = 0; i < s->n; i++)
		if (w->units[s->unit[i]].machine == w->units[unit].machine)
			return true;
	return false;
}

void shard_group_experts(const struct model *m, const struct shards *s, int64_t counts[SHARDS_MAX])
{
	for (int i = 0; i < s->n; i++)
		counts[i] = llround(s->share[i] * (double)m->experts->count);
}

struct routed shard_group_routed(const struct model *m, const struct shards *s, uint64_t devices,
				 double tokens)
{
	int *owner = xcalloc((size_t)m->experts->count, sizeof *owner);
	int64_t counts[SHARDS_MAX];
	struct routed r;

	shard_group_experts(m, s, counts);
	routing_deal(m->experts, counts, s->n, owner);
	r = routing_to(m->experts, owner, devices, tokens);
	free(owner);
	return r;
}

bool shard_group_all_logits(const struct world *w, const struct shards *s)
{
	for (int i = 0; i < s->n; i++)
		if (w->units[s->unit[i]].profile->all_logits)
			return true;
	return false;
}

bool shard_group_caches_only(const struct world *w, const struct shards *s)
{
	for (int i = 0; i < s->n; i++)
		if (!w->units[s->unit[i]].profile->caches_only)
			return false;
	return s->n > 0;
}

bool shard_group_last_row(const struct world *w, const struct shards *s)
{
	for (int i = 0; i < s->n; i++)
		if (!w->units[s->unit[i]].profile->last_row)
			return false;
	return s->n > 0;
}

bool shard_group_last_apart(const struct world *w, const struct shards *s)
{
	return s->n > 0 && w->units[s->unit[0]].profile->last_apart;
}

const struct model *shard_group_model(const struct world *w, const struct shards *s, size_t mi)
{
	for (int i = 0; i < s->n; i++)
		if (w->units[s->unit[i]].machine == mi)
			return w->units[s->unit[i]].model;
	return s->n ? w->units[s->unit[0]].model : w->model;
}

static struct train_copies copies_of(const struct profile *p)
{
	const struct train_copies usual = {.logits = 2, .scores = p->attention.skips_mask ? 0 : 1};

	return p->train_copies.origin.node ? p->train_copies : usual;
}

struct train_copies shard_group_copies(const struct world *w, const struct shards *s)
{
	struct train_copies most = {.logits = 0};

	for (int i = 0; i < s->n; i++) {
		const struct train_copies c = copies_of(w->units[s->unit[i]].profile);

		most.logits = fmax(most.logits, c.logits);
		most.logits_f32 = fmax(most.logits_f32, c.logits_f32);
		most.logits_backward = fmax(most.logits_backward, c.logits_backward);
		most.logits_backward_f32 = fmax(most.logits_backward_f32, c.logits_backward_f32);
		most.scores = fmax(most.scores, c.scores);
		most.scores_f32 = fmax(most.scores_f32, c.scores_f32);
		most.adapter_inputs_f32 = fmax(most.adapter_inputs_f32, c.adapter_inputs_f32);
		most.scores_backward = fmax(most.scores_backward, c.scores_backward);
		most.scores_backward_f32 = fmax(most.scores_backward_f32, c.scores_backward_f32);
	}
	return most;
}

bool shard_group_writes_scores(const struct world *w, const struct shards *s)
{
	for (int i = 0; i < s->n; i++)
		if (!w->units[s->unit[i]].profile->attention.skips_mask)
			return true;
	return false;
}
