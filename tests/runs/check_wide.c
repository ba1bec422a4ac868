/* check_wide.c - tables that people write of their results: those whose columns are certain are read, others are refused by name. */
#include <string.h>

#include "sim/runs/ingest_wide.h"
#include "tests/suites.h"

/* Of real tables, cut down to a row or two. rows: of the report; of the first: model, weights, tool, test and rate. */
static const struct wide_case {
	const char *text;
	size_t rows;
	const char *model, *weights, *tool;
	int64_t prompt, gen, depth;
	double rate;
} tables[] = {
	/* PrismML-Eng/Bonsai-demo pull 51 */
	{"| Model | Quant | Size | pp512 | tg128 |\n|---|---|---|---:|---:|\n"
	 "| Qwen3-Coder-Next 80B-A3B | IQ1_S | 17.6 GB | 662 | 51 |\n"
	 "| Llama-4-Scout 17Bx16E | IQ1_S | 27.2 GB | 326 | 21 |\n",
	 4, "Qwen3-Coder-Next 80B-A3B", "IQ1_S", "llama.cpp", 512, 0, 0, 662},
	/* noamsto/nix-amd-ai pull 129: a back end in each row; a last row that compares them */
	{"| Backend | pp512 | tg128 |\n| --- | ---: | ---: |\n"
	 "| ROCm (patched) | 1900.72 \xc2\xb1 33.74 t/s | 58.38 \xc2\xb1 0.11 t/s |\n"
	 "| Vulkan | 2001.00 \xc2\xb1 2.60 t/s | 62.39 \xc2\xb1 0.04 t/s |\n"
	 "| | Vulkan +5.3% | Vulkan +6.9% |\n",
	 4, NULL, NULL, "llama.cpp", 512, 0, 0, 1900.72},
	/* ml-explore/mlx-lm issue 92 */
	{"| Machine | Engine | Prompt Tokens | Prompt Processing Speed | Generated Tokens | Token Generation "
	 "Speed | Total Execution Time |\n| ------- | ------ | --- | --- | --- | --- | --- |\n"
	 "| M3Max | MLX | 681 | 1160.636 | 939 | 68.016 | 24s |\n"
	 "| M3Max | LCPP | 680 | 320.66 | 1255 | 57.26 | 38s |\n",
	 4, NULL, NULL, "mlx_lm", 681, 0, 0, 1160.636},
	/* www.jitesh.dev, qwen35-apple-silicon-benchmark: what the command says of lengths */
	{"| Model | Quant | Runtime | PP (t/s) | TG (t/s) |\n|---|---|---|---|---|\n"
	 "| Qwen3.5 9B | Q4_K_M | llama.cpp | 214 | 16 |\n"
	 "./build/bin/llama-bench -m model.gguf -p 512 -n 200 -r 3 -o json -ngl 99\n",
	 2, "Qwen3.5 9B", "Q4_K_M", "llama.cpp", 512, 0, 0, 214},
	/* the forms of threads: nothing was measured, nearly, MLX's bits, a depth, a test in each row, marks */
	{"| Model | Format | pp512 | tg128 @ d4096 |\n|---|---|---|---|\n| Qwen3-32B | 4-bit MLX | OOM | "
	 "~20.5 |\n",
	 1, "Qwen3-32B", "4bit MLX", "mlx_lm", 0, 128, 4096, 20.5},
	{"| LLM | Test | tok/s |\n|---|---|---|\n| Llama-3.1-8B Q4_K_M | TG 128 | **72.3** |\n", 1,
	 "Llama-3.1-8B Q4_K_M", NULL, "llama.cpp", 0, 128, 0, 72.3},
	{"| Model | Params | Prefill 4k t/s \xe2\x86\x93 | Notes |\n|---|---|---|---|\n| Qwen3 | 30B | "
	 "1,250.5 | hot |\n",
	 1, "Qwen3 30B", NULL, "llama.cpp", 4096, 0, 0, 1250.5},
	/* models or chips as columns */
	{"| test | Qwen3 8B Q4_K_M | Qwen3 14B MLX 4-bit |\n|---|---|---|\n| pp512 | 11200.1 | 900 |\n| "
	 "tg128 | 144.3 | - |\n",
	 3, "Qwen3 8B Q4_K_M", NULL, "llama.cpp", 512, 0, 0, 11200.1},
	{"| Model | Test | M4 Max | RTX 3090 | Notes |\n|---|---|---|---|---|\n| Qwen3-8B | tg128 | 70.5 t/s "
	 "| 120 | |\n",
	 2, "Qwen3-8B", NULL, "llama.cpp", 0, 128, 0, 70.5},
	{"| Test | Prompt tokens | M4 Max |\n|---|---|---|\n| pp512 | 512 | 700 |\n", 1, NULL, NULL, "csv",
	 512, 0, 0, 700},
	/* without bars */
	{"Model              Quant     pp512 (t/s)   tg128 (t/s)\n"
	 "-----              -----     -----------   -----------\n"
	 "Llama-3.1-8B       Q4_K_M    745.12        72.3\n",
	 2, "Llama-3.1-8B", "Q4_K_M", "llama.cpp", 512, 0, 0, 745.12},
	{"Model\tQuant\tSize\tpp512\ttg128\nLlama-3.1-8B\tQ4_K_M\t4.58 GiB\t745.12\t72.3\n", 2,
	 "Llama-3.1-8B", "Q4_K_M", "llama.cpp", 512, 0, 0, 745.12},
	{"model,quant,pp512,tg128\nLlama-3.1-8B,Q4_K_M,745.12,72.3\n", 2, "Llama-3.1-8B", "Q4_K_M",
	 "llama.cpp", 512, 0, 0, 745.12},
	/* quoted as in RFC 4180: all, some, with the separator, a quote and an end of line within */
	{"\"Model\",\"Quant\",\"pp512\",\"tg128\"\n\"Llama-3.1-8B\",\"Q4_K_M\",\"745.12\",\"72.3\"\n", 2,
	 "Llama-3.1-8B", "Q4_K_M", "llama.cpp", 512, 0, 0, 745.12},
	{"Model,Quant,pp512,tg128\nQwen3 4B,Q4_K_M,1700,120\nQwen3 8B,Q4_K_M,\"1700\",\"12\"\n", 4,
	 "Qwen3 4B", "Q4_K_M", "llama.cpp", 512, 0, 0, 1700},
	{"Model,Quant,pp512,tg128\n\"Llama, \"\"the\"\"\n3.1-8B\",Q4_K_M,\"1,745.5\",\"72,3\"\n", 2,
	 "Llama, \"the\" 3.1-8B", "Q4_K_M", "llama.cpp", 512, 0, 0, 1745.5},
	{"Model;Quant;pp512;tg128\n\"Llama; 3.1-8B\";Q4_K_M;\"745,5\";72,3\n", 2, "Llama; 3.1-8B", "Q4_K_M",
	 "llama.cpp", 512, 0, 0, 745.5},
	/* a line apart does not end a csv */
	{"Model,Quant,pp512,tg128\nQwen3 4B,Q4_K_M,1700,120\n\nyesterday's, again\nQwen3 8B,Q4_K_M,985,62\n",
	 4, "Qwen3 4B", "Q4_K_M", "llama.cpp", 512, 0, 0, 1700},
	/* the table's own numbers say what a point before three digits is */
	{"Model;pp512;tg128\nQwen3 4B;1.734;85,3\n", 2, "Qwen3 4B", NULL, "llama.cpp", 512, 0, 0, 1734},
	{"Model;pp512;tg128\nQwen3 4B;1,734;85.3\n", 2, "Qwen3 4B", NULL, "llama.cpp", 512, 0, 0, 1734},
	{"Model;pp512;tg128\nQwen3 4B;17.734;8.53\n", 2, "Qwen3 4B", NULL, "llama.cpp", 512, 0, 0, 17.734},
	{"| Model | Size | pp512 |\n|---|---|---|\n| Qwen3 4B | 2.32 GiB | 1,734 |\n", 1, "Qwen3 4B", NULL,
	 "llama.cpp", 512, 0, 0, 1734},
	{"| Model | pp512 |\n|---|---|\n| Qwen3 4B | 1.734 \xc2\xb1 0,2 |\n", 1, "Qwen3 4B", NULL,
	 "llama.cpp", 512, 0, 0, 1734},
	{"| Model | pp512 |\n|---|---|\n| Qwen3 4B | 1.001.734 |\n| Qwen3 8B | 1.734 |\n", 2, "Qwen3 4B",
	 NULL, "llama.cpp", 512, 0, 0, 1001734},
	/* the server's own counts, of a report in which nothing else is a table */
	{"| Prompt tokens | Completion tokens | Prefill tok/s | Prefill time s | Decode tok/s | Wall s |\n"
	 "|---:|---:|---:|---:|---:|---:|\n| 2784 | 128 | 1443.97 | 1.93 | 94.82 | 3.30 |\n",
	 2, NULL, NULL, "csv", 2784, 0, 0, 1443.97},
};

