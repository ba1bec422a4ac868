/* fitted_file.h - what a fit is given and what it writes, for tests: rows of one model, and the machine in the hardware file. */
#ifndef TESTS_FAMILY_FITTED_FILE_H
#define TESTS_FAMILY_FITTED_FILE_H
#include "sim/family/report_rows.h"
#include "tests/fixtures.h"

/* A prompt of 512 tokens, and 128 tokens. */
enum { GIVEN_RUNS = 2 };
extern const struct run given_runs[GIVEN_RUNS];

/* Writes them as a csv of weights in q4_K_M, as the tool prints them at that build (0: it has none). */
void fitted_write_rows(const char *path, const char *tool, int build, const double seconds[GIVEN_RUNS]);

/* The machine of `at` as the text of a hardware file has it, with its runtime of that name. Fails the test where that cannot be
 * read. */
struct catalogue_device fitted_read(struct fixture *t, const struct catalogue_device *at, const char *text,
				    const char *runtime);

/* The seconds of a run by the device's profile, and with what the profile says of that model besides, in the dtype that it computes
 * such a model in. weights: enum mix_id; all else is f16. */
double fitted_seconds(struct fixture *t, const struct catalogue_device *d, const char *model, int weights,
		      const struct run *run);
double fitted_seconds_of_model(struct fixture *t, const struct catalogue_device *d, const char *model,
			       int weights, const struct run *run);

#endif
