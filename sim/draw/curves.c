/* curves.c - see curves.h: the picture. */
#include "sim/draw/curves.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/draw/curves_axes.h"
#include "sim/draw/labels.h"
#include "sim/draw/legend.h"
#include "sim/draw/page.h"
#include "sim/draw/textsize.h"

/* Marks and dashes tell lines apart in grey. */
static const char *const marks[] = {"circle",   "square",      "triangle", "diamond",
				    "pentagon", "invtriangle", "hexagon"};
static const double mark_size = 7, plot_top = 76, number_size = 8.5;
enum { PANELS_IN_ROW = 3 };

struct frame { /* of the panels */
	double left, pitch_x, width, height, pitch_y;
	size_t in_row;
};

struct view {
	const struct curves *c;
	bool few;
	struct canvas canvas;
	struct labels labels; /* the labels of the panel being drawn */
	struct frame frame;
	double page_w;
	struct legend_entry *legend;
	struct str *legend_texts;
	struct axis x, y;
	const struct panel *panel;
};

static const char *hue_of(const struct view *v, size_t curve)
{
	return look_hue(v->c->look.style, curve);
}

static struct stroke stroke_of(const struct view *v, size_t curve)
{
	return (struct stroke){.color = hue_of(v, curve),
			       .width = 1.8,
			       .dashed = curve / look_hues(v->c->look.style) % 2 == 1};
}

static struct ink ink_of(const struct view *v, size_t curve)
{
	return (struct ink){.shape = marks[curve % ARRAY_LEN(marks)],
			    .fill = hue_of(v, curve),
			    .line = "#ffffff",
			    .pen = 0.6};
}

/* ---- axes ---- */

/* Lines at the swept values, named as they were written, where the names have room. */
static void draw_x(struct view *v)
{
	const struct stroke line = {.color = "#e4e6e8", .width = 0.7};
	const struct type type = {.size = number_size, .align = 'c', .color = page_grey};
	const double room =
		v->c->x_named ? (v->x.to - v->x.from) / (double)v->c->x_n - 4 : v->frame.width / 2;
	double free_from = -INFINITY;

	if (v->panel->x) {
		axis_draw(&v->canvas, &v->x, false, &v->y);
		return;
	}
	for (size_t i = 0; i < v->c->x_n; i++) {
		const double x = axis_at(&v->x, v->c->x[i]);
		const double w = fmin(textsize_width(v->c->x_texts[i], type.size, false), room);

		canvas_line(&v->canvas, (struct point){x, v->y.from}, (struct point){x, v->y.to}, &line,
			    NULL);
		if (x - w / 2 < free_from)
			continue;
		canvas_text_in(&v->canvas, (struct point){x, v->y.from + 11}, &type, v->c->x_texts[i], room);
		free_from = x + w / 2 + 6;
	}
}

static void draw_axes(struct view *v)
{
	const struct type axis = {.size = 9.5, .align = 'c', .color = page_black};
	const struct type head = {.size = 10.5, .bold = true, .align = 'l', .color = page_black};
	const char *unit, *x_unit = v->panel->x ? v->panel->x_unit : v->c->x_unit;
	struct str text = STR_INIT;

	v->y.unit = panel_unit(v->panel, v->c->names_n * v->c->x_n, &unit);
	draw_x(v);
	axis_draw(&v->canvas, &v->y, true, &v->x);
	axes_frame(&v->canvas, &v->x, &v->y);
	str_addf(&text, "%s%s%s", v->panel->head, *unit ? ", " : "", unit);
	canvas_text_in(&v->canvas, (struct point){v->x.from - 30, v->y.to - 20}, &head, text.text,
		       v->frame.width + 30);
	str_clear(&text);
	str_addf(&text, "%s%s%s%s", v->panel->x ? v->panel->x_name : v->c->x_name, *x_unit ? ", " : "",
		 x_unit, v->x.step > 0 ? "" : " (logarithmic)");
	canvas_text_in(&v->canvas, (struct point){(v->x.from + v->x.to) / 2, v->y.from + 26}, &axis,
		       text.text, v->frame.width);
	str_release(&text);
}

/* ---- lines ---- */

static const struct curve_point *point_of(const struct view *v, size_t curve, size_t i)
{
	return &v->panel->points[curve * v->c->x_n + i];
}

static double x_of(const struct view *v, size_t curve, size_t i)
{
	return v->panel->x ? v->panel->x[curve * v->c->x_n + i] : v->c->x[i];
}

