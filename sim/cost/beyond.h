/*
 * beyond.h - private to the room: how wide the cost of an operator is that is of a kind which no run of the profile's
 * fit was of (a profile's `beyond`).
 *
 * Layer cost.
 */
#ifndef SIM_COST_BEYOND_H
#define SIM_COST_BEYOND_H
#include "sim/cost/cost.h"

/* Makes the spreads of the terms at least as wide as predictions of such operators have proved to be. tokens: of the
 * pass, which an operator over experts has fewer of than rows. */
void beyond_widen(struct cost *c, const struct op *op, double tokens,
		  const struct device_model *device_model);

/* The same of weights in a format that the runtime reads with another program's kernels, of which no run tells (format_is_guest()). */
void beyond_widen_guest(struct cost *c, const struct op *op, const struct device_model *device_model);

#endif
