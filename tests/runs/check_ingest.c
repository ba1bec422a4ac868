/* check_ingest.c - files of benchmark tools: every format read, every bad one refused. */
#include <stdio.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/runs/runtime_kernels.h"
#include "tests/suites.h"

#define RUNS "tests/data/runs/"
static const struct {
	const char *path, *tool;
	size_t n, row;
	struct run want;
} good[] = {
	{RUNS "llama-bench.json",
	 "llama-bench",
	 2,
	 0,
	 {.kind = RUN_PP,
	  .prompt = 512,
	  .batch = 1,
	  .chunk = 512,
	  .seconds = 1.406,
	  .n = 3,
	  .bytes = 3825065984}},
	{RUNS "llama-bench.json",
	 "llama-bench",
	 2,
	 1,
	 {.kind = RUN_TG,
	  .gen = 128,
	  .depth = 4096,
	  .batch = 1,
	  .chunk = 512,
	  .seconds = 2.9,
	  .n = 3,
	  .bytes = 3825065984}},
	{RUNS "llama-bench.jsonl",
	 "llama-bench",
	 2,
	 1,
	 {.kind = RUN_PG,
	  .prompt = 512,
	  .gen = 128,
	  .batch = 1,
	  .chunk = 256,
	  .seconds = 5.6,
	  .n = 1,
	  .bytes = 7161089024}},
	{RUNS "llama-bench-b4748.csv",
	 "llama-bench",
	 2,
	 1,
	 {.kind = RUN_TG,
	  .gen = 128,
	  .batch = 1,
	  .chunk = 512,
	  .seconds = 1.28,
	  .n = 1,
	  .bytes = 2479595648}},
	{RUNS "llama-bench.md",
	 "llama-bench",
	 4,
	 0,
	 {.kind = RUN_PP,
	  .prompt = 512,
	  .batch = 1,
	  .chunk = 2048,
	  .seconds = 1.28,
	  .n = 1,
	  .bytes = 3.56 * 1073741824}},
	{RUNS "llama-bench.md",
	 "llama-bench",
	 4,
	 1,
	 {.kind = RUN_TG,
	  .gen = 128,
	  .depth = 4096,
	  .batch = 1,
	  .chunk = 2048,
	  .seconds = 3.2,
	  .n = 1,
	  .bytes = 3.56 * 1073741824}},
	{RUNS "llama-bench.md",
	 "llama-bench",
	 4,
	 2,
	 {.kind = RUN_PG,
	  .prompt = 512,
	  .gen = 128,
	  .batch = 1,
	  .chunk = 2048,
	  .seconds = 4,
	  .n = 1,
	  .bytes = 3.56 * 1073741824}},
	{RUNS "llama-bench.md",
	 "llama-bench",
	 4,
	 3,
	 {.kind = RUN_PP,
	  .prompt = 256,
	  .batch = 1,
	  .chunk = 2048,
	  .seconds = 256.0 / 390,
	  .n = 1,
	  .bytes = 3.56 * 1073741824}},
	{RUNS "llama-batched-bench.jsonl",
	 "llama-batched-bench",
	 4,
	 0,
	 {.kind = RUN_PP, .prompt = 512, .batch = 1, .chunk = 1024, .seconds = 0.339, .n = 1}},
	{RUNS "llama-batched-bench.jsonl",
	 "llama-batched-bench",
	 4,
	 2, /* a shared prompt is read once */
	 {.kind = RUN_PP, .prompt = 512, .batch = 1, .chunk = 1024, .seconds = 0.339, .n = 1}},
	{RUNS "llama-batched-bench.jsonl",
	 "llama-batched-bench",
	 4,
	 3,
	 {.kind = RUN_TG, .gen = 32, .depth = 512, .batch = 8, .seconds = 1.005, .n = 1}},
	{RUNS "llama-batched-bench.md",
	 "llama-batched-bench",
	 2,
	 1,
	 {.kind = RUN_TG, .gen = 32, .depth = 512, .batch = 4, .seconds = 0.585, .n = 1}},
	{RUNS "mlx_lm.txt",
	 "mlx_lm",
	 2,
	 0, /* prompt_tps counts the first token's step */
	 {.kind = RUN_PG,
	  .prompt = 2047,
	  .gen = 1,
	  .batch = 1,
	  .chunk = 2048,
	  .seconds = 2048 / 1780.63,
	  .n = 3}},
	{RUNS "mlx_lm.txt",
	 "mlx_lm",
	 2,
	 1, /* n tokens in the time of n - 1 steps */
	 {.kind = RUN_TG, .gen = 127, .depth = 2048, .batch = 1, .seconds = 128 / 52.47, .n = 3}},
	{RUNS "quoted.md",
	 "llama-bench",
	 2,
	 1,
	 {.kind = RUN_TG,
	  .gen = 128,
	  .batch = 1,
	  .chunk = 512,
	  .seconds = 3.2,
	  .n = 1,
	  .bytes = 3.56 * 1073741824}},
	{RUNS "sweep-bench.md",
	 "llama-sweep-bench",
	 4,
	 2,
	 {.kind = RUN_PP,
	  .prompt = 2048,
	  .depth = 2048,
	  .batch = 1,
	  .chunk = 2048,
	  .seconds = 0.561,
	  .n = 1}},
	{RUNS "sweep-bench.md",
	 "llama-sweep-bench",
	 4,
	 3,
	 {.kind = RUN_TG, .gen = 128, .depth = 2048, .batch = 1, .seconds = 1.233, .n = 1}},
	{RUNS "llama-bench.sql",
	 "llama-bench",
	 2,
	 1,
	 {.kind = RUN_TG,
	  .gen = 128,
	  .depth = 4096,
	  .batch = 1,
	  .chunk = 512,
	  .seconds = 3.2,
	  .n = 1,
	  .bytes = 3825065984}},
	{RUNS "pretty-in-text.txt",
	 "llama-bench",
	 2,
	 1,
	 {.kind = RUN_TG, .gen = 128, .batch = 1, .chunk = 512, .seconds = 3.2, .n = 1}},
	{RUNS "csv-in-text.txt",
	 "llama-bench",
	 2,
	 1,
	 {.kind = RUN_TG, .gen = 128, .batch = 1, .chunk = 512, .seconds = 3.2, .n = 1}},
	{RUNS "llama_perf.txt",
	 "llama.cpp log",
	 2,
	 0,
	 {.kind = RUN_PP,
	  .prompt = 49,
	  .batch = 1,
	  .chunk = 512,
	  .seconds = 0.92717,
	  .n = 1,
	  .bytes = 4.58 * 1073741824}},
	{RUNS "llama_perf.txt",
	 "llama.cpp log",
	 2,
	 1,
	 {.kind = RUN_TG,
	  .gen = 178,
	  .depth = 49,
	  .batch = 1,
	  .seconds = 14.08585,
	  .n = 1,
	  .bytes = 4.58 * 1073741824}},
	{RUNS "llama-server.log",
	 "llama.cpp log",
	 2,
	 1,
	 {.kind = RUN_TG, .gen = 274, .depth = 51, .batch = 1, .seconds = 23.03887, .n = 1}},
	{RUNS "llama_print_timings.txt",
	 "llama.cpp log",
	 2,
	 1,
	 {.kind = RUN_TG, .gen = 36, .depth = 5, .batch = 1, .seconds = 3.6561, .n = 1}},
	{RUNS "llama-server.json",
	 "llama-server",
	 2,
	 0,
	 {.kind = RUN_PP, .prompt = 400, .depth = 100, .batch = 1, .chunk = 512, .seconds = 0.8, .n = 1}},
	{RUNS "llama-server.json",
	 "llama-server",
	 2,
	 1,
	 {.kind = RUN_TG, .gen = 100, .depth = 500, .batch = 1, .seconds = 2.5, .n = 1}},
	{RUNS "ollama.txt",
	 "ollama",
	 2,
	 1,
	 {.kind = RUN_TG, .gen = 1133, .depth = 11, .batch = 1, .seconds = 127.682, .n = 1}},
	{RUNS "ollama.json",
	 "ollama",
	 2,
	 0,
	 {.kind = RUN_PP, .prompt = 26, .batch = 1, .chunk = 512, .seconds = 0.13, .n = 1}},
	{RUNS "lm-studio.txt",
	 "LM Studio",
	 1,
	 0,
	 {.kind = RUN_TG, .gen = 1045, .batch = 1, .seconds = 1045 / 46.17, .n = 1}},
	{RUNS "mlx_lm.generate.txt",
	 "mlx_lm",
	 2,
	 0,
	 {.kind = RUN_PG,
	  .prompt = 32158,
	  .gen = 1,
	  .batch = 1,
	  .chunk = 2048,
	  .seconds = 32159 / 261.786,
	  .n = 1}},
	{RUNS "mlx_lm.generate.txt",
	 "mlx_lm",
	 2,
	 1,
	 {.kind = RUN_TG, .gen = 999, .depth = 32159, .batch = 1, .seconds = 1000 / 23.146, .n = 1}},
	{RUNS "mlx_lm-2025.txt",
	 "mlx_lm",
	 2,
	 1,
	 {.kind = RUN_TG, .gen = 127, .depth = 2048, .batch = 1, .seconds = 128 / 205.325, .n = 1}},
	{RUNS "vllm-latency.txt",
	 "vllm",
	 1,
	 0,
	 {.kind = RUN_PG, .prompt = 32, .gen = 127, .batch = 8, .seconds = 1.1312, .n = 1}},
	{RUNS "macmlx.md",
	 "mlx_lm of macMLX",
	 2,
	 0,
	 {.kind = RUN_PP, .prompt = 1536, .batch = 1, .seconds = 1536 / 4919.420495870671, .n = 1}},
	{RUNS "macmlx.md",
	 "mlx_lm of macMLX",
	 2,
	 1,
	 {.kind = RUN_TG, .gen = 611, .depth = 1536, .batch = 1, .seconds = 611 / 81.82922966036689, .n = 1}},
	/* exo-explore/exo@8e5908d, bench/thermal_20260415_002648/loop.log: a prompt that was cached is no run */
	{RUNS "exo.log",
	 "mlx_lm of exo",
	 5,
	 0,
	 {.kind = RUN_PP, .prompt = 8192, .batch = 1, .seconds = 8192 / 226.95, .n = 1}},
	{RUNS "exo.log",
	 "mlx_lm of exo",
	 5,
	 4,
	 {.kind = RUN_TG, .gen = 512, .depth = 8192, .batch = 1, .seconds = 512 / 26.27, .n = 1}},
	/* the form of bench/exo_bench.py@00993ada, on two nodes */
	{RUNS "exo.json",
	 "mlx_lm of exo",
	 2,
	 1,
	 {.kind = RUN_TG, .gen = 128, .depth = 8192, .batch = 1, .seconds = 128 / 26.25, .n = 1}},
	{RUNS "lm-studio.json",
	 "mlx_lm of LM Studio",
	 1,
	 0,
	 {.kind = RUN_TG, .gen = 120, .depth = 24, .batch = 1, .seconds = 120 / 51.43709529007664, .n = 1}},
	{RUNS "vllm-mlx.json",
	 "mlx_lm of vllm-mlx",
	 1,
	 0,
	 {.kind = RUN_TG,
	  .gen = 256,
	  .depth = 11,
	  .batch = 1,
	  .seconds = 256 * 3.518496242349833e-3,
	  .n = 1}},
	{RUNS "normiebench.json",
	 "llama-bench",
	 2,
	 0,
	 {.kind = RUN_PP, .prompt = 512, .batch = 1, .seconds = 512 / 499.58, .n = 1}},
	{RUNS "normiebench.json",
	 "llama-bench",
	 2,
	 1,
	 {.kind = RUN_TG, .gen = 128, .batch = 1, .seconds = 128 / 46.2, .n = 1}},
	{RUNS "llmfit.json",
	 "ollama",
	 1,
	 0,
	 {.kind = RUN_TG, .gen = 292, .batch = 1, .seconds = 291.67 / 24.56, .n = 1}},
	{RUNS "koboldcpp.txt",
	 "llama.cpp of koboldcpp",
	 4,
	 0,
	 {.kind = RUN_PP, .prompt = 1224, .batch = 1, .chunk = 512, .seconds = 1224 / 596.98, .n = 1}},
	{RUNS "koboldcpp.txt",
	 "llama.cpp of koboldcpp",
	 4,
	 1,
	 {.kind = RUN_TG, .gen = 100, .depth = 1224, .batch = 1, .seconds = 4.38, .n = 1}},
	{RUNS "koboldcpp.txt",
	 "llama.cpp of koboldcpp",
	 4,
	 3,
	 {.kind = RUN_TG, .gen = 100, .depth = 1224, .batch = 1, .seconds = 4.38, .n = 1}},
	{RUNS "llama-benchy.md",
	 "any server, asked by llama-benchy",
	 2,
	 1,
	 {.kind = RUN_TG, .gen = 32, .depth = 4096, .batch = 1, .chunk = 512, .seconds = 32 / 46.69, .n = 1}},
	{RUNS "own.csv",
	 "csv",
	 2,
	 1,
	 {.kind = RUN_TG, .gen = 255, .depth = 871, .batch = 1, .seconds = 255 / 5.758, .n = 3}},
};

