/*
 * rows.h - a fleet as a row: what it is made of, and its numbers under the load as asked. For plan*.c.
 *
 * Layer plan.
 */
#ifndef SIM_PLAN_ROWS_H
#define SIM_PLAN_ROWS_H
#include "sim/plan/plan.h"

/* So many servers of each part as one service, in the arena; service_free() ends it before the groups' own. Pools
 * are built as a scenario of their own. NULL where nothing is left, or pools that cannot be built. */
struct service *plan_parts_service(struct arena *a, const struct plan_result *r,
				   const struct fleet_share *parts, size_t n);

/* Fills in what the fleet is: parts, names, price; in the arena. */
void plan_row_parts(struct arena *a, const struct plan_result *r, const int *counts, struct plan_row *row);
/* Runs the load as asked on it: m, watts, energy. */
void plan_row_run(const struct plan_result *r, struct service *s, struct plan_row *row);
bool plan_row_is(const struct plan_row *row, const struct plan_result *r, const int *counts);

/* By how much it misses what is asked: its tightest bound, or the time of the batch, as a ratio above 1. */
double plan_row_over(const struct plan_result *r, const struct plan_row *row);

/* Power at the wall while all is idle. */
double plan_row_idle_W(const struct plan_row *row);
#endif
