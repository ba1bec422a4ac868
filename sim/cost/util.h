/*
 * util.h - utilisation between measured points: interpolated in the logarithm of the shape, constant
 * beyond the edge.
 *
 * Layer cost. Three laws, by what was measured. Points that fill a grid of (rows, weights) are interpolated
 * bilinearly (GSL). Of a grid with holes, the logarithm of the utilisation is interpolated by moving least
 * squares (Lancaster & Salkauskas, Math. Comp. 37(155), 1981): a plane through all points, each weighted by
 * the inverse sixth power of its distance in the logarithms of rows and weights, so that a point of the
 * table gives its own value. Points on a line, such as squares, are interpolated linearly over the number
 * of multiplications m*n*k. A table is prepared once and asked often.
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

/* Relative errors of a utilisation that is none of the points', as they were measured on shapes left out; negative:
 * not known, which gives 6 % between points and 15 % beyond them, and no less than the widest point. Of a grid with
 * holes, `between` is that at the points' usual distance and grows with the distance to the nearest point. */
struct util_error {
	double between, beyond;
};
extern const struct util_error util_error_unknown, util_error_usual; /* usual: those 6 and 15 % */

struct util_table; /* opaque; lives in the arena */

struct util_table *util_table(struct arena *a, const struct util_point *points, size_t n,
			      struct util_error error);       /* n >= 1; copied */
struct util_table *util_flat(struct arena *a, struct util u); /* the same for every shape */
struct util util_at(const struct util_table *t, double rows, double width);

#endif
