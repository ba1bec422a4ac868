/*
 * topology.h - `topology:` of a scenario, which joins all of its machines in a line: {switch: ethernet-10g}.
 *
 * Layer world. It stands for a link of that name over all machines, in the order in which the scenario names them.
 */
#ifndef SIM_WORLD_TOPOLOGY_H
#define SIM_WORLD_TOPOLOGY_H
#include "sim/conf/load.h"

extern const struct table topology_table;

/* Writes `topology:` of a tree as an entry of `links:` and drops it, so that the tree says it once; after machines have
 * their names. Complains to the loader's diags. */
void topology_write(struct loader *l, struct yml *root);

#endif
