/*
 * run_by.h - a model as a runtime runs it.
 *
 * Layer cost. Which of a model's choices a runtime honours (windows, latent caches, indexers) is in its profile, by the
 * model's architecture; how it computes latent attention and scans is known by its name.
 */
#ifndef SIM_COST_RUN_BY_H
#define SIM_COST_RUN_BY_H
#include "sim/hw/hw.h"
#include "sim/llm/model.h"

/* m itself where the runtime changes nothing, else a copy in the arena; m must outlive it. */
const struct model *model_run_by(struct arena *a, const struct model *m, const struct profile *p);

#endif
