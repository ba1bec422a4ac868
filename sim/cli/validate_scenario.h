/*
 * validate_scenario.h - what whole scenarios were measured to do, held against what simulate says of them.
 *
 * Layer cli. A csv beside a scenario, told from files of runs by its column `metric`:
 *   assignment, metric, value   of an assignment of the scenario; as metrics are named in results, in the
 * metric's base unit or with a unit ("57.7 ms") unit         of a value that has none itself of_assignment
 * the value is how many times the metric is that of this other assignment; its interval is of draws compared
 * pair by pair changes      what --set takes, several parted by ';': one file may hold other prompts or
 * batches set          to sum by use          check (so it is if not said), or fit: a profile of the scenario
 * was made with this figure source       whose figure it is; quality (primary, secondary, derived,
 * approximate); note An assignment that does not fit is a row without a prediction, not an error.
 */
#ifndef SIM_CLI_VALIDATE_SCENARIO_H
#define SIM_CLI_VALIDATE_SCENARIO_H
#include "sim/cli/validate_runs.h"

enum { OUTCOMES_MAX = 1000 };

bool validate_scenario_are(const char *path); /* false too where it cannot be read */

/* The rows of every --from under the one scenario. An exit code; complaints are on stderr. */
int validate_scenario_make(struct session *s, const struct opts *o, struct validate_runs *r);

#endif