static struct point place(const struct view *v, size_t curve, size_t i, double value)
{
	return (struct point){axis_at(&v->x, x_of(v, curve, i)), axis_at(&v->y, value)};
}

static void band_of_run(struct view *v, size_t curve, size_t a, size_t b)
{
	struct point *corners = xcalloc(2 * (b - a), sizeof *corners);
	char fill[16];
	size_t n = 0;

	for (size_t i = a; i < b; i++)
		corners[n++] = place(v, curve, i, point_of(v, curve, i)->hi);
	for (size_t i = b; i-- > a;)
		corners[n++] = place(v, curve, i, point_of(v, curve, i)->lo);
	snprintf(fill, sizeof fill, "%s%s", hue_of(v, curve), v->c->names_n > 4 ? "18" : "2a");
	canvas_area(&v->canvas, corners, n, fill);
	free(corners);
}

/* The band between lo and hi, over each stretch of points that have one. */
static void draw_band(struct view *v, size_t curve)
{
	size_t from = 0;

	for (size_t i = 0; i <= v->c->x_n; i++) {
		const struct curve_point *p = i < v->c->x_n ? point_of(v, curve, i) : NULL;

		if (p && p->state == CURVE_HAS && isfinite(p->lo) && isfinite(p->hi) && p->hi > p->lo)
			continue;
		if (i - from > 1)
			band_of_run(v, curve, from, i);
		from = i + 1;
	}
}

static void add_line(struct view *v, struct point a, struct point b, const struct stroke *stroke)
{
	canvas_line(&v->canvas, a, b, stroke, NULL);
	labels_line(&v->labels, a, b);
}

static void draw_medians(struct view *v, size_t curve)
{
	char pale[16];
	const struct stroke thin = {.color = pale, .width = 0.9, .dashed = stroke_of(v, curve).dashed};

	snprintf(pale, sizeof pale, "%s90", hue_of(v, curve));
	for (size_t i = 1; i < v->c->x_n; i++) {
		const struct curve_point *a = point_of(v, curve, i - 1), *b = point_of(v, curve, i);

		if (a->state == CURVE_HAS && b->state == CURVE_HAS && isfinite(a->median) &&
		    isfinite(b->median))
			add_line(v, place(v, curve, i - 1, a->median), place(v, curve, i, b->median), &thin);
	}
}

/* To the next point; to the upper edge where an overload is next. */
static void draw_piece(struct view *v, size_t curve, size_t i)
{
	const struct curve_point *a = point_of(v, curve, i - 1), *b = point_of(v, curve, i);
	struct stroke stroke = stroke_of(v, curve);

	if (a->state != CURVE_HAS || b->state == CURVE_NOTHING)
		return;
	if (b->state == CURVE_HAS) {
		add_line(v, place(v, curve, i - 1, a->value), place(v, curve, i, b->value), &stroke);
		return;
	}
	stroke.width = 1.0;
	stroke.dashed = true;
	stroke.arrow = 6;
	add_line(v, place(v, curve, i - 1, a->value), place(v, curve, i, v->y.high), &stroke);
}

static struct rect mark_at(struct point at)
{
	return (struct rect){at.x - mark_size / 2, at.y - mark_size / 2, mark_size, mark_size};
}

static void describe_point(struct str *out, const struct view *v, size_t curve, size_t i)
{
	const struct curve_point *p = point_of(v, curve, i);
	const double unit = v->y.unit;

	if (v->panel->x)
		str_addf(out, "%s\n%s %.6g %s: %.4g", v->c->names[curve], v->panel->x_name, x_of(v, curve, i),
			 v->panel->x_unit, p->value / unit);
	else
		str_addf(out, "%s\n%s %s%s%s: %.4g", v->c->names[curve], v->c->x_name, v->c->x_texts[i],
			 *v->c->x_unit ? " " : "", v->c->x_unit, p->value / unit);
	if (isfinite(p->lo) && p->hi > p->lo)
		str_addf(out, "\nP10 to P90: %.4g to %.4g", p->lo / unit, p->hi / unit);
	if (p->ci > 0)
		str_addf(out, "\nchance: \xc2\xb1%.2g", p->ci / unit);
}

