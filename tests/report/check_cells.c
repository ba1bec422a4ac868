/* check_cells.c - tables of text that are wider than the terminal. */
#include <string.h>

#include "sim/report/text_cells.h"
#include "tests/suites.h"

/* Checks what a table of rows times columns looks like. */
static void check_grid(const char *const *cells, size_t rows, size_t columns, size_t keys, size_t width,
		       const char *want)
{
	struct str s = STR_INIT;

	text_grid_write(&s, &(struct text_grid){cells, rows, columns, keys, columns}, width);
	ck_assert_str_eq(s.text, want);
	str_release(&s);
}

START_TEST(each_block_has_all_keys)
{
	static const char *const cells[] = {"batch", "prompt",   "alone",          "split",
					    "1",     "128 tok",  "26.9 on the M5", "1.07 on both",
					    "1",     "2048 tok", "35.2 on the M5", "1.02 on both"};

	check_grid(cells, 3, 4, 2, 34,
		   "batch: 1\n"
		   "\n"
		   "prompt    alone\n"
		   "128 tok   26.9 on the M5\n"
		   "2048 tok  35.2 on the M5\n"
		   "\n"
		   "prompt    split\n"
		   "128 tok   1.07 on both\n"
		   "2048 tok  1.02 on both\n");
}
END_TEST

START_TEST(keys_that_differ_stand_in_each_block)
{
	static const char *const cells[] = {"batch", "prompt",   "alone",          "split",
					    "1",     "128 tok",  "26.9 on the M5", "1.07 on both",
					    "4",     "128 tok",  "35.2 on the M5", "1.02 on both",
					    "4",     "2048 tok", "62.4 on the M5", "1.15 on both"};

	check_grid(cells, 4, 4, 2, 34,
		   "batch  prompt    alone\n"
		   "1      128 tok   26.9 on the M5\n"
		   "4      128 tok   35.2 on the M5\n"
		   "4      2048 tok  62.4 on the M5\n"
		   "\n"
		   "batch  prompt    split\n"
		   "1      128 tok   1.07 on both\n"
		   "4      128 tok   1.02 on both\n"
		   "4      2048 tok  1.15 on both\n");
	check_grid(cells, 4, 4, 2, 0,
		   "batch  prompt    alone           split\n"
		   "1      128 tok   26.9 on the M5  1.07 on both\n"
		   "4      128 tok   35.2 on the M5  1.02 on both\n"
		   "4      2048 tok  62.4 on the M5  1.15 on both\n");
}
END_TEST

/* Keys that leave no room are broken into lines, and are in each block whole. */
START_TEST(wide_keys_are_broken)
{
	static const char *const cells[] = {"machine",
					    "run",
					    "measured",
					    "predicted",
					    "nvidia-rtx-5090-32gb",
					    "llama-2-7b q4_0 pp512",
					    "14073",
					    "14463",
					    "apple-m5-24gb",
					    "llama-2-7b q4_0 tg128",
					    "290",
					    "293"};

	check_grid(cells, 3, 4, 2, 36,
		   "machine    run         measured\n"
		   "nvidia-    llama-2-7b  14073\n"
		   "rtx-5090-  q4_0 pp512\n"
		   "32gb\n"
		   "apple-m5-  llama-2-7b  290\n"
		   "24gb       q4_0 tg128\n"
		   "\n"
		   "machine    run         predicted\n"
		   "nvidia-    llama-2-7b  14463\n"
		   "rtx-5090-  q4_0 pp512\n"
		   "32gb\n"
		   "apple-m5-  llama-2-7b  293\n"
		   "24gb       q4_0 tg128\n");
}
END_TEST

/* Ideographs take two columns: what stands beside them is in line, and no line is wider than asked. */
START_TEST(wide_characters_keep_columns)
{
	static const char *const cells[] = {"name", "run", "\xe6\xb7\xb1\xe5\xba\xa6\xe6\xb1\x82",
					    "1",    "m5",  "2"};
	struct arena a = ARENA_INIT;
	struct texts lines = cell_lines(&a, "\xe6\xb7\xb1\xe5\xba\xa6\xe6\xb1\x82", 5);

	check_grid(cells, 3, 2, 1, 0,
		   "name    run\n"
		   "\xe6\xb7\xb1\xe5\xba\xa6\xe6\xb1\x82  1\n"
		   "m5      2\n");
	ck_assert_uint_eq(lines.n, 2);
	ck_assert_str_eq(lines.at[0], "\xe6\xb7\xb1\xe5\xba\xa6");
	ck_assert_str_eq(lines.at[1], "\xe6\xb1\x82");
	lines = cell_lines(&a, "\xe6\xb7\xb1", 1); /* one character at least */
	ck_assert_uint_eq(lines.n, 1);
	arena_release(&a);
}
END_TEST

Suite *suite_cells(void)
{
	Suite *s = suite_create("cells");
	TCase *tc = tcase_create("cells");

	tcase_add_test(tc, each_block_has_all_keys);
	tcase_add_test(tc, keys_that_differ_stand_in_each_block);
	tcase_add_test(tc, wide_keys_are_broken);
	tcase_add_test(tc, wide_characters_keep_columns);
	suite_add_tcase(s, tc);
	return s;
}
