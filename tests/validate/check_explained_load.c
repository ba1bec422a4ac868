/* check_explained_load.c - a benchmark of a server is one run: its interval has the luck of its arrivals. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/file.h"
#include "sim/base/str.h"
#include "sim/validate/likely_causes.h"
#include "sim/validate/served.h"
#include "tests/fixtures.h"
#include "tests/suites.h"

enum { REQUESTS = 100, DRAWS = 60 };

/* What vllm bench serve prints of requests that come at that rate, and were answered as fast as they came. */
static const char *report(struct arena *a, const char *configured, double rate)
{
	return arena_printf(a,
			    "============ Serving Benchmark Result ============\n"
			    "Successful requests:            %d\n"
			    "%s"
			    "Total input tokens:             %d\n"
			    "Total generated tokens:         %d\n"
			    "Request throughput (req/s):     %.6g\n"
			    "==================================================\n",
			    REQUESTS, configured, REQUESTS * 256, REQUESTS * 32, rate);
}

static struct explained_row row_of(struct fixture *t, const char *text, int64_t seed)
{
	const char *machine = "nvidia-h100-sxm-80gb", *model = "llama-3.1-8b",
		   *path = arena_printf(&t->arena, "/tmp/lemursim-load-%d.txt", (int)getpid());
	struct validate_ask ask = {
		.draws = {.n = DRAWS, .seed = seed}, .weights = "bf16", .loader = &t->loader};
	struct explanation e;
	struct err err = ERR_INIT;

	MUST(file_write(path, text, strlen(text), true, &err) == 0);
	ask.subjects = (struct texts){&machine, 1};
	ask.from = (struct texts){&path, 1};
	ask.models = (struct texts){&model, 1};
	ck_assert_msg(explain_make(&ask, &e, &err) == 0, "%s%s", err.msg, fixture_complaints(t));
	remove(path);
	ck_assert_uint_eq(e.n, 1);
	return e.rows[0];
}

static void begin(struct fixture *t)
{
	*t = (struct fixture){.arena = ARENA_INIT};
	diags_init(&t->diags, &t->arena);
	loader_init(&t->loader, &t->arena, &t->diags);
}

/* The span of a Poisson process of n arrivals is off by 1/sqrt(n), of which 1.28 times is P10 and P90; the verdict is the same
 * whatever the seed. */
START_TEST(arrivals_by_chance)
{
	const double rate = 4, off = 1.28 / sqrt(REQUESTS);
	struct fixture t;
	struct explained_row r;

	begin(&t);
	r = row_of(&t, report(&t.arena, "Request rate configured (RPS):  4.00\n", rate), _i);
	ck_assert_double_gt(r.hi / r.lo, (1 + off) / (1 + off / 2));
	ck_assert_double_lt(r.hi / r.lo, (1 + 2 * off) / (1 - 2 * off));
	ck_assert_double_le(r.lo, rate);
	ck_assert_double_ge(r.hi, rate);
	ck_assert(r.normal);
	ck_assert(
		!row_of(&t, report(&t.arena, "Request rate configured (RPS):  4.00\n", rate / 2), _i).normal);
	fixture_release(&t);
}
END_TEST

/* What comes all at once has no such luck. */
START_TEST(all_at_once)
{
	struct explained_row first, second;
	struct fixture t;

	begin(&t);
	first = row_of(&t, report(&t.arena, "", 40), 1);
	second = row_of(&t, report(&t.arena, "", 40), 2);
	ck_assert_double_eq(first.expected, second.expected);
	fixture_release(&t);
}
END_TEST

/* --- what the commands above a block say ------------------------------------------------------------ */

static const char *const servers[] = {
	("vllm serve m --max-num-seqs 32 --kv-cache-dtype fp8_e4m3 \\\n --max-num-batched-tokens=4096 "
	 "--gpu-memory-utilization 0.85\n"),
	"python -m sglang.launch_server --model-path m --mem-fraction-static 0.9\n", ""};
