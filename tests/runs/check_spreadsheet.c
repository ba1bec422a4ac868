/* check_spreadsheet.c - csv as spreadsheets write it: parted by ';' or tabs, with commas in its numbers. */
#include <string.h>

#include "sim/base/csv.h"
#include "sim/base/file.h"
#include "sim/base/str.h"
#include "sim/runs/ingest.h"
#include "sim/runs/tidied.h"
#include "tests/suites.h"

/* A file, a separator, whether numbers have a comma, and whether every cell is quoted. */
enum { COMMAS = 1, QUOTES = 2, TABS = 4, COMMENT = 8, WAYS = 16 };
static const char *const files[] = {"own.csv", "llama-bench-b4748.csv"};

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789.") == strlen(text);
}

static void add_cell(struct str *s, const char *cell, int way)
{
	const bool quoted = way & QUOTES || strpbrk(cell, ",;\t\"");

	if (quoted)
		str_add(s, "\"");
	for (const char *c = cell; *c; c++)
		if (way & COMMAS && !quoted && is_number(cell) && *c == '.')
			str_add(s, ",");
		else
			str_addf(s, *c == '"' ? "\"\"" : "%c", *c);
	if (quoted)
		str_add(s, "\"");
}

static const char *written(struct arena *a, const struct csv *csv, int way)
{
	const char *separator = way & TABS ? "\t" : ";", *out;
	struct str s = STR_INIT;

	if (way & COMMENT)
		str_add(&s, "# of a spreadsheet; by hand\n");
	for (size_t row = 0; row <= csv->n; row++) {
		const char *const *cells = row ? csv->rows[row - 1].at : csv->heads;

		for (size_t i = 0; i < csv->heads_n; i++) {
			str_add(&s, i ? separator : "");
			add_cell(&s, cells[i], way);
		}
		str_add(&s, "\n");
	}
	out = arena_strdup(a, s.text);
	str_release(&s);
	return out;
}

START_TEST(the_same_rows)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	const int way = _i % WAYS;
	const char *path = arena_printf(&a, "tests/data/runs/%s", files[_i / WAYS]), *text;
	struct runs first, second;
	struct csv csv;
	char *plain;
	size_t len;

	MUST(file_read(&a, path, 1 << 20, &plain, &len, &err) == 0);
	MUST(csv_read(&a, path, plain, &csv, &err) == 0);
	MUST(runs_parse(&a, path, plain, len, &first, &err) == 0);
	text = written(&a, &csv, way);
	ck_assert_msg(runs_parse(&a, path, text, strlen(text), &second, &err) == 0, "%s in %s", err.msg,
		      text);
	ck_assert_uint_eq(first.n, second.n);
	for (size_t i = 0; i < first.n; i++) {
		ck_assert_double_eq(first.at[i].seconds, second.at[i].seconds);
		ck_assert_int_eq(first.at[i].prompt, second.at[i].prompt);
		ck_assert_int_eq(first.at[i].gen, second.at[i].gen);
		ck_assert_str_eq(first.at[i].model, second.at[i].model);
	}
	arena_release(&a);
}
END_TEST

/* Another text with ';' is left as it is. */
START_TEST(other_texts)
{
	static const char *const texts[] = {"kind, of;\n", "a;b;c\n1;2;3\n",  "pp512; tg128\n", "",
					    "kind",        "kinds;x\n1,2;3\n"};
	struct arena a = ARENA_INIT;

	ck_assert_str_eq(tidied(&a, texts[_i], strlen(texts[_i])), texts[_i]);
	arena_release(&a);
}
END_TEST

Suite *suite_spreadsheet(void)
{
	Suite *s = suite_create("spreadsheet");
	TCase *t = tcase_create("spreadsheet");

	tcase_add_loop_test(t, the_same_rows, 0, (int)ARRAY_LEN(files) * WAYS);
	tcase_add_loop_test(t, other_texts, 0, 6);
	suite_add_tcase(s, t);
	return s;
}
