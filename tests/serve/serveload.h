/*
 * serveload.h - a load from a few lines of YAML, as a scenario's workload.serve, for tests.
 */
#ifndef TESTS_SERVELOAD_H
#define TESTS_SERVELOAD_H
#include "sim/world/scenario.h"

/* In the arena; a complaint fails the test. */
const struct serve *serveload(struct arena *a, const char *yaml);

#endif
