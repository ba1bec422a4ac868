/* lower_bound.c - see lower_bound.h. */
#include "sim/search/lower_bound.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/search/search_job.h"

enum { ROUNDS = 200, CHAIN = -1 };

/* One relaxed program: what each block costs where, by leg. */
struct relaxed {
	const struct block_costs *p;
	struct rate rate;
	int binds;                   /* CHAIN, or the index of rate.busiest that does */
	double dear[SPACE_UNITS];    /* of a machine: for each byte in its memory */
	double weigh[SPACE_UNITS];   /* of a device, where the busiest binds; they add up to one */
	double needs_B[SPACE_UNITS]; /* of a machine, at the least so far looked at */
	double works_s[SPACE_UNITS]; /* of a device, likewise */
};

/* For whatever devices are used: the least idle watts, and active ones shared by all devices of a machine. */
static struct rate rate_of_any(const struct block_costs *p, const struct metric_info *sought)
{
	struct rate r = goal_rate(p, sought, (1u << p->units) - 1);

	for (size_t u = 0; u < p->units; u++) {
		const struct rate one = goal_rate(p, sought, 1u << u);

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

/* Shared experts may cost nothing, see block_costs_count(). */
static double shard_group_cost(const struct relaxed *x, int phase_group, size_t block, size_t u)
{
	const struct block_costs *p = x->p;
	const double busy_s = p->busy_s[phase_group][block * p->units + u];
	double cost = x->rate.busy[u] * busy_s;

	if (p->role[block] == ROLE_SHARED)
		return 0;
	if (x->binds == CHAIN)
		return cost +
		       x->rate.phase_group[phase_group] * p->chain_s[phase_group][block * p->units + u];
	return cost + (binds_in(x, phase_group) ? x->rate.busiest[x->binds] * x->weigh[u] * busy_s : 0);
}

/* The cheapest seats of a block for both legs; its weights are once on each machine that has it. */
static double block_least(struct relaxed *x, size_t block)
{
	const struct block_costs *p = x->p;
	const struct unit *units = p->w->units;
	double least = INFINITY, costs[PHASE_GROUPS][SPACE_UNITS];
	size_t best[PHASE_GROUPS] = {0, 0};

	for (int phase_group = 0; phase_group < PHASE_GROUPS; phase_group++)
		for (size_t u = 0; u < p->units; u++)
			costs[phase_group][u] = shard_group_cost(x, phase_group, block, u);
	for (size_t u = 0; u < p->units; u++)
		for (size_t v = 0; v < p->units; v++) {
			const size_t a = units[u].machine, b = units[v].machine;
			const double dear = x->dear[a] + (a == b ? 0 : x->dear[b]);
			const double cost = costs[0][u] + costs[1][v] + dear * p->weights_B[block];

			if (cost < least) {
				least = cost;
				best[0] = u;
				best[1] = v;
			}
		}
	for (int phase_group = 0; phase_group < PHASE_GROUPS; phase_group++) {
		if (phase_group == 0 || units[best[1]].machine != units[best[0]].machine)
			x->needs_B[units[best[phase_group]].machine] += p->weights_B[block];
		if (x->binds != CHAIN && binds_in(x, phase_group) && p->role[block] != ROLE_SHARED)
			x->works_s[best[phase_group]] +=
				p->busy_s[phase_group][block * p->units + best[phase_group]];
	}
	return least;
}

/* What is streamed from a disk is bound by none. */
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

	memset(x->needs_B, 0, sizeof x->needs_B);
	memset(x->works_s, 0, sizeof x->works_s);
	for (size_t b = 0; b < p->blocks; b++)
		sum += block_least(x, b);
	for (size_t m = 0; m < p->w->machines_n; m++)
		sum -= x->dear[m] * usable_B(p, m);
	return sum;
}

/* Memory that is short becomes dearer (Polyak's step), devices that have more to do than others weigh more.
 */
static void adjust(struct relaxed *x, double gap)
{
	const struct block_costs *p = x->p;
	double square = 0, most = 0, sum = 0;

	for (size_t m = 0; m < p->w->machines_n; m++) {
		const double over_B = x->needs_B[m] - usable_B(p, m);

		if (over_B > 0 || x->dear[m] > 0)
			square += over_B * over_B;
	}
	for (size_t m = 0; m < p->w->machines_n && square > 0; m++)
		x->dear[m] = fmax(0, x->dear[m] + gap * (x->needs_B[m] - usable_B(p, m)) / square);
	for (size_t u = 0; u < p->units; u++)
		most = fmax(most, x->works_s[u]);
	for (size_t u = 0; u < p->units && most > 0; u++)
		sum += x->weigh[u] *= 1 + 0.05 * x->works_s[u] / most;
	for (size_t u = 0; u < p->units && most > 0; u++)
		x->weigh[u] /= sum;
}

/* To begin with devices weigh by what they do in a second. */
static void begin_weights(struct relaxed *x)
{
	const struct block_costs *p = x->p;
	double sum = 0;

	for (size_t u = 0; u < p->units; u++) {
		double all_s = 0;

		for (int phase_group = 0; phase_group < PHASE_GROUPS; phase_group++)
			for (size_t b = 0; b < p->blocks; b++)
				all_s += binds_in(x, phase_group) ? p->busy_s[phase_group][b * p->units + u]
								  : 0;
		x->weigh[u] = all_s > 0 ? 1 / all_s : 1;
		sum += x->weigh[u];
	}
	for (size_t u = 0; u < p->units; u++)
		x->weigh[u] /= sum;
}

static double bound_where(const struct block_costs *p, const struct rate *rate, int binds, double known)
{
	struct relaxed x = {.p = p, .rate = *rate, .binds = binds};
	double best = 0;

	if (binds != CHAIN)
		begin_weights(&x);
	for (int i = 0; i < ROUNDS; i++) {
		const double now = dual(&x);

		best = fmax(best, now);
		adjust(&x, (isfinite(known) ? fmax(known - now, 0.001 * best) : 0.1 * best) / (1 + 0.02 * i));
	}
	return best;
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x < y) - (x > y);
}

/* Machines but one that a pass must go through: the largest that together hold what is walked through. */
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
			return 0; /* what is behind them may have come any way */
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

double lower_bound_of(const struct block_costs *p, const struct metric_info *sought, double known)
{
	const struct rate rate = rate_of_any(p, sought);
	const double hops = (double)hops_needed(p);
	double hops_cost = 0, best;

	for (int phase_group = 0; phase_group < PHASE_GROUPS; phase_group++)
		hops_cost += rate.phase_group[phase_group] * hops * least_hop_s(p, phase_group);
	best = bound_where(p, &rate, CHAIN, known - hops_cost) + hops_cost;
	for (int i = 0; i <= PHASE_GROUPS; i++)
		if (rate.busiest[i] > 0)
			best = fmax(best, bound_where(p, &rate, i, known));
	return best;
}
