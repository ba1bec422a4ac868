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
#include "sim/base/winners.h"
#include "sim/serve/replica.h"

enum event_class { CLASS_TIMER, CLASS_ARRIVE, CLASS_STEP, CLASS_START };

struct timer {
	int64_t at_ns;
	uint64_t number; /* in the order in which they were set */
	void (*fire)(struct serve_run_state *run, uint64_t what, int64_t now_ns);
	uint64_t what;
};

static inline bool timer_before(const void *ctx, const struct timer *a, const struct timer *b)
{
	(void)ctx;
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->number < b->number;
}
HEAP_DEFINE(timers, struct timer, timer_before, HEAP_UNTRACKED);

/* When a server's iteration ends or starts. */
struct happening {
	int64_t at_ns;  /* INT64_MAX: never */
	uint64_t order; /* of those of one instant: the class, then the server's number */
};
#define NO_SERVER UINT32_MAX
enum { ORDER_BITS = 32 };
#define HAPPENING_CLASS(e)  ((enum event_class)((e)->order >> ORDER_BITS))
#define HAPPENING_SERVER(e) ((uint32_t)(e)->order)

__extension__ typedef unsigned __int128 wide_key;

static inline bool happens_before(const struct happening *a, const struct happening *b)
{
	return ((wide_key)a->at_ns << 64 | a->order) < ((wide_key)b->at_ns << 64 | b->order);
}
WINNERS_DEFINE(soonest, struct happening, happens_before);

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
	struct soonest servers;   /* of each the event that is due */
	/* the server whose event this is, until its next one is known: `servers` has the old one; or NO_SERVER */
	uint32_t in_hand;
	struct timers timers;
	uint64_t timers_set;
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
