/*
 * list_schedule.h - list schedules of a pipeline: each stage runs the best of the actions that are ready.
 *
 * Layer train. For any layout and any times, by the rules of the heuristic of Qi et al. (arXiv:2401.10241,
 * section 3.1): forwards as long as memory allows, then B and F in alternation, and W in gaps or when
 * memory requires it. All combinations of its binary choices are tried.
 */
#ifndef SIM_TRAIN_LIST_SCHEDULE_H
#define SIM_TRAIN_LIST_SCHEDULE_H
#include "sim/train/pipeline.h"

struct limits {
	int64_t admit;       /* largest number of micro-batches in flight */
	const int64_t *hold; /* [stage]: largest number of chunks' activations held; NULL: no limit */
	bool forward_first;  /* no B before the last F (GPipe) */
	/* [stage]: a stage that holds so many chunks' activations runs W, which frees them, before anything else; NULL: W may wait
	 * until the end, with the activations of all micro-batches */
	const int64_t *relief;
};

/* The shortest schedule of those tried; false if all of them deadlock, which only a `hold` can cause. */
bool list_schedule(struct arena *a, const struct pipeline *p, const struct limits *l, struct stage_orders *o);

#endif
