/*
 * service.h - the servers of one assignment under the load of its scenario: built once, run under any
 * conditions, summed up in the numbers that users of a service ask for.
 *
 * Layer serve. An assignment is one server, several replicas, or pools of prefill and decode servers; each
 * has a placement, a KV cache as its runtime sizes it, settings and a table of step times. Servers alike in
 * hardware and settings share one table. The load has the same random streams under all conditions and for
 * all assignments, so that differences are not of chance.
 */
#ifndef SIM_SERVE_SERVICE_H
#define SIM_SERVE_SERVICE_H
#include "sim/load/trace.h"
#include "sim/place/footprint.h"
#include "sim/serve/batch_cost.h"
#include "sim/serve/settings.h"
#include "sim/stats/steady.h"

struct observer; /* request.h */
struct service;  /* opaque; service_free() ends it */

/* In the arena, but for what service_free() gives back. The workload serves and world_load() has found the
 * settings of its servers. NULL with complaints: a place that cannot be, a device that lacks the arithmetic,
 * pools that no link joins, settings that exclude each other. */
struct service *service_new(struct arena *a, const struct world *w, const struct assignment *from,
			    struct diags *diags);
void service_free(struct service *s); /* NULL is fine */

/* The same service for another thread: it has tables of step times of its own, filled as it runs. Number 0 is the service
 * itself; others are made when first asked for, by one thread, and end with it. Those of a join have the tables of the twins of its
 * parts, which keep them. */
struct service *service_twin(struct service *s, size_t number);

size_t service_servers(const struct service *s);
const struct placement *service_placement(const struct service *s, size_t server);
enum serve_pool service_pool(const struct service *s, size_t server);
const struct serve_settings *service_settings(const struct service *s, size_t server);
int64_t
service_max_running(const struct serve_settings *set); /* requests that a server has in hand at most */
size_t service_tables(const struct service *s);        /* distinct tables of step times */

/* Does every server hold the weights and room for a cache? */
bool service_fits(const struct service *s);
/* Bytes on each machine: out has room for machines_n. */
void service_footprint(const struct service *s, struct footprint *out);

enum { SERVICE_FIRST_REQUESTS = 2000 };

struct service_ask {
	const struct params
		*z; /* deviates of a draw, one for each of program_sources(); NULL: as calibrated */
	uint64_t seed;
	int replications;         /* 0: as the workload says */
	int first;                /* the replication to begin with */
	const struct serve *load; /* NULL: the scenario's */
	/* Requests of each replication; 0: as the workload says. Where it does not say, the first run has
	 * SERVICE_FIRST_REQUESTS, and a run as calibrated that nobody watches is made twice as long until
	 * steady_stop() says that the bounds of the SLO are decided or their metrics are precise. */
	uint64_t requests;
	/* Only SERVICE_HOLDS is wanted: a replication ends as soon as it is certain to miss its SLO or to
	 * leave a request unanswered (judge.h), and then holds nothing. */
	bool verdict;
	bool each_iteration;
	size_t threads; /* that run replications at a time; 0 and 1: one. Results do not depend on it */
	const struct observer *watch; /* sees the first replication beside the metrics; may be NULL */
	const volatile int *stop;     /* ends the run soon after it becomes non-zero; may be NULL */
};

/* Numbers of a run; NAN where one does not apply. Times in seconds, rates per second, shares of one. */
enum service_value {
	SERVICE_HOLDS, /* share of replications in which every bound of the SLO holds and every request is answered, of a
			  class its own bounds and its requests; NAN without an SLO */
	SERVICE_REQUESTS_PER_S,
	SERVICE_OUTPUT_PER_S,
	SERVICE_GOODPUT, /* requests per second that meet every bound */
	SERVICE_TTFT_P50,
	SERVICE_TTFT_P95,
	SERVICE_TTFT_P99,
	SERVICE_TPOT_P50,
	SERVICE_TPOT_P95,
	SERVICE_ITL_P95,
	SERVICE_ITL_P99,
	SERVICE_E2EL_P95,
	SERVICE_QUEUE_P95,
	SERVICE_BATCH, /* running requests while busy */
	SERVICE_KV_SHARE,
	SERVICE_PREEMPTIONS, /* of a request */
	SERVICE_RECOMPUTED,  /* tokens read again after preemptions and failures, by prompt tokens */
	SERVICE_STALLED,     /* share of gaps between tokens above ten times their median */
	SERVICE_CACHED,      /* share of prompt tokens found in a prefix cache */
	SERVICE_REFUSED,     /* share of requests that were refused or cut short */
	SERVICE_GROWTH,      /* of the number in the system, requests per second */
	SERVICE_OFFERED,     /* what comes over what can be done, or was; NAN for a closed loop */
	/* means that say where the time goes */
	SERVICE_QUEUE_MEAN,
	SERVICE_PREFILL_MEAN,
	SERVICE_DECODE_MEAN, /* first token to last */
	SERVICE_TTFT_MEAN,
	SERVICE_VALUES
};

/* The value that a bound of the SLO is about; SERVICE_VALUES: a run has no such number. */
enum service_value service_value_of(enum slo_metric metric, enum slo_stat stat);

/* A bound of the SLO and what it is about, in seconds. */
struct service_slo {
	enum slo_metric metric;
	enum slo_stat stat;
	double value, bound;
};

struct service_summary {
	double of[SERVICE_VALUES];
	double half
		[SERVICE_VALUES]; /* 95 % confidence interval over replications: of[v] +- half[v]; INFINITY: not known */
	int replications;
	uint64_t requests;     /* requests in each replication; 0: as many as the trace or the time has */
	enum steady_stop stop; /* are the metrics that the SLO bounds precise or decided? */
	/* [replication * SERVICE_VALUES + value]: replications of one number have the same random streams in
	 * all assignments, so that their differences can be taken pair by pair. The service's, until its next
	 * run. */
	const double *each;
	/* Values of a class of the load and the half widths of their intervals, [class * SERVICE_VALUES + value]: those that
	 * are about requests, the others NAN. Of a load with classes alone, else NULL. The service's, until its next run. */
	const double *of_class, *half_of_class;
	/* The bound that is exceeded by most, or nearest to being so, in all replications; bound 0: no SLO. */
	struct service_slo tightest;
	bool overloaded; /* requests come faster than they can be served: latencies hang on the run's length */
	double span_s;   /* simulated time, all replications together */
	struct trace_skipped skipped; /* rows of the trace that are no requests */
	double tokens;                /* tokens generated in all replications */
	/* of the first replication: what is measured begins at the cut, and the run ends */
	int64_t first_cut_ns, first_end_ns;
	const double *busy_ns; /* busy time of each server in all replications; valid until the next run */
};

/* So many servers like the only one of each service, behind one router, as one service under the load and the
 * route of the first. It borrows their tables of step times: free it before them. NULL where one of them has
 * several servers. */
struct service_share {
	struct service *like;
	size_t count;  /* 0: none */
	double weight; /* of each for the router; 0: as one without */
};
struct service *service_join(struct arena *a, const struct service_share *parts, size_t n);

/* Ends a draw: tables of step times that others borrow are as calibrated again. */
void service_calibrated(struct service *s);

/* Runs the load. 0, or -1 with err where a trace is broken or the run was stopped. */
int service_run(struct service *s, const struct service_ask *ask, struct service_summary *out,
		struct err *err);

#endif
