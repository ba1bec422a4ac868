/* check_pasted.c - a report gives the same rows however it was pasted: each way of the list alone, and every two together. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "sim/base/str.h"
#include "sim/base/texts.h"
#include "sim/runs/build_text.h"
#include "sim/runs/ingest.h"
#include "tests/suites.h"

/* Rows as llama-bench writes them; the rates have thousands, and one a fraction of its own. */
static const char table[] = "| model                          |       size |     params | backend    | ngl | "
			    "fa |            test |"
			    "                  t/s |\n"
			    "| ------------------------------ | ---------: | ---------: | ---------- | --: | "
			    "-: | --------------: |"
			    " -------------------: |\n"
			    "| llama 7B Q4_0                  |   3.56 GiB |     6.74 B | Vulkan     |  99 | "
			    " 1 |           pp512 |"
			    "      3290.92 \xc2\xb1 37.67 |\n"
			    "| llama 7B Q4_0                  |   3.56 GiB |     6.74 B | Vulkan     |  99 | "
			    " 1 |   tg128 @ d4096 |"
			    "        172.86 \xc2\xb1 0.23 |\n"
			    "| llama 7B Q4_0                  |   3.56 GiB |     6.74 B | Vulkan     |  99 | "
			    " 1 |     pp512+tg128 |"
			    "       12346.50 \xc2\xb1 1.25 |\n"
			    "\n"
			    "build: a81a56957 (7361)\n";

/* --- ways of pasting ------------------------------------------------------------------------------ */

/* Replaces every `from`; in the arena. */
static const char *replaced(struct arena *a, const char *text, const char *from, const char *to)
{
	struct str s = STR_INIT;
	const char *out;

	while (*text)
		if (str_starts(text, from)) {
			str_add(&s, to);
			text += strlen(from);
		} else
			str_add_n(&s, text++, 1);
	out = arena_strdup(a, s.text);
	str_release(&s);
	return out;
}

/* Every line between two texts. */
static const char *between(struct arena *a, const char *text, const char *before, const char *after)
{
	struct str s = STR_INIT;
	const char *out;

	while (*text) {
		const size_t n = strcspn(text, "\n");

		str_addf(&s, "%s%.*s%s\n", n ? before : "", (int)n, text, n ? after : "");
		text += n + (text[n] == '\n');
	}
	out = arena_strdup(a, s.text);
	str_release(&s);
	return out;
}

static const char *as_it_is(struct arena *a, const char *t)
{
	(void)a;
	return t;
}

static const char *with_cr(struct arena *a, const char *t)
{
	return replaced(a, t, "\n", "\r\n");
}

static const char *with_bom(struct arena *a, const char *t)
{
	return arena_printf(a, "\xef\xbb\xbf%s", t);
}

static const char *quoted(struct arena *a, const char *t)
{
	return between(a, t, "> ", "");
}

static const char *quoted_twice(struct arena *a, const char *t)
{
	return between(a, t, "> > ", "");
}

static const char *indented(struct arena *a, const char *t)
{
	return between(a, t, "    ", "  ");
}

static const char *coloured(struct arena *a, const char *t)
{
	return between(a, t, "\033[1;32m", "\033[0m");
}

static const char *no_break(struct arena *a, const char *t)
{
	return replaced(a, t, " ", "\xc2\xa0");
}

static const char *thin(struct arena *a, const char *t)
{
	return replaced(a, t, " \xc2\xb1 ", "\xe2\x80\xaf\xc2\xb1\xe2\x80\xaf");
}

static const char *fenced(struct arena *a, const char *t)
{
	return arena_printf(a, "Here is what I get:\n```console\n%s```\n", t);
}

static const char *with_epoch(struct arena *a, const char *t)
{
	return between(a, t, "[1765420942] ", "");
}

static const char *journalled(struct arena *a, const char *t)
{
	return between(a, t, "Dec 11 03:02:22 spark-08 llama-bench[2924030]: ", "");
}

static const char *with_times(struct arena *a, const char *t)
{
	return between(a, t, "2025-12-11T03:02:22.123Z ", "");
}

static const char *of_llama_log(struct arena *a, const char *t)
{
	return between(a, t, "0.00.123.456 I ", "");
}

static const char *with_pictures(struct arena *a, const char *t)
{
	return replaced(a, replaced(a, t, "| model", "| \xf0\x9f\xa4\x96 model"), "pp512",
			"\xe2\x9a\x99\xef\xb8\x8f pp512");
}

