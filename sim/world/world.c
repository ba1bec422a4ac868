/* world.c - see world.h. */
#include "sim/world/world.h"

#include <stdio.h>
#include <string.h>

#include "sim/base/nearest.h"
#include "sim/cost/run_by.h"
#include "sim/import/weights_file.h"
#include "sim/world/counted.h"
#include "sim/cost/formats.h"
#include "sim/llm/mix.h"
#include "sim/world/network.h"
#include "sim/world/topology.h"

static const struct model *load_model(struct loader *l, struct yml *root)
{
	struct model *m = arena_alloc(l->arena, sizeof *m);
	struct yml *node = yml_get(root, "model"), *tree;

	if (!node || node->kind == YML_NULL)
		return NULL; /* the scenario's table has complained already */
	tree = load_inherit(l, node, "models", MODEL_SCHEMA);
	if (!tree || field_load(&model_table, tree, "model", m, l->diags) != 0 ||
	    model_check(m, l->diags) != 0)
		return NULL;
	yml_put(l->arena, root, "model", tree->place, tree);
	return m;
}

/* The largest difference between the vocabularies of model and draft in llama.cpp
 * (SPEC_VOCAB_MAX_SIZE_DIFFERENCE in common/speculative.cpp). */
enum { VOCABULARY_SLACK = 128 };

/* A model gives no useful text at positions for which it was not trained, and runtimes refuse them or warn. */
static void check_context(struct loader *l, const struct model *m, const struct yml *asked, const char *key,
			  int64_t tokens, int beyond)
{
	const struct yml *at = yml_get(asked, key);
	char remedy[160];

	if (!m || !m->context || tokens <= m->context || beyond == BEYOND_ALLOW)
		return;
	snprintf(remedy, sizeof remedy,
		 "it was made for %lld tokens at most; 'beyond_context: allow' computes it all the same",
		 (long long)m->context);
	diag_add(l->diags, (at ? at : asked)->place, remedy,
		 "sequences of %lld tokens are longer than %s allows", (long long)tokens, m->title);
}

/* Copies the units for another model. */
static const struct unit *units_with(struct loader *l, const struct world *w, const struct model *m)
{
	struct unit *units = arena_array(l->arena, w->units_n, sizeof *units);

	for (size_t i = 0; i < w->units_n; i++) {
		units[i] = w->units[i];
		units[i].model = model_run_by(l->arena, m, units[i].profile);
	}
	return units;
}

/* A pass asks for the bytes of weights in every block. */
static void tabulate_weights(struct loader *l, const struct world *w, struct precision *p)
{
	mix_tabulate(l->arena, w->model, p);
	for (size_t i = 0; i < w->units_n; i++)
		mix_tabulate(l->arena, w->units[i].model, p);
}

/* What drafts: another model, or with 'mtp' the model's own layer that predicts further tokens. */
static const struct model *draft_model(struct loader *l, const struct world *w, const struct yml *said,
				       struct yml *in)
{
	const struct model *m;

	if (!said || said->kind != YML_SCALAR || strcmp(said->text, "mtp") != 0)
		return load_model(l, in);
	m = model_mtp(l->arena, w->model);
	if (!m)
		diag_add(l->diags, said->place, "name a small model of the same family",
			 "%s has no layer that predicts further tokens", w->model->title);
	return m;
}

/* The world of a draft: the same machines with the draft's model. in: the node with the options, for
 * messages. */
static void load_draft(struct loader *l, const struct world *w, const struct yml *in, struct speculative *sp)
{
	struct world *draft = arena_alloc(l->arena, sizeof *draft);
	struct scenario *s = arena_alloc(l->arena, sizeof *s);
	struct yml *node = yml_get(in, "speculative");
	const struct generate *g = w->scenario->workload.generate;
	long long ours, its;

	if (!sp)
		return;
	*draft = *w;
	*s = *w->scenario;
	if (sp->precision)
		s->precision = *sp->precision;
	draft->scenario = s;
	draft->model = draft_model(l, w, yml_get(node, "model"), node);
	sp->world = draft;
	if (!draft->model || (sp->precision && weights_file_load(l, draft->model, &s->precision) != 0))
		return;
	draft->units = units_with(l, w, draft->model);
	tabulate_weights(l, draft, &s->precision);
	if (g)
		check_context(l, draft->model, g->origin.node, "prompt", g->prompt + g->tokens,
			      g->beyond_context);
	ours = w->model->vocabulary;
	its = draft->model->vocabulary;
	if (ours - its > VOCABULARY_SLACK || its - ours > VOCABULARY_SLACK)
		diag_add(l->diags, yml_get(node, "model")->place, "take one of the same family",
			 "a draft of %lld tokens of vocabulary for a model of %lld", its, ours);
}

