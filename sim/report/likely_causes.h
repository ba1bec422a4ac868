/*
 * likely_causes.h - writes whether a report's numbers are normal, and what may explain them.
 *
 * Layer report. JSON has the schema lemursim/explanation/1: `normal`, `rows` with measured, expected, lo, hi, ratio, normal
 * and said, and `causes` with what, left, what there was without it (`of`), and the rates that each predicts of the rows;
 * `no_cause` likewise of what rows say of themselves that explains nothing.
 */
#ifndef SIM_REPORT_LIKELY_CAUSES_H
#define SIM_REPORT_LIKELY_CAUSES_H
#include "sim/base/str.h"
#include "sim/validate/likely_causes.h"

/* width: columns of the terminal, 0 for as wide as it takes. */
void explanation_write(struct str *out, const struct explanation *e, bool json, int width);

#endif
