/* check_report.c - tables, schedules, rooflines, traces, and the pictures that dot makes of them. */
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/base/file.h"
#include "sim/base/str.h"
#include "sim/base/units.h"
#include "sim/draw/bars.h"
#include "sim/draw/draw.h"
#include "sim/draw/labels.h"
#include "sim/draw/pdf_date.h"
#include "sim/draw/roof_style.h"
#include "sim/draw/roofline.h"
#include "sim/draw/schedule.h"
#include "sim/draw/textsize.h"
#include "sim/report/columns.h"
#include "sim/report/result.h"
#include "sim/report/result_read.h"
#include "tests/folder.h"
#include "tests/json.h"
#include "tests/suites.h"

#define GIB      1073741824.0
#define DASH     "\xe2\x80\x93"
#define ELLIPSIS "\xe2\x80\xa6"
#define HOSTILE  "a \"b\" \\N <c> & d|e, \xe6\x97\xa5 \xff\n\tf"

/* ---- results ---- */

static const struct metric fast[] = {
	{"prefill_tok_per_s", "tok/s", 1020.2, 980.5, 1062.8, PROVENANCE_INTERPOLATED, false, NULL, 0, NULL,
	 0, 0},
	{"ttft_s", "s", 0.98, 0.9, 1.07, PROVENANCE_INTERPOLATED, false, NULL, 0, NULL, 0, 0},
	{"decode_tok_per_s", "tok/s", 5.83, 5.12, 6.61, PROVENANCE_MEASURED, false, NULL, 0, NULL, 0, 0},
};
static const struct metric slow[] = {
	{"prefill_tok_per_s", "tok/s", 387.2, 371.5, 402.8, PROVENANCE_DATASHEET, false, NULL, 0, NULL, 0, 0},
	{"decode_tok_per_s", "tok/s", 16.4, 16.4, 16.4, PROVENANCE_MEASURED, false, NULL, 0, NULL, 0, 0},
	{"mfu", "", 0.412, 0.4, 0.43, PROVENANCE_MEASURED, false, NULL, 0, NULL, 0, 0},
};
static const struct metric invented[] = {
	{"decode_tok_per_s", "tok/s", 777.0, 777.0, 777.0, PROVENANCE_MEASURED, false, NULL, 0, NULL, 0, 0}};
static const struct memory_row memory[] = {
	{"m5", "generate", 14.2 * GIB, 18.0 * GIB, 13.5 * GIB, 0.7 * GIB, 0, 0, 0, 0, NULL, 0, 0}};
static const struct memory_row too_much[] = {{"m5", "train", 30.1 * GIB, 18.0 * GIB, 13.5 * GIB, 0, 3.2 * GIB,
					      6.7 * GIB, 6.7 * GIB, 0.75, "layer 0 attention, backward", 0,
					      0}};
static const struct busy_row busy[] = {{"m4pro.gpu", "generate", 0.97}};
static const struct assignment_row rows[] = {
	{"all on M5", true, 0, NULL, "arithmetic of m5.gpu", "a wider bus", fast, 3, memory, 1, busy, 1, NULL,
	 NULL, 0},
	{"alles auf M4 Pro \xe2\x86\x92 hier", true, 0, NULL, "memory bandwidth of m4pro.gpu", NULL, slow, 3,
	 memory, 1, busy, 1, NULL, NULL, 0},
	{"full", false, 12.1 * GIB, "m5", "memory of m5", "QLoRA", invented, 1, too_much, 1, NULL, 0, NULL,
	 NULL, 0},
};
static const struct note notes[] = {{"MFU is against 13.84 TFLOPS.", 0}};
static const struct input_row inputs[] = {{"scenarios/a.yaml", "00ff"}};
static const struct result result = {.scenario = "m5-vs-m4pro",
				     .version = "0.1.0",
				     .title = "Mistral-7B",
				     .seed = UINT64_MAX,
				     .draws = 200,
				     .inputs = inputs,
				     .inputs_n = 1,
				     .rows = rows,
				     .rows_n = 3,
				     .notes = notes,
				     .notes_n = 1};

static void expect(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "no '%s' in:\n%s", part, text);
}

static void expect_no(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) == NULL, "'%s' in:\n%s", part, text);
}

