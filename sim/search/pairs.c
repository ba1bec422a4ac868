/* pairs.c - see pairs.h. */
#include "sim/search/pairs.h"

#include <stdbool.h>

static bool sooner(const struct pair *a, const struct pair *b)
{
	if (a->bound != b->bound)
		return a->bound < b->bound;
	if (a->combo != b->combo)
		return a->combo < b->combo;
	return a->i != b->i ? a->i < b->i : a->j < b->j;
}

void pairs_put(struct pairs *h, struct pair p)
{
	size_t i = h->n;

	VEC_ADD(h, p);
	while (i && sooner(&p, &h->at[(i - 1) / 2])) {
		h->at[i] = h->at[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	h->at[i] = p;
}

struct pair pairs_take(struct pairs *h)
{
	const struct pair top = h->at[0], last = h->at[--h->n];
	size_t i = 0;

	for (size_t child; (child = 2 * i + 1) < h->n; i = child) {
		if (child + 1 < h->n && sooner(&h->at[child + 1], &h->at[child]))
			child++;
		if (!sooner(&h->at[child], &last))
			break;
		h->at[i] = h->at[child];
	}
	if (h->n)
		h->at[i] = last;
	return top;
}

void pairs_release(struct pairs *h)
{
	VEC_FREE(h);
}
