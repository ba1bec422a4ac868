/* time_heap.c - see time_heap.h. */
#include "sim/load/time_heap.h"

static bool before(const struct time_heap_entry *a, const struct time_heap_entry *b)
{
	return a->ns < b->ns || (a->ns == b->ns && a->order < b->order);
}

void time_heap_add(struct time_heap *d, int64_t ns, uint64_t what)
{
	const struct time_heap_entry e = {ns, d->orders++, what};
	size_t i = d->heap.n;

	VEC_ADD(&d->heap, e);
	for (; i && before(&e, &d->heap.at[(i - 1) / 2]); i = (i - 1) / 2)
		d->heap.at[i] = d->heap.at[(i - 1) / 2];
	d->heap.at[i] = e;
}

const struct time_heap_entry *time_heap_first(const struct time_heap *d)
{
	return d->heap.n ? &d->heap.at[0] : NULL;
}

void time_heap_drop(struct time_heap *d)
{
	const struct time_heap_entry e = d->heap.at[--d->heap.n];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < d->heap.n) {
		child += child + 1 < d->heap.n && before(&d->heap.at[child + 1], &d->heap.at[child]);
		if (!before(&d->heap.at[child], &e))
			break;
		d->heap.at[i] = d->heap.at[child];
		i = child;
	}
	if (d->heap.n)
		d->heap.at[i] = e;
}

void time_heap_release(struct time_heap *d)
{
	VEC_FREE(&d->heap);
}
