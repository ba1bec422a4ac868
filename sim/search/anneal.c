/* anneal.c - see anneal.h. */
#include "sim/search/anneal.h"

#include <math.h>
#include <string.h>

#include "sim/base/exact_math.h"
#include "sim/base/rng.h"
#include "sim/predict/program_job.h"
#include "sim/search/anneal_order.h"
#include "sim/search/anneal_starts.h"
#include "sim/search/pipelines.h"
#include "sim/search/search.h"
#include "sim/search/search_job.h"

enum {
	MOVES_PER_CHAIN = 4000,
	RESTARTS = 4,
	PER_CLASS = 64,
	POOL = 1024,
	NEIGHBOUR_TRIES = 20,
	BY_NUMBER = STARTS_KEPT,
	CHAINS_BY_NUMBER = 4,
	PIPELINES = 12 /* simulated whatever else was found */
};

/* The temperature falls from 0.2, at which a state that is a fifth worse is often accepted, to almost
 * none. */
static const double temperature_begin = 0.2, temperature_end = 1e-4;
/* A state that exceeds a memory or breaks a limit is worse by a penalty that grows with the violation, so
 * that chains can pass through such states. A state on machines that no link joins gets a penalty above all
 * of these. */
static const double penalty_step = 0.1, penalty_slope = 4, penalty_max = 50, penalty_unjoined = 1000;

/* The evaluation of a state; its buffers belong to struct anneal. */
struct evaluated {
	struct layer_map phase_group[PHASE_GROUPS];
	uint8_t *at[PHASE_GROUPS];
	double *pass_s; /* [block], scratch of the sums */
	bool single;
	struct unit_set units;
	unsigned kind;
	double rank, energy;
};

struct anneal {
	struct anneal_ask ask;
	struct anneal_space space;
	struct arena arena;
	struct rng *rng;
	size_t chain, tried;
	struct anneal_state best;
	double best_energy;
	struct evaluated evaluated;
	double speed[SPACE_UNITS]; /* [unit], anneal_starts_speeds() */
	struct anneal_starts starts;
	struct start_list by_number, pipelines;         /* the best of try_numbers() and of try_pipelines() */
	const struct footprint_table *memory[VARIANTS]; /* of each variant; NULL: none */
	VEC(struct annealed) pool;
};

/* ---- energy of a state ---- */

/* The footprint of the evaluated candidate on each machine. */
static void footprint_of(const struct anneal *a, const struct variant *v, struct footprint *out)
{
	const struct evaluated *k = &a->evaluated;
	const struct candidate c = {.job = a->ask.job,
				    .phase_group = {&k->phase_group[0], &k->phase_group[k->single ? 0 : 1]}};
	const struct footprint_table *table = a->memory[v - a->ask.variants];
	struct arena scratch = ARENA_INIT;
	struct placement place;

	if (table) {
		footprint_table_sum(table, k->at[0], k->at[1], out);
		return;
	}
	place = candidate_place(&scratch, v->w, &c);
	job_types[a->ask.job]->programs->footprint(&place, out);
	arena_release(&scratch);
}

/* The memory needed beyond the usable memory of each machine, relative to the usable memory; returns the sum.
 * For a job without a footprint function (training, whose memory is known only after its simulation) only
 * weights are counted. */
static double machines_excess(const struct anneal *a, const struct variant *v, double *over)
{
	const struct evaluated *k = &a->evaluated;
	const struct world *w = v->w;
	const uint8_t *const at[PHASE_GROUPS] = {k->at[0], k->at[1]};
	struct footprint footprint[SPACE_UNITS];
	double need_B[SPACE_UNITS], sum = 0;

	block_costs_machine_weights_B(&v->block_costs, at, need_B);
	for (size_t m = 0; m < w->machines_n; m++)
		sum += over[m] = fmax(0, need_B[m] / w->machines[m].memory.usable.value - 1);
	if (sum > 0 || !job_types[a->ask.job]->programs->footprint)
		return sum;
	footprint_of(a, v, footprint);
	for (size_t m = 0; m < w->machines_n; m++)
		sum += over[m] = footprint_short_B(&footprint[m]) / w->machines[m].memory.usable.value;
	return sum;
}

static double memory_excess(const struct anneal *a, const struct variant *v)
{
	double over[SPACE_UNITS];

	return machines_excess(a, v, over);
}

static void sum_phase_groups(const struct block_costs *p, const struct evaluated *k,
			     struct phase_group_sum phase_groups[PHASE_GROUPS])
{
	const uint8_t *const at[PHASE_GROUPS] = {k->at[0], k->at[1]};

