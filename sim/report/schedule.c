/* schedule.c - see schedule.h: the picture. The trace is in trace.c. */
#include "sim/report/schedule.h"

#include <math.h>
#include <stdlib.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/report/bars.h"
#include "sim/report/canvas.h"
#include "sim/report/legend.h"
#include "sim/report/memory_tracks.h"
#include "sim/report/page.h"
#include "sim/report/textsize.h"
#include "sim/report/time_axis.h"

const char *const box_kind_names[BOX_KIND_N + 1] = {
	[BOX_PREFILL] = "prefill",
	[BOX_DECODE] = "decode",
	[BOX_FORWARD] = "forward",
	[BOX_BACKWARD] = "backward",
	[BOX_INPUT] = "gradient of inputs (B)",
	[BOX_WEIGHTS] = "gradient of weights (W)",
	[BOX_UPDATE] = "optimizer",
	[BOX_TRANSFER] = "transfer",
	[BOX_COPY] = "host copy",
	[BOX_REDUCE] = "reduce",
	[BOX_KIND_N] = NULL,
};

/* Tints of the colours of Okabe and Ito for colour-blind readers: light enough for black text, and darker
 * for outlines. */
static const struct tint {
	const char *fill, *line;
} tints[BOX_KIND_N] = {
	[BOX_PREFILL] = {"#fbd08f", "#b87400"}, [BOX_DECODE] = {"#a3cbe8", "#0072b2"},
	[BOX_FORWARD] = {"#c3e4f8", "#2f87bd"}, [BOX_BACKWARD] = {"#9cd9bf", "#007f5c"},
	[BOX_INPUT] = {"#9cd9bf", "#007f5c"},   [BOX_WEIGHTS] = {"#f6c79c", "#c25e00"},
	[BOX_UPDATE] = {"#d4d4d4", "#636363"},  [BOX_TRANSFER] = {"#fff2a1", "#a88a00"},
	[BOX_COPY] = {"#ecc8dd", "#a3507f"},    [BOX_REDUCE] = {"#d8d0f0", "#6a51a3"},
};
/* Darker shades of the kinds that have several passes or groups: half way to the colour of the outline,
 * and close to it. */
static const char *const shades[BOX_KIND_N][2] = {
	[BOX_PREFILL] = {"#f2b866", "#e5a03f"}, [BOX_DECODE] = {"#76b1da", "#5199cb"},
	[BOX_FORWARD] = {"#93c6e6", "#6aaed8"}, [BOX_BACKWARD] = {"#66c0a0", "#3fa785"},
	[BOX_INPUT] = {"#66c0a0", "#3fa785"},   [BOX_WEIGHTS] = {"#eda260", "#e08a3c"},
};
static const char red[] = "#d62728";

static const double pitch = 40, band_h = 32, box_h = 26, small_size = 8;
enum { GREY_ARROWS_MAX = 150, RED_ARROWS_MAX = 300 };

struct arrow {
	size_t from, to; /* indices of bars */
	bool critical;
};

struct view {
	const struct schedule *s;
	struct canvas canvas;
	struct bars bars;
	double left, top, lanes_end, bottom, pt_per_ns; /* memory tracks are between lanes_end and bottom */
	struct time_axis time;
	struct arrow *arrows; /* arrows between lanes */
	size_t arrows_n, red_n;
};

static double x_of(const struct view *v, sim_ns at_ns)
{
	return time_axis_at(&v->time, at_ns);
}

static double lane_middle(const struct view *v, size_t lane)
{
	return v->top + ((double)lane + 0.5) * pitch;
}

/* ---- head, lanes, axis ---- */

static void draw_lane(struct view *v, size_t l)
{
	const struct lane *lane = &v->s->lanes[l];
	const struct ink band = {
		.fill = lane->is_link ? "#fbf8ea" : "#f3f4f5", .line = "#e2e2e2", .pen = 0.5};
	const double y = lane_middle(v, l);

	canvas_shape(&v->canvas, (struct rect){v->left, y - band_h / 2, PAGE_PLOT_W, band_h}, &band, NULL);
	page_names(&v->canvas, y, lane->name, lane->sub);
}

static void draw_share(struct view *v, size_t l, sim_ns busy_ns)
{
	const double share = 100.0 * (double)busy_ns / (double)(v->s->to_ns - v->s->from_ns);
	struct str text = STR_INIT;

	if (busy_ns > 0 && share < 0.5)
		str_add(&text, "<1%");
	else
		str_addf(&text, "%.0f%%", share);
	page_figures(&v->canvas, lane_middle(v, l), text.text, "busy");
	str_release(&text);
}

