/* check_looks.c - the look of schedules: letters, greys, sizes, captions, and colours of a dark screen. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/base/mem.h"
#include "sim/base/rng.h"
#include "sim/cli/groups.h"
#include "sim/draw/arrows.h"
#include "sim/draw/draw.h"
#include "sim/draw/kinds.h"
#include "sim/draw/lane_choice.h"
#include "sim/report/load_picture.h"
#include "tests/folder.h"
#include "tests/suites.h"

/* ---- kinds ---- */

/* Kinds that can meet in one picture. */
static const enum box_kind of_generation[] = {BOX_PREFILL, BOX_DECODE, BOX_TRANSFER, BOX_COPY, BOX_REDUCE};
static const enum box_kind of_training[] = {BOX_FORWARD, BOX_BACKWARD, BOX_INPUT, BOX_WEIGHTS,
					    BOX_UPDATE,  BOX_TRANSFER, BOX_COPY,  BOX_REDUCE};
static const struct {
	const enum box_kind *kinds;
	size_t n;
} pictures[] = {{of_generation, ARRAY_LEN(of_generation)}, {of_training, ARRAY_LEN(of_training)}};

static void read_colour(const char *text, unsigned rgb[3])
{
	ck_assert_int_eq(sscanf(text, "#%2x%2x%2x", &rgb[0], &rgb[1], &rgb[2]), 3);
}

/* What a printer without colours makes of it: ITU-R BT.601. */
static double grey_of(const char *text)
{
	unsigned c[3];

	read_colour(text, c);
	return 0.299 * c[0] + 0.587 * c[1] + 0.114 * c[2];
}

/* WCAG 2.1's relative luminance */
static double luminance(const char *text)
{
	static const double weights[] = {0.2126, 0.7152, 0.0722};
	unsigned c[3];
	double sum = 0;

	read_colour(text, c);
	for (int i = 0; i < 3; i++) {
		const double v = c[i] / 255.0;

		sum += weights[i] * (v <= 0.03928 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4));
	}
	return sum;
}

START_TEST(paper_tells_kinds_apart)
{
	for (int style = STYLE_GREY; style < STYLE_N; style++)
		for (size_t i = 0; i < pictures[_i].n; i++) {
			/* and from the paper, for boxes too narrow for an outline have none */
			ck_assert_double_ge(
				255 - grey_of(kind_look((enum picture_style)style, pictures[_i].kinds[i])
						      .fill),
				KINDS_APART - 1e-9);
			for (size_t k = 0; k < i; k++) {
				const enum box_kind a = pictures[_i].kinds[i], b = pictures[_i].kinds[k];
				const double apart =
					fabs(grey_of(kind_look((enum picture_style)style, a).fill) -
					     grey_of(kind_look((enum picture_style)style, b).fill));

				ck_assert_msg(apart > KINDS_APART - 1e-9, "%s: %s and %s are %.1f apart",
					      picture_style_names[style], kind_word(a), kind_word(b), apart);
			}
		}
}
END_TEST

typedef const char *colour_of(enum picture_style style, size_t i);

static void expect_apart(colour_of *of, enum picture_style style, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned c[3];

		read_colour(of(style, i), c);
		ck_assert(style != STYLE_GREY || (c[0] == c[1] && c[1] == c[2]));
		for (size_t k = 0; k < i; k++)
			ck_assert_double_ge(fabs(grey_of(of(style, i)) - grey_of(of(style, k))),
					    LOOKS_APART - 1e-9);
	}
}

/* Curves and devices, the best of a cell, the rows of a load. */
START_TEST(paper_tells_colours_apart)
{
	const enum picture_style style = (enum picture_style)_i;

	expect_apart(look_hue, style, look_hues(style));
	expect_apart(look_tint, style, look_tints(style));
	expect_apart(load_fill, style, LOAD_FILLS);
	for (size_t i = 0; i < LOAD_FILLS; i++)
		ck_assert_double_ge(255 - grey_of(load_fill(style, i)), LOOKS_APART - 1e-9);
}
END_TEST

