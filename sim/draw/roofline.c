/* roofline.c - see roofline.h. */
#include "sim/draw/roofline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/units.h"
#include "sim/draw/axes.h"
#include "sim/draw/canvas.h"
#include "sim/draw/labels.h"
#include "sim/draw/page.h"
#include "sim/draw/roof_style.h"
#include "sim/draw/roof_words.h"
#include "sim/draw/roofdots.h"
#include "sim/draw/textsize.h"

static const double left = 58, side_w = 20, top = 58;
static const double row = 17, line_h = 11, text_size = 8.5;
static const char grey[] = "#5a5a5a";

static const char *const shapes[] = {"circle", "square", "triangle", "pentagon", "hexagon", "octagon"};
enum { SHAPES_N = ARRAY_LEN(shapes), GROUPS_MAX = 16 };

struct view {
	const struct roofline *r;
	struct canvas canvas;
	struct axis x, y;
	struct labels labels;
	struct point *place;            /* [dot]: position */
	const char *groups[GROUPS_MAX]; /* in the order of their first dots */
	size_t groups_n;
	size_t unlabelled;
	double page_w, right, bottom, end; /* end: of what is drawn below the plot */
	struct str keys;                   /* labels that have a number beside their dots: "1 decode q" */
	size_t keys_n;
};

static bool is_shown(const struct roof_dot *d)
{
	return d->intensity > 0.0 && d->flops > 0.0 && isfinite(d->intensity) && isfinite(d->flops);
}

/* The area is proportional to the share, plus a minimum, in which a letter has room where dots have letters. */
static double diameter(const struct view *v, const struct roof_dot *d)
{
	return (roofs_are_marked(v->r) ? 11.0 : 6.0) + 15.0 * sqrt(fmin(fmax(d->share, 0.0), 1.0));
}

static struct point point_at(const struct view *v, double intensity, double flops)
{
	return (struct point){axis_at(&v->x, intensity), axis_at(&v->y, flops)};
}

static double top_flops(const struct roof *roof)
{
	return fmax(roof->peak_flops, roof->limit_flops);
}

/* ---- ranges ---- */

static void choose_ranges(struct view *v)
{
	double x0 = INFINITY, x1 = 0.0, y0 = INFINITY, y1 = 0.0;

	for (size_t i = 0; i < v->r->roofs_n; i++) {
		const double ridge = roof_ridge(&v->r->roofs[i]);

		BUG_ON(!(ridge > 0.0) || !isfinite(ridge));
		x0 = fmin(x0, ridge / 8);
		x1 = fmax(x1, ridge * 12); /* room for the label of the roof */
		y1 = fmax(y1, top_flops(&v->r->roofs[i]) * 2.2);
		y0 = fmin(y0, v->r->roofs[i].peak_flops / 8);
	}
	for (size_t i = 0; i < v->r->dots_n; i++) {
		const struct roof_dot *d = &v->r->dots[i];

		if (!is_shown(d))
			continue;
		x0 = fmin(x0, d->intensity * 0.6);
		x1 = fmax(x1, d->intensity * 1.7);
		y0 = fmin(y0, d->flops * 0.6);
		y1 = fmax(y1, d->flops * 1.7);
	}
	if (x1 <= 0.0 || y1 <= 0.0)
		x0 = y0 = 1.0, x1 = y1 = 1000.0; /* no roof and no dot */
	v->x = axis_over(fmax(x0, x1 * 1e-7), x1);
	v->y = axis_over(fmax(y0, y1 * 1e-7), y1);
	v->x.from = left, v->x.to = v->right;
	v->y.from = v->bottom, v->y.to = top;
	v->y.unit = y1 < 2e12 ? 1e9 : 1e12;
}

/* ---- roofs ---- */

