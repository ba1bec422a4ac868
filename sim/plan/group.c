/* group.c - see group.h; catalogue.c finds the machines. */
#include "sim/plan/group.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/vec.h"
#include "sim/hw/serving.h"
#include "sim/place/footprint.h"
#include "sim/plan/catalogue.h"
#include "sim/predict/energy_cost.h"
#include "sim/predict/scenario_load.h"
#include "sim/world/formats.h"

/* ---- the scenario of a fleet, as text that is merged over the plan's ---- */

static bool is_llamacpp(const char *runtime)
{
	const char *server = serving_of_runtime(runtime);

	return server && str_starts(server, "serve-llama.cpp");
}

static int64_t longest(const struct length_law *l)
{
	const struct length_bin *b = l->histogram.at;
	int64_t most = 0;

	switch (l->kind) {
	case LENGTH_FIXED:
		return l->fixed;
	case LENGTH_UNIFORM:
		most = (int64_t)((const double *)l->uniform.at)[1];
		break;
	case LENGTH_HISTOGRAM:
		for (size_t i = 0; i < l->histogram.n; i++)
			most = b[i].to > most ? b[i].to : most;
		break;
	default:
		most = l->max;
	}
	return most < l->max ? most : l->max;
}

/* Tokens that a request of the load may come to, as far as the model allows; in whole cells of 256. */
static int64_t context_of(const struct world *w)
{
	const struct serve *load = w->scenario->workload.serve;
	const struct load_class *c = load->classes.at;
	const int64_t said = w->scenario->plan->context, model = w->model->context;
	int64_t most = 0;

	for (size_t i = 0; i < load->classes.n && load->arrivals.kind != ARRIVALS_TRACE; i++) {
		const int64_t turns = c[i].prefix ? c[i].prefix->turns : 1,
			      system = c[i].prefix ? c[i].prefix->system : 0,
			      all = system + turns * (longest(&c[i].prompt) + longest(&c[i].output));

		most = all > most ? all : most;
	}
	most = said ? said : most ? (most + 255) / 256 * 256 : model;
	return model && most > model ? model : most;
}

static void add_server(struct str *s, const struct world *plan, const struct group *g)
{
	if (!g->slots)
		return;
	str_addf(s, ", serve: {seqs: %lld", (long long)g->slots);
	if (is_llamacpp(g->runtime))
		str_addf(s, ", context: %lld tok", (long long)(g->slots * context_of(plan)));
	str_add(s, "}");
}

/* Rules for one server on machines m<first> and those after it. */
static void add_place(struct str *s, const struct world *plan, const struct group *g, int first)
{
	const int64_t layers = plan->model->layers;

	str_add(s, "place: [");
	if (g->machines == 1) {
		str_addf(s, "{on: m%d}", first);
	} else if (g->split == GROUP_TENSOR) {
		str_add(s, "{split: tensor, on: [");
		for (int i = 0; i < g->machines; i++)
			str_addf(s, "%sm%d", i ? ", " : "", first + i);
		str_add(s, "]}");
	} else {
		str_addf(s, "{on: m%d}", first);
		for (int i = 1; i < g->machines; i++)
			str_addf(s, ", {on: m%d, layers: %lld-%lld}", first + i,
				 (long long)(layers * i / g->machines),
				 (long long)(layers * (i + 1) / g->machines - 1));
		str_addf(s, ", {on: m%d, op: [head]}", first + g->machines - 1);
	}
	str_add(s, "]");
	add_server(s, plan, g);
}

static void add_machines(struct str *s, const struct fleet_share *parts, size_t n)
{
	int at = 0;

	str_add(s, "machines: {");
	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < parts[i].count * parts[i].group->machines; k++) {
			str_addf(s, "%sm%d: ", at ? ", " : "", at + 1);
			str_addf(s, "%s", parts[i].group->machine);
			at++;
		}
	str_add(s, "}\n");
}

static bool is_pools(const struct fleet_share *parts)
{
	return parts[0].group->pool != POOL_WHOLE;
}

/* Each prefill machine is joined to each decode machine. */
static void add_pool_links(struct str *s, const struct world *plan, const struct fleet_share *parts)
{
	const int prefill = parts[0].count, all = prefill + parts[1].count;

	for (int x = 1; x <= prefill; x++)
		for (int y = prefill + 1; y <= all; y++)
			str_addf(s, "%sl%d-%d: {base: %s, between: [m%d, m%d]}",
				 x > 1 || y > prefill + 1 ? ", " : "links: {", x, y,
				 plan->scenario->plan->pools->link, x, y);
	str_add(s, "}\n");
}

