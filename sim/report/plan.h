/*
 * plan.h - writes a plan: its sentences, then a table of the fleets.
 *
 * Layer report.
 */
#ifndef SIM_REPORT_PLAN_H
#define SIM_REPORT_PLAN_H
#include "sim/plan/plan.h"
#include "sim/report/result.h"

void plan_write(struct str *out, const struct plan_result *r, enum result_format format, const char *version);

#endif
