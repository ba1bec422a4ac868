/* check_report.c - results as tables, csv, Markdown and JSON, and read back. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/str.h"
#include "sim/base/units.h"
#include "sim/report/columns.h"
#include "sim/report/result.h"
#include "sim/report/result_read.h"
#include "tests/json.h"
#include "tests/report/written.h"
#include "tests/suites.h"

#define GIB  1073741824.0
#define DASH "\xe2\x80\x93"

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
	written_has(out.text, "\"batch, at night.prefill_tok_per_s_from\"\nall on M5,true,,decode,1020.2,");
	written_has(out.text, ",1020.2,980.5,1062.8,interpolated,0.98,0.9,1.07,interpolated,,,,\n");
	str_clear(&out);
	result_write(&out, &r, RESULT_TABLE, 0);
	written_has(out.text, "all on M5: batch, at night   387 (372");
	written_lacks(out.text, "night   387*");
	str_clear(&out);
	result_write(&out, &r, RESULT_MD, 0);
	written_has(out.text, "| one class: chat | 1020 (980\xe2\x80\x93"
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
		written_has(out.text, parts[i]);
	ck_assert_uint_eq(written_count(out.text, "short_B"), 1); /* only where it does not fit */
	ck_assert_uint_eq(written_count(out.text, "\"ttft_s\""), 1);
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
		written_has(line, "{\"schema\":\"lemursim/result/1\",\"scenario\":\"m5-vs-m4pro\",");
		written_has(line, "\"sha256\":\"00ff\"");
		written_has(line, "\"name\":");
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
	written_has(out.text, "| **16.4** |");
	written_has(out.text, "| full | no: 12.1 GiB short on m5 |  |  |  |  | memory of m5 |");
	written_has(out.text, "| 5.83 (5.12" DASH "6.61) |");
	str_clear(&out);
	result_write(&out, &hostile, RESULT_MD, 0);
	written_has(out.text, "| a\\|b\\_&lt;c> | yes | x\\|y |");
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
	written_has(out.text, "no: 12.1 GiB short on m5");
	written_has(out.text, "5.83  (5.12" DASH "6.61)");
	written_has(out.text, "16.4*"); /* directly behind the number */
	written_has(out.text, "1020*");
	written_has(out.text, "980 (900" DASH "1070)"); /* 0.98 s in a column of ms */
	written_has(out.text, "P10" DASH "P90 of 200 draws");
	written_has(out.text, "prefill datasheet, TTFT interpolated,\n  decode measured");
	written_has(out.text, "14.2 GiB of 18.0 GiB");
	written_has(out.text, "What would change that");
	written_lacks(out.text, "777"); /* what does not fit has no speed */
	written_lacks(out.text, "train ");
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
	written_has(out.text, "737* ");
	written_has(out.text, "4.00 (3.00");
	written_has(out.text, "2.00 (1.00");
	written_has(out.text, "25.0 (20.0");
	written_has(out.text, "50.0 (40.0");
	str_clear(&out);
	result_write(&out, &r, RESULT_MD, 0);
	written_has(out.text, "**737");
	written_lacks(out.text, "**4.00");
	written_lacks(out.text, "**25.0");
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

Suite *suite_report(void)
{
	Suite *s = suite_create("report");
	TCase *tc = tcase_create("report");

	tcase_add_loop_test(tc, a_result_is_read_as_it_was_written, 0, 4);
	tcase_add_test(tc, classes_have_rows_and_columns);
	tcase_add_loop_test(tc, a_foreign_result_is_refused, 0, ARRAY_LEN(read_cases));
	tcase_add_test(tc, a_configuration_is_indented);
	tcase_add_test(tc, json_has_the_contract);
	tcase_add_test(tc, jsonl_lines_stand_alone);
	tcase_add_loop_test(tc, csv_quotes, 0, ARRAY_LEN(csv_cases));
	tcase_add_test(tc, csv_leaves_absent_metrics_empty);
	tcase_add_test(tc, markdown_escapes_and_marks);
	tcase_add_loop_test(tc, numbers_have_three_digits, 0, ARRAY_LEN(number_cases));
	tcase_add_loop_test(tc, table_is_aligned, 0, ARRAY_LEN(table_widths));
	tcase_add_test(tc, table_answers);
	tcase_add_test(tc, a_mark_stands_behind_its_number);
	tcase_add_test(tc, hostile_names_pass_every_writer);
	suite_add_tcase(s, tc);
	return s;
}
