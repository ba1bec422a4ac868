/*
 * closer.h - the best fleet looked at closely: its scenario, how much it holds and how sure that is, what a
 * server more or fewer does, its money. For plan.c.
 *
 * Layer plan.
 */
#ifndef SIM_PLAN_CLOSER_H
#define SIM_PLAN_CLOSER_H
#include "sim/plan/plan.h"

void plan_look_closer(struct loader *l, const struct world *plan, const struct yml *root,
		      const struct plan_ask *ask, struct plan_result *r);

/* The scenario of a row; NULL with complaints. */
const struct world *plan_world(struct loader *l, const struct world *plan, const struct yml *root,
			       const struct plan_row *row);
#endif
