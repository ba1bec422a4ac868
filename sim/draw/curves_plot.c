/* curves_plot.c - see curves.h: curves of characters, for a terminal. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/utf8.h"
#include "sim/draw/curves_axes.h"

enum { NUMBERS_W = 9, ROWS = 14, LEAST_W = 24, MOST_W = 100, DOTS_X = 2, DOTS_Y = 4 };

/* Dots of two by four in each character, as braille has them, and a letter above them. */
struct screen {
	size_t columns;
	unsigned char *dots; /* [row * columns + column]: bits of braille */
	char *letters;       /* 0: none */
	char *above;         /* [column]: letters of curves that leave the frame */
	bool *bound;         /* [row]: the SLO's line */
};

struct plot {
	const struct curves *c;
	const struct panel *panel;
	struct axis x, y;    /* positions are dots; y counts downwards */
	double number[ROWS]; /* beside each row; NAN: none */
	struct screen screen;
	size_t width;
	bool utf8;
};

/* ---- the screen ---- */

static void screen_init(struct screen *s, size_t columns)
{
	*s = (struct screen){.columns = columns,
			     .dots = xcalloc(columns * ROWS, sizeof *s->dots),
			     .letters = xcalloc(columns * ROWS, sizeof *s->letters),
			     .above = xcalloc(columns, sizeof *s->above),
			     .bound = xcalloc(ROWS, sizeof *s->bound)};
}

static void screen_release(struct screen *s)
{
	free(s->dots);
	free(s->letters);
	free(s->above);
	free(s->bound);
}

static void set_dot(struct screen *s, long x, long y)
{
	/* the bits of U+2800: the left column from above, then the right one; the fourth row came later */
	static const unsigned char bits[DOTS_Y][DOTS_X] = {{1, 8}, {2, 16}, {4, 32}, {64, 128}};

	if (x < 0 || y < 0 || x >= (long)s->columns * DOTS_X || y >= ROWS * DOTS_Y)
		return;
	s->dots[(size_t)(y / DOTS_Y) * s->columns + (size_t)(x / DOTS_X)] |= bits[y % DOTS_Y][x % DOTS_X];
}

static void draw_line(struct screen *s, double x0, double y0, double x1, double y1)
{
	const long steps = lround(fmax(fmax(fabs(x1 - x0), fabs(y1 - y0)), 1));

	for (long i = 0; i <= steps; i++) {
		const double share = (double)i / (double)steps;

		set_dot(s, (long)floor(x0 + (x1 - x0) * share), (long)floor(y0 + (y1 - y0) * share));
	}
}

/* A letter; '*' where another has the place. */
static void put(char *at, char letter)
{
	*at = *at && *at != letter ? '*' : letter;
}

/* ---- lines ---- */

static size_t column_at(const struct plot *p, size_t i)
{
	const size_t column = (size_t)axis_at(&p->x, p->c->x[i]) / DOTS_X;

	return column < p->screen.columns ? column : p->screen.columns - 1;
}

static size_t row_at(const struct plot *p, double value)
{
	const size_t row = (size_t)axis_at(&p->y, value) / DOTS_Y;

	return row < ROWS ? row : ROWS - 1;
}

static void draw_curve(struct plot *p, size_t curve)
{
	const struct curve_point *points = &p->panel->points[curve * p->c->x_n];

	for (size_t i = 0; i < p->c->x_n; i++) {
		const struct curve_point *a = i ? &points[i - 1] : NULL, *b = &points[i];
		const size_t column = column_at(p, i);

		if (b->state == CURVE_OVERLOADED)
			put(&p->screen.above[column], curve_letter(curve));
		if (b->state == CURVE_HAS)
			put(&p->screen.letters[row_at(p, b->value) * p->screen.columns + column],
			    curve_letter(curve));
		if (a && a->state == CURVE_HAS && b->state != CURVE_NOTHING)
			draw_line(&p->screen, axis_at(&p->x, p->c->x[i - 1]), axis_at(&p->y, a->value),
				  axis_at(&p->x, p->c->x[i]),
				  b->state == CURVE_HAS ? axis_at(&p->y, b->value) : 0);
	}
}

/* ---- text ---- */

/* Appends as much of a text as fits into columns. */
static void add_cut(struct str *out, const char *text, size_t columns)
{
	while (*text && columns--) {
		uint32_t c;
		const size_t n = utf8_decode(text, &c);

		str_add_n(out, n ? text : "?", n ? n : 1);
		text += n ? n : 1;
	}
}

static void end_line(struct str *out)
{
	while (out->len && out->text[out->len - 1] == ' ')
		out->text[--out->len] = '\0';
	str_add(out, "\n");
}

static void add_cell(struct str *out, const struct plot *p, size_t row, size_t column)
{
	const size_t at = row * p->screen.columns + column;
	const unsigned dots = p->screen.dots[at];
	const char braille[] = {(char)0xe2, (char)(0xa0 | dots >> 6), (char)(0x80 | (dots & 0x3f)), '\0'};

	if (p->screen.letters[at])
		str_add_n(out, &p->screen.letters[at], 1);
	else if (dots)
		str_add(out, p->utf8 ? braille : ".");
	else
		str_add(out, p->screen.bound[row] ? p->utf8 ? "\xe2\x95\x8c" : "-" : " ");
}

static void number_row(struct plot *p, double value)
{
	const size_t row = row_at(p, value);

	if (isnan(p->number[row]))
		p->number[row] = value;
}

