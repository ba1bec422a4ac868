/* goal.c - see goal.h. */
#include "sim/search/goal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct goal goals[] = {
	{M_PREFILL, M_TTFT},
	{M_TTFT, M_TTFT},
	{M_DECODE, M_TPOT},
	{M_TPOT, M_TPOT},
	{M_E2EL, M_E2EL},
	{M_ENERGY, M_ENERGY},
	{M_USD, M_USD},
	{M_TRAIN, M_STEP},
	{M_STEP, M_STEP},
	{M_TRAIN_ENERGY, M_TRAIN_ENERGY},
	{M_TRAIN_USD, M_TRAIN_USD},
};

int goal_parse(const char *name, struct goal *g, struct err *err)
{
	const char *names[ARRAY_LEN(goals)];

	for (size_t i = 0; i < ARRAY_LEN(goals); i++) {
		names[i] = metric_info[goals[i].metric].name;
		if (!strcmp(name, names[i])) {
			*g = goals[i];
			return 0;
		}
	}
	return err_unknown(err, "goal", name, names, ARRAY_LEN(goals));
}

enum job goal_job(const struct goal *g)
{
	return metric_info[g->metric].of_training ? JOB_TRAIN : JOB_GENERATE;
}

int limit_parse(const char *text, struct limit *l, struct err *err)
{
	const size_t len = strcspn(text, " <>=");
	const char *op = text + len + strspn(text + len, " ");
	enum metric_id metric;
	char name[64];

	if ((op[0] != '<' && op[0] != '>') || len >= sizeof name) {
		err_set(err, "expected a limit like 'ttft_s <= 2 s', got '%.80s'", text);
		return err_hint(err, "metric, <= or >=, quantity");
	}
	memcpy(name, text, len);
	name[len] = '\0';
	if (metric_find(name, &metric, err) != 0)
		return -1;
	*l = (struct limit){.metric = metric, .at_least = op[0] == '>', .text = text};
	op += op[1] == '=' ? 2 : 1;
	return metric_parse(metric, op + strspn(op, " "), &l->value, err);
}

bool limit_sought(const struct world *w, const struct limit *l, enum metric_id *sought, double *most)
{
	const struct workload *k = &w->scenario->workload;

	*sought = l->metric;
	*most = l->value;
	for (size_t i = 0; i < ARRAY_LEN(goals); i++)
		if (goals[i].metric == l->metric)
			*sought = goals[i].sought;
	if (*sought == l->metric)
		return !l->at_least;
	if (!l->at_least) /* a rate that is not to be exceeded */
		return false;
	if (l->metric == M_TRAIN)
		*most = train_tokens(k->train) / l->value;
	else
		*most = (double)(k->generate->batch * (l->metric == M_PREFILL ? k->generate->prompt : 1)) /
			l->value;
	return true;
}

bool limit_holds(const struct limit *l, double value)
{
	return l->at_least ? value >= l->value : value <= l->value;
}

/* Idle watts, and dollars a second, of the machines of some units. */
static void machines_rate(const struct world *w, unsigned units, double *idle_W, double *usd_per_s)
{
	const struct money *money = &w->scenario->money;

	*idle_W = *usd_per_s = 0;
	for (size_t m = 0; m < w->machines_n; m++) {
		const struct machine *k = &w->machines[m];
		bool used = false;

		for (size_t u = 0; u < w->units_n; u++)
			used |= w->units[u].machine == m && units >> u & 1;
		if (!used)
			continue;
		*idle_W += k->idle_power.given ? k->idle_power.value : NAN;
		*usd_per_s += (k->price.given ? k->price.value : NAN) / (money->life * money->utilisation);
	}
}

/* Energy: idle watts of the machines, and what each device adds while it is busy (the least of it: two
 * devices of one machine may share its active power). Money: see energy_cost.h. Links add to both; the bound
 * leaves them out. */
static struct rate energy_cost_rate(const struct world *w, bool usd, double tokens, unsigned units)
{
	const struct money *money = &w->scenario->money;
	double idle_W, usd_per_s;
	struct rate r = {.phase_group = {0}};

