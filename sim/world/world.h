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

/* A part of the network that messages of several pairs of machines go through: max-min fair (des/flow.h). */
struct shared_part {
	const char *name;            /* "lan: m0 out" */
	const struct qty *bandwidth; /* of a port, cable, switch or forwarding machine */
	double times;                /* its capacity is so many times that */
	size_t link;                 /* in world.links: its bandwidth errs as that of the link does */
};

/* The way of a message from one end of a link use to the other. */
struct link_way {
	const uint32_t *parts; /* shared parts that it goes through */
	size_t parts_n;
	const uint32_t *
		hops; /* where machines store messages and forward them: the link uses, one after the other */
	size_t hops_n; /* 0: the message goes through all of them at once */
};

struct link_use { /* what joins two machines */
	/* as a message between them meets it: over several cables with the latencies of all */
	const struct link *link;
	size_t of;               /* the link in world.links */
	size_t ends[2];          /* machines */
	bool one_leaf;           /* both are on one leaf switch of a fat tree */
	struct link_way ways[2]; /* from ends[0], and from ends[1] */
};

struct world {
	const char *path;
	const struct scenario *scenario;
	const struct model *model;
	const struct machine *machines;
	size_t machines_n;
	const struct unit *units;
	size_t units_n;
	const struct link *links; /* as the scenario names them */
	size_t links_n;
	const struct link_use *link_uses;
	size_t link_uses_n;
	const struct shared_part *parts;
	size_t parts_n;
	/* [enum equals]: the link uses of each machine with its equals, one for every distance between the ranks of a message:
	 * world_equals_use(). WORLD_NONE: no link joins such */
	size_t equals[EQUALS_N];
	const uint32_t *joined; /* [machine * machines_n + machine]: private to world_link_use() */
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
/* That of a machine with those that it stands for: distance 0 is the next rank of a ring, else a power of two. */
size_t world_equals_use(const struct world *w, enum equals e, size_t machine, int distance);
/* The direction in which a machine sends over a link use: 0 or 1, an index of `ends` and of `ways`. */
int link_use_from(const struct link_use *u, size_t machine);

#endif
