/*
 * plan.h - an assignment as it is changed by annealing: ranges of layers in a row, and moves between them.
 *
 * Layer search. A plan is a seating (space.h) for each leg, written down so that every change of it is one,
 * too: a group of roles is a row of ranges, each of at least one layer, no device twice.
 */
#ifndef SIM_SEARCH_PLAN_H
#define SIM_SEARCH_PLAN_H
#include "sim/base/rng.h"
#include "sim/search/space.h"

struct range {
	uint8_t unit;
	int32_t layers;
};
struct row {
	size_t n;
	struct range at[SPACE_UNITS];
};

enum { BESIDE = UINT8_MAX }; /* an end of the model that is where the layer beside it is */

struct plan_leg {
	struct row group[GROUPS];
	bool parted;             /* else all roles are where group 0 is */
	uint8_t split;           /* which of the space's */
	uint8_t embedding, head; /* units, or BESIDE */
};
struct plan {
	size_t variant;
	bool apart; /* else leg 0 is for both */
	struct plan_leg leg[LEGS];
};

struct plan_space {
	const struct world *w;
	struct split splits[SPLITS];
	size_t splits_n, variants_n, layers, blocks;
	unsigned *has; /* of a layer: roles, as bits */
	uint8_t *role; /* of a block */
	int32_t *layer;
};
void plan_space_make(struct arena *a, const struct world *w, size_t variants, struct plan_space *s);

struct plan plan_alone(const struct plan_space *s, size_t unit);
/* All devices in a row, as far as there are layers: from `first` to the fastest that is joined to the last
 * one and so on; each has layers as it has speed. */
struct plan plan_by_speed(const struct plan_space *s, size_t first, const double *speed);

/* One change, by chance; false: the one that was drawn cannot be made. */
bool plan_move(const struct plan_space *s, struct plan *p, struct rng *rng);

/* The seating of a leg, into a seating that has its arrays, and the unit of each block. */
void plan_seat(const struct plan_space *s, const struct plan_leg *leg, struct seating *out, uint8_t *at);

#endif
