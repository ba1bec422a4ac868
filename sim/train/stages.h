/*
 * stages.h - a placement as pipelines: replicas, the chunks of each, their times and their orders.
 *
 * Layer train. A replica is one device of a data split with its share of the micro-batches, or the whole
 * placement. A chunk is a run of blocks with the same devices in forward and in backward; a stage is a
 * device that runs chunks, so a device whose layers are not contiguous has several chunks and interleaves
 * them.
 */
#ifndef SIM_TRAIN_STAGES_H
#define SIM_TRAIN_STAGES_H
#include "sim/step/program.h"
#include "sim/train/cycle.h"
#include "sim/train/pipeline.h"
#include "sim/train/trainable.h"

struct data_replica {
	struct placement at;    /* its placement, without data splits */
	uint32_t first, micros; /* number of micro-batches of the step that it runs */
	size_t *bounds;         /* chunk c is blocks bounds[c] .. bounds[c + 1] - 1 */
	struct pipeline pipe;   /* as the schedule needs it: B and W as one pass or two */
	struct stage_orders stage_orders;
	struct simulated_orders simulated_orders;
};

struct stages {
	struct data_replica *replicas;
	size_t n;
	size_t first, last; /* first and last existing block of the model */
	struct trainable trainable;
	struct cycles_left_out left_out;
	uint32_t
		more; /* micro-batches of each replica that are to be left out beside those of its pipeline */
};

/* A pass of one micro-batch through one block. */
struct block_pass {
	uint32_t replica, micro, block;
	enum pass_kind kind;
};

/* Leaves out cycles that every replica repeats, with their micro-batches; false: there are none to leave out. What is kept
 * before them is so many times what a stage holds at most. */
struct shortening {
	size_t times;
	bool sorted; /* by start, which finds the shortest cycles; else one stage after the other, as they were simulated */
	size_t after; /* cycles that must stay after them, equal to those before */
	size_t fold;  /* cycles that are taken as one */
};
bool stages_shorten(struct arena *a, struct stages *s, const struct shortening *how);

/* Brings the actions of each replica into the order in which they start, so that those of one instant stand in one order
 * whether cycles were left out or not. */
void stages_sort(struct arena *a, struct stages *s);

/* The devices of a data split, of which each is the device of a replica; NULL: there is none. */
const struct shards *stages_data_group(const struct placement *at);
size_t stages_split_n(const struct placement *at); /* the replicas of that split; 1 without one */

/* Replica i of the split, with its chunks and stages and without orders. */
struct data_replica stages_replica(struct arena *a, const struct placement *at, size_t i,
				   enum train_schedule schedule);

/* How many replicas share a step: those of a data split, times those that each stands for. */
size_t stages_replicas(const struct placement *at);

/* 0, or -1 with diagnostics: data splits that contradict each other, a layout that the schedule cannot
 * have, fewer micro-batches than replicas. */
int stages_check(const struct placement *at, struct diags *diags);

/* Of an interleaved schedule, whose stages run micro-batches in groups of as many as there are stages (arXiv:2104.04473, section
 * 2.2): how many are left for the last group, and the stages. 0: all groups are whole, or it is another schedule. */
size_t stages_last_group(const struct placement *at, size_t *stages_n);

/* The stages of a placement that stages_check() accepted; the program supplies the times of blocks. In the
 * arena. */
struct stages stages_make(struct arena *a, struct program *p, const struct placement *at);

/* The same stages with so few micro-batches that they have come to repeat a cycle, and the rest as `more`; 0 where there are no
 * such. stages_shorten() leaves them out. */
struct stages stages_make_few(struct arena *a, struct program *p, const struct placement *at);

/* Returns whether a step is in two halves, all forward passes and then all backward ones, each micro-batch by micro-batch through a chain
 * of stages: GPipe. */
bool stages_in_halves(const struct stages *s);

/* The stages of such a step with so many micro-batches before those that are left out of both halves, and as few as there must be after
 * them; false: it is none, or too short, or a machine has several of its stages, whose activations and gradients it holds together. */
bool stages_make_halves(struct arena *a, struct program *p, const struct placement *at, uint32_t before,
			struct stages *out);

/* Makes the classes of all blocks, in the order in which stages_make() does. */
void stages_classes(struct program *p, const struct placement *at);

/* A copy, to be shortened. */
struct stages stages_copy(struct arena *a, const struct stages *s);

/* Bytes of a block's weights that are trained, and of their gradients as they are kept. */
double stages_weights_B(const struct stages *s, size_t block);
double stages_gradient_B(const struct stages *s, size_t block);

/* The time of a block's pass on its devices; 0 if the block has no such pass. */
sim_ns stages_block_ns(struct program *p, const struct stages *s, const struct data_replica *r, size_t block,
		       enum pass_kind pass);

/* Returns whether a block has that pass. B: from the lowest trained block up; W: blocks with trained
 * weights. */
bool stages_has(const struct stages *s, const struct data_replica *r, size_t block, enum pass_kind pass);

struct label stages_label(const struct stages *s, const struct data_replica *r, size_t block,
			  enum pass_kind pass);

/* Distributes micro-batches over n devices: by shares (largest remainders), or, if those are 0, such that
 * the slowest device ends as early as possible; ns: the time of one micro-batch on each. */
void stages_share_out(uint32_t micros, size_t n, const double *shares, const sim_ns *ns, uint32_t *out);

#endif
