/*
 * lower_bound.h - what no assignment can do better than, on any number of devices.
 *
 * Layer search. The seats of the blocks are relaxed: any block anywhere, with no way between, except that the
 * machines' memories must hold the weights. That is a linear program; its Lagrangian dual (Held & Karp, Math.
 * Programming 1, 1971, by subgradients) is a bound whatever the multipliers, so it need not be solved well.
 * Where K machines are needed to hold the weights, a pass takes at least K - 1 hops besides. Where passes
 * overlap, the busiest device binds: the same dual, devices weighed so that their weights add up to one. With
 * all devices of one rate a byte this is "all bytes over the sum of bandwidths".
 */
#ifndef SIM_SEARCH_LOWER_BOUND_H
#define SIM_SEARCH_LOWER_BOUND_H
#include "sim/search/goal.h"

/* The least of a sought metric; known: what some assignment does (it steers the steps), INFINITY: none. */
double lower_bound_of(const struct block_costs *p, const struct metric_info *sought, double known);

#endif
