/*
 * routes.h - the topology of one link: its cables, the way of a message through them, and what lies on it.
 *
 * Layer world; for network.c. Machines are numbered as the link names them: members 0 .. n - 1.
 */
#ifndef SIM_WORLD_ROUTES_H
#define SIM_WORLD_ROUTES_H
#include "sim/base/mem.h"
#include "sim/hw/hw.h"

#define PART_NONE UINT32_MAX

/* A link with the machines that it joins, and what of it they share. Arrays of parts (indices of world.parts) are NULL where nothing is shared. */
struct fabric {
	const struct link *link;
	size_t of; /* the link in world.links */
	enum topology topology;
	const size_t *machines; /* [member] */
	size_t n;
	uint32_t *ports;           /* [2 * member + way]: out, in */
	uint32_t *cables;          /* [2 * cable + way]: from its first end, from its second */
	uint32_t *forwarders;      /* [member] */
	uint32_t *leaves;          /* [2 * leaf + way]: up, down */
	uint32_t medium;           /* a bus, or a switch's back-plane; PART_NONE: none */
	const struct link **links; /* private to fabric_link(): [cables on the way] */
};

bool fabric_is_switched(
	const struct fabric *f); /* by a switch, a bus or a fat tree: no cables between machines */
bool fabric_forwards(const struct fabric *f); /* some messages pass through other machines */

bool fabric_one_leaf(const struct fabric *f, size_t a, size_t b);

struct cable {
	size_t ends[2]; /* members */
};
size_t fabric_cables(const struct fabric *f);
struct cable fabric_cable(const struct fabric *f, size_t i);

/* How near two members are; the nearest way is taken. */
enum nearness { NEAR_CABLE, NEAR_SWITCH, NEAR_FORWARDED, NEARNESS_N };
enum nearness fabric_nearness(const struct fabric *f, size_t a, size_t b);

struct route {
	const size_t *member; /* those on the way, both ends among them */
	size_t n;
};
/* room: for all members; the route's are there. */
struct route fabric_route(const struct fabric *f, size_t from, size_t to, size_t *room);

/* The parts on the way, in its order; returns their number, out has room for route_parts_most(). */
size_t route_parts_most(const struct route *r);
size_t route_parts(const struct fabric *f, const struct route *r, uint32_t *out);

/* The link as a message from one member to another meets it: with the latencies of all cables, switches and machines
 * on the way, and the rate that is left. A message that is stored on the way takes the time of each cable in turn. */
const struct link *fabric_link(struct arena *a, struct fabric *f, size_t from, size_t to);

#endif
