/*
 * validate_replays.h - runs of a model held against machines of the catalogue, and against the assignments of
 * scenarios.
 *
 * Layer validate. On a machine, each run is predicted for one device under one runtime. Of a scenario, every
 * assignment is predicted with the run as its request; of a decode run the depth is a prompt read before.
 */
#ifndef SIM_VALIDATE_VALIDATE_REPLAYS_H
#define SIM_VALIDATE_VALIDATE_REPLAYS_H
#include "sim/runs/ingest.h"
#include "sim/validate/ask.h"
#include "sim/validate/validation.h"

/* files: one for each of ask->from. notes: what the user should know besides, set also on failure. 0 or -1;
 * see ask.h. */
int validate_replays_make(const struct validate_ask *ask, const struct runs *files, struct validation *v,
			  struct texts *notes, struct err *err);

#endif
