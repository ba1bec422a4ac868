/* goal.c - see goal.h. */
#include "sim/search/goal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/exact_math.h"
#include "sim/predict/energy_cost.h"
#include "sim/predict/program_job.h"
#include "sim/search/search_job.h"

/* A metric's row in the table of its job; NULL: no bound is known for the metric. */
static const struct search_metric *search_metric(const struct metric_info *m)
{
	const struct search_job *job = search_job(m->job);

	for (size_t i = 0; job && i < job->metrics_n; i++)
		if (!strcmp(job->metrics[i].name, m->name))
			return &job->metrics[i];
	return NULL;
}

/* The metric that a row minimizes; the job's table has it. */
static const struct metric_info *metric_of_row(enum job job, const struct search_metric *x)
{
	size_t i = 0;

	while (strcmp(job_types[job]->metrics[i].name, x->minimized) != 0)
		i++;
	return &job_types[job]->metrics[i];
}

static int not_searched(const struct metric_info *m, struct err *err)
{
	err_set(err, "%s cannot be a goal: assignments that %s are not searched", m->name, job_name(m->job));
	return err_hint(err,
			"write the assignments down and compare them: 'lemursim simulate', or "
			"'lemursim sweep --metric %s'",
			m->name);
}

int goal_parse(const char *name, struct goal *g, struct err *err)
{
	const char *names[JOB_N * METRICS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < metrics_n(); i++) {
		const struct metric_info *m = metric_at(i);
		const struct search_metric *x = search_metric(m);

		if (!search_job(m->job) && !strcmp(name, m->name))
			return not_searched(m, err);
		if (!x || !x->goal)
			continue;
		if (!strcmp(name, m->name)) {
			*g = (struct goal){m, metric_of_row(m->job, x)};
			return 0;
		}
		names[n++] = m->name;
	}
	return err_unknown(err, "goal", name, names, n);
}

double goal_value(const struct world *w, const struct goal *g, double minimized)
{
	const struct search_metric *x = search_metric(g->metric);

	return x && x->amount ? x->amount(&w->scenario->workload) / minimized : minimized;
}

/* '<' is none of the two. The hint is a limit that is read. */
static int not_or_equal(const struct metric_info *m, const char *text, const char *op, struct err *err)
{
	const char *quantity = op + 1 + strspn(op + 1, " ");
	double value;
	const bool lacks_unit = *m->unit && metric_parse(m, quantity, &value, NULL) != 0 &&
				units_number(quantity, &value) == quantity + strlen(quantity);

	err_set(err, "a limit is '<=' or '>=', not '%c', in '%.80s'", op[0], text);
	return err_hint(err, "write '%s %c= %.60s%s%s'", m->name, op[0], quantity, lacks_unit ? " " : "",
			lacks_unit ? m->unit : "");
}

int limit_parse(const char *text, struct limit *l, struct err *err)
{
	const size_t len = strcspn(text, " <>=");
	const char *op = text + len + strspn(text + len, " ");
	const struct metric_info *metric;
	char name[64];

	if ((op[0] != '<' && op[0] != '>') || len >= sizeof name) {
		err_set(err, "expected a limit like 'ttft_s <= 2 s', got '%.80s'", text);
		return err_hint(err, "metric, <= or >=, quantity");
	}
	memcpy(name, text, len);
	name[len] = '\0';
	metric = metric_find(name, err);
	if (!metric)
		return -1;
	if (op[1] != '=')
		return not_or_equal(metric, text, op, err);
	*l = (struct limit){.metric = metric, .at_least = op[0] == '>', .text = text};
	op += 2;
	return metric_parse(metric, op + strspn(op, " "), &l->value, err);
}

bool limit_minimized(const struct world *w, const struct limit *l, const struct metric_info **minimized,
		     double *most)
{
	const struct search_metric *x = search_metric(l->metric);

	*minimized = x ? metric_of_row(l->metric->job, x) : l->metric;
	*most = l->value;
	if (!x || !x->amount)
		return !l->at_least;
	if (!l->at_least) /* an upper limit of a rate */
		return false;
	*most = x->amount(&w->scenario->workload) / l->value;
	return true;
}

