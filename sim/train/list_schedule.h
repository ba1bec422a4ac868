/*
 * list_schedule.h - list schedules of a pipeline: each stage does the best of what it can do at once.
 *
 * Layer train. For any layout and any times; the rules are those of the heuristic of Qi et al.
 * (arXiv:2401.10241, section 3.1): forwards as long as memory allows, then one B and one F by turns, W where
 * there is a gap, or where memory asks for it. Its binary choices are tried one after the other.
 */
#ifndef SIM_TRAIN_LIST_SCHEDULE_H
#define SIM_TRAIN_LIST_SCHEDULE_H
#include "sim/train/pipeline.h"

struct limits {
	int64_t admit;       /* micro-batches that have begun and are not through */
	const int64_t *hold; /* chunks' activations on each stage; NULL: no limit */
	bool forward_first;  /* no B before the last F (GPipe) */
};

/* The best of the tried; false where none gets through, which only a `hold` can bring about. */
bool list_schedule(struct arena *a, const struct pipeline *p, const struct limits *l, struct stage_orders *o);

#endif