static void add_links(struct str *s, const struct fleet_share *parts, size_t n)
{
	int first = 1;
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		const struct group *g = parts[i].group;

		for (int c = 0; c < parts[i].count; c++, first += g->machines)
			for (int x = 0; x < g->machines; x++)
				for (int y = x + 1; y < g->machines; y++) {
					str_addf(s, "%sl%d-%d: {base: %s, between: [m%d, m%d]}",
						 any ? ", " : "links: {", first + x, first + y, g->link,
						 first + x, first + y);
					any = true;
				}
	}
	str_add(s, any ? "}\n" : "");
}

static void add_runtimes(struct str *s, const struct fleet_share *parts, size_t n)
{
	int at = 1;
	bool same = true;

	for (size_t i = 1; i < n; i++)
		same &= !strcmp(parts[i].group->runtime, parts[0].group->runtime);
	if (same) {
		str_addf(s, "runtime: %s\n", parts[0].group->runtime);
		return;
	}
	str_add(s, "runtime: {");
	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < parts[i].count * parts[i].group->machines; k++, at++)
			str_addf(s, "%sm%d: %s", at > 1 ? ", " : "", at, parts[i].group->runtime);
	str_add(s, "}\n");
}

/* Machines of prefill servers come first. */
static void add_pools(struct str *s, const struct world *plan, const struct fleet_share *parts,
		      const char *name)
{
	int first = 1;

	str_addf(s, "assignments: [{name: \"%s\", pools: {", name);
	for (size_t i = 0; i < 2; i++) {
		str_add(s, i ? ", decode: [" : "prefill: [");
		for (int c = 0; c < parts[i].count; c++, first++) {
			str_add(s, c ? ", {" : "{");
			add_place(s, plan, parts[i].group, first);
			str_add(s, "}");
		}
		str_add(s, "]");
	}
	str_add(s, "}}]\n");
}

static void add_assignment(struct str *s, const struct world *plan, const struct fleet_share *parts, size_t n,
			   const char *name)
{
	int first = 1, servers = 0;

	if (is_pools(parts)) {
		add_pools(s, plan, parts, name);
		return;
	}
	for (size_t i = 0; i < n; i++)
		servers += parts[i].count;
	str_addf(s, "assignments: [{name: \"%s\", ", name);
	if (servers > 1)
		str_add(s, "replicas: [");
	for (size_t i = 0; i < n; i++)
		for (int c = 0; c < parts[i].count; c++, first += parts[i].group->machines) {
			str_add(s, servers > 1 ? first > 1 ? ", {" : "{" : "");
			add_place(s, plan, parts[i].group, first);
			str_add(s, servers > 1 ? "}" : "");
		}
	str_add(s, servers > 1 ? "], route: least_requests}]\n" : "}]\n");
}

/* What is otherwise than in a machine's file stands in the scenario as its author wrote it. */
static void change_machines(struct arena *a, struct yml *machines, const struct fleet_share *parts, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < parts[i].count * parts[i].group->machines; k++, at++)
			machines->items[at] = offer_node(a, parts[i].group->machine, parts[i].group->with,
							 machines->items[at]->place);
}

/* What the plan says of all servers, under what a group says of its own. */
static void add_settings(struct arena *a, const struct world *plan, struct yml *over)
{
	const struct serve_how *said = plan->scenario->plan->serve;
	struct yml *assignment = yml_get(over, "assignments")->items[0], *own = yml_get(assignment, "serve");
	struct yml *all = said ? yml_merge(a, NULL, said->origin.node) : NULL;

	if (said)
		yml_put(a, assignment, "serve", all->place, own ? yml_merge(a, all, own) : all);
	if (yml_get(assignment, "pools") && plan->scenario->plan->pools->hand_over) {
		const struct yml *how = plan->scenario->plan->pools->hand_over->origin.node;

		yml_put(a, assignment, "hand_over", how->place, yml_merge(a, NULL, how));
	}
}