static const char *const clients[][3] = {
	{"vllm bench serve --model m --request-rate 2.5 --max-concurrency 16\n", "2.5", "16"},
	{"vllm bench serve --model m \\\n  --max-concurrency=8 \\\n  --num-prompts 10\n", NULL, "8"},
	{"Namespace(backend='vllm', model='m', request_rate=4.0, max_concurrency=None)\n", "4.0", NULL},
	{"vllm bench serve --model m --request-rate inf\n", NULL, NULL},
	{"", NULL, NULL}};
/* of the block itself, which holds where it says */
static const char *const blocks[][3] = {
	{"", NULL, NULL},
	{"Request rate configured (RPS):  3.00\nMaximum request concurrency:  4\n", "3.00", "4"}};

static void check_change(const struct served_run *r, const char *setting, const char *said)
{
	const char *at = strstr(r->changes, setting);

	ck_assert_msg((at != NULL) == (said != NULL), "%s in '%s'", setting, r->changes);
	if (!said)
		return;
	ck_assert_msg(str_starts(at + strlen(setting), said), "%s of '%s'", said, r->changes);
	ck_assert_ptr_null(strstr(at + 1, setting));
}

START_TEST(commands_above_a_block)
{
	const size_t server = (size_t)_i % 3, client = (size_t)_i / 3 % ARRAY_LEN(clients),
		     block = (size_t)_i / 3 / ARRAY_LEN(clients);
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct served_runs runs = {.n = 0};
	const char *text = arena_printf(&a, "%s%s%s%s", servers[server], clients[client][0],
					report(&a, blocks[block][0], 2),
					/* what a command says is of its own block */
					report(&a, "", 2));

	ck_assert_msg(served_parse(&a, "f", text, &runs, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(runs.n, 2);
	check_change(&runs.at[0], "arrivals.rate=", blocks[block][1] ? blocks[block][1] : clients[client][1]);
	check_change(&runs.at[0], "max_in_flight=", blocks[block][2] ? blocks[block][2] : clients[client][2]);
	check_change(&runs.at[1], "arrivals.rate=", NULL);
	check_change(&runs.at[1], "max_in_flight=", NULL);
	ck_assert_uint_eq(runs.notes.n, server == 1);
	if (server == 1)
		ck_assert_ptr_nonnull(strstr(runs.notes.at[0], "--mem-fraction-static 0.9"));
	for (size_t i = 0; i < 2; i++) { /* a server stays for all that follow it */
		ck_assert_pstr_eq(runs.at[i].server,
				  server ? NULL : "seqs: 32, batch: 4096 tok, memory: 0.85");
		ck_assert_pstr_eq(runs.at[i].kv, server ? NULL : "fp8");
	}
	arena_release(&a);
}
END_TEST

/* What a server may not have is told, not taken: no number, none that is possible, a cache that is not known. */
START_TEST(options_that_cannot_be)
{
	static const char *const options[][2] = {{"--max-num-seqs many", NULL},
						 {"--max-num-seqs 0", NULL},
						 {"--gpu-memory-utilization 1.5", NULL},
						 {"--kv-cache-dtype nvfp4", "--kv-cache-dtype nvfp4"},
						 {"--kv-cache-dtype auto", NULL},
						 {"--enable-lora", "--enable-lora"},
						 {"--cpu-offload-gb 0", NULL}};
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct served_runs runs = {.n = 0};
	const char *text = arena_printf(&a, "vllm serve m %s\n%s", options[_i][0], report(&a, "", 2));

	ck_assert_msg(served_parse(&a, "f", text, &runs, &err) == 0, "%s", err.msg);
	ck_assert_ptr_null(runs.at[0].server);
	ck_assert_ptr_null(runs.at[0].kv);
	ck_assert_uint_eq(runs.notes.n, options[_i][1] != NULL);
	if (options[_i][1])
		ck_assert_ptr_nonnull(strstr(runs.notes.at[0], options[_i][1]));
	arena_release(&a);
}
END_TEST

/* Switches and versions of a server, of its command or its log, and of which program it is; nothing of the client's, of numbers that are no
 * version, or of options that only begin alike. */
START_TEST(what_a_server_is)
{
	static const struct {
		const char *text, *engine, *asked, *weights;
		int minor;
	} cases[] = {
		{"vllm serve m --enforce-eager --no-enable-prefix-caching", "vllm",
		 "eager: true, prefix_cache: false", NULL, 0},
		{"INFO vLLM API server version 0.9.1\nnon-default args: {'model': 'm', 'enforce_eager': "
		 "True}",
		 "vllm", "eager: true", NULL, 9},
		{"docker run vllm/vllm-openai:v0.19.1 --model m --no-async-scheduling --quantization fp8",
		 NULL, "async: false", "fp8", 19},
		{"pip install vllm==0.11.0\nvllm serve m --enforce-eager=x --gpu-memory-utilization 0.85",
		 "vllm", "eager: true", NULL, 11},
		{"vllm serve Qwen/Qwen3-0.6B --gpu-memory-utilization 0.85", "vllm", NULL, NULL, 0},
		{"vLLM takes 0.9 of the memory\nvllm bench serve --backend vllm --temperature 0.7", NULL,
		 NULL, NULL, 0},
		{"python -m sglang.launch_server --model-path m --disable-cuda-graph", "sglang",
		 "eager: true", NULL, 0},
		{"python -m sglang.launch_server --model-path m --disable-cuda-graph-padding", "sglang", NULL,
		 NULL, 0},
		{"trtllm-serve m --backend pytorch", "tensorrt-llm", NULL, NULL, 0},
		{"vllm serve m -O.cudagraph_mode=PIECEWISE", "vllm", "piecewise: true", NULL, 0},
		{"vllm serve m --compilation-config '{\"cudagraph_mode\": \"PIECEWISE\"}'", "vllm",
		 "piecewise: true", NULL, 0},
		{"vllm serve m -O.cudagraph_mode=FULL_AND_PIECEWISE", "vllm", NULL, NULL, 0},
		{"vllm==0.9.2\nvllm serve m --compilation-config '{\"full_cuda_graph\": true}'", "vllm",
		 "piecewise: false", NULL, 9},
		{"text-generation-launcher --model-id m", "tgi", NULL, NULL, 0}};
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		struct served_runs runs = {.n = 0};
		const char *text = arena_printf(&a, "%s\n%s", cases[i].text, report(&a, "", 2));

		ck_assert_msg(served_parse(&a, "f", text, &runs, &err) == 0, "%s", err.msg);
		ck_assert_pstr_eq(runs.at[0].own.engine, cases[i].engine);
		ck_assert_pstr_eq(runs.at[0].own.asked, cases[i].asked);
		ck_assert_pstr_eq(runs.at[0].own.weights, cases[i].weights);
		ck_assert_int_eq(runs.at[0].own.minor, cases[i].minor);
	}
	ck_assert_str_eq(server_said_engine(&a, "tensorrt-llm"), "tensorrt-llm");
	ck_assert_str_eq(server_said_engine(&a, "trt"), "tensorrt-llm");
	ck_assert_str_eq(server_said_engine(&a, "sglang-oai-chat"), "sglang");
	arena_release(&a);
}
END_TEST

/* The date of a run names the newest version that can have made it; a version that is said stands. */
START_TEST(a_date_bounds_the_version)
{
	static const struct {
		const char *date;
		int before, minor;
		bool by_date;
	} cases[] = {{"20250317-235959", 0, 7, true},  {"20250318-000000", 0, 10, true},
		     {"20251001-120000", 0, 10, true}, {"20251002-120000", 0, 13, true},
		     {"20260120-120000", 0, 0, false}, {"20250604-120000", 9, 9, false},
		     {"yesterday", 0, 0, false},       {"2025", 0, 0, false}};
	const int i = _i;
	struct arena a = ARENA_INIT;
	struct server_said s = {.minor = cases[i].before};

	server_said_date(cases[i].date, &s);
	ck_assert_int_eq(s.minor, cases[i].minor);
	ck_assert_int_eq(s.by_date, cases[i].by_date);
	server_said_take(&a, "INFO vLLM API server version 0.8.5", &s);
	ck_assert_int_eq(s.minor, cases[i].before ? cases[i].before : 8);
	ck_assert(!s.by_date);
	arena_release(&a);
}
END_TEST

START_TEST(weights_with_the_host_are_refused)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct served_runs runs = {.n = 0};
	const char *text = arena_printf(&a, "vllm serve m --cpu-offload-gb 8\n%s", report(&a, "", 2));

	ck_assert_int_eq(served_parse(&a, "f", text, &runs, &err), -1);
	ck_assert_msg(strstr(err.msg, "--cpu-offload-gb") != NULL, "%s", err.msg);
	arena_release(&a);
}
END_TEST

