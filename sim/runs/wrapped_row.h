/*
 * wrapped_row.h - rows of tables that a terminal or a forum broke into several lines.
 *
 * Layer runs.
 */
#ifndef SIM_RUNS_WRAPPED_ROW_H
#define SIM_RUNS_WRAPPED_ROW_H
#include "sim/runs/ingest.h"

/* The row that begins the text, whole, in the arena, and how many lines it took. It goes on in the next line where that ends with a
 * bar and begins with none; where the row has fewer cells than the table's head (cells; 0: it is not known, as of a head), over several lines, or in
 * one that begins with a bar and has the cells that are missing. */
const char *wrapped_row(struct reading *r, const char *text, size_t cells, int *lines);

#endif
