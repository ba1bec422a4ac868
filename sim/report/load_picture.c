/* load_picture.c - see load_picture.h. */
#include "sim/report/load_picture.h"

#include <inttypes.h>
#include <math.h>

#include "sim/base/units.h"
#include "sim/draw/axes.h"
#include "sim/draw/legend.h"
#include "sim/draw/page.h"
#include "sim/draw/stack.h"
#include "sim/draw/textsize.h"
#include "sim/draw/time_axis.h"
#include "sim/report/columns.h"

static const double work_h = 30, requests_h = 42, kv_h = 24, row_gap = 7, group_gap = 13, thin_h = 17;

/* Colour: light, middle and dark, hues of Okabe and Ito. On paper the greys of all six are LOOKS_APART apart. */
static const struct {
	const char *letter, *word;
	struct {
		const char *fill, *line;
	} in[STYLE_N];
} looks[] = {
	[LOAD_DECODE] = {"D",
			 "decode: each running request gets a token",
			 {{"#8fbfe3", "#0072b2"}, {"#999999", "#333333"}, {"#68a6ca", "#00466e"}}},
	[LOAD_MIXED] = {"M",
			"mixed: decode and parts of prompts",
			{{"#4f9f86", "#00553e"}, {"#666666", "#222222"}, {"#0d8c68", "#00553e"}}},
	[LOAD_PREFILL] = {"P",
			  "prefill: prompts alone",
			  {{"#fddfa6", "#b87400"}, {"#e5e5e5", "#4a4a4a"}, {"#fbe4b9", "#8a5700"}}},
	[LOAD_WORKS] = {"R",
			"running requests",
			{{"#9fb0cc", "#4f6389"}, {"#7f7f7f", "#2b2b2b"}, {"#6f7fa0", "#2c3a55"}}},
	[LOAD_WORKS + 1] = {"W",
			    "waiting requests",
			    {{"#f6cfc0", "#b4512f"}, {"#cccccc", "#444444"}, {"#eec2a4", "#8f3a1c"}}},
	[LOAD_WORKS + 2] = {"K",
			    "KV cache in use",
			    {{"#cdbfe0", "#6a51a3"}, {"#b2b2b2", "#3a3a3a"}, {"#b4abce", "#46327a"}}},
};
_Static_assert((int)LOAD_COLUMNS <= (int)STACK_STEPS && (int)LOAD_WORKS <= (int)STACK_LAYERS,
	       "a stack holds a row");
enum { RUNNING = LOAD_WORKS, WAITING, KV, LOOKS };
_Static_assert((int)LOOKS == (int)LOAD_FILLS, "each has a fill");

const char *load_fill(enum picture_style style, size_t i)
{
	return looks[i].in[style].fill;
}

struct view {
	const struct load_picture *p;
	struct canvas canvas;
	double page_w, left, right; /* of the plot */
	struct time_axis time;
	double y;      /* the next row begins here */
	size_t merged; /* columns that a bar of work stands for */
	struct stack_look looks[LOOKS];
	bool seen[LOOKS], max_running;
};

/* ---- heights over time ---- */

static void begin_stack(const struct view *v, struct stack *s, size_t merged, double height)
{
	*s = (struct stack){.bottom = v->y + height, .height = height};
	for (size_t k = 0; k < LOAD_COLUMNS; k += merged)
		s->left[s->n++] = time_axis_at(&v->time, load_column_start(v->p->columns, k));
	s->left[s->n] = v->right;
}

static double step_ns(const struct view *v, size_t first, size_t n)
{
	return (double)(load_column_start(v->p->columns, first + n) -
			load_column_start(v->p->columns, first));
}

static size_t merged_from(size_t first, size_t merged)
{
	return first + merged < LOAD_COLUMNS ? merged : LOAD_COLUMNS - first;
}

/* ---- what a server works at ---- */

static void draw_frame(struct view *v, double height)
{
	canvas_shape(&v->canvas, (struct rect){v->left, v->y, v->right - v->left, height},
		     &(struct ink){.line = "#c4c8cc", .pen = 0.5}, NULL);
}

