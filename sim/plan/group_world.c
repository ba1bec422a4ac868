/* group_world.c - the scenario of a fleet; see group.h. */
#include "sim/plan/group.h"

#include <math.h>
#include <string.h>

#include "sim/hw/programs.h"
#include "sim/plan/catalogue.h"
#include "sim/predict/scenario_load.h"

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

double fleet_weight(const struct fleet_share *parts, size_t n, size_t i)
{
	double least = INFINITY, most = 0;

	for (size_t k = 0; k < n; k++) {
		const double rate = parts[k].count ? parts[k].group->bound.rate : least;

		least = rate < least ? rate : least;
		most = rate > most ? rate : most;
	}
	if (!(least > 0) || !isfinite(most) || !(most > least) || parts[i].group->pool != POOL_WHOLE)
		return 0;
	return (double)llround(100 * parts[i].group->bound.rate / least) / 100;
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
			if (fleet_weight(parts, n, i) > 0)
				str_addf(s, ", weight: %.2f", fleet_weight(parts, n, i));
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
