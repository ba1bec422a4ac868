/*
 * roofdots.h - clusters of roofline dots that are so close together that they share one label.
 *
 * Layer draw. A cluster has the dots of one device and one group that are within a few points of each
 * other.
 */
#ifndef SIM_DRAW_ROOFDOTS_H
#define SIM_DRAW_ROOFDOTS_H
#include "sim/draw/canvas.h"
#include "sim/draw/roofline.h"

enum { CLUSTER_LINES_MAX = 3 };

struct cluster {
	size_t lead; /* index of the dot with the largest share */
	double share;
	struct rect bounds;                  /* bounds of the centres of its dots */
	struct str lines[CLUSTER_LINES_MAX]; /* lines of its label */
	int lines_n;
};

struct clusters {
	struct cluster *at; /* by descending share, then by first dot; owned */
	size_t n;
};

/* place: the position of each dot in points. */
void clusters_init(struct clusters *c, const struct roofline *r, const struct point *place);
void clusters_release(struct clusters *c);
bool cluster_same_text(const struct cluster *a, const struct cluster *b);

#endif