static void draw_work_share(struct view *v, size_t server, double height)
{
	static const int look[] = {LOAD_DECODE, LOAD_MIXED, LOAD_PREFILL};
	struct stack s;

	begin_stack(v, &s, v->merged, height);
	s.look = look;
	s.layers = LOAD_WORKS;
	for (size_t i = 0; i < s.n; i++) {
		const size_t first = i * v->merged, n = merged_from(first, v->merged);
		const struct load_column sum = load_columns_sum(v->p->columns, server, 1, first, n);
		double busy_ns = 0;

		for (int w = 0; w < LOAD_WORKS; w++) {
			busy_ns += sum.busy_ns[w];
			s.top[w][i] = height * busy_ns / fmax(step_ns(v, first, n), 1);
		}
	}
	stack_draw(&v->canvas, &s, v->looks, v->seen);
}

static void describe_pass(struct str *out, const struct served_pass *p)
{
	str_addf(out, "%s", looks[load_work_of(p)].word);
	str_addf(out, "\n%" PRId64 " iteration%s from ", p->iterations, p->iterations == 1 ? "" : "s");
	time_axis_add(out, p->from_ns);
	str_add(out, ", ");
	time_axis_add(out, p->to_ns - p->from_ns);
	if (p->decodes)
		str_addf(out, "\n%" PRId64 " decode in each", p->decodes);
	if (p->read)
		str_addf(out, "\n%" PRId64 " tokens of prompts", p->read);
}

static void draw_pass(struct view *v, const struct served_pass *p, double height)
{
	const enum load_work work = load_work_of(p);
	const double x = time_axis_at(&v->time, p->from_ns), w = time_axis_at(&v->time, p->to_ns) - x;
	struct str whole = STR_INIT, tip = STR_INIT;
	const char *letter;

	str_addf(&whole, "%s%" PRId64, looks[work].letter, work == LOAD_DECODE ? p->decodes : p->read);
	letter = textsize_width(whole.text, 8, false) + 4 <= w           ? whole.text
		 : textsize_width(looks[work].letter, 8, false) + 3 <= w ? looks[work].letter
									 : NULL;
	describe_pass(&tip, p);
	canvas_shape(&v->canvas, (struct rect){x, v->y, fmax(w, 0.4), height},
		     &(struct ink){.fill = v->looks[work].fill,
				   .line = w > 2 ? v->looks[work].line : NULL,
				   .pen = w > 5 ? 0.5 : 0.25,
				   .text = letter,
				   .text_size = 8,
				   .text_color = look_text_on(v->looks[work].fill)},
		     tip.text);
	v->seen[work] = true;
	str_release(&whole);
	str_release(&tip);
}

/* The name and what is below it elsewhere, in one line. */
static void thin_name(struct view *v, double y, const struct served_server *of)
{
	struct str text = STR_INIT;

	str_addf(&text, "%s: %s", of->name, of->sub);
	canvas_text_in(&v->canvas, (struct point){v->left - PAGE_GUTTER, y},
		       &(struct type){.size = 8.5, .align = 'r', .color = page_black}, text.text,
		       v->left - PAGE_GUTTER - PAGE_MARGIN);
	str_release(&text);
}

static void draw_work(struct view *v, size_t server, double height)
{
	const struct load_columns *c = v->p->columns;
	const struct served_server *of = &v->p->servers[server];
	const struct load_column sum = load_columns_sum(c, server, 1, 0, LOAD_COLUMNS);
	double busy_ns = 0;
	struct str share = STR_INIT;

	for (int w = 0; w < LOAD_WORKS; w++)
		busy_ns += sum.busy_ns[w];
	draw_frame(v, height);
	if (!load_columns_has_passes(c))
		draw_work_share(v, server, height);
	for (size_t i = 0; load_columns_has_passes(c) && i < c->passes.n; i++)
		if (c->passes.at[i].server == server)
			draw_pass(v, &c->passes.at[i], height);
	str_addf(&share, "%.0f%%", 100 * busy_ns / (double)(c->to_ns - c->from_ns));
	if (height > thin_h)
		page_names(&v->canvas, v->left, v->y + height / 2, of->name, of->sub);
	else
		thin_name(v, v->y + height / 2, of);
	page_figures(&v->canvas, v->right, v->y + height / 2 + (height > thin_h ? 0 : 6), share.text,
		     height > thin_h ? "busy" : "");
	str_release(&share);
	v->y += height;
}

