/*
 * place_checks.h - private to the room: what the rules of an assignment leave open or contradict once all are applied.
 *
 * Layer place. Each check adds at most one diagnostic for each fault that it names.
 */
#ifndef SIM_PLACE_PLACE_CHECKS_H
#define SIM_PLACE_PLACE_CHECKS_H
#include "sim/place/place.h"

struct placement_maker {
	const struct world *w;
	const struct assignment *a;
	struct diags *diags;
};

/* Every block has a device in every phase that the workload runs; only the first gap is reported. */
void placement_check_complete(const struct placement_maker *mk, const struct placement *p);

void placement_check_splits(const struct placement_maker *mk, const struct placement *p);

/* Machines that work together are joined by a link. */
void placement_check_links(const struct placement_maker *mk, const struct placement *p);

#endif
