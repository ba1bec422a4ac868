/*
 * util.h - utilisation between measured points: interpolated in the logarithm of the shape, held at the edge.
 *
 * Layer cost. Points that fill a grid of (rows, weights) are interpolated bilinearly over it; others, such as
 * squares, by the number of multiplications m*n*k. GSL does both.
 */
#ifndef SIM_COST_UTIL_H
#define SIM_COST_UTIL_H
#include <stddef.h>

#include "sim/base/how.h"

struct util_point {
	double rows, width; /* m and n*k of a product; queries and context of attention */
	double u, spread;
	enum how how;
};

struct util {
	double u, spread;
	enum how how; /* a point's own; interpolated between points; transferred beyond the edge */
};

struct util util_at(const struct util_point *points, size_t n, double rows, double width); /* n >= 1 */

#endif