/* ---- requests and KV cache ---- */

static void scale_number(struct view *v, double y, double value, const char *unit)
{
	struct str text = STR_INIT;

	str_addf(&text, "%s%s", units_digits(value, 4).text, unit);
	canvas_text(&v->canvas, (struct point){v->right + PAGE_GUTTER - 3, y},
		    &(struct type){.size = 7.5, .align = 'l', .color = page_grey}, text.text, NULL);
	str_release(&text);
}

/* Lines at a half and at the top of a row, with their numbers. */
static void draw_scale(struct view *v, double height, double most, const char *unit)
{
	const struct stroke line = {.color = "#00000026", .width = 0.4};

	for (int half = 1; half <= 2; half++) {
		const double y = v->y + height * (1 - half / 2.0);

		if (half == 1)
			canvas_line(&v->canvas, (struct point){v->left, y}, (struct point){v->right, y},
				    &line, NULL);
		scale_number(v, y + (half == 2 ? 3 : 0), most * half / 2, unit);
	}
	scale_number(v, v->y + height - 3, 0, "");
}

/* The mean over the window of an integral. */
static double mean(const struct view *v, double integral)
{
	return integral / (double)(v->p->columns->to_ns - v->p->columns->from_ns);
}

static void add_mean(struct str *out, double value)
{
	if (value > 0 && value < 0.01)
		str_add(out, "<0.01");
	else
		units_format_number(out, value);
}

static void draw_max_running(struct view *v, size_t server, size_t n, double most, double height)
{
	const struct stroke dashes = {.color = "#333333", .width = 0.8, .dashed = true};
	int64_t max_running = 0;
	double y;

	for (size_t i = server; i < server + n; i++)
		max_running += v->p->servers[i].max_running;
	if ((double)max_running > most)
		return;
	y = v->y + height * (1 - (double)max_running / most);
	canvas_line(&v->canvas, (struct point){v->left, y}, (struct point){v->right, y}, &dashes, NULL);
	v->max_running = true;
}

/* Requests of servers `server` to server + n - 1: those that run, and on top those that wait. */
static void draw_requests(struct view *v, size_t server, size_t n)
{
	static const int look[] = {RUNNING, WAITING};
	const struct load_columns *c = v->p->columns;
	const struct load_column sum = load_columns_sum(c, server, n, 0, LOAD_COLUMNS);
	struct str sub = STR_INIT;
	struct stack s;
	double most = 0;

	begin_stack(v, &s, v->merged, requests_h);
	s.look = look;
	s.layers = 2;
	for (size_t i = 0; i < s.n; i++) {
		const size_t first = i * v->merged, k = merged_from(first, v->merged);
		const struct load_column x = load_columns_sum(c, server, n, first, k);
		const double span = fmax(step_ns(v, first, k), 1);

		s.top[0][i] = x.running_ns / span;
		s.top[1][i] = (x.running_ns + x.waiting_ns) / span;
		most = fmax(most, s.top[1][i]);
	}
	most = axis_even(most);
	for (size_t i = 0; i < s.n; i++)
		for (int k = 0; k < 2; k++)
			s.top[k][i] *= requests_h / most;
	draw_frame(v, requests_h);
	stack_draw(&v->canvas, &s, v->looks, v->seen);
	draw_max_running(v, server, n, most, requests_h);
	draw_scale(v, requests_h, most, "");
	str_add(&sub, "mean ");
	add_mean(&sub, mean(v, sum.running_ns));
	str_add(&sub, " run, ");
	add_mean(&sub, mean(v, sum.waiting_ns));
	str_add(&sub, " wait");
	page_names(&v->canvas, v->left, v->y + requests_h / 2, "requests", sub.text);
	str_release(&sub);
	v->y += requests_h;
}

