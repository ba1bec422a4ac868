/* shard_sizes.c - see shard_sizes.h. */
#include "sim/place/shard_sizes.h"

#include <math.h>
#include <stdlib.h>

#include "sim/llm/routing.h"

bool shard_sizes_whole(const double *share, int n, int64_t things, int64_t *out)
{
	int64_t left = things;

	if (things < n)
		return false;
	for (int i = 0; i < n; i++) {
		out[i] = (int64_t)floor(share[i] * (double)things + 1e-9);
		out[i] = out[i] < 1 ? 1 : out[i];
		left -= out[i];
	}
	while (left) { /* add one where most is lacking, or take one where the excess is largest */
		const int step = left > 0 ? 1 : -1;
		int best = -1;

		for (int i = 0; i < n; i++) {
			const double lacks = step * (share[i] * (double)things - (double)out[i]);

			if (out[i] + step < 1)
				continue;
			if (best < 0 ||
			    lacks > step * (share[best] * (double)things - (double)out[best]) + 1e-9)
				best = i;
		}
		out[best] += step;
		left -= step;
	}
	return true;
}

struct interval shard_sizes_interval(const struct shards *s, int i)
{
	struct interval x = {0, 0};

	if (s->ranks > 1) /* as the first of them */
		return (struct interval){0, 1.0 / s->ranks};
	if (s->data)
		return (struct interval){0, 1};
	for (int k = 0; k < i; k++)
		x.from += s->share[k];
	x.to = i == s->n - 1 ? 1 : x.from + s->share[i];
	return x;
}

enum { INTERVALS_MAX = PHASE_N * SHARDS_MAX };

/* The length of the union of the intervals, which are sorted on the way. */
static double covered(struct interval *x, int n)
{
	double sum = 0, at = 0;

	for (int i = 0; i < n; i++) {
		for (int k = i + 1; k < n; k++) {
			const struct interval swap = x[i];

			if (x[k].from < x[i].from) {
				x[i] = x[k];
				x[k] = swap;
			}
		}
		if (x[i].to <= at)
			continue;
		sum += x[i].to - fmax(at, x[i].from);
		at = x[i].to;
	}
	return sum;
}

/* The share of a layer's experts that a machine holds for any of some phases. */
static double experts_held(const struct placement *p, const enum phase *phases, size_t n, size_t block,
			   size_t machine)
{
	const struct experts *x = p->world->model->experts;
	int *owner = xcalloc((size_t)x->count, sizeof *owner);
	bool *here = xcalloc((size_t)x->count, sizeof *here);
	int64_t counts[SHARDS_MAX], held = 0;

	for (size_t k = 0; k < n; k++) {
		const struct shards *s =
			p->shard_groups[phases[k]] ? &p->shard_groups[phases[k]][block] : NULL;

		if (!s || !s->by_experts)
			continue;
		shard_group_experts(p->world->model, s, counts);
		routing_deal(x, counts, s->n, owner);
		for (int64_t i = 0; i < x->count; i++)
			here[i] |= p->world->units[s->unit[owner[i]]].machine == machine;
	}
	for (int64_t i = 0; i < x->count; i++)
		held += here[i];
	free(owner);
	free(here);
	return (double)held / (double)x->count;
}

double shard_sizes_held(const struct placement *p, const enum phase *phases, size_t n, size_t block,
			size_t machine)
{
	struct interval x[INTERVALS_MAX];
	int held = 0;
	bool by_experts = false;
	double part, experts;

	for (size_t k = 0; k < n; k++) {
		const struct shards *s =
			p->shard_groups[phases[k]] ? &p->shard_groups[phases[k]][block] : NULL;

		by_experts |= s && s->by_experts;
		for (int i = 0; s && !s->by_experts && i < s->n; i++)
			if (p->world->units[s->unit[i]].machine == machine)
				x[held++] = shard_sizes_interval(s, i);
	}
	part = covered(x, held);
	if (!by_experts)
		return part;
	/* it holds a part of every expert, and some experts entirely */
	experts = experts_held(p, phases, n, block, machine);
	return part + experts - part * experts;
}
