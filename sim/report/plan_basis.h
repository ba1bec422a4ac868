/*
 * plan_basis.h - the numbers of a plan's fleets with their intervals and sources, as simulate would give them of each.
 *
 * Layer report.
 */
#ifndef SIM_REPORT_PLAN_BASIS_H
#define SIM_REPORT_PLAN_BASIS_H
#include "sim/conf/load.h"
#include "sim/plan/plan.h"
#include "sim/predict/draws.h"
#include "sim/report/result.h"

/* Sets the rows and the draws of `out`: one row for each fleet of the plan that was run, in their order. The plan's own
 * numbers come first, then those that simulate has of the fleet's scenario, each with P10 to P90 over draws of the
 * calibration, the interval over runs of the load and the worst source behind it. The capacities
 * of the other fleets get the intervals that plan_make() gives that of the best alone; of a batch they are those of the
 * throughput. A price has none. Simulates; after plan_make() with the same loader, in whose arena the rows are. 0, or -1 where ask's `stop` became non-zero. */
struct plan_basis_ask {
	struct draws_ask draws; /* n: 8 if not said */
	const volatile int *stop;
};
int plan_basis(struct loader *l, struct plan_result *r, const struct plan_basis_ask *ask, struct result *out);

#endif
