/* check_said.c - what a report says beside its rates of where the model ran: read in every form, in every place. */
#include <string.h>

#include "sim/base/str.h"
#include "sim/runs/ingest.h"
#include "tests/suites.h"

static void check_said(const struct run *run, enum run_column column, const char *said)
{
	if (said)
		ck_assert_pstr_eq(run->says[column], said);
	else
		ck_assert_ptr_null(run->says[column]);
}

/* --- ollama ps ------------------------------------------------------------------------------------ */

static const struct {
	const char *processor, *layers, *backend;
} processors[] = {{"11%/89% CPU/GPU", "11%/89% CPU/GPU", NULL},
		  {"100% GPU", "100% GPU", NULL},
		  {"100% CPU", NULL, "CPU"},
		  {"63%/37% CPU/GPU", "63%/37% CPU/GPU", NULL}};

static const char answer[] = "prompt eval count:    1012 token(s)\nprompt eval duration: 800ms\n"
			     "eval count:           256 token(s)\neval duration:        7.1s\n"
			     "eval rate:            36.05 tokens/s\n";

/* The line alone, in the table, behind a remark; before or behind the answer; the command says the model or does not, or says
 * another, whose answer it is then. */
START_TEST(what_ollama_ps_says)
{
	static const char *const fronts[] = {
		"", "NAME           ID              SIZE      PROCESSOR          CONTEXT    UNTIL\n",
		"0.7.0: "};
	static const char *const commands[] = {"", "$ ollama run gpt-oss:20b --verbose\n",
					       "$ ollama run qwen3:8b\n"};
	const size_t p = (size_t)_i % 4, front = (size_t)_i / 4 % 3, command = (size_t)_i / 12 % 3;
	const bool behind = _i / 36;
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	const char *ps = arena_printf(
		&a, "%sgpt-oss:20b    17052f91a42e    14 GB     %s    8192       4 minutes from now\n",
		fronts[front], processors[p].processor);
	const char *text =
		arena_printf(&a, "%s%s%s%s", commands[command], behind ? "" : ps, answer, behind ? ps : "");
	struct runs r;

	ck_assert_msg(runs_parse(&a, "f", text, strlen(text), &r, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(r.n, 2);
	for (size_t i = 0; i < r.n; i++) {
		ck_assert_str_eq(r.at[i].model, command == 2 ? "qwen3:8b" : "gpt-oss:20b");
		check_said(&r.at[i], COLUMN_GPU_LAYERS, command == 2 ? NULL : processors[p].layers);
		check_said(&r.at[i], COLUMN_BACKEND, command == 2 ? NULL : processors[p].backend);
	}
	arena_release(&a);
}
END_TEST

/* Two lines of a model: it is told that the CPU had a part. Of two models: neither is taken. */
START_TEST(several_lines_of_ollama_ps)
{
	static const char *const names[] = {"gpt-oss:20b", "qwen3:8b"};
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	const char *text = arena_printf(&a,
					"gpt-oss:20b  17052f91a42e  14 GB  %s  8192  Forever\n"
					"%s  17052f91a42f  14 GB  %s  8192  Forever\n%s",
					_i & 1 ? "100% GPU" : "9%/91% CPU/GPU", names[_i / 2],
					_i & 1 ? "9%/91% CPU/GPU" : "100% GPU", answer);
	struct runs r;

	MUST(runs_parse(&a, "f", text, strlen(text), &r, &err) == 0);
	check_said(&r.at[0], COLUMN_GPU_LAYERS, _i / 2 ? NULL : "9%/91% CPU/GPU");
	ck_assert_int_eq(r.at[0].model != NULL, _i / 2 == 0);
	arena_release(&a);
}
END_TEST

/* --- koboldcpp's benchmark ------------------------------------------------------------------------ */

static const char *const libraries[][2] = {{"koboldcpp_cublas.dll", "CUDA"},
					   {"koboldcpp_hipblas.so", "ROCm"},
					   {"koboldcpp_vulkan.so", "Vulkan"},
					   {"koboldcpp_default.so", NULL}};

START_TEST(what_koboldcpp_says)
{
	static const char *const layers[] = {"81", "0", "-1"};
	const size_t library = (size_t)_i % 4, k = (size_t)_i / 4 % 3;
	const bool rows = _i / 12 % 2, lines = _i / 24;
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	const char *flags =
		rows ? "Cublas_Args=['rowsplit'] Tensor_Split=None" : "Cublas_Args=[] Tensor_Split=None";
	const char *text =
		lines ? arena_printf(
				&a,
				"Flags: %s\nBackend: %s\nLayers: %s\nModel: m-7b\nMaxCtx: 8192\nGenAmount: "
				"100\n"
				"ProcessingTime: 79.72s\nProcessingSpeed: 101.50T/s\nGenerationTime: 15.95s\n"
				"GenerationSpeed: 6.27T/s\n",
				flags, libraries[library][0], layers[k])
		      : arena_printf(&a,
				     "Timestamp,Backend,Layers,Model,MaxCtx,GenAmount,ProcessingTime,"
				     "ProcessingSpeed,"
				     "GenerationTime,GenerationSpeed,TotalTime,Output,Flags\n"
				     "2024,%s,%s,m-7b,8192,100,79.72,101.50,15.95,6.27,95.67,1,%s\n",
				     libraries[library][0], layers[k], flags);
	struct runs r;

	ck_assert_msg(runs_parse(&a, "f", text, strlen(text), &r, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(r.n, 2);
	for (size_t i = 0; i < r.n; i++) {
		check_said(&r.at[i], COLUMN_BACKEND, libraries[library][1]);
		check_said(&r.at[i], COLUMN_GPU_LAYERS, layers[k]);
		check_said(&r.at[i], COLUMN_SPLIT_MODE, rows ? "row" : NULL);
	}
	ck_assert_int_eq(r.at[0].prompt, 8092);
	ck_assert_int_eq(r.at[1].depth, 8092);
	arena_release(&a);
}
END_TEST

/* The lines of versions of 2023 and 2024, over one line or two, quoted, with what the cache holds or without: the counts are of the
 * times of a token. */
START_TEST(what_koboldcpp_said)
{
	static const char *const forms[] = {
		"%sProcessing:47.38s (36.7ms/T), Generation:18.84s (303.9ms/T), Total:66.23s (0.94T/s)\n",
		"> %sProcessing:47.38s (36.7ms/T)\n> Generation:18.84s (303.9ms/T), Total:66.23s (0.94T/s)\n",
		"%sProcessing:47.38s (36.7ms/T), Generation:18.84s (303.9ms/T)\nTotal:66.23s\n"};
	static const char *const fronts[] = {"ContextLimit: 1353/16384, ", "", "ContextLimit: 2053/16384, "};
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct str s = STR_INIT;
	struct runs r;
	const char *at = strstr(forms[_i % 3], "%s");

	str_add_n(&s, forms[_i % 3], (size_t)(at - forms[_i % 3]));
	str_addf(&s, "%s%sprompt: again\n%s%s", fronts[_i / 3], at + 2, fronts[_i / 3], at + 2);
	ck_assert_msg(runs_parse(&a, "f", s.text, s.len, &r, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(r.n, 4);
	ck_assert_int_eq(r.at[2].prompt, 1291);
	ck_assert_int_eq(r.at[2].depth, _i / 3 == 2 ? 700 : 0);
	ck_assert_int_eq(r.at[3].gen, 62);
	ck_assert_int_eq(r.at[3].depth, _i / 3 == 2 ? 1991 : 1291);
	ck_assert_double_eq_tol(r.at[3].seconds, 18.84, 1e-9);
	str_release(&s);
	arena_release(&a);
}
END_TEST

/* --- llama-server --------------------------------------------------------------------------------- */

START_TEST(the_model_of_an_answer)
{
	static const char *const models[] = {"\"model\":\"gpt-oss-20b\",", "", "\"model\":\"\","};
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	const char *text = arena_printf(
		&a,
		"{%s\"usage\":{\"prompt_tokens\":900},\"timings\":{\"prompt_n\":900,\"prompt_ms\":412.3,"
		"\"predicted_n\":200,\"predicted_ms\":1800.2}}",
		models[_i]);
	struct runs r;

	ck_assert_msg(runs_parse(&a, "f", text, strlen(text), &r, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(r.n, 2);
	ck_assert_pstr_eq(r.at[0].model, _i ? NULL : "gpt-oss-20b");
	arena_release(&a);
}
END_TEST

/* --- mlx_lm.benchmark ----------------------------------------------------------------------------- */

/* The command says what the line "Timing with" would: short or long options, '=' or a blank, over one line or several. */
START_TEST(averages_of_a_command)
{
	static const char *const ways[] = {"-p 128 -g 64 -b 16",
					   "--prompt-tokens 128 --generation-tokens 64 --batch-size 16",
					   "--prompt-tokens=128 --generation-tokens=64 --batch-size=16",
					   "\\\n  -p 128 \\\n  -g 64 -b 16"};
	static const char *const heads[] = {
		"", "Timing with prompt_tokens=128, generation_tokens=64, batch_size=16.\n"};
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	const char *text =
		arena_printf(&a,
			     "$ mlx_lm.benchmark --model mlx-community/Qwen3-8B-4bit %s\n%s"
			     "Averages: prompt_tps=944.421, generation_tps=301.916, peak_memory=46.885\n",
			     ways[_i % 4], heads[_i / 4]);
	struct runs r;

	ck_assert_msg(runs_parse(&a, "f", text, strlen(text), &r, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(r.n, 2);
	ck_assert_int_eq(r.at[0].prompt, 127);
	ck_assert_int_eq(r.at[1].gen, 63);
	ck_assert_int_eq(r.at[1].batch, 16);
	ck_assert_str_eq(r.at[0].model, "mlx-community/Qwen3-8B-4bit");
	arena_release(&a);
}
END_TEST

/* Two versions compared: each line of averages is a run, with a word before it or not, below a command or the line "Timing with". */
START_TEST(averages_below_each_other)
{
	static const char *const heads[] = {
		"$ mlx_lm.benchmark --model m-4bit -p 128 -g 64\n",
		"Timing with prompt_tokens=128, generation_tokens=64, batch_size=1.\n",
		("Timing with prompt_tokens=128, generation_tokens=64\n"
		 "Trial 1:  prompt_tps=900.0, generation_tps=50.0\n")};
	static const char *const words[][2] = {
		{"", ""}, {"Pre: ", "Post: "}, {"**before:** ", "**after:** "}};
	const bool trials = _i / 3 == 2;
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	const char *text =
		arena_printf(&a,
			     "%s%sAverages: prompt_tps=800.000, generation_tps=40.000, peak_memory=6.0\n"
			     "%sAverages: prompt_tps=900.000, generation_tps=50.000, peak_memory=7.0\n",
			     heads[_i / 3], words[_i % 3][0], words[_i % 3][1]);
	struct runs r;

	ck_assert_msg(runs_parse(&a, "f", text, strlen(text), &r, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(r.n, trials ? 2 : 4); /* averages are of the trials above them */
	ck_assert_double_eq_tol(r.at[0].seconds, 128 / (trials ? 900.0 : 800.0), 1e-9);
	ck_assert_double_eq_tol(r.at[r.n - 2].seconds, 128 / 900.0, 1e-9);
	ck_assert_int_eq(r.at[r.n - 1].gen, 63);
	arena_release(&a);
}
END_TEST

/* mlx_vlm writes the prompt's text, and its model is that of the command; that an image took time is told. */
START_TEST(what_mlx_vlm_says)
{
	static const char *const images[] = {"", " --image boat.png"};
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	const char *text =
		arena_printf(&a,
			     "$ mlx_vlm.generate --model mlx-community/Qwen3-VL-2B-Instruct-4bit%s\n"
			     "==========\nPrompt: <|im_start|>user - the state-of-the-art?\n\nIt is.\n"
			     "==========\nPrompt: 312 tokens, 1204.123 tokens-per-sec\n"
			     "Generation: 100 tokens, 181.234 tokens-per-sec\nPeak memory: 3.512 GB\n",
			     images[_i]);
	struct runs r;

	ck_assert_msg(runs_parse(&a, "f", text, strlen(text), &r, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(r.n, 2);
	ck_assert_int_eq(r.at[0].prompt, 311);
	ck_assert_str_eq(r.at[1].model, "mlx-community/Qwen3-VL-2B-Instruct-4bit");
	ck_assert_uint_eq(r.notes.n, (size_t)_i);
	arena_release(&a);
}
END_TEST

/* What vLLM's line of settings says of each latency below it: model, format, cache, and whether it was split. */
START_TEST(what_vllm_says)
{
	static const char text[] =
		"Namespace(subparser='bench', input_len=32, output_len=128, batch_size=8, "
		"model='meta-llama/Llama-3.1-8B', "
		"tensor_parallel_size=1, quantization=None, kv_cache_dtype='auto', enforce_eager=False, "
		"speculative_config=None)\n"
		"Avg latency: 2.33 seconds\n10% percentile latency: 2.32 seconds\n"
		"Namespace(model='Qwen/Qwen3-8B', quantization='fp8', tensor_parallel_size=2, "
		"kv_cache_dtype='fp8', input_len=64, "
		"output_len=16, batch_size=1, tokenizer='x')\nWARNING: slow\nAvg latency: 1.5 seconds\n";
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct runs r;

	ck_assert_msg(runs_parse(&a, "f", text, strlen(text), &r, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(r.n, 2);
	ck_assert_str_eq(r.at[0].model, "meta-llama/Llama-3.1-8B");
	ck_assert_ptr_null(r.at[0].weights);
	check_said(&r.at[0], COLUMN_SPLIT_MODE, NULL);
	check_said(&r.at[0], COLUMN_KV_K, NULL);
	ck_assert_str_eq(r.at[1].model, "Qwen/Qwen3-8B");
	ck_assert_str_eq(r.at[1].weights, "fp8");
	check_said(&r.at[1], COLUMN_SPLIT_MODE, "tensor_parallel_size=2");
	check_said(&r.at[1], COLUMN_KV_V, "fp8");
	ck_assert_int_eq(r.at[1].line, 6);
	ck_assert_double_eq_tol(r.at[1].seconds, 1.5, 1e-9);
	arena_release(&a);
}
END_TEST

/* What starts a run on several machines is said, over one line or two. */
START_TEST(what_starts_several)
{
	static const char *const starts[][2] = {
		{"$ mlx.launch -n 2 mlx_lm.benchmark --model m-4bit -p 512 -g 128 --pipeline\n",
		 "mlx.launch -n 2"},
		{"mlx.launch --hostfile m3.json --backend jaccl -- \\\n  mlx_lm.benchmark --model m-4bit -p "
		 "512 -g 128\n",
		 "mlx.launch --hostfile m3.json"},
		{"mpirun -np 2 python -m mlx_lm.benchmark --model m-4bit -p 512 -g 128\n", "mpirun -np 2"},
		{"mlx_lm.benchmark --model m-4bit -p 512 -g 128\n", NULL},
		{"mlx.launch -n 2 mlx_lm.chat --model m-4bit\nmlx_lm.benchmark --model m-4bit -p 512 -g "
		 "128\n",
		 NULL}};
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	const char *text = arena_printf(
		&a, "%sAverages: prompt_tps=110.1, generation_tps=14.5, peak_memory=20.2\n", starts[_i][0]);
	struct runs r;

	ck_assert_msg(runs_parse(&a, "f", text, strlen(text), &r, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(r.n, 2);
	for (size_t i = 0; i < r.n; i++)
		if (starts[_i][1])
			ck_assert_ptr_nonnull(strstr(r.at[i].says[COLUMN_RPC], starts[_i][1]));
		else
			ck_assert_ptr_null(r.at[i].says[COLUMN_RPC]);
	ck_assert_str_eq(r.at[0].model, "m-4bit");
	arena_release(&a);
}
END_TEST

/* What a log says of the context is the row's: flash attention, the cache's formats, how much of a prompt at once. */
static const struct {
	const char *line;
	enum flash flash;
	const char *k, *v;
	int64_t chunk;
} contexts[] = {
	{"llama_context: flash_attn    = enabled", FLASH_ON, NULL, NULL, 512},
	{"llama_context: flash_attn    = disabled", FLASH_OFF, NULL, NULL, 512},
	{"llama_context: flash_attn    = auto", FLASH_UNSAID, NULL, NULL, 512},
	{"llama_context: flash_attn    = auto\nsched_reserve: Flash Attention was auto, set to enabled",
	 FLASH_ON, NULL, NULL, 512},
	{"llama_new_context_with_model: flash_attn = 0", FLASH_OFF, NULL, NULL, 512},
	{"llama_new_context_with_model: flash_attn = 1", FLASH_ON, NULL, NULL, 512},
	{"llama_kv_cache: size =  512.00 MiB (  8192 cells,  32 layers,  1/1 seqs), K (q8_0):  256.00 MiB, V "
	 "(q4_0):  128.00 MiB",
	 FLASH_UNSAID, "q8_0", "q4_0", 512},
	{"llama_new_context_with_model: KV self size  = 1024.00 MiB, K (f16):  512.00 MiB, V (f16):  512.00 "
	 "MiB",
	 FLASH_UNSAID, "f16", "f16", 512},
	{"llama_context: n_batch       = 2048\nllama_context: n_ubatch      = 1024", FLASH_UNSAID, NULL, NULL,
	 1024},
	{"llama_context: n_batch       = 256\nllama_context: n_ubatch      = 512", FLASH_UNSAID, NULL, NULL,
	 256},
	{"llama-server -m m.gguf -fa off -ub 256\nllama_context: n_ubatch = 128", FLASH_OFF, NULL, NULL,
	 128}};

START_TEST(what_a_context_is)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	const char *text = arena_printf(
		&a, "%s\nprompt eval time = 142.31 ms / 2620 tokens\neval time = 816.42 ms / 49 runs\n",
		contexts[_i].line);
	struct runs r;

	ck_assert_msg(runs_parse(&a, "f", text, strlen(text), &r, &err) == 0, "%s", err.msg);
	for (size_t i = 0; i < r.n; i++) {
		ck_assert_int_eq(r.at[i].flash, contexts[_i].flash);
		check_said(&r.at[i], COLUMN_KV_K, contexts[_i].k);
		check_said(&r.at[i], COLUMN_KV_V, contexts[_i].v);
	}
	ck_assert_int_eq(r.at[0].chunk, contexts[_i].chunk);
	arena_release(&a);
}
END_TEST

/* The line of LM Studio, whole or as its window's parts come, each below the other. */
START_TEST(what_lm_studio_says)
{
	static const char *const forms[] = {
		"66.23 tok/sec * 283 tokens * 0.26s to first token\n",
		"66.23 tok/sec\n283 tokens\n0.26s to first token\nStop reason: EOS Token Found\n",
		"lm studio:\n66.23 tok/sec\n283 tokens\n", "> 66.23 tok/sec\n> 283 tokens\n"};
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct runs r;

	ck_assert_msg(runs_parse(&a, "f", forms[_i], strlen(forms[_i]), &r, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(r.n, 1);
	ck_assert_int_eq(r.at[0].gen, 283);
	ck_assert_double_eq_tol(run_rate(&r.at[0]), 66.23, 1e-9);
	arena_release(&a);
}
END_TEST

/* A cache of fewer bits is said by the rows that reach it: from token 5,000 on, if the command says no other. */
static const struct {
	const char *options;
	int64_t prompt;
	const char *pp, *tg; /* NULL: the cache stayed as it is */
} quantized[] = {{"", 8000, NULL, NULL},
		 {"--kv-bits 4", 8000, "4 bits", "4 bits"},
		 {"--kv-bits 8 --kv-group-size 64", 8000, "8 bits", "8 bits"},
		 {"--kv-bits=4", 5100, "4 bits", "4 bits"},
		 {"--kv-bits 4", 4950, NULL, "4 bits"},
		 {"--kv-bits 4", 1000, NULL, NULL},
		 {"--kv-bits 4 --quantized-kv-start 0", 1000, "4 bits", "4 bits"},
		 {"--kv-bits 4 --quantized-kv-start 20000", 8000, NULL, NULL},
		 {"--max-kv-size 4096", 8000, "4096 tokens", "4096 tokens"},
		 {"--max-kv-size 8100", 8000, NULL, "8100 tokens"},
		 {"--max-kv-size 9000", 8000, NULL, NULL}};

static bool says_kv(const struct run *run, const char *want)
{
	const char *k = run->says[COLUMN_KV_K], *v = run->says[COLUMN_KV_V];

	return want ? k && v && !strcmp(k, want) && !strcmp(v, want) : !k && !v;
}

START_TEST(mlx_caches_of_fewer_bits)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct runs r;
	const char *text =
		arena_printf(&a,
			     "$ mlx_lm.generate --model mlx-community/Qwen3-8B-4bit %s\n==========\n"
			     "Prompt: %lld tokens, 321.8 tokens-per-sec\n"
			     "Generation: 200 tokens, 43.1 tokens-per-sec\nPeak memory: 6.5 GB\n",
			     quantized[_i].options, (long long)quantized[_i].prompt);

	ck_assert_msg(runs_parse(&a, "f", text, strlen(text), &r, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(r.n, 2);
	ck_assert(says_kv(&r.at[0], quantized[_i].pp) && says_kv(&r.at[1], quantized[_i].tg));
	arena_release(&a);
}
END_TEST

/* Texts that are no run say why. */
static const char *const refused[][2] = {
	{"mlx_lm.benchmark --model m -p $p -g 64\nAverages: prompt_tps=94, generation_tps=30, "
	 "peak_memory=4\n",
	 "without its line 'Timing with'"},
	{"Namespace(input_len=32, output_len=128, batch_size=8, speculative_config={'method': 'eagle'})\nAvg "
	 "latency: 2.33 "
	 "seconds\n",
	 "a draft model guessed tokens"},
	{"Namespace(input_len=32, output_len=128, batch_size=8, enforce_eager=True)\nAvg latency: 2.33 "
	 "seconds\n",
	 "without CUDA graphs"},
	{"| gemma4 E2B Q4_0 | 2.82 GiB | 4.65 B | Hexagon-cDSP |  99 |  pp200 |  1252.01 \xc2\xb1 16.10 |\n",
	 "f:1: rows of llama-bench without the line"},
	{"Metric | Before | After | % Diff\n-- | -- | -- | --\nPrompt Tokens/sec | 2.807 | 2.825 | +0.64%\n",
	 "two results in each row, 'before' and 'after'"},
	{"Context | prompt tok/s pre | prompt tok/s post\n---|---|---\n4096 | 199.149 | 213.337\n",
	 "two results in each row, 'pre' and 'post'"},
	{"It had prompt_tps=439.8, generation_tps=86.4 on average.\n", "without its line 'Timing with'"},
	{"mlx_lm.generate --model m --draft-model d\nPrompt: 17 tokens, 42.0 tokens-per-sec\nGeneration: 16 "
	 "tokens, "
	 "20.3 tokens-per-sec\n",
	 "a draft model guessed tokens"},
	{"prompt eval time = 1423.31 ms / 2623 tokens\neval time = 8164.42 ms / 495 tokens\ndraft acceptance "
	 "rate = "
	 "0.78652 ( 210 accepted / 267 generated)\n",
	 "a draft model guessed tokens"},
	{"n_draft   = 5\nn_drafted = 730\nn_accept  = 526\n\ndraft:\n\nllama_perf_context_print:        eval "
	 "time = "
	 "3303.87 ms /   584 runs   (    5.66 ms per token,   176.76 tokens per second)\n",
	 "a draft model guessed tokens"},
	{"slot print_timing: id  0 | task 4121 | n_gen =    215, tg =  18.96 t/s, tg_3s =  19.26 t/s\n",
	 "in the middle of an answer"},
	{"slot print_timing: id  3 | task 856 | prompt processing, n_tokens =  17410, progress = 0.39, t =  "
	 "16.72 s\n",
	 "in the middle of a prompt"},
	{"TPOT:  28.61 ms\nMax inflight requests: 128\nThroughput:   2273 token/s\n", "mini-sglang"},
	{"| Time To First Token (ms) | 16 |\n| Output Token Throughput (per sec) | 295 |\n", "GenAI-Perf"},
	{"| Prefill | 1 | 23.98 ms |\n| Decode (token) | 1 | 13.67 ms |\n", "TGI"},
	{"- **rapid-mlx**: 0.7.1\n- **short bucket decode_tps (median)**: 112.5\n", "Rapid-MLX"},
	{"oMLX - LLM inference, optimized for your Mac\nTest  TTFT(ms)  TPOT(ms)  pp TPS  tg TPS\n"
	 "pp1024/tg128  1145.3  32.18  894.1 tok/s  31.3 tok/s\n",
	 "f:1: oMLX's bench"},
	{"  run-1  wall= 10.94s  ttft= 81ms  toks=1000  wall_TPS= 91.4  decode_TPS= 92.1\n", "club-3090"},
	{"[BENCHMARK] model_name llama_13b batch_size 1 generation_time(ms) 3751.5 tokens_per_sec 43.09\n",
	 "TensorRT-LLM"},
	{"prefill speed = 45.45 tok/s\n decode speed = 30.19 tok/s\n", "MNN-LLM"},
	{"# {'Inference speed in tokens/sec': [17.6],\n#  'Seconds to first token': [0.65]}\n", "LitGPT"},
	{"some_lm_head\tANE\t8.74\t120.24\t1050.67\n", "anemll-bench"},
	{"| CPU | OS | Config | Model | Th | FA | Enc. | Dec. | Bch5 | PP | Commit |\n"
	 "| --- | -- | ------ | ----- | -- | -- | ---- | ---- | ---- | -- | ------ |\n"
	 "| M2 ULTRA | macOS | METAL | tiny | 1 | 0 | 11.14 | 1.40 | 0.49 | 0.01 | 6739eb8 |\n",
	 "a model of speech"}};

START_TEST(texts_that_are_no_run)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct runs r;

	ck_assert_int_eq(runs_parse(&a, "f", refused[_i][0], strlen(refused[_i][0]), &r, &err), -1);
	ck_assert_msg(strstr(err.msg, refused[_i][1]) != NULL, "%s", err.msg);
	arena_release(&a);
}
END_TEST

/* Scripts around ollama say the model before its answers; the next one's come under the next one's name. obench.sh of
 * geerlingguy/ollama-benchmark, llm_benchmark of aidatatools/ollama-benchmark (pull 9). */
START_TEST(scripts_name_their_model)
{
	static const char text[] = "Running benchmark 3 times using model: llama3.2:3b\n\n"
				   "eval rate:            5.61 tokens/s\n"
				   "Average Eval Rate: 5.61 tokens/second\n"
				   "model_name =    phi3:3.8b\nprompt = Write a poem\n"
				   "eval rate:            3.54 tokens/s\n";
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct runs r;

	ck_assert_msg(runs_parse(&a, "f", text, sizeof text - 1, &r, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(r.n, 2);
	ck_assert_str_eq(r.at[0].model, "llama3.2:3b");
	ck_assert_str_eq(r.at[1].model, "phi3:3.8b");
	arena_release(&a);
}
END_TEST

/* A table of llama-bench that a person translated, with commas before fractions, and the sign of its deviations read as Windows-1252. */
static const char *const translated[][3] = {
	{"Modell",
	 "Gr\xc3\xb6\xc3\x9f"
	 "e",
	 "Test"},
	{"\xe6\xa8\xa1\xe5\x9e\x8b", "\xe5\xa4\xa7\xe5\xb0\x8f", "\xe6\xb5\x8b\xe8\xaf\x95"},
	{"\xe3\x83\xa2\xe3\x83\x87\xe3\x83\xab", "\xe3\x82\xb5\xe3\x82\xa4\xe3\x82\xba",
	 "\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88"}};

START_TEST(translated_heads)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct runs r;
	const char *text = arena_printf(
		&a,
		"| %s | %s | params | %s | t/s |\n|---|---|---|---|---|\n"
		"| llama 8B Q4_0 | 4,33 GiB | 8,03 B | pp512 | 1168,31 \xc3\x82\xc2\xb1 1,92 |\n",
		translated[_i][0], translated[_i][1], translated[_i][2]);

	ck_assert_msg(runs_parse(&a, "f", text, strlen(text), &r, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(r.n, 1);
	ck_assert_ptr_nonnull(strstr(r.at[0].model, "llama 8B"));
	ck_assert_double_eq_tol(r.at[0].bytes, 4.33 * 1073741824.0, 1);
	ck_assert_double_eq_tol(r.at[0].params, 8.03e9, 1);
	ck_assert_double_eq_tol(512 / r.at[0].seconds, 1168.31, 1e-6);
	ck_assert_double_eq_tol(r.at[0].sd / r.at[0].seconds, 1.92 / 1168.31, 1e-9);
	arena_release(&a);
}
END_TEST

/* The chip that prose names, where rows say none and it names one alone. */
static const char *const spoken[][2] = {{"Mein Mac Studio (M2 Ultra, 192 GB), Modell in Q4_0", "M2 Ultra"},
					{"I ran this on my RTX 3090, driver 580.", "RTX 3090"},
					{"My RTX 3090 is behind an RTX 4090, as expected.", NULL},
					{"./llama-bench -m /models/M2/x.gguf", NULL},
					{"Nothing here names what it ran on.", NULL}};

START_TEST(prose_names_a_chip)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct runs r;
	const char *text =
		arena_printf(&a,
			     "%s\n\n| model | size | params | test | t/s |\n|---|---|---|---|---|\n"
			     "| llama 8B Q4_0 | 4.33 GiB | 8.03 B | pp512 | 1168.31 |\n",
			     spoken[_i][0]);

	ck_assert_msg(runs_parse(&a, "f", text, strlen(text), &r, &err) == 0, "%s", err.msg);
	if (spoken[_i][1])
		ck_assert_str_eq(r.at[0].spoken, spoken[_i][1]);
	else
		ck_assert_ptr_null(r.at[0].spoken);
	arena_release(&a);
}
END_TEST

/* A part of llama-server's answer, as people copy it. */
START_TEST(timings_without_their_answer)
{
	static const char text[] =
		"It says:\n  \"timings\": {\n    \"prompt_n\": 100,\n    \"prompt_ms\": 50.0,\n"
		"    \"predicted_n\": 51,\n    \"predicted_ms\": 1000.0\n  }\n";
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct runs r;

	ck_assert_msg(runs_parse(&a, "f", text, sizeof text - 1, &r, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(r.n, 2);
	ck_assert_int_eq(r.at[0].prompt, 100);
	ck_assert_double_eq_tol(r.at[0].seconds, 0.05, 1e-9);
	ck_assert_int_eq(r.at[0].line, 2);
	arena_release(&a);
}
END_TEST

/* A row whose model no column says has none, and not one without a name. */
START_TEST(row_without_model)
{
	static const char text[] = "| backend | test | t/s |\n|---|---|---|\n| CUDA | pp512 | 100.5 |\n";
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct runs r;

	ck_assert_msg(runs_parse(&a, "f", text, sizeof text - 1, &r, &err) == 0, "%s", err.msg);
	ck_assert_ptr_null(r.at[0].model);
	arena_release(&a);
}
END_TEST

/* Of the three lines of a prompt and of an answer any two tell the rest; an answer's rate alone is of 128 tokens, as is told. */
START_TEST(any_two_lines_of_an_answer)
{
	static const char *const lines[] = {"prompt eval count:    1012 token(s)\n",
					    "prompt eval duration: 2s\n",
					    "prompt eval rate:     506 tokens/s\n",
					    "eval count:           256 token(s)\n",
					    "eval duration:        8s\n",
					    "eval rate:            **32 tokens/s**\n"};
	const int kept = _i; /* bit k: line k is there; the last one always */
	const bool pp = (kept & 7) == 3 || (kept & 7) > 4, counts = kept >> 3 & 1, times = kept >> 4 & 1;
	const bool untold = (kept & 7) == 4, assumed = !counts && !times;
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	const char *text = "";
	struct runs r;

	for (int k = 0; k < 6; k++)
		if (k == 5 || kept >> k & 1)
			text = arena_printf(&a, "%s%s", text, lines[k]);
	ck_assert_msg(runs_parse(&a, "f", text, strlen(text), &r, &err) == 0, "%s\n%s", err.msg, text);
	ck_assert_msg(r.n == 1 + (size_t)pp, "%zu rows of\n%s", r.n, text);
	ck_assert_uint_eq(r.notes.n, (size_t)untold + (size_t)assumed);
	if (pp)
		ck_assert_double_eq_tol(run_rate(&r.at[0]), 506, 1e-9);
	ck_assert_double_eq_tol(run_rate(&r.at[pp]), 32, 1e-9);
	ck_assert_int_eq(r.at[pp].gen, assumed ? 128 : 256);
	if (untold)
		ck_assert_ptr_nonnull(strstr(r.notes.at[0], "kind,model,weights,prompt,gen,tok_per_s"));
	if (assumed)
		ck_assert_ptr_nonnull(strstr(r.notes.at[r.notes.n - 1], "taken for 128"));
	arena_release(&a);
}
END_TEST

Suite *suite_said(void)
{
	Suite *s = suite_create("said");
	TCase *t = tcase_create("said");

	tcase_add_loop_test(t, what_ollama_ps_says, 0, 72);
	tcase_add_loop_test(t, several_lines_of_ollama_ps, 0, 4);
	tcase_add_loop_test(t, what_koboldcpp_says, 0, 48);
	tcase_add_loop_test(t, what_koboldcpp_said, 0, 9);
	tcase_add_loop_test(t, the_model_of_an_answer, 0, 3);
	tcase_add_loop_test(t, averages_of_a_command, 0, 8);
	tcase_add_loop_test(t, averages_below_each_other, 0, 9);
	tcase_add_loop_test(t, what_mlx_vlm_says, 0, 2);
	tcase_add_test(t, what_vllm_says);
	tcase_add_loop_test(t, what_starts_several, 0, 5);
	tcase_add_loop_test(t, what_a_context_is, 0, ARRAY_LEN(contexts));
	tcase_add_loop_test(t, what_lm_studio_says, 0, 4);
	tcase_add_loop_test(t, mlx_caches_of_fewer_bits, 0, ARRAY_LEN(quantized));
	tcase_add_loop_test(t, texts_that_are_no_run, 0, ARRAY_LEN(refused));
	tcase_add_test(t, scripts_name_their_model);
	tcase_add_loop_test(t, translated_heads, 0, (int)ARRAY_LEN(translated));
	tcase_add_test(t, row_without_model);
	tcase_add_test(t, timings_without_their_answer);
	tcase_add_loop_test(t, prose_names_a_chip, 0, (int)ARRAY_LEN(spoken));
	tcase_add_loop_test(t, any_two_lines_of_an_answer, 0, 32);
	suite_add_tcase(s, t);
	return s;
}
