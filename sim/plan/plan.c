/* plan.c - see plan.h; answer.c puts it into words. */
#include "sim/plan/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/texts.h"
#include "sim/plan/answer.h"
#include "sim/plan/closer.h"
#include "sim/plan/rows.h"

enum { NEAREST = 64 }; /* fleets looked at for the one that comes closest */

/* ---- the search ---- */

struct searching {
	struct plan_result *r;
	struct loader *l;
	struct arena scratch;           /* joined services, one at a time */
	struct plan_verdicts *verdicts; /* NULL: nothing is known, and nobody asks */
	const volatile int *stop;
	bool refused; /* a verdict could not be kept */
	bool unbuilt; /* the last fleet could not be built, of which the answer tells: that is found out again */
};

static struct service *join(struct searching *x, const int *counts)
{
	const struct group_list *g = &x->r->groups;
	struct fleet_share *parts = arena_array(&x->scratch, g->n, sizeof *parts);
	struct service *s;
	size_t n = 0;

	for (size_t i = 0; i < g->n; i++)
		if (counts[i])
			parts[n++] = (struct fleet_share){&g->at[i], counts[i]};
	s = plan_parts_service(&x->scratch, x->r, parts, n);
	x->unbuilt = !s;
	return s;
}

static double find_holds(struct searching *x, const int *counts)
{
	const struct plan_load *load = &x->r->load;
	struct service *s = join(x, counts);
	int verdict = s ? plan_load_holds(load, s, load->needed) : 0;

	/* a run may meet the larger load by chance and miss the one that was asked */
	if (verdict > 0 && load->asked < load->needed)
		verdict = plan_load_holds(load, s, load->asked);
	service_free(s);
	arena_release(&x->scratch);
	return verdict;
}

/* What is known of a fleet, or what `find` finds out, which is then kept. */
static double known_or(struct searching *x, enum plan_question question, const int *counts,
		       double (*find)(struct searching *x, const int *counts))
{
	const char *const fleet = x->verdicts ? plan_fleet_name(x->l->arena, counts, x->r->groups.n) : NULL;
	double number;

	if (fleet && plan_verdicts_find(x->verdicts, question, fleet, &number))
		return number;
	number = find(x, counts);
	if (fleet && !x->unbuilt && !(x->stop && *x->stop) && number >= 0)
		x->refused |= plan_verdicts_add(x->verdicts, question, fleet, number) != 0;
	return number;
}

static int holds(void *self, const int *counts)
{
	struct searching *x = self;
	const double verdict = known_or(x, PLAN_ASK_HOLDS, counts, find_holds);

	return x->refused ? -1 : (int)verdict;
}

static bool is_mine(void *self, const int *counts)
{
	const struct searching *x = self;
	struct arena scratch = ARENA_INIT;
	const bool mine = plan_verdicts_share(x->verdicts, plan_fleet_name(&scratch, counts, x->r->groups.n));

	arena_release(&scratch);
	return mine;
}

static bool is_share(const struct searching *x)
{
	return x->verdicts && x->verdicts->n;
}

static void run_row(struct searching *x, const int *counts, struct plan_row *row)
{
	struct service *s = join(x, counts);

	if (s)
		plan_row_run(x->r, s, row);
	service_free(s);
}