/* ---- boxes ---- */

static void add_detail(struct str *out, const struct box *box)
{
	if (box->detail && *box->detail)
		str_addf(out, "\n%s", box->detail);
}

static void describe_one(struct str *out, const struct schedule *s, const struct bar *bar)
{
	const struct box *box = &s->boxes[bar->first];

	str_addf(out, "%s\n%s on %s\nstart ", box->label ? box->label : "", box_kind_names[box->kind],
		 s->lanes[box->lane].name);
	time_axis_add(out, box->start_ns);
	str_add(out, ", takes ");
	time_axis_add(out, box->end_ns - box->start_ns);
	add_detail(out, box);
	if (box->critical)
		str_add(out, "\non the critical path");
}

static void describe_many(struct str *out, const struct schedule *s, const struct bar *bar)
{
	const char *first = s->boxes[bar->first].label, *last = s->boxes[bar->last].label;

	str_addf(out, "%zu boxes", bar->boxes_n);
	if (first && last)
		str_addf(out, ": %s \xe2\x80\xa6 %s", first, last);
	str_addf(out, "\n%s on %s\n", box_kind_names[bar->kind], s->lanes[bar->lane].name);
	time_axis_add(out, bar->start_ns);
	str_add(out, " to ");
	time_axis_add(out, bar->end_ns);
	str_add(out, ", busy ");
	time_axis_add(out, bar->busy_ns);
	if (bar->critical)
		str_add(out, "\non the critical path, at least in part");
}

static double bar_width(const struct view *v, const struct bar *bar)
{
	return fmax((double)(bar->end_ns - bar->start_ns) * v->pt_per_ns, 0.4);
}

/* The largest font size at which the letter does not touch the outline, or 0. */
static double letter_fit(const char *letter, double w)
{
	static const double sizes[] = {9, 8, 7};

	for (size_t i = 0; letter && i < ARRAY_LEN(sizes); i++)
		if (textsize_width(letter, sizes[i], false) + 4.0 <= w)
			return sizes[i];
	return 0.0;
}

static const char *fill_of(const struct view *v, const struct bar *bar)
{
	const int shade = bar->boxes_n == 1 ? v->s->boxes[bar->first].shade : 0;
	const char *fill = shade ? shades[bar->kind][shade > 1] : NULL;

	return fill ? fill : tints[bar->kind].fill;
}

static void draw_bar(struct view *v, const struct bar *bar)
{
	const struct tint *tint = &tints[bar->kind];
	const double w = bar_width(v, bar), y = lane_middle(v, bar->lane);
	const char *full = bar->boxes_n == 1 ? v->s->boxes[bar->first].letter : NULL;
	const char kind[2] = {full ? full[0] : '\0', '\0'}; /* the first character alone: "F" of "F31" */
	const char *letter =
		full && letter_fit(full, w) <= 0.0 && (unsigned char)kind[0] < 0x80 ? kind : full;
	const double size = letter_fit(letter, w);
	const struct ink ink = {.fill = fill_of(v, bar),
				.line = w > 2.0 && bar->boxes_n == 1 ? tint->line : NULL,
				.pen = w > 5.0 ? 0.6 : 0.3,
				.text = size > 0.0 ? letter : NULL,
				.text_size = size};
	struct str tip = STR_INIT;

	if (bar->boxes_n > 1)
		describe_many(&tip, v->s, bar);
	else
		describe_one(&tip, v->s, bar);
	canvas_shape(&v->canvas, (struct rect){x_of(v, bar->start_ns), y - box_h / 2, w, box_h}, &ink,
		     tip.text);
	str_release(&tip);
}

/* The last bar of the part of the critical path that begins with bar i and has no gap; it gets one red
 * outline. */
static size_t critical_run_end(const struct view *v, size_t i)
{
	const struct bar *at = v->bars.at;

	while (i + 1 < v->bars.n && at[i + 1].critical && at[i + 1].lane == at[i].lane &&
	       (double)(at[i + 1].start_ns - at[i].end_ns) * v->pt_per_ns < BAR_NARROW_PT)
		i++;
	return i;
}

