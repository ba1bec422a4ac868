/* ladder.c - see ladder.h. */
#include "sim/des/ladder.h"

#include <stdlib.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"

/* Events of a bucket: as many as a rung is made for on average, and the most that are not divided further. */
enum { BUCKET_MEAN = 16, BUCKET_MOST = 128 };

/* ---- nodes ---- */

void ev_pool_grow(struct ev_pool *p)
{
	const uint32_t first = (uint32_t)(p->n << EV_SEGMENT_BITS), each = 1u << EV_SEGMENT_BITS;

	if (first + each > EV_NONE)
		BUG("more than %u events pending", (unsigned)first);
	if (p->n == p->room) {
		p->room = p->room ? p->room * 2 : 8;
		p->segments = xrealloc(p->segments, p->room * sizeof(struct ev_node *));
	}
	p->segments[p->n++] = xmalloc(each * sizeof(struct ev_node));
	for (uint32_t slot = first + each; slot-- > first;) {
		ev_node(p, slot)->rest = p->unused;
		p->unused = slot;
	}
}

void ev_pool_release(struct ev_pool *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->segments[i]);
	free(p->segments);
}

/* ---- rungs ---- */

static void put_in_rung(struct rung *r, const struct ev_pool *p, uint32_t slot)
{
	struct ev_node *e = ev_node(p, slot);
	uint32_t *bucket = &r->buckets[(uint64_t)(e->at_ns - r->start_ns) >> r->shift];

	ev_set_next(e, *bucket);
	*bucket = slot;
}

static sim_ns last_of_bucket_ns(const struct rung *r, size_t bucket)
{
	const uint64_t last = (uint64_t)r->start_ns + ((uint64_t)(bucket + 1) << r->shift) - 1;

	return last < INT64_MAX ? (sim_ns)last : INT64_MAX;
}

/* Adds a rung for a list of n events from start_ns on, of which the last may be due at last_ns. */
static void add_rung(struct ladder *l, const struct ev_pool *p, uint32_t list, size_t n,
		     const sim_ns start_last_ns[2])
{
	struct rung *r = &l->rungs[l->rungs_n++];
	const uint64_t span = (uint64_t)(start_last_ns[1] - start_last_ns[0]);

	r->start_ns = start_last_ns[0];
	for (r->shift = 0; span >> r->shift >= n / BUCKET_MEAN + 1; r->shift++)
		;
	r->n = (size_t)(span >> r->shift) + 1;
	r->at = 0;
	r->last_ns = last_of_bucket_ns(r, r->n - 1);
	if (r->n > r->room) {
		r->room = r->n;
		r->buckets = xrealloc(r->buckets, r->room * sizeof *r->buckets);
	}
	for (size_t i = 0; i < r->n; i++)
		r->buckets[i] = EV_NONE;
	for (uint32_t next; list != EV_NONE; list = next) {
		next = ev_next(ev_node(p, list));
		put_in_rung(r, p, list);
	}
}

static size_t length(const struct ev_pool *p, uint32_t list)
{
	size_t n = 0;

	for (; list != EV_NONE; list = ev_next(ev_node(p, list)))
		n++;
	return n;
}

/* ---- the ladder ---- */

void ladder_put(struct ladder *l, const struct ev_pool *p, uint32_t slot)
{
	struct ev_node *e = ev_node(p, slot);

	for (size_t i = l->rungs_n; i-- > 0;)
		if (e->at_ns <= l->rungs[i].last_ns) {
			put_in_rung(&l->rungs[i], p, slot);
			return;
		}
	ev_set_next(e, l->top_n ? l->top : EV_NONE);
	l->top = slot;
	l->top_least_ns = l->top_n && l->top_least_ns < e->at_ns ? l->top_least_ns : e->at_ns;
	l->top_most_ns = l->top_n && l->top_most_ns > e->at_ns ? l->top_most_ns : e->at_ns;
	l->top_n++;
}

static void begin_top(struct ladder *l, const struct ev_pool *p)
{
	const size_t n = l->top_n;

	l->top_n = 0;
	add_rung(l, p, l->top, n, (const sim_ns[]){l->top_least_ns, l->top_most_ns});
}

uint32_t ladder_take(struct ladder *l, const struct ev_pool *p, sim_ns *last_ns)
{
	while (l->rungs_n || l->top_n) {
		struct rung *r;
		uint32_t list;
		size_t n;

		if (!l->rungs_n)
			begin_top(l, p);
		r = &l->rungs[l->rungs_n - 1];
		while (r->at < r->n && r->buckets[r->at] == EV_NONE)
			r->at++;
		if (r->at == r->n) {
			l->rungs_n--;
			continue;
		}
		list = r->buckets[r->at++];
		*last_ns = last_of_bucket_ns(r, r->at - 1);
		n = length(p, list);
		if (n <= BUCKET_MOST || !r->shift || l->rungs_n == LADDER_RUNGS)
			return list;
		add_rung(l, p, list, n,
			 (const sim_ns[]){r->start_ns + (sim_ns)((uint64_t)(r->at - 1) << r->shift),
					  *last_ns});
	}
	return EV_NONE;
}

void ladder_restart(struct ladder *l)
{
	l->rungs_n = 0;
}

void ladder_release(struct ladder *l)
{
	for (size_t i = 0; i < LADDER_RUNGS; i++)
		free(l->rungs[i].buckets);
}
