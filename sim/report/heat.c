/* heat.c - see heat.h. */
#include "sim/base/exact_math.h"
#include "sim/report/heat.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/draw/canvas.h"
#include "sim/draw/curves_axes.h"
#include "sim/draw/legend.h"
#include "sim/draw/page.h"
#include "sim/draw/textsize.h"
#include "sim/report/columns.h"
#include "sim/report/sweep_curves.h"

static const double first_top = 74, below = 44, axis_w = 62, apart = 22, head_h = 20, text_size = 8;

struct view {
	const struct sweep *s;
	const struct picture_look *look;
	struct canvas canvas;
	size_t nx, ny; /* values of the second and the first axis */
	double cell_w, cell_h, map_w;
	double low, high; /* the range of all values shown, both positive; or equal */
	bool less;        /* is better */
	double left, top; /* the corner of the map being drawn */
	double name_w;    /* the room for its name */
	double page_w;
	bool overloads; /* of some cell, of which the legend speaks */
};

size_t heat_best(const struct sweep *s, size_t cell)
{
	size_t best = s->names_n;

	for (size_t k = 0; k < s->names_n; k++) {
		const struct metric *m = s->cells[cell].entries[k].metric;
		const struct metric *most = best < s->names_n ? s->cells[cell].entries[best].metric : NULL;

		if (m && (!most || (m->less ? m->value < most->value : m->value > most->value)))
			best = k;
	}
	return best;
}

static size_t cell_of(const struct view *v, size_t x, size_t y)
{
	return y * v->nx + x;
}

static struct rect cell_rect(const struct view *v, size_t x, size_t y)
{
	return (struct rect){v->left + v->cell_w * (double)x, v->top + v->cell_h * (double)(v->ny - 1 - y),
			     v->cell_w, v->cell_h};
}

/* ---- colours ---- */

/* From pale to dark blue, or grey; their brightness alone tells them apart. good: 0 to 1. */
static void color_of(char color[8], const struct view *v, double good)
{
	static const int pales[][3] = {{0xf2, 0xf5, 0xf9}, {0xf6, 0xf6, 0xf6}};
	static const int darks[][3] = {{0x1f, 0x4e, 0x79}, {0x3c, 0x3c, 0x3c}};
	const int *const pale = pales[v->look->style == STYLE_GREY],
			 *const dark = darks[v->look->style == STYLE_GREY];
	int rgb[3];

	for (int i = 0; i < 3; i++)
		rgb[i] = (int)lround(pale[i] + (dark[i] - pale[i]) * good);
	snprintf(color, 8, "#%02x%02x%02x", (unsigned)rgb[0] & 255u, (unsigned)rgb[1] & 255u,
		 (unsigned)rgb[2] & 255u);
}

/* Where a value lies between the worst and the best; by its logarithm where all are positive. */
static double goodness(const struct view *v, double value)
{
	const bool logs = v->low > 0;
	double share;

	if (v->low >= v->high)
		return 0.5;
	share = logs ? exact_log(value / v->low) / exact_log(v->high / v->low)
		     : (value - v->low) / (v->high - v->low);
	return v->less ? 1 - share : share;
}

static void find_range(struct view *v)
{
	v->low = INFINITY;
	v->high = -INFINITY;
	for (size_t i = 0; i < v->s->cells_n; i++)
		for (size_t k = 0; k < v->s->names_n; k++) {
			const struct metric *m = v->s->cells[i].entries[k].metric;

			v->overloads |= !m && v->s->cells[i].entries[k].lack == SWEEP_OVERLOADED;
			if (!m)
				continue;
			v->less = m->less;
			v->low = fmin(v->low, m->value);
			v->high = fmax(v->high, m->value);
		}
}

/* ---- one map ---- */

static bool has_text(const struct view *v)
{
	return v->cell_w >= 26;
}

static void cell_text(struct view *v, struct rect at, const char *text, bool bold, const char *color)
{
	if (has_text(v))
		canvas_text_in(&v->canvas, (struct point){at.x + at.w / 2, at.y + at.h / 2},
			       &(struct type){.size = text_size, .bold = bold, .align = 'c', .color = color},
			       text, at.w - 3);
}

/* Among several assignments alone one is the best. */
static bool marks_best(const struct view *v, size_t cell, size_t k)
{
	return v->s->names_n > 1 && heat_best(v->s, cell) == k;
}