/* A server's; how: NULL where nothing is said of it. */
static void load_server_draft(struct loader *l, const struct world *w, const struct serve_how *how)
{
	if (how)
		load_draft(l, w, how->origin.node, how->speculative);
}

static void load_member_drafts(struct loader *l, const struct world *w, const struct field_list *members)
{
	const struct replica_said *r = members->at;

	for (size_t i = 0; i < members->n; i++)
		load_server_draft(l, w, r[i].serve);
}

static void load_served_drafts(struct loader *l, const struct world *w, const struct assign_serving *v)
{
	load_server_draft(l, w, v->serve);
	load_member_drafts(l, w, &v->replicas);
	if (v->pools) {
		load_member_drafts(l, w, &v->pools->prefill);
		load_member_drafts(l, w, &v->pools->decode);
	}
}

static void load_drafts(struct loader *l, const struct world *w)
{
	const struct generate *g = w->scenario->workload.generate;
	const struct assignment *a = w->scenario->assignments.at;

	if (g)
		load_draft(l, w, g->origin.node, g->options.speculative);
	for (size_t i = 0; i < w->scenario->assignments.n; i++)
		if (a[i].generate)
			load_draft(l, w, a[i].generate->origin.node, a[i].generate->speculative);
	for (size_t i = 0; w->scenario->workload.serve && i < w->scenario->assignments.n; i++)
		load_served_drafts(l, w, &a[i].serving);
}

/* Complains once of a link where a machine is expected, instead of once for each key. */
static bool right_kind(struct loader *l, const struct yml *tree, const struct table *table,
		       const struct yml *item)
{
	const struct yml *kind = yml_get(tree, "kind"), *base = yml_get(item, "base");
	/* the default of the key */
	const char *said = kind && kind->kind == YML_SCALAR ? kind->text : table->kind;

	if (!strcmp(said, table->kind) ||
	    (strcmp(said, "machine") != 0 && strcmp(said, "link") != 0 && strcmp(said, "family") != 0))
		return true; /* the field table gives a more precise message */
	diag_add(l->diags, base ? base->place : item->place,
		 !strcmp(said, "family") ? "name one of its members: lemursim list hardware" : NULL,
		 "a %s is wanted here, this is a %s", table->kind, said);
	return false;
}

/* The item before that is the same tree, as machines of a count are; NULL: none. */
static const void *twin_of(const struct yml *map, const char *all, size_t size, size_t i)
{
	return i && map->items[i] == map->items[i - 1] ? all + (i - 1) * size : NULL;
}

/* Takes a machine that was loaded for another world of the same scenario; false: there is none. */
static bool take_kept(const struct loader *l, const struct table *table, struct yml *map, size_t i,
		      char *value)
{
	const struct load_kept *k = load_kept(l, table, map->keys[i], map->items[i]);

	if (!k)
		return false;
	map->items[i] = k->tree;
	memcpy(value, k->value, table->size);
	return true;
}

/* A link is not kept: it is joined to this world's network. */
static void keep(struct loader *l, const struct load_kept *k)
{
	if (k->table == &machine_table)
		load_keep(l, k);
}

/* Loads a mapping of names to hardware; each entry is replaced in the tree by the tree after inheritance. Machines of a
 * count are loaded once: settle_machines() makes the others. */
static void *load_hardware(struct loader *l, struct yml *map, const struct table *table, size_t *n)
{
	const struct yml *written = NULL;
	char *all;

	*n = 0;
	if (!map || map->kind == YML_NULL)
		return NULL;
	if (map->kind != YML_MAP) {
		diag_add(l->diags, map->place,
			 "a name and a colon before each, without a dash: 'm5: apple-m5-10c-24gb'",
			 "expected a mapping of names, got %s", yml_kind_name(map));
		return NULL;
	}
	all = arena_array(l->arena, map->n, table->size);
	for (size_t i = 0; i < map->n; i++) {
		struct yml *tree = map->items[i];

		if (i && tree == written) {
			map->items[i] = map->items[i - 1];
			++*n;
			continue;
		}
		written = tree;
		if (take_kept(l, table, map, i, all + i * table->size)) {
			++*n;
			continue;
		}
		tree = load_inherit(l, tree, "hardware", HW_SCHEMA);
		if (strchr(map->keys[i]->text, '.'))
			diag_add(l->diags, map->keys[i]->place, NULL, "a name may not hold a point: '%s'",
				 map->keys[i]->text);
		if (!tree || !right_kind(l, tree, table, map->items[i]))
			continue;
		keep(l, &(struct load_kept){table, map->keys[i], map->items[i], tree, all + i * table->size,
					    NULL});
		map->items[i] = tree;
		field_load(table, tree, map->keys[i]->text, all + i * table->size, l->diags);
		++*n;
	}
	return all;
}

