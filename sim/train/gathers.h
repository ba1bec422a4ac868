/*
 * gathers.h - the weights that ranks gather before a pass, since each has a part of them.
 *
 * Layer train. With ZeRO 1 and 2 a replica updates its part of the weights, and gathers the others' when all of its own are done
 * (NVIDIA/Megatron-LM@d98e8a64 megatron/core/optimizer/distrib_optimizer.py, step_with_ready_grads(); DeepSpeed@02aa38c3
 * deepspeed/runtime/zero/stage_1_and_2.py, step()); with `step_overlap` while the next step's first micro-batch goes forward.
 * With ZeRO 3 (Rajbhandari et al., arXiv:1910.02054, section 5.3; PyTorch FSDP, Zhao et al., arXiv:2304.11277, section 3.2)
 * it keeps no more than its part, and gathers the weights of a block before each pass, while the block before is computed:
 * two blocks' are there at a time.
 */
#ifndef SIM_TRAIN_GATHERS_H
#define SIM_TRAIN_GATHERS_H
#include "sim/train/stages.h"

enum { GATHERED_BLOCKS = 2 }; /* whole blocks of ZeRO 3 on a device at a time */

struct gathers {
	struct program *p;
	const struct stages *st;
	const struct train *t;
	bool ahead, behind, always; /* at the beginning of the step, at its end; before every pass */
	struct deps (*of)
		[SHARDS_MAX]; /* [block][replica]: after which it has the weights; of those gathered ahead */
	struct deps (*updated)[SHARDS_MAX]; /* [unit][replica]: its update, of those gathered at the end */
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

/* Notes the update of a block by a replica, or where there is none the sum of its gradients. */
void gathers_note_update(struct gathers *g, size_t replica, size_t block, const struct deps *x);
/* Appends what is gathered at the end of the step; once all updates are noted. */
void gathers_end(struct gathers *g);

#endif
