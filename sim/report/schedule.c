/* schedule.c - see schedule.h: the picture. The trace is in trace.c. */
#include "sim/report/schedule.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/units.h"
#include "sim/report/bars.h"
#include "sim/report/canvas.h"
#include "sim/report/memory_tracks.h"
#include "sim/report/textsize.h"

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
static const char red[] = "#d62728", grey[] = "#5a5a5a";

/* The page in points: 1,100 wide, which is 2,200 pixels at 144 dpi. */
static const double margin = 14, names_w = 148, gutter = 8, plot_w = 866, shares_w = 50;
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
	struct arrow *arrows;                           /* arrows between lanes */
	size_t arrows_n, red_n;
};

static const struct type plain_type = {.size = 9, .align = 'l', .color = "#222222"};

static double page_w(void)
{
	return margin + names_w + gutter + plot_w + shares_w + margin;
}

static double x_of(const struct view *v, sim_ns at_ns)
{
	return v->left + (double)(at_ns - v->s->from_ns) * v->pt_per_ns;
}

static double lane_middle(const struct view *v, size_t lane)
{
	return v->top + ((double)lane + 0.5) * pitch;
}

static void add_time(struct str *out, sim_ns ns)
{
	units_format(out, (double)ns * 1e-9, DIM_TIME, 4);
}

/* ---- head, lanes, axis ---- */

static void draw_head(struct view *v)
{
	const struct type title = {.size = 14, .bold = true, .align = 'c', .color = "#111111"};
	const struct type under = {.size = 9.5, .align = 'c', .color = grey};
	const double room = (page_w() - 2 * margin) * 0.95;

	canvas_text_in(&v->canvas, (struct point){page_w() / 2, 20}, &title, v->s->title, room);
	if (v->s->subtitle && *v->s->subtitle)
		canvas_text_in(&v->canvas, (struct point){page_w() / 2, 38}, &under, v->s->subtitle, room);
}

static void draw_lane(struct view *v, size_t l)
{
	const struct lane *lane = &v->s->lanes[l];
	const struct ink band = {
		.fill = lane->is_link ? "#fbf8ea" : "#f3f4f5", .line = "#e2e2e2", .pen = 0.5};
	const struct type bold = {.size = 10, .bold = true, .align = 'r', .color = "#111111"};
	const struct type sub = {.size = small_size, .align = 'r', .color = grey};
	const bool has_sub = lane->sub && *lane->sub;
	const double y = lane_middle(v, l), x = v->left - gutter;

	canvas_shape(&v->canvas, (struct rect){v->left, y - band_h / 2, plot_w, band_h}, &band, NULL);
	canvas_text_in(&v->canvas, (struct point){x, has_sub ? y - 6 : y}, &bold, lane->name, names_w);
	if (has_sub)
		canvas_text_in(&v->canvas, (struct point){x, y + 7}, &sub, lane->sub, names_w);
}

static void draw_share(struct view *v, size_t l, sim_ns busy_ns)
{
	const struct type bold = {.size = 10, .bold = true, .align = 'l', .color = "#111111"};
	const struct type sub = {.size = small_size, .align = 'l', .color = grey};
	const double y = lane_middle(v, l), x = v->left + plot_w + gutter + 2;
	const double share = 100.0 * (double)busy_ns / (double)(v->s->to_ns - v->s->from_ns);
	struct str text = STR_INIT;

	if (busy_ns > 0 && share < 0.5)
		str_add(&text, "<1%");
	else
		str_addf(&text, "%.0f%%", share);
	canvas_text(&v->canvas, (struct point){x, y - 6}, &bold, text.text, NULL);
	canvas_text(&v->canvas, (struct point){x, y + 7}, &sub, "busy", NULL);
	str_release(&text);
}

static const struct unit {
	const char *name;
	sim_ns ns;
} units[] = {{"s", 1000000000}, {"ms", 1000000}, {"\xc2\xb5s", 1000}, {"ns", 1}};

/* The largest unit that fits at least twice into the window. */
static const struct unit *unit_for(sim_ns span_ns)
{
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(units) && span_ns < 2 * units[i].ns)
		i++;
	return &units[i];
}

/* The smallest of 1, 2 and 5 times a power of ten that gives at most twelve steps. */
static sim_ns tick_for(sim_ns span_ns)
{
	static const int steps[] = {1, 2, 5};

	for (sim_ns ten = 1;; ten *= 10)
		for (size_t i = 0; i < ARRAY_LEN(steps); i++)
			if (span_ns / (ten * steps[i]) < 13)
				return ten * steps[i];
}

/* Appends at_ns in the unit, with the decimals that a step of tick_ns needs. */
static void add_tick(struct str *out, sim_ns at_ns, sim_ns tick_ns, const struct unit *unit)
{
	sim_ns part = unit->ns;
	int decimals = 0;

	while (tick_ns % part != 0) {
		part /= 10;
		decimals++;
	}
	str_addf(out, "%" PRId64, at_ns / unit->ns);
	if (decimals)
		str_addf(out, ".%0*" PRId64, decimals, at_ns % unit->ns / part);
}

/* Draws the time axis. Ticks are absolute, or count from the start of a window that begins late, so that
 * labels stay short. */
