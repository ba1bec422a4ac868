/*
 * roofdots.h - which dots of a roofline lie so close together that one label must do for them.
 *
 * Layer report. Dots of one device and one group that lie within a few points of each other form a cluster.
 */
#ifndef SIM_REPORT_ROOFDOTS_H
#define SIM_REPORT_ROOFDOTS_H
#include "sim/report/canvas.h"
#include "sim/report/roofline.h"

enum { CLUSTER_LINES_MAX = 3 };

struct cluster {
	size_t lead; /* the dot with the largest share */
	double share;
	struct rect bounds;                  /* of its dots' middles */
	struct str lines[CLUSTER_LINES_MAX]; /* its label */
	int lines_n;
};

struct clusters {
	struct cluster *at; /* by falling share, then by first dot; owned */
	size_t n;
};

/* place: where each dot lies. */
void clusters_init(struct clusters *c, const struct roofline *r, const struct point *place);
void clusters_release(struct clusters *c);
bool cluster_same_text(const struct cluster *a, const struct cluster *b);

#endif
