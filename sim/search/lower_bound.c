/* lower_bound.c - see lower_bound.h. */
#include "sim/search/lower_bound.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/search/search_job.h"

enum { ROUNDS = 200, CHAIN = -1 };

/* The relaxed problem: the cost of each block on each device, by phase group. Equal devices have equal multipliers and are
 * looked at as one, the first of them. */
struct relaxed {
	const struct block_costs *p;
	struct rate rate;
	int binds; /* the bottleneck: CHAIN, or an index into rate.busiest */
	size_t kinds_n;
	uint8_t kinds[SPACE_UNITS]; /* the first unit of each kind */
	double number[SPACE_UNITS]; /* [unit]: of its equals, itself among them */
	size_t *alike;              /* [block]: the first that costs the same */
	struct choice *choices;     /* [block]: in the last minimum; of those alone that `alike` names */
	/* [machine]: Lagrange multiplier, the cost per byte of its memory */
	double memory_price[SPACE_UNITS];
	/* [unit]: weight of a device's busy time, where the busiest device is the bottleneck; the sum is 1 */
	double device_weight[SPACE_UNITS];
	double assigned_B[SPACE_UNITS]; /* [machine]: bytes of weights in the last minimum */
	double assigned_s[SPACE_UNITS]; /* [unit]: busy seconds in the last minimum */
};

struct choice {
	double least;
	size_t unit[PHASE_GROUPS];
};

/* Weights that hold whichever devices are used: the least idle power of any device, and active power
 * shared by all devices of a machine. */
static struct rate rate_of_any_units(const struct block_costs *p, const struct metric_info *minimized)
{
	const struct unit_set all = unit_set_all(p->units);
	struct rate r = goal_rate(p, minimized, &all);

	for (size_t u = 0; u < p->units; u++) {
		const struct unit_set only = unit_set_one(u);
		const struct rate one = goal_rate(p, minimized, &only);

		for (int i = 0; i < PHASE_GROUPS; i++)
			r.phase_group[i] = fmin(r.phase_group[i], one.phase_group[i]);
		for (int i = 0; i <= PHASE_GROUPS; i++)
			r.busiest[i] = fmin(r.busiest[i], one.busiest[i]);
	}
	return r;
}

static void list_kinds(struct relaxed *x)
{
	const struct unit_slots *slots = &x->p->slots;

	for (size_t u = 0; u < x->p->units; u++) {
		const size_t first = slots->unit[slots->first[u]];

		if (first == u)
			x->kinds[x->kinds_n++] = (uint8_t)u;
		x->number[first]++;
	}
}

static bool cost_alike(const struct block_costs *p, size_t a, size_t b)
{
	const size_t size = p->units * sizeof(double);

	if (p->weights_B[a] != p->weights_B[b] || (p->role[a] == ROLE_SHARED) != (p->role[b] == ROLE_SHARED))
		return false;
	for (int i = 0; i < PHASE_GROUPS; i++)
		if (memcmp(&p->busy_s[i][a * p->units], &p->busy_s[i][b * p->units], size) != 0 ||
		    memcmp(&p->chain_s[i][a * p->units], &p->chain_s[i][b * p->units], size) != 0)
			return false;
	return true;
}

enum { ALIKE_KINDS = 32 }; /* of blocks: those of layers of a few kinds */

static void list_alike(struct relaxed *x, struct arena *a)
{
	size_t first[ALIKE_KINDS], n = 0;

	x->alike = arena_array(a, x->p->blocks, sizeof *x->alike);
	x->choices = arena_array(a, x->p->blocks, sizeof *x->choices);
	for (size_t b = 0; b < x->p->blocks; b++) {
		size_t i = 0;

		while (i < n && !cost_alike(x->p, first[i], b))
			i++;
		x->alike[b] = i < n ? first[i] : b;
		if (i == n && n < ALIKE_KINDS)
			first[n++] = b;
	}
}

static bool binds_in(const struct relaxed *x, int phase_group)
{
	return x->binds == PHASE_GROUPS || x->binds == phase_group;
}

/* Shared experts count as zero: they may run beside the routed experts, see block_costs_count(). */
static double relaxed_block_cost(const struct relaxed *x, int phase_group, size_t block, size_t u)
{
	const struct block_costs *p = x->p;
	const double busy_s = p->busy_s[phase_group][block * p->units + u];
	double cost = x->rate.busy[u] * busy_s;

	if (p->role[block] == ROLE_SHARED)
		return 0;
	if (x->binds == CHAIN)
		return cost +
		       x->rate.phase_group[phase_group] * p->chain_s[phase_group][block * p->units + u];
	return cost +
	       (binds_in(x, phase_group) ? x->rate.busiest[x->binds] * x->device_weight[u] * busy_s : 0);
}

