/* fit.c - see fit.h. */
#include "sim/place/fit.h"

#include <math.h>
#include <string.h>

double fit_need_B(const struct fit *f)
{
	return f->weights_B + f->kv_B + f->activations_B + f->gradients_B + f->optimizer_B;
}

double fit_short_B(const struct fit *f)
{
	return fmax(0, fit_need_B(f) - f->usable_B);
}

struct shape prefill_shape(const struct generate *g)
{
	const int64_t groups = g->how.micro_batches > 1 ? g->how.micro_batches : 1;
	const int64_t tokens = g->how.chunk > 0 && g->how.chunk < g->prompt ? g->how.chunk : g->prompt;

	return (struct shape){
		.batch = (g->batch + groups - 1) / groups, .tokens = tokens, .past = g->prompt - tokens};
}

double fit_share(const struct placement *p, enum phase phase, size_t block, size_t mi)
{
	const struct seat *s;
	double share = 0;

	if (!p->seats[phase])
		return 0;
	s = &p->seats[phase][block];
	for (int i = 0; i < s->n; i++)
		if (p->world->units[s->unit[i]].machine == mi)
			share += s->data ? 1 : s->share[i];
	return fmin(share, 1);
}

static double most(const struct placement *p, const enum phase *phases, size_t n, size_t block, size_t mi)
{
	double share = 0;

	for (size_t i = 0; i < n; i++)
		share = fmax(share, fit_share(p, phases[i], block, mi));
	return share;
}

double fit_weights_B(const struct placement *p, const enum phase *phases, size_t n, size_t mi)
{
	const struct model *m = p->world->model;
	const struct precision *pr = &p->world->scenario->precision;
	double bytes = 0;
	bool table = false;

	for (size_t b = 0; b < p->blocks_n; b++) {
		const struct part part = model_block(m, b).part;
		const double on = most(p, phases, n, b, mi);
		const double share =
			part.role == ROLE_EMBEDDING && on > 0 ? 1 : on; /* a split copies the table */

		if (share <= 0)
			continue;
		bytes += share * part_weights_B(m, pr, part);
		if (part.role == ROLE_EMBEDDING)
			table = true;
		if (part.role == ROLE_HEAD && m->tied_head && m->ends && !table) /* it needs the table too */
			bytes += part_weights_B(m, pr, (struct part){ROLE_EMBEDDING, false});
	}
	return bytes;
}

void fit_generate(const struct placement *p, struct fit *out)
{
	static const enum phase both[] = {PHASE_PREFILL, PHASE_DECODE};
	const struct world *w = p->world;
	const struct generate g = placement_generate(p);
	const struct precision *pr = &w->scenario->precision;
	struct shape shape = prefill_shape(&g);

	for (size_t mi = 0; mi < w->machines_n; mi++) {
		struct fit *f = &out[mi];

		*f = (struct fit){.usable_B = w->machines[mi].memory.usable.value,
				  .weights_B = fit_weights_B(p, both, 2, mi)};
		for (size_t b = 0; b < p->blocks_n; b++) {
			const struct part part = model_block(w->model, b).part;
			const struct seat *seat = &p->seats[PHASE_PREFILL][b];
			const double prefill = fit_share(p, PHASE_PREFILL, b, mi);

			if (part.role == ROLE_ATTENTION)
				f->kv_B += fmax(graph_kv_B(w->model, pr, part, g.batch, g.prompt + g.tokens) *
							fit_share(p, PHASE_DECODE, b, mi),
						graph_kv_B(w->model, pr, part, g.batch, g.prompt) * prefill);
			/* one block's tensors are alive at a time: the largest counts */
			shape.all_logits = part.role == ROLE_HEAD && seat_all_logits(w, seat);
			f->activations_B =
				fmax(f->activations_B, prefill * graph_live_B(w->model, pr, &shape, part,
									      seat_writes_scores(w, seat)));
		}
	}
}