static const struct assignment_row classes[] = {
	{"chat", true, 0, NULL, "", NULL, fast, 2, NULL, 0, NULL, 0, NULL, NULL, 0},
	{"batch, at night", true, 0, NULL, "", NULL, slow, 1, NULL, 0, NULL, 0, NULL, NULL, 0}};
static const struct assignment_row with_classes[] = {
	{"all on M5", true, 0, NULL, "decode", NULL, fast, 3, memory, 1, busy, 1, NULL, classes, 2},
	{"one class", true, 0, NULL, "decode", NULL, slow, 3, memory, 1, busy, 1, NULL, classes, 1}};

/* What was written as JSON is read, and written again as the same bytes. */
START_TEST(a_result_is_read_as_it_was_written)
{
	const enum result_format format = _i % 2 ? RESULT_JSONL : RESULT_JSON;
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct str once = STR_INIT, again = STR_INIT;
	struct result read, written = result;
	const char *config;

	if (_i > 1) {
		written.rows = with_classes;
		written.rows_n = ARRAY_LEN(with_classes);
	}
	result_write(&once, &written, format, 0);
	ck_assert(result_is(once.text));
	ck_assert_msg(result_read(&a, "x.json", once.text, once.len, &read, &config, &err) == 0, "%s",
		      err.msg);
	ck_assert_ptr_null(config);
	result_write(&again, &read, format, 0);
	ck_assert_str_eq(again.text, once.text);
	str_release(&once);
	str_release(&again);
	arena_release(&a);
}
END_TEST

/* A class that an assignment lacks has empty cells; no class is marked as the best. */
START_TEST(classes_have_rows_and_columns)
{
	struct result r = result;
	struct str out = STR_INIT;

	r.rows = with_classes;
	r.rows_n = ARRAY_LEN(with_classes);
	result_write(&out, &r, RESULT_CSV, 0);
	expect(out.text, "\"batch, at night.prefill_tok_per_s_from\"\nall on M5,true,,decode,1020.2,");
	expect(out.text, ",1020.2,980.5,1062.8,interpolated,0.98,0.9,1.07,interpolated,,,,\n");
	str_clear(&out);
	result_write(&out, &r, RESULT_TABLE, 0);
	expect(out.text, "all on M5: batch, at night   387 (372");
	expect_no(out.text, "night   387*");
	str_clear(&out);
	result_write(&out, &r, RESULT_MD, 0);
	expect(out.text, "| one class: chat | 1020 (980\xe2\x80\x93"
			 "1060) |");
	str_release(&out);
}
END_TEST

static const struct {
	const char *text, *said; /* NULL: it is read */
} read_cases[] = {
	{"{\"schema\": \"lemursim/result/1\", \"scenario\": \"a\", \"version\": \"1\", \"later\": [{}]}",
	 NULL},
	{"{\"schema\": \"lemursim/result/2\"}", "the schema is 'lemursim/result/2', not 'lemursim/result/1'"},
	{"{\"schema\": \"lemursim/result/1\"}", "there is no 'scenario'"},
	{"{\"scenario\": \"a\", \"version\": \"1\"}", "there is no 'schema'"},
	{"{\"schema\": \"lemursim/result/1\", \"assignments\": [{\"name\": \"a\"}]}",
	 "an assignment has no 'bound'"},
	{"{\"schema\": \"lemursim/result/1\", \"assignments\": [{\"metrics\": {\"x\": {\"from\": \"y\"}}}]}",
	 "'y' is no provenance"},
	{"{\"schema\": \"lemursim/result/1\", \"assignments\": [{\"metrics\": {\"x\": {\"value\": 1e999}}}]}",
	 "the number is too large"},
	{"{\"schema\": \"lemursim/result/1\", \"inputs\": [{}]}", "an item of 'inputs' has no 'file'"},
	{"{\"schema\": \"lemursim/result/1\", \"seed\": 1", "expected ',' or '}'"},
};

START_TEST(a_foreign_result_is_refused)
{
	const char *text = read_cases[_i].text, *config;
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct result read;
	const int rc = result_read(&a, "x.json", text, strlen(text), &read, &config, &err);

	ck_assert_int_eq(rc, read_cases[_i].said ? -1 : 0);
	ck_assert_msg(rc == 0 || strstr(err.msg, read_cases[_i].said), "%s", err.msg);
	arena_release(&a);
}
END_TEST