START_TEST(texts_can_be_read_on_colours)
{
	for (int style = 0; style < STYLE_N; style++)
		for (size_t i = 0; i < look_hues((enum picture_style)style); i++) {
			const char *hue = look_hue((enum picture_style)style, i);
			const double a = luminance(hue), b = luminance(look_text_on(hue));

			ck_assert_double_ge((fmax(a, b) + 0.05) / (fmin(a, b) + 0.05), 4.5);
			ck_assert_double_ge(
				(luminance(look_tint((enum picture_style)style, i)) + 0.05) / 0.05, 4.5);
		}
}
END_TEST

START_TEST(grey_is_grey)
{
	for (int k = 0; k < BOX_KIND_N; k++) {
		unsigned c[3];

		read_colour(kind_look(STYLE_GREY, (enum box_kind)k).fill, c);
		ck_assert(c[0] == c[1] && c[1] == c[2]);
	}
}
END_TEST

START_TEST(letters_can_be_read)
{
	for (int style = 0; style < STYLE_N; style++)
		for (int k = 0; k < BOX_KIND_N; k++) {
			const struct kind_look look = kind_look((enum picture_style)style, (enum box_kind)k);
			const double a = luminance(look.fill), b = luminance(look.text);

			ck_assert_double_ge((fmax(a, b) + 0.05) / (fmin(a, b) + 0.05), 4.5);
			for (int shade = 1; shade <= 2 && style == STYLE_COLOUR; shade++)
				if (kind_shade((enum box_kind)k, shade))
					ck_assert_double_ge((luminance(kind_shade((enum box_kind)k, shade)) +
							     0.05) / 0.05,
							    4.5);
		}
}
END_TEST

START_TEST(letters_tell_kinds_apart)
{
	for (size_t i = 0; i < pictures[_i].n; i++)
		for (size_t k = 0; k < i; k++) {
			const enum box_kind a = pictures[_i].kinds[i], b = pictures[_i].kinds[k];
			/* both are the backward pass, and are never in one schedule but for recomputation */
			const bool same = a == BOX_INPUT && b == BOX_BACKWARD;

			ck_assert_msg(same == !strcmp(kind_letter(a), kind_letter(b)), "%s and %s",
				      kind_word(a), kind_word(b));
			ck_assert_str_ne(kind_class(a), kind_class(b));
		}
	ck_assert_str_eq(kind_letter(BOX_FORWARD), "F");
	ck_assert_str_eq(kind_letter(BOX_BACKWARD), "B");
	ck_assert_str_eq(kind_letter(BOX_INPUT), "B");
	ck_assert_str_eq(kind_letter(BOX_WEIGHTS), "W");
	ck_assert_str_eq(kind_letter(BOX_UPDATE), "U");
}
END_TEST

/* ---- pictures ---- */

static const struct lane lanes[] = {{"m5", "Apple M5", "m5", false}, {"tb", "4.7 GB/s", NULL, true}};
static const struct box boxes[] = {
	{0, BOX_FORWARD, 0, 400000, "F12", "forward", NULL, true, UINT32_MAX, 1},
	{0, BOX_BACKWARD, 400000, 1000000, "B12", "backward", NULL, true, UINT32_MAX, 2},
	{1, BOX_TRANSFER, 400000, 500000, "KV", "sent", NULL, false, 0, 0}};
static const struct level levels[] = {{0, 0.5}};
static const struct memory_track track[] = {{"m5", "memory", "9 GiB", levels, 1, NULL}};

static void draw(struct str *out, const struct schedule_look *look, const char *warning)
{
	str_clear(out);
	schedule_dot(out, &(struct schedule){.title = "A title",
					     .subtitle = "below it",
					     .shades = "second chunk",
					     .warning = warning,
					     .look = *look,
					     .lanes = lanes,
					     .lanes_n = 2,
					     .boxes = boxes,
					     .boxes_n = ARRAY_LEN(boxes),
					     .memory_tracks = track,
					     .memory_tracks_n = 1,
					     .to_ns = 1000000});
}