/* Idle machines draw their power whatever they are asked: so much of it, at least, for each token. */
static double least_energy(void *self, const int *counts)
{
	const struct searching *x = self;
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

static double value_of(struct searching *x, const int *counts, bool energy)
{
	struct plan_row row = {.why = PLAN_HOLDS};
	double value;

	plan_row_parts(&x->scratch, x->r, counts, &row);
	run_row(x, counts, &row);
	value = energy ? row.energy : row.m.of[SERVICE_E2EL_P95];
	arena_release(&x->scratch);
	return isnan(value) ? INFINITY : value;
}

static double find_energy(struct searching *x, const int *counts)
{
	return value_of(x, counts, true);
}

static double energy_of(void *self, const int *counts)
{
	return known_or(self, PLAN_ASK_VALUE, counts, find_energy);
}

static double find_latency(struct searching *x, const int *counts)
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

/* energy: that is the goal, so that what a machine draws has to be known. */
static struct fleet_kind *kinds_of(struct arena *a, const struct plan_result *r, bool energy)
{
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

static struct fleets find(struct searching *x, const struct world *plan, const struct fleet_kind *kinds,
			  double budget)
{
	const struct planning *p = plan->scenario->plan;
	struct fleets_ask ask = {.kinds = kinds,
				 .n = x->r->groups.n,
				 .up_to = (int)p->up_to,
				 .mixed = (int)p->mixed,
				 .spare = (int)p->spare,
				 .work = plan_load_work(&x->r->load),
				 .budget = budget,
				 .holds = holds,
				 .mine = is_share(x) ? is_mine : NULL,
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
	f = fleets_find(x->l->arena, &ask);
	x->r->counts.bounds += f.bounds;
	x->r->counts.ruled_out += f.ruled_out;
	x->r->counts.simulations += f.runs;
	return f;
}

/* ---- what is shown ---- */

static bool shown(const struct plan_result *r, const int *counts)
{
	bool same = false;

	for (size_t i = 0; i < r->rows_n && !same; i++)
		same = plan_row_is(&r->rows[i], r, counts);
	return same;
}

static const struct plan_row *show(struct searching *x, const int *counts, enum plan_why why)
{
	struct plan_result *r = x->r;
	struct plan_row *row = &r->rows[r->rows_n];

	if (r->rows_n == PLAN_ROWS || shown(r, counts))
		return NULL;
	*row = (struct plan_row){.why = why};
	plan_row_parts(x->l->arena, r, counts, row);
	if (row->why != PLAN_UNFIT) {
		run_row(x, counts, row);
		r->counts.simulations++;
		arena_release(&x->scratch);
	}
	r->rows_n++;
	return row;
}

static enum plan_why why_of(enum fleet_why why)
{
	return why == FLEET_HOLDS ? PLAN_HOLDS : why == FLEET_SPARE_FAILS ? PLAN_NO_SPARE : PLAN_MISSES;
}

/* One server of the kind that the best uses next to nothing of: of a bound, the reason is the server's own. */
static void show_bounded(struct searching *x, double usd)
{
	struct plan_result *r = x->r;
	int *counts = arena_array(x->l->arena, r->groups.n, sizeof *counts);
	size_t dearest = r->groups.n;

	for (size_t i = 0; i < r->groups.n; i++)
		if (r->groups.at[i].pool == POOL_WHOLE && r->groups.at[i].usd < usd &&
		    (!r->groups.at[i].fits || r->groups.at[i].bound.misses) &&
		    (dearest == r->groups.n || r->groups.at[i].usd > r->groups.at[dearest].usd))
			dearest = i;
	if (dearest == r->groups.n)
		return;
	counts[dearest] = 1;
	r->below = show(x, counts, r->groups.at[dearest].fits ? PLAN_SLOW : PLAN_UNFIT);
}

/* The cheapest fleet of each kind of machine, those with the cheapest server first. */
static void show_others(struct searching *x, const struct world *plan, const struct fleet_kind *kinds,
			double budget)
{
	struct plan_result *r = x->r;
	const size_t n = r->groups.n;
	struct fleet_kind *only = arena_array(x->l->arena, n + 1, sizeof *only);
	bool *done = arena_array(x->l->arena, n + 1, sizeof *done);

	for (size_t tries = 0; tries < PLAN_ROWS - 4 && r->rows_n < PLAN_ROWS - 1; tries++) {
		size_t next = n;
		struct fleets f;

		for (size_t i = 0; i < n; i++)
			if (!kinds[i].never && !done[kinds[i].name] &&
			    (next == n || kinds[i].usd < kinds[next].usd))
				next = i;
		if (next == n)
			break;
		done[kinds[next].name] = true;
		for (size_t i = 0; i < n; i++) {
			only[i] = kinds[i];
			only[i].never |= kinds[i].name != kinds[next].name;
		}
		f = find(x, plan, only, budget);
		if (f.best && !is_share(x))
			show(x, f.best->counts, PLAN_HOLDS);
	}
}

/* By how much a fleet misses what is asked, as a ratio. */
static double over_of(struct searching *x, const struct fleet *t)
{
	struct plan_row row = {.why = PLAN_MISSES};
	double over;

	plan_row_parts(&x->scratch, x->r, t->counts, &row);
	run_row(x, t->counts, &row);
	over = plan_row_over(x->r, &row);
	arena_release(&x->scratch);
	return over;
}

static bool fails_below(const struct fleet *t, double usd)
{
	return t->why != FLEET_HOLDS && t->why != FLEET_STOPPED && t->usd < usd;
}

/* Of those simulated that cost less than the best: the dearest, and of equals the one that misses by least. */
static void show_below(struct searching *x, const struct fleets *f, double usd)
{
	const struct fleet *below = NULL;
	double least = INFINITY, dearest = -INFINITY;

	for (size_t i = 0; i < f->tried_n; i++)
		if (fails_below(&f->tried[i], usd))
			dearest = fmax(dearest, f->tried[i].usd);
	for (size_t i = 0; i < f->tried_n; i++) {
		const struct fleet *t = &f->tried[i];
		double over;

		if (!fails_below(t, usd) || t->usd < dearest)
			continue;
		over = over_of(x, t);
		if (!below || over < least) {
			least = over;
			below = t;
		}
	}
	if (below)
		x->r->below = show(x, below->counts, why_of(below->why));
}

/* Nothing holds: what comes closest, of the last that were tried. */
static void show_nearest(struct searching *x, const struct fleets *f)
{
	struct plan_result *r = x->r;
	const struct fleet *nearest = NULL;
	double least = INFINITY;

	for (size_t i = f->tried_n > NEAREST ? f->tried_n - NEAREST : 0; i < f->tried_n; i++) {
		const double over = f->tried[i].why == FLEET_STOPPED ? INFINITY : over_of(x, &f->tried[i]);

		if (over < least) {
			least = over;
			nearest = &f->tried[i];
		}
	}
	if (nearest)
		r->nearest = show(x, nearest->counts, why_of(nearest->why));
}

/* So many of a server that misses nothing alone are needed for the work, with those that may be gone. */
static double servers_needed(const struct searching *x, const struct group *k, int spare)
{
	const double n = ceil(plan_load_work(&x->r->load) / k->bound.rate);

	return fmax(n, 1) + spare;
}

/* Why the least bad is none: no number of it would do, or what would do costs too much. */
static enum plan_why why_bad(const struct searching *x, const struct group *k, int spare)
{
	if (!k->fits)
		return PLAN_UNFIT;
	if (k->bound.misses)
		return PLAN_SLOW;
	return servers_needed(x, k, spare) > k->up_to ? PLAN_TOO_MUCH : PLAN_TOO_DEAR;
}

/* By how much it fails, in an order: lacks memory, is slow alone, does too little or costs too much. */
static double badness(const struct searching *x, const struct group *k, int spare)
{
	switch (why_bad(x, k, spare)) {
	case PLAN_UNFIT:
		return 1e6 + k->short_B;
	case PLAN_SLOW:
		return 1e3 * k->bound.least / k->bound.miss.bound;
	case PLAN_TOO_DEAR:
		return servers_needed(x, k, spare) * k->usd / x->r->budget;
	default:
		return plan_load_work(&x->r->load) / (k->bound.rate * k->up_to);
	}
}

/* All are out by a bound or the budget: the server that misses it by least, or lacks the least memory. */
static void show_least_bad(struct searching *x, int spare)
{
	struct plan_result *r = x->r;
	const struct group_list *g = &r->groups;
	int *counts = arena_array(x->l->arena, g->n + 1, sizeof *counts);
	size_t least = g->n;
	enum plan_why why;
	double bad = INFINITY;

	for (size_t i = 0; i < g->n && g->at[i].pool == POOL_WHOLE; i++) {
		const double ratio = badness(x, &g->at[i], spare);

		if (ratio < bad) {
			bad = ratio;
			least = i;
		}
	}
	if (least == g->n)
		return;
	why = why_bad(x, &g->at[least], spare);
	counts[least] = why == PLAN_TOO_MUCH   ? g->at[least].up_to
			: why == PLAN_TOO_DEAR ? (int)servers_needed(x, &g->at[least], spare)
					       : 1;
	r->nearest = show(x, counts, why);
}

static bool no_worse(const struct plan_row *a, const struct plan_row *b)
{
	return a->usd <= b->usd && a->m.of[SERVICE_E2EL_P95] <= b->m.of[SERVICE_E2EL_P95] &&
	       !(a->energy > b->energy);
}

static void mark_pareto(struct plan_result *r)
{
	for (size_t i = 0; i < r->rows_n; i++) {
		struct plan_row *row = &r->rows[i];

		row->pareto = row->why == PLAN_HOLDS;
		for (size_t k = 0; k < r->rows_n && row->pareto; k++)
			if (k != i && r->rows[k].why == PLAN_HOLDS && no_worse(&r->rows[k], row) &&
			    (!no_worse(row, &r->rows[k]) || k < i))
				row->pareto = false;
	}
}

static void answer(struct searching *x, const struct world *plan, const struct yml *root,
		   const struct plan_ask *ask, const struct fleets *f, const struct fleet_kind *kinds,
		   double budget)
{
	struct plan_result *r = x->r;

	if (f->best) {
		r->best = show(x, f->best->counts, PLAN_HOLDS);
		show_below(x, f, f->best->usd);
		if (!r->below)
			show_bounded(x, f->best->usd);
		show_others(x, plan, kinds, budget);
		mark_pareto(r);
		plan_look_closer(x->l, plan, root, ask, r);
	} else if (f->tried_n) {
		show_nearest(x, f);
	} else {
		show_least_bad(x, (int)plan->scenario->plan->spare);
	}
}

static bool any_fits(const struct plan_result *r)
{
	bool fits = false;

	for (size_t i = 0; i < r->groups.n; i++)
		fits |= r->groups.at[i].fits;
	return fits;
}

/* Every file has been read that verdicts hang on. */
static int begin_verdicts(struct searching *x, const struct plan_ask *ask, const struct fleet_kind *kinds)
{
	struct plan_verdicts *v = x->verdicts;

	if (!v)
		return 0;
	plan_verdicts_key(x->l, ask->sets, ask->seed, ask->draws, v->key);
	return plan_verdicts_begin(v, x->l->diags, kinds, x->r->groups.n, x->r->up_to);
}

static int search(struct loader *l, const struct world *plan, const struct yml *root,
		  const struct plan_ask *ask, struct plan_result *r)
{
	struct searching x = {.r = r, .l = l, .verdicts = ask->verdicts, .stop = ask->stop};
	struct fleet_kind *kinds;
	struct fleets f;

	if (groups_make(l, plan, root, r->load.threads, &r->groups) != 0)
		return -1;
	r->counts.candidates = r->groups.n;
	kinds = kinds_of(l->arena, r, plan->scenario->plan->goal == PLAN_ENERGY);
	if (begin_verdicts(&x, ask, kinds) != 0)
		return -1;
	f = find(&x, plan, kinds, r->budget);
	r->counts.proved = f.proved;
	if (is_share(&x)) {
		if (!f.stopped)
			show_others(&x, plan, kinds, r->budget);
		arena_release(&x.scratch);
		return x.refused || (ask->stop && *ask->stop) ? -1 : 0;
	}
	if (!f.stopped)
		answer(&x, plan, root, ask, &f, kinds, r->budget);
	if (!any_fits(r))
		r->nearest = r->rows_n ? &r->rows[0] : NULL;
	plan_answer(l->arena, plan, r);
	arena_release(&x.scratch);
	return f.stopped && ask->stop && *ask->stop ? -1 : 0;
}

static const char *computed(struct arena *a, const struct world *plan, const struct plan_load *load)
{
	const struct precision *p = &plan->scenario->precision;

	return arena_printf(a, "%s, KV %s, computed in %s; a load of %s; seed %llu", plan->model->title,
			    format_names[p->kv], format_names[p->compute],
			    load->finish ? arena_printf(a, "%lld requests", (long long)load->finish->requests)
					 : plan_load_text(a, load, load->asked),
			    (unsigned long long)load->seed);
}

int plan_make(struct loader *l, const struct plan_ask *ask, struct plan_result *out)
{
	struct yml *root = load_file(l, ask->path, "scenarios", SCENARIO_SCHEMA);
	const struct world *plan;

	*out = (struct plan_result){.path = ask->path, .from = {.l = l, .root = root}};
	if (!root)
		return -1;
	for (size_t i = 0; i < ask->sets->n; i++)
		load_set(l, root, ask->sets->at[i]);
	if (!yml_get(root, "plan"))
		return diag_add(l->diags, root->place, "plan: {machines: {any: {price: \"<= 5000 USD\"}}}",
				"there is no section 'plan': what may be bought?");
	plan = world_of_tree(l, ask->path, yml_merge(l->arena, NULL, root));
	if (!plan || l->diags->total)
		return -1;
	out->from.plan = plan;
	out->from.unbuilt = arena_array(l->arena, 1, sizeof *out->from.unbuilt);
	out->title = plan->scenario->title;
	out->load = plan_load_of(plan);
	if (out->load.base->arrivals.kind == ARRIVALS_TRACE)
		loader_add_file(l, out->load.base->arrivals.trace);
	out->load.stop = ask->stop;
	out->up_to = (int)plan->scenario->plan->up_to;
	out->budget = plan->scenario->plan->budget > 0 ? plan->scenario->plan->budget : INFINITY;
	out->load.threads = workers_count(ask->workers.threads, SIZE_MAX);
	if (ask->seed >= 0)
		out->load.seed = (uint64_t)ask->seed;
	out->seed = out->load.seed;
	out->computed = computed(l->arena, plan, &out->load);
	return search(l, plan, root, ask, out);
}

void plan_free(struct plan_result *r)
{
	groups_free(&r->groups);
}
