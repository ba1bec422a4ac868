/*
 * cells_parts.h - private to the room: what writing and reading files of cells share.
 *
 * Layer sweep.
 */
#ifndef SIM_SWEEP_CELLS_PARTS_H
#define SIM_SWEEP_CELLS_PARTS_H
#include "sim/base/jsonw.h"
#include "sim/sweep/cells_file.h"

extern const char cells_format[]; /* the name of the format */
extern const char *const cells_lacks[SWEEP_NO_VALUE + 1];

/* Opens the object of a cell and writes it up to its inputs, which two machines may find in different folders. */
void cells_put(struct jsonw *w, const struct sweep *s, size_t cell, const struct sweep_cell *c);

#endif
