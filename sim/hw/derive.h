/*
 * derive.h - facts that follow from other facts, so that a file need not repeat them.
 *
 * Layer hw. Each is filled in only where it was not given, says in its source what it follows from, and is
 * added to the tree, so that `show` and every result name it.
 */
#ifndef SIM_HW_DERIVE_H
#define SIM_HW_DERIVE_H
#include "sim/hw/hw.h"

/* The share of a Mac's memory that its GPU may wire at once, Metal's recommendedMaxWorkingSetSize, as it was
 * read on machines of that capacity; between them the smaller one's. *how, *source: where it comes from. */
double derive_wired_share(enum hw_system system, double capacity_B, enum provenance *provenance,
			  const char **source);

/* Turns rates that a profile states as shares of the machine into numbers of the device; done once. */
void derive_profile(const struct machine *m, const struct device *d, struct profile *p);

/* memory.bandwidth from the bus, peaks from cores, FLOP per cycle and clock, memory.usable from the capacity;
 * rates that profiles give as shares of the bus or the peak, and what two dies take from them (once: after it
 * the shares are rates).
 * A fact that is missing and does not follow is complained about. */
void derive_facts(struct machine *m, struct diags *diags);

#endif
