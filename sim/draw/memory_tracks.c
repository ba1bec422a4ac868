/* memory_tracks.c - see memory_tracks.h. */
#include "sim/draw/memory_tracks.h"

#include <math.h>

#include "sim/draw/page.h"
#include "sim/draw/textsize.h"

static const double pitch = 30, area_h = 22, gap = 6, column_w = 1.0;
static const char grey[] = "#5a5a5a";

struct area_look {
	const char *fill, *over, *line; /* over: of what exceeds the memory */
};

static const struct area_look *look_of(const struct memory_track_frame *f)
{
	static const struct area_look colour = {"#b9c4d6", "#e8a0a0", "#5b6f94"},
				      printed = {"#c4c4c4", "#888888", "#5a5a5a"};

	return f->s->look.style == STYLE_GREY ? &printed : &colour;
}

double memory_tracks_height(size_t n)
{
	return n ? gap + pitch * (double)n : 0;
}

static double peak_of(const struct memory_track *s)
{
	double peak = 0;

	for (size_t k = 0; k < s->levels_n; k++)
		peak = fmax(peak, s->levels[k].share);
	return peak;
}

static const double near_empty = 0.02;

size_t memory_tracks_keep(const struct schedule *s, struct memory_track *kept, struct str *left_out)
{
	size_t n = 0, out = 0;

	for (size_t i = 0; i < s->memory_tracks_n; i++) {
		const struct memory_track *t = &s->memory_tracks[i];

		if (peak_of(t) >= near_empty)
			kept[n++] = *t;
		else
			str_addf(left_out, "%s%s %s", out++ ? ", " : "memory below 2 %: ", t->name, t->note);
	}
	return n;
}

/* The largest share in a column of the picture. */
static double fullest_between(const struct memory_track *s, size_t *at, sim_ns from, sim_ns to)
{
	double most;

	while (*at + 1 < s->levels_n && s->levels[*at + 1].at_ns <= from)
		++*at;
	most = s->levels[*at].share;
	for (size_t i = *at + 1; i < s->levels_n && s->levels[i].at_ns < to; i++)
		most = fmax(most, s->levels[i].share);
	return most;
}

static void draw_area(struct canvas *c, const struct memory_track_frame *f, const struct memory_track *s,
		      double bottom)
{
	const size_t columns = (size_t)(f->width / column_w);
	const double span = (double)(f->s->to_ns - f->s->from_ns);
	double height = -1, from = 0;
	size_t at = 0;

	for (size_t i = 0; i <= columns; i++) {
		const sim_ns t0 = f->s->from_ns + (sim_ns)(span * (double)i / (double)columns);
		const sim_ns t1 = f->s->from_ns + (sim_ns)(span * (double)(i + 1) / (double)columns);
		const double share = i < columns ? fullest_between(s, &at, t0, t1) : -1;
		const double h = i < columns ? round(2 * area_h * fmin(share, 1.15)) / 2 : -1;
		const double x = f->left + column_w * (double)i;

		if (h == height)
			continue;
		if (height > 0)
			canvas_shape(
				c, (struct rect){from, bottom - height, x - from, height},
				&(struct ink){.fill = height > area_h ? look_of(f)->over : look_of(f)->fill},
				NULL);
		height = h;
		from = x;
	}
}

void memory_track_draw(struct canvas *c, const struct memory_track_frame *f, size_t i)
{
	const struct memory_track *s = &f->s->memory_tracks[i];
	const double bottom = f->top + gap + pitch * (double)(i + 1) - (pitch - area_h) / 2;
	const double y = bottom - area_h / 2, right = f->left + f->width + f->gutter + 2;
	const struct type note = {.size = 8, .bold = true, .align = 'l', .color = "#111111"};
	const struct type under = {.size = 8, .align = 'l', .color = grey};
	struct str text = STR_INIT;
	bool has_room;

	draw_area(c, f, s, bottom);
	canvas_shape(c, (struct rect){f->left, bottom - area_h, f->width, area_h},
		     &(struct ink){.line = look_of(f)->line, .pen = 0.4}, NULL);
	str_addf(&text, "%s memory", s->name);
	has_room = textsize_width(text.text, 9, true) <= f->left - PAGE_GUTTER - PAGE_MARGIN;
	page_names(c, f->left, y, has_room ? text.text : s->name, s->sub); /* the bytes below tell it too */
	canvas_text(c, (struct point){right, y - 5}, &note, s->note, NULL);
	str_clear(&text);
	str_addf(&text, "peak %.0f%%", 100 * peak_of(s));
	canvas_text(c, (struct point){right, y + 6}, &under, text.text, NULL);
	str_release(&text);
}
