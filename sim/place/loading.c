/* loading.c - see loading.h. */
#include "sim/place/loading.h"

#include <math.h>

#include "sim/place/footprint.h"
#include "sim/place/shard_sizes.h"

static const enum phase both[] = {PHASE_PREFILL, PHASE_DECODE};

enum load_holds loading_holds(const struct placement *p, size_t mi)
{
	const struct world *w = p->world;
	enum load_holds most = LOAD_SHARE;

	for (size_t u = 0; u < w->units_n; u++)
		if (w->units[u].machine == mi && w->units[u].profile->load.holds > most &&
		    (placement_uses(p, PHASE_PREFILL, u) || placement_uses(p, PHASE_DECODE, u)))
			most = w->units[u].profile->load.holds;
	return most;
}

static double held_B(const struct placement *p, size_t block, size_t mi)
{
	return footprint_block_B(p, both, 2, block, mi);
}

/* The most that a layer of which the machine keeps a part has beyond that part. */
static double beyond_layer_B(const struct placement *p, size_t mi)
{
	double most = 0, beyond = 0;

	for (size_t b = 0; b < p->blocks_n; b++) {
		const bool begins = !b || model_block(p->world->model, b).layer !=
						  model_block(p->world->model, b - 1).layer;

		if (begins)
			beyond = 0;
		if (shard_sizes_held(p, both, 2, b, mi) > 0)
			beyond += fmax(0, footprint_whole_B(p, b) - held_B(p, b, mi));
		most = fmax(most, beyond);
	}
	return most;
}

static double all_B(const struct placement *p)
{
	double sum = 0;

	for (size_t b = 0; b < p->blocks_n; b++)
		sum += footprint_whole_B(p, b);
	return sum;
}

/* Of one model, of which `own` bytes are kept. */
static double model_loading_B(const struct placement *p, size_t mi, double own)
{
	const enum load_holds holds = own > 0 ? loading_holds(p, mi) : LOAD_SHARE;

	if (holds == LOAD_MODEL)
		return fmax(own, all_B(p));
	return holds == LOAD_LAYER ? own + beyond_layer_B(p, mi) : own;
}

double loading_B(const struct placement *p, size_t mi)
{
	const double own = footprint_weights_B(p, both, 2, mi), first = model_loading_B(p, mi, own);

	if (!p->draft)
		return first;
	return fmax(first, own + model_loading_B(p->draft, mi, footprint_weights_B(p->draft, both, 2, mi)));
}