static void draw_axis(struct view *v)
{
	const sim_ns span = v->s->to_ns - v->s->from_ns, tick = tick_for(span);
	const bool relative = v->s->from_ns < 0 || v->s->from_ns / 20 > span;
	const sim_ns zero = relative ? v->s->from_ns : 0;
	const struct unit *unit = unit_for(span);
	const struct ink line = {.fill = "#d9dadb"};
	const struct type type = {.size = 8.5, .align = 'c', .color = grey};
	const struct type end = {.size = 8.5, .align = 'l', .color = grey};
	struct str text = STR_INIT;

	for (sim_ns at = (v->s->from_ns - zero + tick - 1) / tick * tick; at <= v->s->to_ns - zero;
	     at += tick) {
		const double x = x_of(v, at + zero);

		str_clear(&text);
		add_tick(&text, at, tick, unit);
		canvas_shape(&v->canvas, (struct rect){x - 0.3, v->top, 0.6, v->bottom - v->top + 3}, &line,
			     NULL);
		canvas_text(&v->canvas, (struct point){x, v->bottom + 11}, &type, text.text, NULL);
	}
	canvas_text(&v->canvas, (struct point){v->left + plot_w + gutter + 2, v->bottom + 11}, &end,
		    unit->name, NULL);
	if (relative) {
		str_clear(&text);
		str_add(&text, "from ");
		add_time(&text, zero);
		canvas_text(&v->canvas, (struct point){v->left - gutter, v->bottom + 11},
			    &(struct type){.size = 8.5, .align = 'r', .color = grey}, text.text, NULL);
	}
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
	add_time(out, box->start_ns);
	str_add(out, ", takes ");
	add_time(out, box->end_ns - box->start_ns);
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
	add_time(out, bar->start_ns);
	str_add(out, " to ");
	add_time(out, bar->end_ns);
	str_add(out, ", busy ");
	add_time(out, bar->busy_ns);
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

struct legend_entry {
	struct ink ink;
	const char *text;
};

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
				{.fill = tints[k].fill, .line = tints[k].line, .pen = 0.6},
				box_kind_names[k]};
	if (critical)
		entries[n++] = (struct legend_entry){{.line = red, .pen = 1.6}, "critical path"};
	return n;
}

static void draw_legend(struct view *v)
{
	const double swatch = 13, gap = 5, apart = 18, y = v->bottom + 34;
	struct legend_entry entries[BOX_KIND_N + 1];
	const size_t n = legend_entries(v, entries);
	double w = -apart, x;

	for (size_t i = 0; i < n; i++)
		w += swatch + gap + textsize_width(entries[i].text, plain_type.size, false) + apart;
	x = v->left + (plot_w - w) / 2;
	for (size_t i = 0; i < n; i++) {
		canvas_shape(&v->canvas, (struct rect){x, y - 5.5, swatch, 11}, &entries[i].ink, NULL);
		canvas_text(&v->canvas, (struct point){x + swatch + gap, y}, &plain_type, entries[i].text,
			    NULL);
		x += swatch + gap + textsize_width(entries[i].text, plain_type.size, false) + apart;
	}
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
	const struct type type = {.size = small_size, .align = 'c', .color = grey};
	const struct memory_track_frame frame = {v->s, v->left, v->lanes_end, plot_w, names_w, gutter};
	struct str note = STR_INIT;

	add_note(&note, v);
	canvas_open(&v->canvas, out, page_w(), v->bottom + (note.len ? 64 : 46), false);
	draw_head(v);
	for (size_t l = 0; l < v->s->lanes_n; l++)
		draw_lane(v, l);
	for (size_t i = 0; i < v->s->memory_tracks_n; i++)
		memory_track_draw(&v->canvas, &frame, i);
	draw_axis(v);
	draw_bars(v);
	for (size_t l = 0; l < v->s->lanes_n; l++)
		draw_share(v, l, busy_ns[l]);
	draw_arrows(v);
	draw_legend(v);
	if (note.len)
		canvas_text(&v->canvas, (struct point){v->left + plot_w / 2, v->bottom + 53}, &type,
			    note.text, NULL);
	canvas_close(&v->canvas);
	str_release(&note);
}

void schedule_dot(struct str *out, const struct schedule *s)
{
	struct schedule window = *s;
	struct view v = {.s = &window, .left = margin + names_w + gutter};
	sim_ns *busy_ns = xcalloc(s->lanes_n + 1, sizeof *busy_ns);

	if (window.to_ns <= window.from_ns) /* an empty window is widened */
		window.to_ns = window.from_ns + 1000;
	v.top = s->subtitle && *s->subtitle ? 52 : 38;
	v.lanes_end = v.top + pitch * (double)s->lanes_n;
	v.bottom = v.lanes_end + memory_tracks_height(s->memory_tracks_n);
	v.pt_per_ns = plot_w / (double)(window.to_ns - window.from_ns);
	bars_init(&v.bars, &window, v.pt_per_ns);
	for (size_t i = 0; i < v.bars.n; i++)
		busy_ns[v.bars.at[i].lane] += v.bars.at[i].busy_ns;
	find_arrows(&v);
	draw_page(&v, busy_ns, out);
	bars_release(&v.bars);
	free(v.arrows);
	free(busy_ns);
}