	block_costs_sum_both(p, at, k->pass_s, phase_groups);
	if (!k->single)
		block_costs_add_handovers(p, at, phase_groups);
}

/* The layers' devices, and those of the ends where the model has any. */
static void add_used(const struct anneal *a, const uint8_t *at, struct unit_set *units)
{
	const size_t end = a->ask.w->model->ends ? 0 : 1;

	for (size_t b = end; b < a->space.blocks - end; b++)
		unit_set_add(units, at[b]);
}

static void lay_out_phase_group(struct anneal *a, const struct anneal_state *anneal_state, int phase_group)
{
	struct evaluated *k = &a->evaluated;

	anneal_state_layer_map(&a->space, &anneal_state->phase_group[phase_group],
			       &k->phase_group[phase_group], k->at[phase_group]);
	k->kind |= anneal_state_kind(&a->space, &k->phase_group[phase_group], k->at[phase_group]);
	add_used(a, k->at[phase_group], &k->units);
}

/* The layer maps of a state, and the class that they are of. Phase groups that are not split have one map. */
static void lay_out(struct anneal *a, const struct anneal_state *anneal_state)
{
	const size_t layers = a->space.layers;
	struct evaluated *k = &a->evaluated;

	k->kind = 0;
	k->units = (struct unit_set){{0}};
	lay_out_phase_group(a, anneal_state, 0);
	if (anneal_state->phases_split) {
		lay_out_phase_group(a, anneal_state, 1);
	} else {
		struct layer_map both = k->phase_group[0];

		for (int g = 0; g < GROUPS; g++)
			both.unit[g] = memcpy(k->phase_group[1].unit[g], both.unit[g], layers);
		k->phase_group[1] = both;
		memcpy(k->at[1], k->at[0], a->space.blocks);
	}
	k->single = !anneal_state->phases_split || !memcmp(k->at[0], k->at[1], a->space.blocks);
	k->kind |= k->single ? 0 : HAS_PHASES;
}

/* Evaluates a state into a->evaluated. As soon as its energy is above `most` the state will be rejected,
 * and the rest is not computed. */
static void evaluate(struct anneal *a, const struct anneal_state *anneal_state, double most)
{
	const struct variant *v = &a->ask.variants[anneal_state->variant];
	const struct block_costs *p = &v->block_costs;
	struct evaluated *k = &a->evaluated;
	struct phase_group_sum phase_groups[PHASE_GROUPS];
	struct rate r;
	double over;
	size_t missing;

	a->tried++;
	lay_out(a, anneal_state);
	missing = a->space.all_joined ? 0 : space_unjoined(p->w, &k->units);
	if (missing) {
		k->rank = INFINITY;
		k->energy = penalty_unjoined + (double)missing;
		return;
	}
	sum_phase_groups(p, k, phase_groups);
	r = goal_rate_tied(p, a->ask.goal.minimized, &k->units);
	k->rank = rate_bound(p, &r, phase_groups) * search_complexity_penalty(&k->units, k->kind);
	k->energy = exact_log(fmax(k->rank, 1e-300));
	over = limits_violation(p, a->ask.limits, a->ask.limits_n, &k->units, phase_groups);
	k->energy += over > 0 ? fmin(penalty_max, penalty_step + penalty_slope * over) : 0;
	over = k->energy > most ? 0 : memory_excess(a, v);
	if (over > 0)
		k->energy += penalty_step + penalty_slope * over;
	if (over > 0 || k->energy > most)
		k->rank = INFINITY;
}

/* ---- the best candidates so far ---- */

static bool is_evaluated(const struct anneal *a, const struct variant *v, const struct annealed *have)
{
	const size_t blocks = v->block_costs.blocks;

	return have->variant == v && !memcmp(have->at[0], a->evaluated.at[0], blocks) &&
	       !memcmp(have->at[1], a->evaluated.at[1], blocks);
}

/* The index in the pool at which the evaluated candidate is to be stored: that of the worst candidate that
 * it replaces, pool.n to append, or pool.n + 1 not to store it. */
static size_t pool_slot(const struct anneal *a, const struct variant *v)
{
	const struct evaluated *k = &a->evaluated;
	const size_t none = a->pool.n + 1;
	size_t of_class = 0, worst = none, worst_of_all = none;

	for (size_t i = 0; i < a->pool.n; i++) {
		const struct annealed *have = &a->pool.at[i];

		if (!unit_set_on_one(&have->units) &&
		    (worst_of_all == none || have->rank > a->pool.at[worst_of_all].rank))
			worst_of_all = i;
		if (have->kind != k->kind || !unit_set_same(&have->units, &k->units))
			continue;
		if (is_evaluated(a, v, have))
			return none;
		of_class++;
		if (worst == none || have->rank > a->pool.at[worst].rank)
			worst = i;
	}
	if (of_class < PER_CLASS && a->pool.n < POOL)
		return a->pool.n;
	if (of_class < PER_CLASS)
		worst = worst_of_all;
	return worst != none && k->rank < a->pool.at[worst].rank ? worst : none;
}

