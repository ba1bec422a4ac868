/*
 * chunk_pass.h - the tasks of a chunk's pass, found once and put again for each micro-batch.
 *
 * Layer train. The passes of a chunk are alike but for the micro-batch. The first one is written block by block; what it consists of is
 * kept with the places of what it waits for, and its tasks that take turns on the stage's device and on the link of its equal
 * devices become one (step/pass_class.h). They may where nothing comes between them: a device takes its tasks in order, and
 * the link is idle when the first of them starts, since that has waited for the link's latest task, and has no others than
 * those of this device. One case hangs on the times: the last sum of an earlier pass that waits for a gather on another link, too (context
 * parallelism), may be ready after the link's latest task; joined_holds() finds it.
 */
#ifndef SIM_TRAIN_CHUNK_PASS_H
#define SIM_TRAIN_CHUNK_PASS_H
#include "sim/step/program.h"

/* What a pass may wait for: sets of one task each, or empty ones, in the same order for each micro-batch. */
struct awaited {
	const struct deps *of;
	size_t n;
};

/* The pass of a chunk; all zero: not looked at yet. */
struct chunk_pass {
	enum { PASS_UNSEEN, PASS_KNOWN, PASS_OTHER } state; /* OTHER: to be written block by block */
	struct kept_task {
		uint32_t queue, op_class;
		uint32_t first_dep, deps_n;
		struct label label;
	} * tasks;
	struct kept_dep {
		bool inside; /* of: the number of a task of the pass; else of what it waits for */
		uint32_t of;
	} * deps, *ends; /* ends: [block of the chunk] */
	bool *ended;     /* [block of the chunk]: it has an end */
	uint32_t tasks_n;
};

/* What was written of a pass, from a task of the program to its last. */
struct written_pass {
	uint32_t first;         /* task */
	uint32_t device;        /* the queue of its stage */
	int ranks;              /* that the device stands for */
	bool links;             /* whether the link of equal devices is its own */
	const struct deps *end; /* [block of the chunk]; empty: the block has no such pass */
	size_t blocks_n,
		last; /* last: the block that ends the pass, whose end other stages may wait for; those of the others only
				   later tasks of the same device do */
};

/* Returns whether a chunk whose passes are alike may begin at a block: what crosses to it is the output of the block before alone. */
bool chunk_pass_begins(const struct model *m, size_t block);

/* Keeps a pass, in the arena, and takes it from the program; false: it stays, and is no pass to be kept. */
bool chunk_pass_keep(struct arena *a, struct chunk_pass *c, struct program *p, const struct written_pass *w,
		     const struct awaited *awaited);

/* Puts a pass that is kept, for a micro-batch. Sets the ends of its blocks. */
void chunk_pass_put(const struct chunk_pass *c, struct program *p, uint32_t micro,
		    const struct awaited *awaited, struct deps *ends, size_t blocks_n);

#endif