static void check_text(const char *is, const char *want)
{
	ck_assert_msg(is == want || (is && want && !strcmp(is, want)), "'%s' for '%s'", is ? is : "none",
		      want ? want : "none");
}

START_TEST(tables_of_people)
{
	const struct wide_case *c = &tables[_i];
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct runs r;

	ck_assert_msg(runs_parse(&a, "f", c->text, strlen(c->text), &r, &err) == 0, "%s: %s", c->text,
		      err.msg);
	ck_assert_uint_eq(r.n, c->rows);
	check_text(r.at[0].model, c->model);
	check_text(r.at[0].weights, c->weights);
	check_text(r.at[0].tool ? r.at[0].tool : "csv", c->tool);
	ck_assert_int_eq(r.at[0].prompt, c->prompt);
	ck_assert_int_eq(r.at[0].gen, c->gen);
	ck_assert_int_eq(r.at[0].depth, c->depth);
	ck_assert_double_eq_tol(run_rate(&r.at[0]), c->rate, 1e-6);
	arena_release(&a);
}
END_TEST

#define HEAD(columns, rule, row) "| " columns " |\n|" rule "|\n| " row " |\n"

static const struct {
	const char *text, *error;
} uncertain[] = {
	/* fromthematrix.dev, local-llm-speed-benchmark-strix-halo: the text alone says 7,624 tokens */
	{HEAD("Model | Params | Active | Prefill tok/s | Gen tok/s | Wall time", "---|---|---|---|---|---",
	      "LFM2-24B-A2B Q4_K_M | 24B | 2B | 1190 | 109 | 20s"),
	 "how many tokens the prompts of 'Prefill tok/s' had is not said"},
	/* PrismML-Eng/Bonsai-demo pull 51 */
	{HEAD("Model | pp512 prior | pp512 new | tg128 prior | tg128 new",
	      "---|---:|---:|---:|---:", "Bonsai-4B | 2009 | 2125 | 125 | 126"),
	 "what the column 'pp512 prior' says is not known"},
	{HEAD("Model | pp512 | PP 512 (t/s)", "---|---|---", "Llama-3.1-8B | 745 | 746"),
	 "both 'pp512' and 'PP 512 (t/s)'"},
	{HEAD("Context | PP t/s | TG t/s", "---|---|---", "4096 | 745 | 70"),
	 "whether 'Context' is the prompt's"},
	/* lmstudio-ai/lmstudio-bug-tracker issue 574 */
	{HEAD("Runtime | Try | Gen TPS | FTT", "---|---|---|---", "Vulkan | 1 | 132.75 | 0.06s"),
	 "what the column 'Try' says is not known"},
	/* calebcoffie.com/benchmarks: a range of several shapes */
	{HEAD("Model | tg128", "---|---",
	      "E2B-it | 181.1\xe2\x80\x93"
	      "195.1"),
	 "tg128: expected a number"},
	{HEAD("Model | Batch | pp512", "---|---|---", "Llama-3.1-8B | 32 | 745"), "sequences at once"},
	{HEAD("Model | pp512", "---|---", "Llama-3.1-8B | 3,290"),
	 "pp512: '3,290' may be a fraction or thousands"},
	{HEAD("Model | pp512 | tg128", "---|---|---", "Llama-3.1-8B | 745 ms | 3"),
	 "expected a rate such as"},
	{HEAD("Model | Prompt tokens | Prefill", "---|---|---", "Llama-3.1-8B | 512 | 745"),
	 "expected a rate such as"},
	{HEAD("Model | Prompt tokens | Output tokens | Generation t/s", "---|---|---|---",
	      "Llama-3.1-8B | 512 | many | 74"),
	 "expected a number of tokens, got 'many'"},
	{HEAD("Model | pp512 | tg128", "---|---|---", "Llama-3.1-8B | OOM | OOM"),
	 "f:3: it has no runs: all cells for rates are empty, 2 on line 3"},
	{"Model,pp512,tg128\nQwen3 4B,-,n/a\nQwen3 8B,,OOM\n",
	 "f:2: it has no runs: all cells for rates are empty, 4 on lines 2 to 3"},
	/* what is no number, and what is no cell */
	{"Model,pp512,tg128\nQwen3 4B,1700,120\nQwen3 8B,-920,62\n", "f:3: pp512: -920 is out of range"},
	{"Model,pp512,tg128\nQwen3 8B,nan,62\n", "f:2: pp512: expected a number, got 'nan'"},
	{"Model,pp512,tg128\nQwen3 8B,920,error\n", "f:2: tg128: expected a number, got 'error'"},
	{"Model,pp512,tg128\nQwen3 8B,0,62\n", "f:2: pp512: a rate must be positive, got '0'"},
	{"Model,pp512,tg128\nQwen3 8B,\xef\xbc\x99\xef\xbc\x98,62\n",
	 "f:2: pp512: expected a number, got '\xef\xbc\x99\xef\xbc\x98'"},
	{HEAD("Model | Prompt tokens | Prefill t/s", "---|---|---", "Qwen3 8B | \xef\xbc\x95 | 745"),
	 "f:3: expected a number of tokens"},
	{"Model,pp512,tg128\nQwen3 4B,1700,120\nQwen3 8B,62\n", "f:3: a row of 2 cells under a head of 3"},
	{HEAD("Model | pp512 | tg128", "---|---|---", "Qwen3 8B | 745"),
	 "f:3: a row of 2 cells under a head of 3"},
	{"Model,pp512,tg128\nQwen3 8B,1,920,62\n", "f:2: a row of 4 cells under a head of 3"},
	{"Model,pp512,tg128\nQwen3 8B,\"1700,62\n", "f:2: pp512: expected a number, got '\"1700'"},
	{"Model,pp512,tg128\nQwen3 8B,\"1700\"x,62\n", "f:2: pp512: expected a number, got '\"1700\"x'"},
	/* neither of the table's other numbers, or both, say what a point before three digits is */
	{"Model;pp512;tg128\nQwen3 8B;1.734;62\n", "f:2: pp512: '1.734' may be a fraction or thousands"},
	{"Model;pp512;tg128\nQwen3 8B;1.734;62,3\nQwen3 4B;985.5;62,3\n",
	 "f:2: pp512: '1.734' may be a fraction or thousands"},
};