/* Draws the slope and the ceiling of a roof, as far as they are in the picture; labels may not cover them. */
static void draw_roof_lines(struct view *v, double flops, double Bps, const struct stroke *stroke,
			    const char *tooltip)
{
	const double ridge = flops / Bps, start = fmax(v->x.low, v->y.low / Bps);
	const struct point knee = point_at(v, ridge, flops), end = point_at(v, v->x.high, flops);
	const struct point foot = point_at(v, start, start * Bps);

	canvas_line(&v->canvas, foot, knee, stroke, tooltip);
	canvas_line(&v->canvas, knee, end, stroke, tooltip);
	labels_line(&v->labels, foot, knee);
	labels_line(&v->labels, knee, end);
}

static void draw_roof(struct view *v, size_t i)
{
	const struct roof *roof = &v->r->roofs[i];
	const struct stroke solid = roof_stroke(v->r, i);
	const struct stroke dashed = {.color = roof_color(v->r, i), .width = 0.8, .dashed = true};
	struct str tip = STR_INIT;

	roof_describe(&tip, roof);
	if (roof_has_limit(roof))
		draw_roof_lines(v, roof->limit_flops, roof->limit_Bps, &dashed, tip.text);
	draw_roof_lines(v, roof->peak_flops, roof->read_Bps, &solid, tip.text);
	str_release(&tip);
}

/* Draws a text on a background, so that the grid does not run through it. */
static void draw_text(struct view *v, struct rect at, const struct type *type, const char *text)
{
	const struct ink ground = {.fill = "#ffffffe0"};

	canvas_shape(&v->canvas, at, &ground, NULL);
	canvas_text(&v->canvas, (struct point){at.x + 1, at.y + at.h / 2}, type, text, NULL);
}

/* Finds a free place for a label along the ceiling: above its lines, else below, from the right end; else
 * the place nearest to a point of the ceiling, with a leader. */
static bool find_roof_label(const struct view *v, const struct roof *roof, double w, double h,
			    struct label_place *best)
{
	const double knee = axis_at(&v->x, roof_ridge(roof)), y = axis_at(&v->y, roof->peak_flops);
	const double above = axis_at(&v->y, top_flops(roof)) - h - 4, below = y + 4;
	bool found = false;

	for (int side = 0; side < 2; side++)
		for (double x = v->right - w - 8; x > knee - 60; x -= 12) {
			*best = (struct label_place){.at = {x, side ? below : above, w, h}};
			if (labels_is_free(&v->labels, best->at))
				return true;
		}
	for (double x = v->right - 20; x > knee; x -= 20) {
		const struct label_anchor anchor = {{x, y}, 1.0, {x, y, 0, 0}};
		struct label_place place;

		if (labels_find(&v->labels, &anchor, w, h, &place) && (!found || place.cost < best->cost)) {
			*best = place;
			found = true;
		}
	}
	return found;
}

static void draw_leader(struct view *v, const struct label_place *place, const char *color)
{
	const struct stroke stroke = {.color = color, .width = 0.5};

	if (place->led)
		canvas_line(&v->canvas, place->leader.a, place->leader.b, &stroke, NULL);
}

/* Draws the label of a roof in two lines: the device, and its measured rates. */
static void label_roof(struct view *v, size_t i)
{
	const struct roof *roof = &v->r->roofs[i];
	const struct type bold = {.size = 9.5, .bold = true, .align = 'l', .color = roof_color(v->r, i)};
	const struct type plain = {.size = text_size, .align = 'l', .color = roof_color(v->r, i)};
	struct str figures = STR_INIT, name = STR_INIT;
	struct label_place place;
	double w;

	roof_add_figures(&figures, roof->peak_flops, roof->read_Bps);
	roof_add_name(&name, v->r, i, 300, bold.size, true);
	w = fmax(textsize_width(name.text, bold.size, true),
		 textsize_width(figures.text, plain.size, false)) +
	    3;
	if (find_roof_label(v, roof, w, 2 * line_h + 1, &place)) {
		labels_take(&v->labels, &place);
		draw_leader(v, &place, roof_color(v->r, i));
		draw_text(v, (struct rect){place.at.x, place.at.y, w, line_h + 1}, &bold, name.text);
		draw_text(v, (struct rect){place.at.x, place.at.y + line_h + 1, w, line_h}, &plain,
			  figures.text);
	}
	str_release(&name);
	str_release(&figures);
}