/* Checks machines; those of a count are the first of them by another name. */
static void settle_machines(struct loader *l, const struct yml *map, struct machine *machines, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct machine *twin = twin_of(map, (const char *)machines, sizeof *machines, i);

		if (!twin) {
			if (!load_is_kept(l, map->items[i]))
				machine_check(&machines[i], l->diags);
			continue;
		}
		machines[i] = *twin;
		machines[i].origin.name = map->keys[i]->text;
	}
}

/* The runtime that the scenario gives a device: by the device's name, its machine's, or the default. NULL:
 * none. */
static const struct yml *runtime_said(const struct scenario *s, const char *unit, const char *machine)
{
	const char *const keys[] = {unit, machine, "default"};
	const struct yml *said = NULL;

	if (s->runtime->kind != YML_MAP)
		return s->runtime;
	for (size_t i = 0; !said && i < ARRAY_LEN(keys); i++)
		said = yml_get(s->runtime, keys[i]);
	return said;
}

static void no_runtime(struct loader *l, const struct yml *said, const struct unit *u)
{
	const struct profile *p = u->device->runtimes.at;
	const size_t n = u->device->runtimes.n;
	const char **names = arena_array(l->arena, n, sizeof *names), *near;
	struct str known = STR_INIT;

	for (size_t i = 0; i < n; i++) /* without the date of its version, which need not be said */
		names[i] = runtime_undated(l->arena, p[i].origin.name);
	near = nearest_of(said->text, names, n);
	if (near)
		str_addf(&known, "did you mean '%s'? ", near);
	for (size_t i = 0; i < n; i++)
		str_addf(&known, "%s%s", i ? ", " : "it has: ", p[i].origin.name);
	diag_add(l->diags, said->place, known.len ? known.text : "it has none: calibrate one",
		 "%s has no runtime '%.60s'", u->name, said->text);
	str_release(&known);
}

/* Weights that the runtime of a device cannot read; said once for each runtime. */
static void check_format(struct loader *l, const struct world *w, const struct unit *u)
{
	const struct precision *p = &w->scenario->precision;
	const struct yml *at = yml_get(p->origin.node, "weights");
	struct err err = ERR_INIT;

	for (size_t i = 0; i < w->units_n; i++)
		if (!strcmp(w->units[i].profile->origin.name, u->profile->origin.name) &&
		    !strcmp(w->units[i].device->origin.name, u->device->origin.name))
			return;
	if (format_check_on(u->device, u->profile->origin.name, (enum mix_id)p->weights, &err) != 0)
		diag_err(l->diags, (at ? at : p->origin.node)->place, &err);
}

/* The first device of a machine must have the runtime. Other devices without it are left out: no block can
 * be placed on them. */
static void add_unit(struct loader *l, struct world *w, struct unit *units, struct unit u, bool first)
{
	const char *machine = w->machines[u.machine].origin.name;
	const struct yml *said = runtime_said(w->scenario, u.name, machine);

	if (!said) {
		diag_add(l->diags, w->scenario->runtime->place, "add 'default: NAME', or its own line",
			 "runtime: none is named for machine '%s'", machine);
		return;
	}
	u.profile = device_runtime(u.device, said->text);
	if (u.profile) {
		u.model = w->units_n && units[w->units_n - 1].profile == u.profile
				  ? units[w->units_n - 1].model
				  : model_run_by(l->arena, w->model, u.profile);
		check_format(l, w, &u);
		units[w->units_n++] = u;
	} else if (first || yml_get(w->scenario->runtime, u.name))
		no_runtime(l, said, &u);
}

static bool names_unit(const struct world *w, const char *name)
{
	for (size_t i = 0; i < w->machines_n; i++) {
		const struct device *d = w->machines[i].devices.at;
		const char *machine = w->machines[i].origin.name;
		const size_t len = strlen(machine);

		if (!strcmp(name, machine))
			return true;
		for (size_t j = 0; j < w->machines[i].devices.n; j++)
			if (!strncmp(name, machine, len) && name[len] == '.' &&
			    !strcmp(name + len + 1, d[j].origin.name))
				return true;
	}
	return false;
}