static const char *logged(struct arena *a, const char *t)
{
	return replaced(a, t, "|\n| llama",
			"|\nggml_backend_cuda_graph_compute: disabling CUDA graphs\n| llama");
}

static const char *titled(struct arena *a, const char *t)
{
	return replaced(a, t, "-: |\n", "-: |\n| ============ Repacked 337 tensors | | | | | | | |\n");
}

static const char *bold(struct arena *a, const char *t)
{
	return replaced(a, replaced(a, t, "3290.92", "**3290.92"), "37.67", "37.67**");
}

static const char *as_code(struct arena *a, const char *t)
{
	return replaced(a, t, "pp512 |", "`pp512` |");
}

static const char *capital(struct arena *a, const char *t)
{
	return replaced(a, replaced(a, t, "| model", "| Model"), "   test", "   Test");
}

static const char *escaped(struct arena *a, const char *t)
{
	return replaced(a, t, "Q4_0", "Q4\\_0");
}

static const char *thousands(struct arena *a, const char *t)
{
	return replaced(a, replaced(a, t, "3290.92", "3,290.92"), "12346.50", "12,346.50");
}

static const char *spaced_thousands(struct arena *a, const char *t)
{
	return replaced(a,
			replaced(a, t, "3290.92",
				 "3\xc2\xa0"
				 "290.92"),
			"12346.50",
			"12\xe2\x80\xaf"
			"346.50");
}

static const char *comma(struct arena *a, const char *t)
{
	t = replaced(a, replaced(a, t, "3290.92", "3290,92"), "12346.50", "12346,50");
	return replaced(a, replaced(a, replaced(a, t, "37.67", "37,67"), "172.86", "172,86"), "0.23", "0,23");
}

/* As a terminal breaks lines, wherever its width is. */
static const char *broken_at(struct arena *a, const char *t, size_t width)
{
	struct str s = STR_INIT;
	const char *out;

	for (size_t column = 0; *t; t++) {
		if (*t != '\n' && column++ == width) {
			str_add(&s, "\n");
			column = 0;
		}
		str_add_n(&s, t, 1);
		column = *t == '\n' ? 0 : column;
	}
	out = arena_strdup(a, s.text);
	str_release(&s);
	return out;
}

static const char *broken(struct arena *a, const char *t)
{
	return broken_at(a, t, 95);
}

static const char *broken_much(struct arena *a, const char *t)
{
	return broken_at(a, t, 61);
}

static const char *boxed(struct arena *a, const char *t)
{
	return replaced(a, t, "|", "\xe2\x94\x82");
}

/* The cells of each line of a table, each between two texts, in lines between two others; other lines stay. */
static const char *rewritten(struct arena *a, const char *text, const char *const around[4], bool backwards)
{
	const struct texts all = texts_cut(a, text, '\n');
	struct str s = STR_INIT;
	const char *out;

	for (size_t k = 0; k < all.n; k++) {
		struct texts cells;
		const char *line = all.at[k];
		const bool rule = strspn(line, "|-: ") == strlen(line);

		if (*line != '|' || (rule && !backwards)) {
			str_addf(&s, "%s\n", *line == '|' ? "" : line);
			continue;
		}
		cells = texts_cut(a, line + 1, '|');
		str_add(&s, around[0]);
		for (size_t i = 0; i + 1 < cells.n; i++) {
			const char *cell = cells.at[backwards ? cells.n - 2 - i : i];
			size_t n;

			cell += strspn(cell, " ");
			for (n = strlen(cell); n && cell[n - 1] == ' ';)
				n--;
			str_addf(&s, "%s%.*s%s", around[1], (int)n, cell, around[2]);
		}
		str_addf(&s, "%s\n", around[3]);
	}
	out = arena_strdup(a, s.text);
	str_release(&s);
	return out;
}

static const char *by_tabs(struct arena *a, const char *t)
{
	return rewritten(a, t, (const char *const[]){"", "", "\t", ""}, false);
}

static const char *html(struct arena *a, const char *t)
{
	return rewritten(a, t, (const char *const[]){"<tr>\n", "<td align=\"right\">", "</td>\n", "</tr>"},
			 false);
}