static bool has(const struct str *text, const char *part)
{
	return strstr(text->text, part) != NULL;
}

static void size_of(const struct str *dot_text, double *w, double *h)
{
	ck_assert_int_eq(sscanf(strstr(dot_text->text, "bb="), "bb=\"0,0,%lf,%lf", w, h), 2);
}

/* A machine that holds next to nothing has no lane: it stands in the note. */
START_TEST(near_empty_memory_is_a_note)
{
	static const struct level few[] = {{0, 0.019}, {500, 0.001}}, many[] = {{0, 0.001}, {500, 0.021}};
	static const struct memory_track tracks[] = {{"m5", "memory", "9 GiB", levels, 1, NULL},
						     {"m6", "memory", "95 MiB", few, 2, NULL},
						     {"m7", "memory", "96 MiB", many, 2, NULL}};
	struct str out = STR_INIT, all = STR_INIT;
	double w, h, more;

	for (int n = 2; n <= 3; n++) {
		str_clear(&all);
		str_clear(&out);
		schedule_dot(n == 2 ? &out : &all, &(struct schedule){.title = "t",
								      .lanes = lanes,
								      .lanes_n = 2,
								      .boxes = boxes,
								      .boxes_n = ARRAY_LEN(boxes),
								      .memory_tracks = tracks,
								      .memory_tracks_n = (size_t)n,
								      .to_ns = 1000000});
		if (n == 2) {
			size_of(&out, &w, &h);
			ck_assert(has(&out, "memory below 2 %: m6 95 MiB") && has(&out, "9 GiB"));
		}
	}
	size_of(&all, &w, &more);
	ck_assert(more > h && has(&all, "96 MiB") && !has(&all, "m7 96 MiB"));
	str_release(&out);
	str_release(&all);
}
END_TEST

START_TEST(a_picture_is_as_asked)
{
	static const char caption[] =
		"Figure 1. A caption that is so long that it takes more than one line of a narrow "
		"page, which a page of four hundred and eighty points is.";
	struct str out = STR_INIT;
	double w, h, narrow_w, narrow_h;

	draw(&out, &(struct schedule_look){.width = 0}, NULL);
	size_of(&out, &w, &h);
	ck_assert_double_eq(w, 1100);
	ck_assert(has(&out, "A title") && has(&out, "below it") && has(&out, "9 GiB") &&
		  has(&out, "darker: second"));
	ck_assert(has(&out, "class=\"forward\"") && has(&out, "class=\"transfer\"") &&
		  has(&out, "class=\"critical\""));
	ck_assert(!has(&out, "class=paper") && has(&out, "label=\"F12\"") && has(&out, "label=\"KV\""));

	draw(&out,
	     &(struct schedule_look){.width = 480, .no_title = true, .no_memory = true, .caption = caption},
	     NULL);
	size_of(&out, &narrow_w, &narrow_h);
	ck_assert_double_eq(narrow_w, 480);
	ck_assert(!has(&out, "A title") && !has(&out, "below it") && !has(&out, "9 GiB"));
	ck_assert(has(&out, "Figure 1.") && has(&out, "points is."));

	draw(&out, &(struct schedule_look){.style = STYLE_GREY}, "does not fit");
	ck_assert(has(&out, "#c4c4c4") && !has(&out, "#b9c4d6"));
	ck_assert(has(&out, "class=paper") && has(&out, "does not fit") &&
		  has(&out, "rules at the top: second"));
	ck_assert(!has(&out, "#d62728") || has(&out, "does not fit"));
	ck_assert(has(&out, kind_look(STYLE_GREY, BOX_BACKWARD).fill));
	str_release(&out);
}
END_TEST

