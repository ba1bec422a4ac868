/*
 * evq.h - the future-event list, ordered by (time, class, seq).
 *
 * Layer des; includes base only; knows nothing of devices or models.
 * The order is total and never depends on an address: same input, same run.
 * Nearly 2^24 events may be pending at once, and 2^37 put in all (some hours of running): more is a BUG.
 */
#ifndef SIM_DES_EVQ_H
#define SIM_DES_EVQ_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int64_t sim_ns; /* simulated time, nanoseconds; reaches 292 years */

/* At one instant the lower class fires first: what ends frees its place before what arrives asks for it. */
enum ev_class { EV_FINISH, EV_ARRIVE, EV_START, EV_SAMPLE, EV_STOP, EV_CLASS_N };

struct event {
	sim_ns at_ns; /* >= 0 */
	enum ev_class class;
	uint64_t seq; /* set by evq_put(); breaks ties in the order put */
	void (*fire)(void *self, sim_ns now_ns);
	void *self; /* borrowed: must outlive the event */
};

struct evq; /* opaque */

struct evq *evq_new(void);    /* never NULL */
void evq_free(struct evq *q); /* NULL is fine */
/* Puts an event; the arguments are the members of struct event, its seq is the number of events put before. */
void evq_put(struct evq *q, sim_ns at_ns, enum ev_class class, void (*fire)(void *self, sim_ns now_ns),
	     void *self);
bool evq_take(struct evq *q, struct event *ev); /* the earliest; false when empty */
/* Takes the earliest, sets *now_ns to its time and fires it; false when empty. What it fires may put events. */
bool evq_fire(struct evq *q, sim_ns *now_ns);
uint64_t evq_taken(const struct evq *q); /* events taken or fired so far */
size_t evq_pending(const struct evq *q);

#endif
