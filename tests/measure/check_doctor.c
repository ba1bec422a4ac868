/* check_doctor.c - each state of a machine that spoils figures is found, and says what to do. */
#include <string.h>

#include "sim/measure/doctor.h"
#include "sim/measure/suite.h"
#include "tests/measure/fakebackend.h"
#include "tests/suites.h"

#define QUIET                                                                                                \
	{                                                                                                    \
		.load = 0.01, .free_B = 12LL << 30, .throttled = 0, .compiler = "/bin/cc"                    \
	}

/* What is wrong with the machine, and how the finding of that name turns out. */
static const struct {
	const char *what;
	enum doctor_state state;
	struct doctor_system system;
	bool on_battery;
} cases[] = {
	{"power", DOCTOR_FINE, QUIET, false},
	{"power", DOCTOR_BAD, QUIET, true},
	{"load", DOCTOR_FINE, {.load = 0.01, .free_B = -1, .throttled = -1}, false},
	{"load", DOCTOR_DOUBT, {.load = 1, .free_B = -1, .throttled = -1}, false},
	{"load", DOCTOR_BAD, {.load = 100, .free_B = -1, .throttled = -1}, false},
	{"memory", DOCTOR_DOUBT, {.free_B = 1 << 20, .throttled = -1}, false},
	{"memory", DOCTOR_BAD, {.free_B = -1, .memory_short = true, .throttled = -1}, false},
	{"clock", DOCTOR_DOUBT, {.free_B = -1, .throttled = -1, .governor = "powersave"}, false},
	{"clock", DOCTOR_FINE, {.free_B = -1, .throttled = -1, .governor = "performance"}, false},
	{"heat", DOCTOR_DOUBT, {.free_B = -1, .throttled = 7}, false},
	{"compiler", DOCTOR_DOUBT, {.free_B = -1, .throttled = -1}, false},
	{"folder", DOCTOR_FINE, {.free_B = -1, .throttled = -1}, false},
	{"folder", DOCTOR_BAD, {.free_B = -1, .throttled = -1, .folder_wrong = "no room"}, false},
};

START_TEST(a_state_is_found)
{
	static const struct backend *const backends[] = {&backend_fake, &backend_fake_cpu};
	struct arena a = ARENA_INIT;
	struct doctor_report r;
	bool found = false;

	fake_reset();
	fake.on_battery = cases[_i].on_battery;
	r = doctor_examine(&a, backends, ARRAY_LEN(backends), &cases[_i].system);
	for (size_t i = 0; i < r.n; i++) {
		ck_assert_int_eq(r.at[i].what_to_do != NULL, r.at[i].state != DOCTOR_FINE);
		if (strcmp(r.at[i].what, cases[_i].what) != 0)
			continue;
		found = true;
		ck_assert_msg(r.at[i].state == cases[_i].state, "%s is %s: %s", r.at[i].what,
			      doctor_state_names[r.at[i].state], r.at[i].seen);
		ck_assert_int_ge(r.worst, r.at[i].state);
	}
	ck_assert(found && !fake.open);
	arena_release(&a);
}
END_TEST

/* The plan's times are the rows' budgets, and rows that are not named are not in it. */
START_TEST(a_plan_has_its_times)
{
	struct arena a = ARENA_INIT;
	struct str all = STR_INIT, some = STR_INIT;
	struct suite_options every = {.quick = true}, named = {.quick = true, .share = 0.5};
	double whole, two;

	suite_only(&a, NULL, &every);
	suite_only(&a, "read,gemm-llm", &named);
	whole = suite_budgets(&every, &all);
	two = suite_budgets(&named, &some);

	ck_assert_double_gt(whole, 30);
	ck_assert_double_lt(whole, 70);
	ck_assert_double_eq_tol(two, 0.5 * (2.5 + 11), 1e-9);
	ck_assert_ptr_nonnull(strstr(some.text, "  read "));
	ck_assert_ptr_nonnull(strstr(some.text, "  gemm-llm "));
	ck_assert_ptr_null(strstr(some.text, "  gemm "));
	ck_assert_ptr_null(strstr(some.text, "core-read"));
	str_release(&all);
	str_release(&some);
	arena_release(&a);
}
END_TEST

static int nowhere(struct err *err)
{
	return err_set(err, "no such device");
}

/* A device that this machine lacks is left out by a measurement: it is no fault of the machine. */
START_TEST(a_device_that_is_not_here_is_no_fault)
{
	struct backend absent = backend_fake;
	const struct backend *const backends[] = {&absent, &backend_fake_cpu};
	const struct doctor_system quiet = QUIET;
	struct arena a = ARENA_INIT;
	struct doctor_report r;

	fake_reset();
	absent.present = nowhere;
	r = doctor_examine(&a, backends, ARRAY_LEN(backends), &quiet);
	ck_assert_int_eq(r.worst, DOCTOR_FINE);
	ck_assert_str_eq(r.at[0].seen, "left out: no such device");
	arena_release(&a);
}
END_TEST

Suite *suite_doctor(void)
{
	Suite *s = suite_create("doctor");
	TCase *c = tcase_create("doctor");

	tcase_add_loop_test(c, a_state_is_found, 0, (int)ARRAY_LEN(cases));
	tcase_add_test(c, a_plan_has_its_times);
	tcase_add_test(c, a_device_that_is_not_here_is_no_fault);
	suite_add_tcase(s, c);
	return s;
}