bool limit_holds(const struct limit *l, double value)
{
	return l->at_least ? value >= l->value : value <= l->value;
}

/* Idle watts, and USD per second, of the machines of some units. */
static void machines_rate(const struct world *w, const struct unit_set *units, double *idle_W,
			  double *usd_per_s)
{
	const struct money *money = &w->scenario->money;
	size_t before = WORLD_NONE;

	*idle_W = *usd_per_s = 0;
	for (size_t u = 0; u < w->units_n; u++) { /* those of a machine follow one another */
		const struct machine *k = &w->machines[w->units[u].machine];

		if (!unit_set_has(units, u) || w->units[u].machine == before)
			continue;
		before = w->units[u].machine;
		*idle_W += k->idle_power.given ? k->idle_power.value : NAN;
		*usd_per_s += (k->price.given ? k->price.value : NAN) / (money->life * money->utilisation);
	}
}

/* The weights of energy or money. Energy is the idle power of the machines times the run's time, plus the
 * power that each device adds while it is busy; two devices of a machine may share its active power, so
 * each is charged the least of it. For money see energy_cost.h. Links add to both, which the bound leaves
 * out. */
static struct rate energy_cost_rate(const struct world *w, bool usd, double tokens,
				    const struct unit_set *units)
{
	const struct money *money = &w->scenario->money;
	double idle_W, usd_per_s;
	struct rate r = {.phase_group = {0}};

	machines_rate(w, units, &idle_W, &usd_per_s);
	for (size_t u = 0; u < w->units_n; u++) {
		const struct unit *k = &w->units[u];
		double share = 0;

		if (!unit_set_has(units, u))
			continue;
		for (size_t v = 0; v < w->units_n; v++)
			share += w->units[v].machine == k->machine && unit_set_has(units, v);
		r.busy[u] = energy_cost_added_W(&w->machines[k->machine], k->device);
		if (share > 1 && !energy_cost_has_own_W(k->device))
			r.busy[u] /= share; /* the devices may be busy at the same time */
		r.busy[u] *= (usd ? 1e6 * money->electricity : 1) / tokens;
	}
	r.phase_group[0] =
		usd ? 1e6 * (usd_per_s + money->electricity * idle_W / money->utilisation) : idle_W;
	r.phase_group[0] /= tokens;
	r.phase_group[1] = r.busiest[PHASE_GROUPS] = r.phase_group[0];
	return r;
}

struct rate goal_rate(const struct block_costs *p, const struct metric_info *minimized,
		      const struct unit_set *units)
{
	const struct search_metric *x = search_metric(minimized);

	if (minimized->needs == METRIC_OF_POWER || minimized->needs == METRIC_OF_POWER_AND_PRICE)
		return energy_cost_rate(p->w, minimized->needs == METRIC_OF_POWER_AND_PRICE,
					job_types[minimized->job]->programs->tokens(p->w), units);
	return x && x->rate ? x->rate(p) : (struct rate){.phase_group = {0, 0}};
}

const double goal_tie = 1e-9;

struct rate goal_rate_tied(const struct block_costs *p, const struct metric_info *minimized,
			   const struct unit_set *units)
{
	struct rate r = goal_rate(p, minimized, units);

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

double limits_violation(const struct block_costs *p, const struct limit *limits, size_t n,
			const struct unit_set *units, const struct phase_group_sum phase_groups[PHASE_GROUPS])
{
	double violation = 0;

	for (size_t i = 0; i < n; i++) {
		const struct metric_info *minimized;
		double most, least;
		struct rate r;

		if (!limit_minimized(p->w, &limits[i], &minimized, &most))
			continue;
		r = goal_rate(p, minimized, units);
		least = rate_bound(p, &r, phase_groups);
		if (least > most * (1 + 1e-9)) /* margin for rounding of the sums */
			violation += most > 0 ? exact_log(least / most) : INFINITY;
	}
	return violation;
}
