/*
 * page.h - the page of a picture over time: its columns, its head, and the names beside the plot.
 *
 * Layer draw. In points; 1,100 wide, which is 2,200 pixels at 144 dpi.
 */
#ifndef SIM_DRAW_PAGE_H
#define SIM_DRAW_PAGE_H
#include "sim/draw/canvas.h"

enum {
	PAGE_MARGIN = 14,
	PAGE_NAMES_W = 148,
	PAGE_GUTTER = 8,
	PAGE_PLOT_W = 866,
	PAGE_SIDE_W = 50,                                     /* numbers at the right */
	PAGE_LEFT = PAGE_MARGIN + PAGE_NAMES_W + PAGE_GUTTER, /* the plot's left edge */
	PAGE_RIGHT = PAGE_LEFT + PAGE_PLOT_W,
	PAGE_W = PAGE_RIGHT + PAGE_SIDE_W + PAGE_MARGIN
};

extern const char page_grey[], page_black[];

/* The title, and what is smaller below it, which may be NULL or empty: each a line, or up to three of a narrow page. c may
 * be NULL: nothing is drawn. Returns the height beyond that of a line of each. */
double page_head(struct canvas *c, double width, const char *title, const char *subtitle);
/* A name, bold, and a smaller line below it, at the left of the plot; y is their middle. */
/* left: the plot's left edge; the names have the room from the page's margin to it. */
void page_names(struct canvas *c, double left, double y, const char *name, const char *sub);
/* The same of a number at the right of the plot, which ends at `right`. */
void page_figures(struct canvas *c, double right, double y, const char *figure, const char *sub);

/* The bytes of as many words as fit into a line of that room; at least one word. 0 at the end of the text. */
size_t page_line(const char *text, double room, const struct type *type);
/* A centred note in small lines of the page's width, the first at y. c may be NULL: nothing is drawn. Returns the height. */
double page_note(struct canvas *c, double width, double y, const char *text);
/* A paragraph in lines of the page's width, the first at y. c may be NULL: nothing is drawn. Returns its height. */
double page_caption(struct canvas *c, double width, double y, const char *text);

#endif