START_TEST(a_configuration_is_indented)
{
	static const char text[] = "{\"schema\":\"lemursim/result/1\",\"scenario\":\"a\",\"version\":\"1\","
				   "\"config\":{\"a\":[1,{}],\"b\":\"x,\\\"{\\\\\"}}";
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct result read;
	const char *config;

	ck_assert_int_eq(result_read(&a, "x.json", text, strlen(text), &read, &config, &err), 0);
	ck_assert_str_eq(config, "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": \"x,\\\"{\\\\\"\n}");
	arena_release(&a);
}
END_TEST

static size_t count(const char *text, const char *part)
{
	size_t n = 0;

	for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
		n++;
	return n;
}

START_TEST(json_has_the_contract)
{
	static const char *const parts[] = {"\"schema\": \"lemursim/result/1\"",
					    "\"seed\": 18446744073709551615",
					    "\"draws\": 200",
					    "\"file\": \"scenarios/a.yaml\"",
					    "\"short_B\": 12992276070.4",
					    "\"short_on\": \"m5\"",
					    "\"advice\": \"a wider bus\"",
					    "\"phase\": \"generate\"",
					    "\"from\": \"interpolated\"",
					    "\"bound\": \"arithmetic of m5.gpu\"",
					    "\"config\": {\"model\":[\"1\",\"2\"]}",
					    "\"share\": 0.97",
					    "\"notes\": ["};
	static const char config[] = "model: [1, 2]\n";
	const struct source source = {"config", config, sizeof config - 1};
	struct result with_config = result;
	struct arena a = ARENA_INIT;
	struct diags diags;
	struct str out = STR_INIT;

	diags_init(&diags, &a);
	with_config.config = yml_parse(&a, &source, &diags);
	result_write(&out, &with_config, RESULT_JSON, 0);
	arena_release(&a);
	ck_assert_msg(json_is_valid(out.text), "%s", out.text);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		expect(out.text, parts[i]);
	ck_assert_uint_eq(count(out.text, "short_B"), 1); /* only where it does not fit */
	ck_assert_uint_eq(count(out.text, "\"ttft_s\""), 1);
	str_release(&out);
}
END_TEST

START_TEST(jsonl_lines_stand_alone)
{
	struct str out = STR_INIT;
	size_t n = 0;

	result_write(&out, &result, RESULT_JSONL, 0);
	for (char *line = strtok(out.text, "\n"); line; line = strtok(NULL, "\n"), n++) {
		ck_assert_msg(json_is_valid(line), "%s", line);
		expect(line, "{\"schema\":\"lemursim/result/1\",\"scenario\":\"m5-vs-m4pro\",");
		expect(line, "\"sha256\":\"00ff\"");
		expect(line, "\"name\":");
	}
	ck_assert_uint_eq(n, 3);
	str_release(&out);
}
END_TEST

static const struct {
	const char *name, *want;
} csv_cases[] = {{"plain", "plain,"},
		 {"a, b", "\"a, b\","},
		 {"say \"no\"", "\"say \"\"no\"\"\","},
		 {"two\nlines", "\"two\nlines\","},
		 {"", ","}};

START_TEST(csv_quotes)
{
	const struct assignment_row row = {.name = csv_cases[_i].name, .fits = true, .bound = "x"};
	const struct result r = {.scenario = "s", .version = "v", .rows = &row, .rows_n = 1};
	struct str out = STR_INIT;

	result_write(&out, &r, RESULT_CSV, 0);
	ck_assert_msg(str_starts(strchr(out.text, '\n') + 1, csv_cases[_i].want), "%s", out.text);
	str_release(&out);
}
END_TEST

