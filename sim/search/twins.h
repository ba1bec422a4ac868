/*
 * twins.h - equal machines that the search need not tell apart.
 *
 * Layer search. Two machines are twins where their descriptions and runtimes are equal and the network looks the same when they
 * are exchanged: equal links to every other machine, with equal ports on the same switches. Exchanging them in an assignment
 * changes none of its metrics. Of the sets of devices that differ by twins alone one is searched, which has the first of them.
 */
#ifndef SIM_SEARCH_TWINS_H
#define SIM_SEARCH_TWINS_H
#include "sim/search/space.h"
#include "sim/world/unit_slots.h"

/* Sets before[u] to the last twin of a unit's machine that comes before it; to WORLD_NONE where there is none. */
void twins_find(const struct world *w, size_t before[SPACE_UNITS]);

/* Whether a set of units has no unit whose twin before it is left out. */
bool twins_in_order(const size_t before[SPACE_UNITS], size_t units_n, const struct unit_set *units);

/* The slots of tables in which twins share what they have. */
void twins_slots(const struct world *w, struct unit_slots *out);

#endif
