/*
 * text_cells.h - tables of text for terminals: columns of equal width, and what is done where they are too wide.
 *
 * Layer report. Widths are in columns of the terminal. No line ends in blanks.
 */
#ifndef SIM_REPORT_TEXT_CELLS_H
#define SIM_REPORT_TEXT_CELLS_H
#include "sim/base/str.h"
#include "sim/base/texts.h"

/* The text in lines of at most `width`: broken at blanks, and a word that is wider behind one of "-./@_,:" or where
 * it has to be. One line at least. In the arena. */
struct texts cell_lines(struct arena *a, const char *text, size_t width);

/* The larger of two widths. */
size_t cells_larger(size_t a, size_t b);
/* The width of the first column of a table that is wider than the terminal: two fifths of it. */
size_t cells_name_width(size_t width);

void cells_pad(struct str *out, const char *text,
	       size_t width);     /* appends the text and blanks up to the width */
void cells_trim(struct str *out); /* takes the blanks at the end away */

struct text_grid {
	const char *const *cells; /* rows times columns, the heads first; none is NULL */
	size_t rows, columns;
	size_t keys; /* so many columns, from the first, tell the rows apart: one at least, and not all */
	size_t left; /* so many columns, from the first, are set to the left; the others to the right */
};

/* Appends the table. width: 0 for as wide as it takes. Where that is more than the width, a key that all rows share stands
 * once above, columns move to further blocks, each beginning with the keys, so that each number can be told by its row, and
 * cells that are still too wide are broken into lines. */
void text_grid_write(struct str *out, const struct text_grid *g, size_t width);

#endif