static void draw_value(struct view *v, size_t k, size_t x, size_t y)
{
	const size_t cell = cell_of(v, x, y);
	const struct sweep_entry *e = &v->s->cells[cell].entries[k];
	const struct rect at = cell_rect(v, x, y);
	struct str text = STR_INIT;
	char color[8];

	if (!e->metric) {
		canvas_shape(&v->canvas, at, &(struct ink){.fill = "#ffffff", .line = "#dddddd", .pen = 0.4},
			     NULL);
		cell_text(v, at,
			  e->lack == SWEEP_OVERLOADED ? "over"
			  : e->lack == SWEEP_UNFIT    ? "no fit"
						      : "-",
			  false, page_grey);
		return;
	}
	color_of(color, v, goodness(v, e->metric->value));
	units_format_number(&text, e->metric->value);
	if (marks_best(v, cell, k))
		str_add(&text, "*");
	canvas_shape(&v->canvas, at, &(struct ink){.fill = color, .line = "#bbbbbb", .pen = 0.4},
		     has_text(v) ? NULL : text.text);
	/* the cell keeps its colour on a dark screen, so its text does too: dark.c changes neither black nor white of texts */
	cell_text(v, at, text.text, marks_best(v, cell, k), look_text_on(color));
	str_release(&text);
}

static void draw_best(struct view *v, size_t x, size_t y)
{
	const size_t best = heat_best(v->s, cell_of(v, x, y));
	const struct rect at = cell_rect(v, x, y);
	const char letter[2] = {best < v->s->names_n ? curve_letter(best) : '-', '\0'};

	canvas_shape(&v->canvas, at,
		     &(struct ink){.fill = best < v->s->names_n ? look_tint(v->look->style, best) : "#ffffff",
				   .line = "#bbbbbb",
				   .pen = 0.4,
				   .text = v->cell_h >= 9 && v->cell_w >= 9 ? letter : NULL,
				   .text_size = text_size},
		     best < v->s->names_n ? v->s->names[best] : "nothing has a value");
}

/* Do two assignments break even between the cells? Where nothing fits or holds, nothing is compared. */
static bool breaks_even(const struct view *v, size_t cell, size_t next)
{
	const size_t a = heat_best(v->s, cell), b = heat_best(v->s, next);

	return a != b && a < v->s->names_n && b < v->s->names_n;
}

static void draw_break_even(struct view *v)
{
	const struct stroke line = {.color = "#000000", .width = 1.8};

	for (size_t y = 0; y < v->ny; y++)
		for (size_t x = 0; x < v->nx; x++) {
			const struct rect at = cell_rect(v, x, y);
			const size_t cell = cell_of(v, x, y);

			if (x + 1 < v->nx && breaks_even(v, cell, cell_of(v, x + 1, y)))
				canvas_line(&v->canvas, (struct point){at.x + at.w, at.y},
					    (struct point){at.x + at.w, at.y + at.h}, &line, NULL);
			if (y + 1 < v->ny && breaks_even(v, cell, cell_of(v, x, y + 1)))
				canvas_line(&v->canvas, (struct point){at.x, at.y},
					    (struct point){at.x + at.w, at.y}, &line, NULL);
		}
}

static void draw_axes(struct view *v)
{
	const struct type x_type = {.size = text_size, .align = 'c', .color = page_grey};
	const struct type y_type = {.size = text_size, .align = 'r', .color = page_grey};
	const struct type name = {.size = 9, .align = 'c', .color = page_black};
	const double bottom = v->top + v->cell_h * (double)v->ny;
	double free_from = -INFINITY, free_to = INFINITY;

	for (size_t x = 0; x < v->nx; x++) {
		const struct rect at = cell_rect(v, x, 0);
		const char *text = v->s->axes[1].values.at[x];
		const double w = fmin(textsize_width(text, text_size, false), fmax(v->cell_w * 1.6, 30));

		if (at.x + at.w / 2 - w / 2 < free_from)
			continue;
		canvas_text_in(&v->canvas, (struct point){at.x + at.w / 2, bottom + 9}, &x_type, text, w);
		free_from = at.x + at.w / 2 + w / 2 + 3;
	}
	for (size_t y = 0; y < v->ny; y++) {
		const struct rect at = cell_rect(v, 0, y);

		if (at.y + at.h / 2 > free_to)
			continue;
		canvas_text_in(&v->canvas, (struct point){v->left - 4, at.y + at.h / 2}, &y_type,
			       v->s->axes[0].values.at[y], axis_w - 6);
		free_to = at.y + at.h / 2 - 10;
	}
	canvas_text_in(&v->canvas, (struct point){v->left + v->cell_w * (double)v->nx / 2, bottom + 22},
		       &name, sweep_axis_name(v->s->axes[1].path), v->cell_w * (double)v->nx + axis_w);
}

/* k: an assignment, or names_n for the map of the best. */
static void draw_map(struct view *v, size_t k)
{
	const struct type head = {.size = 10, .bold = true, .align = 'l', .color = page_black};
	const struct type name = {.size = 9, .align = 'l', .color = page_black};
	struct str text = STR_INIT;

	if (k == v->s->names_n)
		str_add(&text, "best");
	else
		str_addf(&text, "%c  %s", curve_letter(k), v->s->names[k]);
	canvas_text_in(&v->canvas, (struct point){v->left - axis_w + 4, v->top - 19}, &head, text.text,
		       v->name_w);
	canvas_text_in(&v->canvas, (struct point){v->left - axis_w + 4, v->top - 7}, &name,
		       sweep_axis_name(v->s->axes[0].path), axis_w + 30);
	for (size_t y = 0; y < v->ny; y++)
		for (size_t x = 0; x < v->nx; x++)
			if (k == v->s->names_n)
				draw_best(v, x, y);
			else
				draw_value(v, k, x, y);
	draw_axes(v);
	draw_break_even(v);
	str_release(&text);
}