START_TEST(csv_leaves_absent_metrics_empty)
{
	struct str out = STR_INIT;

	result_write(&out, &result, RESULT_CSV, 0);
	ck_assert_str_eq(
		out.text,
		"name,fits,short_B,bound,prefill_tok_per_s,prefill_tok_per_s_lo,prefill_tok_per_s_hi,"
		"prefill_tok_per_s_from,ttft_s,ttft_s_lo,ttft_s_hi,ttft_s_from,decode_tok_per_s,"
		"decode_tok_per_s_lo,decode_tok_per_s_hi,decode_tok_per_s_from,mfu,mfu_lo,mfu_hi,mfu_from\n"
		"all on M5,true,,arithmetic of m5.gpu,1020.2,980.5,1062.8,interpolated,0.98,0.9,1.07,"
		"interpolated,5.83,5.12,6.61,measured,,,,\n"
		"alles auf M4 Pro \xe2\x86\x92 hier,true,,memory bandwidth of m4pro.gpu,387.2,371.5,402.8,"
		"datasheet,,,,,16.4,16.4,16.4,measured,0.412,0.4,0.43,measured\n"
		"full,false,12992276070.4,memory of m5,,,,,,,,,777,777,777,measured,,,,\n");
	str_release(&out);
}
END_TEST

START_TEST(markdown_escapes_and_marks)
{
	const struct assignment_row row = {.name = "a|b_<c>", .fits = true, .bound = "x|y"};
	const struct result hostile = {.scenario = "s", .version = "v", .rows = &row, .rows_n = 1};
	struct str out = STR_INIT;

	result_write(&out, &result, RESULT_MD, 0);
	expect(out.text, "| **16.4** |");
	expect(out.text, "| full | no: 12.1 GiB short on m5 |  |  |  |  | memory of m5 |");
	expect(out.text, "| 5.83 (5.12" DASH "6.61) |");
	str_clear(&out);
	result_write(&out, &hostile, RESULT_MD, 0);
	expect(out.text, "| a\\|b\\_&lt;c> | yes | x\\|y |");
	str_release(&out);
}
END_TEST

static const struct {
	double value;
	const char *want;
} number_cases[] = {{0, "0"},
		    {5.829, "5.83"},
		    {16.4, "16.4"},
		    {999.4, "999"},
		    {999.6, "1000"},
		    {1234.5, "1230"},
		    {0.0577, "0.0577"},
		    {-2.5, "-2.50"},
		    {6.76e-7, "0.000000676"},
		    {18350.0, "18400"},
		    {1234567890.0, "1234567890"},
		    {4e94, "10^95"}};

START_TEST(numbers_have_three_digits)
{
	struct str out = STR_INIT;

	units_format_number(&out, number_cases[_i].value);
	ck_assert_str_eq(out.text, number_cases[_i].want);
	str_release(&out);
}
END_TEST

static const int table_widths[] = {0, 200, 110, 80, 60, 30};

/* Rows keep within their rule, columns stand under their heads, and no line ends in blanks. */
START_TEST(table_is_aligned)
{
	const int width = table_widths[_i];
	struct str out = STR_INIT;
	size_t blocks = 0, rule = 0;
	const char *heads = "", *last = "";

	result_write(&out, &result, RESULT_TABLE, width);
	for (char *line = out.text, *next; *line; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		ck_assert_msg(!*line || line[strlen(line) - 1] != ' ', "blank at the end of '%s'", line);
		if (str_starts(line, "\xe2\x94\x80")) {
			rule = str_width(line);
			blocks++;
			ck_assert_uint_le(str_width(last), rule);
			ck_assert_msg(width < 60 || rule <= (size_t)width, "%zu columns", rule);
		} else if (str_starts(line, "assignment")) {
			heads = line;
		} else if (rule && !*line) {
			rule = 0;
		} else if (rule) {
			const char *bound = strstr(line, " of m"), *head = strstr(heads, "limited by");

			ck_assert_msg(str_width(line) <= rule, "'%s' is wider than its rule", line);
			if (head && bound && str_width(line) > (size_t)(head - heads)) {
				size_t at = (size_t)(head - heads) - 1, bytes = 0;

				for (; at; at--) /* the head is ASCII: columns of it are columns here */
					do
						bytes++;
					while (((unsigned char)line[bytes] & 0xc0) == 0x80);
				ck_assert_msg(line[bytes] == ' ' && line[bytes + 1] != ' ', "'%s'", line);
			}
		}
		last = line;
	}
	ck_assert_msg(width && width < 133 ? blocks > 1 : blocks == 1, "%zu blocks", blocks);
	str_release(&out);
}
END_TEST

