/*
 * queue.h - requests that wait for a seat: first come first served with a way to the front, or by priority.
 *
 * Layer serve. One that has just come is kept as it is; it is given a sequence when it reaches the head.
 */
#ifndef SIM_SERVE_QUEUE_H
#define SIM_SERVE_QUEUE_H
#include "sim/base/heap.h"
#include "sim/serve/seq.h"

struct waiter {
	struct request r;
	int64_t queued_ns;
	uint32_t seq; /* SEQ_NONE: just come */
};

/* As vLLM's PriorityRequestQueue: (priority, arrival, id); vllm/v1/core/sched/request_queue.py. */
static inline bool waiter_before(const void *ctx, const struct waiter *a, const struct waiter *b)
{
	(void)ctx;
	if (a->r.priority != b->r.priority)
		return a->r.priority < b->r.priority;
	return a->r.arrive_ns != b->r.arrive_ns ? a->r.arrive_ns < b->r.arrive_ns : a->r.id < b->r.id;
}
HEAP_DEFINE(waiters, struct waiter, waiter_before, HEAP_UNTRACKED);

struct queue {
	bool by_priority;
	struct waiters heap;
	struct waiter *ring; /* room is a power of two */
	size_t first, n, room;
};

static inline size_t queue_n(const struct queue *q)
{
	return q->by_priority ? q->heap.n : q->n;
}
void queue_push(struct queue *q, const struct waiter *w);
void queue_push_front(struct queue *q, const struct waiter *w); /* by priority: no other than queue_push() */
struct waiter *queue_head(const struct queue *q);               /* NULL when empty; its seq may be set */
void queue_pop(struct queue *q);
struct waiter *queue_at(const struct queue *q, size_t i); /* in no particular order where by priority */
void queue_release(struct queue *q);

#endif
