/*
 * obey.h - what any run of any program must obey.
 */
#ifndef TESTS_OBEY_H
#define TESTS_OBEY_H
#include "sim/base/rng.h"
#include "tests/toy.h"

/* Nothing starts before what it waits for; a queue runs one task at a time, a device in order; busy and idle
 * add up. */
void obey_run(const struct toy_run *r);
void obey_compiled(
	const struct toy_run *r); /* the compiled form gives the engine's times, to the nanosecond */

/* Runs, compiles and checks a program at its own times, then at drawn ones. */
void obey_prog(struct prog *p, struct rng *rng);
/* Every program of a placement. */
void obey_progs(const struct placement *at, struct rng *rng);

#endif