static void draw_outline(struct view *v, size_t first, size_t last)
{
	const struct bar *a = &v->bars.at[first], *z = &v->bars.at[last];
	const double x = x_of(v, a->start_ns), w = fmax(x_of(v, z->end_ns) - x, 0.4);
	const double pen = w > 6.0 ? 1.6 : w > 3.0 ? 0.9 : 0.4, in = fmin(pen, w) / 2;
	const struct ink ink = {.line = red, .pen = pen};
	const double y = lane_middle(v, a->lane) - box_h / 2;

	canvas_shape(&v->canvas, (struct rect){x + in, y + in, w - 2 * in, box_h - 2 * in}, &ink, NULL);
}

static void draw_bars(struct view *v)
{
	for (size_t i = 0; i < v->bars.n; i++)
		draw_bar(v, &v->bars.at[i]);
	for (size_t i = 0; i < v->bars.n; i++) {
		if (v->bars.at[i].critical) {
			const size_t last = critical_run_end(v, i);

			draw_outline(v, i, last);
			i = last;
		}
	}
}

/* ---- arrows ---- */

/* Finds the boxes that waited for a box on another lane; waits between the same two bars become one arrow. */
static void find_arrows(struct view *v)
{
	const struct schedule *s = v->s;
	struct arrow *last = NULL;

	v->arrows = xcalloc(s->boxes_n + 1, sizeof *v->arrows);
	for (size_t i = 0; i < s->boxes_n; i++) {
		const uint32_t cause = s->boxes[i].cause;
		struct arrow a;

		if (cause == UINT32_MAX || v->bars.of_box[i] == BARS_NONE)
			continue;
		BUG_ON(cause >= s->boxes_n);
		if (v->bars.of_box[cause] == BARS_NONE || s->boxes[cause].lane == s->boxes[i].lane)
			continue;
		a = (struct arrow){v->bars.of_box[cause], v->bars.of_box[i],
				   s->boxes[cause].critical && s->boxes[i].critical};
		if (last && last->from == a.from && last->to == a.to && last->critical == a.critical)
			continue;
		last = &v->arrows[v->arrows_n++];
		*last = a;
		v->red_n += a.critical;
	}
}

static size_t arrows_left_out(const struct view *v)
{
	const size_t grey_n = v->arrows_n - v->red_n;

	return (grey_n > GREY_ARROWS_MAX ? grey_n : 0) + (v->red_n > RED_ARROWS_MAX ? v->red_n : 0);
}

/* Draws an arrow from the end of one bar to the start of the other; it leaves and arrives vertically. */
static void draw_arrow(struct view *v, const struct arrow *a)
{
	const struct bar *from = &v->bars.at[a->from], *to = &v->bars.at[a->to];
	const double way = from->lane < to->lane ? 1.0 : -1.0;
	/* the cause may be one of many tasks in a box that goes on, so its end may be later */
	const sim_ns leaves = from->end_ns < to->start_ns ? from->end_ns : to->start_ns;
	const struct point p = {x_of(v, leaves), lane_middle(v, from->lane) + way * box_h / 2};
	const struct point q = {x_of(v, to->start_ns), lane_middle(v, to->lane) - way * box_h / 2};
	const double bend = fabs(q.y - p.y) * 0.6 * way;
	const bool crowded = v->arrows_n > 90;
	const struct stroke stroke = {.color = a->critical ? red : "#5a5a5aa0",
				      .width = a->critical && !crowded ? 1.1 : 0.6,
				      .arrow = crowded ? 3.0 : 4.5};

	canvas_curve(&v->canvas, (struct point[]){p, {p.x, p.y + bend}, {q.x, q.y - bend}, q}, &stroke, NULL);
}

static void draw_arrows(struct view *v)
{
	const bool grey_too = v->arrows_n - v->red_n <= GREY_ARROWS_MAX;

	for (size_t i = 0; grey_too && i < v->arrows_n; i++)
		if (!v->arrows[i].critical)
			draw_arrow(v, &v->arrows[i]);
	for (size_t i = 0; v->red_n <= RED_ARROWS_MAX && i < v->arrows_n; i++) /* above the grey arrows */
		if (v->arrows[i].critical)
			draw_arrow(v, &v->arrows[i]);
}

/* ---- legend ---- */

