/*
 * class_rows.h - the classes of a load as rows of a result of their own, for tables.
 *
 * Layer report.
 */
#ifndef SIM_REPORT_CLASS_ROWS_H
#define SIM_REPORT_CLASS_ROWS_H
#include "sim/base/mem.h"
#include "sim/report/columns.h"

/* A row for each class of each assignment, "chat" or, of several assignments, "two replicas: chat"; rows_n 0: no load has
 * classes. In the arena. */
struct result class_rows(struct arena *a, const struct result *r);
/* columns_of() such rows, none of which is the best of its column: classes ask for different things. */
size_t class_rows_columns(const struct result *classes, struct column columns[COLUMNS_MAX]);

#endif
