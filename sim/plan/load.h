/*
 * load.h - the load of a plan as a number that can be made larger: requests per second, users, or how fast a
 * trace goes by.
 *
 * Layer plan.
 */
#ifndef SIM_PLAN_LOAD_H
#define SIM_PLAN_LOAD_H
#include "sim/serve/service.h"
#include "sim/world/world.h"

struct plan_load {
	const struct serve *base;
	const struct plan_finish *finish; /* NULL: the SLO decides */
	const char *unit, *one;           /* "req/s"; "users": and the word of a single one */
	double asked, needed;             /* the size as the workload has it; with headroom */
	bool whole;
	uint64_t seed;
	const volatile int *stop;
	size_t threads; /* that run replications at a time */
};
struct plan_load plan_load_of(const struct world *plan);

/* The load at a size, in memory of the caller. */
struct serve plan_load_at(const struct plan_load *load, double size);

bool plan_load_stopped(const struct plan_load *load);

/* Does the service hold the load at that size in every replication, every request answered? A batch has to
 * end in time. 1, 0; -1: interrupted. A broken trace ends a plan before. */
int plan_load_holds(const struct plan_load *load, struct service *s, double size);
/* The same in every replication from `first` on. */
int plan_load_holds_from(const struct plan_load *load, struct service *s, double size, int first);
int plan_load_holds_one(const struct plan_load *load, struct service *s, double size, int replication,
			const struct params *z);

/* Numbers of the whole run at that size; 0, or -1: interrupted. */
int plan_load_run(const struct plan_load *load, struct service *s, double size, struct service_summary *out);

/* Work that a fleet must be able to do, requests per second, at the size needed; 0: not known. */
double plan_load_work(const struct plan_load *load);
int plan_load_replications(const struct plan_load *load);

#endif