/* A name, or a mapping of names. */
static void check_runtime(struct loader *l, const struct yml *r)
{
	struct err err = ERR_INIT;

	if (r->kind == YML_LIST)
		diag_add(l->diags, r->place, "{default: mlx, spark: cuda} names one for each machine",
			 "scenario: runtime: expected text, or a mapping, got a list");
	for (size_t i = 0; r->kind == YML_MAP && i < r->n; i++) {
		err_set(&err, "runtime of '%.80s': expected text, got %s", r->keys[i]->text,
			yml_kind_name(r->items[i]));
		if (r->items[i]->kind != YML_SCALAR)
			diag_err(l->diags, r->items[i]->place, &err);
	}
}

/* Checks that every key of a mapping of runtimes is a machine or device of this world. */
static bool runtime_known(struct loader *l, const struct world *w)
{
	const struct yml *r = w->scenario->runtime;
	const size_t before = l->diags->total;

	for (size_t i = 0; r->kind == YML_MAP && i < r->n; i++)
		if (strcmp(r->keys[i]->text, "default") != 0 && !names_unit(w, r->keys[i]->text))
			diag_add(l->diags, r->keys[i]->place,
				 "a machine, a device such as 'm5.cpu', or 'default'",
				 "runtime: no machine is called '%.100s'", r->keys[i]->text);
	return l->diags->total == before;
}

static void collect_units(struct loader *l, struct world *w)
{
	struct unit *units;
	size_t n = 0;

	for (size_t i = 0; i < w->machines_n; i++)
		n += w->machines[i].devices.n;
	units = arena_array(l->arena, n, sizeof *units);
	w->units = units;
	if (!runtime_known(l, w))
		return;
	for (size_t i = 0; i < w->machines_n; i++) {
		const struct machine *m = &w->machines[i];
		const struct device *d = m->devices.at;

		for (size_t j = 0; j < m->devices.n; j++) {
			const char *name = arena_printf(l->arena, "%s.%s", m->origin.name, d[j].origin.name);

			add_unit(l, w, units, (struct unit){name, i, &d[j], NULL, NULL}, j == 0);
		}
	}
}

/* Where nobody says how much of a prompt a pass reads: as the runtime does. Where runtimes differ, a prompt that goes
 * through all of them is read by the smallest. */
static void settle_chunk(struct world *w)
{
	struct generate *g = w->scenario->workload.generate;
	int64_t least = 0;

	for (size_t i = 0; i < w->units_n; i++) {
		const int64_t own = w->units[i].profile->chunk;

		if (own && (!least || own < least))
			least = own;
	}
	if (!g)
		return;
	g->runtime_chunk = least;
	g->chunk_asked = g->options.chunk != 0;
	if (!g->chunk_asked)
		g->options.chunk = least;
}

static void check_trained_layers(struct loader *l, const struct model *m, const struct train *t)
{
	const struct yml *at = yml_get(t->origin.node, "layers");

	if (!m || t->layers <= m->layers)
		return;
	diag_add(l->diags, (at ? at : t->origin.node)->place, "leave it out to train all of them",
		 "train: layers: the last %lld are to be trained, and %s has %lld", (long long)t->layers,
		 m->title, (long long)m->layers);
}

static void check_contexts(struct loader *l, const struct world *w)
{
	const struct generate *g = w->scenario->workload.generate;
	const struct train *t = w->scenario->workload.train;
	const struct serve *s = w->scenario->workload.serve;
	const struct load_class *c = s ? s->classes.at : NULL;

	if (g)
		check_context(l, w->model, g->origin.node, "prompt", g->prompt + g->tokens,
			      g->beyond_context);
	if (t) {
		check_context(l, w->model, t->origin.node, "tokens", t->tokens, t->beyond_context);
		check_trained_layers(l, w->model, t);
	}
	for (size_t i = 0; s && i < s->classes.n; i++)
		if (c[i].prompt.kind == LENGTH_FIXED)
			check_context(l, w->model, c[i].prompt.origin.node, "", c[i].prompt.fixed + 1,
				      s->beyond_context);
}

static void check_assignments(struct loader *l, const struct world *w)
{
	const struct assignment *a = w->scenario->assignments.at;

	if (!w->scenario->assignments.n && !w->scenario->plan)
		diag_add(l->diags, yml_get(w->scenario->origin.node, "assignments")->place,
			 "add one: {name: all on m5, place: [{on: m5}]}", "the list of assignments is empty");
	for (size_t i = 0; i < w->scenario->assignments.n; i++) {
		const struct place place = yml_get(a[i].origin.node, "name")->place;

		if (a[i].name[strcspn(a[i].name, "\n\t")])
			diag_add(l->diags, place, "write a blank in its place",
				 "a name may not hold a line break or a tab");
		for (size_t j = 0; j < i; j++)
			if (!strcmp(a[i].name, a[j].name))
				diag_add(l->diags, place,
					 "results and --assignment know them by name: give each its own",
					 "two assignments are called '%s'", a[i].name);
	}
}

