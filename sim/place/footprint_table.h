/*
 * footprint_table.h - footprints of generation where each block is whole on one device, from a table of what each block needs
 * on each device.
 *
 * Layer place. For a search, which asks for the footprints of many such placements of one world. A sum has the terms of
 * footprint_generate() in the same order, so that it is the same number to the last bit. It has no draft model and no
 * weights on a disk.
 */
#ifndef SIM_PLACE_FOOTPRINT_TABLE_H
#define SIM_PLACE_FOOTPRINT_TABLE_H
#include "sim/place/footprint.h"
#include "sim/world/unit_slots.h"

struct footprint_table; /* opaque; in the arena */
/* slots: units that share one need the same. */
struct footprint_table *footprint_table_make(struct arena *a, const struct world *w,
					     const struct unit_slots *slots);

/* Fills in out[machine]. prefill, decode: [block], the unit that runs it. */
void footprint_table_sum(const struct footprint_table *t, const uint8_t *prefill, const uint8_t *decode,
			 struct footprint *out);

#endif
