/*
 * suites.h - the test suites: SUITE(x) stands for `Suite *suite_x(void)` in tests/check_x.c. Add a line here.
 */
#ifndef TESTS_SUITES_H
#define TESTS_SUITES_H
#include <check.h>

#define SUITES                                                                                               \
	SUITE(base)                                                                                          \
	SUITE(des)                                                                                           \
	SUITE(task)                                                                                          \
	SUITE(stats)

#define SUITE(x) Suite *suite_##x(void);
SUITES
#undef SUITE

#endif