static void copy_layer_map(struct anneal *a, const struct layer_map *from, struct layer_map *to)
{
	const size_t layers = (size_t)a->ask.w->model->layers;

	*to = *from;
	for (int g = 0; g < GROUPS; g++) {
		to->unit[g] = arena_array(&a->arena, layers, 1);
		memcpy(to->unit[g], from->unit[g], layers);
	}
}

static struct annealed copy_evaluated(struct anneal *a, const struct anneal_state *anneal_state)
{
	const struct variant *v = &a->ask.variants[anneal_state->variant];
	const struct evaluated *k = &a->evaluated;
	struct annealed new = {.variant = v,
			       .anneal_state = *anneal_state,
			       .single = k->single,
			       .units = k->units,
			       .kind = k->kind,
			       .rank = k->rank};

	for (int phase_group = 0; phase_group < PHASE_GROUPS; phase_group++) {
		uint8_t *units = arena_array(&a->arena, v->block_costs.blocks, 1);

		memcpy(units, k->at[phase_group], v->block_costs.blocks);
		new.at[phase_group] = units;
		copy_layer_map(a, &k->phase_group[phase_group], &new.phase_group[phase_group]);
	}
	return new;
}

/* Stores the evaluated candidate in the pool if it is one of the best. */
static void keep_evaluated(struct anneal *a, const struct anneal_state *anneal_state)
{
	const struct variant *v = &a->ask.variants[anneal_state->variant];
	struct evaluated *k = &a->evaluated;
	const size_t at = isfinite(k->rank) ? pool_slot(a, v) : a->pool.n + 1;
	struct annealed new;

	if (at > a->pool.n)
		return;
	new = copy_evaluated(a, anneal_state);
	if (at == a->pool.n)
		VEC_ADD(&a->pool, new);
	else
		a->pool.at[at] = new;
}

static double try_state(struct anneal *a, const struct anneal_state *anneal_state, double most)
{
	evaluate(a, anneal_state, most);
	keep_evaluated(a, anneal_state);
	if (a->evaluated.energy < a->best_energy && isfinite(a->evaluated.rank)) {
		a->best_energy = a->evaluated.energy;
		a->best = *anneal_state;
	}
	return a->evaluated.energy;
}

/* ---- chains ---- */

/* The number of chains that begin at given states; later chains begin at the best state so far. */
static size_t given_starts(const struct anneal *a)
{
	const size_t by_number = a->by_number.n < CHAINS_BY_NUMBER ? a->by_number.n : CHAINS_BY_NUMBER;

	return a->starts.kinds_n * (1 + a->ask.variants_n) + by_number;
}

/* The first chains begin with each device alone, the next with the layers divided over all devices, once
 * for each first device and variant; of equal devices the first stands for all. The next begin with the best numbers of
 * equal devices. */
static struct anneal_state start_state(const struct anneal *a, size_t chain)
{
	const size_t n = a->starts.kinds_n, divided = n * (1 + a->ask.variants_n);
	struct anneal_state p;

	if (chain < n)
		return anneal_state_alone(&a->space, a->starts.kinds[chain]);
	if (chain >= given_starts(a) && a->best_energy < INFINITY)
		return a->best;
	if (chain >= divided && chain < given_starts(a))
		return a->by_number.at[chain - divided].state;
	p = anneal_state_by_speed(&a->space, a->starts.kinds[chain % n], a->speed);
	p.variant = (chain / n - 1) % a->ask.variants_n;
	return p;
}

/* ---- numbers of equal devices ---- */

/* Looks at the layers divided over each set, by speed and by memory, with each variant. */
static void try_numbers(struct anneal *a, const double *memory)
{
	const double *const by[] = {a->speed, memory};
	struct unit_set units;

	while (anneal_starts_next(&a->starts, &units))
		for (size_t i = 0; i < ARRAY_LEN(by) * a->ask.variants_n; i++) {
			struct anneal_state p =
				anneal_state_over(&a->space, &units, by[i / a->ask.variants_n]);

			p.variant = i % a->ask.variants_n;
			anneal_state_order_twins(&a->space, &p);
			try_state(a, &p, INFINITY);
			if (isfinite(a->evaluated.rank))
				start_list_keep(&a->by_number, BY_NUMBER, &p, &a->evaluated.units,
						a->evaluated.energy);
		}
}

