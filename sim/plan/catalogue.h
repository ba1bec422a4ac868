/*
 * catalogue.h - the machines that a plan may choose from: those it names, or all that meet its limits.
 *
 * Layer plan.
 */
#ifndef SIM_PLAN_CATALOGUE_H
#define SIM_PLAN_CATALOGUE_H
#include "sim/world/world.h"

struct offer {
	const char *name, *machine; /* as the plan calls it; its hardware file */
	int up_to;
	const struct yml *with; /* values that replace the file's; NULL: none */
	bool priced;
	const char *const *runtimes; /* those of the plan's that it has */
	size_t runtimes_n;
};
struct offers {
	struct offer *at;
	size_t n;
};

/* The node of a scenario's `machines:` that such a machine is. */
struct yml *offer_node(struct arena *a, const char *machine, const struct yml *with, struct place place);

/* Complains of machines that are named and are none, of words that no machine has in its name, and of limits
 * that none keeps. 0 or -1. */
int offers_find(struct loader *l, const struct world *plan, struct offers *out);

#endif
