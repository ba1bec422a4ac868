/* layer_maps.c - see layer_maps.h. */
#include "tests/search/layer_maps.h"

/* The device of a group counts only in layers that have a role of it. */
unsigned layer_map_kind(const struct model *m, const struct layer_map *l)
{
	const size_t n = model_blocks(m);
	int before[GROUPS] = {-1, -1};
	unsigned kind = 0;

	for (size_t i = 0; i < (size_t)m->layers; i++) {
		const bool both = layer_has_roles(m, l->second, i);

		for (int g = 0; g < (both ? GROUPS : 1); g++) {
			kind |= before[g] >= 0 && l->unit[g][i] != before[g] ? HAS_CUT : 0;
			before[g] = l->unit[g][i];
		}
		kind |= both && l->unit[0][i] != l->unit[1][i] ? HAS_ROLES : 0;
	}
	if (l->embedding != layer_map_unit(m, l, 1) || l->head != layer_map_unit(m, l, n - 2))
		kind |= HAS_ENDS;
	return kind;
}

struct unit_set layer_map_used(const struct model *m, const struct layer_map *l)
{
	struct unit_set used = {{0}};

	for (size_t b = m->ends ? 0 : 1; b < model_blocks(m) - (m->ends ? 0 : 1); b++)
		unit_set_add(&used, layer_map_unit(m, l, b));
	return used;
}
