/*
 * winners.h - which of a fixed number of places comes first, where one changes at a time: a tree of winners, as a
 * macro that defines its functions.
 *
 *	struct due { int64_t at; uint32_t who; };
 *	static inline bool due_before(const struct due *a, const struct due *b) { ... }
 *	WINNERS_DEFINE(soonest, struct due, due_before);
 *
 *	struct soonest s;
 *	soonest_start(&s, n, (struct due){INT64_MAX, UINT32_MAX});
 *	soonest_set(&s, 7, (struct due){12, 7});
 *	use(soonest_first(&s)->who);
 *	soonest_release(&s);
 *
 * before(a, b) returns whether *a comes before *b. A change takes one comparison for each doubling of the places, none of
 * which a processor has to guess, where before() is without branches; a heap (heap.h) takes fewer where places come and
 * go, and has to guess each.
 *
 * Layer base.
 */
#ifndef SIM_BASE_WINNERS_H
#define SIM_BASE_WINNERS_H
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "sim/base/mem.h"

#define WINNERS_MADE static inline __attribute__((unused))

/*
 * name_start(t, n, x)    n places, n > 0, all of them x, after which nothing comes
 * name_set(t, place, x)  the place is x now
 * name_at(t, place)      what it is
 * name_first(t)          what comes first of all places
 * name_but(t, place)     what comes first of all others; the x that it started with where there is no other
 * name_release(t)        frees the memory
 */
#define WINNERS_DEFINE(name, type, before)                                                                   \
	struct name {                                                                                        \
		type *at; /* node 1 is the root, node i has 2 i and 2 i + 1 below it, places begin at n */   \
		uint32_t n;                                                                                  \
	};                                                                                                   \
	WINNERS_MADE void name##_start(struct name *t, uint32_t n, type x)                                   \
	{                                                                                                    \
		*t = (struct name){xcalloc(2 * (size_t)n, sizeof *t->at), n};                                \
		for (uint32_t i = 0; i < 2 * n; i++)                                                         \
			t->at[i] = x;                                                                        \
	}                                                                                                    \
	WINNERS_MADE const type *name##_first(const struct name *t)                                          \
	{                                                                                                    \
		return &t->at[1];                                                                            \
	}                                                                                                    \
	WINNERS_MADE const type *name##_at(const struct name *t, uint32_t place)                             \
	{                                                                                                    \
		return &t->at[t->n + place];                                                                 \
	}                                                                                                    \
	WINNERS_MADE void name##_set(struct name *t, uint32_t place, type x)                                 \
	{                                                                                                    \
		uint32_t i = t->n + place;                                                                   \
                                                                                                             \
		for (t->at[i] = x; i > 1; t->at[i] = x) {                                                    \
			const type other = t->at[i ^ 1];                                                     \
                                                                                                             \
			x = before(&other, &x) ? other : x;                                                  \
			i >>= 1;                                                                             \
		}                                                                                            \
	}                                                                                                    \
	WINNERS_MADE type name##_but(const struct name *t, uint32_t place)                                   \
	{                                                                                                    \
		type x = t->at[0];                                                                           \
                                                                                                             \
		for (uint32_t i = t->n + place; i > 1; i >>= 1)                                              \
			x = before(&t->at[i ^ 1], &x) ? t->at[i ^ 1] : x;                                    \
		return x;                                                                                    \
	}                                                                                                    \
	WINNERS_MADE void name##_release(struct name *t)                                                     \
	{                                                                                                    \
		free(t->at);                                                                                 \
		t->at = NULL;                                                                                \
	}                                                                                                    \
	_Static_assert(sizeof(type) > 0, #name)

#endif
