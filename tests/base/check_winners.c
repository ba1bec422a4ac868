/* check_winners.c - room base: the tree of winners, against a list that is searched from end to end. */
#include "tests/suites.h"

#include "sim/base/rng.h"
#include "sim/base/winners.h"

struct due {
	int64_t at;
	uint32_t who;
};

static inline bool due_before(const struct due *a, const struct due *b)
{
	return a->at != b->at ? a->at < b->at : a->who < b->who;
}
WINNERS_DEFINE(soonest, struct due, due_before);

static const struct due never = {INT64_MAX, UINT32_MAX};

/* Of the places of a list, one of them left out. */
static struct due first_but(const struct due *list, uint32_t n, uint32_t out)
{
	struct due first = never;

	for (uint32_t i = 0; i < n; i++)
		if (i != out && due_before(&list[i], &first))
			first = list[i];
	return first;
}

/* Few distinct keys, and places that are empty now and then; any number of places. */
START_TEST(winners_against_a_list)
{
	enum { MOST = 70 };
	struct rng *r = rng_new((uint64_t)_i, "winners");
	struct due list[MOST];
	const uint32_t n = (uint32_t)_i;
	struct soonest t;

	soonest_start(&t, n, never);
	for (uint32_t i = 0; i < n; i++)
		list[i] = never;
	for (int step = 0; step < 600; step++) {
		const uint32_t i = (uint32_t)(rng_uniform(r) * n) % n;
		const int64_t at = (int64_t)(rng_uniform(r) * 20);

		list[i] = at < 5 ? never : (struct due){at, i};
		soonest_set(&t, i, list[i]);
		MUST(soonest_at(&t, i)->at == list[i].at);
		MUST(soonest_first(&t)->who == first_but(list, n, UINT32_MAX).who);
		MUST(soonest_but(&t, i).who == first_but(list, n, i).who);
	}
	soonest_release(&t);
	rng_free(r);
}
END_TEST

Suite *suite_winners(void)
{
	Suite *s = suite_create("winners");
	TCase *tc = tcase_create("winners");

	tcase_add_loop_test(tc, winners_against_a_list, 1, 70);
	suite_add_tcase(s, tc);
	return s;
}
