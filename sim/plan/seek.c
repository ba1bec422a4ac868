/* seek.c - see seek.h. */
#include "sim/plan/seek.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/workers.h"
#include "sim/plan/rows.h"

/* The groups that a fleet has, of which there are *n. */
static struct fleet_share *parts_of(struct arena *a, const struct group_list *g, const int *counts, size_t *n)
{
	struct fleet_share *parts = arena_array(a, g->n, sizeof *parts);

	*n = 0;
	for (size_t i = 0; i < g->n; i++)
		if (counts[i])
			parts[(*n)++] = (struct fleet_share){&g->at[i], counts[i]};
	return parts;
}

static struct service *join(struct plan_seeking *x, const int *counts)
{
	size_t n;
	const struct fleet_share *parts = parts_of(&x->scratch, &x->r->groups, counts, &n);
	struct service *s = plan_parts_service(&x->scratch, x->r, parts, n);

	x->unbuilt = !s;
	return s;
}

/* ---- fleets that are asked for next ---- */

/* What the first replication says of a fleet under the load with headroom; -1: that is not known. */
static int first_of(const struct plan_seeking *x, const int *counts)
{
	for (size_t i = 0; i < x->ahead_n; i++)
		if (!memcmp(x->ahead[i].counts, counts, x->r->groups.n * sizeof *counts))
			return x->ahead[i].first;
	return -1;
}

/* A group that stands in one of the fleets alone needs no twin of its service. */
struct looking_ahead {
	struct plan_seeking *x;
	int *uses; /* of each group: fleets that have it */
};

static struct service *join_on(struct looking_ahead *a, struct arena *scratch, const int *counts,
			       size_t thread)
{
	const struct group_list *g = &a->x->r->groups;
	size_t n;
	struct fleet_share *parts = parts_of(scratch, g, counts, &n);
	struct group *own = arena_array(scratch, n, sizeof *own);

	for (size_t i = 0; i < n; i++) {
		own[i] = *parts[i].group;
		own[i].service =
			service_twin(own[i].service, a->uses[parts[i].group - g->at] > 1 ? thread : 0);
		parts[i].group = &own[i];
	}
	return plan_parts_service(scratch, a->x->r, parts, n);
}

/* -1 where it holds: no later fleet need be looked at before this one is decided. */
static int run_ahead(void *self, size_t thread, size_t i)
{
	struct looking_ahead *a = self;
	struct plan_ahead *f = &a->x->ahead[i];
	const struct plan_load *load = &a->x->r->load;
	struct arena scratch = ARENA_INIT;
	struct service *s = join_on(a, &scratch, f->counts, thread);

	f->first = s ? plan_load_holds_one(load, s, load->needed, 0, NULL) : -1;
	service_free(s);
	arena_release(&scratch);
	return f->first == 0 ? 0 : -1;
}

/* Twins are made before the threads are. */
static void count_uses(struct looking_ahead *a, size_t threads)
{
	const struct group_list *g = &a->x->r->groups;

	for (size_t i = 0; i < g->n; i++) {
		for (size_t k = 0; k < a->x->ahead_n; k++)
			a->uses[i] += a->x->ahead[k].counts[i] > 0;
		if (a->uses[i] > 1)
			service_twin(g->at[i].service, threads - 1);
	}
}

static bool has_pools(const struct plan_seeking *x, const int *counts)
{
	bool has = false;

	for (size_t i = 0; i < x->r->groups.n; i++)
		has |= counts[i] && x->r->groups.at[i].pool != POOL_WHOLE;
	return has;
}

/* Most fleets fail by their first replication: each thread runs that of another fleet, until one holds it. What is found of the
 * fleets beyond is used if they are asked for, so that neither verdicts nor their number depend on it. */
