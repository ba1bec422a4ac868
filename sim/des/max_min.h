/*
 * max_min.h - max-min fair rates of flows over wires by progressive filling (Bertsekas & Gallager, "Data Networks",
 * 2nd ed., section 6.5.2).
 *
 * Layer des. For flow.c, which finds out which flows have to be allocated anew. The cost is that of a heap of wires: each
 * flow that gets its rate moves the wires on its path there.
 */
#ifndef SIM_DES_MAX_MIN_H
#define SIM_DES_MAX_MIN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/vec.h"

#define NO_SHARE UINT32_MAX

/* A flow while rates are assigned. */
struct claim {
	const size_t *path; /* indices of shares */
	size_t path_n;
	double cap_Bps, rate_Bps; /* a negative rate: not assigned yet */
	uint32_t held_by;         /* the share that was full when it got its rate; NO_SHARE: its cap */
};

/* A wire meanwhile. */
struct share {
	double spare_Bps; /* not assigned yet */
	/* private */
	size_t users; /* how often flows without a rate cross it */
	double each_Bps;
	uint32_t first, n; /* its flows among the members */
	size_t at;         /* in the heap */
	bool closed;       /* all its flows have got their rates, or are just getting them */
};

struct max_min_cap {
	double cap_Bps;
	uint32_t claim;
};

/* The caller clears claims and shares, fills them in, and frees all by max_min_release(). */
struct max_min {
	VEC(struct claim) claims;
	VEC(struct share) shares;
	/* private */
	VEC(uint32_t) members, closing;
	VEC(struct max_min_cap) caps;
	size_t caps_done;
	VEC(uint32_t) tight; /* memory of the heap */
};

void max_min_fill(struct max_min *m); /* fills in the rate of each claim */
void max_min_release(struct max_min *m);

#endif