/* Requests a second of a server, as explain expects them of the report. */
static struct explained_row row_under(struct fixture *t, const char *command)
{
	return row_of(t, arena_printf(&t->arena, "%s\n%s", command, report(&t->arena, "", 40)), 1);
}

/* Without CUDA graphs each kernel waits for the host: fewer tokens, by how much is not well known. Planned one step after the other a
 * server is slower, too, as vLLM before 0.14 is. Another program's kernels are predicted wider, or not at all. */
START_TEST(servers_of_other_kinds)
{
	struct fixture t;
	struct explained_row graphs, eager, old, pieces, first, kin;

	begin(&t);
	graphs = row_under(&t, "vllm serve m");
	eager = row_under(&t, "vllm serve m --enforce-eager");
	old = row_under(&t, "vllm==0.12.0");
	kin = row_under(&t, "sglang serve --model-path m");
	ck_assert_double_lt(eager.expected, graphs.expected);
	ck_assert_double_gt(eager.hi / eager.lo, 1.2 * graphs.hi / graphs.lo);
	ck_assert_double_lt(old.expected, graphs.expected);
	/* of 32 layers, each by 34 us, which few launches in pieces can hide */
	pieces = row_under(&t, "vllm==0.10.2");
	first = row_under(&t, "vllm==0.7.3"); /* engine V0 recorded steps whole */
	ck_assert_double_lt(pieces.expected, 0.99 * old.expected);
	ck_assert_double_gt(pieces.hi / pieces.lo, old.hi / old.lo);
	ck_assert_double_eq(first.expected, old.expected);
	ck_assert_double_eq(row_under(&t, "vllm==0.12.0\nvllm serve m -O.cudagraph_mode=PIECEWISE").expected,
			    pieces.expected);
	ck_assert_double_eq(
		row_under(&t, "vllm==0.10.2\nvllm serve m -O '{\"full_cuda_graph\": true}'").expected,
		old.expected);
	ck_assert_double_gt(kin.hi / kin.lo, 1.5 * graphs.hi / graphs.lo);
	fixture_release(&t);
}
END_TEST

