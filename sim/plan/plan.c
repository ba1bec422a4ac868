/* plan.c - see plan.h; answer.c puts it into words. */
#include "sim/plan/plan.h"

#include <math.h>
#include <stdlib.h>

#include "sim/base/texts.h"
#include "sim/plan/answer.h"
#include "sim/plan/closer.h"
#include "sim/plan/rows.h"
#include "sim/plan/seek.h"

enum { NEAREST = 64 }; /* fleets looked at for the one that comes closest */

/* ---- what is shown ---- */

static bool shown(const struct plan_result *r, const int *counts)
{
	bool same = false;

	for (size_t i = 0; i < r->rows_n && !same; i++)
		same = plan_row_is(&r->rows[i], r, counts);
	return same;
}

static const struct plan_row *show(struct plan_seeking *x, const int *counts, enum plan_why why)
{
	struct plan_result *r = x->r;
	struct plan_row *row = &r->rows[r->rows_n];

	if (r->rows_n == PLAN_ROWS || shown(r, counts))
		return NULL;
	*row = (struct plan_row){.why = why};
	plan_row_parts(x->arena, r, counts, row);
	if (row->why != PLAN_UNFIT) {
		plan_seek_run(x, counts, row);
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
static void show_bounded(struct plan_seeking *x, double usd)
{
	struct plan_result *r = x->r;
	int *counts = arena_array(x->arena, r->groups.n, sizeof *counts);
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

/* ---- the cheapest fleet of each kind of machine ---- */

struct other {
	struct fleet_kind *only; /* the kinds, those of other machines out */
	struct arena arena;
	struct plan_result r; /* its own threads and counts */
	struct fleets found;
	struct plan_row row;
	bool ran, refused;
};

struct others {
	const struct plan_seeking *x;
	struct other at[PLAN_ROWS - 4];
	size_t n;
	size_t threads; /* of each search */
};

static int seek_other(void *self, size_t thread, size_t i)
{
	struct others *all = self;
	struct other *o = &all->at[i];
	const struct plan_seeking *x = all->x;
	struct plan_seeking own = {.r = &o->r, .arena = &o->arena, .verdicts = x->verdicts};

	(void)thread;
	o->r = *x->r;
	o->r.load.threads = all->threads;
	o->r.counts = (struct plan_counts){0};
	o->found = plan_seek(&own, o->only);
	o->ran = o->found.best && !plan_seeks_share(x) && !shown(x->r, o->found.best->counts);
	if (o->ran) {
		o->row = (struct plan_row){.why = PLAN_HOLDS};
		plan_row_parts(&o->arena, x->r, o->found.best->counts, &o->row);
		plan_seek_run(&own, o->found.best->counts, &o->row);
		o->r.counts.simulations++;
	}
	arena_release(&own.scratch);
	o->refused = own.refused;
	return 0;
}

/* Those with the cheapest server first. */
static void list_others(struct others *all, const struct fleet_kind *kinds)
{
	struct arena *a = all->x->arena;
	const size_t n = all->x->r->groups.n;
	bool *done = arena_array(a, n + 1, sizeof *done);

	for (; all->n < sizeof all->at / sizeof all->at[0]; all->n++) {
		struct fleet_kind *only = arena_array(a, n + 1, sizeof *only);
		size_t next = n;

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
		all->at[all->n] = (struct other){.only = only};
	}
}

/* Kinds of machine share no group, so that a thread searches each by itself, where there are enough to keep threads busy to the end:
 * else threads look ahead in one search after another. Files that pools read, and verdicts that are kept, are of one thread. */
static bool seek_apart(const struct others *all)
{
	const struct plan_seeking *x = all->x;

	return !x->verdicts && !x->r->from.plan->scenario->plan->pools && all->n >= 2 * x->r->load.threads;
}

static void show_others(struct plan_seeking *x, const struct fleet_kind *kinds)
{
	struct plan_result *r = x->r;
	struct others *all = xcalloc(1, sizeof *all);
	struct workers_task work = {.item = seek_other, .self = all};
	size_t threads;

	all->x = x;
	list_others(all, kinds);
	work.n = all->n;
	threads = seek_apart(all) ? r->load.threads : 1;
	all->threads = threads > 1 ? 1 : r->load.threads;
	if (all->n)
		workers_run(&work, threads);
	for (size_t i = 0; i < all->n; i++) {
		struct other *o = &all->at[i];

		r->counts.bounds += o->r.counts.bounds;
		r->counts.ruled_out += o->r.counts.ruled_out;
		r->counts.simulations += o->r.counts.simulations;
		x->refused |= o->refused;
		if (o->ran)
			r->rows[r->rows_n++] = o->row;
		arena_adopt(x->arena, &o->arena);
	}
	free(all);
}

/* By how much a fleet misses what is asked, as a ratio. */
static double over_of(struct plan_seeking *x, const struct fleet *t)
{
	struct plan_row row = {.why = PLAN_MISSES};
	double over;

	plan_row_parts(&x->scratch, x->r, t->counts, &row);
	plan_seek_run(x, t->counts, &row);
	over = plan_row_over(x->r, &row);
	arena_release(&x->scratch);
	return over;
}

static bool fails_below(const struct fleet *t, double usd)
{
	return t->why != FLEET_HOLDS && t->why != FLEET_STOPPED && t->usd < usd;
}

/* Of those simulated that cost less than the best: the dearest, and of equals the one that misses by least. */
static void show_below(struct plan_seeking *x, const struct fleets *f, double usd)
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
static void show_nearest(struct plan_seeking *x, const struct fleets *f)
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
static double servers_needed(const struct plan_seeking *x, const struct group *k, int spare)
{
	const double n = ceil(plan_load_work(&x->r->load) / k->bound.rate);

	return fmax(n, 1) + spare;
}

/* Why the least bad is none: no number of it would do, or what would do costs too much. */
static enum plan_why why_bad(const struct plan_seeking *x, const struct group *k, int spare)
{
	if (!k->fits)
		return PLAN_UNFIT;
	if (k->bound.misses)
		return PLAN_SLOW;
	return servers_needed(x, k, spare) > k->up_to ? PLAN_TOO_MUCH : PLAN_TOO_DEAR;
}

/* By how much it fails, in an order: lacks memory, is slow alone, does too little or costs too much. */
static double badness(const struct plan_seeking *x, const struct group *k, int spare)
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
static void show_least_bad(struct plan_seeking *x, int spare)
{
	struct plan_result *r = x->r;
	const struct group_list *g = &r->groups;
	int *counts = arena_array(x->arena, g->n + 1, sizeof *counts);
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

static void answer(struct plan_seeking *x, const struct world *plan, const struct yml *root,
		   const struct plan_ask *ask, const struct fleets *f, const struct fleet_kind *kinds)
{
	struct plan_result *r = x->r;

	if (f->best) {
		r->best = show(x, f->best->counts, PLAN_HOLDS);
		show_below(x, f, f->best->usd);
		if (!r->below)
			show_bounded(x, f->best->usd);
		show_others(x, kinds);
		mark_pareto(r);
		plan_look_closer(x->r->from.l, plan, root, ask, r);
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
static int begin_verdicts(struct plan_seeking *x, const struct plan_ask *ask, const struct fleet_kind *kinds)
{
	struct plan_verdicts *v = x->verdicts;

	if (!v)
		return 0;
	plan_verdicts_key(x->r->from.l, ask->sets, ask->seed, ask->draws, v->key);
	return plan_verdicts_begin(v, x->r->from.l->diags, kinds, x->r->groups.n, x->r->up_to);
}

static int search(struct loader *l, const struct world *plan, const struct yml *root,
		  const struct plan_ask *ask, struct plan_result *r)
{
	struct plan_seeking x = {.r = r, .arena = l->arena, .verdicts = ask->verdicts};
	struct fleet_kind *kinds;
	struct fleets f;

	if (groups_make(l, plan, root, r->load.threads, &r->groups) != 0)
		return -1;
	r->counts.candidates = r->groups.n;
	kinds = plan_seek_kinds(l->arena, r);
	if (begin_verdicts(&x, ask, kinds) != 0)
		return -1;
	f = plan_seek(&x, kinds);
	r->counts.proved = f.proved;
	if (plan_seeks_share(&x)) {
		if (!f.stopped)
			show_others(&x, kinds);
		arena_release(&x.scratch);
		return x.refused || plan_load_stopped(&r->load) ? -1 : 0;
	}
	if (!f.stopped)
		answer(&x, plan, root, ask, &f, kinds);
	if (!any_fits(r))
		r->nearest = r->rows_n ? &r->rows[0] : NULL;
	plan_answer(l->arena, plan, r);
	arena_release(&x.scratch);
	/* what was stopped on its way has no neighbours and no bill, which would read as none */
	return plan_load_stopped(&r->load) ? -1 : 0;
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
