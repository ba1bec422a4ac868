/*
 * pipeline.h - the order in which each stage of a training pipeline runs its passes.
 *
 * Layer train. It knows neither models nor devices: a chunk lies on a stage, and each of its passes takes a
 * time. A pass is forward (F), the gradient of the input (B) or the gradient of the weights (W). Schedules
 * that split backward are those of Qi et al., "Zero Bubble Pipeline Parallelism" (arXiv:2401.10241) and
 * "Pipeline Parallelism with Controllable Memory" (arXiv:2405.15362); in the others B stands for both
 * gradients.
 *
 * Where the chunks lie as a paper assumes, the paper's order is used (published_schedules.h). Elsewhere, and
 * where stages take unequal times and it is shorter, a list schedule under the same limit of memory
 * (list_schedule.h).
 */
#ifndef SIM_TRAIN_PIPELINE_H
#define SIM_TRAIN_PIPELINE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/mem.h"
#include "sim/base/vec.h"
#include "sim/des/evq.h"
#include "sim/world/scenario.h"

enum pass_kind { PASS_FORWARD, PASS_INPUT, PASS_WEIGHTS, PASS_N };

struct chunk {                /* consecutive layers that a pass goes through as one unit */
	size_t stage[PASS_N]; /* W runs where B does */
	sim_ns ns[PASS_N]; /* negative: there is no such pass (frozen weights). Only the lowest chunks lack B
			    */
	sim_ns hop_ns[2];  /* from this chunk's F to the next chunk's F; from its B to that of the one before
			    */
};

struct pipeline {
	const struct chunk *chunks; /* along the model */
	size_t chunks_n, stages_n;
	uint32_t micros;
	int64_t in_flight; /* micro-batches that a stage may hold at most; 0: what the schedule itself allows
			    */
};

struct action {
	uint32_t micro, chunk;
	enum pass_kind pass;
};
struct stage_order {
	struct action *at;
	size_t n;
};
struct stage_orders {
	struct stage_order *stages; /* stages_n */
	bool joined;                /* B makes both gradients, there is no W */
	bool published;             /* a paper's own order; else a list schedule */
};

/* How the chunks lie on p stages; F, B and W of a chunk on the same. */
enum layout {
	LAYOUT_CHAIN,  /* chunk c on stage c */
	LAYOUT_LOOPED, /* chunk c on stage c mod p, every stage as often */
	LAYOUT_VEE     /* 0 1 .. p-1 p-1 .. 1 0 */
};
bool pipeline_is(const struct pipeline *p, enum layout layout);

bool schedule_splits(enum train_schedule s); /* does it run B and W apart? */

/* The orders of all stages, in the arena. Every layout has one; SCHEDULE_ZB_V needs LAYOUT_VEE, which the
 * caller has checked (BUG). */
struct stage_orders pipeline_make(struct arena *a, enum train_schedule s, const struct pipeline *p);

/* The result of running the orders: each stage takes its actions in order, each as soon as its inputs are
 * there. */
struct simulated_orders {
	bool whole; /* every pass ran once; false: an order lacks a pass, or two stages wait for each other */
	sim_ns makespan_ns;
	struct simulated_stage {
		sim_ns busy_ns, first_ns, last_ns; /* of work; first start, last end */
		int64_t held; /* chunks' activations held at once, at most: from F to the last pass */
	} * stages;
	struct simulated_action { /* all of them, each behind those it depends on */
		struct action action;
		sim_ns start_ns;
	} * actions;
	size_t actions_n;
};
struct simulated_orders pipeline_simulate(struct arena *a, const struct pipeline *p,
					  const struct stage_orders *o);

/* The pipeline as a schedule without split backward sees it: the time of W is added to B. */
struct pipeline pipeline_joined(struct arena *a, const struct pipeline *p);

#endif
