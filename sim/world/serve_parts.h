/*
 * serve_parts.h - what serve.c (the load) and serve_how.c (the servers) have in common.
 *
 * Layer world; for these two alone.
 */
#ifndef SIM_WORLD_SERVE_PARTS_H
#define SIM_WORLD_SERVE_PARTS_H
#include "sim/world/scenario.h"

/* Complains at a key's value, or at the mapping where the key was not written; -1. */
int serve_wrong(struct diags *d, const struct yml *map, const char *key, const char *hint, const char *msg);

void serve_check_assignment(const struct scenario *s, struct assignment *a, struct diags *d);

#endif
