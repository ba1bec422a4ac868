/*
 * computed.h - what a prediction is of, in words: model, formats, runtime, request, seed.
 *
 * Layer world. A title says what its author meant; --set changes the scenario under it. This line follows from what was
 * loaded.
 */
#ifndef SIM_WORLD_COMPUTED_H
#define SIM_WORLD_COMPUTED_H
#include "sim/world/world.h"

/* "Llama 3.1 8B, weights q4_K_M, KV f16, computed in f16; runtime llama.cpp@2026-02 (...); prompt 2048 tok in chunks
 * of 512 tok, 256 tok generated, batch 1; seed 1". In the arena. */
const char *world_computed(struct arena *a, const struct world *w, uint64_t seed);

/* The same of one run under a scenario, whose own request is another; and of one on one device: "Llama 2 7B, weights q4_0, ...; runtime llama.cpp@2026-02 (...); pp512". */
const char *run_computed(struct arena *a, const struct model *m, const struct precision *p,
			 const struct profile *profile, const char *run);
const char *world_run_computed(struct arena *a, const struct world *w, const char *run);
#endif
