/* check_main.c - runs the suites of suites.h: all of them, or those named on the command line.
 *
 *	check [SUITE | CASE]...     a case: of tests, as tcase_create() names it, in whatever suite it is
 *	check --list                the suites, one a line
 *
 * Check's own environment variables choose as well. A name that nothing has is an error: what was not found
 *is not passed. */
#include "tests/suites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"

static const struct {
	const char *name;
	Suite *(*make)(void);
} suites[] = {
#define SUITE(x) {#x, suite_##x},
	SUITES
#undef SUITE
};

static int list_suites(void)
{
	for (size_t i = 0; i < ARRAY_LEN(suites); i++)
		printf("%s\n", suites[i].name);
	return 0;
}

/* Tests that failed; the number that ran is added to *ran. */
static int run_suite(Suite *suite, const char *tests, int *simulated)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run(runner, NULL, tests, CK_ENV);
	failed = srunner_ntests_failed(runner);
	*simulated += srunner_ntests_run(runner);
	srunner_free(runner);
	return failed;
}

/* The suite of that name, or the tests of that name in every suite that has them. */
static int run_named(const char *name)
{
	int failed = 0, simulated = 0;

	for (size_t i = 0; i < ARRAY_LEN(suites); i++)
		if (!strcmp(suites[i].name, name))
			return run_suite(suites[i].make(), NULL, &simulated);
	for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
		Suite *suite = suites[i].make();

		if (suite_tcase(suite, name))
			failed += run_suite(suite, name, &simulated);
		else
			srunner_free(srunner_create(suite));
	}
	if (simulated)
		return failed;
	fprintf(stderr, "check: no suite and no case of a suite is called '%s'; --list lists the suites\n",
		name);
	return 1;
}

static int run_all(void)
{
	SRunner *runner = srunner_create(suites[0].make());
	int failed;

	for (size_t i = 1; i < ARRAY_LEN(suites); i++)
		srunner_add_suite(runner, suites[i].make());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed;
}

int main(int argc, char **argv)
{
	int failed = 0;

	mem_keep_freed();
	setenv("CK_DEFAULT_TIMEOUT", "0", 0); /* none: how long a test takes says nothing on a busy machine */
	if (argc == 2 && !strcmp(argv[1], "--list"))
		return list_suites();
	for (int i = 1; i < argc; i++)
		failed += run_named(argv[i]);
	return (argc > 1 ? failed : run_all()) != 0;
}
