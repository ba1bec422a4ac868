/* served_text.c - what vLLM's `bench serve` prints, and SGLang's bench_serving, whose block is alike; see served.h. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim/base/str.h"
#include "sim/base/vec.h"
#include "sim/runs/numbers.h"
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
	const char *rate, *concurrency; /* as said; NULL: not said */
	const char *server, *kv;        /* as of struct served_run */
	const char *unused;             /* options of the server, ", "-joined; NULL: none */
	struct server_said own;
	const char *draft; /* the option by which a draft model guesses tokens; NULL: none does */
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

/* Namespace(request_rate=8.0, max_concurrency=None) says the options too. */
static void take_load(struct arena *a, const char *line, struct command *c)
{
	static const char *const rates[] = {"--request-rate", "request_rate"}, *const limits[] = {
										       "--max-concurrency",
										       "max_concurrency"};

	for (size_t i = 0; i < 2; i++) {
		const char *rate = word_behind(a, line, rates[i]), *limit = word_behind(a, line, limits[i]);

		c->rate = rate && *rate ? rate : c->rate;
		c->concurrency = limit && *limit ? limit : c->concurrency;
	}
}

/* Options of a server that a scenario has a key for. most: no value is larger. */
static const struct {
	const char *option, *key;
	double most;
} used[] = {{"--max-num-seqs", "seqs: %.0f", 65536},
	    {"--max-running-requests", "seqs: %.0f", 65536},
	    {"--max-num-batched-tokens", "batch: %.0f tok", 1e8},
	    {"--chunked-prefill-size", "batch: %.0f tok", 1e8}, /* SGLang's */
	    {"--block-size", "block: %.0f tok", 4096},
	    {"--gpu-memory-utilization", "memory: %.9g", 1}};

static const char *listed(struct arena *a, const char *list, const char *item)
{
	return list ? arena_printf(a, "%s, %s", list, item) : item;
}

/* An option stands in its command once; of the same in a second one, the first is kept. */
static void take_server(struct arena *a, const char *line, struct command *c)
{
	const char *kv = word_behind(a, line, "--kv-cache-dtype");

	if (kv && str_starts(kv, "fp8")) /* fp8, fp8_e4m3, fp8_e5m2: a byte each */
		c->kv = "fp8";
	for (size_t i = 0; i < ARRAY_LEN(used); i++) {
		const char *word = word_behind(a, line, used[i].option);
		char *end;
		const double x = word ? strtod(word, &end) : 0;
		const size_t key = strcspn(used[i].key, " ");

		if (word && x > 0 && x <= used[i].most && !*end && end != word &&
		    !(c->server && strstr(c->server, arena_strndup(a, used[i].key, key))))
			c->server = listed(a, c->server, arena_printf(a, used[i].key, x));
	}
}

/* Options of a server that change what it does, and are of no scenario made here. */
static void take_unused(struct arena *a, const char *line, struct command *c)
{
	static const char *const options[] = {"--mem-fraction-static", "--enable-expert-parallel",
					      "--enable-lora",         "--compilation-config",
					      "--kv-transfer-config",  "--kv-cache-dtype"};

	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		const char *word = word_behind(a, line, options[i]);

		if (!strstr(line, options[i]) || (c->unused && strstr(c->unused, options[i])) ||
		    (i == ARRAY_LEN(options) - 1 && (c->kv || (word && !strcmp(word, "auto")))))
			continue;
		c->unused =
			listed(a, c->unused,
			       arena_printf(a, "%s%s%s", options[i], word && *word && *word != '-' ? " " : "",
					    word && *word && *word != '-' ? word : ""));
	}
}

static void take_command(struct arena *a, const char *line, struct command *c)
{
	static const char *const models[] = {"vllm serve", "--model-path", "--model", "model"},
				 *const splits[] = {"--tensor-parallel-size",
						    "-tp",
						    "--tp",
						    "--tp-size",
						    "--tp_size",
						    "--pipeline-parallel-size",
						    "-pp",
						    "--data-parallel-size",
						    "-dp",
						    "--dp-size"};
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
	take_load(a, line, c);
	take_server(a, line, c);
	take_unused(a, line, c);
	server_said_take(a, line, &c->own);
	for (const char *at = strstr(line, "--"); at; at = strstr(at + 2, "--"))
		if (str_starts(at, "--speculative-") || str_starts(at, "--num-speculative-tokens"))
			c->draft = arena_strndup(a, at, strcspn(at, " =\t"));
}

static int take_value(struct arena *a, struct served_run *r, const char *name, const char *value,
		      struct err *err)
{
	const char *key = key_of(a, name);
	double *count = count_of(r, name), x = 0;
	const char *end = (count ? number_tally : number_decimal)(value, &x);