/* An interval of chance, or of a single point the band, as a whisker, and a mark on it. */
static void draw_mark(struct view *v, size_t curve, size_t i)
{
	const struct curve_point *p = point_of(v, curve, i);
	const struct stroke whisker = {.color = hue_of(v, curve), .width = 0.9};
	const struct ink ink = ink_of(v, curve);
	struct str tip = STR_INIT;
	struct rect at;

	if (p->state != CURVE_HAS)
		return;
	describe_point(&tip, v, curve, i);
	at = mark_at(place(v, curve, i, p->value));
	if (p->ci > 0 && v->few)
		canvas_line(&v->canvas, place(v, curve, i, p->value - p->ci),
			    place(v, curve, i, p->value + p->ci), &whisker, NULL);
	else if (v->c->x_n == 1 && isfinite(p->lo))
		canvas_line(&v->canvas, place(v, curve, i, p->lo), place(v, curve, i, p->hi), &whisker, NULL);
	canvas_shape(&v->canvas, at, &ink, tip.text);
	labels_block(&v->labels, at);
	str_release(&tip);
}

/* A frontier: level until the next step. */
static void draw_steps(struct view *v)
{
	const struct stroke grey = {.color = "#9a9da0", .width = 4};
	const struct panel *const p = v->panel;

	for (size_t k = 0; k < p->steps_n; k++) {
		const size_t i = p->steps_back ? p->steps_n - 1 - k : k;
		const struct curve_step *s = &p->steps[i], *next = p->steps_back ? s - 1 : s + 1;
		const bool last = k + 1 == p->steps_n;
		const struct point at = {axis_at(&v->x, s->x), axis_at(&v->y, s->y)};
		const double end = !last ? axis_at(&v->x, next->x) : p->steps_back ? v->x.from : v->x.to;

		add_line(v, at, (struct point){end, at.y}, &grey);
		if (!last)
			add_line(v, (struct point){end, at.y}, (struct point){end, axis_at(&v->y, next->y)},
				 &grey);
	}
}

/* Above the frame, where loads are too much: a triangle and the letters of the lines. */
static void draw_overloads(struct view *v, size_t i)
{
	const struct type type = {.size = 7.5, .bold = true, .align = 'l', .color = page_black};
	const double x = axis_at(&v->x, v->c->x[i]), y = v->y.to - 6;
	const double room = fmax((v->x.to - v->x.from) / (double)v->c->x_n - 9, 12);
	struct str letters = STR_INIT;
	size_t n = 0;

	for (size_t k = 0; k < v->c->names_n; k++)
		if (point_of(v, k, i)->state == CURVE_OVERLOADED) {
			str_addf(&letters, "%c", curve_letter(k));
			n++;
		}
	if (n == v->c->names_n && n > 1) {
		str_clear(&letters);
		str_add(&letters, "all");
	}
	if (n) {
		canvas_shape(&v->canvas, (struct rect){x - 3, y - 3, 6, 6},
			     &(struct ink){.shape = "triangle", .fill = look_limit(v->c->look.style)}, NULL);
		canvas_text_in(&v->canvas, (struct point){x + 4, y}, &type,
			       v->c->names_n > 1 ? letters.text : "", room);
	}
	str_release(&letters);
}

/* A panel without any value says so. */
static void draw_emptiness(struct view *v)
{
	const struct type type = {.size = 10, .align = 'c', .color = page_grey};
	bool overloaded = false;

	for (size_t i = 0; i < v->c->names_n * v->c->x_n; i++) {
		if (v->panel->points[i].state == CURVE_HAS)
			return;
		overloaded |= v->panel->points[i].state == CURVE_OVERLOADED;
	}
	canvas_text(&v->canvas, (struct point){(v->x.from + v->x.to) / 2, (v->y.from + v->y.to) / 2}, &type,
		    overloaded ? "overloaded throughout" : "no value: nothing fits, or it does not apply",
		    NULL);
}

/* The curve's letter beside its last point, or the one before that if there is no room, and so on. */
static void draw_letter(struct view *v, size_t curve)
{
	const char text[2] = {curve_letter(curve), '\0'};
	const struct type type = {.size = 9.5,
				  .bold = true,
				  .align = 'l',
				  .color = v->c->look.style == STYLE_COLOUR ? hue_of(v, curve) : page_black};
	const double w = textsize_width(text, type.size, true) + 2, h = 10;

	for (size_t i = v->c->x_n; i-- > 0;) {
		const struct curve_point *p = point_of(v, curve, i);
		struct label_anchor anchor = {.clear = mark_size / 2};
		struct label_place found;

		if (p->state != CURVE_HAS)
			continue;
		anchor.at = place(v, curve, i, p->value);
		if (!labels_find(&v->labels, &anchor, w, h, &found) || found.led)
			continue;
		labels_take(&v->labels, &found);
		canvas_text(&v->canvas, (struct point){found.at.x, found.at.y + h / 2}, &type, text, NULL);
		return;
	}
}

