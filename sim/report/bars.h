/*
 * bars.h - the boxes of a schedule as they can be seen at a scale: those too narrow to be told apart become
 * one.
 *
 * Layer report. The picture's size then depends on its width, not on how many boxes there are. A box narrower
 * than BAR_NARROW_PT joins its left neighbour in the lane if that is narrow too, the gap between them is
 * less, and they are of one kind - or whatever their kinds while together they are still too narrow: then the
 * kind with the most time gives the colour.
 */
#ifndef SIM_REPORT_BARS_H
#define SIM_REPORT_BARS_H
#include "sim/report/schedule.h"

#define BAR_NARROW_PT 0.75
#define BAR_MERGED_PT 3.0 /* a merged bar grows no wider: its tooltip stays local */

struct bar {
	uint32_t lane;
	enum box_kind kind;
	sim_ns start_ns, end_ns; /* cut to the window */
	sim_ns busy_ns;          /* of that, covered by boxes */
	sim_ns kind_ns[BOX_KIND_N];
	size_t first, last; /* boxes; equal if it is one box */
	size_t boxes_n;
	bool critical;
};

struct bars {
	struct bar *at; /* lane by lane, by start; owned */
	size_t n;
	size_t *of_box;     /* the bar of each box, or BARS_NONE if it is outside the window; owned */
	size_t shown_boxes; /* inside the window */
};
#define BARS_NONE ((size_t)-1)

void bars_init(struct bars *b, const struct schedule *s, double pt_per_ns);
void bars_release(struct bars *b);

#endif