/* Its name is that of vLLM, whose kernels it has none of. */
START_TEST(vllm_mlx_is_told_to_be_mlx)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct runs r;

	MUST(runs_read(&a, RUNS "vllm-mlx.json", &r, &err) == 0);
	ck_assert_uint_eq(r.notes.n, 1);
	ck_assert_ptr_nonnull(strstr(r.notes.at[0], "vllm-mlx runs the models of mlx_lm"));
	arena_release(&a);
}
END_TEST

START_TEST(a_foreign_file_is_read)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct runs r;
	const struct run *got, *want = &good[_i].want;

	ck_assert_msg(runs_read(&a, good[_i].path, &r, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(r.tool, good[_i].tool);
	ck_assert_uint_eq(r.n, good[_i].n);
	got = &r.at[good[_i].row];
	ck_assert_int_eq(got->kind, want->kind);
	ck_assert_int_eq(got->prompt, want->prompt);
	ck_assert_int_eq(got->gen, want->gen);
	ck_assert_int_eq(got->depth, want->depth);
	ck_assert_int_eq(got->batch, want->batch);
	ck_assert_int_eq(got->chunk, want->chunk);
	ck_assert_int_eq(got->n, want->n);
	ck_assert_double_eq_tol(got->seconds, want->seconds, 1e-9);
	ck_assert_double_eq_tol(got->bytes, want->bytes, 1);
	ck_assert_int_eq(runs_one_model(&r, &err), 0);
	arena_release(&a);
}
END_TEST

/* The number of a build stands below its table, as llama-bench prints it, or above it, as people write it. */
START_TEST(a_build_is_of_its_table)
{
#define TABLE(test)                                                                                          \
	"| model | size | params | backend | test | t/s |\n|---|---|---|---|---|---|\n"                      \
	"| llama 7B Q4_0 | 3.56 GiB | 6.74 B | Metal | " test " | 100 \xc2\xb1 1 |\n"
	static const struct {
		const char *text;
		int64_t first, second;
	} texts[] = {
		{TABLE("pp512") "\nbuild: 8e672efe (1550)\n" TABLE("tg128") "build: 086a63e3a (7340)\n", 1550,
		 7340},
		{"llama.cpp build e9fd8dc (7825)\nmacOS 14.8.3 (23J220)\n\n" TABLE("pp512") "text\n" TABLE(
			 "tg128"),
		 7825, 7825},
		{"build: 086a63e3a (7340)\n" TABLE("pp512") TABLE("tg128"), 7340, 7340},
		{"I build (1234) houses, and rebuild: (many)\n" TABLE("pp512") "a build\n" TABLE("tg128"), 0,
		 0},
		{TABLE("pp512") TABLE("tg128") "build of today\n", 0, 0},
	};
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct err err = ERR_INIT;
		struct runs r;

		ck_assert_msg(runs_parse(&a, "f.md", texts[i].text, strlen(texts[i].text), &r, &err) == 0,
			      "%s", err.msg);
		ck_assert_uint_eq(r.n, 2);
		ck_assert_int_eq(r.at[0].build, texts[i].first);
		ck_assert_int_eq(r.at[1].build, texts[i].second);
	}
	arena_release(&a);
#undef TABLE
}
END_TEST

