/*
 * waiting.h - requests that wait to be admitted: first come first served with a way to the front, or by priority.
 *
 * Layer serve. One that has just come is kept as it is; it is given a sequence when it reaches the head.
 */
#ifndef SIM_SERVE_WAITING_H
#define SIM_SERVE_WAITING_H
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

/* The queue lies in chunks, linked from head to tail. One that is empty is kept for the next. */
enum { WAITING_CHUNK = 100 };
struct waiting_chunk {
	struct waiting_chunk *next;
	struct waiter at[WAITING_CHUNK];
};

struct waiting {
	bool by_priority;
	struct waiters heap;
	struct waiting_chunk *head, *tail, *spare;
	size_t first, end,
		n; /* the head's index in its chunk; one past the last one's index in the tail chunk */
};

static inline size_t waiting_n(const struct waiting *q)
{
	return q->by_priority ? q->heap.n : q->n;
}
void waiting_push(struct waiting *q, const struct waiter *w);
void waiting_push_front(struct waiting *q,
			const struct waiter *w);      /* by priority: no other than waiting_push() */
struct waiter *waiting_head(const struct waiting *q); /* NULL when empty; its seq may be set */
void waiting_pop(struct waiting *q);
void waiting_release(struct waiting *q);
/* The requests of a queue that is not by priority, in its order, copied to or from at[waiting_n()]. */
void waiting_copy(const struct waiting *q, struct waiter *at);
void waiting_reorder(struct waiting *q, const struct waiter *at);

#endif
