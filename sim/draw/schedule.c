/* schedule.c - see schedule.h: the picture. The trace is in trace.c. */
#include "sim/draw/schedule.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/draw/arrows.h"
#include "sim/draw/bar_letters.h"
#include "sim/draw/bars.h"
#include "sim/draw/canvas.h"
#include "sim/draw/kinds.h"
#include "sim/draw/legend.h"
#include "sim/draw/memory_tracks.h"
#include "sim/draw/page.h"
#include "sim/draw/textsize.h"
#include "sim/draw/time_axis.h"

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

static const char red[] = "#d62728";

static const double pitch = 40, band_h = 32, box_h = BAR_H, usual_font = 9;
static const double narrow_w = 600; /* pages in points of letters of the usual size */

struct view {
	const struct schedule *s;
	struct canvas canvas;
	struct bars bars;
	struct bar_letters letters;
	double page_w, plot_w;
	double left, top, lanes_end, bottom, pt_per_ns; /* memory tracks are between lanes_end and bottom */
	struct time_axis time;
	struct arrows arrows;
	struct str folded; /* memory tracks that have no lane */
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
	const bool paper = v->s->look.style != STYLE_COLOUR;
	const struct ink band = {.fill = paper           ? "#ffffff"
					 : lane->is_link ? "#f7f7f8"
							 : "#f3f4f5",
				 .line = paper ? "#999999" : "#e2e2e2",
				 .pen = 0.5,
				 .class_name = lane->is_link ? "lane link" : "lane"};
	const double y = lane_middle(v, l);

	canvas_shape(&v->canvas, (struct rect){v->left, y - band_h / 2, v->plot_w, band_h}, &band, NULL);
	page_names(&v->canvas, v->left, y, lane->name, lane->sub);
}

