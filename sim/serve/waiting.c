/* waiting.c - see waiting.h. */
#include "sim/serve/waiting.h"

#include <stdlib.h>

static struct waiting_chunk *take_chunk(struct waiting *q)
{
	struct waiting_chunk *c = q->spare ? q->spare : xmalloc(sizeof *c);

	q->spare = NULL;
	c->next = NULL;
	return c;
}

static void give_chunk(struct waiting *q, struct waiting_chunk *c)
{
	if (q->spare)
		free(c);
	else
		q->spare = c;
}

static struct waiter *add_last(struct waiting *q)
{
	if (!q->n || q->end == WAITING_CHUNK) {
		struct waiting_chunk *c = take_chunk(q);

		*(q->n ? &q->tail->next : &q->head) = c;
		q->tail = c;
		q->end = 0;
		q->first = q->n ? q->first : 0;
	}
	q->n++;
	return &q->tail->at[q->end++];
}

static struct waiter *add_first(struct waiting *q)
{
	if (!q->n)
		return add_last(q);
	if (!q->first) {
		struct waiting_chunk *c = take_chunk(q);

		c->next = q->head;
		q->head = c;
		q->first = WAITING_CHUNK;
	}
	q->n++;
	return &q->head->at[--q->first];
}

void waiting_push(struct waiting *q, const struct waiter *w)
{
	if (q->by_priority) {
		waiters_put(&q->heap, *w);
		return;
	}
	*add_last(q) = *w;
}

void waiting_push_front(struct waiting *q, const struct waiter *w)
{
	if (q->by_priority) {
		waiters_put(&q->heap, *w);
		return;
	}
	*add_first(q) = *w;
}

struct waiter *waiting_head(const struct waiting *q)
{
	if (!waiting_n(q))
		return NULL;
	return q->by_priority ? &q->heap.at[0] : &q->head->at[q->first];
}

void waiting_pop(struct waiting *q)
{
	struct waiting_chunk *c = q->head;

	if (q->by_priority) {
		waiters_take(&q->heap);
		return;
	}
	q->n--;
	if (++q->first < WAITING_CHUNK && q->n)
		return;
	q->head = c->next;
	q->first = 0;
	give_chunk(q, c);
}

void waiting_copy(const struct waiting *q, struct waiter *at)
{
	const struct waiting_chunk *c = q->head;

	for (size_t i = 0, k = q->first; i < q->n; i++, k++) {
		if (k == WAITING_CHUNK) {
			c = c->next;
			k = 0;
		}
		at[i] = c->at[k];
	}
}

void waiting_reorder(struct waiting *q, const struct waiter *at)
{
	struct waiting_chunk *c = q->head;

	for (size_t i = 0, k = q->first; i < q->n; i++, k++) {
		if (k == WAITING_CHUNK) {
			c = c->next;
			k = 0;
		}
		c->at[k] = at[i];
	}
}

void waiting_release(struct waiting *q)
{
	waiters_release(&q->heap);
	for (struct waiting_chunk *c = q->head, *next; q->n && c; c = next) {
		next = c->next;
		free(c);
	}
	free(q->spare);
	*q = (struct waiting){.by_priority = q->by_priority};
}
