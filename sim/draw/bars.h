/*
 * bars.h - the bars of a schedule's picture: boxes too narrow to be told apart at its scale are merged.
 *
 * Layer draw. The size of a picture then depends on its width, not on the number of boxes. A box narrower
 * than BAR_NARROW_PT is merged with its left neighbour in the lane if that is narrow too, if the gap between
 * them is narrower, and if both are of one kind, or if the merged bar is still too narrow. The kind with the
 * most time determines its colour. Where boxes narrower than BAR_TURN_PT take turns, forward and host copy say, they become
 * mixed bars, which are drawn in layers: side by side their colours would run into one that no legend has.
 *
 * Tens of lanes, each as fine, would be more than a page can be read at or a browser takes: where there are more than BARS_MANY
 * bars, all these limits are doubled until there are fewer, up to BAR_COARSEST times.
 */
#ifndef SIM_DRAW_BARS_H
#define SIM_DRAW_BARS_H
#include "sim/draw/schedule.h"

#define BAR_NARROW_PT 0.75
/* a merged bar is not wider, so that its tooltip describes a small part of the lane */
#define BAR_MERGED_PT 3.0
#define BAR_TURN_PT   6.0  /* a letter has no room in it */
#define BAR_MIXED_PT  12.0 /* a mixed bar: has room for the letters of its kinds */

enum { BARS_MANY = 2500, BAR_COARSEST = 16 };

struct bar {
	uint32_t lane;
	enum box_kind kind;
	sim_ns start_ns, end_ns; /* cut to the window */
	sim_ns busy_ns;          /* the part of that covered by boxes */
	sim_ns kind_ns[BOX_KIND_N];
	size_t first, last; /* indices of its boxes; equal if it is one box */
	size_t boxes_n;
	bool critical;
};

struct bars {
	struct bar *at; /* sorted by lane, then by start; owned */
	size_t n;
	size_t *of_box;     /* [box]: its bar, or BARS_NONE if the box is outside the window; owned */
	size_t shown_boxes; /* boxes inside the window */
};
#define BARS_NONE ((size_t)-1)

void bars_init(struct bars *b, const struct schedule *s, double pt_per_ns);
void bars_release(struct bars *b);

#endif
