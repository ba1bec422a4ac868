/* catalogue.c - machines and models of the catalogue by name; see fit_runtime.h. */
#include <string.h>
#include <unistd.h>

#include "sim/ask/look_up.h"
#include "sim/family/report_rows.h"

/* The name as a node of a file in the working directory, so that references resolve from there. What nobody sells is a map, as in
 * a scenario: {base: NAME, power_limit: 220 W}. */
static struct yml *name_node(struct loader *l, const char *name)
{
	struct source *here = arena_alloc(l->arena, sizeof *here);

	*here = (struct source){name[0] == '{' && l->typed_as ? l->typed_as : "./command line", name,
				strlen(name)};
	if (name[0] == '{')
		return yml_parse(l->arena, here, l->diags);
	return yml_scalar(l->arena, name, (struct place){here, 1, 1, 1});
}

static struct yml *tree_of(struct loader *l, const char *name, const char *folder, const char *schema)
{
	struct yml *node;

	if (str_ends(name, ".yaml"))
		return load_file(l, name, folder, schema);
	node = name_node(l, name);
	return node ? load_inherit(l, node, folder, schema) : NULL;
}

/* Is there what the name says, as tree_of() has it? Nothing is reported. */
static bool has_tree(struct loader *l, const char *name, const char *folder, const char *schema)
{
	struct diags quiet, *loud = l->diags;
	bool has;

	diags_init(&quiet, l->arena);
	l->diags = &quiet;
	has = tree_of(l, name, folder, schema) != NULL;
	l->diags = loud;
	return has;
}

const struct yml *catalogue_typed(struct loader *l, const char *text)
{
	return name_node(l, text);
}

const char *catalogue_reference(struct loader *l, const char *name)
{
	char here[4096];

	if (name[0] == '{' || (!strchr(name, '/') && !str_ends(name, ".yaml")) || name[0] == '/' ||
	    !getcwd(here, sizeof here))
		return name;
	return arena_printf(l->arena, "%s/%s", here, name);
}

static int load_machine(struct loader *l, const char *name, const char *device, bool unmeasured,
			struct catalogue_device *d)
{
	struct yml *tree = tree_of(l, name, "hardware", HW_SCHEMA);
	struct machine *m = arena_alloc(l->arena, sizeof *m);

	if (!tree || field_load(&machine_table, tree, name, m, l->diags) != 0)
		return -1;
	if (unmeasured) {
		m->chip = "";
		m->die = NULL;
	}
	if (machine_check(m, l->diags) != 0)
		return -1;
	*d = (struct catalogue_device){
		.machine = m, .device = machine_device(m, device), .ref = catalogue_reference(l, name)};
	if (!d->device)
		return diag_add(l->diags, tree->place, NULL, "machine '%s' has no device '%s'", name,
				device ? device : "at all");
	return 0;
}

int catalogue_machine_load(struct loader *l, const char *name, const char *device, struct catalogue_device *d)
{
	return load_machine(l, name, device, false, d);
}

bool catalogue_is_machine(struct loader *l, const char *name, const char *device, struct catalogue_device *d)
{
	struct diags quiet, *loud = l->diags;
	bool is;

	diags_init(&quiet, l->arena);
	l->diags = &quiet;
	is = catalogue_machine_load(l, name, device, d) == 0;
	l->diags = loud;
	return is;
}

/* The runtime that is meant where none is named: of the first one's versions that which its undated name means. */
static const struct profile *usual_runtime(const struct device *d)
{
	return d->runtimes.n ? device_newest(d, d->runtimes.at) : NULL;
}

static int no_runtime(struct loader *l, const char *machine, const struct device *d, const char *asked)
{
	const struct profile *p = d->runtimes.at;
	const char *has = "";

	for (size_t i = 0; i < d->runtimes.n; i++)
		has = arena_printf(l->arena, "%s%s%s", has, i ? ", " : "it has: ", p[i].origin.name);
	return diag_add(l->diags, d->origin.node->place, *has ? has : "it has none: calibrate one",
			"%s.%s has no runtime '%s'", machine, d->origin.name, asked ? asked : "at all");
}

static int load_device(struct loader *l, const char *name, const char *device, const char *runtime,
		       bool unmeasured, struct catalogue_device *d)
{
	if (load_machine(l, name, device, unmeasured, d) != 0)
		return -1;
	d->profile = runtime ? report_named_runtime(d->device, runtime) : usual_runtime(d->device);
	if (!d->profile)
		return no_runtime(l, name, d->device, runtime);
	d->compute = compute_dtype_of_profile(d->profile);
	if (!d->profile->gemm[d->compute])
		return diag_add(l->diags, d->profile->origin.node->place, NULL,
				"runtime '%s' has no gemm table", d->profile->origin.name);
	return 0;
}

int catalogue_device_load(struct loader *l, const char *name, const char *device, const char *runtime,
			  struct catalogue_device *d)
{
	return load_device(l, name, device, runtime, false, d);
}

int catalogue_unmeasured_load(struct loader *l, const char *name, const char *device, const char *runtime,
			      struct catalogue_device *d)
{
	return load_device(l, name, device, runtime, true, d);
}

bool catalogue_has(struct loader *l, const char *name)
{
	return has_tree(l, name, "hardware", HW_SCHEMA);
}

struct model *catalogue_model_load(struct loader *l, const char *name)
{
	struct yml *tree = tree_of(l, name, "models", MODEL_SCHEMA);
	struct model *m = arena_alloc(l->arena, sizeof *m);

	if (!tree || field_load(&model_table, tree, name, m, l->diags) != 0 || model_check(m, l->diags) != 0)
		return NULL;
	return m;
}

/* A path, or the name of a file, which may be wrong in itself: its errors are told where it is loaded. */
static bool is_model_name(struct loader *l, const char *name)
{
	return strchr(name, '/') || look_up_is_file(name) || has_tree(l, name, "models", MODEL_SCHEMA);
}

struct model *catalogue_model_typed(struct loader *l, const char **name, struct err *err)
{
	const char *id = is_model_name(l, *name) ? *name : look_up(l, CATALOGUE_MODELS, *name, err);

	if (!id)
		return NULL;
	*name = id;
	return catalogue_model_load(l, id);
}
