/* anneal_walk.c - see anneal_walk.h. */
#include "sim/search/anneal_walk.h"

#include <math.h>
#include <string.h>

#include "sim/base/exact_math.h"
#include "sim/predict/program_job.h"
#include "sim/search/search.h"
#include "sim/search/search_job.h"

enum { MOVES_PER_CHAIN = 4000, PER_CLASS = 64, NEIGHBOUR_TRIES = 20 };

/* The temperature falls to almost none. */
static const double temperature_end = 1e-4;
/* A state that exceeds a memory or breaks a limit is worse by a penalty that grows with the violation, so
 * that chains can pass through such states. A state on machines that no link joins gets a penalty above all
 * of these. */
static const double penalty_step = 0.1, penalty_slope = 4, penalty_max = 50, penalty_unjoined = 1000;

/* ---- energy of a state ---- */

/* The footprint of the evaluated candidate on each machine. */
static void footprint_of(const struct anneal_walk *w, struct footprint *out)
{
	const struct annealed *k = &w->evaluated;
	const struct candidate c = {.job = w->of->ask.job,
				    .phase_group = {&k->phase_group[0], &k->phase_group[k->single ? 0 : 1]}};
	const struct footprint_table *table = w->of->memory[k->variant - w->of->ask.variants];
	struct arena scratch = ARENA_INIT;
	struct placement place;

	if (table) {
		footprint_table_sum(table, k->at[0], k->at[1], out);
		return;
	}
	place = candidate_place(&scratch, k->variant->w, &c);
	job_types[w->of->ask.job]->programs->footprint(&place, out);
	arena_release(&scratch);
}

double walk_excess(const struct anneal_walk *w, double *over)
{
	const struct annealed *k = &w->evaluated;
	const struct world *world = k->variant->w;
	const uint8_t *const at[PHASE_GROUPS] = {k->at[0], k->at[1]};
	struct footprint footprint[SPACE_UNITS];
	double need_B[SPACE_UNITS], sum = 0;

	block_costs_machine_weights_B(&k->variant->block_costs, at, need_B);
	for (size_t m = 0; m < world->machines_n; m++)
		sum += over[m] = fmax(0, need_B[m] / world->machines[m].memory.usable.value - 1);
	if (sum > 0 || !job_types[w->of->ask.job]->programs->footprint)
		return sum;
	footprint_of(w, footprint);
	for (size_t m = 0; m < world->machines_n; m++)
		sum += over[m] = footprint_short_B(&footprint[m]) / world->machines[m].memory.usable.value;
	return sum;
}

static double memory_excess(const struct anneal_walk *w)
{
	double over[SPACE_UNITS];

	return walk_excess(w, over);
}

void walk_sum(const struct anneal_walk *w, struct phase_group_sum sums[PHASE_GROUPS])
{
	const struct annealed *k = &w->evaluated;
	const struct block_costs *p = &k->variant->block_costs;
	const uint8_t *const at[PHASE_GROUPS] = {k->at[0], k->at[1]};

	block_costs_sum_both(p, at, w->pass_s, sums);
	if (!k->single)
		block_costs_add_handovers(p, at, sums);
}

/* The layers' devices, and those of the ends where the model has any. */
static void add_used(const struct anneal_walk *w, const uint8_t *at, struct unit_set *units)
{
	const size_t end = w->of->ask.w->model->ends ? 0 : 1;

	for (size_t b = end; b < w->of->space.blocks - end; b++)
		unit_set_add(units, at[b]);
}

static void lay_out_phase_group(struct anneal_walk *w, const struct anneal_state *anneal_state,
				int phase_group)
{
	struct annealed *k = &w->evaluated;

	anneal_state_layer_map(&w->of->space, &anneal_state->phase_group[phase_group],
			       &k->phase_group[phase_group], k->at[phase_group]);
	k->kind |= anneal_state_kind(&w->of->space, &k->phase_group[phase_group], k->at[phase_group]);
	add_used(w, k->at[phase_group], &k->units);
}

/* Phase groups that are not split have one map. */
void walk_lay_out(struct anneal_walk *w, const struct anneal_state *anneal_state)
{
	const size_t layers = w->of->space.layers;
	struct annealed *k = &w->evaluated;

	k->variant = &w->of->ask.variants[anneal_state->variant];
	k->kind = 0;
	k->units = (struct unit_set){{0}};
	lay_out_phase_group(w, anneal_state, 0);
	if (anneal_state->phases_split) {
		lay_out_phase_group(w, anneal_state, 1);
	} else {
		struct layer_map both = k->phase_group[0];

		for (int g = 0; g < GROUPS; g++)
			both.unit[g] = memcpy(k->phase_group[1].unit[g], both.unit[g], layers);
		k->phase_group[1] = both;
		memcpy(k->at[1], k->at[0], w->of->space.blocks);
	}
	k->single = !anneal_state->phases_split || !memcmp(k->at[0], k->at[1], w->of->space.blocks);
	k->kind |= k->single ? 0 : HAS_PHASES;
}

