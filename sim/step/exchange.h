/*
 * exchange.h - expert parallelism: rows are sent to the devices of their experts, and weighted sums
 * come back.
 *
 * Layer step. The router's shard group sends each row once to every machine that holds some of the
 * row's experts, with the routing weights for them; the machine sums the outputs of its experts for the
 * row and sends the sum back (as DeepSeek-AI's DeepEP does between nodes). If the router runs on
 * several devices, each has all rows, and the returned sums are added up over them. The numbers of rows
 * and of experts hit are those of llm/routing.h. The backward pass sends gradients of the sums out, and
 * gradients of the rows and of the routing weights back.
 */
#ifndef SIM_STEP_EXCHANGE_H
#define SIM_STEP_EXCHANGE_H
#include "sim/step/program.h"

struct exchange {
	struct program *program;
	const struct shape *shape;
	const struct shards *at;   /* the experts' devices */
	const struct shards *home; /* the router's devices */
	struct label label;
};

/* Appends the exchange and the experts between its two halves. after: the tasks that complete the rows
 * on the router's devices. with (may be NULL): entry r completes a part of the sum that the router's
 * device r computed besides. Returns the tasks after which the sum is complete on the router's devices. */
struct deps exchange_put(const struct exchange *e, const struct deps *after, const struct deps *with);

#endif
