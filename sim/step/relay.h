/*
 * relay.h - segments of a few queues that take turns, each waiting for the one before, are become one.
 *
 * Layer step, for segments.c. A stage of a pipeline computes a block, reduces it over its ranks, computes the next: its device and its
 * link take turns while other stages do the same. A segment is put to the one that it waits for if it waits for
 * nothing else, nothing else waits for that one, and no segment of their queues can come between: the one before it on its own queue is part of the
 * relay, or what its first waits for; and the next one on the queue that it takes over from waits for it. Whatever the times, it
 * then begins when the one before it is through. Unlike a chain (chain.h) a relay says nothing of other queues.
 */
#ifndef SIM_STEP_RELAY_H
#define SIM_STEP_RELAY_H
#include "sim/step/chain.h"

/* Joins the segments of each relay, at the place of its first. kept: [segment], its own end is needed; renumbered. joined: [segment],
 * the one that it is part of now. */
void relays_join(struct segment_list *l, const struct program *p, bool *kept, uint32_t *joined);

#endif
