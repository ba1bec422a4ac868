/*
 * counted.h - `count: N` of a scenario's machine: N of them, and names that stand for several.
 *
 * Layer world. {m: {base: ..., count: 4}} becomes m0, m1, m2 and m3, which share one tree. Where an assignment, a link, a
 * topology or the runtime names machines, `m` stands for all of them and `m1..m2` for those from one to the other.
 */
#ifndef SIM_WORLD_COUNTED_H
#define SIM_WORLD_COUNTED_H
#include "sim/conf/load.h"

/* The most machines of a world: every two of them are looked at. */
enum { MACHINES_MAX = 1024 };

/* Rewrites a scenario's tree before it is loaded; complains to the loader's diags. */
void counted_expand(struct loader *l, struct yml *root);

/* The other way round, for a tree that is to be written: machines of a count, which share one tree and stand last, become one
 * with its count again, where the name that they have in common is no other machine's. What names them goes on naming them one
 * by one. Returns the tree, or one in the arena that shares all but its machines with it. */
const struct yml *counted_fold(struct arena *a, const struct yml *root);

#endif
