/*
 * evq.c - a 4-ary implicit heap of 128-bit keys for what is due next, before a ladder for what is due later; see evq.h.
 *
 * A key is time, class and seq in one integer, so that one compare, which compiles to no branch, decides the
 * whole order: with a branch on time and then on seq the heap spends most of its time mispredicting. Four
 * keys fill a cache line, and siblings share one. What the event does lies apart, in a node that never moves;
 * the lowest bits of its key name the node, behind all that orders.
 *
 * Taking an event leaves a hole at the root, and the put that commonly follows drops into it: one walk down
 * the heap for the pair instead of one down and one up.
 *
 * All events are in the heap until there are NEAR_MOST; then the later ones are in the ladder (ladder.h), from which the heap
 * is filled with the next buckets whenever it is empty. The order is that of the keys in either case.
 */
#include "sim/des/evq.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/des/ladder.h"

__extension__ typedef unsigned __int128 evkey; /* time : 64, class : 3, seq : 37, slot : 24 */

/* Events in the heap from which on there is a ladder, if they are not due at one time; and left in a ladder below which there
 * is none. */
enum { NEAR_MOST = 8192, LADDER_LEAST = 1024 };

/* FRONT keys before the root put siblings on one line; BACK keys may be compared or fetched beyond the last
 */
enum { WAYS = 4, FRONT = WAYS - 1, BACK = WAYS * WAYS, ROOM_LEAST = 64, LINE_B = 64 };

/* Behind every real key: four siblings can be compared without asking how many there are. */
#define KEY_LAST (~(evkey)0)

/* Out of line, so that the way that is taken each time saves no registers for it. */
#define RARE __attribute__((noinline))

struct evq {
	evkey *keys;    /* keys[0] is the root */
	size_t n, room; /* keys[n .. room + BACK - 1] are KEY_LAST */
	bool hole;      /* keys[0] is taken and nothing is in its place yet */
	/* what is due up to then is in the heap, what is due later in the ladder; INT64_MAX: there is no ladder */
	sim_ns near_last_ns;
	struct ev_pool pool;
	struct ladder later;
	size_t later_n, near_most; /* near_most: a heap of so many becomes a ladder */
	uint64_t seq;
};

static evkey *new_keys(size_t room)
{
	void *p;

	if (posix_memalign(&p, LINE_B, (FRONT + room + BACK) * sizeof(evkey)) != 0)
		BUG("out of memory");
	return (evkey *)p + FRONT;
}

static RARE void grow(struct evq *q)
{
	const size_t room = q->room ? q->room * 2 : ROOM_LEAST;
	evkey *keys = new_keys(room);

	if (q->room) {
		memcpy(keys, q->keys, q->n * sizeof *keys);
		free(q->keys - FRONT);
	}
	for (size_t i = q->n; i < room + BACK; i++)
		keys[i] = KEY_LAST;
	q->keys = keys;
	q->room = room;
}

struct evq *evq_new(void)
{
	struct evq *q = xcalloc(1, sizeof *q);

	q->near_last_ns = INT64_MAX;
	q->near_most = NEAR_MOST;
	q->pool.unused = EV_NONE;
	grow(q);
	return q;
}

void evq_free(struct evq *q)
{
	if (!q)
		return;
	free(q->keys - FRONT);
	ev_pool_release(&q->pool);
	ladder_release(&q->later);
	free(q);
}

/* b where take_b, else a; of a ternary the compiler might make a branch. */
static size_t pick(size_t a, size_t b, bool take_b)
{
	return a ^ ((a ^ b) & -(size_t)take_b);
}

static evkey pick_key(evkey a, evkey b, bool take_b)
{
	const uint64_t mask = -(uint64_t)take_b, high = (uint64_t)(a >> 64), low = (uint64_t)a;

	return (evkey)(high ^ ((high ^ (uint64_t)(b >> 64)) & mask)) << 64 |
	       (low ^ ((low ^ (uint64_t)b) & mask));
}

