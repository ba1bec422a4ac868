/*
 * space.h - the assignments that a search considers, as seatings.
 *
 * Layer search. A seating seats the blocks of one phase: the roles of a layer fall into at most two groups
 * (splits[] says how), each group is cut into contiguous ranges of layers, a device that a group has left it
 * does not come back to; embedding and head may be anywhere. So a seating holds every contiguous cut, every
 * role split, and both at once. The two legs of a job (prefill and decode; forward and backward) have a
 * seating each, or share one. A device that no seating names is left out.
 */
#ifndef SIM_SEARCH_SPACE_H
#define SIM_SEARCH_SPACE_H
#include "sim/place/place.h"
#include "sim/predict/predict.h"

enum { GROUPS = 2, PHASE_GROUPS = 2, SPACE_UNITS = 16 };

/* Ways to part the roles of a layer; a row is added here. */
struct split {
	unsigned second; /* roles of the second group, as bits; the others are in the first */
};
/* Those that tell the model's roles apart, each once; returns how many (<= SPLITS). */
enum { SPLITS = 4 };
size_t space_splits(const struct model *m, struct split out[SPLITS]);

struct layer_map {
	unsigned second;       /* roles of the second group */
	uint8_t *unit[GROUPS]; /* of each layer */
	uint8_t embedding, head;
};
size_t layer_map_unit(const struct model *m, const struct layer_map *l, size_t block);
uint8_t *layer_map_units(struct arena *a, const struct model *m,
			 const struct layer_map *l); /* of each block */
struct shards *layer_map_seats(struct arena *a, const struct model *m, const struct layer_map *l);
/* Everything on one unit; in the arena. */
struct layer_map layer_map_all_on(struct arena *a, const struct world *w, size_t unit);
bool layer_map_same(const struct model *m, const struct layer_map *a, const struct layer_map *b);

/* Features that tell kinds of assignments apart; bits. */
enum {
	HAS_CUT = 1,    /* a group of roles lies on several devices */
	HAS_ROLES = 2,  /* groups lie apart in some layer */
	HAS_ENDS = 4,   /* embedding or head is not where the first or the last layer is */
	HAS_PHASES = 8, /* the legs differ */
	KINDS = 16,
	KIND_OF_PHASE_GROUP = HAS_CUT | HAS_ROLES | HAS_ENDS
};
bool layer_map_has(const struct model *m, unsigned roles, size_t layer);   /* any of them in that layer? */
unsigned layer_map_kind(const struct model *m, const struct layer_map *l); /* of one leg */
unsigned layer_map_mask(const struct model *m, const struct layer_map *l); /* its units, as bits */

/* How many seatings there are on so many units. */
double space_count(const struct model *m, size_t units);

/* What a candidate is: the seatings of the goal's job, leg by leg. The other job, where it is asked, runs all
 * of its phases as leg 1 does. */
struct candidate {
	enum job job;
	const struct layer_map *phase_group[PHASE_GROUPS];
	const char *options, *how_words; /* what the assignment says besides, see variants.h; NULL: nothing */
};
struct placement candidate_place(struct arena *a, const struct world *w, const struct candidate *c);

/* The same as the rules of an assignment, in YAML: "[{on: m4pro}, {phase: prefill, on: m5}]"; and in words:
 * "prefill: all on m5; decode: all on m4pro". */
const char *candidate_rules(struct arena *a, const struct world *w, const struct candidate *c);
const char *candidate_words(struct arena *a, const struct world *w, const struct candidate *c);

#endif
