/* offload.c - see offload.h. */
#include "sim/place/offload.h"

#include <math.h>

#include "sim/place/footprint.h"

/* The weights of a machine's blocks of one kind. */
struct block_sum {
	double all_B, largest_B;
};

static void add(struct block_sum *h, double bytes)
{
	h->all_B += bytes;
	h->largest_B = fmax(h->largest_B, bytes);
}

/* Bytes freed if all of them stay on the disk, less the buffers of two blocks. */
static double most_B(const struct block_sum *h)
{
	return fmax(0, h->all_B - 2 * h->largest_B);
}

bool offload_free(const struct placement *p, size_t machine, double short_B, struct offload *o,
		  double *disk_B)
{
	static const enum phase both[] = {PHASE_PREFILL, PHASE_DECODE};
	struct block_sum experts = {0, 0}, others = {0, 0};
	struct offload share = {0, 0};

	if (!p->world->machines[machine].disk)
		return false;
	for (size_t b = 0; b < p->blocks_n; b++) {
		const enum role role = model_block(p->world->model, b).part.role;

		if (role != ROLE_EMBEDDING)
			add(role == ROLE_EXPERTS ? &experts : &others,
			    footprint_block_B(p, both, 2, b, machine));
	}
	if (short_B > most_B(&experts) + most_B(&others))
		return false;
	share.experts = most_B(&experts) > 0 ? fmin(1, short_B / most_B(&experts)) : 0;
	short_B -= share.experts * most_B(&experts);
	share.others = most_B(&others) > 0 ? fmax(0, short_B) / most_B(&others) : 0;
	*o = share;
	*disk_B = share.experts * experts.all_B + share.others * others.all_B;
	return true;
}

double offload_read_B(const struct offload *o, const struct placement *p, enum phase phase, size_t block,
		      size_t machine, double tokens)
{
	const struct model *m = p->world->model;
	const enum role role = model_block(m, block).part.role;
	double share = role == ROLE_EXPERTS ? o->experts : role == ROLE_EMBEDDING ? 0 : o->others;

	if (share <= 0)
		return 0;
	if (role == ROLE_EXPERTS)
		share *= experts_hit(m->experts, tokens) / (double)m->experts->count;
	return share * footprint_block_B(p, &phase, 1, block, machine);
}
