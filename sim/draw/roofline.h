/*
 * roofline.h - ceilings of each device, ridge points, and operators as dots (Williams, Waterman, Patterson,
 * "Roofline: an insightful visual performance model", CACM 52(4), 2009).
 *
 * Layer draw. FLOP/s, byte/s, FLOP/byte.
 */
#ifndef SIM_DRAW_ROOFLINE_H
#define SIM_DRAW_ROOFLINE_H
#include <stddef.h>

#include "sim/base/provenance.h"
#include "sim/base/str.h"
#include "sim/draw/look.h"

struct roof {
	const char *name;                     /* "m5.gpu (Apple M5)" */
	double peak_flops;                    /* the roof: rate of the best GEMM; solid line; > 0 */
	double read_Bps;                      /* read bandwidth; solid line; > 0 */
	double limit_flops;                   /* the chip's arithmetic limit; dashed line; 0 if unknown */
	double limit_Bps;                     /* bandwidth of the memory bus; dashed line; 0 if unknown */
	enum provenance peak_from, read_from; /* what the first two figures rest on */
};

struct roof_dot {
	const char *label; /* "prefill ffn gate" */
	/* "prefill", "decode", "training": determines the shape; dots of one operator share a label */
	const char *group;
	size_t roof;        /* index of its device */
	double intensity;   /* FLOP per byte of memory traffic */
	double flops;       /* achieved FLOP/s */
	double share;       /* share of its phase's time on that device: determines the size */
	const char *detail; /* text of the tooltip; may be NULL */
};

struct roofline {
	const char *title, *note; /* note: one line below the picture; may be NULL */
	const struct roof *roofs;
	size_t roofs_n;
	const struct roof_dot *dots;
	size_t dots_n;
	struct picture_look look;
};

double roof_ridge(const struct roof *r); /* peak_flops / read_Bps, FLOP/byte */
void roofline_dot(struct str *out, const struct roofline *r);

#endif
