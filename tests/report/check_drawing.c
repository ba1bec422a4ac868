/* check_drawing.c - schedules, rooflines, traces, and the pictures that dot makes of them. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/base/str.h"
#include "sim/draw/bars.h"
#include "sim/draw/draw.h"
#include "sim/draw/labels.h"
#include "sim/draw/roof_style.h"
#include "sim/draw/roofline.h"
#include "sim/draw/schedule.h"
#include "sim/draw/textsize.h"
#include "tests/folder.h"
#include "tests/json.h"
#include "tests/report/written.h"
#include "tests/suites.h"

#define ELLIPSIS "\xe2\x80\xa6"

/* ---- schedules ---- */

static const struct lane lanes[] = {{"m5", "Apple M5 GPU", "m5", false},
				    {"tb5", "4.7 GB/s", NULL, true},
				    {HOSTILE, HOSTILE, "m5", false}};

static const struct box few[] = {
	{0, BOX_PREFILL, 12, 1512, "A0", HOSTILE, HOSTILE, true, UINT32_MAX, 0},
	{1, BOX_TRANSFER, 1512, 4000, "KV", "KV of layer 0", NULL, true, 0, 0},
	{2, BOX_DECODE, 4000, 1000000, HOSTILE, "decode", "14.2 GB", true, 1, 0},
	{0, BOX_UPDATE, 2000, 2000, "", "nothing", "", false, 1, 0},
};

static struct schedule few_boxes(void)
{
	return (struct schedule){.title = HOSTILE,
				 .subtitle = HOSTILE,
				 .lanes = lanes,
				 .lanes_n = 3,
				 .boxes = few,
				 .boxes_n = ARRAY_LEN(few),
				 .to_ns = 1000000};
}

/* n boxes of 1 us on one lane with 1 us between them, of the kinds in turn. */
static struct box *many_boxes(size_t n, int kinds)
{
	struct box *boxes = xcalloc(n, sizeof *boxes);

	for (size_t i = 0; i < n; i++)
		boxes[i] = (struct box){.kind = (enum box_kind)(i % (size_t)kinds),
					.start_ns = (sim_ns)i * 2000,
					.end_ns = (sim_ns)i * 2000 + 1000,
					.letter = "x",
					.label = "step",
					.cause = UINT32_MAX};
	return boxes;
}

static const struct {
	size_t n;
	int kinds;
	double pt_per_ns;
	bool joined;
} bar_cases[] = {{10, 1, 1e-2, false},
		 {10000, 1, 4e-5, true},
		 {10000, 3, 4e-5, true},
		 {1, 1, 1e-9, false},
		 {40000, 1, 1e-3, true}};
START_TEST(bars_keep_time)
{
	const size_t n = bar_cases[_i].n;
	struct box *boxes = many_boxes(n, bar_cases[_i].kinds);
	const struct schedule s = {
		.lanes = lanes, .lanes_n = 1, .boxes = boxes, .boxes_n = n, .to_ns = (sim_ns)n * 2000};
	struct bars bars;
	sim_ns busy_ns = 0;
	size_t boxes_n = 0;

	bars_init(&bars, &s, bar_cases[_i].pt_per_ns);
	for (size_t i = 0; i < bars.n; i++) {
		busy_ns += bars.at[i].busy_ns;
		boxes_n += bars.at[i].boxes_n;
		ck_assert_int_le(bars.at[i].busy_ns, bars.at[i].end_ns - bars.at[i].start_ns);
		ck_assert(!i || bars.at[i].start_ns >= bars.at[i - 1].end_ns);
	}
	ck_assert_int_eq(busy_ns, (sim_ns)n * 1000);
	ck_assert_uint_eq(boxes_n, n);
	ck_assert_uint_eq(bars.of_box[n - 1], bars.n - 1);
	ck_assert_msg(bar_cases[_i].joined ? bars.n < n / 4 : bars.n == n, "%zu bars", bars.n);
	ck_assert_uint_le(bars.n, BARS_MANY);
	bars_release(&bars);
	free(boxes);
}
END_TEST

/* Forward and host copy in turns, too narrow for letters, become mixed bars; where a run of the one follows a run of the other, the
 * bars keep their kinds, and so do boxes that are wide enough to be told apart. */
