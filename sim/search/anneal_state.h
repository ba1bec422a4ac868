/*
 * anneal_state.h - the state of the annealing: an assignment as ordered ranges of layers, and the moves on
 * it.
 *
 * Layer search. A state holds one layer map (space.h) for each phase group, in a form in which every move
 * gives a valid layer map again: each group of roles is an ordered list of ranges, every range has at least
 * one layer, and no device occurs twice in a list.
 */
#ifndef SIM_SEARCH_ANNEAL_STATE_H
#define SIM_SEARCH_ANNEAL_STATE_H
#include "sim/base/rng.h"
#include "sim/search/space.h"

struct range {
	uint8_t unit;
	int32_t layers;
};
struct range_list {
	size_t n;
	struct range at[SPACE_UNITS];
};

enum { WITH_LAYER = UINT8_MAX }; /* the embedding or the head is on the device of the layer next to it */

struct anneal_phase_group {
	struct range_list group[GROUPS];
	bool roles_split;        /* false: all roles follow group[0] */
	uint8_t split;           /* index into anneal_space.splits */
	uint8_t embedding, head; /* unit index, or WITH_LAYER */
};
struct anneal_state {
	size_t variant;
	bool phases_split; /* false: both phase groups use phase_group[0] */
	struct anneal_phase_group phase_group[PHASE_GROUPS];
};

struct anneal_space {
	const struct world *w;
	struct split splits[SPLITS];
	size_t splits_n, variants_n, layers, blocks;
	unsigned *has;             /* [layer]: the roles that the layer has, as bits */
	uint8_t *role;             /* [block] */
	size_t twins[SPACE_UNITS]; /* see twins.h */
	/* [unit]: the first of its twins, which a unit without any is; the next after it; SPACE_UNITS: it is the last */
	uint8_t first_twin[SPACE_UNITS], next_twin[SPACE_UNITS];
	bool all_joined; /* a link joins every two machines */
	int32_t *layer;
};
void anneal_space_make(struct arena *a, const struct world *w, size_t variants, struct anneal_space *s);

struct anneal_state anneal_state_alone(const struct anneal_space *s, size_t unit);
/* Divides the layers over all devices in proportion to `speed` ([unit], layers per second). The order
 * begins with the unit `first` and goes on with the fastest unused device that links join to all the
 * previous ones. At most as many devices are used as there are layers. */
struct anneal_state anneal_state_by_speed(const struct anneal_space *s, size_t first, const double *speed);
/* The same over some of the devices, the fastest first. */
struct anneal_state anneal_state_over(const struct anneal_space *s, const struct unit_set *units,
				      const double *speed);

/* *to = *from, without the room for ranges that there are not. */
void anneal_state_copy(const struct anneal_state *from, struct anneal_state *to);

/* A state as long as its ranges are, to be kept: one has room for SPACE_UNITS in each list. */
struct packed_state {
	size_t room; /* ranges that it can hold */
	size_t variant;
	bool phases_split;
	struct packed_group {
		size_t n[GROUPS];
		bool roles_split;
		uint8_t split, embedding, head;
	} phase_group[PHASE_GROUPS];
	struct range at[]; /* of all lists, one after the other */
};
/* old: one that is not needed any more, whose room is used if it suffices; NULL: none. In the arena. */
struct packed_state *anneal_state_pack(struct arena *a, struct packed_state *old,
				       const struct anneal_state *p);
void anneal_state_unpack(const struct packed_state *from, struct anneal_state *to);

/* Applies one random move to *p. Returns false if the move that was drawn cannot be applied; *p may then
 * have changed or not, but is valid. */
bool anneal_state_move(const struct anneal_space *s, struct anneal_state *p, struct rng *rng);

/* Exchanges equal machines so that they are used in the order of their numbers, from the first layer on: all states that an
 * exchange leads to become one. */
void anneal_state_order_twins(const struct anneal_space *s, struct anneal_state *p);

/* The features (HAS_CUT and so on) of a phase group with such a map, from what is tabulated. */
unsigned anneal_state_kind(const struct anneal_space *s, const struct layer_map *l, const uint8_t *at);

/* Writes the layer map of a phase group to *out, whose arrays the caller has allocated, and the unit of
 * each block to at[]. */
void anneal_state_layer_map(const struct anneal_space *s, const struct anneal_phase_group *phase_group,
			    struct layer_map *out, uint8_t *at);

#endif