static void look_ahead(void *self, int *const *counts, size_t n)
{
	struct plan_seeking *x = self;
	struct looking_ahead a = {x, NULL};
	const struct workers_task work = {.n = n, .item = run_ahead, .self = &a};
	const size_t threads = workers_count((int64_t)x->r->load.threads, n);

	if (threads < 2 || first_of(x, counts[0]) >= 0 || has_pools(x, counts[0]))
		return;
	x->ahead_n = n;
	for (size_t i = 0; i < n; i++)
		x->ahead[i] = (struct plan_ahead){counts[i], -1};
	a.uses = xcalloc(x->r->groups.n, sizeof *a.uses);
	count_uses(&a, threads);
	workers_run(&work, threads);
	free(a.uses);
}

/* ---- verdicts ---- */

static double find_holds(struct plan_seeking *x, const int *counts)
{
	const struct plan_load *load = &x->r->load;
	const int first = first_of(x, counts);
	struct service *s;
	int verdict;

	if (first == 0)
		return 0;
	s = join(x, counts);
	verdict = s ? plan_load_holds_from(load, s, load->needed, first > 0) : 0;
	/* a run may meet the larger load by chance and miss the one that was asked */
	if (verdict > 0 && load->asked < load->needed)
		verdict = plan_load_holds(load, s, load->asked);
	service_free(s);
	arena_release(&x->scratch);
	return verdict;
}

/* What is known of a fleet, or what `find` finds out, which is then kept. */
static double known_or(struct plan_seeking *x, enum plan_question question, const int *counts,
		       double (*find)(struct plan_seeking *x, const int *counts))
{
	const char *const fleet = x->verdicts ? plan_fleet_name(x->arena, counts, x->r->groups.n) : NULL;
	double number;

	if (fleet && plan_verdicts_find(x->verdicts, question, fleet, &number))
		return number;
	number = find(x, counts);
	if (fleet && !x->unbuilt && !plan_load_stopped(&x->r->load) && number >= 0)
		x->refused |= plan_verdicts_add(x->verdicts, question, fleet, number) != 0;
	return number;
}

static int holds(void *self, const int *counts)
{
	struct plan_seeking *x = self;
	const double verdict = known_or(x, PLAN_ASK_HOLDS, counts, find_holds);

	return x->refused ? -1 : (int)verdict;
}

static bool is_mine(void *self, const int *counts)
{
	const struct plan_seeking *x = self;
	struct arena scratch = ARENA_INIT;
	const bool mine = plan_verdicts_share(x->verdicts, plan_fleet_name(&scratch, counts, x->r->groups.n));

	arena_release(&scratch);
	return mine;
}

bool plan_seeks_share(const struct plan_seeking *x)
{
	return x->verdicts && x->verdicts->n;
}

void plan_seek_run(struct plan_seeking *x, const int *counts, struct plan_row *row)
{
	struct service *s = join(x, counts);

	if (s)
		plan_row_run(x->r, s, row);
	service_free(s);
}

/* Idle machines draw their power whatever they are asked: so much of it, at least, for each token. */
static double least_energy(void *self, const int *counts)
{
	const struct plan_seeking *x = self;
	const struct plan_result *r = x->r;
	const double work = plan_load_work(&r->load);
	double W = 0, tokens = 0;

	for (size_t i = 0; i < r->groups.n; i++)
		if (counts[i]) {
			W += counts[i] * r->groups.at[i].idle_W;
			tokens = r->groups.at[i].bound.output;
		}
	return work > 0 && !r->load.finish && !isnan(W) ? W / (r->load.asked * tokens) : 0;
}

static double least_latency(void *self, const int *counts)
{
	(void)self;
	(void)counts;
	return 0;
}

static double value_of(struct plan_seeking *x, const int *counts, bool energy)
{
	struct plan_row row = {.why = PLAN_HOLDS};
	double value;

	plan_row_parts(&x->scratch, x->r, counts, &row);
	plan_seek_run(x, counts, &row);
	value = energy ? row.energy : row.m.of[SERVICE_E2EL_P95];
	arena_release(&x->scratch);
	return isnan(value) ? INFINITY : value;
}

static double find_energy(struct plan_seeking *x, const int *counts)
{
	return value_of(x, counts, true);
}

static double energy_of(void *self, const int *counts)
{
	return known_or(self, PLAN_ASK_VALUE, counts, find_energy);
}