START_TEST(table_answers)
{
	struct str out = STR_INIT;

	result_write(&out, &result, RESULT_TABLE, 0);
	expect(out.text, "no: 12.1 GiB short on m5");
	expect(out.text, "5.83  (5.12" DASH "6.61)");
	expect(out.text, "16.4*"); /* directly behind the number */
	expect(out.text, "1020*");
	expect(out.text, "980 (900" DASH "1070)"); /* 0.98 s in a column of ms */
	expect(out.text, "P10" DASH "P90 of 200 draws");
	expect(out.text, "prefill datasheet, TTFT interpolated,\n  decode measured");
	expect(out.text, "14.2 GiB of 18.0 GiB");
	expect(out.text, "What would change that");
	expect_no(out.text, "777"); /* what does not fit has no speed */
	expect_no(out.text, "train ");
	str_release(&out);
}
END_TEST

/* A mark stands behind its number however many digits others have, and how a server works has no best. */
START_TEST(a_mark_stands_behind_its_number)
{
	static const struct metric one[] = {
		{"req_per_s", "req/s", 737.0, 687, 781, PROVENANCE_MEASURED, false, NULL, 0, NULL, 0, 0},
		{"batch_mean", "requests", 4.0, 3, 5, PROVENANCE_MEASURED, false, NULL, 0, NULL, 0, 0},
		{"kv_share_mean", "", 0.25, 0.2, 0.3, PROVENANCE_MEASURED, false, NULL, 0, NULL, 0, 0}};
	static const struct metric other[] = {
		{"req_per_s", "req/s", 0.00123, 0.001, 0.002, PROVENANCE_MEASURED, false, NULL, 0, NULL, 0,
		 0},
		{"batch_mean", "requests", 2.0, 1, 3, PROVENANCE_MEASURED, false, NULL, 0, NULL, 0, 0},
		{"kv_share_mean", "", 0.5, 0.4, 0.6, PROVENANCE_MEASURED, false, NULL, 0, NULL, 0, 0}};
	const struct assignment_row two[] = {
		{.name = "a", .fits = true, .bound = "b", .metrics = one, .metrics_n = 3},
		{.name = "b", .fits = true, .bound = "b", .metrics = other, .metrics_n = 3}};
	const struct result r = {.scenario = "s", .version = "1", .rows = two, .rows_n = 2};
	struct str out = STR_INIT;

	result_write(&out, &r, RESULT_TABLE, 0);
	expect(out.text, "737* ");
	expect(out.text, "4.00 (3.00");
	expect(out.text, "2.00 (1.00");
	expect(out.text, "25.0 (20.0");
	expect(out.text, "50.0 (40.0");
	str_clear(&out);
	result_write(&out, &r, RESULT_MD, 0);
	expect(out.text, "**737");
	expect_no(out.text, "**4.00");
	expect_no(out.text, "**25.0");
	str_release(&out);
}
END_TEST

START_TEST(hostile_names_pass_every_writer)
{
	const struct assignment_row row = {
		.name = HOSTILE, .fits = false, .short_on = HOSTILE, .bound = HOSTILE};
	const struct note note[] = {{HOSTILE, 0}};
	const struct result r = {.scenario = HOSTILE,
				 .version = HOSTILE,
				 .rows = &row,
				 .rows_n = 1,
				 .notes = note,
				 .notes_n = 1};
	struct str out = STR_INIT;

	for (int f = 0; f < RESULT_FORMAT_N; f++) {
		str_clear(&out);
		result_write(&out, &r, (enum result_format)f, 40);
		ck_assert_uint_gt(out.len, 0);
		if (f == RESULT_JSON || f == RESULT_JSONL)
			ck_assert_msg(json_is_valid(out.text), "%s", out.text);
	}
	str_release(&out);
}
END_TEST

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
	expect(out.text, "10,000 boxes drawn as");
	expect(out.text, "boxes: step " ELLIPSIS " step\\n");
	expect(out.text, "50%");
	str_release(&out);
	free(boxes);
}
END_TEST

