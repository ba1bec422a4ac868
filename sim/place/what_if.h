/*
 * what_if.h - assignments that are simulated though no runtime does them.
 *
 * Layer place. A scenario asks what a split would be worth; where its runtime has none such, the result says so.
 */
#ifndef SIM_PLACE_WHAT_IF_H
#define SIM_PLACE_WHAT_IF_H
#include "sim/place/place.h"

/* Why the runtime does not do a tensor split of the assignment between machines, in words (runtime_no_tensor_between()); NULL: it has
 * none, the runtime does it, or it is not known. */
const char *placement_what_if(const struct placement *p);

#endif
