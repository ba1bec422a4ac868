/* check_heap.c - room base: the heap, against a list that is searched from end to end. */
#include "tests/suites.h"

#include "sim/base/err.h"
#include "sim/base/heap.h"
#include "sim/base/sort.h"
#include "sim/base/rng.h"

enum { ITEMS = 200 };

/* Items are numbers into a table of keys; the table keeps where each is. */
struct table {
	int64_t key[ITEMS];
	size_t at[ITEMS];
	bool in[ITEMS];
};

static inline bool item_before(const void *ctx, const uint32_t *a, const uint32_t *b)
{
	const struct table *t = ctx;

	return t->key[*a] != t->key[*b] ? t->key[*a] < t->key[*b] : *a < *b;
}

static inline void item_moved(void *ctx, const uint32_t *item, size_t at)
{
	((struct table *)ctx)->at[*item] = at;
}
HEAP_DEFINE(items, uint32_t, item_before, item_moved);

static uint32_t lower_bound_of(const struct table *t)
{
	uint32_t best = ITEMS;

	for (uint32_t i = 0; i < ITEMS; i++)
		if (t->in[i] && (best == ITEMS || item_before(t, &i, &best)))
			best = i;
	return best;
}

static void must_be_tracked(const struct table *t, const struct items *h)
{
	size_t n = 0;

	for (uint32_t i = 0; i < ITEMS; i++) {
		n += t->in[i];
		MUST(!t->in[i] || (t->at[i] < h->n && h->at[t->at[i]] == i));
	}
	MUST(n == h->n);
}

/* Puts, takes, removals from the middle and changed keys, few distinct ones. */
START_TEST(heap_against_a_list)
{
	struct table t = {{0}, {0}, {0}};
	struct items h = {.ctx = &t};
	struct rng *r = rng_new((uint64_t)_i, "heap");

	for (int step = 0; step < 20000; step++) {
		const uint32_t i = (uint32_t)(rng_uniform(r) * ITEMS) % ITEMS;
		const int64_t key = (int64_t)(rng_uniform(r) * 40);

		if (!t.in[i]) {
			t.key[i] = key;
			t.in[i] = true;
			items_put(&h, i);
		} else if (key < 10) {
			const uint32_t best = lower_bound_of(&t);

			MUST(items_take(&h) == best);
			t.in[best] = false;
		} else if (key < 20) {
			MUST(items_remove(&h, t.at[i]) == i);
			t.in[i] = false;
		} else {
			t.key[i] = key;
			items_fix(&h, t.at[i]);
		}
		MUST(!h.n || h.at[0] == lower_bound_of(&t));
		if (step % 16 == 0)
			must_be_tracked(&t, &h);
	}
	items_release(&h);
	ck_assert(h.n == 0 && h.at == NULL);
	rng_free(r);
}
END_TEST

struct numbered {
	int key, at;
};

static bool has_less(const struct numbered *a, const struct numbered *b)
{
	return a->key < b->key;
}
SORT_DEFINE(sort_numbered, struct numbered, has_less);

/* Runs that rise and fall, and none at all: in order, equals as they were, and none lost. */
START_TEST(sorted_in_order)
{
	enum { MOST = 200 };
	struct numbered x[MOST];
	struct rng *r = rng_new((uint64_t)_i, "sort");

	for (int round = 0; round < 50; round++) {
		const int n = (int)(rng_uniform(r) * MOST), keys = 1 + (int)(rng_uniform(r) * 60),
			  step = (int)(rng_uniform(r) * 4) - 1;
		bool seen[MOST] = {false};

		for (int i = 0; i < n; i++)
			x[i] = (struct numbered){step > 1 || rng_uniform(r) < 0.1
							 ? (int)(rng_uniform(r) * keys)
							 : i * step % keys,
						 i};
		sort_numbered(x, (size_t)n);
		for (int i = 0; i < n; i++) {
			ck_assert(!seen[x[i].at]);
			seen[x[i].at] = true;
			ck_assert(!i || x[i - 1].key < x[i].key ||
				  (x[i - 1].key == x[i].key && x[i - 1].at < x[i].at));
		}
	}
	rng_free(r);
}
END_TEST

Suite *suite_heap(void)
{
	Suite *s = suite_create("heap");
	TCase *tc = tcase_create("heap");

	tcase_add_loop_test(tc, heap_against_a_list, 0, 8);
	tcase_add_loop_test(tc, sorted_in_order, 0, 10);
	suite_add_tcase(s, tc);
	return s;
}