/* Picks the cheapest devices of a block for both phase groups; its weights count once on each machine that
 * has it. Two equal machines are never cheaper than one of them for both. */
static struct choice choose(const struct relaxed *x, size_t block)
{
	const struct block_costs *p = x->p;
	const struct unit *units = p->w->units;
	struct choice c = {INFINITY, {0, 0}};
	double costs[PHASE_GROUPS][SPACE_UNITS];

	for (int phase_group = 0; phase_group < PHASE_GROUPS; phase_group++)
		for (size_t i = 0; i < x->kinds_n; i++)
			costs[phase_group][i] = relaxed_block_cost(x, phase_group, block, x->kinds[i]);
	for (size_t i = 0; i < x->kinds_n; i++)
		for (size_t j = 0; j < x->kinds_n; j++) {
			const size_t u = x->kinds[i], v = x->kinds[j], a = units[u].machine,
				     b = units[v].machine;
			const double memory_price = x->memory_price[a] + (a == b ? 0 : x->memory_price[b]);
			const double cost = costs[0][i] + costs[1][j] + memory_price * p->weights_B[block];

			if (cost < c.least)
				c = (struct choice){cost, {u, v}};
		}
	return c;
}

static double least_block_cost(struct relaxed *x, size_t block)
{
	const struct block_costs *p = x->p;
	const struct unit *units = p->w->units;
	const struct choice *c = &x->choices[x->alike[block]];

	if (x->alike[block] == block)
		x->choices[block] = choose(x, block);
	for (int phase_group = 0; phase_group < PHASE_GROUPS; phase_group++) {
		const size_t u = c->unit[phase_group];

		if (phase_group == 0 || units[c->unit[1]].machine != units[c->unit[0]].machine)
			x->assigned_B[units[u].machine] += p->weights_B[block];
		if (x->binds != CHAIN && binds_in(x, phase_group) && p->role[block] != ROLE_SHARED)
			x->assigned_s[u] += p->busy_s[phase_group][block * p->units + u];
	}
	return c->least;
}

/* The memory for weights; unbounded where weights may be streamed from a disk. */
static double usable_B(const struct block_costs *p, size_t machine)
{
	if (p->search->streams && p->search->streams(&p->w->scenario->workload))
		return 1e30;
	return p->w->machines[machine].memory.usable.value;
}

/* The memory of all machines that are equal to that of the unit. */
static double usable_by_equals_B(const struct relaxed *x, size_t unit)
{
	return x->number[unit] * usable_B(x->p, x->p->w->units[unit].machine);
}

/* Those of the kinds, but for a machine that a unit before was of. */
static bool next_machine(const struct relaxed *x, size_t *i)
{
	const struct unit *units = x->p->w->units;

	for (++*i; *i < x->kinds_n; ++*i)
		if (units[x->kinds[*i]].machine != units[x->kinds[*i - 1]].machine)
			return true;
	return false;
}

static double dual(struct relaxed *x)
{
	const struct block_costs *p = x->p;
	double sum = 0;
	size_t i = 0;

	memset(x->assigned_B, 0, sizeof x->assigned_B);
	memset(x->assigned_s, 0, sizeof x->assigned_s);
	for (size_t b = 0; b < p->blocks; b++)
		sum += least_block_cost(x, b);
	do
		sum -= x->memory_price[p->w->units[x->kinds[i]].machine] * usable_by_equals_B(x, x->kinds[i]);
	while (next_machine(x, &i));
	return sum;
}

/* The price of a memory that is exceeded rises (Polyak's step). */
static void update_prices(struct relaxed *x, double gap)
{
	const struct unit *units = x->p->w->units;
	double square = 0;
	size_t i = 0;

	do {
		const size_t m = units[x->kinds[i]].machine;
		const double over_B = x->assigned_B[m] - usable_by_equals_B(x, x->kinds[i]);

		if (over_B > 0 || x->memory_price[m] > 0)
			square += over_B * over_B;
	} while (next_machine(x, &i));
	i = 0;
	do {
		const size_t m = units[x->kinds[i]].machine;

		if (square > 0)
			x->memory_price[m] = fmax(
				0, x->memory_price[m] +
					   gap * (x->assigned_B[m] - usable_by_equals_B(x, x->kinds[i])) /
						   square);
	} while (next_machine(x, &i));
}