#define ONE(more) "[{\"model_type\": \"a\", \"n_prompt\": 8, \"n_gen\": 0, " more "}]"
static const struct {
	const char *text, *msg; /* msg: how the message begins */
} hostile[] = {
	{"", "f: empty"},
	{"hello", "f: not a report"},
	{"[]", "f: not a report"},
	{"[{\"n_prompt\": 8, \"n_gen\": 0, \"avg_ns\": 1", "f:1: not JSON, or cut off"},
	{"[\n {\"n_prompt\": 8,\n", "f:"},
	{"{\"n_prompt\": 8, \"n_gen\": 0, \"avg_ns\": 5}\n{\"n_prompt\": 8, \"n_ge",
	 "f:2: not JSON, or cut off"},
	{"[1, 2]", "f: not a report"},
	{"[{\"avg_ns\": 5}]", "f:1: JSON, but not of a benchmark"},
	{ONE("\"avg_ns\": -5"), "f:1: avg_ns: -5 is out of range"},
	{ONE("\"avg_ns\": 0"), "f:1: a run of 0 s"},
	{ONE("\"avg_ns\": NaN"), "f:1: avg_ns: expected a number, got 'NaN'"},
	{ONE("\"avg_ns\": 1e999"), "f:1: avg_ns: 1e999 is out of range"},
	{ONE("\"avg_ns\": \"0x10\""), "f:1: avg_ns: expected a number"},
	{ONE("\"avg_ns\": 5, \"samples_ns\": []"), "f:1: samples_ns: the list is empty"},
	{ONE("\"avg_ns\": 5, \"samples_ns\": 7"), "f:1: samples_ns: the list is empty"},
	{ONE("\"avg_ns\": 5, \"samples_ns\": [5, -1]"), "f:1: samples_ns: -1 is out of range"},
	{ONE("\"avg_ns\": 5, \"samples_ns\": [5, {}]"), "f:1: samples_ns: expected a number"},
	{ONE("\"nothing\": 1"), "f:1: it has neither"},
	{"[{\"n_prompt\": 1e300, \"n_gen\": 0, \"avg_ns\": 1}]", "f:1: n_prompt: 1e300 is out of range"},
	{"[{\"n_prompt\": 1.5, \"n_gen\": 0, \"avg_ns\": 1}]", "f:1: expected a whole number"},
	{"[{\"n_prompt\": 0, \"n_gen\": 0, \"avg_ns\": 1}]", "f:1: neither prompt nor generated"},
	{"n_prompt,n_gen,avg_ns\n\"8\",\"0\",\"5", "f:2: a quote is not closed"},
	{"n_prompt,n_gen,avg_ns\n8,0,5,9\n", "f:2: 4 fields under 3"},
	{"n_prompt,n_prompt\n8,0\n", "f:1: two columns"},
	{"kind,seconds\nxx,1\n", "f:2: kind: expected pp, tg, pg, gemm, copy or read"},
	{"kind,prompt,seconds\npp,512,inf\n", "f:2: seconds: expected a number"},
	{"kind,prompt,seconds\npp,512,\n", "f:2: a run of 0 s"},
	{"kind,prompt,gen,seconds\ntg,512,4,1\n", "f:2: prompt and gen do not go with kind"},
	{"| model | test | t/s |\n| - | - | - |\n| a | pp512 | -3 |\n", "f:"},
	{"| model | test | t/s |\n| --- | --- | --- |\n| a | pp512 | 0.00 |\n",
	 "f:3: t/s: a rate must be positive"},
	{"| model | test | t/s |\n| --- | --- | --- |\n| a | xx512 | 3 |\n", "f:3: expected a test"},
	{"| model | test | t/s |\n| --- | --- | --- |\n| a | pp | 3 |\n", "f:3: test: expected a number"},
	{"| model | test | t/s |\n", "f: it has no runs"},
	{"Timing with prompt_tokens=8, generation_tokens=4, batch_size=1.\nTrial 1:  prompt_tps=nan, "
	 "generation_tps=2\n",
	 "f:2: prompt_tps and generation_tps must be"},
	{"Timing with prompt_tokens=8, batch_size=1.\nTrial 1:  prompt_tps=1, generation_tps=2\n",
	 "f:1: expected 'prompt"},
	{"kind,prompt,chunk,seconds\npp,100000,8,1\n", "f:2: a prompt of 100000 tokens, 8 at a time"},
	{"INSERT INTO llama_bench (a) VALUES ('1');", "f:1: 'n_prompt' or 'n_gen' is missing"},
	{"INSERT INTO llama_bench (a, b) VALUES ('1');", "f:1: an INSERT whose columns"},
	{"INSERT INTO llama_bench (a", "f:1: an INSERT whose columns"},
	{"| model | size | backend | test | t/s | t/s | speedup |\n|---|---|---|---|---|---|---|\n| llama 7B "
	 "Q4_0 | 3.56 GiB | "
	 "Metal | pp 8 | 146.67 | 240.39 | 1.639 |\n",
	 "f:1: 2 results in each row, "},
	{"| model | size | test | th | master   t/s | PR      t/s |\n|---|---|---|---|---|---|\n| a | 3 GiB "
	 "| pp 512 | "
	 "4 | 1032.08 | 1164.00 |\n",
	 "f:1: 2 results in each row, "},
	{"Results:\n- Prompt (2048 tokens): 615.28 tok/s\n- Peak memory: 3.30 GB, or so\n",
	 "f:2: not a report"},
	{"Prompt: 16 tokens, 53.60 t/s (0.30s)\n", "f:1: not a report"},
	{"| Model | Test | t/s master | t/s PR | Speedup |\n|---|---|---|---|---|\n| a | pp512 | 1 | 2 | "
	 "2.00 |\n",
	 "f:1: 2 results in each row, 't/s master'"},
	{"Averages: prompt_tps=1, generation_tps=2\n", "f: averages of mlx_lm.benchmark"},
	{"2026-03-01 10:00:00,000 - INFO - Prompt: 240 tokens, 812.3 tokens-per-sec\n",
	 "f:1: it has no runs: here is a rate"},
	{"Prompt: 30.5 tokens-per-sec\nGeneration: 20.1 tokens-per-sec\n", "f:1: it does not say how many"},
	{"Iter 10: Train loss 2.843, Learning Rate 2.000e-05, It/sec 2.627, Tokens/sec 437.0\n",
	 "f: a training run of mlx_lm.lora"},
	{"{\"request_throughput\": 2.7, \"output_throughput\": 2765.4}", "f:1: a server under load"},
	{"============ Serving Benchmark Result ============\n", "f: many requests at once"},
	{"Throughput: 5.99 requests/s, 2868.21 tokens/s\n", "f: many requests at once"},
	{"Avg latency: 1.1 seconds\n", "f:1: a latency without input_len="},
	{"| PP | TG | N_KV | T_PP s | T_TG s |\n|---|---|---|---|---|\n| 512 | 128 | x | 1 | 1 |\n",
	 "f:3: N_KV: expected a number"},
	{"       eval time =   x ms /   275 tokens\n", "f:1: expected 'eval time"},
	{"eval count: 5 token(s)\neval rate: ? tokens/s\n", "f: it has no runs"},
	{"[ Prompt: 57.4 t/s | Generation: 23.1 t/s ]\n", "f:1: llama-cli's rates"},
	{"slot print_timing: id  3 | task 0 | n_decoded =   1081, tg =  12.93 t/s\n",
	 "f:1: llama-server's progress"},
	{"log\nDecode batch. #running-req: 1, gen throughput (token/s): 145.20, #queue-req: 0\n",
	 "f:2: SGLang's log"},
	{"Avg prompt throughput: 5.4 tokens/s, Avg generation throughput: 24.0 tokens/s, Running: 1 reqs\n",
	 "f:1: vLLM's log"},
	{"Output generated in 10.83 seconds (18.47 tokens/s, 200 tokens, context 57, seed 1)\n",
	 "f:1: text-generation-webui"},
	{"Metrics: 200 tokens generated in 5.2 seconds (Queue: 0.0 s, Generate: 40.1 T/s)\n",
	 "f:1: TabbyAPI"},
	{"BenchmarkModel/name=gemma3/step=prefill 1 78125.00 ns/token 12800.00 token/sec\n",
	 "f:1: ollama's bench"},
	{"Table stats:\n| Model | Prompt | Evaluation | Evalutaion |\n| Name | Evaluation Rate | Rate | "
	 "Count |\n"
	 "|---|---|---|---|\n| gemma3:4b | 100 | 10 | 7 |\n",
	 "f:2: ollama-benchmark's table"},
	{"{\"time_to_first_token\": 2.14, \"decode_token_times\": []}", "f: it has no runs"},
	{"TPOT: 25.10 ms\nThroughput : 39.84 tokens/s\n", "f:1: OpenVINO GenAI"},
	{"prefill: 45.6 tok/s, decode: 23.1 tok/s\n", "f:1: MLC LLM's rates"},
	{"+---+\n| model | test | t/s | ms/t | concurrency | throughput/s |\n", "f:2: mistralrs-bench"},
	{"| Model | Provider | Avg TPS | Avg TTFT (ms) |\n|---|---|---|---|\n| a | mlx | 73.4 | - |\n",
	 "f:1: llmfit's table"},
	{"ctx_tokens,prefill_tps,gen_tokens,gen_tps\n2048,160.1,128,15.9\n", "f:1: ds4-bench"},
	{"PERFORMANCE OVERVIEW\nTotal Output Throughput (tokens/sec): 5530\n", "f:1: trtllm-bench"},
	{"{\"schemaVersion\": 1, \"results\": [{\"provider\": \"mlx\", \"avgTps\": 220.2}]}",
	 "f:1: llmfit counts tokens over the time of whole requests"},
	{"{\"machineName\": \"M\", \"runs\": {\"m\": {\"backend\": \"mlx\", \"tg128\": 9}}}",
	 "f:1: backend: only llama.cpp"},
	{"{\"generationTPS\": 5, \"promptTPS\": 6, \"promptTokens\": 7}",
	 "f:1: 'completionTokens' is missing"},
	{"{\"stats\": {}, \"model_info\": {}}", "f:1: 'completion_tokens' is missing"},
	{"CtxLimit:100/4096, Amt:100/100, Process:2.05s (596.98T/s), Generate:4.38s (22.83T/s)\n",
	 "f:1: expected 'CtxLimit"},
	{"{\"timings\": {\"prompt_ms\": 1, \"prompt_n\": 4, \"predicted_ms\": 5, \"predicted_n\": 2, "
	 "\"draft_n\": 3}}",
	 "f:1: a draft model"},
};

