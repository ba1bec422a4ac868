/* group.c - see group.h; catalogue.c finds the machines, group_world.c writes their scenarios. */
#include "sim/plan/group.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/vec.h"
#include "sim/base/workers.h"
#include "sim/place/footprint.h"
#include "sim/place/what_if.h"
#include "sim/plan/catalogue.h"
#include "sim/predict/energy_cost.h"
#include "sim/predict/scenario_load.h"
#include "sim/cost/formats.h"

/* ---- one group ---- */

bool group_reads(const char *runtime, const char *weights)
{
	static const char *const plain[] = {"f32", "f16", "bf16", "fp8", "nvfp4", "mxfp4_bf16"};
	const enum format_reader reads = format_reader_of(runtime);
	const size_t mix = str_find(weights, mix_names, MIX_N);
	struct err err = ERR_INIT;

	if (mix == MIX_N || format_check(runtime, (enum mix_id)mix, &err) != 0)
		return false;
	/* loaders of safetensors read blocks of llama.cpp as an experiment at most; mxfp4_bf16 is no GGUF */
	if (reads == READS_SAFETENSORS)
		return str_find(weights, plain, ARRAY_LEN(plain)) < ARRAY_LEN(plain);
	return reads != READS_GGUF || strcmp(weights, "mxfp4_bf16") != 0;
}

const char *group_settings(struct arena *a, const struct group *g)
{
	const char *slots = g->slots ? arena_printf(a, ", %lld slots", (long long)g->slots) : "",
		   *split = g->machines > 1 ? arena_printf(a, ", %s over %d",
							   g->split == GROUP_TENSOR ? "tensor" : "pipeline",
							   g->machines)
					    : "";

	return arena_printf(a, "%s, %s%s%s", g->weights, g->runtime, slots, split);
}

static void take_facts(struct group *g)
{
	const struct world *w = g->world;

	g->what_if = placement_what_if(service_placement(g->service, 0));
	for (size_t m = 0; m < w->machines_n; m++) {
		const struct machine *k = &w->machines[m];

		g->usd += k->price.given ? k->price.value : NAN;
		g->idle_W += k->idle_power.given ? k->idle_power.value : NAN;
	}
	for (size_t u = 0; u < w->units_n; u++)
		if (placement_uses(service_placement(g->service, 0), PHASE_DECODE, u))
			g->busy_W +=
				energy_cost_added_W(&w->machines[w->units[u].machine], w->units[u].device);
}

static void take_memory(struct arena *a, struct group *g)
{
	const struct world *w = g->world;
	struct footprint *need = arena_array(a, w->machines_n, sizeof *need);

	service_footprint(g->service, need);
	g->fits = service_fits(g->service);
	for (size_t m = 0; m < w->machines_n; m++)
		g->short_B = fmax(g->short_B, footprint_short_B(&need[m]));
	g->fits &= g->short_B <= 0;
}

/* Its world is there; what it needs and can do lives in the arena. */
static int build(struct arena *a, const struct world *plan, struct group *g, struct diags *diags)
{
	const struct serve *load = plan->scenario->workload.serve;
	struct err err = ERR_INIT;

	g->service = service_new(a, g->world, g->world->scenario->assignments.at, diags);
	if (!g->service)
		return -1;
	take_facts(g);
	take_memory(a, g);
	if (!g->fits)
		return 0;
	if (service_bound_of(g->service, load, (uint64_t)plan->scenario->seed, 0, &g->bound, &err) != 0)
		return diag_err(diags, load->origin.node->place, &err);
	return 0;
}

/* ---- all of them ---- */

struct attempt { /* a combination of a machine, its settings and how many of them are a server */
	struct group group;
	size_t offer;
	int rc;             /* 0, or -1: it cannot be built */
	struct diag why;    /* msg NULL: nobody said */
	struct arena arena; /* what was read and built lives there, until the loader's has it */
	struct loader loader;
};

struct making {
	struct loader *l;
	const struct world *plan;
	const struct yml *root;
	size_t offer; /* whose combinations are tried */
	VEC(struct attempt) attempts;
	VEC(struct group) all;
	VEC(const char *) unpriced;
	VEC(const char *) unread;
	bool named; /* a machine that cannot be used is an error */
};

static struct diag first_said(const struct diags *d)
{
	return d->n ? d->list[0] : (struct diag){.msg = NULL};
}

static void add_group(struct making *m, struct group g)
{
	VEC_ADD(&m->attempts, ((struct attempt){.offer = m->offer, .group = g}));
}