START_TEST(engines_that_nobody_measured)
{
	static const char *const commands[] = {"trtllm-serve m", "text-generation-launcher --model-id m",
					       "python benchmark_serving.py --backend lmdeploy"};
	const char *machine = "nvidia-h100-sxm-80gb", *model = "llama-3.1-8b";
	struct fixture t;
	struct explanation e;
	struct err err = ERR_INIT;
	const char *path, *text;
	struct validate_ask ask;

	begin(&t);
	path = arena_printf(&t.arena, "/tmp/lemursim-engine-%d.txt", (int)getpid());
	text = arena_printf(&t.arena, "%s\n%s", commands[_i], report(&t.arena, "", 40));
	ask = (struct validate_ask){.draws = {.n = 2, .seed = 1}, .weights = "bf16", .loader = &t.loader};
	MUST(file_write(path, text, strlen(text), true, &err) == 0);
	ask.subjects = (struct texts){&machine, 1};
	ask.from = (struct texts){&path, 1};
	ask.models = (struct texts){&model, 1};
	ck_assert_int_ne(explain_make(&ask, &e, &err), 0);
	ck_assert_msg(strstr(err.msg, "was not measured on nvidia-h100-sxm-80gb") != NULL, "%s", err.msg);
	ck_assert_ptr_nonnull(strstr(err.hint, "such as --runtime ")); /* one that the machine has */
	err = (struct err)ERR_INIT;
	ask.runtime = "vllm"; /* as that would run it, and no narrower than another program's kernels are */
	ck_assert_msg(explain_make(&ask, &e, &err) == 0, "%s%s", err.msg, fixture_complaints(&t));
	ck_assert_double_gt(e.rows[0].hi / e.rows[0].lo, 1.5);
	remove(path);
	fixture_release(&t);
}
END_TEST

