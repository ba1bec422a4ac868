/*
 * served.h - a load while it is served, told piece by piece: iterations, states of servers, requests.
 *
 * Layer predict. For pictures and traces, which show one run: the first replication, as calibrated. Nothing
 * is kept, so that a run may be as long as it likes; jumps and single iterations are told alike. Times are
 * nanoseconds since the start of the run.
 */
#ifndef SIM_PREDICT_SERVED_H
#define SIM_PREDICT_SERVED_H
#include "sim/des/evq.h"
#include "sim/place/place.h"

struct service;

struct served_server {
	const char *name;    /* "m4pro", "replica 2" */
	const char *sub;     /* "llama.cpp, 4 slots" */
	int64_t max_running; /* requests that run at once */
	int64_t kv_blocks;   /* 0: no bound */
};

/* Iterations that follow one another and are alike: in each of them `decodes` requests get a token. */
struct served_pass {
	size_t server;
	sim_ns from_ns, to_ns;
	int64_t iterations, decodes;
	int64_t read; /* tokens of prompts, in all of them */
};

struct served_state { /* held from from_ns to to_ns; states of one server follow one another */
	size_t server;
	sim_ns from_ns, to_ns;
	int64_t waiting, running;
	int64_t kv_blocks; /* at from_ns */
	double kv_mean;    /* blocks, over the time */
};

struct served_request { /* a time that never came is -1 */
	uint64_t id;
	const char *class_name, *end; /* "done", "refused" */
	size_t server;                /* the one that gave the answer */
	int64_t prompt, tokens, cached, recomputed, preemptions;
	sim_ns arrive_ns, admitted_ns, first_ns, last_ns, end_ns;
	sim_ns sent_ns, moved_ns; /* its KV cache's transfer to another server */
};

/* Listeners; each may be NULL. What is told is borrowed for the call. */
struct served_to {
	void (*pass)(void *self, const struct served_pass *p);
	void (*state)(void *self, const struct served_state *s);
	void (*request)(void *self, const struct served_request *r); /* as it leaves */
	void *self;
};

struct served {
	const struct placement *at;
	const struct served_server *servers;
	size_t servers_n;
	const char *load;      /* "0.12 req/s, 500 requests" */
	sim_ns cut_ns, end_ns; /* the measurement begins at the cut; the end of the run */
	bool overloaded;
	double ttft_p95_s, tpot_p95_s; /* NAN where unknown, or a property of the run's length */
	bool each_iteration; /* served_tell() takes iterations one by one; of each server it tells the same */
	struct service *service; /* private, as what follows */
	uint64_t seed;
	const volatile int *stop;
};

/* Builds the servers of an assignment, and serves the load once to find where what is measured begins. In the
 * arena, but for what served_release() gives back, whatever is returned. 0, or -1 with err: it does not fit, a
 * trace is broken, *stop became non-zero. stop may be NULL. */
int served_make(struct arena *a, const struct placement *at, const volatile int *stop, struct served *s,
		struct err *err);
void served_release(struct served *s);

/* Serves it again, before the listeners: what touches the time from from_ns to to_ns, with passes and states
 * cut to it. Passes of one server do not overlap and come in order. */
int served_tell(const struct served *s, sim_ns from_ns, sim_ns to_ns, const struct served_to *to,
		struct err *err);

#endif
