/* server_said.c - see server_said.h. */
#include "sim/validate/server_said.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/str.h"

/* How servers are started. */
static const char *const starts[][2] = {{"vllm serve", "vllm"},           {"vllm.entrypoints", "vllm"},
					{"vLLM API server", "vllm"},      {"sglang.launch_server", "sglang"},
					{"sglang serve", "sglang"},       {"trtllm-serve", "tensorrt-llm"},
					{"trtllm-bench", "tensorrt-llm"}, {"text-generation-launcher", "tgi"},
					{"lmdeploy serve", "lmdeploy"},   {"mlc_llm serve", "mlc-llm"},
					{"aphrodite run", "aphrodite"},   {"ktransformers", "ktransformers"},
					{"tabbyAPI", "exllama"},          {"llama-server", "llama.cpp"},
					{"ollama serve", "ollama"},       {"mlx_lm.server", "mlx_lm"}};

/* Back ends of clients: ASYNC_REQUEST_FUNCS in vllm/benchmarks/lib/endpoint_request_func.py and, before, in
 * benchmarks/backend_request_func.py of vllm-project/vllm, and in python/sglang/bench_serving.py. */
static const char *const backends[][2] = {
	{"trt", "tensorrt-llm"}, {"tensorrt", "tensorrt-llm"}, {"trtllm", "tensorrt-llm"}};

/* Switches that a key of `serve` stands for. Prefixes: SGLang's radix cache is its prefix cache. */
static const char *const switches[][2] = {{"--enforce-eager", "eager: true"},
					  {"enforce_eager=True", "eager: true"},
					  {"'enforce_eager': True", "eager: true"},
					  {"--disable-cuda-graph", "eager: true"},
					  {"cudagraph_mode=PIECEWISE", "piecewise: true"},
					  {"\"cudagraph_mode\": \"PIECEWISE", "piecewise: true"},
					  {"\"cudagraph_mode\":\"PIECEWISE", "piecewise: true"},
					  {"\"full_cuda_graph\": true", "piecewise: false"},
					  {"\"full_cuda_graph\":true", "piecewise: false"},
					  {"cudagraph_mode=FULL", "piecewise: false"},
					  {"--async-scheduling", "async: true"},
					  {"--no-async-scheduling", "async: false"},
					  {"--no-enable-prefix-caching", "prefix_cache: false"},
					  {"--disable-radix-cache", "prefix_cache: false"},
					  {"--no-enable-chunked-prefill", "chunked: false"}};

/* What changes a run by more than any interval of it. */
static const char *const refusals[] = {"--cpu-offload-gb", "--cpu-offload-params"};

static bool in_word(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_';
}

/* The option by itself: "--disable-cuda-graph" is none of "--disable-cuda-graph-padding". */
static const char *option_in(const char *line, const char *option)
{
	const char *at = strstr(line, option);

	while (at && in_word(at[strlen(option)]))
		at = strstr(at + 1, option);
	return at;
}

/* The word behind an option and blanks or '='; NULL: none. */
static const char *word_of(struct arena *a, const char *line, const char *option)
{
	const char *at = option_in(line, option);
	size_t n = 0;

	if (!at)
		return NULL;
	at += strlen(option);
	at += strspn(at, " ='\"");
	while (in_word(at[n]) || at[n] == '.')
		n++;
	return n && *at != '-' ? arena_strndup(a, at, n) : NULL;
}

static void ask_for(struct arena *a, struct server_said *s, const char *key)
{
	const size_t name = strcspn(key, ":") + 1;

	if (!s->asked)
		s->asked = key;
	else if (!strstr(s->asked, arena_strndup(a, key, name)))
		s->asked = arena_printf(a, "%s, %s", s->asked, key);
}

/* Between the name and a version stand signs, or words that say that one follows: "vLLM at 0.9 of the memory" says none. */
static bool leads_to_version(const char *at, size_t n)
{
	enum { WORDS = 32 };
	char between[WORDS];

	if (n >= sizeof between)
		return false;
	memcpy(between, at, n);
	between[n] = '\0';
	return strspn(between, " =:v/-") == n || strstr(between, "version") || strstr(between, "openai:v");
}

/* "vLLM API server version 0.9.1", "vllm==0.11.0", "vllm/vllm-openai:v0.19.1". */
static int minor_of(const char *line)
{
	static const char name[] = "vllm";
	enum { MINOR_MOST = 999, NAME = sizeof name - 1 };

	for (const char *at = line; *at; at++) {
		const char *end;
		char *rest;
		long minor;

		if (strncasecmp(at, name, NAME) != 0)
			continue;
		end = at + NAME + strcspn(at + NAME, "0123456789");
		if (strncmp(end, "0.", 2) != 0 || !leads_to_version(at + NAME, (size_t)(end - at) - NAME))
			continue;
		minor = strtol(end + 2, &rest, 10);
		if (rest > end + 2 && minor > 0 && minor <= MINOR_MOST && !isalpha((unsigned char)*rest))
			return (int)minor;
	}
	return 0;
}

void server_said_take(struct arena *a, const char *line, struct server_said *s)
{
	static const char *const formats[] = {"--quantization", "-q"};

	for (size_t i = 0; i < ARRAY_LEN(starts) && !s->engine; i++)
		if (option_in(line, starts[i][0]))
			s->engine = starts[i][1];
	for (size_t i = 0; i < ARRAY_LEN(switches); i++)
		if (option_in(line, switches[i][0]))
			ask_for(a, s, switches[i][1]);
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		const char *word = word_of(a, line, refusals[i]);

		if (word && strcmp(word, "0") != 0)
			s->refused = refusals[i];
	}
	for (size_t i = 0; i < ARRAY_LEN(formats) && !s->weights; i++)
		s->weights = word_of(a, line, formats[i]);
	if (!s->minor || s->by_date) {
		const int minor = minor_of(line);

		s->by_date = s->by_date && !minor;
		s->minor = minor ? minor : s->minor;
	}
}

/* Days on which the versions came out that differ in what is predicted, one behind the other (tags of vllm-project/vllm). */
static const struct {
	long day;
	int minor;
} released[] = {{20250318, 8}, {20251002, 11}, {20260120, 14}};

void server_said_date(const char *date, struct server_said *s)
{
	const size_t digits = strspn(date, "0123456789");
	const long day = strtol(date, NULL, 10);

	if (digits != strlen("20250604") || s->minor)
		return;
	for (size_t i = 0; i < ARRAY_LEN(released) && !s->minor; i++)
		s->minor = day < released[i].day ? released[i].minor - 1 : 0;
	s->by_date = s->minor > 0;
}

const char *server_said_engine(struct arena *a, const char *backend)
{
	const char *name = arena_strndup(a, backend, strcspn(backend, "-"));

	for (size_t i = 0; i < ARRAY_LEN(backends); i++)
		if (!strcasecmp(name, backends[i][0]))
			return backends[i][1];
	return name;
}
