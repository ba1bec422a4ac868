/*
 * draws.h - the random numbers of the Monte Carlo draws, the same for every assignment of a world.
 *
 * Layer predict. Standard normal numbers, one for each draw, source and parameter. Every assignment gets the
 * same numbers, so that a difference between two of them is not one of chance.
 */
#ifndef SIM_PREDICT_DRAWS_H
#define SIM_PREDICT_DRAWS_H
#include "sim/base/workers.h"
#include "sim/predict/energy_cost.h"
#include "sim/step/program.h"

/* Told before each draw of a prediction, so that long work is seen to go on; tell may be NULL. */
struct draws_watch {
	void (*tell)(void *self, const char *assignment, size_t done, size_t of);
	void *self;
};

struct draws {
	uint64_t seed; /* the seed of jobs' random choices, too */
	size_t n, sources, sockets;
	size_t threads;      /* that run draws at a time */
	bool each_iteration; /* as asked */
	struct params *z;    /* [draw * sources + source] */
	struct draws_watch watch;
	struct power_draw *power; /* [draw * sockets + socket]: machines, then links */
	const char *of;           /* the sources that they are drawn for, and their parameters */
};
struct draws draws_make(struct arena *a, const struct world *w, uint64_t seed, size_t n);

/* What a user asks of the draws in place of what the scenario says; -1: as the scenario says. */
struct draws_ask {
	int64_t seed, n;
	struct workers_ask workers; /* threads that run draws at a time */
	bool each_iteration;        /* servers do not jump over equal iterations; slower, the same numbers */
	struct draws_watch watch;
};
uint64_t draws_asked_seed(const struct draws_ask *ask, const struct world *w);
struct draws draws_asked(struct arena *a, const struct world *w, const struct draws_ask *ask);

/* Whether those of another world are what draws_asked() would give for this one. */
bool draws_serve(const struct draws *d, const struct world *w, const struct draws_ask *ask);

/* Those of one device without a world, one for each draw: the same that draws_make() gives it. */
struct params *draws_of_device(struct arena *a, const struct machine *machine, const struct device *device,
			       uint64_t seed, size_t n);

#endif