static const char *html_in_lines(struct arena *a, const char *t)
{
	return rewritten(a, t, (const char *const[]){"<tr>", "<th><b>", "</b></th>", "</tr>"}, false);
}

static const char *barless(struct arena *a, const char *t)
{
	const char *all = rewritten(a, t, (const char *const[]){"", "", " | ", ""}, true);

	return replaced(a, all, " | \n", "\n");
}

static const char *reordered(struct arena *a, const char *t)
{
	return rewritten(a, t, (const char *const[]){"| ", "", " | ", ""}, true);
}

static const struct way {
	const char *name;
	const char *(*paste)(struct arena *a, const char *text);
	bool shape; /* it makes something else of the table's bars */
} ways[] = {{"as it is", as_it_is, false},
	    {"CR", with_cr, false},
	    {"BOM", with_bom, false},
	    {"quoted", quoted, false},
	    {"quoted twice", quoted_twice, false},
	    {"indented", indented, false},
	    {"coloured", coloured, false},
	    {"no-break", no_break, false},
	    {"thin", thin, false},
	    {"fenced", fenced, false},
	    {"epochs", with_epoch, false},
	    {"a journal", journalled, false},
	    {"times", with_times, false},
	    {"llama's stamps", of_llama_log, false},
	    {"pictures", with_pictures, false},
	    {"a log", logged, false},
	    {"a title", titled, false},
	    {"bold", bold, false},
	    {"code", as_code, false},
	    {"capital", capital, false},
	    {"escaped", escaped, false},
	    {"thousands", thousands, false},
	    {"spaced", spaced_thousands, false},
	    {"comma", comma, false},
	    {"broken", broken, true},
	    {"broken much", broken_much, true},
	    {"boxed", boxed, true},
	    {"tabs", by_tabs, true},
	    {"html", html, true},
	    {"html in lines", html_in_lines, true},
	    {"barless", barless, true},
	    {"reordered", reordered, true}};

/* --- the rows ------------------------------------------------------------------------------------- */

static void check_row(const struct run *r, const char *what, int64_t prompt, int64_t gen, int64_t depth,
		      double rate)
{
	ck_assert_msg(r->prompt == prompt && r->gen == gen && r->depth == depth, "%s: %lld %lld %lld", what,
		      (long long)r->prompt, (long long)r->gen, (long long)r->depth);
	ck_assert_msg(fabs(run_rate(r) / rate - 1) < 1e-9, "%s: %g for %g", what, run_rate(r), rate);
	ck_assert_msg(r->sd > 0, "%s: no deviation", what);
	ck_assert_msg(r->build == 7361, "%s: build %lld", what, (long long)r->build);
	ck_assert_msg(r->flash == FLASH_ON && !strcmp(r->says[COLUMN_BACKEND], "Vulkan") &&
			      !strcmp(r->says[COLUMN_GPU_LAYERS], "99"),
		      "%s: columns", what);
	ck_assert_msg(r->params == 6.74e9 && fabs(r->bytes / 3.56 / 1073741824 - 1) < 1e-9, "%s: size", what);
	ck_assert_msg(!strcmp(r->model, "llama 7B Q4_0, 3.56 GiB") && !strcmp(r->arch, "llama"), "%s: '%s'",
		      what, r->model);
}

static void check_pasted(struct arena *a, const char *text, const char *what)
{
	struct err err = ERR_INIT;
	struct runs r;

	ck_assert_msg(runs_parse(a, "f", text, strlen(text), &r, &err) == 0, "%s: %s\n%s", what, err.msg,
		      text);
	ck_assert_msg(r.n == 3, "%s: %zu rows\n%s", what, r.n, text);
	check_row(&r.at[0], what, 512, 0, 0, 3290.92);
	check_row(&r.at[1], what, 0, 128, 4096, 172.86);
	check_row(&r.at[2], what, 512, 128, 0, 12346.5);
}

/* A way that changes the bars comes first, and alone among such. */
START_TEST(pasted_in_two_ways)
{
	const struct way *first = &ways[_i];

	for (size_t k = 0; k < ARRAY_LEN(ways); k++) {
		struct arena a = ARENA_INIT;

		/* a line of a log or a title goes between rows of Markdown */
		if (!ways[k].shape && !(first->shape && (ways[k].paste == logged || ways[k].paste == titled ||
							 ways[k].paste == capital)))
			check_pasted(&a, ways[k].paste(&a, first->paste(&a, table)),
				     arena_printf(&a, "%s, then %s", first->name, ways[k].name));
		arena_release(&a);
	}
}
END_TEST

