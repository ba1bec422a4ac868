/*
 * service_replication.h - one run of a service's load, and what is measured of it.
 *
 * Layer serve; what is here is for the files of a service.
 */
#ifndef SIM_SERVE_SERVICE_REPLICATION_H
#define SIM_SERVE_SERVICE_REPLICATION_H
#include "sim/serve/metrics.h"
#include "sim/serve/service.h"
#include "sim/serve/serving.h"

/* A source with the time of its last arrival. */
struct counted_source {
	struct request_source from;
	int64_t last_ns;
	uint64_t n;
};

struct replication {
	struct service *service;
	struct serve load; /* with as many requests as this run has */
	struct metrics *metrics;
	struct counted_source source;
	struct trace_skipped skipped;
	struct serve_result result;
	struct serve_books *books;
	int64_t cut_ns;
	double of[SERVICE_VALUES], half[SERVICE_VALUES];
	/* [class * SERVICE_VALUES + value]; NULL: the load has no classes, or nothing was measured */
	double *of_class, *half_of_class;
	bool overloaded;
	bool lost; /* the verdict is certain: the SLO is missed */
	struct service_slo tightest;
};

/* The i-th one of a load, which holds so many requests. p is what came of it, also where it fails (-1): it is released
 * either way. */
int replication_run(struct service *s, const struct service_ask *ask, const struct serve *load,
		    uint64_t requests, int i, struct replication *p, struct err *err);
void replication_release(struct replication *p);

/* Of two values the one that is nearer to its bound, or farther beyond. */
void replication_tighten(struct service_slo *tightest, const struct service_slo *s);

#endif
