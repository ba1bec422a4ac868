/*
 * segments.h - private to the room: the segments of a compiled program (compile.h).
 *
 * Layer step. A segment is a run of tasks on one queue of which the first may wait for others and only the last is waited
 * for. Rounds of a collective operation, each after the lag of the one before, are one segment where nothing else came
 * between them on their queue. Segments that follow each other whatever their times are become one: chain.h.
 */
#ifndef SIM_STEP_SEGMENTS_H
#define SIM_STEP_SEGMENTS_H
#include "sim/step/chain.h"
#include "sim/step/compile.h"
#include "sim/step/sharing.h"

/* Cycles of segments that are left out: a segment of a cycle is that of the cycle before, `len` earlier. */
struct segment_loop {
	size_t at, len,
		n; /* the missing ones would begin with that number; segments of a cycle; how many cycles */
	size_t window; /* so many cycles before `at` are what later segments depend on */
};

/* Tasks of a class on a queue that others share a resource with. */
struct lone {
	uint32_t queue, op_class;
	uint32_t older; /* 1 + that of the same class before it; 0: none */
};

struct compiled {
	const struct program *program;
	struct sharing sharing;
	bool shares; /* times hold only if no two tasks use a shared resource at once (compile.c) */
	struct lone *lones;
	size_t lones_n;
	struct task_segment *segments;
	struct body *bodies;
	struct piece *pieces;
	uint32_t *deps; /* segments */
	size_t segments_n, bodies_n, queues_n;
	uint32_t marks[4];
	struct cycle *cycles; /* segments */
	size_t cycles_n;
	struct segment_loop loop, second; /* second: of a program with halves (paces.h) */
};

#endif
