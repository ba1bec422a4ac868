/*
 * rounds.h - the algorithms of collective operations as rounds of messages between ranks 0 .. n - 1.
 *
 * Layer step; for collective.c. A rank sends in a round what it has after the round before. Sources: collective.h.
 */
#ifndef SIM_STEP_ROUNDS_H
#define SIM_STEP_ROUNDS_H
#include <stdbool.h>

#include "sim/base/vec.h"
#include "sim/hw/hw.h"

struct hop {
	int from, to;
	double part; /* of the tensor */
};

struct rounds {
	enum reduce_way way; /* not REDUCE_AUTO */
	bool gather;
	int n;               /* ranks */
	const double *share; /* [rank]: its part of the tensor, for all-gathers at once; NULL: all the same */
	/* hierarchical: ranks of box b are box[b * box_n] .. box[(b + 1) * box_n - 1] */
	const int *box;
	int box_n;
};

/* The number of rounds, and the messages of one; what `out` held is dropped. */
int rounds_count(const struct rounds *r);
typedef VEC(struct hop) hop_list;
void rounds_hops(const struct rounds *r, int round, hop_list *out);

/* How far apart the ranks are that swap in a round: a power of two; 0: each sends to the next. */
int rounds_distance(const struct rounds *r, int round);

/* What every rank sends in a round to one other, where each gets one message, too, and all are as large; 0: it is not so. */
double rounds_each(const struct rounds *r, int round);

#endif