static void draw_share(struct view *v, size_t l, sim_ns busy_ns)
{
	const double share = 100.0 * (double)busy_ns / (double)(v->s->to_ns - v->s->from_ns);
	struct str text = STR_INIT;

	if (busy_ns > 0 && share < 0.5)
		str_add(&text, "<1%");
	else
		str_addf(&text, "%.0f%%", share);
	page_figures(&v->canvas, v->left + v->plot_w, lane_middle(v, l), text.text, "busy");
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

/* What a bar's boxes are, with the shares of time where they are of several kinds: "forward 60 %, host copy 40 %". */
static void add_kinds(struct str *out, const struct bar *bar)
{
	const char *comma = "";

	if (bar->kind_ns[bar->kind] == bar->busy_ns) {
		str_add(out, box_kind_names[bar->kind]);
		return;
	}
	for (int k = 0; k < BOX_KIND_N; k++)
		if (bar->kind_ns[k]) {
			str_addf(out, "%s%s %.0f %%", comma, box_kind_names[k],
				 100 * (double)bar->kind_ns[k] / (double)bar->busy_ns);
			comma = ", ";
		}
}

static void describe_many(struct str *out, const struct schedule *s, const struct bar *bar)
{
	const char *first = s->boxes[bar->first].label, *last = s->boxes[bar->last].label;

	str_addf(out, "%zu boxes", bar->boxes_n);
	if (first && last)
		str_addf(out, ": %s \xe2\x80\xa6 %s", first, last);
	str_add(out, "\n");
	add_kinds(out, bar);
	str_addf(out, " on %s\n", s->lanes[bar->lane].name);
	time_axis_add(out, bar->start_ns);
	str_add(out, " to ");
	time_axis_add(out, bar->end_ns);
	str_add(out, ", busy ");
	time_axis_add(out, bar->busy_ns);
	if (bar->critical)
		str_add(out, "\non the critical path, at least in part");
}

static int shade_of(const struct view *v, const struct bar *bar)
{
	return bar->boxes_n == 1 ? v->s->boxes[bar->first].shade : 0;
}

static const char *fill_of(const struct view *v, const struct bar *bar)
{
	const char *fill = v->s->look.style == STYLE_COLOUR ? kind_shade(bar->kind, shade_of(v, bar)) : NULL;

	return fill ? fill : kind_look(v->s->look.style, bar->kind).fill;
}

/* On paper, chunks further along the model have one or two rules at the top, where a screen has darker shades. */
static void draw_rules(struct view *v, const struct bar *bar, struct rect at)
{
	const int shade = v->s->look.style == STYLE_COLOUR ? 0 : shade_of(v, bar);
	const struct ink ink = {.fill = kind_look(v->s->look.style, bar->kind).line};

	for (int i = 0; i < shade && i < 2; i++)
		canvas_shape(&v->canvas, (struct rect){at.x, at.y + 1.5 + 3 * i, at.w, 1.2}, &ink, NULL);
}

/* The kinds of a mixed bar one above the other, each as high as its share of the time. */
static void draw_layers(struct view *v, const struct bar *bar, const char *tip)
{
	struct rect at = {x_of(v, bar->start_ns), lane_middle(v, bar->lane) - box_h / 2,
			  bar_width(&v->letters, bar), 0};

	for (int k = 0; k < BOX_KIND_N; k++) {
		const struct kind_look look = kind_look(v->s->look.style, (enum box_kind)k);
		const char *letter = kind_letter((enum box_kind)k);
		struct ink ink = {.fill = look.fill,
				  .text_color = look.text,
				  .class_name = kind_class((enum box_kind)k)};

		if (!bar->kind_ns[k])
			continue;
		at.h = box_h * (double)bar->kind_ns[k] / (double)bar->busy_ns;
		ink.text_size = letter_fit_layer(letter, at.w, at.h);
		ink.text = ink.text_size > 0 ? letter : NULL;
		canvas_shape(&v->canvas, at, &ink, tip);
		at.y += at.h;
	}
}

static void draw_bar(struct view *v, const struct bar *bar)
{
	const struct kind_look look = kind_look(v->s->look.style, bar->kind);
	const double w = bar_width(&v->letters, bar), y = lane_middle(v, bar->lane);
	const char *full = bar->boxes_n == 1 ? v->s->boxes[bar->first].letter : NULL;
	const struct rect at = {x_of(v, bar->start_ns), y - box_h / 2, w, box_h};
	char letters[16] = "";
	const double size = full && *full ? letters_fit(letters, full, w) : 0;
	const struct ink ink = {.fill = fill_of(v, bar),
				.line = w > 2.0 && bar->boxes_n == 1 ? look.line : NULL,
				.pen = w > 5.0 ? 0.6 : 0.3,
				.text = size > 0.0 ? letters : NULL,
				.text_size = size,
				.text_color = v->s->look.style == STYLE_COLOUR ? NULL : look.text,
				.class_name = kind_class(bar->kind)};
	struct str tip = STR_INIT;

	if (bar->boxes_n > 1)
		describe_many(&tip, v->s, bar);
	else
		describe_one(&tip, v->s, bar);
	if (bar_is_layered(&v->letters, bar)) {
		draw_layers(v, bar, tip.text);
	} else {
		canvas_shape(&v->canvas, at, &ink, tip.text);
		draw_rules(v, bar, at);
	}
	str_release(&tip);
}

/* The middle of the bar of a run that is nearest to a place. */
static double nearest_middle(const struct view *v, const struct bar *a, const struct bar *z, double x)
{
	double best = INFINITY;

	for (const struct bar *bar = a; bar <= z; bar++) {
		const double middle = x_of(v, bar->start_ns) + bar_width(&v->letters, bar) / 2;

		best = fabs(middle - x) < fabs(best - x) ? middle : best;
	}
	return best;
}

/* The letters of a run, on a plate of its colour, once in each stretch of the lane. */
static void letter_run(struct view *v, size_t first, size_t last)
{
	const struct bar *a = &v->bars.at[first], *z = &v->bars.at[last];
	const double stretch = 240, x = x_of(v, a->start_ns), w = x_of(v, z->end_ns) - x;
	const struct kind_look look = kind_look(v->s->look.style, a->kind);
	char letters[16];
	const double size = bar_run_letters(&v->letters, first, last, letters);
	const struct ink plate = {.fill = look.fill,
				  .text = letters,
				  .text_size = size,
				  .text_color = look.text,
				  .class_name = kind_class(a->kind)};
	const double plate_w = textsize_width(letters, size, false) + 2, y = lane_middle(v, a->lane) - 6;
	const int n = (int)(w / stretch) + 1;

	for (int i = 0; size > 0 && i < n; i++) {
		const double middle = nearest_middle(v, a, z, x + w * (i + 0.5) / n);
		/* not over what is beside the run */
		const double at = fmin(fmax(middle, x + plate_w / 2), x + w - plate_w / 2);

		canvas_shape(&v->canvas, (struct rect){at - plate_w / 2, y, plate_w, 12}, &plate, NULL);
	}
}

static void letter_runs(struct view *v)
{
	for (size_t i = 0; i < v->bars.n; i++) {
		size_t last;

		if (bar_is_lettered(&v->letters, &v->bars.at[i]))
			continue;
		last = bar_run_end(&v->letters, i);
		letter_run(v, i, last);
		i = last;
	}
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

/* On grey paper the critical path is black. */
static const char *critical_color(const struct view *v)
{
	return v->s->look.style == STYLE_GREY ? "#000000" : red;
}

static void draw_outline(struct view *v, size_t first, size_t last)
{
	const struct bar *a = &v->bars.at[first], *z = &v->bars.at[last];
	const double x = x_of(v, a->start_ns), w = fmax(x_of(v, z->end_ns) - x, 0.4);
	const double pen = w > 6.0 ? 1.6 : w > 3.0 ? 0.9 : 0.4, in = fmin(pen, w) / 2;
	const struct ink ink = {.line = critical_color(v), .pen = pen, .class_name = "critical"};
	const double y = lane_middle(v, a->lane) - box_h / 2;

	canvas_shape(&v->canvas, (struct rect){x + in, y + in, w - 2 * in, box_h - 2 * in}, &ink, NULL);
}

static void draw_bars(struct view *v)
{
	for (size_t i = 0; i < v->bars.n; i++)
		draw_bar(v, &v->bars.at[i]);
	letter_runs(v);
	for (size_t i = 0; i < v->bars.n; i++) {
		if (v->bars.at[i].critical) {
			const size_t last = critical_run_end(v, i);

			draw_outline(v, i, last);
			i = last;
		}
	}
}

/* ---- arrows ---- */

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
	const bool crowded = v->arrows.n > 90;
	const struct stroke stroke = {.color = a->critical ? critical_color(v) : "#5a5a5aa0",
				      .class_name = a->critical ? "arrow critical" : "arrow",
				      .width = a->critical && !crowded ? 1.1 : 0.6,
				      .arrow = crowded ? 3.0 : 4.5};

	canvas_curve(&v->canvas, (struct point[]){p, {p.x, p.y + bend}, {q.x, q.y - bend}, q}, &stroke, NULL);
}

static void draw_arrows(struct view *v)
{
	for (int red_now = 0; red_now < 2; red_now++) /* above the grey arrows */
		for (size_t i = 0; i < v->arrows.n; i++)
			if (v->arrows.at[i].critical == red_now)
				draw_arrow(v, &v->arrows.at[i]);
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
	for (int k = 0; k < BOX_KIND_N; k++) {
		const struct kind_look look = kind_look(v->s->look.style, (enum box_kind)k);

		if (seen[k])
			entries[n++] = (struct legend_entry){
				.ink = {.fill = look.fill,
					.line = look.line,
					.pen = 0.6,
					.text = v->letters.kind[k] ? kind_letter((enum box_kind)k) : NULL,
					.text_size = 8,
					.text_color = look.text,
					.class_name = kind_class((enum box_kind)k)},
				.text = kind_word((enum box_kind)k)};
	}
	if (critical)
		entries[n++] = (struct legend_entry){
			.ink = {.line = critical_color(v), .pen = 1.6, .class_name = "critical"},
			.text = "critical path"};
	return n;
}

static size_t draw_legend(struct view *v, struct canvas *c)
{
	struct legend_entry entries[BOX_KIND_N + 1];
	const size_t n = legend_entries(v, entries);

	return legend_draw(c, entries, n, PAGE_MARGIN, v->page_w - 2 * PAGE_MARGIN, v->bottom + 34);
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

static bool has_layers(const struct view *v)
{
	for (size_t i = 0; i < v->bars.n; i++)
		if (bar_is_layered(&v->letters, &v->bars.at[i]))
			return true;
	return false;
}

/* A note on boxes and arrows that are not drawn one by one; empty if all are. */
static void add_note(struct str *out, const struct view *v)
{
	if (v->bars.n < v->bars.shown_boxes) {
		add_count(out, v->bars.shown_boxes);
		str_add(out, " boxes drawn as ");
		add_count(out, v->bars.n);
		str_add(out, ": narrow neighbours are joined");
		if (has_layers(v))
			str_add(out, ", those of several kinds in layers as high as their share of the time");
	}
	if (v->arrows.left_out) {
		str_add(out, out->len ? " \xc2\xb7 " : "");
		add_count(out, v->arrows.left_out);
		str_add(out, " arrows left out");
	}
	bar_letters_note(out, &v->letters);
	if (v->s->note)
		str_addf(out, "%s%s", out->len ? " \xc2\xb7 " : "", v->s->note);
	if (v->folded.len)
		str_addf(out, "%s%s", out->len ? " \xc2\xb7 " : "", v->folded.text);
	if (v->s->shades)
		str_addf(out, "%s%s: %s", out->len ? " \xc2\xb7 " : "",
			 v->s->look.style == STYLE_COLOUR ? "darker" : "rules at the top", v->s->shades);
}

/* The lines below the legend: notes, and the caption. Returns the height of the page. */
static double draw_foot(struct view *v, struct canvas *c, const char *note, size_t legend_rows)
{
	double y = v->bottom + 36 + legend_row_h * (double)legend_rows;

	y += *note ? page_note(c, v->page_w, y, note) : -7;
	if (v->s->look.caption)
		y += 12 + page_caption(c, v->page_w, y + 9, v->s->look.caption);
	return y;
}

/* Draws the title and the subtitle; c may be NULL. Returns the height beyond that of a line of each. */
static double draw_head(const struct view *v, struct canvas *c)
{
	return v->s->look.no_title ? 0 : page_head(c, v->page_w, v->s->title, v->s->subtitle);
}

static void draw_warning(struct view *v)
{
	const struct type type = {.size = 9.5, .bold = true, .align = 'c', .color = red};

	if (v->s->warning)
		canvas_text_in(&v->canvas, (struct point){v->page_w / 2, v->top - 14}, &type, v->s->warning,
			       v->page_w - 2 * PAGE_MARGIN);
}

/* In a column of a paper, letters are smaller where their size is not said: the smallest, of 7 points, are then 6. */
static double scale_of(const struct schedule_look *look)
{
	const double column = 6.0 / 7;

	if (look->font_size > 0)
		return look->font_size / usual_font;
	return look->width > 0 ? fmin(fmax(look->width / (1.2 * narrow_w), column), 1) : 1;
}

/* Names have less room on a narrow page. */
static double left_of(double page_w)
{
	const double names = fmin(fmax(0.22 * page_w, 44), PAGE_NAMES_W);

	return page_w < narrow_w ? PAGE_MARGIN + names + PAGE_GUTTER : PAGE_LEFT;
}

static void draw_page(struct view *v, const sim_ns *busy_ns, struct str *out)
{
	const struct memory_track_frame frame = {v->s, v->left, v->lanes_end, v->plot_w, PAGE_GUTTER};
	const size_t legend_rows = draw_legend(v, NULL);
	const double head_more = draw_head(v, NULL);
	struct str note = STR_INIT;

	add_note(&note, v);
	canvas_open(&v->canvas, out, v->page_w, head_more + draw_foot(v, NULL, note.text, legend_rows), false,
		    scale_of(&v->s->look), v->s->look.style != STYLE_COLOUR);
	draw_head(v, &v->canvas);
	canvas_move_down(&v->canvas, head_more);
	draw_warning(v);
	for (size_t l = 0; l < v->s->lanes_n; l++)
		draw_lane(v, l);
	for (size_t i = 0; i < v->s->memory_tracks_n; i++)
		memory_track_draw(&v->canvas, &frame, i);
	time_axis_draw(&v->canvas, &v->time, v->top, v->bottom);
	draw_bars(v);
	for (size_t l = 0; l < v->s->lanes_n; l++)
		draw_share(v, l, busy_ns[l]);
	draw_arrows(v);
	draw_legend(v, &v->canvas);
	draw_foot(v, &v->canvas, note.text, legend_rows);
	canvas_close(&v->canvas);
	str_release(&note);
}

static double top_of(const struct schedule *s)
{
	const double head = s->look.no_title ? 10 : s->subtitle && *s->subtitle ? 52 : 38;

	return head + (s->warning ? 16 : 0);
}

static void layout(struct view *v, struct schedule *window)
{
	const double scale = scale_of(&window->look);

	if (window->to_ns <= window->from_ns) /* an empty window is widened */
		window->to_ns = window->from_ns + 1000;
	if (window->look.no_memory)
		window->memory_tracks_n = 0;
	v->page_w = (window->look.width > 0 ? window->look.width : PAGE_W) / scale;
	v->left = left_of(v->page_w);
	v->plot_w = v->page_w - v->left - PAGE_SIDE_W - PAGE_MARGIN;
	v->top = top_of(window);
	v->lanes_end = v->top + pitch * (double)window->lanes_n;
	v->bottom = v->lanes_end + memory_tracks_height(window->memory_tracks_n);
	v->pt_per_ns = v->plot_w / (double)(window->to_ns - window->from_ns);
	v->time = (struct time_axis){window->from_ns, window->to_ns, v->left, v->plot_w, PAGE_GUTTER};
}

void schedule_dot(struct str *out, const struct schedule *s)
{
	struct schedule window = *s;
	struct view v = {.s = &window, .folded = STR_INIT};
	sim_ns *busy_ns = xcalloc(s->lanes_n + 1, sizeof *busy_ns);
	struct memory_track *tracks = xcalloc(s->memory_tracks_n + 1, sizeof *tracks);

	window.memory_tracks = tracks;
	if (!s->look.no_memory)
		window.memory_tracks_n = memory_tracks_keep(s, tracks, &v.folded);
	layout(&v, &window);
	bars_init(&v.bars, &window, v.pt_per_ns);
	bar_letters_init(&v.letters, &window, &v.bars, v.pt_per_ns);
	for (size_t i = 0; i < v.bars.n; i++)
		busy_ns[v.bars.at[i].lane] += v.bars.at[i].busy_ns;
	arrows_init(&v.arrows, &window, &v.bars, v.pt_per_ns);
	draw_page(&v, busy_ns, out);
	bars_release(&v.bars);
	arrows_release(&v.arrows);
	free(busy_ns);
	free(tracks);
	str_release(&v.folded);
}
