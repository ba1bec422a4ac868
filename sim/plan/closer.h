/*
 * closer.h - the best fleet looked at closely: its scenario, how much it holds and how sure that is, what a
 * server more or fewer does, its money. For plan.c, and for
 * pictures and pages of plans.
 *
 * Layer plan.
 */
#ifndef SIM_PLAN_CLOSER_H
#define SIM_PLAN_CLOSER_H
#include "sim/plan/plan.h"

void plan_look_closer(struct loader *l, const struct world *plan, const struct yml *root,
		      const struct plan_ask *ask, struct plan_result *r);

/* Adds to what a row holds, which is known, the intervals over runs of the load and over draws; draws below 2:
 * PLAN_DRAWS. w: its scenario. A batch is left as it is. */
enum { PLAN_DRAWS = 8 };
void plan_hold_surely(struct loader *l, struct plan_result *r, const struct world *w, struct plan_row *row,
		      int64_t draws);

/* The scenario of a row; NULL with complaints. */
const struct world *plan_world(struct loader *l, const struct world *plan, const struct yml *root,
			       const struct plan_row *row);
/* The servers of a row as one service, in the arena; service_free() ends it before the groups' own. */
struct service *plan_row_service(struct arena *a, const struct plan_result *r, const struct plan_row *row);
/* How much a row would hold with so many servers more of its first kind. */
struct plan_capacity plan_holds_with(struct plan_result *r, const struct plan_row *row, int more);
#endif
