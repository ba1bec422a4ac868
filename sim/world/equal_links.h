/*
 * equal_links.h - private to the room: links between the equal devices that one device of a placement stands for.
 *
 * Layer world; for network.c. Each of the equal machines has a port of its own on a switch that blocks nothing.
 */
#ifndef SIM_WORLD_EQUAL_LINKS_H
#define SIM_WORLD_EQUAL_LINKS_H
#include "sim/world/world.h"

/* Complains about keys that such a link cannot have, and where no workload has equal devices. */
void equal_links_check(const struct world *w, const struct link *l, struct diags *diags);

/* How many link uses a machine needs: one for the next rank of a ring, and one for each power of two below the number of
 * ranks. */
size_t equal_links_distances(const struct world *w, enum equals e);

#endif
