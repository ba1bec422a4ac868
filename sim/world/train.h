/*
 * train.h - what a scenario says of training: one optimizer step, and how it is carried out.
 *
 * Layer world. The field tables and the checks of `train:`, in the workload and in an assignment.
 */
#ifndef SIM_WORLD_TRAIN_H
#define SIM_WORLD_TRAIN_H
#include "sim/conf/field.h"
#include "sim/llm/graph.h"

struct assignment;
struct scenario;

enum train_method { TRAIN_FULL, TRAIN_LORA, TRAIN_QLORA /* adapters on quantised weights */ };
enum recompute {
	RECOMPUTE_NONE,
	RECOMPUTE_SELECTIVE, /* the attention scores are made again (Korthikanti et al., arXiv:2205.05198) */
	RECOMPUTE_FULL       /* a block keeps its input alone and runs forward again */
};
enum optimizer {
	OPTIMIZER_NONE,
	OPTIMIZER_SGD,
	OPTIMIZER_MOMENTUM,
	OPTIMIZER_ADAM,
	OPTIMIZER_ADAMW,
	OPTIMIZER_ADAM_8BIT,
	OPTIMIZER_N
};

/* The order of the micro-batches' forward and backward passes in the stages; see sim/train/pipeline.h. */
enum train_schedule {
	SCHEDULE_SERIAL,
	SCHEDULE_GPIPE,
	SCHEDULE_1F1B,
	SCHEDULE_INTERLEAVED,
	SCHEDULE_ZB_H1,
	SCHEDULE_ZB_H2,
	SCHEDULE_ZB_V,
	SCHEDULE_N
};
extern const char *const schedule_names[SCHEDULE_N + 1];

/* The part of a training step that an assignment may override. */
struct train_options {
	struct origin origin;
	int schedule, recompute;
	int64_t in_flight; /* micro-batches a device may hold; 0: as many as the schedule asks for */
	int all_reduce;    /* enum reduce_way, of the gradients of a data split */
	double bucket;     /* its bytes; 0: all gradients at once */
	bool overlap;      /* a bucket is sent as soon as it is made, not when the backward pass is over */
};

struct train {
	struct origin origin;
	int64_t tokens, batch, micro_batches; /* batch: sequences of one micro-batch */
	int beyond_context;                   /* enum beyond_context */
	double padding;                       /* the share of tokens that cost and do not count */
	int method, optimizer;
	int64_t rank, layers;      /* of the adapters; how many of the last layers are trained, 0: all */
	struct field_list targets; /* names of adapters; empty: q and v */
	bool master; /* the optimizer keeps weights in f32 beside those that are computed with */
	struct train_options options;
};
extern const struct table train_table;         /* struct train */
extern const struct table train_options_table; /* struct train_options of an assignment */

unsigned train_adapters(const struct train *t); /* enum adapter as bits; 0 in full training */

/* The workload's training with the options that the assignment overrides. */
struct train train_as(const struct train *t, const struct assignment *a);

/* What a table row cannot tell: adapters for targets that exist, a method that the weights' format allows. */
void train_check(const struct scenario *s, struct diags *diags);

#endif
