/*
 * labels.h - finds a free place for each label of a picture: over no line, no other label, nothing blocked.
 *
 * Layer report; pure and deterministic: first come, first served, nearest place first, in a fixed order of
 * directions. Points, y downwards.
 */
#ifndef SIM_REPORT_LABELS_H
#define SIM_REPORT_LABELS_H
#include <stdbool.h>
#include <stddef.h>

#include "sim/base/vec.h"
#include "sim/report/canvas.h"

struct segment {
	struct point a, b;
};

struct labels {
	struct rect area; /* labels stay inside it; private, as all below */
	VEC(struct rect) blocks;
	VEC(struct segment) lines;   /* labels keep off them; leaders would rather not cross them */
	VEC(struct segment) leaders; /* labels and other leaders keep off them */
};

/* What a label belongs to: a point of the picture, and around it what its leader may cross. */
struct label_anchor {
	struct point at;
	double clear; /* radius of what stands there */
	struct rect own;
};

struct label_place {
	struct rect at;
	double cost;           /* points from the anchor's rim, more where the leader crosses a line */
	bool led;              /* too far to be understood without a line to the anchor */
	struct segment leader; /* if led */
};

void labels_init(struct labels *l, struct rect area);
void labels_release(struct labels *l);
void labels_block(struct labels *l, struct rect r);                 /* nothing may cover it */
void labels_line(struct labels *l, struct point a, struct point b); /* likewise */
bool labels_is_free(const struct labels *l, struct rect r);

/* Finds the nearest place for a label of size w by h. False if there is none within reach. */
bool labels_find(const struct labels *l, const struct label_anchor *anchor, double w, double h,
		 struct label_place *best);
void labels_take(struct labels *l, const struct label_place *place); /* blocks it */

#endif
