/* world.c - see world.h. */
#include "sim/world/world.h"

#include <stdio.h>
#include <string.h>

static const struct model *load_model(struct loader *l, struct yml *root)
{
	struct model *m = arena_alloc(l->arena, sizeof *m);
	struct yml *tree = load_inherit(l, yml_get(root, "model"), "models", MODEL_SCHEMA);

	if (!tree || field_load(&model_table, tree, "model", m, l->diags) != 0 ||
	    model_check(m, l->diags) != 0)
		return NULL;
	yml_put(l->arena, root, "model", tree->place, tree);
	return m;
}

/* A mapping of names to hardware; each entry is replaced in the tree by what it inherits. */
static void *load_hardware(struct loader *l, struct yml *map, const struct table *table, size_t *n)
{
	char *all;

	*n = 0;
	if (map->kind != YML_MAP) {
		diag_add(l->diags, map->place, NULL, "expected a mapping of names, got %s",
			 yml_kind_name(map));
		return NULL;
	}
	all = arena_array(l->arena, map->n, table->size);
	for (size_t i = 0; i < map->n; i++) {
		struct yml *tree = load_inherit(l, map->items[i], "hardware", HW_SCHEMA);

		if (strchr(map->keys[i]->text, '.'))
			diag_add(l->diags, map->keys[i]->place, NULL, "a name may not hold a point: '%s'",
				 map->keys[i]->text);
		if (!tree)
			continue;
		map->items[i] = tree;
		field_load(table, tree, map->keys[i]->text, all + i * table->size, l->diags);
		++*n;
	}
	return all;
}

static void collect_units(struct loader *l, struct world *w)
{
	struct unit *units;
	size_t n = 0;

	for (size_t i = 0; i < w->machines_n; i++)
		n += w->machines[i].devices.n;
	units = arena_array(l->arena, n, sizeof *units);
	for (size_t i = 0; i < w->machines_n; i++) {
		const struct machine *m = &w->machines[i];
		const struct device *d = m->devices.at;

		for (size_t j = 0; j < m->devices.n; j++) {
			const struct profile *p = device_runtime(&d[j], w->scenario->runtime);
			const struct unit u = {
				arena_printf(l->arena, "%s.%s", m->origin.name, d[j].origin.name), i, &d[j],
				p};

			if (!p)
				diag_add(l->diags, yml_get(w->scenario->origin.node, "runtime")->place,
					 "choose another runtime, or calibrate this one",
					 "%s has no runtime '%s'", u.name, w->scenario->runtime);
			units[w->units_n++] = u;
		}
	}
	w->units = units;
}

static size_t machine_named(const struct world *w, const char *name)
{
	for (size_t i = 0; i < w->machines_n; i++)
		if (!strcmp(w->machines[i].origin.name, name))
			return i;
	return WORLD_NONE;
}

static void collect_joints(struct loader *l, struct world *w, const struct link *links, size_t n)
{
	struct joint *joints = arena_array(l->arena, n, sizeof *joints);

	w->joints = joints;
	for (size_t i = 0; i < n; i++) {
		const char *const *names = links[i].between.at;
		struct joint *j = &joints[w->joints_n++];

		*j = (struct joint){.link = &links[i]};
		if (links[i].between.n != 2) {
			diag_add(l->diags, links[i].origin.node->place, "add 'between: [a, b]'",
				 "link '%s': it must join two machines", links[i].origin.name);
			continue;
		}
		for (int e = 0; e < 2; e++) {
			j->ends[e] = machine_named(w, names[e]);
			if (j->ends[e] == WORLD_NONE)
				diag_add(l->diags, yml_get(links[i].origin.node, "between")->place, NULL,
					 "link '%s': no machine is called '%s'", links[i].origin.name,
					 names[e]);
		}
		if (j->ends[0] == j->ends[1])
			diag_add(l->diags, yml_get(links[i].origin.node, "between")->place, NULL,
				 "link '%s': it joins a machine to itself", links[i].origin.name);
	}
}

static void check_workload(struct loader *l, const struct world *w)
{
	const struct workload *k = &w->scenario->workload;
	struct assignment *a = w->scenario->assignments.at;

	if (!k->generate && !k->train)
		diag_add(l->diags, k->origin.node->place, NULL,
			 "workload: ask for 'generate:', 'train:' or both");
	if (!w->scenario->assignments.n)
		diag_add(l->diags, w->scenario->origin.node->place, NULL, "the list of assignments is empty");
	for (size_t i = 0; i < w->scenario->assignments.n; i++)
		for (size_t j = 0; j < i; j++)
			if (!strcmp(a[i].name, a[j].name))
				diag_add(l->diags, a[i].origin.node->place, NULL,
					 "two assignments are called '%s'", a[i].name);
}

/* Everything that is looked up by name, once the scenario's own table is loaded. */
static void link_up(struct loader *l, struct world *w, struct yml *root)
{
	struct yml *machines = yml_get(root, "machines"), *links = yml_get(root, "links");
	struct link *all = NULL;
	size_t n = 0;

	w->model = load_model(l, root);
	w->machines = load_hardware(l, machines, &machine_table, &w->machines_n);
	if (links)
		all = load_hardware(l, links, &link_table, &n);
	if (l->diags->total)
		return;
	for (size_t i = 0; i < w->machines_n; i++)
		machine_check(&w->machines[i], l->diags);
	if (!w->machines_n)
		diag_add(l->diags, machines->place, NULL, "there is no machine");
	collect_units(l, w);
	collect_joints(l, w, all, n);
	check_workload(l, w);
}

const struct world *world_load(struct loader *l, const char *path, const char *const *sets, size_t sets_n)
{
	struct world *w = arena_alloc(l->arena, sizeof *w);
	struct scenario *s = arena_alloc(l->arena, sizeof *s);
	struct yml *root = load_file(l, path, "scenarios", SCENARIO_SCHEMA);

	if (!root || l->diags->total)
		return NULL;
	for (size_t i = 0; i < sets_n; i++)
		load_set(l, root, sets[i]);
	if (l->diags->total || field_load(&scenario_table, root, "scenario", s, l->diags) != 0)
		return NULL;
	w->path = path;
	w->scenario = s;
	w->tree = root;
	link_up(l, w, root);
	return l->diags->total ? NULL : w;
}

size_t world_unit(const struct world *w, const char *name)
{
	for (size_t i = 0; i < w->units_n; i++) {
		const char *machine = w->machines[w->units[i].machine].origin.name;

		if (!strcmp(w->units[i].name, name) || !strcmp(machine, name))
			return i; /* the machine's first device comes first */
	}
	return WORLD_NONE;
}

size_t world_joint(const struct world *w, size_t a, size_t b)
{
	for (size_t i = 0; i < w->joints_n; i++) {
		const size_t *e = w->joints[i].ends;

		if ((e[0] == a && e[1] == b) || (e[0] == b && e[1] == a))
			return i;
	}
	return WORLD_NONE;
}