/* Whatever the option is called. */
START_TEST(drafts_are_refused)
{
	static const char *const options[] = {"--speculative-config '{\"method\":\"mtp\"}'",
					      "--num-speculative-tokens=3", "--speculative-algorithm EAGLE"};
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct served_runs runs = {.n = 0};
	const char *text = arena_printf(&a, "vllm serve m \\\n  %s\n%s", options[_i], report(&a, "", 2));

	ck_assert_int_eq(served_parse(&a, "f", text, &runs, &err), -1);
	ck_assert_msg(strstr(err.msg, "a draft model guessed tokens") != NULL, "%s", err.msg);
	arena_release(&a);
}
END_TEST

/* Tokens of images, which SGLang's client counts apart (sgl-project/sglang, pull 9812), are no text's. */
START_TEST(images_are_refused)
{
	static const char text[] = "============ Serving Benchmark Result ============\n"
				   "Successful requests:                     8\n"
				   "Total input tokens:                      9000\n"
				   "Total input text tokens:                 1000\n"
				   "Total input vision tokens:               %d\n"
				   "Total generated tokens:                  800\n"
				   "Request throughput (req/s):              2.5\n"
				   "Mean TTFT (ms):                          12.5\n"
				   "==================================================\n";
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct served_runs runs = {.n = 0};

	ck_assert_msg(served_parse(&a, "f", arena_printf(&a, text, 0), &runs, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(served_parse(&a, "f", arena_printf(&a, text, 8000), &runs, &err), -1);
	ck_assert_msg(strstr(err.msg, "8000 of the prompts' tokens are of images") != NULL, "%s", err.msg);
	arena_release(&a);
}
END_TEST

Suite *suite_explained_load(void)
{
	Suite *s = suite_create("explained_load");
	TCase *t = tcase_create("explained_load");

	tcase_add_loop_test(t, arrivals_by_chance, 1, 6);
	tcase_add_test(t, all_at_once);
	tcase_add_loop_test(t, drafts_are_refused, 0, 3);
	tcase_add_test(t, what_a_server_is);
	tcase_add_loop_test(t, a_date_bounds_the_version, 0, 8);
	tcase_add_test(t, weights_with_the_host_are_refused);
	tcase_add_test(t, servers_of_other_kinds);
	tcase_add_loop_test(t, engines_that_nobody_measured, 0, 3);
	tcase_add_test(t, images_are_refused);
	tcase_add_loop_test(t, options_that_cannot_be, 0, 7);
	tcase_add_loop_test(t, commands_above_a_block, 0,
			    3 * (int)ARRAY_LEN(clients) * (int)ARRAY_LEN(blocks));
	suite_add_tcase(s, t);
	return s;
}
