/*
 * ladder.h - the events that are due later, in buckets of time without an order of their own: a ladder queue (Tang, Goh and
 * Thng, ACM TOMACS 15(3), 2005). What is due next lies in evq.c's heap, which orders it.
 *
 * Layer des, for evq.c. A rung divides an interval of time into buckets of equal width; a bucket that holds too many events is
 * divided by a rung of its own. Events beyond the first rung wait at the top until it has been used up. An event is in one
 * list, which is threaded through the events, so that it needs no memory beside its own. With many events each step along
 * a list waits for memory; therefore a few lists are walked side by side wherever lists are walked.
 */
#ifndef SIM_DES_LADDER_H
#define SIM_DES_LADDER_H
#include "sim/des/evq.h"

enum { EV_CLASS_BITS = 3, EV_SEQ_BITS = 37, EV_SLOT_BITS = 24 };
_Static_assert(EV_CLASS_BITS + EV_SEQ_BITS + EV_SLOT_BITS == 64, "the lower half of a key");
_Static_assert(EV_CLASS_N <= 1 << EV_CLASS_BITS, "every class has its bits");
#define EV_NONE (((uint32_t)1 << EV_SLOT_BITS) - 1)

struct ev_node {
	sim_ns at_ns;
	uint64_t rest; /* class and seq as in a key; the lowest bits name the next node of the list */
	void (*fire)(void *self, sim_ns now_ns);
	void *self;
};
_Static_assert(sizeof(void *) > 4 ? sizeof(struct ev_node) == 32 : 1, "an event takes 32 bytes");

/* Nodes by number, in segments that never move; unused ones are a list. */
enum { EV_SEGMENT_BITS = 9 };
struct ev_pool {
	struct ev_node **segments;
	size_t n, room;  /* segments */
	uint32_t unused; /* EV_NONE: all are used */
};

static inline struct ev_node *ev_node(const struct ev_pool *p, uint32_t slot)
{
	return &p->segments[slot >> EV_SEGMENT_BITS][slot & ((1u << EV_SEGMENT_BITS) - 1)];
}

static inline uint32_t ev_next(const struct ev_node *e)
{
	return (uint32_t)e->rest & EV_NONE;
}

static inline void ev_set_next(struct ev_node *e, uint32_t next)
{
	e->rest = (e->rest & ~(uint64_t)EV_NONE) | next;
}

/* Sets *to to the node behind slot in its list, which it fetches; false: there is none. */
static inline bool ev_follow(const struct ev_pool *p, uint32_t slot, uint32_t *to)
{
	const uint32_t next = ev_next(ev_node(p, slot));

	if (next == EV_NONE)
		return false;
	__builtin_prefetch(ev_node(p, next));
	*to = next;
	return true;
}

void ev_pool_grow(struct ev_pool *p);
void ev_pool_release(struct ev_pool *p);

enum { LADDER_RUNGS = 8, LADDER_LISTS = 8 };
struct rung {
	sim_ns start_ns, last_ns; /* of all its buckets */
	int shift;                /* a bucket is 2^shift ns wide */
	size_t n, at, room;       /* buckets; at: the first that has not been taken */
	uint32_t *buckets; /* the first node of each, and in the bits above how many there are, up to 255 */
};

struct ladder {
	struct rung rungs[LADDER_RUNGS]; /* the last divides a bucket of the one before it */
	size_t rungs_n;
	uint32_t top[LADDER_LISTS]; /* events after the first rung, in each list by turns */
	size_t top_n;
	sim_ns top_first_ns, top_least_ns, top_most_ns;
	double top_sum_ns; /* by how much they are due after the first that was put there */
};

/* Adds an event that is due later than all that ladder_take() has given. */
void ladder_put(struct ladder *l, const struct ev_pool *p, uint32_t slot);
/* Takes the events that are due up to *last_ns, as LADDER_LISTS lists at most, each of a bucket; those that are left are due
 * later. Returns the number of lists, 0: there are no events. */
size_t ladder_take(struct ladder *l, const struct ev_pool *p, uint32_t lists[LADDER_LISTS], sim_ns *last_ns);
void ladder_restart(struct ladder *l); /* an empty ladder: events may then be due at any time again */
void ladder_release(struct ladder *l);

#endif
