/* served_text.c - what vLLM's `bench serve` prints, and SGLang's bench_serving, whose block is alike; see served.h. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim/base/str.h"
#include "sim/base/vec.h"
#include "sim/validate/served.h"

enum { WORD_MOST = 128 };
#define COUNT_MOST 1e12

/* Names of lines, vllm/benchmarks/serve.py @009e6d4 and sglang's bench_serving.py, and what they are in the JSON file; NULL:
 * passed over, what follows from the others or is of no prediction here. */
static const struct {
	const char *line, *key;
} names[] = {{"Maximum request concurrency", "max_concurrency"},
	     {"Max request concurrency", "max_concurrency"},
	     {"Max reqeuest concurrency", "max_concurrency"}, /* as SGLang wrote it until 2025 */
	     {"Request rate configured (RPS)", "request_rate"},
	     {"Traffic request rate", "request_rate"},
	     {"Request throughput (req/s)", "request_throughput"},
	     {"Output token throughput (tok/s)", "output_throughput"},
	     {"Total token throughput (tok/s)", "total_token_throughput"}};

/* "Mean TTFT (ms)", "P99 E2EL (ms)", SGLang's "Median E2E Latency (ms)". */
static const char *latency_key(struct arena *a, const char *name)
{
	static const char *const latencies[][2] = {{"TTFT (ms)", "ttft"},
						   {"TPOT (ms)", "tpot"},
						   {"ITL (ms)", "itl"},
						   {"E2EL (ms)", "e2el"},
						   {"E2E Latency (ms)", "e2el"}};
	static const char *const stats[][2] = {
		{"Mean", "mean"}, {"Median", "median"}, {"P90", "p90"}, {"P95", "p95"}, {"P99", "p99"}};
	const char *rest = strchr(name, ' ');

	for (size_t i = 0; rest && i < ARRAY_LEN(stats); i++)
		for (size_t k = 0; k < ARRAY_LEN(latencies); k++)
			if (!strncmp(name, stats[i][0], (size_t)(rest - name)) &&
			    (size_t)(rest - name) == strlen(stats[i][0]) &&
			    !strcmp(rest + 1, latencies[k][0]))
				return arena_printf(a, "%s_%s_ms", stats[i][1], latencies[k][1]);
	return NULL;
}

static const char *key_of(struct arena *a, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcasecmp(name, names[i].line))
			return names[i].key;
	return latency_key(a, name);
}

/* Counts of the whole run. */
static double *count_of(struct served_run *r, const char *name)
{
	return !strcmp(name, "Successful requests")      ? &r->completed
	       : !strcmp(name, "Total input tokens")     ? &r->prompts
	       : !strcmp(name, "Total generated tokens") ? &r->outputs
							 : NULL;
}

/* What the commands above the block say: the model, the client's back end, over how many devices it was split. */
struct command {
	const char *model, *program;
	double devices;
};

/* The word behind an option and a blank or '='; NULL: it is not there. */
static const char *word_behind(struct arena *a, const char *line, const char *option)
{
	const char *at = strstr(line, option);

	if (!at || !strchr(" =", at[strlen(option)]) || !at[strlen(option)])
		return NULL;
	at += strlen(option) + 1;
	at += strspn(at, " '\"");
	return arena_strndup(a, at, strcspn(at, " '\",)\\\n"));
}

static void take_command(struct arena *a, const char *line, struct command *c)
{
	static const char *const models[] = {"vllm serve", "--model-path", "--model", "model"},
				 *const splits[] = {"--tensor-parallel-size",   "-tp", "--tp", "--tp-size",
						    "--pipeline-parallel-size", "-pp"};
	const bool namespace = str_starts(line, "Namespace(") || strstr(line, " Namespace(");
	const char *program = word_behind(a, line, "--backend");

	for (size_t i = 0; i < ARRAY_LEN(models); i++) {
		const char *word = i < 3 || namespace ? word_behind(a, line, models[i]) : NULL;

		if (word && *word && *word != '-' && strlen(word) < WORD_MOST)
			c->model = word;
	}
	for (size_t i = 0; i < ARRAY_LEN(splits); i++) {
		const char *word = word_behind(a, line, splits[i]);
		const double n = word ? strtod(word, NULL) : 0;

		c->devices = n > 1 && n < 1e6 ? n * (c->devices > 1 ? c->devices : 1) : c->devices;
	}
	c->program = program && *program ? program : c->program;
}

/* "vllm-chat", "openai-chat": the client's way of asking is no matter. */
static const char *program_of(struct arena *a, const char *backend)
{
	return arena_strndup(a, backend, strcspn(backend, "-"));
}

static int take_value(struct arena *a, struct served_run *r, const char *name, const char *value,
		      struct err *err)
{
	const char *key = key_of(a, name);
	const double x = strtod(value, NULL);
	double *count = count_of(r, name);

	if (count && x > 0 && x < COUNT_MOST)
		*count = x;
	if (!strcmp(name, "Backend"))
		r->program = program_of(a, value);
	/* all at once, or as many as come, is no number */
	if (!key || !strcmp(value, "inf") || !isdigit((unsigned char)*value) ||
	    (x <= 0 && strcmp(key, "request_rate") != 0))
		return 0;
	if (!strcmp(key, "request_rate") && x < COUNT_MOST)
		r->rate = x;
	return served_set(a, r, key, value, err) < 0 ? -1 : 0;
}

/* "Mean TTFT (ms):        9626.13"; a line of another form is none of the block's values. */
static int take_line(struct arena *a, struct served_run *r, const char *line, int at, struct err *err)
{
	const char *colon = strstr(line, ":");
	struct err why = ERR_INIT;
	const char *value = colon ? colon + 1 + strspn(colon + 1, " \t") : "";

	if (!colon || !*value ||
	    take_value(a, r, arena_strndup(a, line, (size_t)(colon - line)), value, &why) == 0)
		return 0;
	return err_set(err, "%s:%d: %s", r->path, at, why.msg);
}

int served_read_text(struct arena *a, const char *path, const char *text, struct served_runs *runs,
		     struct err *err)
{
	struct command command = {.model = NULL};
	VEC(struct served_run) all = {0};
	bool in = false;
	int rc = 0;

	for (int at = 1; *text && rc == 0; at++) {
		const size_t len = strcspn(text, "\n");
		const char *line = arena_strndup(a, text, len);

		if (strstr(line, "Serving Benchmark Result")) {
			struct served_run run;

			served_begin(&run, path, at);
			run.model = command.model;
			run.program = command.program ? program_of(a, command.program) : "vllm";
			run.devices = command.devices;
			VEC_ADD(&all, run);
			in = true;
		} else if (in && str_starts(line, "=====")) {
			in = false;
			command = (struct command){.model = command.model, .devices = command.devices};
		} else if (in) {
			rc = take_line(a, &all.at[all.n - 1], line, at, err);
		} else {
			take_command(a, line, &command);
		}
		text += len + (text[len] == '\n');
	}
	runs->n = all.n;
	runs->at = arena_array(a, all.n ? all.n : 1, sizeof *runs->at);
	if (all.n)
		memcpy(runs->at, all.at, all.n * sizeof *runs->at);
	VEC_FREE(&all);
	return rc;
}
