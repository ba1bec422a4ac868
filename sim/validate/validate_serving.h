/*
 * validate_serving.h - measured servers under load held against what the servers of a scenario do.
 *
 * Layer validate. Every assignment runs the scenario's load, changed as a measured run says, once for each
 * replication that the scenario asks for; values are means over them. A measured run is one: the interval is of single
 * runs, each draw with arrivals, lengths and answers of its own seed. Both sides are summed up over all requests,
 * as a benchmark does, whatever the scenario says of a steady state.
 */
#ifndef SIM_VALIDATE_VALIDATE_SERVING_H
#define SIM_VALIDATE_VALIDATE_SERVING_H
#include "sim/validate/ask.h"
#include "sim/validate/validation.h"

bool validate_serving_are(const char *path); /* false too where it cannot be read */

/* notes: keys of the files that are not compared; set also on failure. 0 or -1; see ask.h. */
int validate_serving_make(const struct validate_ask *ask, struct validation *v, struct texts *notes,
			  struct err *err);

#endif
