/*
 * train.h - the job `train` in a scenario: one optimizer step, and options of how it is run.
 *
 * Layer world. The field tables and the checks of `train:`, in the workload and in an assignment.
 */
#ifndef SIM_WORLD_TRAIN_H
#define SIM_WORLD_TRAIN_H
#include "sim/conf/field.h"
#include "sim/hw/hw.h"
#include "sim/llm/graph.h"

struct assignment;
struct scenario;

enum train_method { TRAIN_FULL, TRAIN_LORA, TRAIN_QLORA /* adapters on quantised weights */ };
enum recompute {
	RECOMPUTE_NONE,
	RECOMPUTE_SELECTIVE, /* the attention scores are computed again */
	RECOMPUTE_FULL       /* a block keeps only its input and runs its forward pass again */
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

/* The order of the forward and backward passes of micro-batches on the stages; see sim/train/pipeline.h. */
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
	int64_t in_flight; /* largest number of micro-batches that a device holds; 0: as the schedule needs */
	int all_reduce;    /* enum reduce_way, for the gradients of a data split */
	/* Each device stands for so many equal ones: the ranks of a tensor split, and replicas of all of them, which share the
	 * micro-batches. 1: for itself */
	int64_t tensor_parallel, data_parallel;
	/* Ranks that share the tokens of each sequence and send their keys and values on in a ring (Liu et al., Ring Attention,
	 * arXiv:2310.01889); each has an early and a late part of a sequence, so that a causal mask leaves all as much to do */
	int64_t context_parallel;
	/* what of an update replicas share out (Rajbhandari et al., ZeRO, arXiv:1910.02054): 1: optimizer states, 2: gradients,
	 * too, which are then summed in every micro-batch, 3: and weights, gathered before each pass */
	int64_t zero;
	/* ranks of a tensor split share norms and residuals by tokens (Korthikanti et al., arXiv:2205.05198, section 4.2.2): a
	 * reduce-scatter before and an all-gather after them, which together cost as much as the all-reduce */
	bool sequence_parallel;
	/* the products of ranks run in pieces, so that a piece is reduce-scattered, or gathered, while the next one is computed
	 * (Megatron-LM --tp-comm-overlap; needs sequence_parallel) */
	bool tensor_overlap;
	/* weights that replicas have updated (ZeRO) are gathered while the next step's first forward passes run */
	bool step_overlap;
	double bucket; /* bytes of a bucket of gradients; 0: all gradients at once */
	bool overlap;  /* a bucket is sent as soon as it is complete, not at the end of the backward pass */
};

struct train {
	struct origin origin;
	int64_t tokens, batch, micro_batches; /* batch: sequences of one micro-batch */
	int beyond_context;                   /* enum beyond_context */
	double padding; /* the share of padding: tokens that take time and are not counted */
	int method, optimizer;
	/* rank of the adapters; number of trained layers, counted from the last, 0: all */
	int64_t rank, layers;
	struct field_list targets; /* names of adapters; empty: q and v */
	bool master;               /* the optimizer keeps a copy of the weights in f32 */
	int states; /* enum dtype: of the optimizer's moments, but for those of 8 bits; f32 where not said */
	int gradients; /* enum dtype: of gradients as they are kept, see train_gradient_B() */
	struct train_options options;
};
extern const struct table train_table;         /* struct train */
extern const struct table train_options_table; /* struct train_options of an assignment */

/* Bytes of a number of the gradients that are kept and summed over micro-batches and replicas; 0: they are as the arithmetic's.
 * Megatron-LM (accumulate_allreduce_grads_in_fp32) and PyTorch with weights in f32 keep them in f32. */
double train_gradient_B(const struct train *t);

unsigned train_adapters(const struct train *t); /* enum adapter as bits; 0 in full training */

/* The workload's training with the options that an assignment overrides. */
struct train train_as(const struct train *t, const struct assignment *a);

/* Ranks that each have a copy of the same weights, whose gradients they sum. */
int64_t train_gradient_ranks(const struct train_options *o);

/* The most devices of that kind that one stands for in the workload or in an assignment. */
int64_t train_equals(const struct scenario *s, enum equals e);

/* Checks across keys: adapters on projections that exist, a method that the weights' format allows. */
void train_check(const struct scenario *s, struct diags *diags);

#endif
