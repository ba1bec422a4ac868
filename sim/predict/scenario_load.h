/*
 * scenario_load.h - a scenario file read, checked and placed: the first step of every prediction.
 *
 * Layer predict. What is returned lives in the loader's arena. On failure the reasons are in the loader's
 * diags, all that one pass can find.
 */
#ifndef SIM_PREDICT_SCENARIO_LOAD_H
#define SIM_PREDICT_SCENARIO_LOAD_H
#include "sim/base/texts.h"
#include "sim/place/place.h"

/* The world of a scenario under the assignments "path=value" of sets; every device can be costed. NULL on
 * failure. */
const struct world *scenario_load(struct loader *l, const char *path, const struct texts *sets);

/* Adds a complaint for each device that cannot compute in the scenario's precision. */
void scenario_check_devices(struct loader *l, const struct world *w);

/* Adds a complaint where the load's trace cannot be read, or the load lasts too long. */
void scenario_check_load(struct loader *l, const struct world *w);

/* Adds what went wrong in a run of the load, at the place of its trace; returns -1. */
int scenario_load_broke(struct loader *l, const struct world *w, const struct err *err);

/* 0, or -1 with a complaint where the scenario plans, so that it has no machines and no assignments yet. */
int scenario_check_placed(struct loader *l, const struct world *w);

/* The placement of each assignment of the scenario, in their order; of one that is several servers, that of
 * the first. NULL on failure. */
struct placement *scenario_place(struct loader *l, const struct world *w);

#endif
