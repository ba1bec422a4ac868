/* check_html.c - HTML: escaping, tables, pictures of Graphviz's in a page, and whole reports. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/utf8.h"
#include "sim/report/html.h"
#include "sim/report/report_page.h"
#include "sim/report/report_sections.h"
#include "sim/report/svg_inline.h"
#include "tests/report/written.h"
#include "tests/suites.h"

/* ---- texts ---- */

static const struct {
	const char *text, *html;
} texts[] = {
	{"", ""},
	{"M4 Pro \xe2\x86\x92 \xe6\x97\xa5", "M4 Pro \xe2\x86\x92 \xe6\x97\xa5"},
	{"</script><b a='1' c=\"2\">&amp;",
	 "&lt;/script&gt;&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;amp;"},
	{"a\nb\tc", "a\nb\tc"},
	{"a\x1b[31m\x07", "a[U+001B][31m[U+0007]"},
	{"\xe2\x80\xaegpj.exe", "[U+202E]gpj.exe"}, /* right-to-left override */
	{"\xe2\x81\xa6x\xe2\x81\xa9", "[U+2066]x[U+2069]"},
	{"\xe2\x80\xa8", "[U+2028]"},
	{"\xc2\x85", "[U+0085]"},
	{"\xff\xc0\xaf\xed\xa0\x80",
	 "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	{"\xef\xbf\xbe", "\xef\xbf\xbd"}, /* U+FFFE, no character */
};

START_TEST(texts_are_escaped)
{
	struct str out = STR_INIT;

	html_text(&out, texts[_i].text);
	ck_assert_str_eq(out.text, texts[_i].html);
	str_release(&out);
}
END_TEST

START_TEST(no_byte_ends_a_text)
{
	struct str out = STR_INIT;
	char text[3] = {'x'};

	for (int c = 1; c < 256; c++) {
		text[1] = (char)c;
		str_clear(&out);
		html_text(&out, text);
		ck_assert_ptr_null(strpbrk(out.text, "<>\"'\x1b\x7f"));
		for (const char *at = out.text; *at;) {
			uint32_t code;
			const size_t n = utf8_decode(at, &code);

			ck_assert_uint_gt(n, 0);
			at += n;
		}
	}
	str_release(&out);
}
END_TEST

START_TEST(tables_have_heads_and_values)
{
	static const struct html_column columns[] = {{"name", NULL, false}, {"rate", "tok/s", true}};
	static const struct html_cell cells[] = {{.text = "<a>", .value = (double)NAN},
						 {.text = "1.5",
						  .under = "\xc2\xb1"
							   "3\n1\xe2\x80\x93 2",
						  .value = 1.5,
						  .best = true},
						 {.text = "b", .value = (double)NAN},
						 {.text = "", .value = (double)NAN}};
	struct str out = STR_INIT;

	html_table(&out, &(struct html_table){"All \"names\"", columns, 2, cells, 2});
	ck_assert_uint_eq(written_count(out.text, "<th scope=\"col\""), 2);
	ck_assert_uint_eq(written_count(out.text, "<th scope=\"row\">"), 2);
	ck_assert_uint_eq(written_count(out.text, "data-v="), 1);
	ck_assert_ptr_nonnull(strstr(out.text, "<td class=\"n best\" data-v=\"1.5\"><strong>1.5</strong>"));
	ck_assert_ptr_nonnull(strstr(out.text, "<small>\xc2\xb1"
					       "3</small><small>1\xe2\x80\x93 2</small>"));
	ck_assert_ptr_nonnull(strstr(out.text, "aria-label=\"All &quot;names&quot;\""));
	ck_assert_ptr_nonnull(strstr(out.text, "<th scope=\"row\">&lt;a&gt;</th>"));
	str_release(&out);
}
END_TEST

/* ---- pictures ---- */

static const char svg[] =
	"<?xml version=\"1.0\"?>\n<!DOCTYPE svg>\n<!-- by graphviz -->\n"
	"<svg width=\"10pt\" height=\"20pt\"\n viewBox=\"0.00 0.00 10.00 20.00\" "
	"xmlns=\"http://www.w3.org/2000/svg\">\n"
	"<g id=\"graph0\" class=\"graph\" transform=\"translate(0 20)\">\n<title>lemursim</title>\n"
	"<!-- n1 -->\n<g id=\"node1\" class=\"node\">\n<title>n1</title>\n"
	"<g id=\"a_node1\"><a xlink:title=\"layer 1 &lt;b&gt;&#10;2 ms\">\n"
	"<polygon fill=\"#fff\" points=\"0,0 1,1\"/>\n"
	"<text x=\"1\" font-family=\"Helvetica,sans-Serif\" font-size=\"9.00\">A &gt; "
	"B</text>\n</a>\n</g>\n</g>\n"
	"<g id=\"node2\" class=\"node forward\">\n<title>n2</title>\n<g id=\"a_node2\"><a xlink:title=\" "
	"\">\n"
	"<polygon points=\"0,0\"/>\n</a>\n</g>\n</g>\n</g>\n</svg>\n";

START_TEST(pictures_stand_in_a_page)
{
	struct str out = STR_INIT;
	struct err err = ERR_INIT;

	ck_assert_int_eq(svg_inline(&out, svg, "a \"name\"", true, &err), 0);
	ck_assert_str_eq(
		out.text,
		"<svg role=\"img\" aria-label=\"a &quot;name&quot;\" viewBox=\"0.00 0.00 10.00 20.00\">\n"
		"<g transform=\"translate(0 20)\">\n"
		"<g class=\"tip\"><title>layer 1 &lt;b&gt;&#10;2 ms</title>\n"
		"<polygon fill=\"#fff\" points=\"0,0 1,1\"/><text x=\"1\" font-size=\"9.00\">A &gt; "
		"B</text>\n"
		"</g>\n<g class=\"forward\">\n<polygon points=\"0,0\"/></g>\n</g>\n</svg>\n");
	str_clear(&out);
	ck_assert_int_eq(svg_inline(&out, svg, "a \"name\"", false, &err), 0);
	ck_assert_ptr_null(strstr(out.text, "<title>"));
	ck_assert_ptr_nonnull(strstr(out.text, ">A &gt; B</text>"));
	str_release(&out);
}
END_TEST

START_TEST(a_broken_picture_is_refused)
{
	char cut[sizeof svg];
	const size_t last = strlen(svg) - 2; /* the '>' that ends </svg> */

	for (size_t n = 0; n < last; n++) {
		struct str out = STR_INIT;
		struct err err = ERR_INIT;

		memcpy(cut, svg, n);
		cut[n] = '\0';
		ck_assert_int_eq(svg_inline(&out, cut, "x", true, &err), -1);
		ck_assert_str_ne(err.msg, "");
		str_release(&out);
	}
}
END_TEST

/* ---- pages ---- */

#define EVIL "</script><script>alert(1)</script><img src=x onerror=\"alert(1)\"> 'q' \xe2\x80\xae\x1b"

static const struct metric metrics[] = {
	{EVIL, EVIL, 5.5, 5, 6, PROVENANCE_MEASURED, false, NULL, 0.1, EVIL, 1, 2},
	{"decode_tok_per_s", "tok/s", 5.83, 5.12, 6.61, PROVENANCE_MEASURED, false, NULL, 0, NULL, 0, 0},
	{"e2el_s", "s", 5.83, 5.12, 6.61, PROVENANCE_MEASURED, true, NULL, 0, NULL, 0, 0}};
static const struct memory_row memory[] = {{EVIL, EVIL, 3e10, 2e10, 2e10, 1e10, 0, 0, 0, 0.75, EVIL, 1, 0}};
static const struct busy_row busy[] = {{EVIL, EVIL, 0.97}};
static const struct assignment_row classes[] = {
	{EVIL, true, 0, NULL, "", NULL, metrics, 3, NULL, 0, NULL, 0, NULL, NULL, 0}};
static const struct assignment_row rows[] = {
	{EVIL, true, 0, NULL, EVIL, EVIL, metrics, 3, memory, 1, busy, 1, NULL, classes, 1},
	{EVIL, true, 0, NULL, EVIL, EVIL, metrics, 3, memory, 1, busy, 1, NULL, classes, 1},
	{EVIL, false, 1e9, EVIL, EVIL, NULL, NULL, 0, memory, 1, NULL, 0, NULL, NULL, 0}};
static const struct note notes[] = {{EVIL, 0}};
static const struct input_row inputs[] = {{EVIL, "00ff"}};
static const struct result result = {.scenario = EVIL,
				     .version = EVIL,
				     .title = EVIL,
				     .computed = EVIL,
				     .seed = 1,
				     .draws = 8,
				     .inputs = inputs,
				     .inputs_n = 1,
				     .rows = rows,
				     .rows_n = 3,
				     .notes = notes,
				     .notes_n = 1};

/* Nothing of a name becomes an element, and every element is closed. */
START_TEST(hostile_names_do_no_harm)
{
	static struct pictures pictures = {
		.at = {{.kind = PICTURE_SCHEDULE,
			.name = EVIL,
			.caption = "a",
			.svg = "<svg></svg>",
			.open = true},
		       {.kind = PICTURE_SCHEDULE, .name = EVIL, .caption = "b", .svg = "<svg></svg>"}},
		.n = 2,
		.left_out = 3};
	static const char *const paired[] = {"script", "style",   "table", "section", "article",
					     "figure", "details", "main",  "p",       "div",
					     "td",     "ul",      "svg",   "pre"};
	const struct report_part parts[2] = {{&result, NULL, EVIL, EVIL, &pictures, NULL},
					     {&result, NULL, EVIL, EVIL, &pictures, NULL}};
	struct str out = STR_INIT, again = STR_INIT;

	for (size_t n = 1; n <= 2; n++) {
		str_clear(&out);
		report_page(&out, parts, n);
		ck_assert_uint_eq(written_count(out.text, "<script"), 1);
		ck_assert_uint_eq(written_count(out.text, "<img"), 0);
		ck_assert_uint_eq(written_count(out.text, "\xe2\x80\xae"), 0);
		ck_assert_uint_eq(written_count(out.text, "\x1b"), 0);
		ck_assert_uint_gt(written_count(out.text, "&lt;script&gt;alert(1)"), 20);
		for (size_t i = 0; i < ARRAY_LEN(paired); i++) {
			char open[16], open_to[16], close[16];

			snprintf(open, sizeof open, "<%s>", paired[i]);
			snprintf(open_to, sizeof open_to, "<%s ", paired[i]);
			snprintf(close, sizeof close, "</%s>", paired[i]);
			ck_assert_uint_eq(written_count(out.text, open) + written_count(out.text, open_to),
					  written_count(out.text, close));
		}
	}
	report_page(&again, parts, 2);
	ck_assert_str_eq(out.text, again.text);
	str_release(&again);
	str_release(&out);
}
END_TEST

START_TEST(the_quickest_is_named)
{
	static const struct metric slow[] = {
		{"e2el_s", "s", 9, 9, 9, PROVENANCE_MEASURED, true, NULL, 0, NULL, 0, 0}};
	static const struct metric quick[] = {
		{"e2el_s", "s", 2, 2, 2, PROVENANCE_MEASURED, true, NULL, 0, NULL, 0, 0}};
	static const struct assignment_row three[] = {
		{"slow", true, 0, NULL, "", NULL, slow, 1, NULL, 0, NULL, 0, NULL, NULL, 0},
		{"quick", true, 0, NULL, "", NULL, quick, 1, NULL, 0, NULL, 0, NULL, NULL, 0},
		{"unfit", false, 1e9, "m", "", NULL, quick, 1, NULL, 0, NULL, 0, NULL, NULL, 0}};
	const struct result r = {.rows = three, .rows_n = 3};
	const struct result none = {.rows = three + 2, .rows_n = 1};

	ck_assert_str_eq(report_quickest(&r, JOB_GENERATE), "quick");
	ck_assert_ptr_null(report_quickest(&r, JOB_TRAIN));
	ck_assert_ptr_null(report_quickest(&none, JOB_GENERATE));
}
END_TEST

START_TEST(an_slo_comes_before_the_time)
{
#define ROW_OF(name, value, less)                                                                            \
	{                                                                                                    \
		name, "", value, value, value, PROVENANCE_MEASURED, less, NULL, 0, NULL, 0, 0                \
	}
	static const struct metric misses[] = {ROW_OF("e2el_s_p95", 2, true), ROW_OF("holds", 0, false)};
	static const struct metric holds[] = {ROW_OF("e2el_s_p95", 9, true), ROW_OF("holds", 0.8, false)};
	static const struct metric as_well[] = {ROW_OF("e2el_s_p95", 8, true), ROW_OF("holds", 0.8, false)};
#undef ROW_OF
	static const struct assignment_row all[] = {
		{"misses", true, 0, NULL, "", NULL, misses, 2, NULL, 0, NULL, 0, NULL, NULL, 0},
		{"holds", true, 0, NULL, "", NULL, holds, 2, NULL, 0, NULL, 0, NULL, NULL, 0},
		{"holds as well", true, 0, NULL, "", NULL, as_well, 2, NULL, 0, NULL, 0, NULL, NULL, 0}};
	struct result r = {
		.title = "", .computed = "", .scenario = "", .version = "", .rows = all, .rows_n = 2};
	const struct section_place at = {"", 2};
	struct str out = STR_INIT;

	ck_assert_str_eq(report_quickest(&r, JOB_SERVE), "holds");
	section_answer(&out, &at, &r);
	ck_assert_ptr_nonnull(strstr(out.text, "<strong>holds</strong> holds the SLO most often in serving"));
	ck_assert_ptr_nonnull(strstr(out.text, "its SLO holds in 80 % of the runs; misses follows with"));
	r.rows_n = 3;
	ck_assert_str_eq(report_quickest(&r, JOB_SERVE), "holds as well");
	str_clear(&out);
	section_answer(&out, &at, &r);
	ck_assert_ptr_nonnull(strstr(out.text, "<strong>holds as well</strong> is the quickest in serving"));
	str_release(&out);
}
END_TEST

/* What is the same to all digits is as good, and does not follow. */
START_TEST(ties_are_told)
{
#define TIME_OF(value)                                                                                       \
	{                                                                                                    \
		{                                                                                            \
			"e2el_s", "s", value, value, value, PROVENANCE_MEASURED, true, NULL, 0, NULL, 0, 0   \
		}                                                                                            \
	}
	static const struct metric times[4][1] = {TIME_OF(3.7701), TIME_OF(3.7699), TIME_OF(3.7702),
						  TIME_OF(4)};
#undef TIME_OF
	struct assignment_row all[4] = {{.name = "a"}, {.name = "b"}, {.name = "c"}, {.name = "d"}};
	struct result r = {.rows = all, .rows_n = 4};
	struct str out = STR_INIT;

	for (size_t i = 0; i < 4; i++) {
		all[i].fits = true;
		all[i].metrics = times[i];
		all[i].metrics_n = 1;
		all[i].bound = "memory bandwidth of m; training: arithmetic of n";
	}
	answer_sentences(&out, &r);
	ck_assert_ptr_nonnull(strstr(out.text, "<strong>b</strong>"));
	ck_assert_ptr_nonnull(
		strstr(out.text, "; a and 1 more are as good. It is limited by memory bandwidth of m.</p>"));
	ck_assert_ptr_null(strstr(out.text, "follows"));
	ck_assert_ptr_null(strstr(out.text, "training"));
	r.rows_n = 2;
	str_clear(&out);
	answer_sentences(&out, &r);
	ck_assert_ptr_nonnull(strstr(out.text, "; a is as good."));
	r.rows = all + 2;
	str_clear(&out);
	answer_sentences(&out, &r);
	ck_assert_ptr_nonnull(strstr(out.text, "; d follows with 4.00&nbsp;s."));
	report_sort(all, 4);
	ck_assert_str_eq(all[0].name, "b");
	ck_assert_str_eq(all[1].name, "a");
	ck_assert_str_eq(all[3].name, "d");
	str_release(&out);
}
END_TEST

/* What is of this machine alone is no reader's: files are named as the project has them. */
START_TEST(paths_are_the_projects)
{
	static const struct input_row files[] = {{"/tmp/secret/base.yaml", "00"},
						 {"/usr/share/lemursim/hardware/apple/m5.yaml", "00"},
						 {"scenarios/x.yaml", "00"}};
	const struct result r = {.inputs = files, .inputs_n = 3};
	const struct section_place at = {"", 2};
	struct str out = STR_INIT;

	section_inputs(&out, &at, &r);
	ck_assert_ptr_nonnull(strstr(out.text, ">base.yaml<"));
	ck_assert_ptr_nonnull(strstr(out.text, ">hardware/apple/m5.yaml<"));
	ck_assert_ptr_nonnull(strstr(out.text, ">scenarios/x.yaml<"));
	str_clear(&out);
	section_config(&out, &at,
		       "a: 1   # /tmp/secret/base.yaml:3\nb: /tmp # /srv/models/m.yaml:4\nc: 2 # default");
	ck_assert_ptr_nonnull(
		strstr(out.text, ">a: 1   # base.yaml:3\nb: /tmp # models/m.yaml:4\nc: 2 # default</pre>"));
	str_release(&out);
}
END_TEST

/* Of machines that are equal line by line one is written out; one that differs anywhere is, too. */
START_TEST(equal_machines_are_said_once)
{
	const struct section_place at = {"", 2};
	struct str out = STR_INIT;

	section_config(
		&out, &at,
		"machines:\n  m0:\n    a: 1\n    b:\n      c: 2\n  m1:\n    a: 1\n    b:\n      c: 2\n"
		"  m2:\n    a: 1\n    b:\n      c: 3\n  m3:\n    a: 1\n    b:\n      c: 3\nend: 1\n  m4:\n");
	ck_assert_ptr_nonnull(strstr(out.text,
				     ">machines:\n  m0:\n    a: 1\n    b:\n      c: 2\n"
				     "  m1: # each value as of m0\n  m2:\n    a: 1\n    b:\n      c: 3\n"
				     "  m3: # each value as of m2\nend: 1\n  m4:\n</pre>"));
	str_release(&out);
}
END_TEST

/* Two scenarios, each of one assignment, and whether they ask for the same. */
static const struct {
	const char *computed[2], *config[2];
	bool alike;
} asked[] = {
	{{"A, weights q4; runtime x; prompt 1 tok; seed 1",
	  "A, weights f16; runtime y; prompt 1 tok; seed 2"},
	 {"", ""},
	 true},
	{{"A, weights q4; runtime x; prompt 1 tok; seed 1", "A, weights q4; runtime x; prompt 2 tok; seed 1"},
	 {"", ""},
	 false},
	{{"A, weights q4; runtime x; prompt 1 tok; seed 1", "B, weights q4; runtime x; prompt 1 tok; seed 1"},
	 {"", ""},
	 false},
	{{"A, weights q4; a load of requests; seed 1", "A, weights q4; a load of requests; seed 1"},
	 {"a: 1\nworkload:\n  serve: 2 # x:3\nb: 1\n", "a: 2\nworkload:\n  serve: 2      # y:4\nb: 2\n"},
	 true},
	{{"A, weights q4; a load of requests; seed 1", "A, weights q4; a load of requests; seed 1"},
	 {"a: 1\nworkload:\n  serve: 2\nb: 1\n", "a: 1\nworkload:\n  serve: 3\nb: 1\n"},
	 false},
	{{NULL, NULL}, {"", ""}, true},
};

START_TEST(unlike_requests_are_not_ranked)
{
	static const struct metric quick = {"e2el_s", "s",  2, 2,    2, PROVENANCE_MEASURED,
					    true,     NULL, 0, NULL, 0, 0};
	static const struct metric slow = {"e2el_s", "s",  9, 9,    9, PROVENANCE_MEASURED,
					   true,     NULL, 0, NULL, 0, 0};
	const struct assignment_row of[2] = {
		{.name = "slow", .fits = true, .bound = "", .metrics = &slow, .metrics_n = 1},
		{.name = "quick", .fits = true, .bound = "", .metrics = &quick, .metrics_n = 1}};
	struct result results[2];
	struct report_part parts[2];
	struct str out = STR_INIT;

	for (size_t i = 0; i < 2; i++) {
		results[i] = (struct result){.title = "t",
					     .scenario = "s",
					     .version = "",
					     .computed = asked[_i].computed[i],
					     .rows = &of[i],
					     .rows_n = 1};
		parts[i] = (struct report_part){.result = &results[i], .config = asked[_i].config[i]};
	}
	section_comparison(&out, parts, 2);
	ck_assert((strstr(out.text, "ask for different things") == NULL) == asked[_i].alike);
	ck_assert((strstr(out.text, "Of 2 assignments, <strong>2 s: quick") != NULL) == asked[_i].alike);
	ck_assert_uint_eq(written_count(out.text, "<td class=\"n best\""), asked[_i].alike ? 1 : 0);
	ck_assert_uint_eq(written_count(out.text, "<strong>1 s: slow</strong>"), asked[_i].alike ? 0 : 1);
	str_release(&out);
}
END_TEST

Suite *suite_html(void)
{
	Suite *s = suite_create("html");
	TCase *html = tcase_create("html"), *page = tcase_create("page");

	tcase_add_loop_test(html, texts_are_escaped, 0, ARRAY_LEN(texts));
	tcase_add_test(html, no_byte_ends_a_text);
	tcase_add_test(html, tables_have_heads_and_values);
	tcase_add_test(html, pictures_stand_in_a_page);
	tcase_add_test(html, a_broken_picture_is_refused);
	suite_add_tcase(s, html);
	tcase_add_test(page, hostile_names_do_no_harm);
	tcase_add_test(page, the_quickest_is_named);
	tcase_add_test(page, an_slo_comes_before_the_time);
	tcase_add_test(page, ties_are_told);
	tcase_add_test(page, paths_are_the_projects);
	tcase_add_test(page, equal_machines_are_said_once);
	tcase_add_loop_test(page, unlike_requests_are_not_ranked, 0, ARRAY_LEN(asked));
	suite_add_tcase(s, page);
	return s;
}
