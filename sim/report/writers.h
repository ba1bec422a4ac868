/*
 * writers.h - one writer of a result for each format; result_write() picks.
 *
 * Layer report; for result.c and the table's parts. Each appends to out.
 */
#ifndef SIM_REPORT_WRITERS_H
#define SIM_REPORT_WRITERS_H
#include "sim/report/result.h"

void result_json(struct str *out, const struct result *r);  /* one document, schema lemursim/result/1 */
void result_jsonl(struct str *out, const struct result *r); /* one line an assignment, each complete */
void result_csv(struct str *out, const struct result *r); /* RFC 4180 quoting; a cell is empty, never zero */
void result_md(struct str *out, const struct result *r);  /* GitHub's tables */
void result_table(struct str *out, const struct result *r, int width);
/* Part of the table: what each machine holds. prose: columns of its sentences; width: of the terminal, 0 for as wide as it
 * takes. */
void result_memory(struct str *out, const struct result *r, size_t prose, int width);

#endif