/* Has a curve a point there? */
static bool is_taken(const struct view *v, struct rect r)
{
	const double near = mark_size / 2;
	bool taken = false;

	for (size_t i = 0; i < v->c->names_n * v->c->x_n && !taken; i++) {
		const struct curve_point *p = &v->panel->points[i];
		const struct point at = place(v, i / v->c->x_n, i % v->c->x_n, p->value);

		taken = p->state == CURVE_HAS && at.x > r.x - near && at.x < r.x + r.w + near &&
			at.y > r.y - near && at.y < r.y + r.h + near;
	}
	return taken;
}

/* The bound's name above its line or below it, at the right or at the left: the first place without a point. */
static struct rect bound_label(const struct view *v, double y, double width, bool above)
{
	const double sides[] = {v->x.to - width - 1, v->x.from + 1};
	struct rect r = {.w = width, .h = 11};

	for (int i = 0; i < 4; i++) {
		r.x = sides[i / 2];
		r.y = i % 2 || above || y - v->y.to < 14 ? fmax(y, v->y.to) + 1.5 : y - r.h - 1.5;
		if (r.y + r.h < v->y.from && !is_taken(v, r))
			return r;
	}
	r.x = sides[0];
	r.y = above || y - v->y.to < 14 ? fmax(y, v->y.to) + 1.5 : y - r.h - 1.5;
	return r;
}

static void draw_bound(struct view *v)
{
	const double bound = v->panel->bound;
	const bool above = bound > v->y.high;
	const double y = axis_at(&v->y, bound);
	const struct stroke line = {.color = look_limit(v->c->look.style), .width = 1.2, .dashed = true};
	const struct type type = {.size = 8.5, .align = 'l', .color = look_limit(v->c->look.style)};
	struct rect label;
	const char *unit;
	struct str text = STR_INIT;

	if (isnan(bound))
		return;
	panel_unit(v->panel, v->c->names_n * v->c->x_n, &unit);
	str_addf(&text, "%s %.4g%s%s%s", v->panel->bound_name ? v->panel->bound_name : "SLO",
		 bound / v->y.unit, *unit ? " " : "", unit, above ? ", above" : "");
	if (!above)
		canvas_line(&v->canvas, (struct point){v->x.from, y}, (struct point){v->x.to, y}, &line,
			    NULL);
	label = bound_label(v, y, textsize_width(text.text, 8.5, false) + 6, above);
	/* on white, as shapes are above the lines */
	canvas_shape(&v->canvas, label, &(struct ink){.fill = "#ffffffd0"}, NULL);
	canvas_text(&v->canvas, (struct point){label.x + 3, label.y + label.h / 2}, &type, text.text, NULL);
	labels_block(&v->labels, label);
	str_release(&text);
}

static void draw_panel(struct view *v, size_t k)
{
	const struct frame *f = &v->frame;
	const double left = f->left + f->pitch_x * (double)(k % f->in_row);
	const double top = plot_top + f->pitch_y * (double)(k / f->in_row);

	v->panel = &v->c->panels[k];
	v->x = curves_x_axis(v->c, v->panel);
	v->y = curves_y_axis(v->c, v->panel);
	v->x.from = left, v->x.to = left + f->width;
	v->y.from = top + f->height, v->y.to = top;
	labels_init(&v->labels, (struct rect){left, top, f->width + 12, f->height});
	draw_axes(v);
	draw_bound(v);
	draw_steps(v);
	for (size_t curve = v->c->names_n; curve-- > 0;) { /* the first is above the others */
		draw_band(v, curve);
		if (v->few)
			draw_medians(v, curve);
		for (size_t i = 1; i < v->c->x_n; i++)
			draw_piece(v, curve, i);
	}
	for (size_t curve = v->c->names_n; curve-- > 0;)
		for (size_t i = 0; i < v->c->x_n; i++)
			draw_mark(v, curve, i);
	for (size_t i = 0; i < v->c->x_n; i++)
		draw_overloads(v, i);
	for (size_t curve = 0; v->c->names_n > 1 && curve < v->c->names_n; curve++)
		draw_letter(v, curve);
	draw_emptiness(v);
	labels_release(&v->labels);
}

/* ---- the page ---- */

/* Panels beside each other where each has room, else in more rows. */
static struct frame frame_of(size_t panels_n, double page_w)
{
	const double room = page_w - 2.0 * PAGE_MARGIN, least = 270, wide = 800;
	const size_t fit = room < 2 * least ? 1 : room < 3 * least ? 2 : PANELS_IN_ROW;
	struct frame f = {.in_row = panels_n < fit ? panels_n : fit};
	const bool alone = f.in_row == 1 && room > wide;

