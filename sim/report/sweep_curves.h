/*
 * sweep_curves.h - a sweep over one axis as curves.
 *
 * Layer report.
 */
#ifndef SIM_REPORT_SWEEP_CURVES_H
#define SIM_REPORT_SWEEP_CURVES_H
#include "sim/draw/curves.h"
#include "sim/sweep/sweep.h"

/* In the arena. The sweep has one axis, and every cell of it has been run. A panel for each of sweep.shown. */
struct curves sweep_curves(struct arena *a, const struct sweep *s);

/* The quantities that an axis' values are, in base units of one dimension; false: they are names. */
bool sweep_axis_values(const struct sweep_axis *axis, double *values);
const char *sweep_axis_name(const char *path); /* "batch" of workload.generate.batch; "tb.base" */

#endif
