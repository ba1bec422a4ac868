/*
 * validate_scenario.h - what whole scenarios were measured to do, held against what simulate says of them.
 *
 * Layer validate. A csv beside a scenario, told from files of runs by its column `metric`. Its columns:
 *   assignment     of the scenario
 *   metric         as metrics are named in results
 *   value          in the metric's base unit, or with a unit ("57.7 ms")
 *   unit           of a value that has none itself
 *   of_assignment  the value is how many times the metric is that of this other assignment; the interval of
 *                  the ratio comes from draws compared pair by pair
 *   changes        what --set takes, several parted by ';': one file may hold other prompts or batches
 *   set            the rows of one set are summed up together
 *   use            check (also where it is empty), or fit: a profile of the scenario was made with this
 * figure source         where the figure was published; quality: primary, secondary, derived, approximate;
 * note An assignment that does not fit is a row without a prediction, not an error.
 */
#ifndef SIM_VALIDATE_VALIDATE_SCENARIO_H
#define SIM_VALIDATE_VALIDATE_SCENARIO_H
#include "sim/validate/ask.h"
#include "sim/validate/validation.h"

enum { OUTCOMES_MAX = 1000 };

bool validate_scenario_are(const char *path); /* false too where it cannot be read */

/* The outcomes of every file under the one scenario. 0 or -1; see ask.h. */
int validate_scenario_make(const struct validate_ask *ask, struct validation *v, struct err *err);

#endif