/* One step of the subgradient method: beside the prices, the weight of a device rises with its busy time. */
static void update_multipliers(struct relaxed *x, double gap)
{
	double most = 0, sum = 0;

	update_prices(x, gap);
	for (size_t i = 0; i < x->kinds_n; i++)
		most = fmax(most, x->assigned_s[x->kinds[i]] / x->number[x->kinds[i]]);
	for (size_t i = 0; i < x->kinds_n && most > 0; i++) {
		const size_t u = x->kinds[i];

		x->device_weight[u] *= 1 + 0.05 * (x->assigned_s[u] / x->number[u]) / most;
		sum += x->number[u] * x->device_weight[u];
	}
	for (size_t i = 0; i < x->kinds_n && most > 0; i++)
		x->device_weight[x->kinds[i]] /= sum;
}

/* The initial weight of a device is the inverse of its time for all blocks. */
static void initial_weights(struct relaxed *x)
{
	const struct block_costs *p = x->p;
	double sum = 0;

	for (size_t i = 0; i < x->kinds_n; i++) {
		const size_t u = x->kinds[i];
		double all_s = 0;

		for (int phase_group = 0; phase_group < PHASE_GROUPS; phase_group++)
			for (size_t b = 0; b < p->blocks; b++)
				all_s += binds_in(x, phase_group) ? p->busy_s[phase_group][b * p->units + u]
								  : 0;
		x->device_weight[u] = all_s > 0 ? 1 / all_s : 1;
		sum += x->number[u] * x->device_weight[u];
	}
	for (size_t i = 0; i < x->kinds_n; i++)
		x->device_weight[x->kinds[i]] /= sum;
}

static double solve_dual(const struct block_costs *p, const struct rate *rate, int binds, double achieved)
{
	struct relaxed x = {.p = p, .rate = *rate, .binds = binds};
	struct arena a = ARENA_INIT;
	double best = 0;

	list_kinds(&x);
	list_alike(&x, &a);
	if (binds != CHAIN)
		initial_weights(&x);
	for (int i = 0; i < ROUNDS; i++) {
		const double now = dual(&x);

		best = fmax(best, now);
		update_multipliers(&x,
				   (isfinite(achieved) ? fmax(achieved - now, 0.001 * best) : 0.1 * best) /
					   (1 + 0.02 * i));
	}
	arena_release(&a);
	return best;
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x < y) - (x > y);
}

/* The number of transfers that each pass must make: one less than the number of largest machines that
 * together hold the weights of the blocks it runs through. */
static size_t hops_needed(const struct block_costs *p)
{
	double have_B[SPACE_UNITS], need_B = 0;
	size_t n = 0;

	for (size_t m = 0; m < p->w->machines_n; m++)
		have_B[m] = usable_B(p, m);
	qsort(have_B, p->w->machines_n, sizeof *have_B, by_size);
	for (size_t b = p->first; b <= p->last; b++) {
		need_B += p->role[b] == ROLE_SHARED ? 0 : p->weights_B[b];
		if (p->role[b] != ROLE_SHARED && p->role[p->feed[b]] == ROLE_SHARED)
			return 0; /* its input may have come by another path */
	}
	while (n < p->w->machines_n && need_B > 0)
		need_B -= have_B[n++];
	return n ? n - 1 : 0;
}

static double least_hop_s(const struct block_costs *p, int phase_group)
{
	double least = INFINITY;

	for (size_t b = p->first + 1; b <= p->last; b++)
		for (size_t i = 0; i < p->pairs; i++)
			if (p->w->units[p->slots.unit[i / p->slots.n]].machine !=
			    p->w->units[p->slots.unit[i % p->slots.n]].machine)
				least = fmin(
					least,
					p->hop_s[phase_group][p->hop_row[phase_group][b] * p->pairs + i]);
	return isfinite(least) ? least : 0;
}

double lower_bound_compute(const struct block_costs *p, const struct metric_info *minimized, double achieved)
{
	const struct rate rate = rate_of_any_units(p, minimized);
	const double hops = (double)hops_needed(p);
	double hops_cost = 0, best;

	for (int phase_group = 0; phase_group < PHASE_GROUPS; phase_group++)
		hops_cost += rate.phase_group[phase_group] * hops * least_hop_s(p, phase_group);
	best = solve_dual(p, &rate, CHAIN, achieved - hops_cost) + hops_cost;
	for (int i = 0; i <= PHASE_GROUPS; i++)
		if (rate.busiest[i] > 0)
			best = fmax(best, solve_dual(p, &rate, i, achieved));
	return best;
}