static double find_latency(struct plan_seeking *x, const int *counts)
{
	return value_of(x, counts, false);
}

static double latency_of(void *self, const int *counts)
{
	return known_or(self, PLAN_ASK_VALUE, counts, find_latency);
}

/* Kinds of machine as numbers, so that settings of one are known for the same. */
static int number_of(const struct group_list *g, size_t i)
{
	size_t first = 0;

	while (strcmp(g->at[first].machine, g->at[i].machine) != 0 ||
	       g->at[first].machines != g->at[i].machines)
		first++;
	return (int)first;
}

/* Whole servers of one format stand together; halves of one format and one runtime, which hands its cache on. */
static int set_of(const struct group_list *g, size_t i)
{
	const struct group *x = &g->at[i];
	size_t runtime = 0;

	while (strcmp(g->at[runtime].runtime, x->runtime) != 0)
		runtime++;
	return x->pool == POOL_WHOLE ? x->format : (int)(runtime + 1) * MIX_N + x->format;
}

/* No number of such servers helps. A half answers for its own half of the SLO alone. */
static bool is_hopeless(const struct group *x)
{
	const struct service_bound *b = &x->bound;
	const bool reads = x->pool != POOL_DECODE, generates = x->pool != POOL_PREFILL;

	if (!x->fits || !b->misses)
		return !x->fits;
	switch (b->miss.metric) {
	case SLO_TTFT:
		return reads || b->miss.unserved;
	case SLO_TPOT:
	case SLO_ITL:
		return generates || b->miss.unserved;
	case SLO_E2EL:
	case SLO_METRICS:
		break;
	}
	return x->pool == POOL_WHOLE || b->miss.unserved;
}

/* Where energy is the goal, what a machine draws has to be known. */
struct fleet_kind *plan_seek_kinds(struct arena *a, const struct plan_result *r)
{
	const bool energy = r->from.plan->scenario->plan->goal == PLAN_ENERGY;
	const struct group_list *g = &r->groups;
	struct fleet_kind *kinds = arena_array(a, g->n + 1, sizeof *kinds);

	for (size_t i = 0; i < g->n; i++) {
		const struct group *x = &g->at[i];
		const struct service_bound *b = &x->bound;

		kinds[i] = (struct fleet_kind){.role = (enum fleet_role)x->pool,
					       .usd = x->usd,
					       .machines = x->machines,
					       .up_to = x->up_to,
					       .rate = b->rate,
					       .prompt = 1 / (b->prompt_s * b->rows),
					       .answer = 1 / (b->token_s * b->tokens),
					       .never = is_hopeless(x) ||
							(energy && isnan(x->idle_W + x->busy_W)),
					       .set = set_of(g, i),
					       .name = number_of(g, i)};
	}
	return kinds;
}

struct fleets plan_seek(struct plan_seeking *x, const struct fleet_kind *kinds)
{
	const struct planning *p = x->r->from.plan->scenario->plan;
	struct fleets_ask ask = {.kinds = kinds,
				 .n = x->r->groups.n,
				 .up_to = (int)p->up_to,
				 .mixed = (int)p->mixed,
				 .spare = (int)p->spare,
				 .work = plan_load_work(&x->r->load),
				 .budget = x->r->budget,
				 .holds = holds,
				 .ahead = x->verdicts ? NULL : look_ahead,
				 .mine = plan_seeks_share(x) ? is_mine : NULL,
				 .self = x,
				 .runs_most = 5000};
	struct fleets f;

	if (p->goal == PLAN_ENERGY) {
		ask.least = least_energy;
		ask.value = energy_of;
	} else if (p->goal == PLAN_LATENCY) {
		ask.least = least_latency;
		ask.value = latency_of;
	}
	f = fleets_find(x->arena, &ask);
	x->ahead_n = 0;
	x->r->counts.bounds += f.bounds;
	x->r->counts.ruled_out += f.ruled_out;
	x->r->counts.simulations += f.runs;
	return f;
}
