/*
 * workload_roofline.h - the roofline picture of a scenario: the ceilings of its devices, and the operators of its
 * workload as dots.
 *
 * Layer report. Operators of one shape share a dot. A dot's position follows from the operator's FLOP, bytes and
 * predicted time on the device; its size from its share of the time of its phase. Of generation the dots are
 * those of the largest prefill pass and of a decode step in the middle of the answer, of training those of
 * forward and backward of one micro-batch.
 */
#ifndef SIM_REPORT_WORKLOAD_ROOFLINE_H
#define SIM_REPORT_WORKLOAD_ROOFLINE_H
#include "sim/draw/roofline.h"
#include "sim/world/world.h"

/* In the arena. Every device of the world must be costed (scenario_load.h). */
struct roofline workload_roofline(struct arena *a, const struct world *w);

#endif
