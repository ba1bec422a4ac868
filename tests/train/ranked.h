/* ranked.h - training jobs of stages that stand for equal devices, for tests. */
#ifndef TESTS_TRAIN_RANKED_H
#define TESTS_TRAIN_RANKED_H
#include "sim/base/rng.h"
#include "tests/fixtures.h"

/* Stages of equal devices: machines m0 .. that stand for ranks of a tensor split, of a sequence, and for replicas, each with runs of
 * layers dealt out in a chain, in a loop or there and back. */
struct ranked {
	int stages, runs, layers, ranks, contexts, replicas, micros;
	bool vee;
	const char *schedule, *method, *link, *how;
};

void ranked_load(struct fixture *fixture, const struct ranked *j);
struct ranked ranked_random(struct rng *rng);

#endif
