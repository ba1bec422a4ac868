/*
 * answer.h - a plan's result in sentences. For plan.c.
 *
 * Layer plan.
 */
#ifndef SIM_PLAN_ANSWER_H
#define SIM_PLAN_ANSWER_H
#include "sim/plan/plan.h"

void plan_answer(struct arena *a, const struct world *plan, struct plan_result *r);

/* Why a row does not hold, "TTFT p95 is 2.4 s where 2 s are allowed"; in the arena. */
const char *plan_row_why(struct arena *a, const struct plan_result *r, const struct plan_row *row);
/* "12 users", "0.31 req/s". */
const char *plan_load_text(struct arena *a, const struct plan_load *load, double size);
#endif
