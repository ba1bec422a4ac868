/*
 * heap.h - a priority queue for items of any type, as a 4-ary implicit heap; a macro defines its functions.
 *
 *	struct due { int64_t at; uint32_t who; };
 *	static inline bool due_before(void *ctx, const struct due *a, const struct due *b) { ... }
 *	HEAP_DEFINE(dues, struct due, due_before, HEAP_UNTRACKED)
 *
 *	struct dues h = {0};
 *	dues_put(&h, (struct due){...});
 *	while (h.n)
 *		use(dues_take(&h));
 *	dues_release(&h);
 *
 * before(ctx, a, b) returns whether *a leaves the queue before *b. It must be a total order if the results of
 * the run depend on it. moved(ctx, item, at) is called whenever an item is stored at index `at`, so that the
 * caller can pass that index to _remove() or _fix(); HEAP_UNTRACKED if no index is needed. ctx is h.ctx, which
 * the caller sets.
 *
 * Layer base.
 */
#ifndef SIM_BASE_HEAP_H
#define SIM_BASE_HEAP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "sim/base/mem.h"
#include "sim/base/vec.h"

#define HEAP_UNTRACKED(ctx, item, at) ((void)(ctx), (void)(item), (void)(at))
#define HEAP_MADE                     static inline __attribute__((unused))

enum { HEAP_WAYS = 4 };

/*
 * name_put(h, x)      adds a copy of x
 * name_take(h)        removes and returns the first item; h->n > 0
 * name_remove(h, at)  removes and returns the item at index at
 * name_fix(h, at)     restores the order after the key of the item at index at was changed
 * name_release(h)     frees the memory
 * h->at[0] is the first item, h->n the number of items.
 */
#define HEAP_DEFINE(name, type, before, moved)                                                               \
	struct name {                                                                                        \
		type *at;                                                                                    \
		size_t n, room;                                                                              \
		void *ctx; /* argument of before() and moved() */                                            \
	};                                                                                                   \
	HEAP_MADE void name##_rise(struct name *h, size_t at, type x)                                        \
	{                                                                                                    \
		while (at && before(h->ctx, &x, &h->at[(at - 1) / HEAP_WAYS])) {                             \
			h->at[at] = h->at[(at - 1) / HEAP_WAYS];                                             \
			moved(h->ctx, &h->at[at], at);                                                       \
			at = (at - 1) / HEAP_WAYS;                                                           \
		}                                                                                            \
		h->at[at] = x;                                                                               \
		moved(h->ctx, &h->at[at], at);                                                               \
	}                                                                                                    \
	HEAP_MADE void name##_sink(struct name *h, size_t at, type x)                                        \
	{                                                                                                    \
		for (size_t child; (child = HEAP_WAYS * at + 1) < h->n; at = child) {                        \
			const size_t end = child + HEAP_WAYS < h->n ? child + HEAP_WAYS : h->n;              \
                                                                                                             \
			for (size_t i = child + 1; i < end; i++)                                             \
				if (before(h->ctx, &h->at[i], &h->at[child]))                                \
					child = i;                                                           \
			if (!before(h->ctx, &h->at[child], &x))                                              \
				break;                                                                       \
			h->at[at] = h->at[child];                                                            \
			moved(h->ctx, &h->at[at], at);                                                       \
		}                                                                                            \
		h->at[at] = x;                                                                               \
		moved(h->ctx, &h->at[at], at);                                                               \
	}                                                                                                    \
	HEAP_MADE void name##_put(struct name *h, type x)                                                    \
	{                                                                                                    \
		VEC_RESERVE(h, 1);                                                                           \
		h->n++;                                                                                      \
		name##_rise(h, h->n - 1, x);                                                                 \
	}                                                                                                    \
	HEAP_MADE void name##_fix(struct name *h, size_t at)                                                 \
	{                                                                                                    \
		const type x = h->at[at];                                                                    \
                                                                                                             \
		if (at && before(h->ctx, &x, &h->at[(at - 1) / HEAP_WAYS]))                                  \
			name##_rise(h, at, x);                                                               \
		else                                                                                         \
			name##_sink(h, at, x);                                                               \
	}                                                                                                    \
	HEAP_MADE type name##_remove(struct name *h, size_t at)                                              \
	{                                                                                                    \
		const type x = h->at[at];                                                                    \
                                                                                                             \
		h->n--;                                                                                      \
		if (at < h->n) {                                                                             \
			h->at[at] = h->at[h->n];                                                             \
			name##_fix(h, at);                                                                   \
		}                                                                                            \
		return x;                                                                                    \
	}                                                                                                    \
	HEAP_MADE type name##_take(struct name *h)                                                           \
	{                                                                                                    \
		return name##_remove(h, 0);                                                                  \
	}                                                                                                    \
	HEAP_MADE void name##_release(struct name *h)                                                        \
	{                                                                                                    \
		VEC_FREE(h);                                                                                 \
	}                                                                                                    \
	_Static_assert(sizeof(type) > 0, "a heap of " #type)

#endif
