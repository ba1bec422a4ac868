/* legend.c - see legend.h. */
#include "sim/draw/legend.h"

#include <math.h>

#include "sim/draw/textsize.h"

const double legend_row_h = 17;
static const double swatch_w = 13, line_w = 30, gap = 5, apart = 18;
static const struct type plain = {.size = 9, .align = 'l', .color = "#222222"};

static double sample_width(const struct legend_entry *e)
{
	return e->stroke.width > 0 ? line_w : swatch_w;
}

static double entry_width(const struct legend_entry *e, double room)
{
	return fmin(sample_width(e) + gap + textsize_width(e->text, plain.size, false), room) + apart;
}

/* How many entries from the first on fit into one row; at least one. */
static size_t row_of(const struct legend_entry *entries, size_t n, double room, double *width)
{
	size_t k = 0;

	*width = -apart;
	while (k < n && (!k || *width + entry_width(&entries[k], room) <= room))
		*width += entry_width(&entries[k++], room);
	return k;
}

static void draw_sample(struct canvas *c, const struct legend_entry *e, double x, double y)
{
	if (e->stroke.width <= 0) {
		canvas_shape(c, (struct rect){x, y - 5.5, swatch_w, 11}, &e->ink, NULL);
		return;
	}
	canvas_line(c, (struct point){x, y}, (struct point){x + line_w, y}, &e->stroke, NULL);
	if (e->ink.shape)
		canvas_shape(c, (struct rect){x + line_w / 2 - 4, y - 4, 8, 8}, &e->ink, NULL);
}

size_t legend_draw(struct canvas *c, const struct legend_entry *entries, size_t n, double left, double width,
		   double y)
{
	size_t rows = 0;

	for (size_t first = 0, row_n; first < n; first += row_n, rows++) {
		double w, x;

		row_n = row_of(entries + first, n - first, width, &w);
		x = left + (width - w) / 2;
		for (size_t i = first; c && i < first + row_n; i++) {
			const double from = x + sample_width(&entries[i]) + gap;

			draw_sample(c, &entries[i], x, y + legend_row_h * (double)rows);
			canvas_text_in(c, (struct point){from, y + legend_row_h * (double)rows}, &plain,
				       entries[i].text, width - sample_width(&entries[i]) - gap);
			x += entry_width(&entries[i], width);
		}
	}
	return rows;
}
