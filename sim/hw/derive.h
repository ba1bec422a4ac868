/*
 * derive.h - figures that follow from other figures of a machine, so that a file need not repeat them.
 *
 * Layer hw. Each is set only if it was not given. Its source says what it was derived from, and it is
 * added to the tree, so that `show` and every result include it.
 */
#ifndef SIM_HW_DERIVE_H
#define SIM_HW_DERIVE_H
#include "sim/hw/hw.h"

/* The share of a Mac's memory that its GPU may wire at once, Metal's recommendedMaxWorkingSetSize, as read
 * on machines with that capacity; a capacity between two of these has the share of the smaller one. *how,
 * *source: provenance. */
double derive_wired_share(enum hw_system system, double capacity_B, enum provenance *provenance,
			  const char **source);

/* The share of its clock that a card of full_W under load keeps when it is held to limit_W; at most 1. It is negative below
 * what the card takes without computing. Source: derive.c. */
double derive_limited_clock(double limit_W, double full_W);

/* Converts rates that a profile states as shares of the machine to those of the device; to be called once. */
void derive_profile(const struct machine *m, const struct device *d, struct profile *p);

/* Derives memory.bandwidth from the bus, peaks from cores, FLOP per cycle and clock, memory.usable from
 * the capacity; lowers clocks and peaks under a power limit; converts a profile's rates from shares of the bus or the peak, with the loss on two dies
 * (to be called once: afterwards the shares are rates). Complains of a figure that is missing and does not
 * follow. */
void derive_facts(struct machine *m, struct diags *diags);

#endif
