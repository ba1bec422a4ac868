/*
 * loading.h - bytes that a machine holds at most while its runtime loads a model, before generation begins.
 *
 * Layer place. A runtime may read whole tensors of a split, or the whole model, before it keeps its share (`load` of its
 * profile), so that a share that fits cannot be loaded.
 */
#ifndef SIM_PLACE_LOADING_H
#define SIM_PLACE_LOADING_H
#include "sim/place/place.h"

/* What the runtimes of a machine's devices hold while they load: of several the one that holds most. */
enum load_holds loading_holds(const struct placement *p, size_t mi);

/* Bytes at the peak, at least those of the weights that the machine keeps for generation; 0: it keeps none. A draft model
 * is loaded after the model. */
double loading_B(const struct placement *p, size_t mi);

#endif
