/* check_main.c - runs every suite of suites.h; Check's own environment variables choose among them. */
#include "tests/suites.h"

#include <stdlib.h>

#include "sim/base/err.h"

static Suite *(*const suites[])(void) = {
#define SUITE(x) suite_##x,
	SUITES
#undef SUITE
};

int main(void)
{
	SRunner *runner;
	int failed;

	setenv("CK_DEFAULT_TIMEOUT", "300", 0); /* seconds: against what hangs, not against a busy machine */
	runner = srunner_create(suites[0]());
	for (size_t i = 1; i < ARRAY_LEN(suites); i++)
		srunner_add_suite(runner, suites[i]());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
