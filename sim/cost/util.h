/*
 * util.h - utilisation between measured points: interpolated in the logarithm of the shape, constant
 * beyond the edge.
 *
 * Layer cost. Points that fill a grid of (rows, weights) are interpolated bilinearly; others, such as
 * squares, by the number of multiplications m*n*k. GSL does both. A table is prepared once and asked
 * often.
 */
#ifndef SIM_COST_UTIL_H
#define SIM_COST_UTIL_H
#include <stddef.h>

#include "sim/base/provenance.h"
#include "sim/base/mem.h"

struct util_point {
	double rows, width; /* m and n*k of a product; queries and context of attention */
	double u, spread;
	enum provenance provenance;
};

struct util {
	double u, spread;
	enum provenance
		provenance; /* that of a point; interpolated between points; transferred beyond the edge */
};

struct util_table; /* opaque; lives in the arena */

struct util_table *util_table(struct arena *a, const struct util_point *points,
			      size_t n);                      /* n >= 1; copied */
struct util_table *util_flat(struct arena *a, struct util u); /* the same for every shape */
struct util util_at(const struct util_table *t, double rows, double width);

#endif
