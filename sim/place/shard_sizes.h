/*
 * shard_sizes.h - shares rounded to whole heads and experts, and the share of a block on each machine.
 *
 * Layer place.
 */
#ifndef SIM_PLACE_SHARD_SIZES_H
#define SIM_PLACE_SHARD_SIZES_H
#include "sim/place/place.h"

/* Apportions whole things by shares: the largest remainders are rounded up (Hamilton), and each of the n gets
 * at least one. False: there are fewer than n. */
bool shard_sizes_whole(const double *share, int n, int64_t things, int64_t *out);

/* The interval of [0, 1] that device i of a tensor split has of every tensor: the devices follow one another.
 * Under a data split each has all of it. */
struct interval {
	double from, to;
};
struct interval shard_sizes_interval(const struct shards *s, int i);

/* The share of a block that a machine holds for any of some phases; the devices of one machine and the phases
 * share one copy. */
double shard_sizes_held(const struct placement *p, const enum phase *phases, size_t n, size_t block,
			size_t machine);

#endif
