/*
 * gathers.h - the weights that ranks gather before a pass, since each has a part of them.
 *
 * Layer train. With `step_overlap` a replica has updated its part of the weights at the end of the step before (ZeRO 1 and 2), and
 * gathers the others' while the first micro-batch goes forward. With ZeRO 3 (Rajbhandari et al., arXiv:1910.02054, section 5.3; PyTorch
 * FSDP, Zhao et al., arXiv:2304.11277, section 3.2) it keeps no more than its part, and gathers the weights of a block before
 * each pass, while the block before is computed: two blocks' are there at a time.
 */
#ifndef SIM_TRAIN_GATHERS_H
#define SIM_TRAIN_GATHERS_H
#include "sim/train/stages.h"

enum { GATHERED_BLOCKS = 2 }; /* whole blocks of ZeRO 3 on a device at a time */

struct gathers {
	struct program *p;
	const struct stages *st;
	const struct train *t;
	bool ahead, always; /* at the beginning of the step; before every pass */
	struct deps (*of)
		[SHARDS_MAX]; /* [block][replica]: after which it has the weights; of those gathered ahead */
	struct deps (*before)[GATHERED_BLOCKS]; /* [unit]: its newest passes, the newest first */
};

/* Appends what is gathered ahead. In the arena; p and st must outlive it. */
struct gathers gathers_begin(struct arena *a, struct program *p, const struct placement *at,
			     const struct stages *st);

/* Whether a pass of that micro-batch waits for weights. */
bool gathers_awaits(const struct gathers *g, const struct data_replica *r, uint32_t micro,
		    enum pass_kind kind);

/* Joins to `also` what a pass on these devices waits for; appends a gather where there is one for it. */
void gathers_await(struct gathers *g, const struct block_pass *pass, const struct shards *on,
		   struct deps *also);

/* Notes the tasks of a pass. */
void gathers_note(struct gathers *g, const struct shards *on, const struct deps *x);

#endif