START_TEST(a_hostile_file_is_refused)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct runs r = {.n = 77};

	ck_assert_int_eq(runs_parse(&a, "f", hostile[_i].text, strlen(hostile[_i].text), &r, &err), -1);
	ck_assert_msg(str_starts(err.msg, hostile[_i].msg), "'%s' does not begin with '%s'", err.msg,
		      hostile[_i].msg);
	ck_assert_uint_eq(r.n, 77); /* untouched */
	arena_release(&a);
}
END_TEST

/* As people paste them: a server's log of 2024 pads with blanks; of mlx_lm.generate two prompts without a generation. */
START_TEST(pasted_lines_are_all_read)
{
	static const struct {
		const char *text;
		int64_t prompt[2], gen[2], depth[2];
	} pasted[] = {
		{"> {\"msg\":\"prompt eval time     =     432.65 ms /    93 tokens (4.65 ms per token)\"}\n"
		 "> {\"msg\":\"generation eval time =   35653.82 ms /   621 runs   (57.41 ms per token)\"}\n",
		 {93, 0},
		 {0, 621},
		 {0, 93}},
		{"Prompt: 33898 tokens, 676.212 tokens-per-sec\nPeak memory: 12.257 GB\n\n"
		 "Prompt: 33898 tokens, 869.279 tokens-per-sec\nPeak memory: 9.111 GB\n",
		 {33897, 33897},
		 {1, 1},
		 {0, 0}},
		/* stats of Lemonade's server; the second with 172 tokens of the prompt cached */
		{"{\"time_to_first_token\": 2.14, \"tokens_per_second\": 33.33, \"input_tokens\": 128,\n"
		 " \"output_tokens\": 5, \"decode_token_times\": [0.01, 0.02]}\n",
		 {128, 0},
		 {0, 5},
		 {0, 128}},
		{"{\"time_to_first_token\": 2.14, \"tokens_per_second\": 33.33, \"input_tokens\": 128,\n"
		 " \"prompt_tokens\": 300, \"output_tokens\": 5, \"decode_token_times\": []}\n",
		 {128, 0},
		 {0, 5},
		 {172, 300}},
	};
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < ARRAY_LEN(pasted); i++) {
		struct err err = ERR_INIT;
		struct runs r;

		ck_assert_msg(runs_parse(&a, "f", pasted[i].text, strlen(pasted[i].text), &r, &err) == 0,
			      "%s", err.msg);
		ck_assert_uint_eq(r.n, 2);
		for (size_t k = 0; k < 2; k++) {
			ck_assert_int_eq(r.at[k].prompt, pasted[i].prompt[k]);
			ck_assert_int_eq(r.at[k].gen, pasted[i].gen[k]);
			ck_assert_int_eq(r.at[k].depth, pasted[i].depth[k]);
		}
	}
	arena_release(&a);
}
END_TEST

