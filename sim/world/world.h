/*
 * world.h - a scenario with all names looked up; constant, so that any number of runs may read it at once.
 *
 * Layer world. Lives in the load arena; nothing in it changes after world_load().
 */
#ifndef SIM_WORLD_WORLD_H
#define SIM_WORLD_WORLD_H
#include "sim/conf/load.h"
#include "sim/hw/hw.h"
#include "sim/world/scenario.h"

struct unit {             /* a device of a machine of the scenario */
	const char *name; /* "m5.gpu" */
	size_t machine;
	const struct device *device;
	const struct profile *profile;
	const struct model *model; /* the world's model as this device's runtime runs it */
};

struct link_use { /* a link between two machines */
	const struct link *link;
	size_t ends[2]; /* machines */
};

struct world {
	const char *path;
	const struct scenario *scenario;
	const struct model *model;
	const struct machine *machines;
	size_t machines_n;
	const struct unit *units;
	size_t units_n;
	const struct link_use *link_uses;
	size_t link_uses_n;
	const struct yml *tree; /* the effective configuration */
};

#define WORLD_NONE ((size_t)-1)

/* Loads a scenario, applies the --set arguments, resolves inheritance, looks names up and checks. NULL
 * with the reasons in the loader's diags. */
const struct world *world_load(struct loader *l, const char *path, const char *const *sets, size_t sets_n);

/* The same of a tree that was read or made already; it becomes the world's. path: its name in results. */
const struct world *world_of_tree(struct loader *l, const char *path, struct yml *root);

size_t world_unit(const struct world *w,
		  const char *name); /* "m5" or "m5.gpu"; WORLD_NONE if there is none */
size_t world_link_use(const struct world *w, size_t machine_a,
		      size_t machine_b); /* WORLD_NONE: no link joins them */

#endif