/* The least of the four siblings from first on. */
static inline size_t least(const evkey *keys, size_t first)
{
	const bool in_a = keys[first + 1] < keys[first], in_b = keys[first + 3] < keys[first + 2];
	const evkey a = pick_key(keys[first], keys[first + 1], in_a);
	const evkey b = pick_key(keys[first + 2], keys[first + 3], in_b);

	return pick(first + in_a, first + 2 + in_b, b < a);
}

/* Fetches the grandchildren while the children are compared. A macro: a function gcc would find without effect and drop. */
#define PREFETCH_CHILDREN(keys, first)                                                                       \
	do {                                                                                                 \
		const char *line = (const char *)&(keys)[WAYS * (first) + 1];                                \
                                                                                                             \
		__builtin_prefetch(line);                                                                    \
		__builtin_prefetch(line + LINE_B);                                                           \
		__builtin_prefetch(line + 2 * LINE_B);                                                       \
		__builtin_prefetch(line + 3 * LINE_B);                                                       \
	} while (0)

/* The last group of siblings may have fewer than four, which have no children. */
static size_t sink_last(evkey *keys, size_t at, size_t first, size_t n, evkey key)
{
	size_t child = first;

	if (first >= n)
		return at;
	for (size_t i = first + 1; i < n; i++)
		child = keys[i] < keys[child] ? i : child;
	if (key < keys[child])
		return at;
	keys[at] = keys[child];
	return child;
}

/* The hole at the root goes down until key may fill it; smaller children move up. */
static void sink(struct evq *q, evkey key)
{
	evkey *const keys = q->keys;
	const size_t n = q->n;
	size_t at = 0, first = 1;

	for (; first + FRONT < n; first = WAYS * at + 1) {
		size_t child;

		if (WAYS * first + 1 < n)
			PREFETCH_CHILDREN(keys, first);
		child = least(keys, first);
		if (key < keys[child]) {
			keys[at] = key;
			return;
		}
		keys[at] = keys[child];
		at = child;
	}
	keys[sink_last(keys, at, first, n, key)] = key;
}

static void rise(evkey *keys, size_t at, evkey key)
{
	while (at && key < keys[(at - 1) / WAYS]) {
		keys[at] = keys[(at - 1) / WAYS];
		at = (at - 1) / WAYS;
	}
	keys[at] = key;
}

/* No put came for the hole: the last key fills it. */
static RARE void fill_hole(struct evq *q)
{
	const size_t last = --q->n;
	const evkey key = q->keys[last];

	q->hole = false;
	q->keys[last] = KEY_LAST;
	if (last)
		sink(q, key);
}

/* ---- the heap and the ladder ---- */

static inline uint32_t slot_of(evkey key)
{
	return (uint32_t)key & EV_NONE;
}

static evkey key_of(const struct ev_node *e, uint32_t slot)
{
	return (evkey)(uint64_t)e->at_ns << 64 | (e->rest & ~(uint64_t)EV_NONE) | slot;
}

static inline void add_near(struct evq *q, evkey key)
{
	if (q->n == q->room)
		grow(q);
	rise(q->keys, q->n++, key);
}

static RARE void put_later(struct evq *q, uint32_t slot)
{
	ladder_put(&q->later, &q->pool, slot);
	q->later_n++;
}

/* All that is in the heap goes into the ladder. */
static RARE void begin_ladder(struct evq *q)
{
	if (q->hole)
		fill_hole(q);
	for (size_t i = 0; i < q->n; i++) {
		put_later(q, slot_of(q->keys[i]));
		q->keys[i] = KEY_LAST;
	}
	q->n = 0;
	q->near_last_ns = -1;
}

static void take_buckets(struct evq *q)
{
	uint32_t lists[LADDER_LISTS];
	size_t n = ladder_take(&q->later, &q->pool, lists, &q->near_last_ns), left;

	for (size_t i = 0; i < n; i++)
		__builtin_prefetch(ev_node(&q->pool, lists[i]));
	for (; n; n = left) {
		left = 0;
		for (size_t i = 0; i < n; i++) {
			const uint32_t slot = lists[i];

			left += ev_follow(&q->pool, slot, &lists[left]);
			add_near(q, key_of(ev_node(&q->pool, slot), slot));
			q->later_n--;
		}
	}
}