START_TEST(every_cut_of_a_file_is_survived)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	char *text;
	size_t len;

	ck_assert_int_eq(file_read(&a, good[_i].path, RUNS_FILE_MAX, &text, &len, &err), 0);
	for (size_t cut = 0; cut < len; cut += 7) {
		struct arena b = ARENA_INIT;
		struct runs r;

		err = (struct err)ERR_INIT;
		if (runs_parse(&b, "f", arena_strndup(&b, text, cut), cut, &r, &err) != 0)
			MUST(err.msg[0]);
		arena_release(&b);
	}
	arena_release(&a);
}
END_TEST

START_TEST(two_models_are_not_one)
{
	static const char text[] = "model,kind,prompt,seconds\na,pp,512,1\n\nb,pp,512,2\n";
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct runs r;

	ck_assert_int_eq(runs_parse(&a, "f", text, strlen(text), &r, &err), 0);
	ck_assert_int_eq(runs_one_model(&r, &err), -1);
	ck_assert_str_eq(err.msg, "f:4: model 'b' after 'a' at line 2");
	arena_release(&a);
}
END_TEST

/* Whose runs they are: by tool, build and -fa; the head is that of our own csv or of llama-bench's md. */
#define OWN "kind,prompt,seconds,tool,build,flash_attn\npp,512,1,"
static const struct {
	const char *text, *name; /* NULL: nobody's that is known */
	int64_t norm, scores, activation;
} made[] = {
	{"kind,prompt,seconds\npp,512,1\n", NULL, 0, 0, 0},
	{OWN "mlx_lm,,\n", "mlx_lm", 1, 1, 1},
	{OWN "llama-bench,,\n", "llama.cpp", 1, 2, 1},
	{OWN "llama-bench,7948,1\n", "llama.cpp", 1, 2, 1},
	{OWN "llama-bench,9500,-1\n", "llama.cpp", 1, 2, 1},
	{OWN "llama-bench,9436,\n", "llama.cpp without flash attention", 1, 4, 1},
	{OWN "llama-bench,9437,\n", "llama.cpp", 1, 2, 1},
	{OWN "llama-server,7948,\n", "llama.cpp", 1, 2, 1},
	{OWN "llama-bench,7948,0\n", "llama.cpp without flash attention", 1, 4, 1},
	{OWN "llama-bench,1550,false\n", "llama.cpp before July 2025, without flash attention", 2, 4, 2},
	{OWN "llama-bench,1550,\n", "llama.cpp before July 2025, without flash attention", 2, 4, 2},
	{OWN "llama-bench,5929,true\n", "llama.cpp before July 2025", 2, 1, 2},
	{OWN "llama-bench,5930,true\n", "llama.cpp", 1, 2, 1},
	{"| model | fa | test | t/s |\n|---|---|---|---|\n| a | 0 | pp512 | 10 |\n\nbuild: 8e672ef (1550)\n",
	 "llama.cpp before July 2025, without flash attention", 2, 4, 2},
	{"| model | fa | test | t/s |\n|---|---|---|---|\n| a | 1 | pp512 | 10 |\n\nbuild: 8e672ef (7948)\n",
	 "llama.cpp", 1, 2, 1},
	{"| model | test | t/s |\n|---|---|---|\n| a | pp512 | 10 |\n\nbuild: 8e672ef (junk)\n", "llama.cpp",
	 1, 2, 1},
	{"| model | test | t/s |\n|---|---|---|\n| a | pp512 | 10 |\n\nbuild: 8e672ef (7948)\n",
	 "llama.cpp without flash attention", 1, 4, 1},
	{"{\"n_prompt\": 512, \"n_gen\": 0, \"avg_ns\": 1e9, \"build_number\": 4748, \"flash_attn\": false}",
	 "llama.cpp before July 2025, without flash attention", 2, 4, 2},
	{"{\"n_prompt\": 512, \"n_gen\": 0, \"avg_ns\": 1e9, \"build_number\": 9500, \"flash_attn\": -1}",
	 "llama.cpp", 1, 2, 1},
	{"{\"pp\": 512, \"tg\": 32, \"pl\": 1, \"t_pp\": 1, \"t_tg\": 1, \"flash_attn\": 0}",
	 "llama.cpp without flash attention", 1, 4, 1},
};