/* --- builds in prose ------------------------------------------------------------------------------ */

static const struct {
	const char *line;
	int64_t build;
} lines[] = {{"build: 8e672efe (1550)", 1550},
	     {"Build: `a81a56957` (7361)", 7361},
	     {"main: build = 3549 (afd27f01)", 3549},
	     {"build: 4869 (2c9f833d) with MSVC 19.43 for x64", 4869},
	     {"version: 6123 (79c1160b)", 6123},
	     {"build_info: b5489-2d38b6e40", 5489},
	     {"I used llama.cpp b6940 (Vulkan) here", 6940},
	     {"llama.cpp@b7045, ROCm 7.1", 7045},
	     {"release b9187, official docker image", 9187},
	     {"on build 7825, with and without -fa", 7825},
	     {"llama.cpp build e9fd8dc (7825)", 7825},
	     /* of something else */
	     {"I build (1234) houses", 0},
	     {"llama.cpp, 4096 tokens of context", 0},
	     {"a build of 2025", 0},
	     {"build 2025", 0},
	     {"build 2025-10-03", 0},
	     {"macOS 15.4 build 24E248", 0},
	     {"cuda version 12.8 (driver 570.86)", 0},
	     {"release 1.2.3456", 0},
	     {"ROCm release 7.1.1", 0},
	     {"build b6940 against build b7045", 0}};

START_TEST(builds_in_prose)
{
	ck_assert_msg(build_in_line(lines[_i].line, strlen(lines[_i].line)) == lines[_i].build, "%s: %lld",
		      lines[_i].line, (long long)build_in_line(lines[_i].line, strlen(lines[_i].line)));
}
END_TEST

/* --- what is told, and what is refused ------------------------------------------------------------ */

