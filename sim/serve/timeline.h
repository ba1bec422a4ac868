/*
 * timeline.h - quantities that change in steps, over a time whose length is not known beforehand.
 *
 * Layer serve. TIMELINE_CELLS cells of equal width, which is doubled whenever the time outgrows them. A step
 * costs O(1), whenever it was: each cell holds the steps in it and their times, as exact integers, so that
 * integrals over whole cells are exact and do not depend on the order in which steps were told.
 */
#ifndef SIM_SERVE_TIMELINE_H
#define SIM_SERVE_TIMELINE_H
#include "sim/stats/logbuckets.h"

enum { TIMELINE_CELLS = 4096, TIMELINE_FIRST_BITS = 20 };

struct timeline_cell {
	wide_int moment; /* sum of step * time, and what was added at once */
	int64_t step;    /* sum of steps */
};

struct timeline {
	size_t channels;
	struct timeline_cell *cells; /* [cell * channels + channel] */
	int64_t width_ns;            /* 1 << bits */
	int bits;
	int64_t end_ns; /* the latest time that was told */
};

void timeline_begin(struct timeline *t, size_t channels);
void timeline_release(struct timeline *t);

/* From at_ns on, the quantity is larger by `by`. */
void timeline_step(struct timeline *t, size_t channel, int64_t at_ns, int64_t by);
/* From from_ns to to_ns the quantities of channels first, first + 1, ... are values[i] larger; n of them. */
void timeline_hold(struct timeline *t, size_t first, size_t n, int64_t from_ns, int64_t to_ns,
		   const int64_t *values);
/* The integral of a quantity is larger by `by`, in quantity * ns, at that time. */
void timeline_add(struct timeline *t, size_t channel, int64_t at_ns, int64_t by);

size_t timeline_cells(const struct timeline *t); /* that end no later than end_ns */
/* Means over each of the first n cells, n <= timeline_cells(). */
void timeline_means(const struct timeline *t, size_t channel, size_t n, double *means);
/* The integral, in quantity * ns, from the first cell edge at or after from_ns to end_ns. */
double timeline_integral(const struct timeline *t, size_t channel, int64_t from_ns);
int64_t timeline_edge(const struct timeline *t, int64_t from_ns); /* that edge; at most end_ns */

#endif
