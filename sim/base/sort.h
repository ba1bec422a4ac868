/*
 * sort.h - a stable merge sort of items of any type, quick where much is in order already; a macro defines its functions.
 *
 *	static bool earlier(const struct event *a, const struct event *b) { ... }
 *	SORT_DEFINE(sort_events, struct event, earlier)
 *
 *	sort_events(events, n);
 *
 * before(a, b) returns whether *a has to stand before *b; items neither of which does stay in their order. What stands in
 * ascending order is taken as it is, and in strictly descending order reversed; such runs are merged two by two (Knuth, The Art
 * of Computer Programming, volume 3, section 5.2.4, "natural merge sort"), so that k runs of n items take n log2(k) steps.
 *
 * Layer base.
 */
#ifndef SIM_BASE_SORT_H
#define SIM_BASE_SORT_H
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/vec.h"

#define SORT_DEFINE(name, type, before)                                                                      \
	/* The end of the run that begins there. */                                                          \
	static size_t name##_run(type *at, size_t from, size_t n)                                            \
	{                                                                                                    \
		size_t to = from + 1;                                                                        \
                                                                                                             \
		if (to == n || !before(&at[to], &at[from])) {                                                \
			while (to < n && !before(&at[to], &at[to - 1]))                                      \
				to++;                                                                        \
			return to;                                                                           \
		}                                                                                            \
		while (to < n && before(&at[to], &at[to - 1]))                                               \
			to++;                                                                                \
		for (size_t i = from, k = to - 1; i < k; i++, k--) {                                         \
			const type x = at[i];                                                                \
                                                                                                             \
			at[i] = at[k];                                                                       \
			at[k] = x;                                                                           \
		}                                                                                            \
		return to;                                                                                   \
	}                                                                                                    \
	/* Items i .. mid - 1 and mid .. end - 1 into another place. */                                      \
	static void name##_merge(const type *from, type *to, size_t i, size_t mid, size_t end)               \
	{                                                                                                    \
		size_t k = mid, out = i;                                                                     \
                                                                                                             \
		while (i < mid && k < end)                                                                   \
			to[out++] = before(&from[k], &from[i]) ? from[k++] : from[i++];                      \
		while (i < mid)                                                                              \
			to[out++] = from[i++];                                                               \
		while (k < end)                                                                              \
			to[out++] = from[k++];                                                               \
	}                                                                                                    \
	/* Merges runs two by two; returns how many are left of n, whose ends stand in `ends`. */            \
	static size_t name##_pairs(const type *from, type *to, size_t *ends, size_t n)                       \
	{                                                                                                    \
		size_t begin = 0, left = 0;                                                                  \
                                                                                                             \
		for (size_t i = 0; i < n; i += 2) {                                                          \
			const size_t mid = ends[i], end = i + 1 < n ? ends[i + 1] : mid;                     \
                                                                                                             \
			name##_merge(from, to, begin, mid, end);                                             \
			begin = ends[left++] = end;                                                          \
		}                                                                                            \
		return left;                                                                                 \
	}                                                                                                    \
	static void name(type *at, size_t n)                                                                 \
	{                                                                                                    \
		VEC(size_t) ends = {0};                                                                      \
		type *from = at, *to, *room = NULL;                                                          \
                                                                                                             \
		for (size_t i = 0; i < n;)                                                                   \
			VEC_ADD(&ends, (i = name##_run(at, i, n)));                                          \
		if (ends.n > 1)                                                                              \
			room = xmalloc(n * sizeof *room);                                                    \
		for (to = room; ends.n > 1;) {                                                               \
			type *const was = from;                                                              \
                                                                                                             \
			ends.n = name##_pairs(from, to, ends.at, ends.n);                                    \
			from = to;                                                                           \
			to = was;                                                                            \
		}                                                                                            \
		if (from != at)                                                                              \
			memcpy(at, from, n * sizeof *at);                                                    \
		free(room);                                                                                  \
		VEC_FREE(&ends);                                                                             \
	}                                                                                                    \
	_Static_assert(sizeof(type) > 0, "items of " #type)

#endif