/* The kinds that reports of threads had, cut down to their lines. error: NULL where `rows` are read. */
static const struct {
	const char *text, *error;
	size_t rows;
	int64_t prompt, gen, depth;
	double rate; /* of the first row */
} kinds[] = {
	/* ikawrakow/ik_llama.cpp PR 273: -gp generates behind a prompt */
	{"| model | size | params | backend | test | t/s |\n|---|---|---|---|---|---|\n"
	 "| deepseek2 16B Q4_K - Medium | 9.65 GiB | 15.71 B | CPU | tg64@pp8192 | 20.86 \xc2\xb1 0.01 |\n",
	 NULL, 1, 0, 64, 8192, 20.86},
	/* ikawrakow/ik_llama.cpp discussion 334: lines of the log between the rows */
	{"|    PP |     TG |   N_KV |   T_PP s | S_PP t/s |   T_TG s | S_TG t/s |\n"
	 "|-------|--------|--------|----------|----------|----------|----------|\n"
	 "ggml_backend_cuda_graph_compute: CUDA graph update failed\n"
	 "|   512 |    128 |      0 |    0.356 |  1436.25 |    3.719 |    34.42 |\n"
	 "ggml_backend_cuda_graph_compute: disabling CUDA graphs due to batch size > 1\n"
	 "|   512 |    128 |    512 |    0.372 |  1378.12 |    3.782 |    33.85 |\n",
	 NULL, 4, 512, 0, 0, 512 / 0.356},
	/* ikawrakow/ik_llama.cpp discussion 477: Markdown took the bars of the names */
	{"|    PP |     TG |   N KV |   T PP s | S\\_PP t/s |   T TG s | S_TG t/s |\n"
	 "|-------|--------|--------|----------|----------|----------|----------|\n"
	 "|  4096 |   1024 |   4096 |   27.103 |   151.13 |  183.508 |     5.58 |\n",
	 NULL, 2, 4096, 0, 4096, 4096 / 27.103},
	/* ikawrakow/ik_llama.cpp PR 460: a table without bars at its ends */
	{"PP | TG | N_KV | T_PP s | S_PP t/s | T_TG s | S_TG t/s\n"
	 "---: | ---: | ---: | ---: | ---: | ---: | ---:\n"
	 "512 | 128 | 0 | 10.5 | 48.76 | 12.8 | 10.0\n",
	 NULL, 2, 512, 0, 0, 512 / 10.5},
	/* another table behind one that is known */
	{"| model | test | t/s |\n|---|---|---|\n| llama 7B Q4_0 | pp512 | 100 |\n\nWith flags:\n\n"
	 "| GPU | pp512 | tg128 |\n|---|---|---|\n| a card | 90 | 10 |\n",
	 NULL, 1, 512, 0, 0, 100},
	/* a template of a chat in a log is no JSON (issue 380) */
	{"main: chat template: {%- if tools %}\n    {{- '<|im_start|>system' }}\n{%- endif %}\n"
	 "prompt eval time =     100.0 ms /    50 tokens\n       eval time =    1000.0 ms /    11 tokens\n",
	 NULL, 2, 50, 0, 0, 500},
	/* ikawrakow/ik_llama.cpp PR 283, as typed: a cell more than names */
	{"| model | ngl | n_ubatch | test | t/s |\n|---|---|---|---|---|\n"
	 "| deepseek2 671B Q8_0 | 63 | 2048 | 2048 | pp512 | 238.52 |\n",
	 "6 cells under a head of 5", 0, 0, 0, 0, 0},
	/* koboldcpp's benchmark to a file (LostRuins/koboldcpp issue 913) and to the terminal (issue 1527) */
	{"1.68 "
	 "benchmark:\nTimestamp,Backend,Layers,Model,MaxCtx,GenAmount,ProcessingTime,ProcessingSpeed,"
	 "GenerationTime,"
	 "GenerationSpeed,TotalTime,Output,Flags\n2024-06-19 "
	 "21:46:13.064748+00:00,koboldcpp_cublas.dll,81,Llama-3-70B-Instruct-q6,"
	 "8192,100,79.72,101.50,15.95,6.27,95.67\nNoAVX2=False Threads=8\n",
	 NULL, 2, 8092, 0, 0, 8092 / 79.72},
	{"ProcessingTime: 9.822s\nProcessingSpeed: 406.84T/s\nGenerationTime: 26.624s\nGenerationSpeed: "
	 "3.76T/s\n"
	 "TotalTime: 36.446s\nOutput: 1 1 1 1\n",
	 NULL, 2, 3996, 0, 0, 3996 / 9.822},
	/* sgl-project/sglang PR 30147 */
	{"Benchmark ...\nPrefill. latency: 0.01014 s, throughput:   5916.43 token/s\n"
	 "Decode 0. Batch size: 1, latency: 0.00572 s, throughput:    174.85 token/s\n"
	 "Decode.  median latency: 0.00572 s, median throughput:    174.85 token/s\n",
	 "SGLang's bench_one_batch", 0, 0, 0, 0, 0},
	/* thousands and commas by a spreadsheet or a language */
	{"Timing with prompt_tokens=4,096, generation_tokens=128, batch_size=1.\n"
	 "Trial 1:  prompt_tps=1,234.5, generation_tps=60.1, peak_memory=5.1, total_time=5.5\n",
	 NULL, 2, 4095, 1, 0, 1234.5},
	{"prompt eval count: 1,026 token(s)\nprompt eval duration: 1,2s\nprompt eval rate: 855 tokens/s\n"
	 "eval count: 256 token(s)\neval duration: 4s\neval rate: 64 tokens/s\n",
	 NULL, 2, 1026, 0, 0, 855},
	{"78,21 tok/sec \xe2\x80\xa2 1,045 tokens \xe2\x80\xa2 0,32s to first token\n", NULL, 1, 0, 1045, 0,
	 78.21},
	{"prompt eval time =    1,234.56 ms /  4,096 tokens\n", NULL, 1, 4096, 0, 0, 4096 / 1.23456},
	{"prompt eval time =    1,234 ms /  4,096 tokens\n", "expected 'eval time", 0, 0, 0, 0, 0},
	{"build_commit\tbackends\tmodel_type\tn_prompt\tn_gen\tavg_ns\nabc\tCUDA\tllama 8B "
	 "Q4_0\t512\t0\t42000000\n",
	 NULL, 1, 512, 0, 0, 512 / 0.042},
	/* many prompts of 512 tokens, not one of 141,824 */
	{"perplexity: calculating perplexity over 277 chunks, n_ctx=512, batch_size=512, n_seq=1\n"
	 "llama_print_timings: prompt eval time =  424627.31 ms / 141824 tokens\n",
	 "141824 tokens of many prompts, as llama-perplexity", 0, 0, 0, 0, 0},
	{"llama_new_context_with_model: n_ctx      = 4096\n"
	 "llama_perf_context_print: prompt eval time =    4627.31 ms /  9000 tokens\n",
	 "9000 tokens of many prompts", 0, 0, 0, 0, 0},
	/* a file of no run */
	{"{\"machineName\":\"studio\",\"gpu\":\"Apple M1 Max\",\"runs\":{}}", "it has no runs", 0, 0, 0, 0,
	 0},
	/* of the first builds: ggml-org/llama.cpp pull request 2626 */
	{"| model | backend | n_gpu_layers | n_prompt | n_gen | t/s |\n|---|---|---|---|---|---|\n"
	 "| LLaMA 7B mostly Q4_0 | CUDA | 99 | 512 | 0 | 2153.50 \xc2\xb1 24.75 |\n"
	 "| LLaMA 7B mostly Q4_0 | CUDA | 99 | 512 | 128 | 449.72 \xc2\xb1 1.27 |\n",
	 NULL, 2, 512, 0, 0, 2153.5},
	/* ggml-org/llama.cpp pull request 23269 (2026), noonghunna/club-3090 issue 1106: guessed tokens */
	{"prompt eval time =     900.22 ms /    30 tokens\n       eval time =   14323.78 ms /   192 tokens\n"
	 "slot print_timing: id  0 | draft acceptance = 0.67500 (  108 accepted /   160 generated), mean len "
	 "=  4.38\n",
	 "a draft model guessed tokens", 0, 0, 0, 0, 0},
	/* mozilla-ai/llamafile issue 569 */
	{"| cpu_info | model_filename | size | test | t/s |\n|---|---|---|---|---|\n"
	 "| AMD Ryzen 9 5950X 16-Core Processor (znver3) | Mixtral-8x22B-Instruct-v0.1.Q6_K | 107.61 GiB | "
	 "pp256 | "
	 "19.94 |\n",
	 NULL, 1, 256, 0, 0, 19.94},
	{"Time Taken - Processing:117.1s (76ms/T), Generation:55.8s (109ms/T), Total:172.9s (3.0T/s)\n",
	 "koboldcpp of 2023", 0, 0, 0, 0, 0},
	{"number of completion tokens: 196896\ntoken throughput (completion token): 9778.391 token/s\n",
	 "LMDeploy's client", 0, 0, 0, 0, 0},
	{"| Time taken for tests (s) | 54.3489 |\n+====+====+\n| Average time to first token (s) | 0.8962 "
	 "|\n",
	 "evalscope perf", 0, 0, 0, 0, 0},
	{"[bench] code run 1/5: 800 tok in 21.3s (38.14 decode TPS, ttft 320ms)\n", "club-3090's bench", 0, 0,
	 0, 0, 0},
	/* thousands or a fraction? */
	{"| model | test | t/s |\n|---|---|---|\n| llama 7B Q4_0 | pp512 | 3,290 |\n",
	 "t/s: expected a number", 0, 0, 0, 0, 0},
};