const struct world *groups_world(struct loader *l, const struct world *plan, const struct yml *root,
				 const struct fleet_share *parts, size_t n, const char *name)
{
	struct source *source = arena_alloc(l->arena, sizeof *source);
	struct str s = STR_INIT;
	struct yml *over;
	const struct world *w;

	add_machines(&s, parts, n);
	if (is_pools(parts))
		add_pool_links(&s, plan, parts);
	else
		add_links(&s, parts, n);
	add_runtimes(&s, parts, n);
	str_addf(&s, "precision: {weights: %s}\nplan: null\n", parts[0].group->weights);
	add_assignment(&s, plan, parts, n, name);
	*source = (struct source){plan->path, arena_strdup(l->arena, s.text), s.len};
	str_release(&s);
	over = yml_parse(l->arena, source, l->diags);
	if (!over)
		return NULL;
	change_machines(l->arena, yml_get(over, "machines"), parts, n);
	add_settings(l->arena, plan, over);
	w = world_of_tree(l, plan->path, yml_merge(l->arena, root, over));
	if (w)
		scenario_check_devices(l, w);
	return l->diags->total ? NULL : w;
}

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

static void take_power(struct group *g)
{
	const struct world *w = g->world;

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

static void take_memory(struct loader *l, struct group *g)
{
	const struct world *w = g->world;
	struct footprint *need = arena_array(l->arena, w->machines_n, sizeof *need);

	service_footprint(g->service, need);
	g->fits = service_fits(g->service);
	for (size_t m = 0; m < w->machines_n; m++)
		g->short_B = fmax(g->short_B, footprint_short_B(&need[m]));
	g->fits &= g->short_B <= 0;
}

static int build(struct loader *l, const struct world *plan, const struct yml *root, struct group *g)
{
	const struct fleet_share part = {g, 1};
	struct err err = ERR_INIT;

	g->world = groups_world(l, plan, root, &part, 1, g->name);
	if (!g->world)
		return -1;
	g->service = service_new(l->arena, g->world, g->world->scenario->assignments.at, l->diags);
	if (!g->service)
		return -1;
	take_power(g);
	take_memory(l, g);
	if (!g->fits)
		return 0;
	if (service_bound_of(g->service, plan->scenario->workload.serve, (uint64_t)plan->scenario->seed, 0,
			     &g->bound, &err) != 0)
		return diag_err(l->diags, plan->scenario->workload.serve->origin.node->place, &err);
	return 0;
}

/* ---- all of them ---- */

struct making {
	struct loader *l;
	const struct world *plan;
	const struct yml *root;
	VEC(struct group) all;
	VEC(const char *) unpriced;
	VEC(const char *) unread;
	bool named;      /* a machine that cannot be used is an error */
	struct diag why; /* the last combination that could not be built; msg NULL: there is none */
};

/* A combination that cannot be built, such as arithmetic that a runtime lacks, is passed over; why is kept for
 * machines of which no combination can. */
static int try_build(struct making *m, struct group *g)
{
	struct diags own, *saved = m->l->diags;
	int rc;

	diags_init(&own, m->l->arena);
	m->l->diags = &own;
	rc = build(m->l, m->plan, m->root, g);
	m->l->diags = saved;
	if (rc != 0 && own.n)
		m->why = own.list[0];
	return rc;
}

static void add_group(struct making *m, struct group g)
{
	if (try_build(m, &g) == 0)
		VEC_ADD(&m->all, g);
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

static int add_machine(struct making *m, const struct offer *o)
{
	struct group g = {.name = o->name, .machine = o->machine, .with = o->with, .up_to = o->up_to};
	const size_t before = m->all.n;

	m->why.msg = NULL;
	if (!o->priced) {
		VEC_ADD(&m->unpriced, o->name);
		return 0;
	}
	for (size_t i = 0; i < o->runtimes_n; i++) {
		g.runtime = o->runtimes[i];
		add_weights(m, g);
	}
	if (m->all.n > before)
		return 0;
	if (m->named && m->why.msg)
		return diag_add(m->l->diags, m->why.place, m->why.hint, "plan: machine '%s': %s", o->name,
				m->why.msg);
	VEC_ADD(&m->unread, o->name);
	return 0;
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

static struct texts keep(struct arena *a, const char *const *names, size_t n)
{
	const char **at = arena_array(a, n + 1, sizeof *at);

	for (size_t i = 0; i < n; i++)
		at[i] = names[i];
	return (struct texts){at, n};
}

int groups_make(struct loader *l, const struct world *plan, const struct yml *root, struct group_list *out)
{
	struct making m = {.l = l, .plan = plan, .root = root, .named = !plan->scenario->plan->any};
	struct offers offers;
	int rc = offers_find(l, plan, &offers);

	for (size_t i = 0; i < offers.n && rc == 0; i++)
		rc = add_machine(&m, &offers.at[i]);
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
