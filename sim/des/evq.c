/*
 * evq.c - a 4-ary implicit heap of 128-bit keys; see evq.h.
 *
 * A key is time, class and seq in one integer, so that one compare, which compiles to no branch, decides the
 * whole order: with a branch on time and then on seq the heap spends most of its time mispredicting. Four
 * keys fill a cache line, and siblings share one. What the event does lies apart, in a slot that never moves;
 * the lowest bits of its key name the slot, behind all that orders.
 *
 * Taking an event leaves a hole at the root, and the put that commonly follows drops into it: one walk down
 * the heap for the pair instead of one down and one up.
 */
#include "sim/des/evq.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"

__extension__ typedef unsigned __int128 evkey; /* time : 64, class : 3, seq : 37, slot : 24 */

enum { CLASS_BITS = 3, SEQ_BITS = 37, SLOT_BITS = 24 };
_Static_assert(CLASS_BITS + SEQ_BITS + SLOT_BITS == 64, "the lower half of a key");
_Static_assert(EV_CLASS_N <= 1 << CLASS_BITS, "every class has its bits");

/* FRONT keys before the root put siblings on one line; BACK keys may be compared or fetched beyond the last
 */
enum { WAYS = 4, FRONT = WAYS - 1, BACK = WAYS * WAYS, ROOM_LEAST = 64, LINE_B = 64 };

/* Behind every real key: four siblings can be compared without asking how many there are. */
#define KEY_LAST (~(evkey)0)

struct action {
	void (*fire)(void *self, sim_ns now_ns);
	void *self;
};

struct evq {
	evkey *keys;    /* keys[0] is the root */
	size_t n, room; /* keys[n .. room + BACK - 1] are KEY_LAST */
	bool hole;      /* keys[0] is taken and nothing is in its place yet */
	struct action *actions;
	uint32_t *unused; /* a stack of the free slots */
	size_t unused_n;
	uint64_t seq;
};

static evkey *new_keys(size_t room)
{
	void *p;

	if (posix_memalign(&p, LINE_B, (FRONT + room + BACK) * sizeof(evkey)) != 0)
		BUG("out of memory");
	return (evkey *)p + FRONT;
}

static void grow(struct evq *q)
{
	const size_t old = q->room, room = old ? old * 2 : ROOM_LEAST;
	evkey *keys = new_keys(room);

	if (room > (size_t)1 << SLOT_BITS)
		BUG("more than %zu events pending", old);
	if (old) {
		memcpy(keys, q->keys, q->n * sizeof *keys);
		free(q->keys - FRONT);
	}
	for (size_t i = q->n; i < room + BACK; i++)
		keys[i] = KEY_LAST;
	q->keys = keys;
	q->actions = xrealloc(q->actions, room * sizeof *q->actions);
	q->unused = xrealloc(q->unused, room * sizeof *q->unused);
	for (size_t slot = room; slot > old; slot--)
		q->unused[q->unused_n++] = (uint32_t)(slot - 1);
	q->room = room;
}

struct evq *evq_new(void)
{
	struct evq *q = xcalloc(1, sizeof *q);

	grow(q);
	return q;
}

void evq_free(struct evq *q)
{
	if (!q)
		return;
	free(q->keys - FRONT);
	free(q->actions);
	free(q->unused);
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

/* The hole at the root goes down until key may fill it; smaller children move up. */
static void sink(struct evq *q, evkey key)
{
	evkey *const keys = q->keys;
	const size_t n = q->n;
	size_t at = 0, first = 1;

	while (first < n) {
		/* the grandchildren are fetched while the children are compared; past the last key, the
		 * root's line; not in a function of its own, which gcc would find without effect and drop */
		const size_t ahead = (WAYS * first + 1) & -(size_t)(WAYS * first + 1 < n);
		const char *line = (const char *)&keys[ahead];
		size_t child;

		__builtin_prefetch(line);
		__builtin_prefetch(line + LINE_B);
		__builtin_prefetch(line + 2 * LINE_B);
		__builtin_prefetch(line + 3 * LINE_B);
		child = least(keys, first);
		if (key < keys[child])
			break;
		keys[at] = keys[child];
		at = child;
		first = WAYS * at + 1;
	}
	keys[at] = key;
}

static void rise(evkey *keys, size_t at, evkey key)
{
	while (at && key < keys[(at - 1) / WAYS]) {
		keys[at] = keys[(at - 1) / WAYS];
		at = (at - 1) / WAYS;
	}
	keys[at] = key;
}

uint64_t evq_put(struct evq *q, const struct event *ev)
{
	const uint64_t seq = q->seq++;
	uint32_t slot;
	evkey key;

	BUG_ON(ev->at_ns < 0 || (unsigned)ev->class >= EV_CLASS_N || !ev->fire);
	BUG_ON(seq >> SEQ_BITS);
	if (!q->unused_n)
		grow(q);
	slot = q->unused[--q->unused_n];
	q->actions[slot] = (struct action){ev->fire, ev->self};
	key = (evkey)(uint64_t)ev->at_ns << 64 | (uint64_t)ev->class << (SEQ_BITS + SLOT_BITS) |
	      seq << SLOT_BITS | slot;
	if (q->hole) {
		q->hole = false;
		sink(q, key);
	} else {
		rise(q->keys, q->n++, key);
	}
	return seq;
}

/* No put came for the hole: the last key fills it. */
static void fill_hole(struct evq *q)
{
	const size_t last = --q->n;
	const evkey key = q->keys[last];

	q->hole = false;
	q->keys[last] = KEY_LAST;
	if (last)
		sink(q, key);
}

bool evq_take(struct evq *q, struct event *ev)
{
	uint64_t low;
	uint32_t slot;

	if (q->hole)
		fill_hole(q);
	if (!q->n)
		return false;
	low = (uint64_t)q->keys[0];
	slot = (uint32_t)(low & (((uint64_t)1 << SLOT_BITS) - 1));
	*ev = (struct event){.at_ns = (sim_ns)(uint64_t)(q->keys[0] >> 64),
			     .class = (enum ev_class)(low >> (SEQ_BITS + SLOT_BITS)),
			     .seq = low >> SLOT_BITS & (((uint64_t)1 << SEQ_BITS) - 1),
			     .fire = q->actions[slot].fire,
			     .self = q->actions[slot].self};
	q->unused[q->unused_n++] = slot;
	q->hole = true;
	return true;
}

bool evq_next(const struct evq *q, sim_ns *at_ns)
{
	const size_t first = q->hole ? least(q->keys, 1) : 0;

	if (!evq_pending(q))
		return false;
	*at_ns = (sim_ns)(uint64_t)(q->keys[first] >> 64);
	return true;
}

size_t evq_pending(const struct evq *q)
{
	return q->n - q->hole;
}
