/* check_headings.c - chips that headings name, and the rows below them; rows that were cut off. */
#include <string.h>

#include "sim/runs/headings.h"
#include "sim/runs/ingest.h"
#include "tests/suites.h"

static const struct {
	const char *line, *chip;
} lines[] = {
	{"## RTX 3090", "RTX 3090"},
	{"**RTX 4070 Ti SUPER**", "RTX 4070 Ti SUPER"},
	{"NVIDIA GeForce RTX 5090:", "RTX 5090"},
	{"RTX PRO 6000 Blackwell (96 GB):", "RTX PRO 6000"},
	{"On M2 Air", "M2"},
	{"M4 Max:", "M4 Max"},
	{"Here is my m3 ultra:", "m3 ultra"},
	{"### Radeon RX 7900 XTX, ROCm 6.4", "RX 7900 XTX"},
	{"Arc B580", "Arc B580"},
	{"# H100 results", "H100"},
	{"<details> <summary>AMD RX 6800 XT</summary>", "RX 6800 XT"},
	{"2x RTX 3090:", ""},
	{"## RTX 3090 and RTX 4090", ""},
	{"## M4 Max vs M3 Ultra", ""},
	{"## Results", NULL},
	{"I have an RTX 3090 in my machine, and it is slow.", NULL},
	{"load_tensors: CUDA0 (RTX 3090) = 1", NULL},
	{"| RTX 3090 |", NULL},
	{"Arc is nice:", NULL},
	{"build: 1234 (5600)", NULL},
	{"", NULL},
};

START_TEST(what_a_heading_names)
{
	struct arena a = ARENA_INIT;

	ck_assert_pstr_eq(heading_chip(&a, lines[_i].line), lines[_i].chip);
	arena_release(&a);
}
END_TEST

static const char table[] =
	"| model | size | params | backend | test | t/s |\n| --- | --- | --- | --- | --- | --- |\n"
	"| llama 8B Q4_0 | 4.33 GiB | 8.03 B | CUDA | pp512 | 5000.00 |\n\n",
		  timings[] = "prompt eval time =     130.00 ms /   512 tokens\n\n";

/* Each table is of the heading above it, until the next one, whatever its form; a log's own device is not changed. */
START_TEST(rows_below_headings)
{
	const char *report = _i ? timings : table;
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	const char *text = arena_printf(
		&a,
		"%s## RTX 3090\n\n%s### with -fa 0\n\n%sM4 Max:\n\n%s2x RTX 4090:\n\n%sRTX 4090:\n"
		"  Device 0: NVIDIA GeForce RTX 4060, compute capability 8.9, VMM: yes\n%s",
		report, report, report, report, report, report);
	static const char *const chips[] = {NULL,     "RTX 3090", "RTX 3090",
					    "M4 Max", NULL,       "NVIDIA GeForce RTX 4060"};
	struct runs r;

	ck_assert_msg(runs_parse(&a, "f", text, strlen(text), &r, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(r.n, ARRAY_LEN(chips));
	for (size_t i = 0; i < r.n; i++)
		ck_assert_pstr_eq(r.at[i].says[COLUMN_GPU], chips[i]);
	arena_release(&a);
}
END_TEST

/* A report that ends within a number: NULL: it is read, of so many rows. */
static const struct {
	const char *text, *refused;
	size_t n;
} cut[] = {
	{"| test | model | t/s |\n|---|---|---|\n| pp512 | llama 7B | 900.0 |\n| tg128 | llama 7B | 13",
	 "f:4: the table's last row", 0},
	{"| test | model | t/s |\n|---|---|---|\n| pp512 | llama 7B | 900.0 |\n| tg128 | llama 7B | 13\n\n",
	 "f:4: the table's last row", 0},
	{"| test | model | t/s |\n|---|---|---|\n| pp512 | llama 7B | 900.0 |\n| tg128 | llama 7B | 13 |",
	 NULL, 2},
	{"| test | model | t/s |\n|---|---|---|\n| pp512 | llama 7B | 900.0\n| tg128 | llama 7B | 13 |", NULL,
	 2},
	{"test | model | t/s\n---|---|---\npp512 | llama 7B | 900.0\ntg128 | llama 7B | 13", NULL, 2},
	{"| PP | TG | B | N_KV | T_PP s | S_PP t/s | T_TG s | S_TG t/s "
	 "|\n|---|---|---|---|---|---|---|---|\n| 512 | 128 | 1 | 640 | 0.05 | 10240 | 0.8",
	 "f:3: the table's last row", 0},
	{"prompt eval time = 130.00 ms / 512 tokens\neval time = 900.00 ms / 12", "f:2: expected 'eval time",
	 0},
	{"prompt eval time = 130.00 ms / 512 tokens\neval time = 900.00 ms / 127 runs", NULL, 2},
	{"62.45 tok/sec \xe2\x80\xa2 5", "f:1: a rate without", 0},
	{"62.45 tok/sec\n\xe2\x80\xa2\n533 tokens\n\xe2\x80\xa2\n0.31s to first token", NULL, 1},
};

START_TEST(reports_that_were_cut_off)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct runs r;

	if (runs_parse(&a, "f", cut[_i].text, strlen(cut[_i].text), &r, &err) == 0) {
		ck_assert_ptr_null(cut[_i].refused);
		ck_assert_uint_eq(r.n, cut[_i].n);
	} else {
		ck_assert_ptr_nonnull(cut[_i].refused);
		ck_assert_msg(strstr(err.msg, cut[_i].refused) != NULL, "%s", err.msg);
	}
	arena_release(&a);
}
END_TEST

/* llama-sweep-bench and llama-batched-bench as JSON: behind so many tokens, and where the layers were. */
START_TEST(benches_as_json)
{
	static const char head[] =
		"{\"n_batch\": 256, \"n_ubatch\": 512, \"n_gpu_layers\": 7, \"pp\": 512, \"tg\": 128,";
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	const char *text = arena_printf(&a, "%s %s\"n_kv\": 1024, \"t_pp\": 0.05, \"t_tg\": 0.85}", head,
					_i ? "\"pl\": 1, " : "");
	struct runs r;

	ck_assert_msg(runs_parse(&a, "f", text, strlen(text), &r, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(r.n, 2);
	for (size_t i = 0; i < 2; i++)
		ck_assert_str_eq(r.at[i].says[COLUMN_GPU_LAYERS], "7");
	ck_assert_int_eq(r.at[0].depth, _i ? 0 : 1024);
	ck_assert_int_eq(r.at[1].depth, _i ? 512 : 1024);
	ck_assert_int_eq(r.at[0].chunk, _i ? 256 : 512);
	arena_release(&a);
}
END_TEST

Suite *suite_headings(void)
{
	Suite *s = suite_create("headings");
	TCase *t = tcase_create("headings");

	tcase_add_loop_test(t, what_a_heading_names, 0, ARRAY_LEN(lines));
	tcase_add_loop_test(t, rows_below_headings, 0, 2);
	tcase_add_loop_test(t, reports_that_were_cut_off, 0, ARRAY_LEN(cut));
	tcase_add_loop_test(t, benches_as_json, 0, 2);
	suite_add_tcase(s, t);
	return s;
}
