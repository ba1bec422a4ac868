/*
 * bench_queues.h - minimal event lists to hold the program's own against: a 4-ary heap and a ladder of 128-bit keys (time, seq),
 * with nothing to fire and no check.
 */
#ifndef TESTS_BENCH_QUEUES_H
#define TESTS_BENCH_QUEUES_H
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"

__extension__ typedef unsigned __int128 key128;

struct heap4 {
	key128 *keys;
	size_t n;
	uint64_t seq;
};

static inline void heap4_rise(struct heap4 *h, key128 key)
{
	size_t at = h->n++;

	for (; at && key < h->keys[(at - 1) / 4]; at = (at - 1) / 4)
		h->keys[at] = h->keys[(at - 1) / 4];
	h->keys[at] = key;
}

static inline void heap4_put(struct heap4 *h, int64_t at_ns)
{
	heap4_rise(h, (key128)(uint64_t)at_ns << 64 | h->seq++);
}

static inline key128 heap4_take_key(struct heap4 *h)
{
	const key128 first = h->keys[0], last = h->keys[--h->n];
	size_t at = 0;

	for (size_t child; (child = 4 * at + 1) < h->n;) {
		size_t least = child;

		for (size_t i = child + 1; i < child + 4 && i < h->n; i++)
			least = h->keys[i] < h->keys[least] ? i : least;
		if (last <= h->keys[least])
			break;
		h->keys[at] = h->keys[least];
		at = least;
	}
	h->keys[at] = last;
	return first;
}

static inline int64_t heap4_take(struct heap4 *h)
{
	return (int64_t)(uint64_t)(heap4_take_key(h) >> 64);
}

/* One rung: keys after it wait in `top`, a bucket goes into a heap when its turn comes. */
enum { LADDER_BUCKET = 8 };

struct bucket {
	key128 *at;
	size_t n, room;
};

struct ladder1 {
	struct heap4 near;
	struct bucket top, *rung;
	size_t n, at;
	int64_t start_ns, width_ns, end_ns; /* end: of the buckets that have been taken */
	uint64_t seq;
};

static inline void bucket_add(struct bucket *b, key128 key)
{
	if (b->n == b->room) {
		b->room = b->room ? 2 * b->room : 8;
		b->at = xrealloc(b->at, b->room * sizeof *b->at);
	}
	b->at[b->n++] = key;
}

static inline void ladder1_add(struct ladder1 *l, key128 key)
{
	const int64_t at_ns = (int64_t)(uint64_t)(key >> 64);
	const size_t i = at_ns < l->start_ns ? 0 : (size_t)((at_ns - l->start_ns) / l->width_ns);

	if (at_ns < l->end_ns)
		heap4_rise(&l->near, key);
	else
		bucket_add(i < l->n ? &l->rung[i] : &l->top, key);
}

static inline void ladder1_put(struct ladder1 *l, int64_t at_ns)
{
	ladder1_add(l, (key128)(uint64_t)at_ns << 64 | l->seq++);
}

static inline void ladder1_begin_rung(struct ladder1 *l)
{
	const struct bucket all = l->top;
	uint64_t least = UINT64_MAX, most = 0;

	for (size_t i = 0; i < all.n; i++) {
		const uint64_t at = (uint64_t)(all.at[i] >> 64);

		least = at < least ? at : least;
		most = at > most ? at : most;
	}
	for (size_t i = 0; i < l->n; i++)
		free(l->rung[i].at);
	free(l->rung);
	l->n = all.n / LADDER_BUCKET + 1;
	l->rung = xcalloc(l->n, sizeof *l->rung);
	l->at = 0;
	l->start_ns = l->end_ns = (int64_t)least;
	l->width_ns = (int64_t)((most - least) / l->n) + 1;
	memset(&l->top, 0, sizeof l->top);
	for (size_t i = 0; i < all.n; i++)
		ladder1_add(l, all.at[i]);
	free(all.at);
}

/* near.keys has room for all. */
static inline int64_t ladder1_take(struct ladder1 *l)
{
	while (!l->near.n) {
		if (l->at == l->n)
			ladder1_begin_rung(l);
		for (size_t i = 0; i < l->rung[l->at].n; i++)
			heap4_rise(&l->near, l->rung[l->at].at[i]);
		l->rung[l->at].n = 0;
		l->end_ns = l->start_ns + (int64_t)++l->at * l->width_ns;
	}
	return heap4_take(&l->near);
}

static inline void ladder1_release(struct ladder1 *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->rung[i].at);
	free(l->rung);
	free(l->top.at);
	free(l->near.keys);
}

#endif