/* Numbers at the ends of the axis and at its ticks: of a logarithmic one at 1, 2 and 5 where it is short. */
static void find_numbers(struct plot *p)
{
	static const int digits[] = {1, 2, 5};
	const bool is_short = p->y.high <= 200 * p->y.low;

	for (size_t row = 0; row < ROWS; row++)
		p->number[row] = NAN;
	number_row(p, p->y.high);
	number_row(p, p->y.low);
	for (int i = 1; p->y.step > 0 && i < lround((p->y.high - p->y.low) / p->y.step); i++)
		number_row(p, p->y.low + i * p->y.step);
	for (double ten = 1e-15; p->y.step <= 0 && ten <= p->y.high; ten *= 10)
		for (size_t k = 0; k < (is_short ? 3 : 1); k++)
			if (digits[k] * ten > p->y.low && digits[k] * ten < p->y.high)
				number_row(p, digits[k] * ten);
}

static void add_number(struct str *out, const struct plot *p, size_t row)
{
	struct str text = STR_INIT;

	if (p->screen.bound[row])
		str_addf(&text, "SLO %.3g", p->panel->bound / p->y.unit);
	else if (isfinite(p->number[row]))
		str_addf(&text, "%.4g", p->number[row] / p->y.unit);
	str_pad(out, ' ', text.len < NUMBERS_W - 2 ? NUMBERS_W - 2 - text.len : 0);
	add_cut(out, text.text, NUMBERS_W - 2);
	str_add(out, p->utf8 ? text.len ? " \xe2\x94\xa4" : " \xe2\x94\x82" : text.len ? " +" : " |");
	str_release(&text);
}

/* The swept values below the axis, where there is room. */
static void add_x(struct str *out, const struct plot *p)
{
	size_t at = 0;

	str_pad(out, ' ', NUMBERS_W - 1);
	str_add(out, p->utf8 ? "\xe2\x94\x94" : "+");
	for (size_t i = 0; i < p->screen.columns; i++)
		str_add(out, p->utf8 ? "\xe2\x94\x80" : "-");
	str_add(out, "\n");
	for (size_t i = 0; i < p->c->x_n; i++) {
		const size_t w = str_width(p->c->x_texts[i]), middle = NUMBERS_W + column_at(p, i);
		size_t from = middle > w / 2 ? middle - w / 2 : 0;

		if (from + w > p->width)
			from = w < p->width ? p->width - w : 0;
		if ((at && from < at + 1) || from + w > p->width)
			continue;
		str_pad(out, ' ', from - at);
		str_add(out, p->c->x_texts[i]);
		at = from + w;
	}
	end_line(out);
}

static void add_above(struct str *out, const struct plot *p)
{
	bool any = false;

	for (size_t i = 0; i < p->screen.columns; i++)
		any |= p->screen.above[i] != 0;
	if (!any)
		return;
	add_cut(out, "overload", NUMBERS_W - 1);
	str_pad(out, ' ', 1);
	for (size_t i = 0; i < p->screen.columns; i++)
		str_add_n(out, p->screen.above[i] ? &p->screen.above[i] : " ", 1);
	end_line(out);
}

static void add_head(struct str *out, const struct plot *p, const char *unit)
{
	struct str text = STR_INIT;

	str_addf(&text, "%s%s%s, over %s%s%s%s%s", p->panel->head, *unit ? ", " : "", unit, p->c->x_name,
		 *p->c->x_unit ? ", " : "", p->c->x_unit, p->y.step > 0 ? "" : "; values logarithmic",
		 p->x.step > 0   ? ""
		 : p->y.step > 0 ? "; logarithmic to the right"
				 : ", to the right too");
	add_cut(out, text.text, p->width);
	end_line(out);
	str_release(&text);
}

static void plot_panel(struct str *out, struct plot *p)
{
	const size_t columns = p->width - NUMBERS_W;
	const char *unit;

	p->x = curves_x_axis(p->c, p->panel);
	p->y = curves_y_axis(p->c, p->panel);
	p->x.from = 0.5, p->x.to = (double)(columns * DOTS_X) - 0.5;
	p->y.from = ROWS * DOTS_Y - 0.5, p->y.to = 0.5;
	p->y.unit = panel_unit(p->panel, p->c->names_n * p->c->x_n, &unit);
	if (!p->utf8 && (unsigned char)unit[0] >= 0x80)
		unit = "us";
	screen_init(&p->screen, columns);
	for (size_t k = p->c->names_n; k-- > 0;)
		draw_curve(p, k);
	if (p->panel->bound >= p->y.low && p->panel->bound <= p->y.high)
		p->screen.bound[row_at(p, p->panel->bound)] = true;
	find_numbers(p);
	add_head(out, p, unit);
	add_above(out, p);
	for (size_t row = 0; row < ROWS; row++) {
		add_number(out, p, row);
		for (size_t i = 0; i < columns; i++)
			add_cell(out, p, row, i);
		end_line(out);
	}
	add_x(out, p);
	str_add(out, "\n");
	screen_release(&p->screen);
}

static void add_legend(struct str *out, const struct plot *p)
{
	for (size_t k = 0; k < p->c->names_n; k++) {
		struct str text = STR_INIT;

		str_addf(&text, "%c  %s", curve_letter(k), p->c->names[k]);
		if (p->c->remarks && p->c->remarks[k])
			str_addf(&text, ": %s", p->c->remarks[k]);
		add_cut(out, text.text, p->width);
		end_line(out);
		str_release(&text);
	}
	if (p->c->names_n > 1)
		add_cut(out, "*  several at one place", p->width);
	str_add(out, p->c->names_n > 1 ? "\n" : "");
}

void curves_plot(struct str *out, const struct curves *c, size_t width, bool utf8)
{
	struct plot p = {.c = c, .width = width < MOST_W ? width : MOST_W, .utf8 = utf8};

	if (width < LEAST_W)
		return;
	for (size_t k = 0; k < c->panels_n; k++) {
		p.panel = &c->panels[k];
		plot_panel(out, &p);
	}
	add_legend(out, &p);
}
