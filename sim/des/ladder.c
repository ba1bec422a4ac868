/* ladder.c - see ladder.h. */
#include "sim/des/ladder.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"

/*
 * Events of a bucket: as many as a rung is made for on average; the most that are not divided further, which are also as many as
 * the buckets that are taken together may have; and the most that are counted. SPREAD: the first rung reaches so many times as
 * far as the mean event of the top, hence beyond three quarters of them at least (Markov's inequality).
 *
 * Where events are put an exponential time ahead, the first buckets hold SPREAD times the mean and more, 16 to 32, and some
 * four of them are taken together.
 */
enum { BUCKET_MEAN = 4, BUCKET_MOST = 128, BUCKET_MANY = 255, SPREAD = 4, LINE_B = 64 };

static uint32_t first_of(uint32_t bucket)
{
	return bucket & EV_NONE;
}

static uint32_t count_of(uint32_t bucket)
{
	return bucket >> EV_SLOT_BITS;
}

/* ---- nodes ---- */

void ev_pool_grow(struct ev_pool *p)
{
	const uint32_t first = (uint32_t)(p->n << EV_SEGMENT_BITS), each = 1u << EV_SEGMENT_BITS;
	void *segment;

	if (first + each > EV_NONE)
		BUG("more than %u events pending", (unsigned)first);
	if (p->n == p->room) {
		p->room = p->room ? p->room * 2 : 8;
		p->segments = xrealloc(p->segments, p->room * sizeof(struct ev_node *));
	}
	if (posix_memalign(&segment, LINE_B, each * sizeof(struct ev_node)) != 0)
		BUG("out of memory");
	p->segments[p->n++] = segment;
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

	ev_set_next(e, first_of(*bucket));
	*bucket = slot | (count_of(*bucket) + (count_of(*bucket) < BUCKET_MANY)) << EV_SLOT_BITS;
}

static sim_ns last_of_bucket_ns(const struct rung *r, size_t bucket)
{
	const uint64_t last = (uint64_t)r->start_ns + ((uint64_t)(bucket + 1) << r->shift) - 1;

	return last < INT64_MAX ? (sim_ns)last : INT64_MAX;
}

/* Adds a rung without events for n of them from start_ns on, of which most are due up to last_ns. */
static struct rung *add_rung(struct ladder *l, size_t n, sim_ns start_ns, sim_ns last_ns)
{
	struct rung *r = &l->rungs[l->rungs_n++];
	const uint64_t span = (uint64_t)(last_ns - start_ns);

	r->start_ns = start_ns;
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
	return r;
}

static size_t length(const struct ev_pool *p, uint32_t list)
{
	size_t n = 0;

	for (; list != EV_NONE; list = ev_next(ev_node(p, list)))
		n++;
	return n;
}

/* ---- the ladder ---- */

static void put_in_top(struct ladder *l, const struct ev_pool *p, uint32_t slot)
{
	struct ev_node *e = ev_node(p, slot);
	uint32_t *list = &l->top[l->top_n % LADDER_LISTS];

	ev_set_next(e, l->top_n < LADDER_LISTS ? EV_NONE : *list);
	*list = slot;
	if (!l->top_n) {
		l->top_first_ns = l->top_least_ns = l->top_most_ns = e->at_ns;
		l->top_sum_ns = 0;
	}
	l->top_least_ns = l->top_least_ns < e->at_ns ? l->top_least_ns : e->at_ns;
	l->top_most_ns = l->top_most_ns > e->at_ns ? l->top_most_ns : e->at_ns;
	l->top_sum_ns += (double)(e->at_ns - l->top_first_ns);
	l->top_n++;
}

void ladder_put(struct ladder *l, const struct ev_pool *p, uint32_t slot)
{
	const sim_ns at_ns = ev_node(p, slot)->at_ns;

	for (size_t i = l->rungs_n; i-- > 0;)
		if (at_ns <= l->rungs[i].last_ns) {
			put_in_rung(&l->rungs[i], p, slot);
			return;
		}
	put_in_top(l, p, slot);
}

/* The end of a first rung: a few events that are due late do not widen the buckets of all. */
static sim_ns rung_last_ns(const struct ladder *l)
{
	const double span_ns = (double)(l->top_most_ns - l->top_least_ns),
		     mean_ns = l->top_sum_ns / (double)l->top_n - (double)(l->top_least_ns - l->top_first_ns);

	if (SPREAD * mean_ns >= span_ns)
		return l->top_most_ns;
	return l->top_least_ns + (mean_ns > 0 ? (sim_ns)(SPREAD * mean_ns) : 0);
}

/* A rung of the events at the top; what is due after it goes back there. */
static void begin_top(struct ladder *l, const struct ev_pool *p)
{
	uint32_t lists[LADDER_LISTS];
	size_t n = l->top_n < LADDER_LISTS ? l->top_n : LADDER_LISTS, left;

	memcpy(lists, l->top, sizeof lists);
	add_rung(l, l->top_n, l->top_least_ns, rung_last_ns(l));
	l->top_n = 0;
	for (; n; n = left) {
		left = 0;
		for (size_t i = 0; i < n; i++) {
			const uint32_t slot = lists[i];

			left += ev_follow(p, slot, &lists[left]);
			ladder_put(l, p, slot);
		}
	}
}

/* The buckets of r from r->at on that hold BUCKET_MOST events together, and at least the first that holds any. */
static size_t take_lists(struct rung *r, uint32_t *lists)
{
	uint32_t events = 0;
	size_t n = 0;

	while (r->at < r->n && n < LADDER_LISTS) {
		const uint32_t bucket = r->buckets[r->at];

		events += count_of(bucket);
		if (n && events > BUCKET_MOST)
			break;
		if (count_of(bucket))
			lists[n++] = first_of(bucket);
		r->at++;
	}
	return n;
}

/* The bucket before r->at has too many events: they get a rung of their own. */
static void divide(struct ladder *l, const struct ev_pool *p, uint32_t list)
{
	const struct rung *r = &l->rungs[l->rungs_n - 1];
	const sim_ns start_ns = r->start_ns + (sim_ns)((uint64_t)(r->at - 1) << r->shift);
	struct rung *parts = add_rung(l, length(p, list), start_ns, last_of_bucket_ns(r, r->at - 1));

	for (uint32_t next; list != EV_NONE; list = next) {
		next = ev_next(ev_node(p, list));
		put_in_rung(parts, p, list);
	}
}

size_t ladder_take(struct ladder *l, const struct ev_pool *p, uint32_t lists[LADDER_LISTS], sim_ns *last_ns)
{
	while (l->rungs_n || l->top_n) {
		struct rung *r;
		size_t n;

		if (!l->rungs_n)
			begin_top(l, p);
		r = &l->rungs[l->rungs_n - 1];
		n = take_lists(r, lists);
		if (!n)
			l->rungs_n--;
		else if (n == 1 && count_of(r->buckets[r->at - 1]) > BUCKET_MOST && r->shift &&
			 l->rungs_n < LADDER_RUNGS)
			divide(l, p, lists[0]);
		else {
			*last_ns = last_of_bucket_ns(r, r->at - 1);
			return n;
		}
	}
	return 0;
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