void walk_evaluate(struct anneal_walk *w, const struct anneal_state *anneal_state, double most)
{
	const struct block_costs *p = &w->of->ask.variants[anneal_state->variant].block_costs;
	struct annealed *k = &w->evaluated;
	struct phase_group_sum phase_groups[PHASE_GROUPS];
	struct rate r;
	double over;
	size_t missing;

	w->tried++;
	walk_lay_out(w, anneal_state);
	missing = w->of->space.all_joined ? 0 : space_unjoined(p->w, &k->units);
	if (missing) {
		k->rank = INFINITY;
		w->energy = penalty_unjoined + (double)missing;
		return;
	}
	walk_sum(w, phase_groups);
	r = goal_rate_tied(p, w->of->ask.goal.minimized, &k->units);
	k->rank = rate_bound(p, &r, phase_groups) * search_complexity_penalty(&k->units, k->kind);
	w->energy = exact_log(fmax(k->rank, 1e-300));
	over = limits_violation(p, w->of->ask.limits, w->of->ask.limits_n, &k->units, phase_groups);
	w->energy += over > 0 ? fmin(penalty_max, penalty_step + penalty_slope * over) : 0;
	over = w->energy > most ? 0 : memory_excess(w);
	if (over > 0)
		w->energy += penalty_step + penalty_slope * over;
	if (over > 0 || w->energy > most)
		k->rank = INFINITY;
}

/* ---- the best candidates so far ---- */

static bool is_same(const struct annealed *a, const struct annealed *b)
{
	const size_t blocks = b->variant->block_costs.blocks;

	return a->variant == b->variant && !memcmp(a->at[0], b->at[0], blocks) &&
	       !memcmp(a->at[1], b->at[1], blocks);
}

static uint32_t class_number(const struct annealed *k)
{
	uint64_t number = k->kind;

	for (size_t i = 0; i < UNIT_WORDS; i++)
		number = (number ^ k->units.of[i]) * UINT64_C(0x9E3779B97F4A7C15);
	return (uint32_t)(number >> 32);
}

/* The worst on several devices; pool.n + 1: there is none. It stays the worst until it is replaced or one is added. */
static size_t worst_of_all(struct anneal_walk *w)
{
	size_t worst = w->pool.n + 1;

	if (w->worst != SIZE_MAX)
		return w->worst;
	for (size_t i = 0; i < w->pool.n; i++)
		if (!unit_set_on_one(&w->pool.at[i].units) &&
		    (worst > w->pool.n || w->pool.at[i].rank > w->pool.at[worst].rank))
			worst = i;
	w->worst = worst;
	return worst;
}

/* The index in the pool at which a candidate is to be stored: that of the worst candidate that it replaces, pool.n to append,
 * or pool.n + 1 not to store it. */
static size_t pool_slot(struct anneal_walk *w, const struct annealed *k)
{
	const size_t none = w->pool.n + 1;
	const uint32_t class = class_number(k);
	size_t of_class = 0, worst = none;

	for (size_t i = 0; i < w->pool.n; i++) {
		const struct annealed *have = &w->pool.at[i];

		if (w->class[i] != class || have->kind != k->kind || !unit_set_same(&have->units, &k->units))
			continue;
		if (is_same(have, k))
			return none;
		of_class++;
		if (worst == none || have->rank > w->pool.at[worst].rank)
			worst = i;
	}
	if (of_class < PER_CLASS && w->pool.n < WALK_POOL)
		return w->pool.n;
	if (of_class < PER_CLASS)
		worst = worst_of_all(w);
	return worst != none && k->rank < w->pool.at[worst].rank ? worst : none;
}

static uint8_t *copy_bytes(struct arena *a, uint8_t *old, const uint8_t *from, size_t n)
{
	return memcpy(old ? old : arena_array(a, n, 1), from, n);
}

/* Copies a candidate over another one of the arena, whose room is used again since all have as many layers and blocks, or
 * over one that is all zero. */
static void copy_annealed(struct anneal_walk *w, const struct annealed *from, const struct anneal_state *p,
			  struct annealed *to)
{
	const struct annealed old = *to;

