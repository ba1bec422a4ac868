/*
 * labels.h - places the labels of a picture so that they cover no line, no other label and no blocked area.
 *
 * Layer draw; pure and deterministic: labels are placed in the order of the calls, each at the nearest free
 * place, in a fixed order of directions. Units are points, y downwards.
 */
#ifndef SIM_DRAW_LABELS_H
#define SIM_DRAW_LABELS_H
#include <stdbool.h>
#include <stddef.h>

#include "sim/base/vec.h"
#include "sim/draw/canvas.h"

struct segment {
	struct point a, b;
};

struct labels {
	struct rect area; /* labels stay inside this area; private, like the fields below */
	VEC(struct rect) blocks;
	VEC(struct segment) lines;   /* labels do not cover them; leaders cross them at a cost */
	VEC(struct segment) leaders; /* neither labels nor other leaders cross them */
};

/* The point that a label belongs to, and the area around it that its leader may cross. */
struct label_anchor {
	struct point at;
	double clear; /* radius of the mark at the point */
	struct rect own;
};

struct label_place {
	struct rect at;
	/* distance from the anchor's rim in points, plus a penalty for each line that the leader crosses */
	double cost;
	bool led;              /* so far away that a leader to the anchor is drawn */
	struct segment leader; /* valid if led */
};

void labels_init(struct labels *l, struct rect area);
void labels_release(struct labels *l);
void labels_block(struct labels *l, struct rect r);                 /* no label may cover this area */
void labels_line(struct labels *l, struct point a, struct point b); /* no label may cover this line */
bool labels_is_free(const struct labels *l, struct rect r);

/* Finds the nearest place for a label of size w by h. Returns false if no place within reach is free. */
bool labels_find(const struct labels *l, const struct label_anchor *anchor, double w, double h,
		 struct label_place *best);
void labels_take(struct labels *l, const struct label_place *place); /* blocks the place and its leader */

#endif