/* A combination that cannot be built, such as arithmetic that a runtime lacks, is passed over; why is kept for machines of which no
 * combination can. Its world is read within the plan's loader, which reads nothing meanwhile. */
static int build_attempt(void *self, size_t thread, size_t i)
{
	struct making *m = self;
	struct attempt *t = &m->attempts.at[i];
	const struct fleet_share part = {&t->group, 1};
	struct diags own;

	(void)thread;
	diags_init(&own, &t->arena);
	loader_begin_inner(&t->loader, &t->arena, m->l);
	t->loader.diags = &own;
	t->group.world = groups_world(&t->loader, m->plan, m->root, &part, 1, t->group.name);
	t->rc = t->group.world ? build(&t->arena, m->plan, &t->group, &own) : -1;
	t->why = first_said(&own);
	return 0;
}

/* This takes most of the time, and no attempt hangs on another. */
static void build_attempts(struct making *m, size_t threads)
{
	const struct workers_task work = {.n = m->attempts.n, .item = build_attempt, .self = m};

	if (work.n)
		workers_run(&work, workers_count((int64_t)threads, work.n));
	for (size_t i = 0; i < m->attempts.n; i++) {
		struct attempt *t = &m->attempts.at[i];

		loader_add_inputs(m->l, t->loader.inputs, t->loader.inputs_n);
		m->l->foreign |= t->loader.foreign;
		arena_adopt(m->l->arena, &t->arena);
	}
}

/* Takes the attempts that can be built; those of an offer follow one another, and *next is its first. Returns why the last
 * that cannot be built cannot. */
static struct diag take_attempts(struct making *m, size_t offer, size_t *next)
{
	struct diag why = {.msg = NULL};

	for (; *next < m->attempts.n && m->attempts.at[*next].offer == offer; ++*next) {
		const struct attempt *t = &m->attempts.at[*next];

		if (t->rc == 0) {
			VEC_ADD(&m->all, t->group);
			continue;
		}
		service_free(t->group.service);
		why = t->why.msg ? t->why : why;
	}
	return why;
}

static void add_splits(struct making *m, struct group g)
{
	const struct planning *p = m->plan->scenario->plan;
	const struct plan_group *of = p->groups.at;

	g.machines = 1;
	add_group(m, g);
	for (size_t i = 0; i < p->groups.n; i++) {
		struct group joined = g;

		joined.split = of[i].split;
		joined.machines = (int)of[i].machines;
		joined.link = of[i].link;
		joined.up_to = g.up_to / joined.machines;
		if (joined.up_to > 0)
			add_group(m, joined);
	}
}

static void add_slots(struct making *m, struct group g)
{
	const struct planning *p = m->plan->scenario->plan;
	const double *slots = p->slots.at;

	if (!p->slots.n)
		add_splits(m, g);
	for (size_t i = 0; i < p->slots.n; i++) {
		g.slots = (int64_t)slots[i];
		add_splits(m, g);
	}
}

static void add_weights(struct making *m, struct group g)
{
	const struct planning *p = m->plan->scenario->plan;
	const char *const said = mix_names[m->plan->scenario->precision.weights];
	const char *const *weights = p->weights.n ? p->weights.at : &said;
	const size_t n = p->weights.n ? p->weights.n : 1;

	for (size_t i = 0; i < n; i++) {
		g.weights = weights[i];
		g.format = (int)i;
		if (group_reads(g.runtime, g.weights))
			add_slots(m, g);
	}
}

static void try_offer(struct making *m, const struct offer *o)
{
	struct group g = {.name = o->name, .machine = o->machine, .with = o->with, .up_to = o->up_to};

	for (size_t i = 0; i < o->runtimes_n && o->priced; i++) {
		g.runtime = o->runtimes[i];
		add_weights(m, g);
	}
}

static int take_offer(struct making *m, const struct offer *o, size_t offer, size_t *next)
{
	const size_t before = m->all.n;
	const struct diag why = take_attempts(m, offer, next);

	if (!o->priced) {
		VEC_ADD(&m->unpriced, o->name);
		return 0;
	}
	if (m->all.n > before)
		return 0;
	if (m->named && why.msg)
		return diag_add(m->l->diags, why.place, why.hint, "plan: machine '%s': %s", o->name, why.msg);
	VEC_ADD(&m->unread, o->name);
	return 0;
}

static void free_attempts(struct making *m, size_t from)
{
	for (size_t i = from; i < m->attempts.n; i++)
		service_free(m->attempts.at[i].group.service);
	VEC_FREE(&m->attempts);
}

