/* waiting.c - see waiting.h. */
#include "sim/serve/waiting.h"

#include <string.h>

static struct waiter *slot(const struct waiting *q, size_t i)
{
	return &q->ring[(q->first + i) & (q->room - 1)];
}

/* A ring that is full is unrolled into one of twice the room. */
static void grow(struct waiting *q)
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

void waiting_push(struct waiting *q, const struct waiter *w)
{
	if (q->by_priority) {
		waiters_put(&q->heap, *w);
		return;
	}
	grow(q);
	q->n++;
	*slot(q, q->n - 1) = *w;
}

void waiting_push_front(struct waiting *q, const struct waiter *w)
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

struct waiter *waiting_head(const struct waiting *q)
{
	if (!waiting_n(q))
		return NULL;
	return q->by_priority ? &q->heap.at[0] : slot(q, 0);
}

void waiting_pop(struct waiting *q)
{
	if (q->by_priority) {
		waiters_take(&q->heap);
		return;
	}
	q->first = (q->first + 1) & (q->room - 1);
	q->n--;
}

void waiting_release(struct waiting *q)
{
	waiters_release(&q->heap);
	free(q->ring);
	*q = (struct waiting){.by_priority = q->by_priority};
}
