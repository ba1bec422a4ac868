/*
 * shard_sizes.h - shares into what cannot be cut: whole heads, whole experts; and what of a block lies where.
 *
 * Layer place.
 */
#ifndef SIM_PLACE_SHARD_SIZES_H
#define SIM_PLACE_SHARD_SIZES_H
#include "sim/place/place.h"

/* So many whole things dealt out by shares: the largest remainders are rounded up (Hamilton), nobody gets
 * none. False: there are fewer than n. */
bool shard_sizes_whole(const double *share, int n, int64_t things, int64_t *out);

/* Device i of a tensor split has this stretch of every tensor, of [0, 1]: the devices lie one behind the
 * other. Of a data split each has all. */
struct interval {
	double from, to;
};
struct interval shard_sizes_stretch(const struct shards *s, int i);

/* The share of a block that a machine holds for any of some phases: devices of one machine share a copy, and
 * so do phases. */
double shard_sizes_held(const struct placement *p, const enum phase *phases, size_t n, size_t block,
			size_t machine);

#endif