/* Preferred weights first, then what can do more; names make the order total. */
static int by_preference(const void *a, const void *b)
{
	const struct group *x = a, *y = b;
	const double more = y->bound.rate - x->bound.rate;
	int c;

	if (x->format != y->format)
		return x->format - y->format;
	if (more < 0 || more > 0)
		return more < 0 ? -1 : 1;
	if ((c = strcmp(x->machine, y->machine)) != 0 || (c = strcmp(x->runtime, y->runtime)) != 0)
		return c;
	if (x->slots != y->slots)
		return x->slots < y->slots ? -1 : 1;
	return x->machines != y->machines ? x->machines - y->machines : x->split - y->split;
}

/* Every single machine as a server of one half too: those of the first half before all of the second. */
static void add_halves(struct making *m)
{
	const size_t n = m->all.n;

	for (int pool = POOL_PREFILL; pool <= POOL_DECODE; pool++)
		for (size_t i = 0; i < n; i++)
			if (m->all.at[i].machines == 1) {
				struct group half = m->all.at[i];

				half.pool = (enum serve_pool)pool;
				VEC_ADD(&m->all, half);
			}
}

/* The smallest pools there are, so that a link that is none is told even where bounds leave all pools out. */
static int check_pools(struct loader *l, const struct world *plan, const struct yml *root,
		       const struct group_list *all)
{
	const struct group *half[2] = {NULL, NULL};
	struct fleet_share parts[2];
	struct loader copy = *l;
	struct diags own;

	for (size_t i = all->n; i-- > 0;)
		if (all->at[i].pool != POOL_WHOLE)
			half[all->at[i].pool == POOL_DECODE] = &all->at[i];
	if (!half[0] || !half[1])
		return 0;
	for (size_t i = 0; i < 2; i++)
		parts[i] = (struct fleet_share){half[i], 1};
	diags_init(&own, l->arena);
	copy.diags = &own;
	if (groups_world(&copy, plan, root, parts, 2, "pools") || !own.n)
		return 0;
	return diag_add(l->diags, plan->scenario->plan->pools->origin.node->place, own.list[0].hint,
			"plan: pools: %s", own.list[0].msg);
}

/* Each name once: a machine may be offered in several places that are searched, or twice in a list. */
static struct texts keep(struct arena *a, const char *const *names, size_t n)
{
	struct texts kept = {arena_array(a, n + 1, sizeof *kept.at), 0};

	for (size_t i = 0; i < n; i++)
		if (str_find(names[i], kept.at, kept.n) == kept.n)
			kept.at[kept.n++] = names[i];
	return kept;
}

int groups_make(struct loader *l, const struct world *plan, const struct yml *root, size_t threads,
		struct group_list *out)
{
	struct making m = {.l = l, .plan = plan, .root = root, .named = !plan->scenario->plan->any};
	struct offers offers;
	size_t next = 0;
	int rc;

	scenario_check_load(l, plan); /* once for all groups: a trace is read to its end */
	if (l->diags->total)
		return -1;
	rc = offers_find(l, plan, &offers);
	for (m.offer = 0; m.offer < offers.n && rc == 0; m.offer++)
		try_offer(&m, &offers.at[m.offer]);
	build_attempts(&m, threads);
	for (size_t i = 0; i < offers.n && rc == 0; i++)
		rc = take_offer(&m, &offers.at[i], i, &next);
	free_attempts(&m, next);
	if (m.all.n)
		qsort(m.all.at, m.all.n, sizeof *m.all.at, by_preference);
	if (plan->scenario->plan->pools)
		add_halves(&m);
	out->n = m.all.n;
	out->unpriced = keep(l->arena, m.unpriced.at, m.unpriced.n);
	out->unread = keep(l->arena, m.unread.at, m.unread.n);
	out->at = arena_array(l->arena, m.all.n + 1, sizeof *out->at);
	if (m.all.n)
		memcpy(out->at, m.all.at, m.all.n * sizeof *m.all.at);
	if (rc == 0 && plan->scenario->plan->pools)
		rc = check_pools(l, plan, root, out);
	VEC_FREE(&m.all);
	VEC_FREE(&m.unpriced);
	VEC_FREE(&m.unread);
	return rc;
}

void groups_free(struct group_list *all)
{
	for (size_t i = 0; i < all->n; i++)
		service_free(all->at[i].pool == POOL_WHOLE ? all->at[i].service : NULL);
	all->n = 0;
}
