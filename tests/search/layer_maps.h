/* layer_maps.h - what a layer map is, found block by block: the search tabulates it, and is held against this. */
#ifndef TESTS_SEARCH_LAYER_MAPS_H
#define TESTS_SEARCH_LAYER_MAPS_H
#include "sim/search/space.h"

unsigned layer_map_kind(const struct model *m, const struct layer_map *l); /* features of one phase group */
struct unit_set layer_map_used(const struct model *m, const struct layer_map *l);

#endif
