/*
 * listing_grid.h - a table of text with a heading, whose columns are as wide as their cells.
 *
 * Layer report; for listing.c.
 */
#ifndef SIM_REPORT_LISTING_GRID_H
#define SIM_REPORT_LISTING_GRID_H
#include "sim/base/mem.h"
#include "sim/base/str.h"
#include "sim/base/vec.h"

enum { GRID_COLUMNS = 8 };

struct listing_grid {
	const char *heading;
	const char *heads[GRID_COLUMNS]; /* NULL ends them */
	VEC(const char **) rows;         /* a NULL cell is empty */
	unsigned numbers;                /* bit i: column i is set to the right */
};

/* Adds a row with its name in the first column; the caller sets the others. In the arena. */
const char **grid_row(struct arena *a, struct listing_grid *g, const char *name);
/* Appends the table, nothing where it has no rows, and frees them. width: columns of the terminal, 0 for as wide as it
 * takes. Where that is more than the width, a name stays in one piece, to be copied, and what has no room beside it follows
 * in lines below it. */
void grid_write(struct listing_grid *g, size_t width, struct str *out);

#endif
