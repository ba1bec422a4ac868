/*
 * served.h - measured runs of servers under load, as the files that benchmarks write tell of them.
 *
 * Layer validate. A file is known by its content:
 *   - a log of requests, csv with arrived_s and first_token_s: a run, summed up as a predicted one is
 *     (serve/metrics.h); the scenario's load may be that file as its trace
 *   - what vLLM's `bench serve --save-result` wrote, with --save-detailed or without (vllm/benchmarks/serve.py
 *     @009e6d4): a JSON object, a run. Lists are not read, its sums are. A finite request_rate, num_prompts and
 *     max_concurrency change the scenario
 *   - what `vllm bench serve` prints, and SGLang's bench_serving, however it was pasted (runs/tidied.h): each block "Serving
 *     Benchmark Result" is a run; the commands above it say the model and over how many devices it was split
 *   - a sweep, csv: a row is a run. Columns: rate (req/s; also request_rate, rate_req_per_s), concurrency,
 *     burstiness, max_concurrency and requests (num_prompts) change the scenario, as `changes` does in the words
 *     of --set; assignment: of the scenario, else all of them; set, source, quality and note; the rest are metrics
 * A metric is called as in vLLM's file (mean_ttft_ms), by latency first (ttft_ms_p95) or as in our results
 * (ttft_s_p95), of ttft, tpot, itl and e2el; mean, p50 or median, p90, p95, p99; ms or s. Rates: request_throughput,
 * output_throughput, total_token_throughput, also as req_per_s, out_tok_per_s, total_tok_per_s. Any other column of
 * a sweep is an error, any other key of a JSON object is told in the notes.
 */
#ifndef SIM_VALIDATE_SERVED_H
#define SIM_VALIDATE_SERVED_H
#include "sim/base/err.h"
#include "sim/base/texts.h"
#include "sim/serve/metrics.h"
#include "sim/validate/server_said.h"

enum served_latency { SERVED_TTFT, SERVED_TPOT, SERVED_ITL, SERVED_E2EL, SERVED_LATENCIES };
enum {
	SERVED_RATES = SERVED_LATENCIES * SLO_STATS, /* latency * SLO_STATS + enum slo_stat; then: */
	SERVED_REQUESTS = SERVED_RATES,
	SERVED_OUTPUT,
	SERVED_TOTAL,
	SERVED_METRICS
};

struct served_metric {
	const char *name, *unit; /* "ttft_s_mean", "s" */
	const char *set;         /* the set it is summed up with: "TTFT" */
};
struct served_metric served_metric(struct arena *a, size_t metric);

struct served_run {
	const char *path;
	int line;
	const char *label;           /* "rate 0.5"; "" where the file is one run */
	const char *changes;         /* to the scenario, parted by ';'; "" */
	const char *program, *model; /* "vllm", the model's name there; NULL: not said */
	double devices;              /* that the model was split over, as a command says; 0: not said */
	const char *
		server; /* what its command asked of it, in the keys of `serve`: "seqs: 32, batch: 4096 tok"; NULL: nothing */
	const char *kv; /* the format of its cache, as asked for; NULL: the runtime's own */
	struct server_said
		own; /* which server it was, by its own command; empty: only the client's is known */
	double completed, prompts, outputs; /* requests, and the tokens of all of them; 0: not said */
	double rate;                        /* req/s that were asked for; 0: all at once, or not said */
	const char *assignment;             /* NULL: of every one */
	const char *set, *source, *quality, *note; /* "": not said */
	double of[SERVED_METRICS];                 /* s, req/s, tok/s; NAN: not measured */
};

struct served_runs {
	struct served_run *at;
	size_t n;
	struct texts notes;
};

bool served_are(const char *path); /* false too where it cannot be read */

/* -1 with err "path:line: ...". In the arena. */
int served_read(struct arena *a, const char *path, struct served_runs *runs, struct err *err);
/* The same of a text that is no log of requests; path is for messages. */
int served_parse(struct arena *a, const char *path, const char *text, struct served_runs *runs,
		 struct err *err);

/* Of a run, measured or predicted: out has SERVED_METRICS. */
void served_values(const struct metrics *m, double *out);

/* --- the readers, for served*.c ---------------------------------------------------------------------- */

/* Sets a metric of the run, or adds a change, where `name` is one: 1; 0 where it is neither; -1 with err. */
int served_set(struct arena *a, struct served_run *r, const char *name, const char *value, struct err *err);
int served_read_text(struct arena *a, const char *path, const char *text, struct served_runs *runs,
		     struct err *err);
void served_begin(struct served_run *r, const char *path, int line); /* nothing is known of the run */
int served_read_json(struct arena *a, const char *path, const char *text, struct served_runs *runs,
		     struct err *err);

#endif
