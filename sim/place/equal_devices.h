/*
 * equal_devices.h - private to the room: devices that stand for equal ones (world/train.h).
 *
 * Layer place.
 */
#ifndef SIM_PLACE_EQUAL_DEVICES_H
#define SIM_PLACE_EQUAL_DEVICES_H
#include "sim/place/place_checks.h"

/* Gives each device of a training step the share of one of the ranks that it stands for, and its part of the tokens where
 * ranks divide what tensors do not. Complains where no link joins them, where they cannot have equal shares, or where
 * the placement splits in the same way already. */
void placement_stand_for_equals(const struct placement_maker *mk, const struct placement *p,
				struct shards *const *shard_groups);

#endif
