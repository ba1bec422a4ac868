/*
 * anneal_state.h - an assignment as it is changed by annealing: ranges of layers in a row, and moves between
 * them.
 *
 * Layer search. A state is a layer map (space.h) for each phase group, written down so that every change of
 * it is one, too: a group of roles is a row of ranges, each of at least one layer, no device twice.
 */
#ifndef SIM_SEARCH_ANNEAL_STATE_H
#define SIM_SEARCH_ANNEAL_STATE_H
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

struct anneal_phase_group {
	struct row group[GROUPS];
	bool parted;             /* else all roles are where group 0 is */
	uint8_t split;           /* which of the space's */
	uint8_t embedding, head; /* units, or BESIDE */
};
struct anneal_state {
	size_t variant;
	bool apart; /* else phase group 0 is for both */
	struct anneal_phase_group phase_group[PHASE_GROUPS];
};

struct anneal_space {
	const struct world *w;
	struct split splits[SPLITS];
	size_t splits_n, variants_n, layers, blocks;
	unsigned *has; /* of a layer: roles, as bits */
	uint8_t *role; /* of a block */
	int32_t *layer;
};
void anneal_space_make(struct arena *a, const struct world *w, size_t variants, struct anneal_space *s);

struct anneal_state anneal_state_alone(const struct anneal_space *s, size_t unit);
/* All devices in a row, as far as there are layers: from `first` to the fastest that is joined to the last
 * one and so on; each has layers as it has speed. */
struct anneal_state anneal_state_by_speed(const struct anneal_space *s, size_t first, const double *speed);

/* One change, at random; false: the one that was drawn cannot be made. */
bool anneal_state_move(const struct anneal_space *s, struct anneal_state *p, struct rng *rng);

/* The layer map of a phase group, into a layer map that has its arrays, and the unit of each block. */
void anneal_state_seat(const struct anneal_space *s, const struct anneal_phase_group *phase_group,
		       struct layer_map *out, uint8_t *at);

#endif