/* Looks up everything that is referred to by name after the scenario's table was loaded. Parts that the
 * table refused are skipped, so that the other names are checked, too. */
static void link_up(struct loader *l, struct world *w, struct scenario *s, struct yml *root)
{
	struct yml *machines = yml_get(root, "machines"), *links = yml_get(root, "links");
	struct machine *all_machines;
	struct link *all = NULL;
	size_t n = 0;

	w->model = load_model(l, root);
	if (w->model)
		weights_file_load(l, w->model, &s->precision);
	w->machines = all_machines = load_hardware(l, machines, &machine_table, &w->machines_n);
	if (links)
		all = load_hardware(l, links, &link_table, &n);
	if (w->scenario->runtime)
		check_runtime(l, w->scenario->runtime);
	if (l->diags->total)
		return;
	settle_machines(l, machines, all_machines, w->machines_n);
	for (size_t i = 0; i < n; i++)
		link_check(&all[i], l->diags);
	if (!w->machines_n && !w->scenario->plan)
		diag_add(l->diags, machines->place, NULL, "there is no machine");
	collect_units(l, w);
	tabulate_weights(l, w, &s->precision);
	settle_chunk(w);
	network_make(l, w, all, n, links);
	workload_check(w->scenario, l->diags);
	check_contexts(l, w);
	check_assignments(l, w);
	load_drafts(l, w);
	if (w->scenario->workload.serve && !l->diags->total)
		world_load_servers(l, w);
}

/* A plan finds what others must say. */
static void check_plan(struct scenario *s, const struct yml *root, struct diags *d)
{
	static const char *const keys[] = {"machines", "assignments", "links", "topology"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (yml_get(root, keys[i]))
			diag_add(d, yml_get(root, keys[i])->place, "leave one out",
				 "scenario: '%s' and 'plan' exclude each other", keys[i]);
	if (s->precision.file)
		diag_add(d, s->precision.file->origin.node->place, "name a file type: 'weights: q4_K_M'",
			 "scenario: a plan compares file types, and takes none of a file");
	plan_check(s, s->plan, d);
}

const struct world *world_of_tree(struct loader *l, const char *path, struct yml *root)
{
	struct world *w = arena_alloc(l->arena, sizeof *w);
	struct scenario *s = arena_alloc(l->arena, sizeof *s);

	w->path = path;
	w->scenario = s;
	w->tree = root;
	counted_expand(l, root);
	topology_write(l, root);
	if (field_load(yml_get(root, "plan") ? &planned_table : &scenario_table, root, "scenario", s,
		       l->diags) == 0 &&
	    scenario_check_serve(s, l->diags) == 0 && s->plan)
		check_plan(s, root, l->diags);
	link_up(l, w, s, root);
	return l->diags->total ? NULL : w;
}

/* Where the assignments are searched for, one has to stand in the tree until they are found: all on the first machine. */
static void add_assignment(struct loader *l, struct yml *root)
{
	const struct yml *machines = yml_get(root, "machines");
	const char *first =
		machines && machines->kind == YML_MAP && machines->n ? machines->keys[0]->text : NULL;

	if (!l->searched || yml_get(root, "assignments") || !first)
		return;
	l->setting = "default";
	load_set(l, root,
		 arena_printf(l->arena, "assignments=[{name: \"all on %s\", place: [{on: \"%s\"}]}]", first,
			      first));
}

const struct world *world_load(struct loader *l, const char *path, const char *const *sets, size_t sets_n)
{
	struct yml *root;

	path = load_path(l, path, "scenarios");
	root = load_file(l, path, "scenarios", SCENARIO_SCHEMA);
	if (!root)
		return NULL;
	for (size_t i = 0; i < sets_n; i++) {
		l->setting = i + l->over_n >= sets_n ? "--over" : NULL;
		load_set(l, root, sets[i]);
	}
	add_assignment(l, root);
	return world_of_tree(l, path, root);
}

size_t world_unit(const struct world *w, const char *name)
{
	for (size_t i = 0; i < w->units_n; i++) {
		const char *machine = w->machines[w->units[i].machine].origin.name;

		if (!strcmp(w->units[i].name, name) || !strcmp(machine, name))
			return i; /* the machine's first device is the first match */
	}
	return WORLD_NONE;
}
