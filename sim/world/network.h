/*
 * network.h - the links of a world as a network: which machines a link joins, by what way a message goes from one
 * machine to another, and what messages share on the way.
 *
 * Layer world. Every two machines that can exchange messages have one link use. A message between them goes at the rate
 * of its link, less where others cross the same part of the network at the same time: a port of a machine, a cable, a
 * switch or a machine that passes messages on. A cable that no other message can cross is no part.
 */
#ifndef SIM_WORLD_NETWORK_H
#define SIM_WORLD_NETWORK_H
#include "sim/conf/load.h"
#include "sim/world/world.h"

/* Fills in links, link uses and shared parts of a world whose machines are known. map: the scenario's node of
 * the links, for places in messages. */
void network_make(struct loader *l, struct world *w, const struct link *links, size_t n,
		  const struct yml *map);

#endif