/* ---- the page ---- */

/* What the signs mean; "" where there are none. */
static const char *signs_of(const struct view *v)
{
	if (v->s->names_n == 1)
		return v->overloads ? "over: overloaded" : "";
	return v->overloads
		       ? "*: the best assignment of a cell \xc2\xb7 black line: the best changes, two break "
			 "even \xc2\xb7 over: overloaded"
		       : "*: the best assignment of a cell \xc2\xb7 black line: the best changes, two break "
			 "even";
}

/* The scale from the worst to the best value, and what the signs mean. */
static void draw_scale(struct view *v, double y)
{
	const struct type type = {.size = 8.5, .align = 'l', .color = page_grey};
	const double worst = v->less ? v->high : v->low, best = v->less ? v->low : v->high, swatch = 14;
	double x = PAGE_MARGIN + 4;
	struct str text = STR_INIT;

	if (v->low <= v->high) {
		units_format_number(&text, worst);
		str_add(&text, " ");
		canvas_text(&v->canvas, (struct point){x, y}, &type, text.text, NULL);
		x += textsize_width(text.text, type.size, false) + 5;
		for (int i = 0; i < 7; i++, x += swatch) {
			char color[8];

			color_of(color, v, i / 6.0);
			canvas_shape(&v->canvas, (struct rect){x, y - 5, swatch, 10},
				     &(struct ink){.fill = color, .line = "#999999", .pen = 0.3}, NULL);
		}
		str_clear(&text);
		units_format_number(&text, best);
	}
	str_addf(&text, "%s%s, the best of all", *v->s->unit && text.len ? " " : "",
		 text.len ? v->s->unit : "");
	canvas_text_in(&v->canvas, (struct point){x + 5, y}, &type, text.text,
		       v->page_w - PAGE_MARGIN - x - 5);
	if (*signs_of(v))
		page_note(&v->canvas, v->page_w, y + 15, signs_of(v));
	str_release(&text);
}

/* Sizes of cells, as many maps in a row as have texts in all cells, and as wide as the page allows. Returns maps in a row. */
static size_t lay_out(struct view *v, size_t maps, double room)
{
	const double least = 46, most = 240, columns = (double)v->nx;
	const double map_w = axis_w + fmax(fmin((room - axis_w) / columns, least) * columns, 90) + apart;
	size_t in_row = room > map_w ? (size_t)(room / map_w) : 1, rows;

	rows = (maps + in_row - 1) / in_row;
	in_row = (maps + rows - 1) / rows;
	v->map_w = fmax(map_w, room / (double)in_row);
	v->cell_w = fmin(fmax((v->map_w - axis_w - (in_row > 1 ? apart : 0)) / columns, 3), most);
	v->cell_h = has_text(v) ? 19 : fmax(3, 0.8 * v->cell_w);
	v->name_w = v->map_w - apart;
	return in_row;
}

void heat_dot(struct str *out, const struct sweep *s, const struct picture_look *look)
{
	struct view v = {.s = s, .look = look, .nx = s->axes[1].values.n, .ny = s->axes[0].values.n};
	const double least_w = look_page(look);
	const size_t maps = s->names_n + (s->names_n > 1), /* what is best of one needs no map */
		in_row = lay_out(&v, maps, least_w - 2.0 * PAGE_MARGIN);
	const double rows = (double)((maps + in_row - 1) / in_row),
		     map_h = head_h + v.cell_h * (double)v.ny + below;
	struct str subtitle = STR_INIT;
	double page_h;

	find_range(&v);
	v.page_w = fmax(least_w, axis_w + v.cell_w * (double)v.nx + 2 * PAGE_MARGIN);
	page_h = first_top + map_h * rows + 12 +
		 (*signs_of(&v) ? page_note(NULL, v.page_w, 0, signs_of(&v)) : 0);
	str_addf(&subtitle, "%s%s%s", s->metric, *s->unit ? ", " : "", s->unit);
	look_open(look, &v.canvas, out,
		  &(struct look_frame){
			  .width = v.page_w, .height = page_h, .title = s->title, .subtitle = subtitle.text});
	for (size_t i = 0; i < maps; i++) {
		v.left = PAGE_MARGIN + axis_w + v.map_w * (double)(i % in_row);
		v.top = first_top + head_h - 8 + map_h * (double)(i / in_row);
		draw_map(&v, maps == 1 ? 0 : i ? i - 1 : s->names_n);
	}
	draw_scale(&v, first_top + map_h * rows - 6);
	look_close(look, &v.canvas, v.page_w, page_h);
	str_release(&subtitle);
}
