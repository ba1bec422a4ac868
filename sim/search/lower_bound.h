/*
 * lower_bound.h - a lower bound of a metric over all assignments, on any number of devices.
 *
 * Layer search. The assignment problem is relaxed: each block may be on any device and transfers are free,
 * but the memories of the machines must hold the weights. This is a linear program. Its Lagrangian dual (Held
 * and Karp, Math. Programming 1, 1971, solved by subgradients) is a bound for every value of the multipliers,
 * so it need not be solved to the optimum. Where K machines are needed to hold the weights, each pass also
 * takes at least K - 1 transfers.
 *
 * Where passes overlap, the busiest device is the bottleneck: the same dual then weighs the devices' busy
 * times, with weights that add up to one. If all devices have the same time per byte, the bound is all bytes
 * divided by the sum of the bandwidths.
 */
#ifndef SIM_SEARCH_LOWER_BOUND_H
#define SIM_SEARCH_LOWER_BOUND_H
#include "sim/search/goal.h"

/* Returns a lower bound of a minimized metric. achieved: the value of some assignment, which sets the step
 * size of the subgradient method; INFINITY if none is known. */
double lower_bound_compute(const struct block_costs *p, const struct metric_info *minimized, double achieved);

#endif
