/*
 * plan_curves.h - a plan as curves: what fleets hold for their price, with the frontier, and their latencies over
 * the load, with the bounds of the SLO.
 *
 * Layer report.
 */
#ifndef SIM_REPORT_PLAN_CURVES_H
#define SIM_REPORT_PLAN_CURVES_H
#include "sim/draw/curves.h"
#include "sim/plan/range.h"

/* In the arena. The plan has a row that was run. */
struct curves plan_curves(struct arena *a, const struct plan_result *r, const struct plan_range *range);

#endif