/* Letters of twice the size on a page of twice the width are the same picture, twice as large. */
START_TEST(a_scale_scales_everything)
{
	struct str one = STR_INIT, two = STR_INIT;
	double w1, h1, w2, h2;

	draw(&one, &(struct schedule_look){.width = 1100, .font_size = 9}, NULL);
	draw(&two, &(struct schedule_look){.width = 2200, .font_size = 18}, NULL);
	size_of(&one, &w1, &h1);
	size_of(&two, &w2, &h2);
	ck_assert_double_eq(w2, 2 * w1);
	ck_assert_double_eq_tol(h2, 2 * h1, 1);
	ck_assert(has(&one, "fontsize=9.0,label=\"F12\"") && has(&two, "fontsize=18.0,label=\"F12\""));
	ck_assert_double_ge(look_least_width(18), 2 * look_least_width(9) - 1e-9);
	str_release(&one);
	str_release(&two);
}
END_TEST

/* The smallest letter of a picture, in points. */
static double least_letter(const struct str *dot_text)
{
	double least = INFINITY;

	for (const char *at = dot_text->text; (at = strstr(at, ",fontsize=")) != NULL; at++)
		least = fmin(least, strtod(at + 10, NULL));
	return least;
}

/* In one column of a paper and in a page's width: letters can be read, and a note is not cut. */
START_TEST(a_narrow_picture_can_be_read)
{
	static const double widths[] = {252, 330, 474, 500, 700};
	struct str out = STR_INIT;
	double w, h;

	draw(&out, &(struct schedule_look){.width = widths[_i]}, NULL);
	size_of(&out, &w, &h);
	ck_assert_double_eq(w, widths[_i]);
	ck_assert_double_ge(least_letter(&out), 6);
	ck_assert(has(&out, "second chunk"));
	ck_assert_double_le(look_least_width(0), 252);
	draw(&out, &(struct schedule_look){.font_size = 20}, NULL);
	size_of(&out, &w, &h);
	ck_assert_double_eq(w, 1100);
	str_release(&out);
}
END_TEST

/* Bars too narrow for a letter have one together; the legend explains what is drawn. */
START_TEST(runs_have_a_letter)
{
	static const struct schedule_letter letters[] = {
		{"a", "attention", false}, {"h", "lm-head", false}, {"KV", "", true}, {"t", "tokens", true}};
	struct box many[62];
	struct schedule s = {.title = "t",
			     .lanes = lanes,
			     .lanes_n = 2,
			     .boxes = many,
			     .boxes_n = ARRAY_LEN(many),
			     .letters = letters,
			     .letters_n = 4,
			     .look = {.width = 500},
			     .to_ns = 80000000};
	struct str out = STR_INIT;

	for (uint32_t i = 0; i < 60; i++)
		many[i] = (struct box){0,
				       BOX_DECODE,
				       (sim_ns)i * 1000000,
				       (sim_ns)(i + 1) * 1000000,
				       "Da",
				       "layer",
				       NULL,
				       false,
				       UINT32_MAX,
				       0};
	many[60] = (struct box){0, BOX_UPDATE, 60000000, 60000001, "U", "new", NULL, false, UINT32_MAX, 0};
	many[61] = (struct box){1, BOX_TRANSFER, 0, 60000000, "KV", "sent", NULL, false, UINT32_MAX, 0};
	schedule_dot(&out, &s);
	ck_assert(has(&out, "label=\"D\"") && !has(&out, "label=\"Da\"") && has(&out, "label=\"KV\""));
	ck_assert(has(&out, "label=\"sent: KV\"") && !has(&out, "attention") && !has(&out, "tokens"));
	ck_assert(!has(&out, "label=\"U\"")); /* nor in the legend */
	ck_assert(has(&out, "label=\"optimizer"));
	s.look.width = 1100;
	s.to_ns = 30000000;
	str_clear(&out);
	schedule_dot(&out, &s);
	ck_assert(has(&out, "label=\"Da\"") && has(&out, "a attention; sent: KV") && !has(&out, "lm-head"));
	str_release(&out);
}
END_TEST

