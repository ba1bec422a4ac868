/*
 * run.h - what a run holds: events, servers, the load and its watchers. For the files of this room.
 *
 * Layer serve. At one instant transfers end and machines fail before requests arrive, requests arrive before
 * iterations end, and iterations end before new ones start: who is there at the start of an iteration is in
 * it.
 */
#ifndef SIM_SERVE_RUN_H
#define SIM_SERVE_RUN_H
#include "sim/base/heap.h"
#include "sim/serve/replica.h"

enum event_class { CLASS_TIMER, CLASS_ARRIVE, CLASS_STEP, CLASS_START };

struct timer {
	void (*fire)(struct serve_run_state *run, uint64_t what, int64_t now_ns);
	uint64_t what;
};

struct happening {
	int64_t at_ns;
	/* class : 3, then the number of the server whose iteration ends or starts, or the timer's place in the
	 * order they were set */
	uint64_t order;
	struct timer timer; /* set if the event is a timer */
};

static inline bool happening_before(const void *ctx, const struct happening *a, const struct happening *b)
{
	(void)ctx;
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

enum { ORDER_BITS = 61 };
#define HAPPENING_CLASS(e)  ((enum event_class)((e)->order >> ORDER_BITS))
#define HAPPENING_SERVER(e) ((uint32_t)(e)->order) /* of an event that is no timer */
#define NOT_PENDING         SIZE_MAX

static inline void happening_moved(void *ctx, const struct happening *e, size_t at)
{
	if (HAPPENING_CLASS(e) != CLASS_TIMER)
		((size_t *)ctx)[HAPPENING_SERVER(e)] = at;
}
HEAP_DEFINE(happenings, struct happening, happening_before, happening_moved);

struct router;
struct transfers;
struct wires;

struct serve_run_state {
	const struct serve_config *config;
	const struct request_source *source;
	const struct observer *observer;
	struct serve_result *result;
	struct slab *slab;
	struct replica *replicas;
	struct tandem *pipelines; /* by number, from 1 */
	struct happenings events; /* ctx: pending[] */
	size_t *pending;          /* for each server the index of its event, or NOT_PENDING */
	uint64_t timers;
	struct router *router;
	struct transfers *transfers; /* NULL without pools */
	struct wires *wires;         /* likewise */
	int64_t in_system;           /* requests */
	bool composing;              /* a server is about to begin an iteration */
	bool ended;                  /* a request has ended since this was last cleared */
};

/* The server's event: the end of its plan, or the start of a new one; replaces the one that is pending. */
void run_schedule(struct serve_run_state *run, uint32_t server, enum event_class class, int64_t at_ns);
void run_cancel(struct serve_run_state *run, uint32_t server);
void run_timer(struct serve_run_state *run, int64_t at_ns,
	       void (*fire)(struct serve_run_state *, uint64_t, int64_t), uint64_t what);
/* A sequence leaves the system: the observer and the source are told and its number is free. */
void run_ended(struct serve_run_state *run, uint32_t seq, enum request_end end, int64_t at_ns);
void run_tell_end(
	struct serve_run_state *run, uint32_t seq, enum request_end end,
	int64_t at_ns); /* likewise, but the number stays taken; its prefix is not the request's any more */
void run_gap(const struct serve_run_state *run, struct clock last, struct clock end);

#endif
