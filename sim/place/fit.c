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

struct shape train_shape(const struct train *t)
{
	return (struct shape){.batch = t->batch,
			      .tokens = t->tokens,
			      .all_logits = true,
			      .train_weights = t->method == TRAIN_FULL,
			      .lora_rank = t->method == TRAIN_LORA ? t->rank : 0};
}

struct shape prefill_shape(const struct generate *g)
{
	const int64_t groups = g->how.micro_batches > 1 ? g->how.micro_batches : 1;
	const int64_t tokens = g->how.chunk > 0 && g->how.chunk < g->prompt ? g->how.chunk : g->prompt;

	return (struct shape){
		.batch = (g->batch + groups - 1) / groups, .tokens = tokens, .past = g->prompt - tokens};
}

double train_kept_B(const struct world *w, struct part part)
{
	const struct shape s = train_shape(w->scenario->workload.train);

	if (w->scenario->workload.train->recompute == RECOMPUTE_NONE)
		return graph_saved_B(w->model, &w->scenario->precision, &s, part);
	if (part.role == ROLE_EMBEDDING || (part.role == ROLE_HEAD && !w->model->ends))
		return 0;
	return (double)(s.batch * s.tokens) * graph_hidden_B(w->model, &w->scenario->precision);
}

double optimizer_state_B(enum optimizer o)
{
	return o == OPTIMIZER_ADAMW ? 8 : 0; /* two moments in f32 (Loshchilov & Hutter, arXiv:1711.05101) */
}

double optimizer_traffic_B(enum optimizer o, double width_B)
{
	switch (o) {
	case OPTIMIZER_NONE:
		return 0;
	case OPTIMIZER_SGD: /* read p and g, write p */
		return 3 * width_B;
	case OPTIMIZER_ADAMW: /* and read and write both moments */
		return 3 * width_B + 2 * optimizer_state_B(o);
	}
	BUG("no such optimizer");
}

/* The share of a block that machine mi holds in a phase; shares of devices of one machine add up. */
static double share_on(const struct placement *p, enum phase phase, size_t block, size_t mi)
{
	const struct seat *s;
	double share = 0;

	if (!p->seats[phase])
		return 0;
	s = &p->seats[phase][block];
	for (int i = 0; i < s->n; i++)
		if (p->world->units[s->unit[i]].machine == mi)
			share += s->share[i];
	return fmin(share, 1);
}

static double most(const struct placement *p, const enum phase *phases, size_t n, size_t block, size_t mi)
{
	double share = 0;

	for (size_t i = 0; i < n; i++)
		share = fmax(share, share_on(p, phases[i], block, mi));
	return share;
}

static double weights_B(const struct placement *p, const enum phase *phases, size_t n, size_t mi)
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
				  .weights_B = weights_B(p, both, 2, mi)};
		for (size_t b = 0; b < p->blocks_n; b++) {
			const struct part part = model_block(w->model, b).part;
			const struct seat *seat = &p->seats[PHASE_PREFILL][b];
			const double prefill = share_on(p, PHASE_PREFILL, b, mi);

			if (part.role == ROLE_ATTENTION)
				f->kv_B += fmax(graph_kv_B(w->model, pr, part, g.batch, g.prompt + g.tokens) *
							share_on(p, PHASE_DECODE, b, mi),
						graph_kv_B(w->model, pr, part, g.batch, g.prompt) * prefill);
			/* one block's tensors are alive at a time: the largest counts */
			shape.all_logits = part.role == ROLE_HEAD && seat_all_logits(w, seat);
			f->activations_B =
				fmax(f->activations_B, prefill * graph_live_B(w->model, pr, &shape, part,
									      seat_writes_scores(w, seat)));
		}
	}
}

void fit_train(const struct placement *p, struct fit *out)
{
	static const enum phase all[] = {PHASE_FORWARD, PHASE_BACKWARD, PHASE_UPDATE};
	const struct world *w = p->world;
	const struct train *t = w->scenario->workload.train;
	const struct precision *pr = &w->scenario->precision;
	const struct shape s = train_shape(t);

	for (size_t mi = 0; mi < w->machines_n; mi++) {
		struct fit *f = &out[mi];
		double again_B = 0; /* of the block that runs forward again: one at a time */

		*f = (struct fit){.usable_B = w->machines[mi].memory.usable.value,
				  /* an update of adapters needs no more than them */
				  .weights_B = weights_B(p, all, s.train_weights ? 3 : 2, mi)};
		for (size_t b = 0; b < p->blocks_n; b++) {
			const struct part part = model_block(w->model, b).part;
			const double trained = graph_trainable(w->model, &s, part);
			const double on = most(p, all, 2, b, mi);

			/* GPipe keeps what every micro-batch saved until its backward pass */
			f->activations_B += on * (double)t->micro_batches * train_kept_B(w, part);
			again_B = fmax(again_B, on * graph_saved_B(w->model, pr, &s, part));
			f->gradients_B += share_on(p, PHASE_BACKWARD, b, mi) *
					  format_bytes((enum format_id)pr->compute, trained);
			f->optimizer_B += share_on(p, PHASE_UPDATE, b, mi) * trained *
					  optimizer_state_B((enum optimizer)t->optimizer);
			if (!s.train_weights) /* adapters are weights too */
				f->weights_B += most(p, all, 3, b, mi) *
						format_bytes((enum format_id)pr->compute, trained);
		}
		f->activations_B += t->recompute == RECOMPUTE_FULL ? again_B : 0;
	}
}
