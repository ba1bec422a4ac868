/*
 * group.h - a server that may be bought: one machine or several joined, a runtime, a format of the weights, a
 * number of slots; built once as a service, with its bounds.
 *
 * Layer plan. Each is a world of its own, made of the scenario's tree without `plan:` and with what the group
 * is; a fleet of several is such a world too, so that it can be written down as a scenario.
 */
#ifndef SIM_PLAN_GROUP_H
#define SIM_PLAN_GROUP_H
#include "sim/base/texts.h"
#include "sim/serve/service_bound.h"
#include "sim/world/world.h"

struct group {
	const char *name;       /* the scenario's name for the machine, or its file's */
	const char *machine;    /* hardware file */
	const struct yml *with; /* values that replace the file's; NULL: none */
	const char *runtime, *weights;
	int format;    /* place of the weights among those of the plan: 0 is preferred */
	int64_t slots; /* 0: as the runtime starts */
	int split;     /* enum group_split, of several machines */
	int machines;
	const char *link;     /* NULL: one machine */
	enum serve_pool pool; /* prefill and decode servers share the service of the whole one */
	int up_to;            /* servers of it in a fleet */

	const struct world *world;
	const char *what_if; /* why its runtime does not split so, as of placement_what_if(); NULL: it does */
	struct service *service;
	double usd;            /* all of its machines; NAN: not known */
	double idle_W, busy_W; /* when idle; added while busy. NAN: not known */
	bool fits;
	double short_B; /* missing where it does not fit */
	struct service_bound bound;
};

struct group_list {
	struct group *at;
	size_t n;
	/* names of machines that were left out: without a price; without a runtime that reads such weights */
	struct texts unpriced, unread;
};

/* All groups that a plan may choose from, those of preferred weights first, then the ones that can do more.
 * root: the scenario's tree as it was read, before a world was made of it. Complains of what is named and
 * cannot be; what of the catalogue cannot be is passed over. threads: that build them. 0 or -1. Ended by
 * groups_free(). */
int groups_make(struct loader *l, const struct world *plan, const struct yml *root, size_t threads,
		struct group_list *out);
void groups_free(struct group_list *all);

/* The world of a fleet: so many servers like each group, behind one router where there are several. name: of
 * its only assignment. NULL with complaints in the loader's diags. */
struct fleet_share {
	const struct group *group;
	int count;
};
/* What a router gives the servers of the i-th share against those of the others, by the most that each can do: 1
 * for the smallest, in hundredths; 0 where all can do as much, or a bound is not known. */
double fleet_weight(const struct fleet_share *parts, size_t n, size_t i);
const struct world *groups_world(struct loader *l, const struct world *plan, const struct yml *root,
				 const struct fleet_share *parts, size_t n, const char *name);

/* Words for a group's settings: "q4_K_M, 8 slots, llama.cpp"; in the arena. */
const char *group_settings(struct arena *a, const struct group *g);

/* May a runtime load weights of that format? */
bool group_reads(const char *runtime, const char *weights);

#endif