static void draw_ridge(struct view *v, size_t i)
{
	const struct roof *roof = &v->r->roofs[i];
	const struct point p = point_at(v, roof_ridge(roof), roof->peak_flops);
	const struct roof_mark mark = roof_mark(v->r, i);
	const double half = mark.text[0] ? 9 : 5; /* of the diamond: a letter has room in the larger one */
	const struct ink diamond = {.shape = "diamond",
				    .fill = "#ffffff",
				    .line = roof_color(v->r, i),
				    .pen = 1.4,
				    .text = mark.text[0] ? mark.text : NULL,
				    .text_size = 7.5,
				    .text_color = "#000000"};
	const struct type type = {.size = text_size, .align = 'l', .color = roof_color(v->r, i)};
	const struct label_anchor anchor = {p, 6.0, {p.x, p.y, 0, 0}};
	struct label_place place;
	struct str text = STR_INIT;

	str_addf(&text, "%.4g", roof_ridge(roof));
	if (labels_find(&v->labels, &anchor, textsize_width(text.text, type.size, false) + 3, line_h,
			&place)) {
		labels_take(&v->labels, &place);
		draw_leader(v, &place, roof_color(v->r, i));
		draw_text(v, place.at, &type, text.text);
	}
	str_clear(&text);
	roof_describe(&text, roof);
	canvas_shape(&v->canvas, (struct rect){p.x - half, p.y - half, 2 * half, 2 * half}, &diamond,
		     text.text);
	str_release(&text);
}

/* ---- dots ---- */

/* The shape of a group's dots: fixed for prefill, decode and training; other groups get the remaining
 * shapes in order. */
static const char *group_shape(const struct view *v, const char *group)
{
	static const char *const known[] = {"prefill", "decode", "train"};
	size_t others = ARRAY_LEN(known);

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_starts(group, known[i]))
			return shapes[i];
	for (size_t g = 0; g < v->groups_n && strcmp(v->groups[g], group) != 0; g++)
		if (!strcmp(group_shape(v, v->groups[g]), shapes[others % SHAPES_N]))
			others++;
	return shapes[others % SHAPES_N];
}

static void add_percent(struct str *out, double share)
{
	if (share > 0 && share < 1e-4)
		str_add(out, "less than 0.01");
	else
		units_format_number(out, 100 * share);
	str_add(out, " %");
}

static void describe_dot(struct str *out, const struct roofline *r, const struct roof_dot *d)
{
	const struct roof *roof = &r->roofs[d->roof];
	const bool memory = d->intensity < roof_ridge(roof);
	const double reach = memory ? d->intensity * roof->read_Bps : roof->peak_flops;

	str_addf(out, "%s\n%s\n", d->label, roof->name);
	units_format(out, d->flops, DIM_FLOPS, 4);
	str_addf(out, " at %.4g FLOP/B\n", d->intensity);
	add_percent(out, d->flops / reach);
	str_addf(out, " of its roof (%s)\n", memory ? "memory-bound" : "compute-bound");
	add_percent(out, d->share);
	str_addf(out, " of the time of %s", d->group);
	if (d->detail && *d->detail)
		str_addf(out, "\n%s", d->detail);
}

static void draw_dot(struct view *v, size_t i)
{
	const struct roof_dot *d = &v->r->dots[i];
	const double size = diameter(v, d);
	const struct point p = v->place[i];
	const struct roof_mark mark = roof_mark(v->r, d->roof);
	struct ink ink = {.shape = group_shape(v, d->group),
			  .line = "#ffffff",
			  .pen = 0.7,
			  .text = mark.text[0] ? mark.text : NULL,
			  .text_size = fmin(fmax(0.6 * size, 7.5), 9),
			  .text_color = roof_text_color(v->r, d->roof)};
	struct str fill = STR_INIT, tip = STR_INIT;

	str_addf(&fill, "%sc8", roof_color(v->r, d->roof));
	ink.fill = fill.text;
	describe_dot(&tip, v->r, d);
	canvas_shape(&v->canvas, (struct rect){p.x - size / 2, p.y - size / 2, size, size}, &ink, tip.text);
	str_release(&fill);
	str_release(&tip);
}