/* ---- pipelines ---- */

/* Cuts the layers over a set at given rates as far as each machine's memory goes. Returns false if there is not enough. */
static bool cut_within_memory(struct anneal *a, const struct pipelines *of, const struct unit_set *units,
			      const double *rates, struct anneal_state *p)
{
	const size_t variant = p->variant;
	size_t most[SPACE_UNITS];
	double over[SPACE_UNITS];

	for (size_t u = 0; u < a->ask.w->units_n; u++)
		most[u] = a->space.layers;
	while (pipelines_cut(of, units, rates, most, p)) {
		p->variant = variant;
		anneal_state_order_twins(&a->space, p);
		lay_out(a, p);
		if (!(machines_excess(a, &a->ask.variants[variant], over) > 0))
			return true;
		pipelines_limit(of, p, over, most);
	}
	return false;
}

/* The penalties of limits are those of the state's energy. */
static void keep_pipeline(struct anneal *a, const struct anneal_state *p)
{
	const struct evaluated *k = &a->evaluated;
	const struct block_costs *costs = &a->ask.variants[p->variant].block_costs;
	const struct rate r = goal_rate_tied(costs, a->ask.goal.minimized, &k->units);
	struct phase_group_sum sums[PHASE_GROUPS];
	double estimate;

	sum_phase_groups(costs, k, sums);
	estimate = pipelines_estimate(costs, &r, sums) * search_complexity_penalty(&k->units, k->kind);
	start_list_keep(&a->pipelines, PIPELINES, p, &k->units,
			k->energy + exact_log(fmax(estimate, 1e-300) / fmax(k->rank, 1e-300)));
}

/* Looks at the pipelines over each set, by speed and by memory, with each variant. */
static void try_pipelines(struct anneal *a, const double *memory)
{
	const double *const by[] = {a->speed, memory};
	struct pipelines of;
	struct unit_set units;

	pipelines_make(&of, &a->space, &a->ask.variants[0].block_costs, a->speed, memory);
	while (pipelines_next(&of, &units))
		for (size_t i = 0; i < ARRAY_LEN(by) * a->ask.variants_n; i++) {
			struct anneal_state p = {.variant = i % a->ask.variants_n};

			if (!cut_within_memory(a, &of, &units, by[i / a->ask.variants_n], &p))
				continue;
			try_state(a, &p, INFINITY);
			if (isfinite(a->evaluated.rank))
				keep_pipeline(a, &p);
		}
}

/* Devices that no chain begins with are looked at alone: the others are compared with them. */
static void try_alone(struct anneal *a)
{
	for (size_t u = 0; u < a->ask.w->units_n && !a->starts.all_kinds; u++) {
		struct anneal_state p = anneal_state_alone(&a->space, u);

		if (a->space.first_twin[u] == u)
			try_state(a, &p, INFINITY);
	}
}

static void try_starts(struct anneal *a)
{
	const struct world *w = a->ask.w;
	double memory[SPACE_UNITS];

	for (size_t u = 0; u < w->units_n; u++)
		memory[u] = w->machines[w->units[u].machine].memory.usable.value;
	try_alone(a);
	try_numbers(a, memory);
	try_pipelines(a, memory);
}

size_t anneal_chains(const struct anneal *a, size_t *of)
{
	*of = given_starts(a) + RESTARTS;
	return a->chain;
}

bool anneal_step(struct anneal *a)
{
	const bool restart = a->chain >= given_starts(a);
	struct anneal_state now, next;
	double energy;

	if (!a->chain)
		try_starts(a);
	if (a->chain >= given_starts(a) + RESTARTS)
		return false;
	now = start_state(a, a->chain++);
	anneal_state_order_twins(&a->space, &now);
	energy = try_state(a, &now, INFINITY);
	for (int i = 0; i < MOVES_PER_CHAIN; i++) {
		const double begin = restart ? temperature_begin / 10 : temperature_begin;
		const double temperature =
			begin * exact_pow(temperature_end / begin, (double)i / MOVES_PER_CHAIN);
		const double most = energy - temperature * exact_log(rng_uniform(a->rng));
		double got;

		anneal_state_copy(&now, &next);
		if (!anneal_state_move(&a->space, &next, a->rng))
			continue;
		anneal_state_order_twins(&a->space, &next);
		got = try_state(a, &next, most);
		if (got <= most) {
			anneal_state_copy(&next, &now);
			energy = got;
		}
	}
	return true;
}

struct anneal *anneal_new(const struct anneal_ask *ask)
{
	struct anneal *a = xcalloc(1, sizeof *a);
	const size_t layers = (size_t)ask->w->model->layers, blocks = model_blocks(ask->w->model);

