/* catalogue.c - see catalogue.h. */
#include "sim/plan/catalogue.h"

#include <string.h>

#include "sim/base/vec.h"

struct finding {
	struct loader *l;
	const struct world *plan;
	VEC(struct offer) found;
	bool dear; /* a machine is left out by the bound on the price alone */
};

/* The runtimes of the plan, or the scenario's own. */
static size_t runtimes_asked(const struct world *plan, const char *const **names, const char **own)
{
	const struct field_list *said = &plan->scenario->plan->runtimes;

	*own = plan->scenario->runtime->kind == YML_SCALAR ? plan->scenario->runtime->text : "";
	*names = said->n ? said->at : own;
	return said->n ? said->n : 1;
}

static void take_runtimes(struct finding *f, const struct machine *m, struct offer *o)
{
	const struct device *d = m->devices.at;
	const char *const *names, *own, **have;
	const size_t n = runtimes_asked(f->plan, &names, &own);

	o->runtimes = have = arena_array(f->l->arena, n, sizeof *have);
	for (size_t i = 0; i < n && m->devices.n; i++)
		if (device_runtime(d, names[i]))
			have[o->runtimes_n++] = arena_strdup(f->l->arena, names[i]);
}

/* ---- named ---- */

struct yml *offer_node(struct arena *a, const char *machine, const struct yml *with, struct place place)
{
	struct yml *name = yml_scalar(a, machine, place), *map;

	if (!with)
		return name;
	map = yml_merge(a, NULL, with);
	yml_put(a, map, "base", place, name);
	return map;
}

static int add_named(struct finding *f, const struct plan_machine *p)
{
	const struct yml *node = p->origin.node,
			 *at = node->kind == YML_MAP ? yml_get(node, "machine") : node;
	struct yml *tree = load_inherit(f->l, offer_node(f->l->arena, p->machine, p->with, at->place),
					"hardware", HW_SCHEMA);
	struct offer o = {.name = p->origin.name,
			  .machine = p->machine,
			  .up_to = (int)(p->up_to ? p->up_to : f->plan->scenario->plan->up_to)};
	struct machine m = {0};

	o.with = p->with;
	if (!tree || field_load(&machine_table, tree, p->origin.name, &m, f->l->diags) != 0 ||
	    machine_check(&m, f->l->diags) != 0)
		return -1;
	take_runtimes(f, &m, &o);
	o.priced = m.price.given;
	if (!o.runtimes_n)
		return diag_add(f->l->diags, at->place, "'lemursim list hardware' names those it has",
				"plan: machine '%s' has none of the runtimes", p->origin.name);
	VEC_ADD(&f->found, o);
	return 0;
}

/* ---- the catalogue ---- */

/* Is the word one of those between the dashes of a name? */
static bool has_word(const char *name, const char *word)
{
	const size_t n = strlen(word);

	for (const char *at = name; at; at = strchr(at, '-') ? strchr(at, '-') + 1 : NULL)
		if (!strncmp(at, word, n) && (!at[n] || at[n] == '-'))
			return true;
	return false;
}

static bool is_kind(const char *name, const char *kind)
{
	return has_word(name, !strcmp(kind, "mac") ? "apple" : !strcmp(kind, "card") ? "rtx" : kind);
}

static bool is_wanted(const struct plan_any *any, const char *name)
{
	const char *const *kinds = any->kind.at;
	bool wanted = !any->kind.n;

	for (size_t i = 0; i < any->kind.n; i++)
		wanted |= is_kind(name, kinds[i]);
	return wanted;
}