START_TEST(turns_are_mixed)
{
	static const struct {
		const char *kinds;
		double pt;
		bool mixed;
	} turns[] = {{"FCFCFCFC", 1.2, true},
		     {"FFFFCCCC", 0.6, false},
		     {"FFFFCCCC", 1.2, false},
		     {"FCFCFCFC", 5.5, true},
		     {"FCFCFCFC", 6.5, false}};

	for (size_t r = 0; r < ARRAY_LEN(turns); r++) {
		struct box boxes[8];
		const struct schedule s = {
			.lanes = lanes, .lanes_n = 1, .boxes = boxes, .boxes_n = 8, .to_ns = 8000};
		struct bars bars;
		bool mixed = false;

		for (size_t i = 0; i < 8; i++)
			boxes[i] = (struct box){.kind = turns[r].kinds[i] == 'F' ? BOX_FORWARD : BOX_COPY,
						.start_ns = (sim_ns)i * 1000,
						.end_ns = (sim_ns)(i + 1) * 1000};
		bars_init(&bars, &s, turns[r].pt / 1000);
		for (size_t i = 0; i < bars.n; i++)
			mixed |= bars.at[i].kind_ns[BOX_FORWARD] && bars.at[i].kind_ns[BOX_COPY];
		ck_assert_msg(mixed == turns[r].mixed, "%s at %g pt", turns[r].kinds, turns[r].pt);
		bars_release(&bars);
	}
}
END_TEST

START_TEST(window_cuts_boxes)
{
	struct box *boxes = many_boxes(10, 1);
	const struct schedule s = {
		.lanes = lanes, .lanes_n = 1, .boxes = boxes, .boxes_n = 10, .from_ns = 3000, .to_ns = 6500};
	struct bars bars;

	bars_init(&bars, &s, 0.1);
	ck_assert_uint_eq(bars.n, 2); /* 4,000-5,000 whole and 6,000-7,000 cut; 2,000-3,000 only touches */
	ck_assert_int_eq(bars.at[1].end_ns, 6500);
	ck_assert_uint_eq(bars.of_box[1], BARS_NONE);
	bars_release(&bars);
	free(boxes);
}
END_TEST

START_TEST(many_boxes_make_a_small_picture)
{
	struct box *boxes = many_boxes(10000, 2);
	const struct schedule s = {.title = "many",
				   .lanes = lanes,
				   .lanes_n = 1,
				   .boxes = boxes,
				   .boxes_n = 10000,
				   .to_ns = 20000000};
	struct str out = STR_INIT;

	schedule_dot(&out, &s);
	ck_assert_uint_lt(out.len, 400000);
	written_has(out.text, "10,000 boxes drawn as");
	written_has(out.text, "boxes: step " ELLIPSIS " step\\n");
	written_has(out.text, "50%");
	str_release(&out);
	free(boxes);
}
END_TEST

START_TEST(schedule_escapes)
{
	const struct schedule s = few_boxes();
	struct str out = STR_INIT;

	schedule_dot(&out, &s);
	written_has(out.text, "label=\"a \\\"b\\\" \\\\N <c> &amp; d|e, \xe6\x97\xa5 \xef\xbf\xbd  f\"");
	written_has(out.text,
		    "tooltip=\"a \\\"b\\\" \xe2\x88\x96N <c> &amp; d|e, \xe6\x97\xa5 \xef\xbf\xbd\\n f\\n");
	written_has(out.text, "on the critical path");
	written_lacks(out.text, "A0"); /* a box of a point has no room for its letter */
	str_release(&out);
}
END_TEST

START_TEST(trace_is_exact)
{
	static const char *const parts[] = {"\"version\":\"0.1.0\"",
					    "\"cat\":\"prefill\",\"ts\":0.012,\"dur\":1.500,",
					    "\"cat\":\"transfer\",\"ts\":1.512,\"dur\":2.488,",
					    "\"cat\":\"decode\",\"ts\":4.000,\"dur\":996.000,",
					    "{\"ph\":\"s\",\"pid\":1,\"tid\":1,\"name\":\"lets "
					    "start\",\"cat\":\"cause\",\"id\":1,\"ts\":1.511}",
					    "{\"ph\":\"f\",\"pid\":2,\"tid\":2,\"bp\":\"e\",\"name\":\"lets "
					    "start\",\"cat\":\"cause\",\"id\":1,"
					    "\"ts\":1.512}",
					    "{\"ph\":\"s\",\"pid\":2,\"tid\":2,\"name\":\"lets "
					    "start\",\"cat\":\"cause\",\"id\":2,\"ts\":3.999}",
					    "\"name\":\"process_name\",\"args\":{\"name\":\"tb5\"}",
					    "\"name\":\"thread_sort_index\",\"args\":{\"sort_index\":3}"};
	const struct schedule s = few_boxes();
	struct str out = STR_INIT;

	schedule_trace(&out, &s, "0.1.0");
	ck_assert_msg(json_is_valid(out.text), "%s", out.text);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		written_has(out.text, parts[i]);
	ck_assert_uint_eq(written_count(out.text, "\"process_name\""), 2); /* lanes 0 and 2 are one machine */
	ck_assert_uint_eq(written_count(out.text, "\"ph\":\"s\""), 2); /* none to a box without duration */
	str_release(&out);
}
END_TEST