static void place_dots(struct view *v)
{
	v->place = xcalloc(v->r->dots_n + 1, sizeof *v->place);
	for (size_t i = 0; i < v->r->dots_n; i++) {
		const struct roof_dot *d = &v->r->dots[i];
		const double size = diameter(v, d);
		size_t g = 0;

		BUG_ON(d->roof >= v->r->roofs_n);
		v->place[i] =
			is_shown(d) ? point_at(v, d->intensity, d->flops) : (struct point){-1000, -1000};
		if (!is_shown(d))
			continue;
		labels_block(&v->labels,
			     (struct rect){v->place[i].x - size / 2, v->place[i].y - size / 2, size, size});
		while (g < v->groups_n && strcmp(v->groups[g], d->group) != 0)
			g++;
		if (g == v->groups_n && g < GROUPS_MAX)
			v->groups[v->groups_n++] = d->group;
	}
}

/* Draws large dots first, so that small ones are above them. */
static void draw_dots(struct view *v)
{
	bool *done = xcalloc(v->r->dots_n + 1, sizeof *done);

	for (size_t k = 0; k < v->r->dots_n; k++) {
		size_t next = v->r->dots_n;

		for (size_t i = 0; i < v->r->dots_n; i++)
			if (!done[i] &&
			    (next == v->r->dots_n || v->r->dots[i].share > v->r->dots[next].share))
				next = i;
		done[next] = true;
		if (is_shown(&v->r->dots[next]))
			draw_dot(v, next);
	}
	free(done);
}

static bool find_cluster_label(const struct view *v, const struct cluster *c, struct label_place *place)
{
	const struct label_anchor anchor = {v->place[c->lead], diameter(v, &v->r->dots[c->lead]) / 2,
					    c->bounds};
	double w = 0.0;

	for (int k = 0; k < c->lines_n; k++)
		w = fmax(w, textsize_width(c->lines[k].text, text_size, false));
	return labels_find(&v->labels, &anchor, w + 3, line_h * c->lines_n, place);
}

/* Where a label has no room, its dots have a number, which is explained below the plot. */
static void key_cluster(struct view *v, const struct cluster *c)
{
	const struct type type = {.size = text_size, .bold = true, .align = 'l', .color = "#222222"};
	const struct label_anchor anchor = {v->place[c->lead], diameter(v, &v->r->dots[c->lead]) / 2,
					    c->bounds};
	struct label_place place;
	struct str key = STR_INIT;

	str_addf(&key, "%zu", v->keys_n + 1);
	if (labels_find(&v->labels, &anchor, textsize_width(key.text, text_size, true) + 3, line_h, &place)) {
		labels_take(&v->labels, &place);
		draw_leader(v, &place, "#8a8a8a");
		draw_text(v, place.at, &type, key.text);
		v->keys_n++;
		str_addf(&v->keys, "%s%s", v->keys.len ? " \xc2\xb7 " : "", key.text);
		for (int k = 0; k < c->lines_n; k++)
			str_addf(&v->keys, "%s%s", k && !str_ends(v->keys.text, ",") ? ", " : " ",
				 c->lines[k].text);
	} else {
		v->unlabelled++;
	}
	str_release(&key);
}

/* Draws one label for all clusters with the same text, whatever their devices, at the place nearest to its
 * dots. */