	machines_rate(w, units, &idle_W, &usd_per_s);
	for (size_t u = 0; u < w->units_n && u < SPACE_UNITS; u++) {
		const struct unit *k = &w->units[u];
		double share = 0;

		for (size_t v = 0; v < w->units_n; v++)
			share += w->units[v].machine == k->machine && units >> v & 1;
		r.busy[u] = units >> u & 1 ? energy_cost_added_W(&w->machines[k->machine], k->device) : 0;
		if (share > 1 && !energy_cost_has_own_W(k->device))
			r.busy[u] /= share; /* at least: they may be busy at the same time */
		r.busy[u] *= (usd ? 1e6 * money->electricity : 1) / tokens;
	}
	r.phase_group[0] =
		usd ? 1e6 * (usd_per_s + money->electricity * idle_W / money->utilisation) : idle_W;
	r.phase_group[0] /= tokens;
	r.phase_group[1] = r.busiest[PHASE_GROUPS] = r.phase_group[0];
	return r;
}

/* A first step of decode may run before the last group's first token is there: it counts for none where
 * groups overlap. */
static struct rate tpot_rate(const struct block_costs *p)
{
	const double tokens = (double)p->w->scenario->workload.generate->tokens;
	const double step = 1 / (tokens - 1), later = step * (tokens - 2) / (tokens - 1);

	return (struct rate){.phase_group = {0, p->chunks[1] > 1 ? later : step}, .busiest = {0, later, 0}};
}

struct rate goal_rate(const struct block_costs *p, enum metric_id sought, unsigned units)
{
	const struct world *w = p->w;
	const struct workload *k = &w->scenario->workload;

	switch (sought) {
	case M_TTFT:
	case M_FORWARD:
		return (struct rate){.phase_group = {1, 0}, .busiest = {1, 0, 0}};
	case M_TPOT:
		return tpot_rate(p);
	case M_E2EL:
	case M_STEP:
		return (struct rate){.phase_group = {1, 1}, .busiest = {0, 0, 1}};
	case M_ENERGY:
	case M_USD:
		return energy_cost_rate(w, sought == M_USD,
					(double)(k->generate->batch * k->generate->tokens), units);
	case M_TRAIN_ENERGY:
	case M_TRAIN_USD:
		return energy_cost_rate(w, sought == M_TRAIN_USD, train_tokens(k->train), units);
	default: /* nothing is known before it has run */
		return (struct rate){.phase_group = {0, 0}};
	}
}

const double goal_tie = 1e-9;

struct rate goal_rate_tied(const struct block_costs *p, enum metric_id sought, unsigned units)
{
	struct rate r = goal_rate(p, sought, units);

	for (int i = 0; i < PHASE_GROUPS; i++)
		r.phase_group[i] += goal_tie;
	return r;
}

double rate_bound(const struct block_costs *p, const struct rate *r,
		  const struct phase_group_sum phase_groups[PHASE_GROUPS])
{
	double chain = 0, most[PHASE_GROUPS + 1] = {0}, busy = 0, longest;

	for (int i = 0; i < PHASE_GROUPS; i++)
		chain += r->phase_group[i] * phase_groups[i].chain_s;
	for (size_t u = 0; u < p->units; u++) {
		const double both =
			phase_groups[0].busy_s[u] + phase_groups[1].busy_s[u] + phase_groups[1].copies_s[u];

		most[0] = fmax(most[0], phase_groups[0].busy_s[u]);
		most[1] = fmax(most[1], phase_groups[1].busy_s[u]);
		most[2] = fmax(most[2], both);
		busy += r->busy[u] * both;
	}
	longest =
		fmax(chain, r->busiest[PHASE_GROUPS] * fmax(phase_groups[1].link_s, phase_groups[1].fill_s));
	for (int i = 0; i <= PHASE_GROUPS; i++)
		longest = fmax(longest, r->busiest[i] * most[i]);
	return busy + longest;
}

double limits_beyond(const struct block_costs *p, const struct limit *limits, size_t n, unsigned units,
		     const struct phase_group_sum phase_groups[PHASE_GROUPS])
{
	double beyond = 0;

	for (size_t i = 0; i < n; i++) {
		enum metric_id sought;
		double most, least;
		struct rate r;

		if (!limit_sought(p->w, &limits[i], &sought, &most))
			continue;
		r = goal_rate(p, sought, units);
		least = rate_bound(p, &r, phase_groups);
		if (least > most * (1 + 1e-9)) /* sums are rounded */
			beyond += most > 0 ? log(least / most) : INFINITY;
	}
	return beyond;
}
