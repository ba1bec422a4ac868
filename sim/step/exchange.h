/*
 * exchange.h - the experts of a layer on several devices: rows go out to them, sums come back.
 *
 * Layer step. From the router's shard group each row goes once to a machine where some of its experts are,
 * with its routing weights for them; what those made of it is summed there and comes back (as DeepSeek-AI's
 * DeepEP does between nodes). Where the router runs on several devices each has all rows, and what comes back
 * to them is summed over them. How many rows that is, and how many experts they hit: llm/routing.h. Backward,
 * gradients of the sums go out, and those of the rows and of the weights come back.
 */
#ifndef SIM_STEP_EXCHANGE_H
#define SIM_STEP_EXCHANGE_H
#include "sim/step/program.h"

struct exchange {
	struct program *program;
	const struct shape *shape;
	const struct shards *at;   /* split by experts */
	const struct shards *home; /* the router's */
	struct label label;
};

/* after: the rows are at home. with (may be NULL): entry r ends a part of the sum that home's device r has
 * made besides. Returns what has to end for the sum to be whole at home. */
struct deps exchange_put(const struct exchange *e, const struct deps *after, const struct deps *with);

#endif