static void label_same_text(struct view *v, const struct clusters *all, size_t first)
{
	const struct type type = {.size = text_size, .align = 'l', .color = "#222222"};
	const struct cluster *c = &all->at[first];
	struct label_place best, place;
	bool found = false;

	for (size_t i = first; i < all->n; i++)
		if (cluster_same_text(c, &all->at[i]) && find_cluster_label(v, &all->at[i], &place) &&
		    (!found || place.cost < best.cost)) {
			best = place;
			found = true;
		}
	if (!found) {
		key_cluster(v, c);
		return;
	}
	labels_take(&v->labels, &best);
	draw_leader(v, &best, "#8a8a8a");
	for (int k = 0; k < c->lines_n; k++)
		draw_text(v, (struct rect){best.at.x, best.at.y + line_h * k, best.at.w, line_h}, &type,
			  c->lines[k].text);
}

static void label_dots(struct view *v)
{
	struct clusters clusters;

	clusters_init(&clusters, v->r, v->place);
	for (size_t i = 0; i < clusters.n; i++) {
		bool told = !is_shown(&v->r->dots[clusters.at[i].lead]);

		for (size_t j = 0; j < i && !told; j++)
			told = cluster_same_text(&clusters.at[i], &clusters.at[j]);
		if (!told)
			label_same_text(v, &clusters, i);
	}
	clusters_release(&clusters);
}

/* ---- frame and legend ---- */

static void name_axes(struct view *v)
{
	const struct type axis = {.size = 9.5, .align = 'c', .color = "#222222"};
	const struct type unit = {.size = 9.5, .align = 'l', .color = "#222222"};

	canvas_text(&v->canvas, (struct point){12, top - 15}, &unit, v->y.unit < 1e12 ? "GFLOPS" : "TFLOPS",
		    NULL);
	canvas_text(&v->canvas, (struct point){(left + v->right) / 2, v->bottom + 27}, &axis,
		    "arithmetic intensity, FLOP per byte of memory traffic", NULL);
}

/* Where the next entry of the legend begins: beside the last, or in a new row. */
static struct point legend_at(struct view *v, struct point *at, double w)
{
	struct point here;

	if (at->x > left && at->x + w > v->right)
		*at = (struct point){left, at->y + row};
	here = *at;
	at->x += w + 20;
	return here;
}

static void legend_text(struct view *v, struct point *at, double sample, const char *text, const char *color,
			struct point *begin)
{
	const struct type type = {.size = 9, .align = 'l', .color = color};
	const double room = v->right - left - sample, w = fmin(textsize_width(text, type.size, false), room);
	struct str line = STR_INIT;

	*begin = legend_at(v, at, sample + w);
	for (size_t n; (n = page_line(text, room, &type)) < strlen(text); text += n + 1) {
		str_clear(&line);
		str_add_n(&line, text, n);
		canvas_text_in(&v->canvas, (struct point){begin->x + sample, at->y}, &type, line.text, room);
		at->y += line_h;
	}
	canvas_text_in(&v->canvas, (struct point){begin->x + sample, at->y}, &type, text, room);
	str_release(&line);
}

static void legend_shape(struct view *v, struct point *at, const char *shape, const char *text)
{
	const bool ridge = !strcmp(shape, "diamond");
	const struct ink ink = {.shape = shape,
				.fill = ridge ? "#ffffff" : "#8c8c8c",
				.line = grey,
				.pen = ridge ? 1.2 : 0.5};
	struct point begin;

	legend_text(v, at, 15, text, "#222222", &begin);
	canvas_shape(&v->canvas, (struct rect){begin.x, begin.y - 5, 10, 10}, &ink, NULL);
}

static void legend_line(struct view *v, struct point *at, const struct stroke *stroke, const char *text)
{
	struct point begin;

	legend_text(v, at, 29, text, "#222222", &begin);
	canvas_line(&v->canvas, begin, (struct point){begin.x + 24, begin.y}, stroke, NULL);
}