static size_t legend_entries(const struct view *v, struct legend_entry entries[BOX_KIND_N + 1])
{
	bool seen[BOX_KIND_N] = {false}, critical = false;
	size_t n = 0;

	for (size_t i = 0; i < v->s->boxes_n; i++) {
		if (v->bars.of_box[i] == BARS_NONE)
			continue;
		seen[v->s->boxes[i].kind] = true;
		critical |= v->s->boxes[i].critical;
	}
	for (int k = 0; k < BOX_KIND_N; k++)
		if (seen[k])
			entries[n++] = (struct legend_entry){
				.ink = {.fill = tints[k].fill, .line = tints[k].line, .pen = 0.6},
				.text = box_kind_names[k]};
	if (critical)
		entries[n++] =
			(struct legend_entry){.ink = {.line = red, .pen = 1.6}, .text = "critical path"};
	return n;
}

static void draw_legend(struct view *v)
{
	struct legend_entry entries[BOX_KIND_N + 1];
	const size_t n = legend_entries(v, entries);

	legend_draw(&v->canvas, entries, n, v->left, PAGE_PLOT_W, v->bottom + 34);
}

/* Appends a number with separators: 12,345. */
static void add_count(struct str *out, size_t n)
{
	if (n >= 1000) {
		add_count(out, n / 1000);
		str_addf(out, ",%03zu", n % 1000);
	} else {
		str_addf(out, "%zu", n);
	}
}

/* A note on boxes and arrows that are not drawn one by one; empty if all are. */
static void add_note(struct str *out, const struct view *v)
{
	if (v->bars.n < v->bars.shown_boxes) {
		add_count(out, v->bars.shown_boxes);
		str_add(out, " boxes drawn as ");
		add_count(out, v->bars.n);
		str_add(out, ": narrow neighbours are joined");
	}
	if (arrows_left_out(v)) {
		str_add(out, out->len ? " \xc2\xb7 " : "");
		add_count(out, arrows_left_out(v));
		str_add(out, " arrows left out");
	}
	if (v->s->note)
		str_addf(out, "%s%s", out->len ? " \xc2\xb7 " : "", v->s->note);
}

static void draw_page(struct view *v, const sim_ns *busy_ns, struct str *out)
{
	const struct type type = {.size = small_size, .align = 'c', .color = page_grey};
	const struct memory_track_frame frame = {v->s,        v->left,      v->lanes_end,
						 PAGE_PLOT_W, PAGE_NAMES_W, PAGE_GUTTER};
	struct str note = STR_INIT;

	add_note(&note, v);
	canvas_open(&v->canvas, out, PAGE_W, v->bottom + (note.len ? 64 : 46), false);
	page_head(&v->canvas, v->s->title, v->s->subtitle);
	for (size_t l = 0; l < v->s->lanes_n; l++)
		draw_lane(v, l);
	for (size_t i = 0; i < v->s->memory_tracks_n; i++)
		memory_track_draw(&v->canvas, &frame, i);
	time_axis_draw(&v->canvas, &v->time, v->top, v->bottom);
	draw_bars(v);
	for (size_t l = 0; l < v->s->lanes_n; l++)
		draw_share(v, l, busy_ns[l]);
	draw_arrows(v);
	draw_legend(v);
	if (note.len)
		canvas_text(&v->canvas, (struct point){v->left + PAGE_PLOT_W / 2, v->bottom + 53}, &type,
			    note.text, NULL);
	canvas_close(&v->canvas);
	str_release(&note);
}

void schedule_dot(struct str *out, const struct schedule *s)
{
	struct schedule window = *s;
	struct view v = {.s = &window, .left = PAGE_LEFT};
	sim_ns *busy_ns = xcalloc(s->lanes_n + 1, sizeof *busy_ns);

	if (window.to_ns <= window.from_ns) /* an empty window is widened */
		window.to_ns = window.from_ns + 1000;
	v.top = s->subtitle && *s->subtitle ? 52 : 38;
	v.lanes_end = v.top + pitch * (double)s->lanes_n;
	v.bottom = v.lanes_end + memory_tracks_height(s->memory_tracks_n);
	v.pt_per_ns = PAGE_PLOT_W / (double)(window.to_ns - window.from_ns);
	v.time = (struct time_axis){window.from_ns, window.to_ns, v.left, PAGE_PLOT_W, PAGE_GUTTER};
	bars_init(&v.bars, &window, v.pt_per_ns);
	for (size_t i = 0; i < v.bars.n; i++)
		busy_ns[v.bars.at[i].lane] += v.bars.at[i].busy_ns;
	find_arrows(&v);
	draw_page(&v, busy_ns, out);
	bars_release(&v.bars);
	free(v.arrows);
	free(busy_ns);
}
