/* anneal_order.c - see anneal_order.h. */
#include "sim/search/anneal_order.h"

#include <stdlib.h>
#include <string.h>

static int by_rank(const void *a, const void *b)
{
	const struct annealed *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (!unit_set_same(&x->units, &y->units))
		return unit_set_order(&x->units, &y->units);
	if (x->variant != y->variant) /* variants are elements of one array */
		return x->variant < y->variant ? -1 : 1;
	for (int phase_group = 0; phase_group < PHASE_GROUPS; phase_group++) {
		const int order =
			memcmp(x->at[phase_group], y->at[phase_group], x->variant->block_costs.blocks);

		if (order)
			return order;
	}
	return 0;
}

static int by_devices_then_rank(const void *a, const void *b)
{
	const struct annealed *x = a, *y = b;
	const bool x_alone = unit_set_on_one(&x->units), y_alone = unit_set_on_one(&y->units);

	return x_alone != y_alone ? (x_alone ? -1 : 1) : by_rank(a, b);
}

void annealed_sort(struct annealed *at, size_t n)
{
	qsort(at, n, sizeof *at, by_rank);
	qsort(at + 1, n - 1, sizeof *at, by_devices_then_rank);
}

void annealed_bring(struct annealed *at, size_t from, size_t to)
{
	const struct annealed k = at[from];

	memmove(&at[to + 1], &at[to], (from - to) * sizeof k);
	at[to] = k;
}
