/*
 * collective.h - what makes the parts of a tensor split whole on every device: sums and gathers over links.
 *
 * Layer step. A message of n bytes takes alpha + n / beta (Hockney, "The communication challenge for MPP",
 * Parallel Computing 20(3), 1994), alpha and beta those of its own link; additions are not charged. The ways,
 * for B bytes over p devices:
 *   ring     2(p - 1) rounds of B/p (Patarasuk & Yuan, "Bandwidth optimal all-reduce algorithms for clusters
 *            of workstations", JPDC 69(2), 2009)
 *   direct   one round: each sends all it has to each other one
 *   scatter  two rounds of B/p to each other one: a part's sum is made on one device, then handed out
 *   tree     recursive doubling, log2 p rounds of B between pairs (Thakur, Rabenseifner & Gropp,
 *            "Optimization of collective communication operations in MPICH", IJHPCA 19(1), 2005, section
 *            4.4); devices beyond a power of two give theirs to another one first and get the sum last
 * A gather hands out what each has: p - 1 rounds in a ring, else one.
 */
#ifndef SIM_STEP_COLLECTIVE_H
#define SIM_STEP_COLLECTIVE_H
#include "sim/step/program.h"

struct collective {
	bool gather;
	double bytes; /* of the whole */
};

/* Seconds by formula, from when all devices have their parts. way: not REDUCE_AUTO. */
double collective_s(const struct world *w, const struct shards *shards, const struct collective *c,
		    enum reduce_way way);

/* What the shard group's links ask for (the first that asks), else the quickest. */
enum reduce_way collective_way(const struct world *w, const struct shards *shards,
			       const struct collective *c);

/* Appends it. made: entry i is what ends on the shard group's device i. Returns what has to end for all to
 * have all.
 */
struct deps collective_put(struct program *p, const struct shards *shards, const struct collective *c,
			   struct label label, const struct deps *made);

/* The same that way (not REDUCE_AUTO), where each device waits for tasks of its own and then has the whole by
 * itself: have goes in and comes out. */
void collective_put_each(struct program *p, const struct shards *shards, const struct collective *c,
			 enum reduce_way way, struct label label, struct deps have[SHARDS_MAX]);

#endif
