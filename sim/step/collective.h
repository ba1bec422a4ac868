/*
 * collective.h - all-reduce and all-gather: complete the output of a tensor split on every device, over
 * links.
 *
 * Layer step. A message of n bytes takes alpha + n / beta (Hockney, "The communication challenge for
 * MPP", Parallel Computing 20(3), 1994), with alpha and beta of its own link; the additions are not
 * charged. Messages of one round that go through one part of the network (world.h) share it: the last of them takes as
 * long as the part takes for all of their bytes. The algorithms, for B bytes over p devices:
 *
 *   ring     2(p - 1) rounds of B/p (Patarasuk & Yuan, "Bandwidth optimal all-reduce algorithms for clusters
 *            of workstations", JPDC 69(2), 2009)
 *   direct   one round: each device sends all of its data to every other one
 *   scatter  two rounds of B/p to every other device: each part is summed on one device, then distributed
 *   tree     recursive doubling, log2 p rounds of B between pairs (Thakur, Rabenseifner & Gropp,
 *            "Optimization of collective communication operations in MPICH", IJHPCA 19(1), 2005, section
 *            4.4); devices beyond a power of two send their data to another one first and receive the sum last
 *   halving  recursive halving, then doubling: 2 log2 p rounds of B/2, B/4 .. B/p and back (Rabenseifner,
 *            "Optimization of collective reduction operations", ICCS 2004; the same section); devices beyond a
 *            power of two as in tree
 *   hierarchical
 *            inside the box, between the boxes, inside the box (Cho, Finkler, Serrano, Kung & Hunter,
 *            "BlueConnect", IBM J. Res. Dev. 63(6), 2019): each box of b devices sums the parts of B/b by scatter,
 *            devices of one place in all boxes sum theirs by halving or in a ring, then the parts are distributed. A
 *            box is what faster links than the slowest join, or a leaf of a fat tree; boxes must be of one size
 *
 * An all-gather distributes the part of each device: p - 1 rounds in a ring, log2 p by doubling, else one. A reduce-scatter is
 * an all-gather backwards: as many messages of the same sizes. Of more than
 * 64 devices direct and scatter are not tried unless a link asks for them: p - 1 messages at once from each device.
 */
#ifndef SIM_STEP_COLLECTIVE_H
#define SIM_STEP_COLLECTIVE_H
#include "sim/step/program.h"

struct collective {
	bool gather;
	double bytes; /* size of the complete tensor */
	/* rounds of it, for equals_collective(): all, all but the last, or the last alone */
	enum collective_rounds { ROUNDS_ALL, ROUNDS_BUT_LAST, ROUNDS_LAST } rounds;
};

/* The payload of its messages. A label that asks for PAYLOAD_REDUCE_SCATTER has it: of a reduce-scatter, which is put as the
 * all-gather that it is backwards. */
enum payload collective_payload(const struct collective *c, struct label label);

/* Seconds by formula, from the time at which all devices have their parts. way: not REDUCE_AUTO. */
double collective_s(const struct world *w, const struct shards *shards, const struct collective *c,
		    enum reduce_way way);

/* The same over so many units of a world, whose parts are equal. */
double collective_units_s(const struct world *w, const size_t *unit, int n, const struct collective *c,
			  enum reduce_way way);

/* Whether the algorithm can be run on these devices: hierarchical needs boxes. */
bool collective_can(const struct world *w, const struct shards *shards, enum reduce_way way);

/* Seconds that a runtime adds to a message over such a link (peers 0), or to a collective operation with so many
 * other devices. */
double overhead_crossing_s(const struct overhead *o, const struct link *l, int peers);

/* The algorithm that the first link of the shard group with a choice asks for, else the fastest by
 * formula. A link that asks for hierarchical where there are no boxes is not heard. */
enum reduce_way collective_way(const struct world *w, const struct shards *shards,
			       const struct collective *c);

enum reduce_way collective_units_way(const struct world *w, const size_t *unit, int n,
				     const struct collective *c);

/* Appends the collective operation. made: entry i is the task that completes the part of the shard
 * group's device i. Returns the tasks after which every device has the whole tensor. */
struct deps collective_put(struct program *p, const struct shards *shards, const struct collective *c,
			   struct label label, const struct deps *made);

/* The same with a given algorithm (not REDUCE_AUTO) and a set of tasks for each device: have[i] holds
 * the tasks that complete device i's part, and is replaced by those after which device i has the whole
 * tensor. */
void collective_put_each(struct program *p, const struct shards *shards, const struct collective *c,
			 enum reduce_way way, struct label label, struct deps have[SHARDS_MAX]);

#endif