START_TEST(kinds_of_threads)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct runs r;
	const int rc = runs_parse(&a, "f", kinds[_i].text, strlen(kinds[_i].text), &r, &err);

	ck_assert_msg((rc != 0) == (kinds[_i].error != NULL), "%s: %s", kinds[_i].text, err.msg);
	if (rc != 0)
		ck_assert_msg(strstr(err.msg, kinds[_i].error) != NULL, "%s", err.msg);
	if (rc == 0) {
		ck_assert_uint_eq(r.n, kinds[_i].rows);
		ck_assert_int_eq(r.at[0].prompt, kinds[_i].prompt);
		ck_assert_int_eq(r.at[0].gen, kinds[_i].gen);
		ck_assert_int_eq(r.at[0].depth, kinds[_i].depth);
		ck_assert_double_eq_tol(run_rate(&r.at[0]), kinds[_i].rate, 1e-6);
	}
	arena_release(&a);
}
END_TEST

/* What the command says of a table or a log that has no column of it. */
static const struct {
	const char *text, *model, *overrides, *experts, *kv, *split, *layers;
	int64_t chunk;
} commands[] = {
	/* ikawrakow/ik_llama.cpp discussion 258, cut down */
	{"CUDA_VISIBLE_DEVICES=0 ./build/bin/llama-sweep-bench \\\n"
	 "  --model /mnt/models/DeepSeek-V3-0324-IQ2_K_R4-00001-of-00005.gguf \\\n"
	 "  -ctk q8_0 -fa -ub 2048 \\\n  -ngl 99 \\\n  -ot \"exps=CPU\"\n\n"
	 "|    PP |     TG |   N_KV |   T_PP s | S_PP t/s |   T_TG s | S_TG t/s |\n"
	 "|-------|--------|--------|----------|----------|----------|----------|\n"
	 "|   512 |    128 |      0 |    4.214 |   121.49 |   19.559 |     6.54 |\n",
	 "DeepSeek-V3-0324-IQ2_K_R4-00001-of-00005.gguf", "exps=CPU", NULL, "q8_0", NULL, "99", 2048},
	{"$ llama-server -m qwen3-30b-a3b-q4_k_m.gguf --n-cpu-moe 20 -ts 3,1 -ngl 99\n"
	 "prompt eval time =     100.0 ms /    50 tokens\n       eval time =    1000.0 ms /    11 tokens\n",
	 "qwen3-30b-a3b-q4_k_m.gguf", NULL, "20", NULL, "3/1", "99", 512},
	/* ggml-org/llama.cpp issue 25547: the back ends that a build has, and no column tells that the GPU was not used */
	{"$ llama-bench -m Qwen3.5-9B-Q4_K_M.gguf -p 256 -n 64 -r 1 -ngl 0\n"
	 "| model | size | params | backend | threads | test | t/s |\n|---|---|---|---|---|---|---|\n"
	 "| qwen35 9B Q4_K - Medium | 5.28 GiB | 8.95 B | BLAS,MTL | 4 | pp256 | 97.06 |\n"
	 "| qwen35 9B Q4_K - Medium | 5.28 GiB | 8.95 B | BLAS,MTL | 4 | tg64 | 20.21 |\n",
	 "qwen35 9B Q4_K - Medium, 5.28 GiB", NULL, NULL, NULL, NULL, "0", 512},
	/* whose the table is, two commands do not tell */
	{"llama-bench -m Qwen3.5-9B-Q4_K_M.gguf -p 256 -n 64\nllama-bench -m Qwen3.5-9B-Q4_K_M.gguf -ngl 0\n"
	 "| model | size | params | backend | threads | test | t/s |\n|---|---|---|---|---|---|---|\n"
	 "| qwen35 9B Q4_K - Medium | 5.28 GiB | 8.95 B | BLAS,MTL | 4 | pp256 | 597.06 |\n"
	 "| qwen35 9B Q4_K - Medium | 5.28 GiB | 8.95 B | BLAS,MTL | 4 | tg64 | 20.21 |\n",
	 "qwen35 9B Q4_K - Medium, 5.28 GiB", NULL, NULL, NULL, NULL, NULL, 512},
	/* the next command is another run's */
	{"llama-server -m a-q4_0.gguf -ot exps=CPU\nllama-server -m b-q4_0.gguf\n"
	 "prompt eval time =     100.0 ms /    50 tokens\n       eval time =    1000.0 ms /    11 tokens\n",
	 "b-q4_0.gguf", NULL, NULL, NULL, NULL, NULL, 512},
	{"load_tensors: tensor blk.3.ffn_up_exps.weight (594 MiB iq4_xs) buffer type overridden to CPU\n"
	 "prompt eval time =     100.0 ms /    50 tokens\n       eval time =    1000.0 ms /    11 tokens\n",
	 NULL, "tensors to CPU", NULL, NULL, NULL, NULL, 512},
};

