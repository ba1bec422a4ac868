/*
 * list_schedule.h - list schedules of a pipeline: each stage runs the best of the actions that are ready.
 *
 * Layer train. For any layout and any times, by the rules of the heuristic of Qi et al. (arXiv:2401.10241,
 * section 3.1): forwards as long as memory allows, then B and F in alternation, and W where there is a gap or
 * where memory asks for it. Its binary choices are all tried.
 */
#ifndef SIM_TRAIN_LIST_SCHEDULE_H
#define SIM_TRAIN_LIST_SCHEDULE_H
#include "sim/train/pipeline.h"

struct limits {
	int64_t admit;       /* micro-batches that have begun and not ended, at most */
	const int64_t *hold; /* chunks' activations on each stage; NULL: no limit */
	bool forward_first;  /* no B before the last F (GPipe) */
};

/* The shortest of those tried; false where all of them deadlock, which only a `hold` can cause. */
bool list_schedule(struct arena *a, const struct pipeline *p, const struct limits *l, struct stage_orders *o);

#endif
