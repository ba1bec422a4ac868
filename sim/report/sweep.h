/*
 * sweep.h - the writers of a sweep.
 *
 * Layer report.
 */
#ifndef SIM_REPORT_SWEEP_H
#define SIM_REPORT_SWEEP_H
#include "sim/report/result.h"
#include "sim/sweep/sweep.h"

/* table, md: a row a cell, a column for each assignment that splits; csv, json, jsonl: a record for each cell
 * and assignment. Every cell has been run. */
void sweep_write(struct str *out, const struct sweep *s, enum result_format format);

#endif