static void check_said(const char *said, const char *want)
{
	ck_assert_msg((!said && !want) || (said && want && !strcmp(said, want)), "'%s' for '%s'",
		      said ? said : "none", want ? want : "none");
}

START_TEST(commands_are_used)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct runs r;

	ck_assert_msg(runs_parse(&a, "f", commands[_i].text, strlen(commands[_i].text), &r, &err) == 0, "%s",
		      err.msg);
	ck_assert_uint_eq(r.n, 2);
	ck_assert_int_eq(r.at[0].chunk, commands[_i].chunk);
	for (size_t i = 0; i < r.n; i++) {
		check_said(r.at[i].model, commands[_i].model);
		check_said(r.at[i].says[COLUMN_OVERRIDES], commands[_i].overrides);
		check_said(r.at[i].says[COLUMN_CPU_EXPERTS], commands[_i].experts);
		check_said(r.at[i].says[COLUMN_KV_K], commands[_i].kv);
		check_said(r.at[i].says[COLUMN_TENSOR_SPLIT], commands[_i].split);
		check_said(r.at[i].says[COLUMN_GPU_LAYERS], commands[_i].layers);
	}
	arena_release(&a);
}
END_TEST

#define TABLE(test)   "| model | test | t/s |\n|---|---|---|\n| llama 7B Q4_0 | " test " | 100 |\n"
#define CUDA(n, name) "  Device " n ": " name ", compute capability 8.6, VMM: yes\n"

