/* least.c - see least.h. */
#include "sim/search/least.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 200, CHAIN = -1 };

/* One relaxed program: what each block costs where, by leg. */
struct relaxed {
	const struct prices *p;
	struct rate rate;
	int binds;                   /* CHAIN, or the index of rate.busiest that does */
	double dear[SPACE_UNITS];    /* of a machine: for each byte in its memory */
	double weigh[SPACE_UNITS];   /* of a device, where the busiest binds; they add up to one */
	double needs_B[SPACE_UNITS]; /* of a machine, at the least so far looked at */
	double works_s[SPACE_UNITS]; /* of a device, likewise */
};

/* For whatever devices are used: the least idle watts, and active ones shared by all devices of a machine. */
static struct rate rate_of_any(const struct prices *p, enum metric_id sought)
{
	struct rate r = goal_rate(p, sought, (1u << p->units) - 1);

	for (size_t u = 0; u < p->units; u++) {
		const struct rate one = goal_rate(p, sought, 1u << u);

		for (int i = 0; i < LEGS; i++)
			r.leg[i] = fmin(r.leg[i], one.leg[i]);
		for (int i = 0; i <= LEGS; i++)
			r.busiest[i] = fmin(r.busiest[i], one.busiest[i]);
	}
	return r;
}

static bool binds_in(const struct relaxed *x, int leg)
{
	return x->binds == LEGS || x->binds == leg;
}

/* Shared experts may cost nothing, see prices_count(). */
static double seat_cost(const struct relaxed *x, int leg, size_t block, size_t u)
{
	const struct prices *p = x->p;
	const double busy_s = p->busy_s[leg][block * p->units + u];
	double cost = x->rate.busy[u] * busy_s;

	if (p->role[block] == ROLE_SHARED)
		return 0;
	if (x->binds == CHAIN)
		return cost + x->rate.leg[leg] * p->chain_s[leg][block * p->units + u];
	return cost + (binds_in(x, leg) ? x->rate.busiest[x->binds] * x->weigh[u] * busy_s : 0);
}

/* The cheapest seats of a block for both legs; its weights are once on each machine that has it. */
static double block_least(struct relaxed *x, size_t block)
{
	const struct prices *p = x->p;
	const struct unit *units = p->w->units;
	double least = INFINITY, costs[LEGS][SPACE_UNITS];
	size_t best[LEGS] = {0, 0};

	for (int leg = 0; leg < LEGS; leg++)
		for (size_t u = 0; u < p->units; u++)
			costs[leg][u] = seat_cost(x, leg, block, u);
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
	for (int leg = 0; leg < LEGS; leg++) {
		if (leg == 0 || units[best[1]].machine != units[best[0]].machine)
			x->needs_B[units[best[leg]].machine] += p->weights_B[block];
		if (x->binds != CHAIN && binds_in(x, leg) && p->role[block] != ROLE_SHARED)
			x->works_s[best[leg]] += p->busy_s[leg][block * p->units + best[leg]];
	}
	return least;
}

/* What is streamed from a disk is bound by none. */
static double usable_B(const struct prices *p, size_t machine)
{
	const struct generate *g = p->w->scenario->workload.generate;

	if (p->job == JOB_GENERATE && g->how.overflow == OVERFLOW_STREAM)
		return 1e30;
	return p->w->machines[machine].memory.usable.value;
}

static double dual(struct relaxed *x)
{
	const struct prices *p = x->p;
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
	const struct prices *p = x->p;
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
	const struct prices *p = x->p;
	double sum = 0;

	for (size_t u = 0; u < p->units; u++) {
		double all_s = 0;

		for (int leg = 0; leg < LEGS; leg++)
			for (size_t b = 0; b < p->blocks; b++)
				all_s += binds_in(x, leg) ? p->busy_s[leg][b * p->units + u] : 0;
		x->weigh[u] = all_s > 0 ? 1 / all_s : 1;
		sum += x->weigh[u];
	}
	for (size_t u = 0; u < p->units; u++)
		x->weigh[u] /= sum;
}

static double bound_where(const struct prices *p, const struct rate *rate, int binds, double known)
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
static size_t hops_needed(const struct prices *p)
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

static double least_hop_s(const struct prices *p, int leg)
{
	double least = INFINITY;

	for (size_t b = p->first + 1; b <= p->last; b++)
		for (size_t i = 0; i < p->units * p->units; i++)
			if (p->w->units[i / p->units].machine != p->w->units[i % p->units].machine)
				least = fmin(least, p->hop_s[leg][b * p->units * p->units + i]);
	return isfinite(least) ? least : 0;
}

double least_of(const struct prices *p, enum metric_id sought, double known)
{
	const struct rate rate = rate_of_any(p, sought);
	const double hops = (double)hops_needed(p);
	double hops_cost = 0, best;

	for (int leg = 0; leg < LEGS; leg++)
		hops_cost += rate.leg[leg] * hops * least_hop_s(p, leg);
	best = bound_where(p, &rate, CHAIN, known - hops_cost) + hops_cost;
	for (int i = 0; i <= LEGS; i++)
		if (rate.busiest[i] > 0)
			best = fmax(best, bound_where(p, &rate, i, known));
	return best;
}
