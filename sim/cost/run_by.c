/* run_by.c - see run_by.h. */
#include "sim/cost/run_by.h"

#include "sim/hw/programs.h"
#include "sim/llm/scans.h"

const struct model *model_run_by(struct arena *a, const struct model *m, const struct profile *p)
{
	const char *name = m->architecture;

	return model_as_run(a, m,
			    (struct run_as){.window = profile_honours(p, HONOUR_WINDOW, name),
					    .latent = profile_honours(p, HONOUR_LATENT, name),
					    .sparse_prefill = profile_honours(p, HONOUR_SPARSE_PREFILL, name),
					    .sparse_decode = profile_honours(p, HONOUR_SPARSE_DECODE, name),
					    .by_hand = {profile_by_hand(p, BY_HAND_CAPS, name),
							profile_by_hand(p, BY_HAND_NORMS, name),
							profile_by_hand(p, BY_HAND_GATES, name)},
					    .absorbs = runtime_absorbs(p->origin.name),
					    .scans = scan_kernels_of(p->origin.name)});
}
