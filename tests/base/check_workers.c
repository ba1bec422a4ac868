/* check_workers.c - room base: items of work done by several threads are those of one. */
#include "tests/suites.h"

#include "sim/base/err.h"
#include "sim/base/workers.h"

enum { ITEMS = 500 };

struct sums {
	long of[ITEMS];
	size_t begun[ITEMS]; /* how often */
	size_t fails_from, fails_every;
	volatile int stop;
	size_t told, told_most;
};

static int add(void *self, size_t thread, size_t i)
{
	struct sums *s = self;

	(void)thread;
	s->begun[i]++;
	for (size_t k = 0; k <= i; k++)
		s->of[i] += (long)k;
	return s->fails_every && i >= s->fails_from && i % s->fails_every == 0 ? -1 : 0;
}

static void tell(void *self, size_t done, size_t of)
{
	struct sums *s = self;

	ck_assert_uint_eq(of, ITEMS);
	s->told++;
	s->told_most = done > s->told_most ? done : s->told_most;
}

static size_t run(struct sums *s, size_t threads)
{
	const struct workers_task task = {
		.n = ITEMS, .item = add, .self = s, .stop = &s->stop, .tell = tell, .watcher = s};

	return workers_run(&task, threads);
}

START_TEST(every_item_is_done_once)
{
	struct sums s = {{0}, {0}, 0, 0, 0, 0, 0};

	ck_assert_uint_eq(run(&s, (size_t)_i), ITEMS);
	for (size_t i = 0; i < ITEMS; i++) {
		MUST(s.begun[i] == 1);
		MUST(s.of[i] == (long)(i * (i + 1) / 2));
	}
	ck_assert_uint_eq(s.told, ITEMS);
	ck_assert_uint_eq(s.told_most, ITEMS);
}
END_TEST

/* Several items fail, in whatever order the threads come to them. */
START_TEST(the_first_failure_wins)
{
	struct sums s = {{0}, {0}, 100, 7, 0, 0, 0};

	ck_assert_uint_eq(run(&s, (size_t)_i), 105);
	for (size_t i = 0; i <= 105; i++)
		MUST(s.begun[i] == 1);
	MUST(s.begun[ITEMS - 1] == 0);
}
END_TEST

START_TEST(nothing_begins_after_a_stop)
{
	struct sums s = {{0}, {0}, 0, 0, 1, 0, 0};

	ck_assert_uint_eq(run(&s, (size_t)_i), 0);
	MUST(s.begun[0] == 0);
}
END_TEST

START_TEST(threads_are_no_more_than_items)
{
	ck_assert_uint_eq(workers_count(8, 3), 3);
	ck_assert_uint_eq(workers_count(8, 100), 8);
	ck_assert_uint_eq(workers_count(1, 100), 1);
	ck_assert_uint_eq(workers_count(5, 0), 1);
	ck_assert_uint_ge(workers_count(0, 100), 1);
	ck_assert_uint_eq(workers_count(100000, 100000), WORKERS_MAX);
}
END_TEST

Suite *suite_workers(void)
{
	Suite *s = suite_create("workers");
	TCase *tc = tcase_create("workers");

	tcase_add_loop_test(tc, every_item_is_done_once, 1, 9);
	tcase_add_loop_test(tc, the_first_failure_wins, 1, 9);
	tcase_add_loop_test(tc, nothing_begins_after_a_stop, 1, 4);
	tcase_add_test(tc, threads_are_no_more_than_items);
	suite_add_tcase(s, tc);
	return s;
}