START_TEST(uncertain_tables_are_refused)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct runs r;

	ck_assert_int_ne(runs_parse(&a, "f", uncertain[_i].text, strlen(uncertain[_i].text), &r, &err), 0);
	ck_assert_msg(strstr(err.msg, uncertain[_i].error) != NULL, "%s", err.msg);
	arena_release(&a);
}
END_TEST

/* Cells in which nothing was measured are told, with the line of the first. */
START_TEST(empty_cells_are_counted)
{
	static const char text[] =
		"Model,pp512,tg128,Notes\nQwen3 4B,1700,120\nQwen3 8B,OOM,\nQwen3 9B,N/A,3,hot\n";
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct runs r;

	ck_assert_msg(runs_parse(&a, "f", text, strlen(text), &r, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(r.n, 3);
	ck_assert_uint_eq(r.empty, 3);
	ck_assert_uint_eq(r.notes.n, 1);
	ck_assert_ptr_nonnull(strstr(r.notes.at[0], "f:3: "));
	ck_assert_ptr_nonnull(strstr(r.notes.at[0], ": 3, the first here"));
	arena_release(&a);
}
END_TEST

/* A table that is not read is no reason to refuse another that is. */
START_TEST(other_tables_are_read)
{
	static const char text[] =
		HEAD("Model | pp512 old | pp512 new", "---|---|---", "Llama-3.1-8B | 7 | 8") "\n" HEAD(
			"model | test | t/s", "---|---|---", "llama 8B Q4_0 | pp512 | 100");
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct runs r;

	ck_assert_msg(runs_parse(&a, "f", text, strlen(text), &r, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(r.n, 1);
	ck_assert_uint_eq(r.notes.n, 1);
	ck_assert_ptr_nonnull(strstr(r.notes.at[0], "f:1: a table of results is not read"));
	arena_release(&a);
}
END_TEST

/* A summary beside what a program wrote is not read, and that is told with its first line and how many it has. */
START_TEST(summaries_are_told)
{
	static const char text[] =
		HEAD("model | test | t/s", "---|---|---", "llama 8B Q4_0 | pp512 | 100") "\n" HEAD(
			"Model | Quant | pp512 | tg128", "---|---|---|---", "Llama-3.1-8B | Q4_0 | 99 | 8");
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct runs r;

	ck_assert_msg(runs_parse(&a, "f", text, strlen(text), &r, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(r.n, 1);
	ck_assert_uint_eq(r.notes.n, 1);
	ck_assert_msg(strstr(r.notes.at[0], ": 2 results, the first here") != NULL, "%s", r.notes.at[0]);
	arena_release(&a);
}
END_TEST

/* Tables whose columns several blanks part: every line that may be a row is a run, is refused or is told. */
static const struct {
	const char *lines;
	size_t rows, told;
} parted[] = {
	{"Qwen3 4B   q8_0    1700   120\nQwen3 8B   q8_0    900    60\n", 4, 0},
	{"Qwen3 4B   q8_0    1700   120\n\nQwen3 8B   q8_0    900    60\n", 4, 0},
	{"Qwen3 4B   q8_0    1700   120\nlarger ones:\nQwen3 8B   q8_0    900    60\n", 4, 0},
	{"Qwen3 4B   q8_0    1700   120\nQwen3-Coder 30B A3B q4_K_M 900 60\nQwen3 8B   q8_0    900    60\n",
	 4, 1},
	{"Qwen3 4B   q8_0    1700   120\n\nQwen3-Coder 30B A3B q4_K_M 900 60\n", 2, 1},
	{"Qwen3 4B   q8_0    1700   120\n\nQwen3 8B q8_0    900    60\n", 2, 1},
	{"Qwen3 4B   q8_0    1700   120\n\nI ran them all twice, with build 8000.\n", 2, 0},
	{"Qwen3 4B   q8_0    1700   120\n\nprompt eval count is 512\n", 2, 1},
	{"Qwen3 4B   q8_0    1700   120\n\nall in 2026\n", 2, 0}};

START_TEST(no_row_is_lost)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	const char *text = arena_printf(&a, "Model      Quant   pp512  tg128\n%s", parted[_i].lines);
	struct runs r;

	ck_assert_msg(runs_parse(&a, "f", text, strlen(text), &r, &err) == 0, "%s", err.msg);
	ck_assert_msg(r.n == parted[_i].rows, "%zu of\n%s", r.n, text);
	ck_assert_uint_eq(r.notes.n, parted[_i].told);
	if (parted[_i].told)
		ck_assert_ptr_nonnull(strstr(r.notes.at[0], "are not read: 1, the first here"));
	arena_release(&a);
}
END_TEST

/* Where and how a row ran. */
START_TEST(columns_are_used)
{
	static const char text[] =
		HEAD("System | GPU | Backend | Build | FA | KV cache | ngl | ubatch | pp512 | tg128",
		     "--|--|--|--|--|--|--|--|--|--",
		     "tower | RTX 3090 | llama.cpp (Vulkan) | b9174 | yes | q8_0 | 99 | 2048 | 700 | 70");
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct runs r;

	ck_assert_msg(runs_parse(&a, "f", text, strlen(text), &r, &err) == 0, "%s", err.msg);
	check_text(r.at[0].says[COLUMN_GPU], "RTX 3090");
	check_text(r.at[0].says[COLUMN_BACKEND], "Vulkan");
	check_text(r.at[0].says[COLUMN_KV_K], "q8_0");
	check_text(r.at[0].says[COLUMN_GPU_LAYERS], "99");
	check_text(r.at[0].runtime, NULL);
	ck_assert_int_eq(r.at[0].build, 9174);
	ck_assert_int_eq(r.at[0].flash, FLASH_ON);
	ck_assert_int_eq(r.at[0].chunk, 2048);
	ck_assert_int_eq(r.at[1].gen, 128);
	arena_release(&a);
}
END_TEST

Suite *suite_wide(void)
{
	Suite *s = suite_create("wide");
	TCase *t = tcase_create("wide");

	tcase_add_loop_test(t, tables_of_people, 0, ARRAY_LEN(tables));
	tcase_add_loop_test(t, uncertain_tables_are_refused, 0, ARRAY_LEN(uncertain));
	tcase_add_test(t, empty_cells_are_counted);
	tcase_add_test(t, other_tables_are_read);
	tcase_add_test(t, summaries_are_told);
	tcase_add_loop_test(t, no_row_is_lost, 0, ARRAY_LEN(parted));
	tcase_add_test(t, columns_are_used);
	suite_add_tcase(s, t);
	return s;
}
