/* lower_bound.c - see lower_bound.h. */
#include "sim/search/lower_bound.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/search/search_job.h"

enum { ROUNDS = 200, CHAIN = -1 };

/* The relaxed problem: the cost of each block on each device, by phase group. */
struct relaxed {
	const struct block_costs *p;
	struct rate rate;
	int binds; /* the bottleneck: CHAIN, or an index into rate.busiest */
	/* [machine]: Lagrange multiplier, the cost per byte of its memory */
	double memory_price[SPACE_UNITS];
	/* [unit]: weight of a device's busy time, where the busiest device is the bottleneck; the sum is 1 */
	double device_weight[SPACE_UNITS];
	double assigned_B[SPACE_UNITS]; /* [machine]: bytes of weights in the last minimum */
	double assigned_s[SPACE_UNITS]; /* [unit]: busy seconds in the last minimum */
};

/* Weights that hold whichever devices are used: the least idle power of any device, and active power
 * shared by all devices of a machine. */
static struct rate rate_of_any_units(const struct block_costs *p, const struct metric_info *minimized)
{
	struct rate r = goal_rate(p, minimized, (1u << p->units) - 1);

	for (size_t u = 0; u < p->units; u++) {
		const struct rate one = goal_rate(p, minimized, 1u << u);

		for (int i = 0; i < PHASE_GROUPS; i++)
			r.phase_group[i] = fmin(r.phase_group[i], one.phase_group[i]);
		for (int i = 0; i <= PHASE_GROUPS; i++)
			r.busiest[i] = fmin(r.busiest[i], one.busiest[i]);
	}
	return r;
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
 * has it. */
static double least_block_cost(struct relaxed *x, size_t block)
{
	const struct block_costs *p = x->p;
	const struct unit *units = p->w->units;
	double least = INFINITY, costs[PHASE_GROUPS][SPACE_UNITS];
	size_t best[PHASE_GROUPS] = {0, 0};

	for (int phase_group = 0; phase_group < PHASE_GROUPS; phase_group++)
		for (size_t u = 0; u < p->units; u++)
			costs[phase_group][u] = relaxed_block_cost(x, phase_group, block, u);
	for (size_t u = 0; u < p->units; u++)
		for (size_t v = 0; v < p->units; v++) {
			const size_t a = units[u].machine, b = units[v].machine;
			const double memory_price = x->memory_price[a] + (a == b ? 0 : x->memory_price[b]);
			const double cost = costs[0][u] + costs[1][v] + memory_price * p->weights_B[block];

			if (cost < least) {
				least = cost;
				best[0] = u;
				best[1] = v;
			}
		}
	for (int phase_group = 0; phase_group < PHASE_GROUPS; phase_group++) {
		if (phase_group == 0 || units[best[1]].machine != units[best[0]].machine)
			x->assigned_B[units[best[phase_group]].machine] += p->weights_B[block];
		if (x->binds != CHAIN && binds_in(x, phase_group) && p->role[block] != ROLE_SHARED)
			x->assigned_s[best[phase_group]] +=
				p->busy_s[phase_group][block * p->units + best[phase_group]];
	}
	return least;
}

/* The memory for weights; unbounded where weights may be streamed from a disk. */
static double usable_B(const struct block_costs *p, size_t machine)
{
	if (p->search->streams && p->search->streams(&p->w->scenario->workload))
		return 1e30;
	return p->w->machines[machine].memory.usable.value;
}

static double dual(struct relaxed *x)
{
	const struct block_costs *p = x->p;
	double sum = 0;

	memset(x->assigned_B, 0, sizeof x->assigned_B);
	memset(x->assigned_s, 0, sizeof x->assigned_s);
	for (size_t b = 0; b < p->blocks; b++)
		sum += least_block_cost(x, b);
	for (size_t m = 0; m < p->w->machines_n; m++)
		sum -= x->memory_price[m] * usable_B(p, m);
	return sum;
}

/* One step of the subgradient method: the price of a memory that is exceeded rises (Polyak's step), and
 * the weight of a device rises with its busy time. */
static void update_multipliers(struct relaxed *x, double gap)
{
	const struct block_costs *p = x->p;
	double square = 0, most = 0, sum = 0;

	for (size_t m = 0; m < p->w->machines_n; m++) {
		const double over_B = x->assigned_B[m] - usable_B(p, m);

		if (over_B > 0 || x->memory_price[m] > 0)
			square += over_B * over_B;
	}
	for (size_t m = 0; m < p->w->machines_n && square > 0; m++)
		x->memory_price[m] =
			fmax(0, x->memory_price[m] + gap * (x->assigned_B[m] - usable_B(p, m)) / square);
	for (size_t u = 0; u < p->units; u++)
		most = fmax(most, x->assigned_s[u]);
	for (size_t u = 0; u < p->units && most > 0; u++)
		sum += x->device_weight[u] *= 1 + 0.05 * x->assigned_s[u] / most;
	for (size_t u = 0; u < p->units && most > 0; u++)
		x->device_weight[u] /= sum;
}

/* The initial weight of a device is the inverse of its time for all blocks. */
static void initial_weights(struct relaxed *x)
{
	const struct block_costs *p = x->p;
	double sum = 0;

	for (size_t u = 0; u < p->units; u++) {
		double all_s = 0;

		for (int phase_group = 0; phase_group < PHASE_GROUPS; phase_group++)
			for (size_t b = 0; b < p->blocks; b++)
				all_s += binds_in(x, phase_group) ? p->busy_s[phase_group][b * p->units + u]
								  : 0;
		x->device_weight[u] = all_s > 0 ? 1 / all_s : 1;
		sum += x->device_weight[u];
	}
	for (size_t u = 0; u < p->units; u++)
		x->device_weight[u] /= sum;
}

static double solve_dual(const struct block_costs *p, const struct rate *rate, int binds, double achieved)
{
	struct relaxed x = {.p = p, .rate = *rate, .binds = binds};
	double best = 0;

	if (binds != CHAIN)
		initial_weights(&x);
	for (int i = 0; i < ROUNDS; i++) {
		const double now = dual(&x);

		best = fmax(best, now);
		update_multipliers(&x,
				   (isfinite(achieved) ? fmax(achieved - now, 0.001 * best) : 0.1 * best) /
					   (1 + 0.02 * i));
	}
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
		for (size_t i = 0; i < p->units * p->units; i++)
			if (p->w->units[i / p->units].machine != p->w->units[i % p->units].machine)
				least = fmin(least, p->hop_s[phase_group][b * p->units * p->units + i]);
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