START_TEST(schedule_escapes)
{
	const struct schedule s = few_boxes();
	struct str out = STR_INIT;

	schedule_dot(&out, &s);
	expect(out.text, "label=\"a \\\"b\\\" \\\\N <c> &amp; d|e, \xe6\x97\xa5 \xef\xbf\xbd  f\"");
	expect(out.text,
	       "tooltip=\"a \\\"b\\\" \xe2\x88\x96N <c> &amp; d|e, \xe6\x97\xa5 \xef\xbf\xbd\\n f\\n");
	expect(out.text, "on the critical path");
	expect_no(out.text, "A0"); /* a box of a point has no room for its letter */
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
		expect(out.text, parts[i]);
	ck_assert_uint_eq(count(out.text, "\"process_name\""), 2); /* lanes 0 and 2 are one machine */
	ck_assert_uint_eq(count(out.text, "\"ph\":\"s\""), 2);     /* none to a box without duration */
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
	ck_assert_uint_eq(count(out.text, "\"ph\":\"X\""), 2);
	expect(out.text, "\"name\":\"inside\"");
	expect(out.text, "\"name\":\"caused before\"");
	ck_assert_uint_eq(count(out.text, "\"ph\":\"s\""), 0);
	expect(out.text, "\"name\":\"memory\",\"ts\":1.500,\"args\":{\"%\":30.000}");
	expect(out.text, "\"name\":\"memory\",\"ts\":1.600,\"args\":{\"%\":40.000}");
	expect(out.text, "\"name\":\"KV\",\"ts\":1.500,\"args\":{\"%\":10.000}");
	ck_assert_uint_eq(count(out.text, "\"ph\":\"C\""), 3);
	s.to_ns = 3000;
	str_clear(&out);
	schedule_trace(&out, &s, "0.1.0");
	ck_assert_uint_eq(count(out.text, "\"ph\":\"X\""), 4);
	ck_assert_uint_eq(count(out.text, "\"ph\":\"s\""), 1);
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
	expect(out.text, "13.84 TFLOPS \xc2\xb7 118.4 GB/s \xc2\xb7 ridge 116.9 FLOP/B");
	expect(out.text, "style=dashed");
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

/* ---- dot ---- */

static bool has_dot(void)
{
	return system("dot -V >/dev/null 2>&1") == 0;
}

static const char *const pictures[] = {"p.svg", "p.png", "p.pdf", "p.dot"};

START_TEST(dot_accepts)
{
	static char endless[40000];
	const struct schedule s = few_boxes(), none = {.title = endless};
	struct str out = STR_INIT;

	if (!has_dot())
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

	if (!has_dot())
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

/* A date is replaced by as many bytes; what is none stays. */
START_TEST(dates_of_a_pdf_are_replaced)
{
	static const char before[] = "%PDF-1.5\n/CreationDate (D:20261129090720Z)\n/ModDate "
				     "(D:19991231235959+01'00)\n(D:20261129) Date (D:2026)",
			  after[] = "%PDF-1.5\n/CreationDate (D:20000101000000Z)\n/ModDate "
				    "(D:20000101000000+01'00)\n(D:20261129) Date (D:2026)";
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	char *text;
	size_t len;

	folder_enter();
	ck_assert_int_eq(file_write("x.pdf", before, sizeof before, false, &err), 0);
	ck_assert_int_eq(pdf_fix_date("x.pdf", &err), 0);
	ck_assert_int_eq(file_read(&a, "x.pdf", 1000, &text, &len, &err), 0);
	folder_leave();
	ck_assert_uint_eq(len, sizeof after);
	ck_assert(!memcmp(text, after, len));
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
		expect_no(out.text, "tooltips of the SVG");
		expect(out.text, "label=\"1\\l\"");
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

static const struct {
	const char *path, *dot_text, *msg, *hint;
	bool empty_path;
} draw_errors[] = {
	{"p.jpeg", "digraph {}", "cannot draw 'p.jpeg': the name's ending says no format",
	 "end the name in .svg, .png, .pdf or .dot", false},
	{"old.svg", "digraph {}", "'old.svg' exists", "add -f to overwrite it", false},
	{"p.svg", "digraph {", "'dot' failed with exit status 1: ", "", false},
	{"p.svg", "digraph {}", "cannot draw: Graphviz's program 'dot' is not installed", "install graphviz",
	 true},
};

START_TEST(draw_says_what_is_wrong)
{
	struct err err = ERR_INIT;

	if (!has_dot() && !draw_errors[_i].empty_path)
		return;
	folder_enter();
	ck_assert_int_eq(file_write("old.svg", "x", 1, false, &err), 0);
	if (draw_errors[_i].empty_path)
		setenv("PATH", "/nonexistent", 1);
	ck_assert_int_eq(draw_write(draw_errors[_i].path, draw_errors[_i].dot_text, false, &err), -1);
	ck_assert_msg(str_starts(err.msg, draw_errors[_i].msg), "%s", err.msg);
	ck_assert_msg(str_starts(err.hint, draw_errors[_i].hint), "%s", err.hint);
	ck_assert_uint_eq(folder_files(), 1); /* nothing is left but what was there */
	folder_leave();
}
END_TEST

/* A program called dot that writes half a picture, then does as the script says, in the folder that is first
 * in PATH. */
static void fake_dot(const char *script)
{
	struct str text = STR_INIT;
	struct err err = ERR_INIT;

	/* dot -Kneato -n2 -Tsvg -o FILE */
	str_addf(&text, "#!/bin/sh\necho half >\"$5\"\n%s\n", script);
	ck_assert_int_eq(file_write("dot", text.text, text.len, false, &err), 0);
	ck_assert_int_eq(chmod("dot", 0755), 0);
	str_clear(&text);
	str_addf(&text, ".:%s", getenv("PATH"));
	setenv("PATH", text.text, 1);
	str_release(&text);
}

/* The limit is one slice of waiting; the fake would sleep for ever. */
START_TEST(a_dot_that_hangs_is_stopped)
{
	struct err err = ERR_INIT;

	folder_enter();
	fake_dot("while :; do sleep 1000; done");
	ck_assert_int_eq(draw_write_within("p.svg", "digraph {}", false, 0, &err), -1);
	ck_assert_str_eq(err.msg, "'dot' had not ended after 0 s and was stopped");
	ck_assert_str_eq(err.hint, "write a .dot file, and draw it with 'dot -Kneato -n2'");
	ck_assert_uint_eq(folder_files(), 1); /* the fake alone */
	folder_leave();
}
END_TEST

/* It closes what it inherited, and goes on for a while: it is waited for. */
START_TEST(a_dot_that_closes_its_files)
{
	struct arena arena = ARENA_INIT;
	struct err err = ERR_INIT;
	char *text;
	size_t len;

	folder_enter();
	fake_dot("out=$5\nfor fd in 3 4 5 6 7 8 9; do eval \"exec $fd>&-\"; done\nsleep 0.2\necho all "
		 ">>\"$out\"");
	ck_assert_msg(draw_write("p.svg", "digraph {}", false, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(file_read(&arena, "p.svg", 100, &text, &len, &err), 0);
	ck_assert_str_eq(text, "half\nall\n");
	arena_release(&arena);
	folder_leave();
}
END_TEST

/* The fake asks its parent, who holds signals, to end; it gets the signal itself, and the parent keeps it. */
START_TEST(a_signal_ends_dot_too)
{
	struct err err = ERR_INIT;
	sigset_t ending, pending;
	int got = 0;

	sigemptyset(&ending);
	sigaddset(&ending, SIGTERM);
	sigprocmask(SIG_BLOCK, &ending, NULL);
	folder_enter();
	fake_dot("trap 'echo got >heard; exit 1' TERM\nkill -TERM $PPID\nwhile :; do sleep 1000; done");
	ck_assert_int_eq(draw_write("p.svg", "digraph {}", false, &err), -1);
	ck_assert_str_eq(err.msg, "interrupted while 'dot' was drawing");
	ck_assert(file_exists("heard"));
	ck_assert_uint_eq(folder_files(), 2); /* the fake, and what it heard */
	sigpending(&pending);
	ck_assert_int_eq(sigismember(&pending, SIGTERM), 1);
	ck_assert_int_eq(sigwait(&ending, &got), 0);
	folder_leave();
}
END_TEST

START_TEST(png_stays_within_cairos_limit)
{
	static const unsigned char magic[] = "\x89PNG\r\n\x1a\n";
	static struct lane tall[500];
	const struct schedule s = {.title = "tall", .lanes = tall, .lanes_n = 500, .to_ns = 1000};
	struct arena arena = ARENA_INIT;
	struct err err = ERR_INIT;
	struct str out = STR_INIT;
	char *bytes;
	size_t len;

	if (!has_dot())
		return;
	for (size_t i = 0; i < 500; i++)
		tall[i] = (struct lane){.name = "m"};
	schedule_dot(&out, &s);
	folder_enter();
	ck_assert_msg(draw_write("p.png", out.text, false, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(file_read(&arena, "p.png", 1 << 30, &bytes, &len, &err), 0);
	ck_assert_int_eq(memcmp(bytes, magic, 8), 0);
	ck_assert_int_eq(((unsigned char)bytes[20] << 8 | (unsigned char)bytes[21]), 0);
	ck_assert_int_le(((unsigned char)bytes[22] << 8 | (unsigned char)bytes[23]), 32767);
	ck_assert_int_gt(((unsigned char)bytes[22] << 8 | (unsigned char)bytes[23]), 30000);
	folder_leave();
	arena_release(&arena);
	str_release(&out);
}
END_TEST

Suite *suite_report(void)
{
	Suite *s = suite_create("report");
	TCase *result_case = tcase_create("result"), *draw_case = tcase_create("drawing");

	tcase_add_test(result_case, json_has_the_contract);
	tcase_add_test(result_case, jsonl_lines_stand_alone);
	tcase_add_loop_test(result_case, a_result_is_read_as_it_was_written, 0, 4);
	tcase_add_test(result_case, classes_have_rows_and_columns);
	tcase_add_loop_test(result_case, a_foreign_result_is_refused, 0, ARRAY_LEN(read_cases));
	tcase_add_test(result_case, a_configuration_is_indented);
	tcase_add_loop_test(result_case, csv_quotes, 0, ARRAY_LEN(csv_cases));
	tcase_add_test(result_case, csv_leaves_absent_metrics_empty);
	tcase_add_test(result_case, markdown_escapes_and_marks);
	tcase_add_loop_test(result_case, numbers_have_three_digits, 0, ARRAY_LEN(number_cases));
	tcase_add_loop_test(result_case, table_is_aligned, 0, ARRAY_LEN(table_widths));
	tcase_add_test(result_case, table_answers);
	tcase_add_test(result_case, a_mark_stands_behind_its_number);
	tcase_add_test(result_case, hostile_names_pass_every_writer);
	suite_add_tcase(s, result_case);
	tcase_add_test(draw_case, pdf_has_a_fixed_date);
	tcase_add_test(draw_case, dates_of_a_pdf_are_replaced);
	tcase_add_test(draw_case, roofs_have_letters_where_colours_do_not_do);
	tcase_add_loop_test(draw_case, printed_roofs_differ_as_greys, 0, 2);
	tcase_add_test(draw_case, narrow_rooflines_can_be_read);
	tcase_add_loop_test(draw_case, bars_keep_time, 0, ARRAY_LEN(bar_cases));
	tcase_add_test(draw_case, turns_are_mixed);
	tcase_add_test(draw_case, window_cuts_boxes);
	tcase_add_test(draw_case, many_boxes_make_a_small_picture);
	tcase_add_test(draw_case, schedule_escapes);
	tcase_add_test(draw_case, trace_is_exact);
	tcase_add_test(draw_case, trace_is_cut);
	tcase_add_test(draw_case, ridge_is_the_documents);
	tcase_add_test(draw_case, labels_never_overlap);
	tcase_add_loop_test(draw_case, text_is_shortened, 0, ARRAY_LEN(shorten_cases));
	tcase_add_loop_test(draw_case, dot_accepts, 0, ARRAY_LEN(pictures));
	tcase_add_loop_test(draw_case, draw_says_what_is_wrong, 0, ARRAY_LEN(draw_errors));
	tcase_add_test(draw_case, a_dot_that_hangs_is_stopped);
	tcase_add_test(draw_case, a_dot_that_closes_its_files);
	tcase_add_test(draw_case, a_signal_ends_dot_too);
	tcase_add_test(draw_case, png_stays_within_cairos_limit);
	suite_add_tcase(s, draw_case);
	return s;
}