	a->ask = *ask;
	a->rng = rng_new(ask->seed, "anneal");
	a->best_energy = INFINITY;
	anneal_space_make(&a->arena, ask->w, ask->variants_n, &a->space);
	for (size_t i = 0; i < ask->variants_n && search_job(ask->job)->memory; i++)
		a->memory[i] = search_job(ask->job)->memory(&a->arena, ask->variants[i].w,
							    &ask->variants[i].block_costs.slots);
	a->evaluated.pass_s = arena_array(&a->arena, blocks, sizeof *a->evaluated.pass_s);
	for (int phase_group = 0; phase_group < PHASE_GROUPS; phase_group++) {
		a->evaluated.at[phase_group] = arena_array(&a->arena, blocks, 1);
		for (int g = 0; g < GROUPS; g++)
			a->evaluated.phase_group[phase_group].unit[g] = arena_array(&a->arena, layers, 1);
	}
	anneal_starts_speeds(&ask->variants[0].block_costs, ask->goal.minimized, a->speed);
	anneal_starts_make(&a->starts, &a->space, a->speed);
	return a;
}

void anneal_free(struct anneal *a)
{
	if (!a)
		return;
	rng_free(a->rng);
	VEC_FREE(&a->pool);
	arena_release(&a->arena);
	free(a);
}

const struct annealed *anneal_neighbour(struct anneal *a, const struct anneal_state *centre, double below)
{
	struct annealed *near;

	for (int i = 0; i < NEIGHBOUR_TRIES; i++) {
		struct anneal_state p = *centre;

		anneal_state_move(&a->space, &p, a->rng);
		if (i % 2)
			anneal_state_move(&a->space, &p, a->rng);
		anneal_state_order_twins(&a->space, &p);
		evaluate(a, &p, INFINITY);
		if (a->evaluated.rank >= below)
			continue;
		near = arena_alloc(&a->arena, sizeof *near);
		*near = copy_evaluated(a, &p);
		return near;
	}
	return NULL;
}

/* Puts the best of each number of equal devices before the others on several devices. What overlaps takes longer than its
 * bound, most where roles and phases are apart: these are simple. */
static void insert_by_number(struct anneal *a)
{
	size_t at = 1;

	while (at < a->pool.n && unit_set_on_one(&a->pool.at[at].units))
		at++;
	for (size_t i = 0; i < a->by_number.n; i++) {
		evaluate(a, &a->by_number.at[i].state, INFINITY);
		VEC_ADD(&a->pool, copy_evaluated(a, &a->by_number.at[i].state));
	}
	for (size_t i = 0; i < a->by_number.n; i++)
		annealed_bring(a->pool.at, a->pool.n - a->by_number.n + i, at + i);
}

/* Where the evaluated candidate is in the pool; added at its end if it is not. */
static size_t find_or_add(struct anneal *a, const struct anneal_state *p)
{
	const struct variant *v = &a->ask.variants[p->variant];

	for (size_t i = 0; i < a->pool.n; i++)
		if (is_evaluated(a, v, &a->pool.at[i]))
			return i;
	VEC_ADD(&a->pool, copy_evaluated(a, p));
	return a->pool.n - 1;
}

/* Puts pipelines before the others on several devices, behind the best on one alone: a search that is cut short simulates
 * them, too. */
static void bring_pipelines(struct anneal *a)
{
	size_t to = a->pool.n > 1 && unit_set_on_one(&a->pool.at[1].units) ? 2 : 1;

	for (size_t i = 0; i < a->pipelines.n; i++) {
		size_t at;

		evaluate(a, &a->pipelines.at[i].state, INFINITY);
		at = find_or_add(a, &a->pipelines.at[i].state);
		if (at >= to)
			annealed_bring(a->pool.at, at, to++);
	}
}

const struct annealed *anneal_found(struct anneal *a, size_t *n)
{
	if (!a->tried) /* stopped before the first chain */
		try_starts(a);
	*n = a->pool.n;
	if (!a->pool.n)
		return a->pool.at;
	annealed_sort(a->pool.at, a->pool.n);
	insert_by_number(a);
	bring_pipelines(a);
	*n = a->pool.n;
	return a->pool.at;
}

const struct annealed *anneal_best(const struct anneal *a)
{
	const struct annealed *best = NULL;

	for (size_t i = 0; i < a->pool.n; i++)
		if (!best || a->pool.at[i].rank < best->rank)
			best = &a->pool.at[i];
	return best;
}

size_t anneal_tried(const struct anneal *a)
{
	return a->tried;
}
