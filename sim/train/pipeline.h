/*
 * pipeline.h - the order in which each stage of a training pipeline runs its passes.
 *
 * Layer train. This file has no models or devices: a chunk is on a stage, and each of its passes takes a
 * given time. A pass is forward (F), the gradient of the input (B) or the gradient of the weights (W).
 * Schedules that split backward are those of Qi et al., "Zero Bubble Pipeline Parallelism"
 * (arXiv:2401.10241) and "Pipeline Parallelism with Controllable Memory" (arXiv:2405.15362); in the others
 * B stands for both gradients.
 *
 * If the chunks are placed as a paper assumes, the paper's order is used (published_schedules.h). For
 * other layouts, and for stages of unequal times if it is shorter, a list schedule under the same limit of
 * memory is used (list_schedule.h).
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

struct chunk {                /* consecutive layers that run as one unit in a pass */
	size_t stage[PASS_N]; /* W runs on the device of B */
	sim_ns ns[PASS_N];    /* negative: no such pass (frozen weights). Only the lowest chunks may lack B */
	/* transfer from this chunk's F to the next chunk's F, and from its B to that of the chunk before */
	sim_ns hop_ns[2];
};

struct pipeline {
	const struct chunk *chunks; /* in the order of the model */
	size_t chunks_n, stages_n;
	uint32_t micros;
	int64_t in_flight; /* largest number of micro-batches that a stage holds; 0: the schedule's own */
	uint32_t
		more; /* so many micro-batches more are to be run, which repeat a cycle of those that are here (cycle.h) */
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
	bool joined;                /* B computes both gradients; there is no W */
	bool published;             /* the order of a paper; else a list schedule */
	/* Where there are more: the order is that of all of them if they are a multiple of this. 0: it may be another. */
	uint32_t cycle;
};

/* The placement of chunks on p stages; F, B and W of a chunk on the same stage. */
enum layout {
	LAYOUT_CHAIN,  /* chunk c on stage c */
	LAYOUT_LOOPED, /* chunk c on stage c mod p, the same number on every stage */
	LAYOUT_VEE     /* 0 1 .. p-1 p-1 .. 1 0 */
};
bool pipeline_is(const struct pipeline *p, enum layout layout);

bool schedule_splits(enum train_schedule s); /* whether it runs B and W as separate passes */

/* The orders of all stages, in the arena. Every layout has an order; SCHEDULE_ZB_V needs LAYOUT_VEE, which
 * the caller has checked (BUG). */
struct stage_orders pipeline_make(struct arena *a, enum train_schedule s, const struct pipeline *p);

/* The result of running the orders: each stage takes its actions in order, each as soon as its inputs are
 * available. */
struct simulated_orders {
	bool whole; /* every pass ran once; false: an order lacks a pass, or stages deadlock */
	sim_ns makespan_ns;
	struct simulated_stage {
		sim_ns busy_ns, first_ns, last_ns; /* time of work; first start, last end */
		/* largest number of chunks' activations held at once: from F to the last pass */
		int64_t held;
	} * stages;
	struct simulated_action { /* all actions, each after its dependencies */
		struct action action;
		sim_ns start_ns;
	} * actions;
	size_t actions_n;
};
struct simulated_orders pipeline_simulate(struct arena *a, const struct pipeline *p,
					  const struct stage_orders *o);

/* The pipeline with no more micro-batches than orders are compared for: which one is shorter shows by the beginning, the end and
 * the cycle between, and taking each with thousands of micro-batches costs more than it gains. A last group of an interleaved
 * schedule stays as it is. */
struct pipeline pipeline_compared(const struct pipeline *p);

/* The pipeline for a schedule without split backward: the time of W is added to B. */
struct pipeline pipeline_joined(struct arena *a, const struct pipeline *p);

#endif
