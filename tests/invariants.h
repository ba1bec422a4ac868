/*
 * invariants.h - properties that hold for every run of every program.
 */
#ifndef TESTS_INVARIANTS_H
#define TESTS_INVARIANTS_H
#include "sim/base/rng.h"
#include "tests/fixtures.h"

/* Nothing starts before what it waits for; a queue runs one task at a time, a device in order; busy and idle
 * add up. */
void invariants_run(const struct fixture_run *r);
void invariants_compiled(
	const struct fixture_run *r); /* the compiled form gives the engine's times, to the nanosecond */

/* Runs, compiles and checks a program at its own times, then at drawn ones. */
void invariants_prog(struct program *p, struct rng *rng);
/* Every program of a placement. */
void invariants_progs(const struct placement *at, struct rng *rng);

#endif