	f.pitch_x = alone ? room * 0.76 : room / (double)f.in_row;
	f.left = alone ? PAGE_MARGIN + room * 0.12 + 44 : PAGE_MARGIN + 44;
	f.width = f.pitch_x - 66;
	f.height = room < wide ? fmin(f.width * 0.7, 250) : f.in_row == 1 ? 340 : f.in_row == 2 ? 300 : 250;
	f.pitch_y = f.height + 78;
	return f;
}

/* The lines in words. */
static void make_legend(struct view *v)
{
	const struct curves *c = v->c;

	v->legend = xcalloc(c->names_n, sizeof *v->legend);
	v->legend_texts = xcalloc(c->names_n, sizeof *v->legend_texts);
	for (size_t k = 0; k < c->names_n; k++) {
		struct str *text = &v->legend_texts[k];

		*text = (struct str)STR_INIT;
		if (c->names_n > 1)
			str_addf(text, "%c  ", curve_letter(k));
		textsize_shorten(text, c->names[k], 330, 9, false);
		if (c->remarks && c->remarks[k])
			str_addf(text, ": %s", c->remarks[k]);
		v->legend[k] = (struct legend_entry){
			.ink = ink_of(v, k), .text = text->text, .stroke = stroke_of(v, k)};
	}
}

static void release_legend(struct view *v)
{
	for (size_t k = 0; k < v->c->names_n; k++)
		str_release(&v->legend_texts[k]);
	free(v->legend_texts);
	free(v->legend);
}

static size_t draw_legend(const struct view *v, struct canvas *canvas, double y)
{
	return legend_draw(canvas, v->legend, v->c->names_n, PAGE_MARGIN, v->page_w - 2.0 * PAGE_MARGIN, y);
}

static void add_part(struct str *out, const char *text)
{
	str_addf(out, "%s%s", out->len ? " \xc2\xb7 " : "", text);
}

/* canvas: NULL to measure it. Returns its height. */
static double draw_note(const struct view *v, struct canvas *canvas, double y)
{
	bool bands = false, overloads = false, gaps = false;
	const char *steps = NULL;
	double height;
	struct str text = STR_INIT;

	for (size_t k = 0; k < v->c->panels_n; k++) {
		if (v->c->panels[k].steps_n)
			steps = v->c->panels[k].steps_name
					? v->c->panels[k].steps_name
					: "grey steps: no fleet drawn holds more for the price";
		for (size_t i = 0; i < v->c->names_n * v->c->x_n; i++) {
			const struct curve_point *p = &v->c->panels[k].points[i];

			bands |= p->state == CURVE_HAS && isfinite(p->lo) && p->hi > p->lo;
			overloads |= p->state == CURVE_OVERLOADED;
			gaps |= p->state == CURVE_NOTHING && !v->c->panels[k].x;
		}
	}
	if (steps)
		add_part(&text, steps);
	if (bands)
		add_part(&text, "band: P10 to P90 of what the calibration leaves open");
	if (gaps)
		add_part(&text, "no mark: it does not fit, or has no such number");
	if (v->c->chance && v->few)
		add_part(&text, "whisker: 95 % interval of chance");
	if (v->c->medians && v->few)
		add_part(&text, "thin line: p50");
	if (overloads)
		add_part(&text,
			 "triangle above the frame: overloaded, the wait grows as long as the load lasts");
	height = page_note(canvas, v->page_w, y, text.text);
	str_release(&text);
	return height;
}

void curves_dot(struct str *out, const struct curves *c)
{
	struct view v = {.c = c, .few = c->names_n <= CURVES_FEW, .page_w = look_page(&c->look)};
	double bottom, end, height;

	v.frame = frame_of(c->panels_n, v.page_w);
	bottom = plot_top + v.frame.pitch_y * (double)((c->panels_n + v.frame.in_row - 1) / v.frame.in_row) -
		 26;
	make_legend(&v);
	end = bottom + legend_row_h * (double)draw_legend(&v, NULL, bottom) + 4;
	height = end + fmax(draw_note(&v, NULL, end), 11) + 9;
	look_open(&c->look, &v.canvas, out,
		  &(struct look_frame){
			  .width = v.page_w, .height = height, .lines_first = true, .title = c->title});
	for (size_t k = 0; k < c->panels_n; k++)
		draw_panel(&v, k);
	draw_legend(&v, &v.canvas, bottom);
	draw_note(&v, &v.canvas, end);
	look_close(&c->look, &v.canvas, v.page_w, height);
	release_legend(&v);
}
