/* space.c - see space.h: layer maps, their devices and their number. Rules and words are in describe.c. */
#include "sim/search/space.h"

#include <math.h>
#include <string.h>

/* The ways to split the roles of a layer, by the roles of the second group: all but attention and its KV
 * cache; the experts with the FFN of dense layers, without or with the shared experts; the routed experts
 * alone. */
static const unsigned second_role_groups[SPLITS] = {
	1u << ROLE_FFN | 1u << ROLE_ROUTER | 1u << ROLE_SHARED | 1u << ROLE_EXPERTS,
	1u << ROLE_FFN | 1u << ROLE_EXPERTS, 1u << ROLE_FFN | 1u << ROLE_SHARED | 1u << ROLE_EXPERTS,
	1u << ROLE_EXPERTS, /* in a model whose first layers are dense, those stay whole */
};

static unsigned model_roles(const struct model *m)
{
	unsigned roles = 0;

	for (int r = 0; r < ROLE_N; r++)
		roles |= model_has(m, (enum role)r) ? 1u << r : 0;
	return roles;
}

size_t space_splits(const struct model *m, struct split out[SPLITS])
{
	const unsigned roles = model_roles(m);
	size_t n = 0;

	for (size_t i = 0; i < SPLITS; i++) {
		const unsigned second = second_role_groups[i] & roles;
		bool known = !second;

		for (size_t j = 0; j < n; j++)
			known |= out[j].second == second;
		if (!known)
			out[n++] = (struct split){second};
	}
	return n;
}

size_t layer_map_unit(const struct model *m, const struct layer_map *l, size_t block)
{
	const struct block b = model_block(m, block);

	if (b.layer < 0)
		return b.part.role == ROLE_HEAD ? l->head : l->embedding;
	return l->unit[l->second >> b.part.role & 1][b.layer];
}

uint8_t *layer_map_units(struct arena *a, const struct model *m, const struct layer_map *l)
{
	const size_t n = model_blocks(m);
	uint8_t *units = arena_array(a, n, sizeof *units);

	for (size_t b = 0; b < n; b++)
		units[b] = (uint8_t)layer_map_unit(m, l, b);
	return units;
}

struct shards *layer_map_shard_groups(struct arena *a, const struct model *m, const struct layer_map *l)
{
	const size_t n = model_blocks(m);
	struct shards *shard_groups = arena_array(a, n, sizeof *shard_groups);

	for (size_t b = 0; b < n; b++)
		shard_groups[b] = (struct shards){.n = 1, .unit = {layer_map_unit(m, l, b)}, .share = {1}};
	return shard_groups;
}

struct layer_map layer_map_all_on(struct arena *a, const struct world *w, size_t unit)
{
	struct layer_map l = {.embedding = (uint8_t)unit, .head = (uint8_t)unit};

	for (int g = 0; g < GROUPS; g++) {
		l.unit[g] = arena_array(a, (size_t)w->model->layers, 1);
		memset(l.unit[g], (int)unit, (size_t)w->model->layers);
	}
	return l;
}

bool layer_map_same(const struct model *m, const struct layer_map *a, const struct layer_map *b)
{
	const size_t n = model_blocks(m);

	for (size_t i = 0; i < n; i++)
		if (layer_map_unit(m, a, i) != layer_map_unit(m, b, i))
			return false;
	return true;
}

bool layer_has_roles(const struct model *m, unsigned roles, size_t layer)
{
	for (size_t b = model_layer_begin(m, (int64_t)layer); b < model_layer_begin(m, (int64_t)layer + 1);
	     b++)
		if (roles >> model_block(m, b).part.role & 1)
			return true;
	return false;
}

size_t space_unjoined(const struct world *w, const struct unit_set *units)
{
	size_t n = 0;

	for (size_t u = 0; u < w->units_n; u++)
		for (size_t v = 0; v < u && unit_set_has(units, u); v++) {
			const size_t a = w->units[u].machine, b = w->units[v].machine;

			n += unit_set_has(units, v) && a != b && world_link_use(w, a, b) == WORLD_NONE;
		}
	return n;
}

bool space_on_one(unsigned units)
{
	return !(units & (units - 1));
}

/* The number of ordered partitions of the layers into k ranges on k of the units, summed over k. */
static double count_ranges(double layers, size_t units)
{
	double sum = 0, cuts = 1, orders = 1;

	for (size_t k = 1; k <= units && (double)k <= layers; k++) {
		orders *= (double)(units - k + 1);
		sum += orders * cuts;
		cuts *= (layers - (double)k) / (double)k;
	}
	return sum;
}

double space_count(const struct model *m, size_t units)
{
	struct split splits[SPLITS];
	const double whole = count_ranges((double)m->layers, units);
	const size_t n = space_splits(m, splits);
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		double layers = 0;

		for (size_t l = 0; l < (size_t)m->layers; l++)
			layers += layer_has_roles(m, splits[i].second, l);
		sum += whole * count_ranges(layers, units);
	}
	/* a layer map whose groups are together counts once, not once for each split */
	return (sum - (double)(n - 1) * whole) * (m->ends ? (double)units * (double)units : 1);
}

/* In a training step devices may stand for equal ones, as the workload says. */
static const struct shards *stand_for_equals(struct shards *shard_groups, const struct world *w, enum job job)
{
	for (size_t b = 0; job == JOB_TRAIN && b < model_blocks(w->model); b++)
		placement_share_among_equals(&shard_groups[b], &w->scenario->workload.train->options);
	return shard_groups;
}

struct placement candidate_place(struct arena *a, const struct world *w, const struct candidate *c)
{
	struct assignment *as = arena_alloc(a, sizeof *as);
	struct placement p = {.world = w, .assignment = as, .blocks_n = model_blocks(w->model)};
	const enum phase other = job_phases(c->job).first;
	const struct shards *shard_groups[PHASE_GROUPS];

	as->name = "candidate";
	for (int i = 0; i < PHASE_GROUPS; i++)
		shard_groups[i] =
			stand_for_equals(layer_map_shard_groups(a, w->model, c->phase_group[i]), w, c->job);
	for (int x = 0; x < PHASE_N; x++)
		if (workload_runs(&w->scenario->workload, (enum phase)x))
			p.shard_groups[x] = shard_groups[(enum phase)x != other];
	return p;
}
