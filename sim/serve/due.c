/* due.c - see due.h. */
#include "sim/serve/due.h"

static bool before(const struct due_entry *a, const struct due_entry *b)
{
	return a->ns < b->ns || (a->ns == b->ns && a->order < b->order);
}

void due_add(struct due *d, int64_t ns, uint64_t what)
{
	const struct due_entry e = {ns, d->orders++, what};
	size_t i = d->heap.n;

	VEC_ADD(&d->heap, e);
	for (; i && before(&e, &d->heap.at[(i - 1) / 2]); i = (i - 1) / 2)
		d->heap.at[i] = d->heap.at[(i - 1) / 2];
	d->heap.at[i] = e;
}

const struct due_entry *due_first(const struct due *d)
{
	return d->heap.n ? &d->heap.at[0] : NULL;
}

void due_drop(struct due *d)
{
	const struct due_entry e = d->heap.at[--d->heap.n];
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

void due_release(struct due *d)
{
	VEC_FREE(&d->heap);
}