	if (count && (!end || *end))
		return err_set(err, "%.60s: expected a whole number, got '%.60s'", name, value);
	if (count && x > 0 && x < COUNT_MOST)
		*count = x;
	/* of images, which sgl-project/sglang's bench_serving counts apart: pull 9812 */
	if (!strcmp(name, "Total input vision tokens") && end && !*end && x > 0)
		return err_set(err, "%.40s of the prompts' tokens are of images, which are not predicted",
			       value);
	if (end && !*end && strpbrk(value, " \'")) /* "9 626.13": others are read where they are set */
		value = arena_printf(a, "%.17g", x);
	if (!strcmp(name, "Backend"))
		r->program = server_said_engine(a, value);
	/* all at once, or as many as come, is no number */
	if (!key || !strcmp(value, "inf") || !isdigit((unsigned char)*value) ||
	    (x <= 0 && strcmp(key, "request_rate") != 0))
		return 0;
	if (!strcmp(key, "request_rate") && x < COUNT_MOST)
		r->rate = x;
	return served_set(a, r, key, value, err) < 0 ? -1 : 0;
}

/* A number without what its reader put behind it, "27.44    <====="; else the value as it is. */
static const char *without_mark(struct arena *a, const char *value)
{
	const size_t n = strcspn(value, " \t");
	const char *mark = value + n + strspn(value + n, " \t");

	return isdigit((unsigned char)*value) && *mark && !isalnum((unsigned char)*mark) &&
			       !strchr("%.,", *mark)
		       ? arena_strndup(a, value, n)
		       : value;
}

/* "Mean TTFT (ms):        9626.13"; a line of another form is none of the block's values. */
static int take_line(struct arena *a, struct served_run *r, const char *line, int at, struct err *err)
{
	const char *colon = strstr(line, ":");
	struct err why = ERR_INIT;
	const char *value = colon ? colon + 1 + strspn(colon + 1, " \t") : "";

	if (!colon || !*value ||
	    take_value(a, r, arena_strndup(a, line, (size_t)(colon - line)), without_mark(a, value), &why) ==
		    0)
		return 0;
	return err_set(err, "%s:%d: %s", r->path, at, why.msg);
}

/* What the block leaves to the command: blocks of vLLM before August 2025 print neither. */
static int take_said(struct arena *a, struct served_run *r, const char *setting, const char *name,
		     const char *said, int at, struct err *err)
{
	struct err why = ERR_INIT;

	if (!said || strstr(r->changes, setting) || take_value(a, r, name, said, &why) == 0)
		return 0;
	return err_set(err, "%s:%d: %s", r->path, at, why.msg);
}

static int end_block(struct arena *a, struct served_run *r, struct command *c, int at, struct err *err)
{
	const struct command said = *c;

	if (said.draft)
		return err_set(err, "%s:%d: a draft model guessed tokens, which is not predicted: %.40s",
			       r->path, r->line, said.draft);
	if (said.own.refused)
		return err_set(err,
			       "%s:%d: the server kept part of its weights with the host, which is not "
			       "predicted: %s",
			       r->path, r->line, said.own.refused);
	/* the client's is of one block */
	*c = (struct command){.model = c->model,
			      .devices = c->devices,
			      .server = c->server,
			      .own = c->own,
			      .kv = c->kv,
			      .unused = c->unused};
	if (take_said(a, r, "arrivals.rate", "Traffic request rate", said.rate, at, err) != 0)
		return -1;
	return take_said(a, r, "max_in_flight", "Max request concurrency", said.concurrency, at, err);
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
			run.program = command.program ? server_said_engine(a, command.program) : "vllm";
			run.own = command.own;
			run.devices = command.devices;
			run.server = command.server;
			run.kv = command.kv;
			VEC_ADD(&all, run);
			in = true;
		} else if (in && str_starts(line, "=====")) {
			in = false;
			rc = end_block(a, &all.at[all.n - 1], &command, at, err);
		} else if (in) {
			rc = take_line(a, &all.at[all.n - 1], line, at, err);
		} else {
			take_command(a, line, &command);
		}
		text += len + (text[len] == '\n');
	}
	if (in && rc == 0) /* the block's last line was not pasted */
		rc = end_block(a, &all.at[all.n - 1], &command, all.at[all.n - 1].line, err);
	if (command.unused) {
		const char *note =
			arena_printf(a, "%s: what its server was asked for is not predicted: %.200s", path,
				     command.unused);

		runs->notes = texts_join_once(a, &runs->notes, note);
	}
	runs->n = all.n;
	runs->at = arena_array(a, all.n ? all.n : 1, sizeof *runs->at);
	if (all.n)
		memcpy(runs->at, all.at, all.n * sizeof *runs->at);
	VEC_FREE(&all);
	return rc;
}
