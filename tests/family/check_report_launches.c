/* check_report_launches.c - what reports differ by in starts of kernels: none, little, much, and what large models tell. */
#include "sim/family/report_launches.h"

#include <math.h>

#include "sim/base/mem.h"
#include "tests/suites.h"

enum { REPORTS = 6, MODELS = 4 };
static const char *const machines[REPORTS] = {"a", "b", "c", "d", "e", "f"};

/* Each report's models, whose shares of starts go down from the given one, with its starts off by so much, and its reading. */
static double spread_of(const double starts[REPORTS], double share, double reads, size_t reports)
{
	struct launch_row rows[REPORTS * MODELS];

	for (size_t i = 0; i < reports * MODELS; i++) {
		const size_t r = i / MODELS;
		const double s = share / (double)(1 + i % MODELS);

		rows[i] = (struct launch_row){machines[r], "owner/name@0123 of one",
					      starts[r] * s + reads * (1 - s), s};
	}
	return report_launch_spread(rows, reports * MODELS);
}

/* Reports whose starts scatter by 40 % about a fit are told to within what six of them tell; equal ones are not apart, and one
 * machine that reads slower is no start of a kernel. */
START_TEST(what_reports_differ_by)
{
	static const double apart[REPORTS] = {0.4, -0.4, 0.4, -0.4, 0.4, -0.4}, equal[REPORTS] = {0};

	ck_assert_double_eq_tol(spread_of(apart, 0.7, 0, REPORTS), 0.4, 0.05);
	ck_assert_double_eq(spread_of(equal, 0.7, 0, REPORTS), 0);
	ck_assert_double_eq(spread_of(equal, 0.7, 0.05, REPORTS), 0);
}
END_TEST

/* Models that are a hundredth starts tell nothing, and neither do two reports. */
START_TEST(what_tells_nothing)
{
	static const double apart[REPORTS] = {0.4, -0.4, 0.4, -0.4, 0.4, -0.4};

	ck_assert_double_eq(spread_of(apart, 0.01, 0, REPORTS), 0);
	ck_assert_double_eq(spread_of(apart, 0.7, 0, LAUNCH_REPORTS - 1), 0);
	ck_assert_double_eq(report_launch_spread(NULL, 0), 0);
}
END_TEST

/* Submissions of one person on one machine are one report, whatever file or commit each names. */
START_TEST(submissions_of_one_person)
{
	struct launch_row rows[REPORTS];

	for (size_t i = 0; i < REPORTS; i++)
		rows[i] = (struct launch_row){"a", i % 2 ? "owner/name@1 x" : "owner/name@2 y", 0.3, 0.7};
	ck_assert_double_eq(report_launch_spread(rows, REPORTS), 0);
	for (size_t i = 0; i < REPORTS; i++)
		rows[i].machine = machines[i];
	ck_assert_double_gt(report_launch_spread(rows, REPORTS), 0.3);
}
END_TEST

Suite *suite_report_launches(void)
{
	Suite *s = suite_create("report_launches");
	TCase *tc = tcase_create("reports");

	tcase_add_test(tc, what_reports_differ_by);
	tcase_add_test(tc, what_tells_nothing);
	tcase_add_test(tc, submissions_of_one_person);
	suite_add_tcase(s, tc);
	return s;
}
