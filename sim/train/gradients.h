/*
 * gradients.h - the sums of gradients over the replicas of a training step.
 *
 * Layer train. A bucket of gradients is summed when all replicas have computed it in every micro-batch; where replicas share
 * out gradients (ZeRO 2), also in each micro-batch before the last.
 */
#ifndef SIM_TRAIN_GRADIENTS_H
#define SIM_TRAIN_GRADIENTS_H
#include "sim/step/collective.h"
#include "sim/train/stages.h"

/* Sums of gradients before the last micro-batch (ZeRO 2). A round is one micro-batch of every replica that has so many. */
struct scatters {
	uint32_t rounds;                 /* 0: gradients are summed once */
	struct deps *computed;           /* [micro][block]: tasks that computed the micro-batch's gradients */
	size_t *unsent;                  /* [round]: as struct builder's, of all rounds but the last */
	struct deps (*sums)[SHARDS_MAX]; /* [block][replica]: of the newest round */
	/* [unit]: its newest sum, and the one before that; NULL: gradients stay until all are there */
	struct deps *newest, *before;
};

struct gradients {
	struct program *p;
	const struct stages *st;
	const struct train *t;
	size_t replicas; /* with those that the placement stands for */
	bool scattered;  /* the last sums too: new weights are gathered after the update, see gathers.h */
	size_t blocks_n;
	size_t unsent;     /* gradients of the blocks below this one are not yet sent */
	struct deps *done; /* [replica]: its newest backward pass */
	/* [block][replica]: tasks after which it has the block's gradients of every micro-batch, summed where they are */
	struct deps (*of)[SHARDS_MAX];
	struct scatters scatters;
};

/* In the arena; p and st must outlive it. */
struct gradients gradients_begin(struct arena *a, struct program *p, const struct placement *at,
				 const struct stages *st);

/* Over which link ranks sum gradients. */
enum equals gradients_equals(const struct train *t);

/* A collective operation of gradients, or of weights, among the ranks that a device stands for. */
struct deps gradients_collective(struct program *p, const struct train *t, size_t unit,
				 const struct collective *c, struct label label, const struct deps *after);

/* Notes the tasks of a backward pass; appends the sums of buckets that it has completed. */
void gradients_note(struct gradients *g, const struct block_pass *pass, const struct deps *x);

/* The sums that the next pass on these devices waits for, which may compute gradients of weights; NULL: none. */
const struct deps *gradients_awaited(const struct gradients *g, const struct shards *on, bool computes);

/* Appends the sums that are left. */
void gradients_end(struct gradients *g);

#endif