static void draw_kv(struct view *v, size_t server, size_t n)
{
	static const int look[] = {KV};
	const struct load_columns *c = v->p->columns;
	const struct load_column sum = load_columns_sum(c, server, n, 0, LOAD_COLUMNS);
	double blocks = 0, most = 0, top = 0;
	struct str sub = STR_INIT;
	struct stack s;

	for (size_t i = server; i < server + n; i++) {
		blocks += (double)v->p->servers[i].kv_blocks;
		most += c->server[i].most_kv;
		if (!v->p->servers[i].kv_blocks)
			return; /* no bound, so that there is no share */
	}
	v->y += row_gap;
	begin_stack(v, &s, v->merged, kv_h);
	s.look = look;
	s.layers = 1;
	for (size_t i = 0; i < s.n; i++) {
		const size_t first = i * v->merged, k = merged_from(first, v->merged);

		s.top[0][i] = load_columns_sum(c, server, n, first, k).kv_ns / fmax(step_ns(v, first, k), 1) /
			      blocks;
		top = fmax(top, s.top[0][i]);
	}
	top = fmin(axis_even(top), 1);
	for (size_t i = 0; i < s.n; i++)
		s.top[0][i] = kv_h * fmin(s.top[0][i] / top, 1);
	draw_frame(v, kv_h);
	stack_draw(&v->canvas, &s, v->looks, v->seen);
	draw_scale(v, kv_h, 100 * top, "%");
	str_add(&sub, "mean ");
	add_mean(&sub, 100 * mean(v, sum.kv_ns) / blocks);
	str_add(&sub, "%");
	if (n == 1) {
		str_add(&sub, ", most ");
		add_mean(&sub, 100 * most / blocks);
		str_add(&sub, "%");
	}
	page_names(&v->canvas, v->left, v->y + kv_h / 2, "KV cache", sub.text);
	str_release(&sub);
	v->y += kv_h;
}

static void draw_rows(struct view *v)
{
	const size_t n = v->p->servers_n;

	for (size_t i = 0; i < n; i++) {
		draw_work(v, i, n > LOAD_APART ? thin_h : work_h);
		v->y += n > LOAD_APART ? 3 : row_gap;
		if (n > LOAD_APART)
			continue;
		draw_requests(v, i, 1);
		draw_kv(v, i, 1);
		v->y += i + 1 < n ? group_gap : 0;
	}
	if (n <= LOAD_APART)
		return;
	v->y += row_gap;
	draw_requests(v, 0, n);
	draw_kv(v, 0, n);
}

/* ---- the page ---- */

static double height_of(const struct load_picture *p)
{
	const double n = (double)p->servers_n, rows = work_h + requests_h + kv_h + 2 * row_gap;

	if (p->servers_n > LOAD_APART)
		return n * (thin_h + 3) + row_gap + requests_h + row_gap + kv_h;
	return n * rows + (n - 1) * group_gap;
}

static void draw_cut(struct view *v, double top, double bottom)
{
	const struct load_columns *c = v->p->columns;
	const double x = time_axis_at(&v->time, v->p->cut_ns);
	const char *color = v->p->look.style == STYLE_GREY ? "#000000" : "#d62728";
	const struct stroke line = {.color = color, .width = 0.9, .dashed = true};

	if (v->p->cut_ns <= c->from_ns || v->p->cut_ns >= c->to_ns)
		return;
	canvas_line(&v->canvas, (struct point){x, top - 6}, (struct point){x, bottom}, &line, NULL);
	canvas_text(&v->canvas, (struct point){x + 3, top - 6},
		    &(struct type){.size = 8, .align = 'l', .color = color}, "measured from here", NULL);
}

