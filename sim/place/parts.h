/*
 * parts.h - shares into what cannot be cut: whole heads, whole experts; and what of a block lies where.
 *
 * Layer place.
 */
#ifndef SIM_PLACE_PARTS_H
#define SIM_PLACE_PARTS_H
#include "sim/place/place.h"

/* So many whole things dealt out by shares: the largest remainders are rounded up (Hamilton), nobody gets
 * none. False: there are fewer than n. */
bool parts_whole(const double *share, int n, int64_t things, int64_t *out);

/* Device i of a tensor split has this stretch of every tensor, of [0, 1]: the devices lie one behind the
 * other. Of a data split each has all. */
struct stretch {
	double from, to;
};
struct stretch parts_stretch(const struct seat *s, int i);

/* The share of a block that a machine holds for any of some phases: devices of one machine share a copy, and
 * so do phases. */
double parts_held(const struct placement *p, const enum phase *phases, size_t n, size_t block,
		  size_t machine);

#endif