/* ---- a choice of lanes ---- */

START_TEST(lanes_are_chosen)
{
	static const char *both[] = {"tb", "m5"}, *none[] = {"m5", "m9"};
	struct schedule s = {.lanes = lanes,
			     .lanes_n = 2,
			     .boxes = boxes,
			     .boxes_n = ARRAY_LEN(boxes),
			     .memory_tracks = track,
			     .memory_tracks_n = 1};
	struct schedule other = s;
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;

	ck_assert_int_eq(lanes_choose(&a, &s, &(struct texts){both, 2}, &err), 0);
	ck_assert_uint_eq(s.lanes_n, 2);
	ck_assert_str_eq(s.lanes[0].name, "tb");
	ck_assert_uint_eq(s.boxes_n, 3);
	ck_assert(s.boxes[0].lane == 1 && s.boxes[2].lane == 0 && s.boxes[2].cause == 0);
	ck_assert_int_eq(lanes_choose(&a, &s, &(struct texts){both, 1}, &err), 0);
	ck_assert(s.lanes_n == 1 && s.boxes_n == 1 && s.memory_tracks_n == 0);
	ck_assert_uint_eq(s.boxes[0].cause, UINT32_MAX);
	ck_assert_int_eq(lanes_choose(&a, &other, &(struct texts){none, 2}, &err), -1);
	ck_assert_str_eq(err.msg, "unknown lane 'm9'");
	arena_release(&a);
}
END_TEST

/* ---- arrows ---- */

enum { ARROW_LANES = 3, ARROW_BOXES = 120 };

/* Boxes one after another on each of three lanes; most wait for one that began before. */
static void random_boxes(struct rng *r, struct box *out)
{
	sim_ns end_ns[ARROW_LANES] = {0};

	for (uint32_t i = 0; i < ARROW_BOXES; i++) {
		const uint32_t lane = (uint32_t)(rng_uniform(r) * ARROW_LANES);
		const sim_ns start_ns = end_ns[lane] + (sim_ns)(rng_uniform(r) * 40);

		end_ns[lane] = start_ns + 20 + (sim_ns)(rng_uniform(r) * 60);
		out[i] = (struct box){.lane = lane,
				      .kind = BOX_DECODE,
				      .start_ns = start_ns,
				      .end_ns = end_ns[lane],
				      .letter = "D",
				      .label = "",
				      .critical = rng_uniform(r) < 0.5,
				      .cause = i && rng_uniform(r) < 0.8 ? (uint32_t)(rng_uniform(r) * i)
									 : UINT32_MAX};
	}
}

static int by_lane(const void *x, const void *y)
{
	const struct box *a = x, *b = y;

	if (a->lane != b->lane)
		return a->lane < b->lane ? -1 : 1;
	return (a->start_ns > b->start_ns) - (a->start_ns < b->start_ns);
}

static bool beside(const struct bars *bars, const struct arrow *a, const struct arrow *b)
{
	return a->critical == b->critical && bars->at[a->from].lane == bars->at[b->from].lane &&
	       bars->at[a->to].lane == bars->at[b->to].lane;
}

