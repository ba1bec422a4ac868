/* ranked.c - see ranked.h. */
#include "sim/des/ranked.h"

#include <string.h>

#include "sim/base/err.h"

/* Shellsort with Ciura's gaps (2001): they are few. */
static void sort(struct ranked *at, size_t n)
{
	static const size_t gaps[] = {1, 4, 10, 23, 57, 132, 301, 701, 1577, 3548, 7983, 17961, 40412, 90927};
	size_t g = ARRAY_LEN(gaps);

	while (g && gaps[g - 1] >= n)
		g--;
	while (g-- > 0)
		for (size_t gap = gaps[g], i = gap; i < n; i++) {
			const struct ranked x = at[i];
			size_t to = i;

			for (; to >= gap && x.rank < at[to - gap].rank; to -= gap)
				at[to] = at[to - gap];
			at[to] = x;
		}
}

/* The first are in order, and those behind them are. */
static void merge(struct ranked_list *l)
{
	const size_t new = l->n - l->sorted;

	VEC_RESERVE(&l->merged, new);
	memcpy(l->merged.at, l->at + l->sorted, new * sizeof *l->at);
	for (size_t from = l->sorted, left = new, to = l->n; left;)
		l->at[--to] = from && l->at[from - 1].rank > l->merged.at[left - 1].rank
				      ? l->at[--from]
				      : l->merged.at[--left];
}

void ranked_sort(struct ranked_list *l)
{
	if (l->sorted == l->n)
		return;
	sort(l->at + l->sorted, l->n - l->sorted);
	if (l->sorted)
		merge(l);
	l->sorted = l->n;
}

void ranked_clear(struct ranked_list *l)
{
	l->n = l->sorted = 0;
}

void ranked_release(struct ranked_list *l)
{
	VEC_FREE(&l->merged);
	VEC_FREE(l);
	l->sorted = 0;
}
