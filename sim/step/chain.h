/*
 * chain.h - segments that run one after the other whatever their times are become one.
 *
 * Layer step, for segments.c. A request that two machines take turns at is a chain of segments: each begins when the one
 * before it has come through, and all before that one have. The end of such a chain is the sum of its times, and nothing
 * in between is asked for.
 */
#ifndef SIM_STEP_CHAIN_H
#define SIM_STEP_CHAIN_H
#include "sim/base/vec.h"
#include "sim/step/program.h"

struct piece { /* tasks of one class */
	uint32_t op_class, n;
	uint32_t lags; /* how many of them have a lag that the rest of the segment waits for */
	uint32_t lone; /* 1 + the number of what they share (segments.h); 0: nothing */
};

struct body { /* the pieces of a segment; layers of one kind have the same */
	uint32_t first_piece, pieces_n;
};

struct task_segment {
	struct body pieces;
	uint32_t first_queue, queue; /* where it begins and ends */
	uint32_t body, first_dep, deps_n;
	uint32_t last_class; /* later tasks depend on the end of its lag */
	bool flows;          /* some of its tasks share a resource */
};

struct segment_list { /* in the order in which they start */
	VEC(struct task_segment) segments;
	VEC(struct piece) pieces;
	VEC(uint32_t) deps; /* segments */
};

void segment_list_free(struct segment_list *l);

/* The piece that has the tasks of a class. s: the segment of the list whose pieces are at its end. piece_of: [class], a
 * piece that may be another segment's. */
struct piece *segment_piece(struct segment_list *l, struct task_segment *s, uint32_t *piece_of,
			    uint32_t op_class);

/* Appends a segment of another list, to the end of the last one or as one of its own, whose dependencies come next. */
void segment_append(struct segment_list *to, uint32_t *piece_of, const struct segment_list *from, size_t i,
		    bool joins);

/* Joins the segments of each chain. kept: [segment], its own end is needed; on return segments that others need are
 * added. joined: [segment], the one that it is part of now. */
void chains_join(struct segment_list *l, const struct program *p, bool *kept, uint32_t *joined);

#endif
