/*
 * validate_runs.h - predicted against measured, for rows of many machines: row by row, and summed up by set.
 *
 * Layer validate. Each row is predicted from the catalogue's profile of the machine and runtime it names,
 * with the interval that the profile's spreads make. With a family's file, also from the family's model fitted
 * without the row: without that model on that machine, and without every machine of that chip: what the
 * catalogue would say of it had nobody measured the chip.
 */
#ifndef SIM_VALIDATE_VALIDATE_RUNS_H
#define SIM_VALIDATE_VALIDATE_RUNS_H
#include "sim/family/observations.h"
#include "sim/validate/ask.h"
#include "sim/validate/validation.h"

/* Every run against the catalogue's profile, and with a family against the fits without it. A row in a dtype that its
 * machine's profile has no table of is refused, or left out and counted in a note. 0 or -1; see ask.h. */
int validate_runs_make(const struct validate_ask *ask, const struct runs *runs, struct validation *v,
		       struct texts *notes, struct err *err);

#endif