START_TEST(a_program_is_told)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct runs r;
	const struct runtime_kernels *p;

	ck_assert_msg(runs_parse(&a, "f", made[_i].text, strlen(made[_i].text), &r, &err) == 0, "%s",
		      err.msg);
	ck_assert_int_eq(runs_one_runtime(&r, &err), 0);
	p = runtime_kernels_of(&r);
	ck_assert_int_eq(p == NULL, made[_i].name == NULL);
	if (p) {
		ck_assert_str_eq(p->name, made[_i].name);
		ck_assert_int_eq(p->norm.kernels, made[_i].norm);
		ck_assert_int_eq(p->scores.kernels, made[_i].scores);
		ck_assert_int_eq(p->activation.kernels, made[_i].activation);
	}
	arena_release(&a);
}
END_TEST

START_TEST(two_programs_are_not_one)
{
	static const char text[] =
		"kind,prompt,seconds,tool,flash_attn\npp,512,1,llama-bench,1\npp,256,1,llama-bench,0\n";
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct runs r;

	ck_assert_int_eq(runs_parse(&a, "f", text, strlen(text), &r, &err), 0);
	ck_assert_int_eq(runs_one_runtime(&r, &err), -1);
	ck_assert_str_eq(err.msg,
			 "f:3: a run of llama.cpp without flash attention after one of llama.cpp at line 2");
	arena_release(&a);
}
END_TEST

Suite *suite_ingest(void)
{
	Suite *s = suite_create("ingest");
	TCase *ingest = tcase_create("ingest");

	tcase_add_test(ingest, a_build_is_of_its_table);
	tcase_add_test(ingest, vllm_mlx_is_told_to_be_mlx);
	tcase_add_loop_test(ingest, a_foreign_file_is_read, 0, (int)ARRAY_LEN(good));
	tcase_add_loop_test(ingest, a_hostile_file_is_refused, 0, (int)ARRAY_LEN(hostile));
	tcase_add_test(ingest, pasted_lines_are_all_read);
	tcase_add_loop_test(ingest, every_cut_of_a_file_is_survived, 0, (int)ARRAY_LEN(good));
	tcase_add_test(ingest, two_models_are_not_one);
	tcase_add_loop_test(ingest, a_program_is_told, 0, (int)ARRAY_LEN(made));
	tcase_add_test(ingest, two_programs_are_not_one);
	suite_add_tcase(s, ingest);
	return s;
}
