/* queue.c - see queue.h. */
#include "sim/serve/queue.h"

#include <string.h>

static struct waiter *slot(const struct queue *q, size_t i)
{
	return &q->ring[(q->first + i) & (q->room - 1)];
}

/* A ring that is full is unrolled into one of twice the room. */
static void grow(struct queue *q)
{
	const size_t room = q->room ? 2 * q->room : 16;
	struct waiter *ring;

	if (q->n < q->room)
		return;
	ring = xmalloc(room * sizeof *ring);
	for (size_t i = 0; i < q->n; i++)
		ring[i] = *slot(q, i);
	free(q->ring);
	q->ring = ring;
	q->room = room;
	q->first = 0;
}

void queue_push(struct queue *q, const struct waiter *w)
{
	if (q->by_priority) {
		waiters_put(&q->heap, *w);
		return;
	}
	grow(q);
	q->n++;
	*slot(q, q->n - 1) = *w;
}

void queue_push_front(struct queue *q, const struct waiter *w)
{
	if (q->by_priority) {
		waiters_put(&q->heap, *w);
		return;
	}
	grow(q);
	q->first = (q->first - 1) & (q->room - 1);
	q->n++;
	*slot(q, 0) = *w;
}

struct waiter *queue_head(const struct queue *q)
{
	if (!queue_n(q))
		return NULL;
	return q->by_priority ? &q->heap.at[0] : slot(q, 0);
}

void queue_pop(struct queue *q)
{
	if (q->by_priority) {
		waiters_take(&q->heap);
		return;
	}
	q->first = (q->first + 1) & (q->room - 1);
	q->n--;
}

struct waiter *queue_at(const struct queue *q, size_t i)
{
	return q->by_priority ? &q->heap.at[i] : slot(q, i);
}

void queue_release(struct queue *q)
{
	waiters_release(&q->heap);
	free(q->ring);
	*q = (struct queue){.by_priority = q->by_priority};
}