static size_t draw_legend(const struct view *v, struct canvas *canvas, double y)
{
	struct legend_entry entries[LOOKS + 1];
	size_t n = 0;

	for (int k = 0; k < LOOKS; k++)
		if (v->seen[k])
			entries[n++] =
				(struct legend_entry){.ink = {.fill = v->looks[k].fill,
							      .line = v->looks[k].line,
							      .pen = 0.5,
							      .text = looks[k].letter,
							      .text_size = 8,
							      .text_color = look_text_on(v->looks[k].fill)},
						      .text = looks[k].word};
	if (v->max_running)
		entries[n++] =
			(struct legend_entry){.stroke = {.color = "#333333", .width = 0.8, .dashed = true},
					      .text = "slots: requests that may run at once"};
	return legend_draw(canvas, entries, n, PAGE_MARGIN, v->page_w - 2 * PAGE_MARGIN, y);
}

/* canvas: NULL to measure it. Returns its height. */
static double draw_note(const struct view *v, struct canvas *canvas, double y)
{
	const struct load_columns *c = v->p->columns;
	struct str text = STR_INIT;
	double height;

	if (load_columns_has_passes(c)) {
		str_add(&text, "boxes: iterations, or jumps over equal ones; a number counts the tokens of "
			       "one iteration");
	} else {
		str_add(&text, "each step is the mean over ");
		time_axis_add(&text, (c->to_ns - c->from_ns) / LOAD_COLUMNS * (sim_ns)v->merged);
		str_add(&text, "; in the first row of a server it is the share of that time");
	}
	height = page_note(canvas, v->page_w, y, text.text);
	str_release(&text);
	return height;
}

/* So many columns together that each has several iterations: else the row is a barcode. */
static size_t merged_columns(const struct load_columns *c)
{
	const size_t in_each = 6;
	size_t fewest = SIZE_MAX, merged;

	if (load_columns_has_passes(c))
		return 1;
	for (size_t i = 0; i < c->servers_n; i++)
		if (c->server[i].passes_n && c->server[i].passes_n < fewest)
			fewest = c->server[i].passes_n;
	merged = (in_each * LOAD_COLUMNS + fewest - 1) / fewest;
	return merged < 1 ? 1 : merged > LOAD_COLUMNS / 12 ? LOAD_COLUMNS / 12 : merged;
}

/* Draws a picture of a height and returns the height that it needs: the legend tells of what was drawn. */
static double draw_page(struct str *out, const struct load_picture *p, double height)
{
	const double top = p->look.no_title ? 24 : p->subtitle && *p->subtitle ? 60 : 46;
	const double bottom = top + height_of(p);
	struct view v = {
		.p = p, .page_w = look_page(&p->look), .y = top, .merged = merged_columns(p->columns)};
	double end;

	v.left = PAGE_MARGIN + fmin(fmax(0.22 * v.page_w, 60), PAGE_NAMES_W) + PAGE_GUTTER;
	v.right = v.page_w - PAGE_SIDE_W - PAGE_MARGIN;
	v.time = (struct time_axis){p->columns->from_ns, p->columns->to_ns, v.left, v.right - v.left,
				    PAGE_GUTTER};
	for (int k = 0; k < LOOKS; k++)
		v.looks[k] = (struct stack_look){.fill = load_fill(p->look.style, (size_t)k),
						 .line = looks[k].in[p->look.style].line,
						 .letter = looks[k].letter,
						 .word = looks[k].word};
	look_open(&p->look, &v.canvas, out,
		  &(struct look_frame){
			  .width = v.page_w, .height = height, .title = p->title, .subtitle = p->subtitle});
	time_axis_draw(&v.canvas, &v.time, top, bottom);
	draw_rows(&v);
	draw_cut(&v, top, bottom);
	end = bottom + 32 + legend_row_h * (double)draw_legend(&v, &v.canvas, bottom + 32);
	end += draw_note(&v, &v.canvas, end);
	look_close(&p->look, &v.canvas, v.page_w, height);
	return end + 6;
}

void load_dot(struct str *out, const struct load_picture *p)
{
	struct str scratch = STR_INIT;
	const double height = draw_page(&scratch, p, 1000);

	str_release(&scratch);
	draw_page(out, p, height);
}