/* A variant of a file, NULL: the file itself. It is passed over where it is no machine that can be used. */
static void add_variant(struct finding *f, const struct load_found *file, const char *variant)
{
	const struct plan_any *any = f->plan->scenario->plan->any;
	struct diags own, *saved = f->l->diags;
	struct offer o = {.up_to = (int)f->plan->scenario->plan->up_to};
	struct machine m = {0};
	struct yml *tree;
	const struct yml *kind;
	bool fine;

	diags_init(&own, f->l->arena);
	f->l->diags = &own;
	tree = variant ? load_variant(f->l, file->path, variant, "hardware", HW_SCHEMA)
		       : load_file(f->l, file->path, "hardware", HW_SCHEMA);
	kind = tree ? yml_get(tree, "kind") : NULL;
	fine = tree && (!kind || !strcmp(kind->text, "machine")) &&
	       field_load(&machine_table, tree, file->name, &m, &own) == 0 && machine_check(&m, &own) == 0;
	f->l->diags = saved;
	if (!fine || !(m.memory.capacity.value >= any->memory_least) ||
	    !(m.memory.capacity.value <= any->memory_most))
		return;
	o.name = o.machine = variant ? arena_printf(f->l->arena, "%s-%s", file->name, variant)
				     : arena_strdup(f->l->arena, file->name);
	o.priced = m.price.given;
	take_runtimes(f, &m, &o);
	if (o.priced && (m.price.value < any->price_least || m.price.value > any->price_most))
		f->dear |= o.runtimes_n > 0;
	else if (o.runtimes_n)
		VEC_ADD(&f->found, o);
}

/* A name means the file of that name before another file's variant, here as where a scenario says it. */
static bool has_own_file(const struct load_found *files, size_t n, const char *name, const char *variant)
{
	const size_t len = strlen(name);

	for (size_t i = 0; i < n; i++)
		if (!strncmp(files[i].name, name, len) && files[i].name[len] == '-' &&
		    !strcmp(files[i].name + len + 1, variant))
			return true;
	return false;
}

static void add_file(struct finding *f, const struct load_found *files, size_t n,
		     const struct load_found *file)
{
	const struct yml *variants = load_variants(f->l, file->path);

	if (!variants)
		add_variant(f, file, NULL);
	for (size_t i = 0; variants && i < variants->n; i++)
		if (!has_own_file(files, n, file->name, variants->keys[i]->text))
			add_variant(f, file, variants->keys[i]->text);
}

static int no_such_kind(const struct finding *f, size_t i)
{
	const struct yml *said = yml_get(f->plan->scenario->plan->machines_said, "any"),
			 *kind = yml_get(said, "kind"), *at = kind->kind == YML_LIST ? kind->items[i] : kind;

	return diag_add(f->l->diags, at->place,
			"mac, card, or a word of a machine's name, such as m4, max or spark",
			"plan: no machine has '%.40s' in its name", at->text);
}

static int check_kinds(const struct finding *f, const struct load_found *files, size_t n)
{
	const struct plan_any *any = f->plan->scenario->plan->any;
	const char *const *kinds = any->kind.at;
	int rc = 0;

	for (size_t i = 0; i < any->kind.n; i++) {
		bool known = false;

		for (size_t k = 0; k < n; k++)
			known |= is_kind(files[k].name, kinds[i]);
		if (!known)
			rc = no_such_kind(f, i);
	}
	return rc;
}

static int find_any(struct finding *f)
{
	const struct planning *p = f->plan->scenario->plan;
	struct load_found *files;
	const size_t n = load_list(f->l, f->plan->path, "hardware", &files);

	if (check_kinds(f, files, n) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (is_wanted(p->any, files[i].name))
			add_file(f, files, n, &files[i]);
	if (!f->found.n && !f->dear)
		return diag_add(
			f->l->diags, p->machines_said->place,
			"'lemursim list hardware' names all, with prices and runtimes",
			"plan: no machine of the catalogue is of this kind and price and has the runtime");
	return 0;
}

int offers_find(struct loader *l, const struct world *plan, struct offers *out)
{
	const struct planning *p = plan->scenario->plan;
	const struct plan_machine *named = p->machines.at;
	struct finding f = {.l = l, .plan = plan};
	int rc = 0;

	if (!p->runtimes.n && plan->scenario->runtime->kind != YML_SCALAR)
		return diag_add(l->diags, plan->scenario->runtime->place,
				"such as 'runtime: llama.cpp', or 'runtimes: [llama.cpp, mlx]' in the plan",
				"plan: a runtime by machine says nothing of machines that are to be found");
	if (p->any)
		rc = find_any(&f);
	for (size_t i = 0; i < p->machines.n; i++)
		if (add_named(&f, &named[i]) != 0)
			rc = -1;
	*out = (struct offers){arena_array(l->arena, f.found.n + 1, sizeof *out->at), f.found.n};
	if (f.found.n)
		memcpy(out->at, f.found.at, f.found.n * sizeof *f.found.at);
	VEC_FREE(&f.found);
	return rc;
}