	*to = *from;
	to->state = anneal_state_pack(&w->arena, old.state, p);
	for (int i = 0; i < PHASE_GROUPS; i++) {
		to->at[i] = copy_bytes(&w->arena, old.at[i], from->at[i], w->of->space.blocks);
		for (int g = 0; g < GROUPS; g++)
			to->phase_group[i].unit[g] =
				copy_bytes(&w->arena, old.phase_group[i].unit[g],
					   from->phase_group[i].unit[g], w->of->space.layers);
	}
}

/* Stores a candidate in the pool if it is one of the best. */
static void keep(struct anneal_walk *w, const struct annealed *k, const struct anneal_state *p)
{
	const size_t at = isfinite(k->rank) ? pool_slot(w, k) : w->pool.n + 1;

	if (at > w->pool.n)
		return;
	if (at == w->pool.n || at == w->worst)
		w->worst = SIZE_MAX;
	if (at == w->pool.n)
		VEC_ADD(&w->pool, (struct annealed){.rank = 0});
	w->class[at] = class_number(k);
	copy_annealed(w, k, p, &w->pool.at[at]);
}

static void keep_best(struct anneal_walk *w, const struct anneal_state *p, double energy)
{
	if (!(energy < w->best_energy))
		return;
	w->best_energy = energy;
	anneal_state_copy(p, &w->best);
}

double walk_try(struct anneal_walk *w, const struct anneal_state *p, double most)
{
	walk_evaluate(w, p, most);
	if (!isfinite(w->evaluated.rank))
		return w->energy;
	keep(w, &w->evaluated, p);
	keep_best(w, p, w->energy);
	return w->energy;
}

struct annealed walk_evaluated(struct anneal_walk *w, const struct anneal_state *p)
{
	struct annealed new = {.rank = 0};

	copy_annealed(w, &w->evaluated, p, &new);
	return new;
}

size_t walk_find(const struct anneal_walk *w)
{
	size_t i = 0;

	while (i < w->pool.n && !is_same(&w->pool.at[i], &w->evaluated))
		i++;
	return i;
}

void walk_take(struct anneal_walk *to, const struct anneal_walk *from)
{
	struct anneal_state p;

	for (size_t i = 0; i < from->pool.n; i++) {
		anneal_state_unpack(from->pool.at[i].state, &p);
		keep(to, &from->pool.at[i], &p);
	}
	keep_best(to, &from->best, from->best_energy);
	to->tried += from->tried;
}

/* ---- chains ---- */

void walk_chain(struct anneal_walk *w, const struct anneal_state *from, double begin)
{
	struct anneal_state now = *from, next;
	double energy;

	anneal_state_order_twins(&w->of->space, &now);
	energy = walk_try(w, &now, INFINITY);
	for (int i = 0; i < MOVES_PER_CHAIN; i++) {
		const double temperature =
			begin * exact_pow(temperature_end / begin, (double)i / MOVES_PER_CHAIN);
		const double most = energy - temperature * exact_log(rng_uniform(w->rng));
		double got;

		anneal_state_copy(&now, &next);
		if (!anneal_state_move(&w->of->space, &next, w->rng))
			continue;
		anneal_state_order_twins(&w->of->space, &next);
		got = walk_try(w, &next, most);
		if (got <= most) {
			anneal_state_copy(&next, &now);
			energy = got;
		}
	}
}

bool walk_neighbour(struct anneal_walk *w, const struct anneal_state *centre, double below,
		    struct annealed *near)
{
	for (int i = 0; i < NEIGHBOUR_TRIES; i++) {
		struct anneal_state p = *centre;

		anneal_state_move(&w->of->space, &p, w->rng);
		if (i % 2)
			anneal_state_move(&w->of->space, &p, w->rng);
		anneal_state_order_twins(&w->of->space, &p);
		walk_evaluate(w, &p, INFINITY);
		if (w->evaluated.rank >= below)
			continue;
		*near = walk_evaluated(w, &p);
		return true;
	}
	return false;
}

void walk_init(struct anneal_walk *w, const struct anneal_common *of, const char *stream)
{
	*w = (struct anneal_walk){
		.of = of, .rng = rng_new(of->ask.seed, stream), .best_energy = INFINITY, .worst = SIZE_MAX};
	w->pass_s = arena_array(&w->arena, of->space.blocks, sizeof *w->pass_s);
	for (int p = 0; p < PHASE_GROUPS; p++) {
		w->evaluated.at[p] = arena_array(&w->arena, of->space.blocks, 1);
		for (int g = 0; g < GROUPS; g++)
			w->evaluated.phase_group[p].unit[g] = arena_array(&w->arena, of->space.layers, 1);
	}
}

void walk_release(struct anneal_walk *w)
{
	rng_free(w->rng);
	VEC_FREE(&w->pool);
	arena_release(&w->arena);
}