/* A row of its own for each device, or two where the chip's limits have no room beside its own. */
static void legend_roof(struct view *v, struct point *at, size_t i)
{
	const struct roof *roof = &v->r->roofs[i];
	const struct stroke own = roof_stroke(v->r, i);
	struct str text = STR_INIT;
	struct point begin;
	bool wraps;

	*at = (struct point){left, at->y + row};
	roof_add_name(&text, v->r, i, 300, 9, false);
	str_add(&text, ": ");
	roof_add(&text, roof);
	legend_line(v, at, &own, text.text);
	if (roof_has_limit(roof)) {
		str_clear(&text);
		str_add(&text, "the chip's limits ");
		roof_add_figures(&text, roof->limit_flops, roof->limit_Bps);
		wraps = at->x + textsize_width(text.text, 9, false) > v->right;
		legend_text(v, at, wraps ? 29 : 0, text.text, "#222222", &begin);
	}
	str_release(&text);
}

/* A row for the symbols, then the devices. */
static void draw_legend(struct view *v)
{
	const struct stroke solid = {.color = grey, .width = 2.0};
	const struct stroke dashed = {.color = grey, .width = 1.0, .dashed = true};
	struct point at = {left, v->bottom + 50}, begin;

	for (size_t g = 0; g < v->groups_n; g++)
		legend_shape(v, &at, group_shape(v, v->groups[g]), v->groups[g]);
	if (v->groups_n)
		legend_text(v, &at, 0, "area: share of its phase's time", grey, &begin);
	legend_shape(v, &at, "diamond", "ridge point");
	legend_line(v, &at, &solid, roofline_is_measured(v->r) ? "measured" : "what programs reach");
	legend_line(v, &at, &dashed, "thin: limit of the chip");
	for (size_t i = 0; i < v->r->roofs_n; i++)
		legend_roof(v, &at, i);
	v->end = at.y + 20;
}

static void draw_note(struct view *v)
{
	struct str all = STR_INIT;

	if (v->r->note && *v->r->note)
		str_add(&all, v->r->note);
	if (v->keys_n)
		str_addf(&all, "%s%s", all.len ? " \xc2\xb7 " : "", v->keys.text);
	if (v->unlabelled)
		str_addf(&all, "%s%zu more %s no room for a label", all.len ? " \xc2\xb7 " : "",
			 v->unlabelled, v->unlabelled == 1 ? "group of dots has" : "groups of dots have");
	v->end += page_note(&v->canvas, v->page_w, v->end, all.text);
	str_release(&all);
}

/* Draws a picture of a height and returns the height that it needs. */
static double draw(struct str *out, const struct roofline *r, double height)
{
	struct view v = {.r = r, .page_w = look_page(&r->look), .keys = STR_INIT};

	v.right = v.page_w - side_w;
	v.bottom = top + fmin(482, 0.8 * (v.right - left));
	choose_ranges(&v);
	labels_init(&v.labels, (struct rect){left, top, v.right - left, v.bottom - top});
	look_open(&r->look, &v.canvas, out,
		  &(struct look_frame){
			  .width = v.page_w, .height = height, .lines_first = true, .title = r->title});
	axes_draw(&v.canvas, &v.x, &v.y);
	name_axes(&v);
	place_dots(&v);
	for (size_t i = 0; i < r->roofs_n; i++)
		draw_roof(&v, i);
	for (size_t i = 0; i < r->roofs_n; i++)
		draw_ridge(&v, i);
	for (size_t i = 0; i < r->roofs_n; i++)
		label_roof(&v, i);
	label_dots(&v);
	draw_dots(&v);
	draw_legend(&v);
	draw_note(&v);
	look_close(&r->look, &v.canvas, v.page_w, height);
	labels_release(&v.labels);
	str_release(&v.keys);
	free(v.place);
	return v.end + 8;
}

/* The first time tells how high the legend and the notes are. */
void roofline_dot(struct str *out, const struct roofline *r)
{
	struct str scratch = STR_INIT;
	const double height = draw(&scratch, r, 1000);

	str_release(&scratch);
	draw(out, r, height);
}
