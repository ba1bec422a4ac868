/*
 * front_curves.h - the Pareto front of two goals as a picture: a point for each assignment, and steps in grey.
 *
 * Layer report.
 */
#ifndef SIM_REPORT_FRONT_CURVES_H
#define SIM_REPORT_FRONT_CURVES_H
#include "sim/base/mem.h"
#include "sim/draw/curves.h"
#include "sim/report/result.h"

/* Whether the result is a front: it names both goals, and two of its rows or more have values for them. */
bool front_is(const struct result *r);

/* In the arena; front_is(r). The first goal is the height, with P10 to P90 as whiskers; the second the place. Points are
 * named by their numbers in the ranking, which are those of the rows. */
struct curves front_curves(struct arena *a, const struct result *r);

#endif
