/* memory.c - see memory.h. */
#include "sim/train/memory.h"

#include <math.h>

#include "sim/train/trained.h"

static double most(const struct placement *p, const enum phase *phases, size_t n, size_t block, size_t mi)
{
	double share = 0;

	for (size_t i = 0; i < n; i++)
		share = fmax(share, fit_share(p, phases[i], block, mi));
	return share;
}

void train_fit(const struct placement *p, struct fit *out)
{
	static const enum phase all[] = {PHASE_FORWARD, PHASE_BACKWARD, PHASE_UPDATE};
	const struct world *w = p->world;
	const struct train train = placement_train(p), *t = &train;
	const bool full = t->method == TRAIN_FULL;
	struct arena scratch = ARENA_INIT;
	const struct trained tr = trained_make(&scratch, w, t);

	for (size_t mi = 0; mi < w->machines_n; mi++) {
		struct fit *f = &out[mi];
		double again_B = 0; /* of the block that runs forward again: one at a time */

		*f = (struct fit){.usable_B = w->machines[mi].memory.usable.value,
				  /* an update of adapters needs no more than them */
				  .weights_B = fit_weights_B(p, all, full ? 3 : 2, mi)};
		for (size_t b = 0; b < p->blocks_n; b++) {
			const struct seat *seat = &p->seats[PHASE_BACKWARD][b];
			const double trained = tr.blocks[b].numbers, on = most(p, all, 2, b, mi);

			f->activations_B += on * (double)t->micro_batches * trained_kept_B(&tr, b, seat);
			again_B = fmax(again_B, on * trained_again_B(&tr, b, seat));
			f->gradients_B += fit_share(p, PHASE_BACKWARD, b, mi) * tr.blocks[b].gradient_B;
			f->optimizer_B += fit_share(p, PHASE_UPDATE, b, mi) * trained * optimizer_state_B(t);
			if (!full) /* adapters are weights too */
				f->weights_B += most(p, all, 3, b, mi) * tr.blocks[b].gradient_B;
		}
		f->activations_B += again_B;
	}
	arena_release(&scratch);
}