/* The heap is empty: it gets what is due next. A ladder of few events ends; many that are due at one time stay in the heap. */
static RARE bool refill(struct evq *q)
{
	if (!q->later_n)
		return false;
	take_buckets(q);
	while (q->later_n && q->later_n < LADDER_LEAST)
		take_buckets(q);
	if (q->later_n)
		return true;
	ladder_restart(&q->later);
	q->near_last_ns = INT64_MAX;
	q->near_most = 2 * q->n > NEAR_MOST ? 2 * q->n : NEAR_MOST;
	return true;
}

/* The heap has grown: it becomes a ladder where it has too many. A key that falls into a hole adds none. */
static RARE void put_more(struct evq *q, evkey key)
{
	add_near(q, key);
	if (q->n >= q->near_most && !q->later_n)
		begin_ladder(q);
}

static RARE void grow_and_put(struct evq *q, sim_ns at_ns, enum ev_class class,
			      void (*fire)(void *self, sim_ns now_ns), void *self)
{
	ev_pool_grow(&q->pool);
	evq_put(q, at_ns, class, fire, self);
}

void evq_put(struct evq *q, sim_ns at_ns, enum ev_class class, void (*fire)(void *self, sim_ns now_ns),
	     void *self)
{
	const uint64_t seq = q->seq;
	const uint64_t rest = (uint64_t) class << (EV_SEQ_BITS + EV_SLOT_BITS) | seq << EV_SLOT_BITS;
	const uint32_t slot = q->pool.unused;
	const evkey key = (evkey)(uint64_t)at_ns << 64 | rest | slot;
	struct ev_node *e;

	if (slot == EV_NONE) {
		grow_and_put(q, at_ns, class, fire, self);
		return;
	}
	BUG_ON(at_ns < 0 || (unsigned)class >= EV_CLASS_N || !fire || seq >> EV_SEQ_BITS);
	q->seq++;
	e = ev_node(&q->pool, slot);
	q->pool.unused = ev_next(e);
	*e = (struct ev_node){at_ns, rest, fire, self};
	if (at_ns > q->near_last_ns) {
		put_later(q, slot);
	} else if (q->hole) {
		q->hole = false;
		sink(q, key);
	} else {
		put_more(q, key);
	}
}

/* The earliest event and its key; the node says what it does until the next put. NULL: there is none. */
static inline const struct ev_node *take_node(struct evq *q, evkey *key)
{
	struct ev_node *e;

	if (q->hole)
		fill_hole(q);
	if (!q->n && !refill(q))
		return NULL;
	*key = q->keys[0];
	e = ev_node(&q->pool, slot_of(*key));
	ev_set_next(e, q->pool.unused);
	q->pool.unused = slot_of(*key);
	q->hole = true;
	return e;
}

bool evq_take(struct evq *q, struct event *ev)
{
	evkey key;
	const struct ev_node *e = take_node(q, &key);

	if (!e)
		return false;
	*ev = (struct event){.at_ns = e->at_ns,
			     .class = (enum ev_class)((uint64_t)key >> (EV_SEQ_BITS + EV_SLOT_BITS)),
			     .seq = (uint64_t)key >> EV_SLOT_BITS & (((uint64_t)1 << EV_SEQ_BITS) - 1),
			     .fire = e->fire,
			     .self = e->self};
	return true;
}

bool evq_fire(struct evq *q, sim_ns *now_ns)
{
	evkey key;
	const struct ev_node *e = take_node(q, &key);

	if (!e)
		return false;
	*now_ns = e->at_ns;
	e->fire(e->self, e->at_ns);
	return true;
}

uint64_t evq_taken(const struct evq *q)
{
	return q->seq - evq_pending(q);
}

size_t evq_pending(const struct evq *q)
{
	return q->n - q->hole + q->later_n;
}
