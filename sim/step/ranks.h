/*
 * ranks.h - the devices of a collective operation, and the time of its rounds by formula.
 *
 * Layer step; for collective.c.
 */
#ifndef SIM_STEP_RANKS_H
#define SIM_STEP_RANKS_H
#include "sim/step/rounds.h"
#include "sim/world/world.h"

struct ranks {
	const struct world *w;
	const size_t *unit;  /* [rank] */
	const double *share; /* NULL: all the same */
	int n;
};

/* From so many devices on, formulas take what repeats as a sum, and all to all is not tried. */
enum { FEW_RANKS = 64 };

size_t ranks_machine(const struct ranks *g, int i);
/* NULL: both are on one machine. */
const struct link_use *ranks_use(const struct ranks *g, int i, int j);
const struct link *ranks_link(const struct ranks *g, int i, int j);

/* Ranks of equal numbers that are near to one another: rank[box * size + place]. */
struct rank_boxes {
	int *rank;
	int n, size;
};
/* False where boxes are not of one size, or nothing is gained by them. */
bool ranks_boxes(struct arena *a, const struct ranks *g, struct rank_boxes *out);

/* Seconds of all rounds, for a tensor of so many bytes, from the time at which all devices have their parts. */
double ranks_rounds_s(const struct ranks *g, double bytes, const struct rounds *r);

#endif