/* The device that a log names is that of the tables below, until another run begins. */
static const struct logged {
	const char *text, *first, *second;
} logs[] = {
	{"ggml_cuda_init: found 1 CUDA devices:\n" CUDA("0", "NVIDIA GeForce RTX 3090")
		 TABLE("pp512") "\n" TABLE("pp64"),
	 "NVIDIA GeForce RTX 3090", "NVIDIA GeForce RTX 3090"},
	{CUDA("0", "NVIDIA GeForce RTX 3090") TABLE("pp512") "\n" CUDA("0", "NVIDIA GeForce RTX 4090")
		 TABLE("pp64"),
	 "NVIDIA GeForce RTX 3090", "NVIDIA GeForce RTX 4090"},
	{CUDA("0", "NVIDIA GeForce RTX 3090") CUDA("1", "NVIDIA GeForce RTX 3090")
		 TABLE("pp512") "\n" TABLE("pp64"),
	 "NVIDIA GeForce RTX 3090", "NVIDIA GeForce RTX 3090"},
	{CUDA("0", "NVIDIA GeForce RTX 3090") CUDA("1", "NVIDIA GeForce RTX 4090")
		 TABLE("pp512") "\n" TABLE("pp64"),
	 NULL, NULL},
	{"ggml_metal_init: found device: Apple M2 Ultra\nggml_metal_init: GPU name:   Apple M2 Ultra\n" TABLE(
		 "pp512") "\n" TABLE("pp64"),
	 "Apple M2 Ultra", "Apple M2 Ultra"},
	{"ggml_metal_device_init: GPU name:   MTL0\n" TABLE("pp512") "\n" TABLE("pp64"), NULL, NULL},
	{"ggml_vulkan: 0 = AMD Radeon RX 7900 XTX (RADV NAVI31) (radv) | uma: 0 | fp16: 1\n" TABLE(
		 "pp512") "\n" TABLE("pp64"),
	 "AMD Radeon RX 7900 XTX", "AMD Radeon RX 7900 XTX"},
	{"  Device 0: AMD Radeon RX 7900 XTX, gfx1100 (0x1100), VMM: no, Wave Size: 32\n" TABLE(
		 "pp512") "\n" TABLE("pp64"),
	 "AMD Radeon RX 7900 XTX", "AMD Radeon RX 7900 XTX"},
	{"Device 0: the old one\n" TABLE("pp512") "\n" TABLE("pp64"), NULL, NULL},
};

START_TEST(devices_of_logs)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct runs r;

	ck_assert_msg(runs_parse(&a, "f", logs[_i].text, strlen(logs[_i].text), &r, &err) == 0, "%s",
		      err.msg);
	ck_assert_uint_eq(r.n, 2);
	check_said(r.at[0].says[COLUMN_GPU], logs[_i].first);
	check_said(r.at[1].says[COLUMN_GPU], logs[_i].second);
	arena_release(&a);
}
END_TEST

Suite *suite_pasted(void)
{
	Suite *s = suite_create("pasted");
	TCase *t = tcase_create("pasted");

	tcase_add_loop_test(t, pasted_in_two_ways, 0, ARRAY_LEN(ways));
	tcase_add_loop_test(t, builds_in_prose, 0, ARRAY_LEN(lines));
	tcase_add_loop_test(t, kinds_of_threads, 0, ARRAY_LEN(kinds));
	tcase_add_loop_test(t, commands_are_used, 0, ARRAY_LEN(commands));
	tcase_add_loop_test(t, devices_of_logs, 0, ARRAY_LEN(logs));
	suite_add_tcase(s, t);
	return s;
}