/* Of a window: boxes that reach into it, arrows between them, the memory at its start. */
START_TEST(trace_is_cut)
{
	static const struct level levels[] = {{0, 0.1}, {1000, 0.2}, {1400, 0.3}, {1600, 0.4}, {5000, 0.5}};
	const struct memory_track tracks[] = {{"m5", "", "", levels, 5, NULL},
					      {"m5", "", "", levels, 1, "KV"}};
	const struct lane two[] = {{"m5.gpu", "", "m5", false}, {"m4.gpu", "", "m4", false}};
	const struct box five[] = {{0, BOX_PREFILL, 0, 1000, "P", "before", "", false, UINT32_MAX, 0},
				   {0, BOX_PREFILL, 1000, 2000, "P", "inside", "", false, UINT32_MAX, 0},
				   {0, BOX_PREFILL, 2000, 3000, "P", "after", "", false, UINT32_MAX, 0},
				   {1, BOX_DECODE, 1000, 1600, "D", "caused before", "", false, 0, 0},
				   {1, BOX_DECODE, 2000, 2500, "D", "caused inside", "", false, 1, 0}};
	struct schedule s = {.title = "t",
			     .lanes = two,
			     .lanes_n = 2,
			     .boxes = five,
			     .boxes_n = 5,
			     .memory_tracks = tracks,
			     .memory_tracks_n = 2,
			     .from_ns = 1500,
			     .to_ns = 2000};
	struct str out = STR_INIT;

	schedule_trace(&out, &s, "0.1.0");
	ck_assert_msg(json_is_valid(out.text), "%s", out.text);
	ck_assert_uint_eq(written_count(out.text, "\"ph\":\"X\""), 2);
	written_has(out.text, "\"name\":\"inside\"");
	written_has(out.text, "\"name\":\"caused before\"");
	ck_assert_uint_eq(written_count(out.text, "\"ph\":\"s\""), 0);
	written_has(out.text, "\"name\":\"memory\",\"ts\":1.500,\"args\":{\"%\":30.000}");
	written_has(out.text, "\"name\":\"memory\",\"ts\":1.600,\"args\":{\"%\":40.000}");
	written_has(out.text, "\"name\":\"KV\",\"ts\":1.500,\"args\":{\"%\":10.000}");
	ck_assert_uint_eq(written_count(out.text, "\"ph\":\"C\""), 3);
	s.to_ns = 3000;
	str_clear(&out);
	schedule_trace(&out, &s, "0.1.0");
	ck_assert_uint_eq(written_count(out.text, "\"ph\":\"X\""), 4);
	ck_assert_uint_eq(written_count(out.text, "\"ph\":\"s\""), 1);
	str_release(&out);
}
END_TEST

/* ---- rooflines ---- */

static const struct roof roofs[] = {
	{HOSTILE, 13.84e12, 118.4e9, 16.16e12, 153.6e9, PROVENANCE_TRANSFERRED, PROVENANCE_MEASURED},
	{"m4pro.gpu", 6.07e12, 253.2e9, 0, 0, PROVENANCE_MEASURED, PROVENANCE_MEASURED}};

static void draw_roofline(struct str *out, size_t dots_n)
{
	struct roof_dot dots[60];

	for (size_t i = 0; i < dots_n; i++)
		dots[i] = (struct roof_dot){.label = i % 2 ? HOSTILE : "decode q",
					    .group = i % 3 ? "decode" : "prefill",
					    .roof = i % 2,
					    .intensity = i == 5 ? 0.0 : 1.0 + 0.001 * (double)i,
					    .flops = 1e11 + 1e8 * (double)i,
					    .share = 0.02};
	roofline_dot(out, &(struct roofline){.title = HOSTILE,
					     .note = HOSTILE,
					     .roofs = roofs,
					     .roofs_n = 2,
					     .dots = dots,
					     .dots_n = dots_n});
}
START_TEST(ridge_is_the_documents)
{
	struct str out = STR_INIT;

	ck_assert_double_eq_tol(roof_ridge(&roofs[0]), 116.9, 0.05);
	ck_assert_double_eq_tol(roof_ridge(&roofs[1]), 23.97, 0.005);
	draw_roofline(&out, 0);
	written_has(out.text, "13.84 TFLOPS \xc2\xb7 118.4 GB/s \xc2\xb7 ridge 116.9 FLOP/B");
	written_has(out.text, "style=dashed");
	str_release(&out);
}
END_TEST

