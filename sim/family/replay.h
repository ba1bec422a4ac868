/*
 * replay.h - a benchmark's run on one device, of a whole model or of an operator alone, costed operator by
 * operator: what `simulate` says of it, and what a runtime's parameters are fitted to.
 *
 * Layer family. A run of a model is a request, and its passes are those of request_passes.h; on one device
 * all operators run one after the other, so its time is a sum. A product alone is timed with the host waiting
 * for it: gemm's `sync`, of which the launch of its kernel is part.
 */
#ifndef SIM_FAMILY_REPLAY_H
#define SIM_FAMILY_REPLAY_H
#include "sim/runs/ingest.h"
#include "sim/cost/cost.h"
#include "sim/step/request_passes.h"

struct planned_op {
	struct op op;
	double times; /* how often it occurs, as a weight */
};

/* What a run asks of a device, whatever that takes of it. */
struct replay_plan {
	struct planned_op *at; /* in the arena */
	size_t n;
};

/* The request that a run of a model makes of a runtime: of its profile only `last_apart` counts. */
struct request replay_request(const struct profile *profile, const struct run *run);

/* A run of a model; of the profile only `last_row`, `last_apart`, `all_logits` and `honours` count. */
struct replay_plan replay_plan(struct arena *a, const struct model *m, const struct precision *p,
			       const struct profile *profile, const struct run *run);

struct replay_op {
	struct cost cost;
	bool is_step;
	double times; /* as planned */
};

struct replay {
	struct replay_op *at; /* in the arena */
	size_t n;
	enum provenance from; /* where its parameters come from, at worst */
	bool of_program;      /* of a model, not of one operator alone */
};

enum replay_param { REPLAY_ARITHMETIC, REPLAY_MEMORY, REPLAY_KERNEL, REPLAY_STEP, REPLAY_PARAMS };

/* m, p: NULL for an operator alone; a product's dtype is the device model's. */
struct replay replay_make(struct arena *a, const struct model *m, const struct precision *p,
			  const struct device_model *device_model, const struct run *run);

struct replay replay_of(struct arena *a, const struct replay_plan *plan,
			const struct device_model *device_model);

/* What `simulate` says of the run: each operator of a model takes whole nanoseconds. */
double replay_seconds(const struct replay *r);
/* The same with parameters drawn from their spread; z as for cost_seconds_drawn(). */
double replay_seconds_drawn(const struct replay *r, const struct params *z);

/* For fits, whose slopes a rounded time would spoil: not rounded. speed: the first two divide times (2: twice
 * as fast), the last two multiply overheads. */
double replay_seconds_at(const struct replay *r, const double speed[REPLAY_PARAMS]);
/* Likewise, of the plan as it is, without storing its costs. */
double replay_plan_seconds(const struct replay_plan *plan, const struct device_model *device_model);

/* What most of the time goes to, and its share of all. */
enum param replay_bound(const struct replay *r, double *share);

#endif
