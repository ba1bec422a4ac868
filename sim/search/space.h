/*
 * space.h - the assignments that a search considers, as layer maps.
 *
 * Layer search. A layer map gives each block of one phase a device. The roles of a layer fall into at most
 * two groups (space_splits()); each group is cut into contiguous ranges of layers and does not return to a
 * device that it has left; the embedding and the head may be on any device. The space therefore holds every
 * contiguous cut, every split by roles, and both together. The two phase groups of a job (prefill and decode;
 * forward and backward) each have a layer map or share one. A device that no layer map uses is left out.
 */
#ifndef SIM_SEARCH_SPACE_H
#define SIM_SEARCH_SPACE_H
#include "sim/place/place.h"
#include "sim/predict/predict.h"
#include "sim/search/unit_set.h"

enum { GROUPS = 2, PHASE_GROUPS = 2 };

/* A way to split the roles of a layer into two groups; the ways are rows of a table in space.c. */
struct split {
	unsigned second; /* roles of the second group, as bits; the other roles are in the first */
};
/* Writes the splits that differ for the model's roles to out; returns their number (<= SPLITS). */
enum { SPLITS = 4 };
size_t space_splits(const struct model *m, struct split out[SPLITS]);

struct layer_map {
	unsigned second;       /* roles of the second group, as bits */
	uint8_t *unit[GROUPS]; /* [layer]: unit index */
	uint8_t embedding, head;
};
size_t layer_map_unit(const struct model *m, const struct layer_map *l, size_t block);
/* [block]: unit index, in the arena */
uint8_t *layer_map_units(struct arena *a, const struct model *m, const struct layer_map *l);
struct shards *layer_map_shard_groups(struct arena *a, const struct model *m, const struct layer_map *l);
/* All blocks on one unit; in the arena. */
struct layer_map layer_map_all_on(struct arena *a, const struct world *w, size_t unit);
bool layer_map_same(const struct model *m, const struct layer_map *a, const struct layer_map *b);

/* Features that define the kind of an assignment; bits. */
enum {
	HAS_CUT = 1,    /* a group of roles is on several devices */
	HAS_ROLES = 2,  /* the groups are on different devices in some layer */
	HAS_ENDS = 4,   /* the embedding or the head is not on the device of the first or last layer */
	HAS_PHASES = 8, /* the phase groups have different layer maps */
	KINDS = 16,
	KIND_OF_PHASE_GROUP = HAS_CUT | HAS_ROLES | HAS_ENDS
};
/* does the layer have any of these roles? */
bool layer_has_roles(const struct model *m, unsigned roles, size_t layer);

/* The number of pairs of these units that are on two machines which no link joins. Unless it is 0, no assignment
 * can be split over the units: place_make() refuses one, in whatever order its passes go through them. */
size_t space_unjoined(const struct world *w, const struct unit_set *units);

bool space_on_one(unsigned units); /* at most one unit (bits) */

/* The number of layer maps on that many units. */
double space_count(const struct model *m, size_t units);

/* A candidate: the layer maps of the goal's job, one for each phase group. If the scenario also asks for
 * another job, all phases of that job use the layer map of phase group 1. */
struct candidate {
	enum job job;
	const struct layer_map *phase_group[PHASE_GROUPS];
	const char *options, *variant_words; /* other options of the assignment, see variants.h; NULL: none */
};
struct placement candidate_place(struct arena *a, const struct world *w, const struct candidate *c);

/* The candidate as the rules of an assignment in YAML: "[{on: m4pro}, {phase: prefill, on: m5}]"; and in
 * words: "prefill: all on m5; decode: all on m4pro". Both live in the arena. */
const char *candidate_rules(struct arena *a, const struct world *w, const struct candidate *c);
const char *candidate_words(struct arena *a, const struct world *w, const struct candidate *c);

#endif
