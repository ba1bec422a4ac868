/* place_checks.c - see place_checks.h. */
#include "sim/place/place_checks.h"

#include <stdio.h>
#include <stdlib.h>

void placement_check_complete(const struct placement_maker *mk, const struct placement *p)
{
	const struct model *m = mk->w->model;

	for (int phase = 0; phase < PHASE_N; phase++) {
		for (size_t b = 0; p->shard_groups[phase] && b < p->blocks_n; b++) {
			const struct block k = model_block(m, b);
			char where[40] = "";

			if (p->shard_groups[phase][b].n || (!m->ends && k.layer < 0))
				continue;
			if (k.layer >= 0)
				snprintf(where, sizeof where, " of layer %lld", (long long)k.layer);
			diag_add(mk->diags, mk->a->origin.node->place,
				 "begin with a rule for everything: {on: NAME}",
				 "assignment '%s': no rule places %s%s in %s", mk->a->name,
				 role_names[k.part.role], where, phase_names[phase]);
			return; /* only the first gap is reported */
		}
	}
}

/* In training, the activations and gradients of a split block stay on the devices that made them. NEEDSWORK:
 * the transfer of parts to another split is modelled for the KV cache alone, so other splits are refused
 * here. */
void placement_check_splits(const struct placement_maker *mk, const struct placement *p)
{
	static const enum phase pairs[][2] = {{PHASE_FORWARD, PHASE_BACKWARD},
					      {PHASE_BACKWARD, PHASE_UPDATE}};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		const struct shards *a = p->shard_groups[pairs[i][0]], *b = p->shard_groups[pairs[i][1]];

		for (size_t k = 0; a && k < p->blocks_n; k++) {
			const bool split = a[k].n > 1 || b[k].n > 1;

			if (!split || shard_group_same(&a[k], &b[k]))
				continue;
			diag_add(mk->diags, mk->a->origin.node->place,
				 "give both phases the same split, or none",
				 "assignment '%s': %s is split by %s and placed otherwise in %s than in %s",
				 mk->a->name, role_names[model_block(mk->w->model, k).part.role],
				 a[k].data || b[k].data               ? "data"
				 : a[k].by_experts || b[k].by_experts ? "experts"
								      : "tensor",
				 phase_names[pairs[i][0]], phase_names[pairs[i][1]]);
			return;
		}
	}
}

/* [unit]: whether it runs anything. The caller frees it. */
static bool *find_used(const struct world *w, const struct placement *p)
{
	bool *used = xcalloc(w->units_n, sizeof *used);

	for (size_t u = 0; u < w->units_n; u++)
		for (int x = 0; x < PHASE_N; x++)
			used[u] = used[u] || placement_uses(p, (enum phase)x, u);
	return used;
}

void placement_check_links(const struct placement_maker *mk, const struct placement *p)
{
	const struct world *w = mk->w;
	bool *used = find_used(w, p);

	for (size_t a = 0; a < w->units_n; a++) {
		for (size_t b = 0; b < a; b++) {
			const size_t ma = w->units[a].machine, mb = w->units[b].machine;

			if (used[a] && used[b] && ma != mb && world_link_use(w, ma, mb) == WORLD_NONE)
				diag_add(mk->diags, mk->a->origin.node->place, "add one under 'links:'",
					 "assignment '%s': no link joins '%s' and '%s'", mk->a->name,
					 w->machines[mb].origin.name, w->machines[ma].origin.name);
		}
	}
	free(used);
}