START_TEST(arrows_do_not_lie_on_each_other)
{
	static const struct lane three[ARROW_LANES] = {
		{"a", "", "a", false}, {"b", "", "b", false}, {"c", "", "c", false}};
	const double pt_per_ns = _i % 2 ? 0.02 : 0.5, gap_ns = ARROW_GAP_PT / pt_per_ns;
	struct rng *r = rng_new((uint64_t)_i, "arrows");
	struct box shuffled[ARROW_BOXES];
	const struct schedule s = {.lanes = three,
				   .lanes_n = ARROW_LANES,
				   .boxes = shuffled,
				   .boxes_n = ARROW_BOXES,
				   .to_ns = 100000};
	struct bars bars;
	struct arrows arrows;

	random_boxes(r, shuffled);
	qsort(shuffled, ARROW_BOXES, sizeof *shuffled, by_lane);
	bars_init(&bars, &s, pt_per_ns);
	arrows_init(&arrows, &s, &bars, pt_per_ns);
	ck_assert_uint_gt(arrows.n, 0);
	ck_assert(arrows.left_out > 0 || pt_per_ns > 0.1);
	for (size_t i = 0; i < arrows.n; i++) {
		const struct arrow *a = &arrows.at[i];

		ck_assert_uint_ne(bars.at[a->from].lane, bars.at[a->to].lane);
		for (size_t k = 0; k < i; k++)
			if (beside(&bars, a, &arrows.at[k]))
				ck_assert(fabs((double)(bars.at[a->to].start_ns -
							bars.at[arrows.at[k].to].start_ns)) >= gap_ns);
	}
	arrows_release(&arrows);
	bars_release(&bars);
	rng_free(r);
}
END_TEST

/* What the help says of the least width is what holds, and the option itself refuses nothing that there is room for. */
START_TEST(the_help_knows_the_least_width)
{
	char least[32];

	snprintf(least, sizeof least, "At least %.0f,", ceil(look_least_width(0)));
	for (size_t i = 0; i < sizeof opts_look / sizeof *opts_look; i++)
		if (!strcmp(opts_look[i].name, "width")) {
			ck_assert_msg(strstr(opts_look[i].help, least), "%s", opts_look[i].help);
			ck_assert((double)opts_look[i].min <= look_least_width(4));
			return;
		}
	ck_abort_msg("no --width");
}
END_TEST

START_TEST(an_svg_knows_a_dark_screen)
{
	struct arena a = ARENA_INIT;
	struct str out = STR_INIT;
	struct err err = ERR_INIT;
	char *text;
	size_t len;

	if (system("dot -V >/dev/null 2>&1") != 0)
		return;
	folder_enter();
	for (int style = 0; style < STYLE_N; style++) {
		draw(&out, &(struct schedule_look){.style = (enum picture_style)style}, NULL);
		ck_assert_int_eq(draw_write("p.svg", out.text, true, &err), 0);
		ck_assert_int_eq(file_read(&a, "p.svg", 1 << 24, &text, &len, &err), 0);
		ck_assert_int_eq(strstr(text, "prefers-color-scheme: dark") != NULL, style == STYLE_COLOUR);
		ck_assert_ptr_nonnull(strstr(text, "class=\"node forward\""));
	}
	folder_leave();
	str_release(&out);
	arena_release(&a);
}
END_TEST

Suite *suite_looks(void)
{
	Suite *s = suite_create("looks");
	TCase *kinds = tcase_create("kind_looks"), *drawn = tcase_create("drawn");

	tcase_add_loop_test(kinds, paper_tells_kinds_apart, 0, ARRAY_LEN(pictures));
	tcase_add_loop_test(kinds, paper_tells_colours_apart, STYLE_GREY, STYLE_N);
	tcase_add_test(kinds, texts_can_be_read_on_colours);
	tcase_add_test(kinds, grey_is_grey);
	tcase_add_test(kinds, letters_can_be_read);
	tcase_add_loop_test(kinds, letters_tell_kinds_apart, 0, ARRAY_LEN(pictures));
	suite_add_tcase(s, kinds);
	tcase_add_test(drawn, a_picture_is_as_asked);
	tcase_add_test(drawn, near_empty_memory_is_a_note);
	tcase_add_test(drawn, a_scale_scales_everything);
	tcase_add_loop_test(drawn, a_narrow_picture_can_be_read, 0, 5);
	tcase_add_test(drawn, runs_have_a_letter);
	tcase_add_test(drawn, lanes_are_chosen);
	tcase_add_loop_test(drawn, arrows_do_not_lie_on_each_other, 0, 8);
	tcase_add_test(drawn, the_help_knows_the_least_width);
	tcase_add_test(drawn, an_svg_knows_a_dark_screen);
	suite_add_tcase(s, drawn);
	return s;
}
