/*
 * predicted_run.h - the predicted time of a benchmark's run on one device, of a whole model or of one operator, as a
 * sum over its operators. It is what `simulate` predicts for the run, and what fits compare with measured times.
 *
 * Layer family. A run of a model is a request, whose passes are those of sim/step/request_passes.h; on one device
 * all operators run one after the other, so that the time is a sum; a block's launches add what the host is longer. A GEMM alone is timed with the host waiting for
 * it: its overhead is the profile's gemm `sync`, of which the launch of the kernel is part.
 */
#ifndef SIM_FAMILY_PREDICTED_RUN_H
#define SIM_FAMILY_PREDICTED_RUN_H
#include "sim/runs/ingest.h"
#include "sim/cost/cost.h"
#include "sim/cost/op_rates.h"
#include "sim/step/request_passes.h"

struct planned_op {
	struct op op;
	double times; /* how often the run has it; not whole where passes stand for several */
	bool ends_block;
};

/* The operators of a run, before a device gives them a cost. */
struct run_plan {
	struct planned_op *at; /* in the arena */
	size_t n;
};

/* The request that a run of a model makes of a runtime; of the profile only `last_apart` is read. */
struct generate_request run_request(const struct profile *profile, const struct run *run);

/* The operators of a run of a model; of the profile only `last_row`, `last_apart`, `all_logits`, `caches_only`, `honours` and whether it wires weights are
 * read. */
struct run_plan run_plan_make(struct arena *a, const struct model *m, const struct precision *p,
			      const struct profile *profile, const struct run *run);

struct predicted_op {
	struct cost cost;
	bool is_step;         /* the host's overhead of a step, not a kernel */
	struct cost launches; /* of the block that the operator is the last of; else nothing */
	struct op_rates rates;
	double times; /* as in struct planned_op */
};

struct predicted_run {
	struct predicted_op *at; /* in the arena */
	size_t n;
	enum provenance from; /* the weakest provenance of its parameters */
	bool of_program;      /* a model ran: its operators take whole nanoseconds */
};

/* Factors on the numbers of a profile. The first two are on all rates and utilisations, and those behind FACTOR_STEP are
 * relative to them: of some operators alone. */
enum run_factor {
	FACTOR_ARITHMETIC,
	FACTOR_MEMORY,
	FACTOR_KERNEL,
	FACTOR_STEP,
	FACTOR_CACHE,      /* attention of few queries: both its terms */
	FACTOR_PROMPT,     /* attention of many queries */
	FACTOR_SEVERAL,    /* products of two to some eight rows: what further rows take, in whole weights */
	FACTOR_SEVERAL_Q8, /* in weights of 8 bits, against that */
	FACTOR_SEVERAL_Q4,
	FACTOR_READ_Q8, /* rates of reading weights of 8 bits, against those of whole weights */
	FACTOR_READ_Q4,
	FACTOR_PRODUCT_Q8, /* utilisations of products of many rows with them */
	FACTOR_PRODUCT_Q4,
	FACTOR_PRODUCT_BF16, /* the same of weights in bf16, where they have kernels of their own */
	FACTOR_FIRST,        /* arithmetic of products of one row: unpacking weights as they come in */
	FACTOR_EXPERTS,      /* products of many rows of experts, against others of that format */
	FACTOR_RAMP, /* tokens of a pass at which dense products reach half of their rate (struct ramp) */
	FACTOR_RAMP_EXPERTS, /* those of experts */
	FACTOR_CONTEXT,   /* a context at which attention of prompts reaches half of its rate (struct ramp) */
	FACTOR_ATTENTION, /* attention of the table's utilisation; of the two others, against that of prompts */
	FACTOR_ATTENTION_OTHER,
	FACTOR_ATTENTION_ALONE,
	FACTORS
};
extern const char *const run_factor_names[FACTORS];

/* Sets the first four, and all that are relative to them to 1. */
void run_factors_set(double factor[FACTORS], double arithmetic, double memory, double kernel, double step);

/* The factors on the two rates that a term of an operator's cost is made of: those on all, and those of it alone. */
double run_factor_memory(const struct op_rates *r, const double factor[FACTORS]);
double run_factor_arithmetic(const struct op_rates *r, const double factor[FACTORS]);

/* The run on a device, in the arena. m, p: NULL for an operator alone; a GEMM is computed in the device model's
 * dtype. */
struct predicted_run predicted_run_make(struct arena *a, const struct model *m, const struct precision *p,
					const struct device_model *device_model, const struct run *run);

struct predicted_run predicted_run_of_plan(struct arena *a, const struct run_plan *plan,
					   const struct device_model *device_model);

/* Seconds, as `simulate` predicts them: each operator of a model takes whole nanoseconds. */
double predicted_run_seconds(const struct predicted_run *r);
/* The same with parameters drawn from their spreads; z as for cost_seconds_drawn(). */
double predicted_run_seconds_drawn(const struct predicted_run *r, const struct params *z);

/* Seconds for fits, not rounded, since rounding would spoil derivatives. factor, by enum run_factor: FACTOR_KERNEL and
 * FACTOR_STEP multiply overheads, FACTOR_RAMP, FACTOR_RAMP_EXPERTS and FACTOR_CONTEXT tokens, all others divide times (2: twice as fast). */
double predicted_run_seconds_at(const struct predicted_run *r, const double factor[FACTORS]);
/* The same with all factors 1, from a plan, without storing its costs. */
double run_plan_seconds(const struct run_plan *plan, const struct device_model *device_model);

/* The parameter that most of the time is spent on, and its share of the whole. */
enum param predicted_run_bound(const struct predicted_run *r, double *share);

#endif