static bool apart(struct rect a, struct rect b)
{
	return a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
}
START_TEST(labels_never_overlap)
{
	const struct rect dot = {195, 195, 10, 10};
	const struct label_anchor anchor = {{200, 200}, 5.0, {200, 200, 0, 0}};
	struct labels labels;
	struct label_place places[40];
	size_t n = 0;

	labels_init(&labels, (struct rect){0, 0, 400, 400});
	labels_block(&labels, dot);
	labels_line(&labels, (struct point){0, 210}, (struct point){400, 210});
	while (n < 40 && labels_find(&labels, &anchor, 60, 11, &places[n])) {
		const struct rect at = places[n].at;

		labels_take(&labels, &places[n]);
		ck_assert(apart(at, dot));
		ck_assert(at.y + at.h < 210 || at.y > 210);
		ck_assert(at.x >= 0 && at.y >= 0 && at.x + at.w <= 400 && at.y + at.h <= 400);
		for (size_t i = 0; i < n; i++)
			ck_assert(apart(at, places[i].at));
		n++;
	}
	ck_assert_uint_ge(n, 4);
	ck_assert(!places[0].led);
	labels_release(&labels);
}
END_TEST

/* ---- text ---- */

static const struct {
	const char *text;
	double room;
	const char *want;
} shorten_cases[] = {{"short", 100, "short"},
		     {"", 10, ""},
		     {"much too long", 60, "much too" ELLIPSIS},
		     {"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 25, "\xe6\x97\xa5" ELLIPSIS},
		     {"no room", 1, ELLIPSIS}};
START_TEST(text_is_shortened)
{
	struct str out = STR_INIT;
	const bool whole = textsize_shorten(&out, shorten_cases[_i].text, shorten_cases[_i].room, 10, false);

	ck_assert_str_eq(out.text, shorten_cases[_i].want);
	ck_assert_int_eq(whole, !strcmp(shorten_cases[_i].text, shorten_cases[_i].want));
	str_release(&out);
}
END_TEST

static const char *const pictures[] = {"p.svg", "p.png", "p.pdf", "p.dot"};
START_TEST(dot_accepts)
{
	static char endless[40000];
	const struct schedule s = few_boxes(), none = {.title = endless};
	struct str out = STR_INIT;

	if (!written_dot_runs())
		return;
	memset(endless, 'n', sizeof endless - 1);
	folder_enter();
	for (int what = 0; what < 3; what++) {
		struct err err = ERR_INIT;

		str_clear(&out);
		if (what == 2)
			draw_roofline(&out, 60);
		else
			schedule_dot(&out, what ? &none : &s);
		ck_assert_msg(draw_write(pictures[_i], out.text, true, &err) == 0, "%s", err.msg);
	}
	ck_assert_uint_eq(folder_files(), 1);
	folder_leave();
	str_release(&out);
}
END_TEST

/* Neither when nor in which time zone it is written changes a picture, and so not the bytes of a PDF either. */
START_TEST(pdf_has_a_fixed_date)
{
	struct str out = STR_INIT;
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	char *text[2];
	size_t len[2];

	if (!written_dot_runs())
		return;
	draw_roofline(&out, 10);
	folder_enter();
	for (int i = 0; i < 2; i++) {
		setenv("TZ", i ? "XYZ-9" : "ABC+3", 1);
		ck_assert_msg(draw_write("p.pdf", out.text, true, &err) == 0, "%s", err.msg);
		ck_assert_int_eq(file_read(&a, "p.pdf", 1 << 24, &text[i], &len[i], &err), 0);
	}
	unsetenv("TZ");
	folder_leave();
	ck_assert_uint_eq(len[0], len[1]);
	ck_assert(!memcmp(text[0], text[1], len[0]));
	ck_assert(!memcmp(text[0], "%PDF-", 5));
	str_release(&out);
	arena_release(&a);
}
END_TEST

/* 64 devices have 64 letters; eight in colour have none. */
START_TEST(roofs_have_letters_where_colours_do_not_do)
{
	struct roofline r = {.roofs_n = 64};

	for (size_t i = 0; i < 64; i++)
		for (size_t k = 0; k < i; k++)
			ck_assert_str_ne(roof_mark(&r, i).text, roof_mark(&r, k).text);
	r.roofs_n = 8;
	ck_assert_str_eq(roof_mark(&r, 0).text, "");
	r.look.style = STYLE_GREY;
	ck_assert_str_eq(roof_mark(&r, 7).text, "H");
	r.look.style = STYLE_COLOUR;
	r.roofs_n = 9;
	ck_assert_str_eq(roof_mark(&r, 8).text, "I");
}
END_TEST

static double grey_of(const char *colour)
{
	const unsigned long rgb = strtoul(colour + 1, NULL, 16);

	return 0.299 * (double)(rgb >> 16 & 255) + 0.587 * (double)(rgb >> 8 & 255) +
	       0.114 * (double)(rgb & 255);
}

/* Ten devices on narrow pages: letters can be read, each has a line of its own, and labels that have no room are keyed. */
START_TEST(narrow_rooflines_can_be_read)
{
	static const double widths[] = {252, 474, 500, 1100};
	struct roof ten[10];
	struct roof_dot dots[90];
	struct roofline r = {.title = "t", .roofs = ten, .roofs_n = 10, .dots = dots, .dots_n = 90};
	char labels[90][24];
	struct str out = STR_INIT;

	for (size_t i = 0; i < 90; i++) {
		snprintf(labels[i], sizeof labels[i], "decode operator %zu", i);
		ten[i % 10] = roofs[1];
		dots[i] = (struct roof_dot){.label = labels[i],
					    .group = "decode",
					    .roof = i % 10,
					    .intensity = 1.0 + 0.5 * (double)i,
					    .flops = 1e11 + 1e9 * (double)i,
					    .share = 0.01};
	}
	for (size_t i = 0; i < ARRAY_LEN(widths); i++) {
		double w, h;

		r.look.width = widths[i];
		str_clear(&out);
		roofline_dot(&out, &r);
		ck_assert_int_eq(sscanf(strstr(out.text, "bb="), "bb=\"0,0,%lf,%lf", &w, &h), 2);
		ck_assert_double_eq_tol(w, widths[i], 1e-6);
		for (const char *at = out.text; (at = strstr(at, ",fontsize=")) != NULL; at++)
			ck_assert_double_ge(strtod(at + 10, NULL), 6);
		written_lacks(out.text, "tooltips of the SVG");
		written_has(out.text, "label=\"1\\l\"");
	}
	for (size_t i = 0; i < 40; i++)
		for (size_t k = 0; k < i; k++) {
			const struct stroke a = roof_stroke(&r, i), b = roof_stroke(&r, k);

			ck_assert(strcmp(a.color, b.color) != 0 || a.dashed != b.dashed ||
				  a.dotted != b.dotted || a.width != b.width);
		}
	str_release(&out);
}
END_TEST

START_TEST(printed_roofs_differ_as_greys)
{
	struct roofline r = {.look = {.style = _i ? STYLE_PRINT : STYLE_GREY}, .roofs_n = 6};

	for (size_t i = 0; i < 6; i++)
		for (size_t k = 0; k < i; k++)
			ck_assert_double_ge(fabs(grey_of(roof_color(&r, i)) - grey_of(roof_color(&r, k))),
					    25);
}
END_TEST

Suite *suite_drawing(void)
{
	Suite *s = suite_create("drawing");
	TCase *tc = tcase_create("drawing");

	tcase_add_loop_test(tc, bars_keep_time, 0, ARRAY_LEN(bar_cases));
	tcase_add_test(tc, turns_are_mixed);
	tcase_add_test(tc, window_cuts_boxes);
	tcase_add_test(tc, many_boxes_make_a_small_picture);
	tcase_add_test(tc, schedule_escapes);
	tcase_add_test(tc, trace_is_exact);
	tcase_add_test(tc, trace_is_cut);
	tcase_add_test(tc, ridge_is_the_documents);
	tcase_add_test(tc, labels_never_overlap);
	tcase_add_loop_test(tc, text_is_shortened, 0, ARRAY_LEN(shorten_cases));
	tcase_add_loop_test(tc, dot_accepts, 0, ARRAY_LEN(pictures));
	tcase_add_test(tc, pdf_has_a_fixed_date);
	tcase_add_test(tc, roofs_have_letters_where_colours_do_not_do);
	tcase_add_test(tc, narrow_rooflines_can_be_read);
	tcase_add_loop_test(tc, printed_roofs_differ_as_greys, 0, 2);
	suite_add_tcase(s, tc);
	return s;
}
