/* served.c - logs of requests and sweeps, and what metrics are called; see served.h. */
#include "sim/validate/served.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/csv.h"
#include "sim/base/file.h"
#include "sim/base/units.h"
#include "sim/load/requests_out.h"
#include "sim/runs/tidied.h"

enum { SERVED_FILE_MAX = 256 * 1024 * 1024, NAME_MAX_B = 48 };

/* ---- metrics ---- */

static const char *const latencies[] = {"ttft", "tpot", "itl", "e2el"};
static const char *const heads[] = {"TTFT", "TPOT", "ITL", "E2EL"};
static const char *const stats[] = {"mean", "p50", "p90", "p95", "p99"};
static const char *const rates[][4] = {
	{"req_per_s", "request_throughput", "request_throughput_per_s", "req/s"},
	{"out_tok_per_s", "output_throughput", "output_tok_per_s", "tok/s"},
	{"total_tok_per_s", "total_token_throughput", "total_tok_per_s", "tok/s"}};

struct served_metric served_metric(struct arena *a, size_t metric)
{
	if (metric >= SERVED_RATES)
		return (struct served_metric){rates[metric - SERVED_RATES][0],
					      rates[metric - SERVED_RATES][3], "throughput"};
	return (struct served_metric){
		arena_printf(a, "%s_s_%s", latencies[metric / SLO_STATS], stats[metric % SLO_STATS]), "s",
		heads[metric / SLO_STATS]};
}

/* The parts of a latency's name, each once and in any order. */
struct name_parts {
	int latency, stat;
	double unit;
};

static bool add_part(struct name_parts *p, const char *word)
{
	const size_t latency = str_find(word, latencies, ARRAY_LEN(latencies)),
		     stat = !strcmp(word, "median") ? SLO_P50 : str_find(word, stats, ARRAY_LEN(stats));
	const double unit = !strcmp(word, "ms") ? 1e-3 : !strcmp(word, "s") ? 1 : 0;

	if (latency < ARRAY_LEN(latencies) && p->latency < 0)
		p->latency = (int)latency;
	else if (stat < ARRAY_LEN(stats) && p->stat < 0)
		p->stat = (int)stat;
	else if (unit > 0 && p->unit <= 0)
		p->unit = unit;
	else
		return false;
	return true;
}

/* The metric that is called so, and its unit in base units; SERVED_METRICS: none. */
static size_t find_metric(const char *name, double *unit)
{
	struct name_parts p = {-1, -1, 0};
	char words[NAME_MAX_B], *word = words;

	*unit = 1;
	for (size_t i = 0; i < ARRAY_LEN(rates); i++)
		if (str_find(name, rates[i], 3) < 3)
			return SERVED_RATES + i;
	if (strlen(name) >= sizeof words)
		return SERVED_METRICS;
	strcpy(words, name);
	while (word) {
		char *end = strchr(word, '_');

		if (end)
			*end++ = '\0';
		if (!add_part(&p, word))
			return SERVED_METRICS;
		word = end;
	}
	*unit = p.unit;
	return p.latency < 0 || p.stat < 0 || p.unit <= 0 ? SERVED_METRICS
							  : (size_t)(p.latency * SLO_STATS + p.stat);
}

static void take_spread(const struct metrics_spread *s, double *out)
{
	out[SLO_MEAN] = s->mean;
	out[SLO_P50] = s->p50;
	out[SLO_P90] = s->p90;
	out[SLO_P95] = s->p95;
	out[SLO_P99] = s->p99;
}

void served_values(const struct metrics *m, double *out)
{
	struct metrics_summary s;

	metrics_summarise(m, 0, &s);
	take_spread(&s.latency[LATENCY_TTFT], &out[SERVED_TTFT * SLO_STATS]);
	take_spread(&s.latency[LATENCY_TPOT], &out[SERVED_TPOT * SLO_STATS]);
	take_spread(&s.itl, &out[SERVED_ITL * SLO_STATS]);
	take_spread(&s.latency[LATENCY_E2EL], &out[SERVED_E2EL * SLO_STATS]);
	out[SERVED_REQUESTS] = s.requests_per_s;
	out[SERVED_OUTPUT] = s.output_tok_per_s;
	out[SERVED_TOTAL] = s.total_tok_per_s;
}

/* ---- a run's settings and values by name ---- */

static const struct {
	const char *names[3], *format;
} settings[] = {
	{{"rate", "request_rate", "rate_req_per_s"}, "workload.serve.arrivals.rate=%s req/s"},
	{{"concurrency"}, "workload.serve.arrivals.concurrency=%s"},
	{{"burstiness"}, "workload.serve.arrivals.burstiness=%s"},
	{{"max_concurrency"}, "workload.serve.max_in_flight=%s"},
	{{"requests", "num_prompts"}, "workload.serve.requests=%s"},
};

static const char *joined(struct arena *a, const char *list, const char *mark, const char *more)
{
	return *list ? arena_printf(a, "%s%s%s", list, mark, more) : more;
}

static int find_setting(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		for (size_t k = 0; k < ARRAY_LEN(settings[i].names); k++)
			if (settings[i].names[k] && !strcmp(name, settings[i].names[k]))
				return (int)i;
	return -1;
}

static bool known(const char *name)
{
	double unit;

	return find_setting(name) >= 0 || find_metric(name, &unit) < SERVED_METRICS;
}

static int read_number(const char *name, const char *value, double *out, struct err *err)
{
	struct err why = ERR_INIT;

	if (units_parse(value, DIM_COUNT, out, &why) == 0 && isfinite(*out) && *out > 0)
		return 0;
	return err_set(err, "%.60s: a plain number above zero is wanted, got '%.60s'", name, value);
}

int served_set(struct arena *a, struct served_run *r, const char *name, const char *value, struct err *err)
{
	const int setting = find_setting(name);
	double unit, number;
	const size_t metric = find_metric(name, &unit);

	if (setting < 0 && metric == SERVED_METRICS)
		return 0;
	if (read_number(name, value, &number, err) != 0)
		return -1;
	if (setting >= 0) {
		r->changes = joined(a, r->changes, ";", arena_printf(a, settings[setting].format, value));
		if (setting < 2)
			r->label = joined(a, r->label, ", ",
					  arena_printf(a, "%s %s", settings[setting].names[0], value));
		return 1;
	}
	if (!isnan(r->of[metric]))
		return err_set(err, "%.60s: the same metric stands under another name too", name);
	r->of[metric] = number * unit;
	return 1;
}

void served_begin(struct served_run *r, const char *path, int line)
{
	*r = (struct served_run){.path = path,
				 .line = line,
				 .label = "",
				 .changes = "",
				 .set = "",
				 .source = "",
				 .quality = "",
				 .note = ""};
	for (size_t i = 0; i < SERVED_METRICS; i++)
		r->of[i] = NAN;
}

/* ---- sweeps ---- */

static const char *const said[] = {"assignment", "changes", "set", "source", "quality", "note"};

static int read_sweep_row(struct arena *a, const struct csv *csv, const struct csv_row *row,
			  struct served_run *r, struct err *err)
{
	const char *assignment = csv_get(csv, row, "assignment"), *changes = csv_get(csv, row, "changes");

	served_begin(r, csv->path, row->line);
	r->assignment = *assignment ? assignment : NULL;
	r->changes = changes;
	r->set = csv_get(csv, row, "set");
	r->source = csv_get(csv, row, "source");
	r->quality = csv_get(csv, row, "quality");
	r->note = csv_get(csv, row, "note");
	for (size_t i = 0; i < csv->heads_n; i++)
		if (*row->at[i] && known(csv->heads[i]) &&
		    served_set(a, r, csv->heads[i], row->at[i], err) < 0)
			return -1;
	r->label = *r->label ? r->label : changes;
	for (size_t i = 0; i < SERVED_METRICS; i++)
		if (!isnan(r->of[i]))
			return 0;
	return err_set(err, "the row has no metric");
}

static int read_sweep(struct arena *a, const char *path, const char *text, struct served_runs *runs,
		      struct err *err)
{
	struct csv csv;

	if (csv_read(a, path, text, &csv, err) != 0)
		return -1;
	for (size_t i = 0; i < csv.heads_n; i++)
		if (!known(csv.heads[i]) &&
		    str_find(csv.heads[i], said, ARRAY_LEN(said)) == ARRAY_LEN(said)) {
			err_set(err, "%s:%d: unknown column '%.60s'", path, csv.head_line, csv.heads[i]);
			return err_hint(err, "a metric, such as ttft_ms_p95 or mean_tpot_ms, or one of rate, "
					     "concurrency, burstiness, max_concurrency, requests, changes, "
					     "assignment, set, source, quality, note");
		}
	runs->at = arena_array(a, csv.n, sizeof *runs->at);
	for (runs->n = 0; runs->n < csv.n; runs->n++) {
		struct err why = ERR_INIT;

		if (read_sweep_row(a, &csv, &csv.rows[runs->n], &runs->at[runs->n], &why) != 0) {
			err_set(err, "%s:%d: %s", path, csv.rows[runs->n].line, why.msg);
			return -1;
		}
	}
	return runs->n ? 0 : err_set(err, "%s: it holds no row", path);
}

/* ---- logs of requests ---- */

static int64_t ns(double s)
{
	return isnan(s) ? -1 : llround(s * 1e9);
}

/* Through the observer that predicted requests go through, so that both are summed up by the same rules. */
static void sum_up(const struct requests_row *rows, size_t n, double *of)
{
	const struct metrics_how how = {.classes_n = 0};
	struct metrics *m = metrics_new(&how);
	const struct observer o = metrics_observer(m);

	for (size_t i = 0; i < n; i++) {
		const struct requests_row *r = &rows[i];
		const bool answered = !isnan(r->last_token_s);
		const struct request request = {
			.id = i, .arrive_ns = ns(r->arrived_s), .prompt = r->prompt, .output = r->output};
		const struct request_times t = {.queued_ns = ns(r->queued_s),
						.admitted_ns = ns(r->scheduled_s),
						.first_ns = answered ? ns(r->first_token_s) : -1,
						.last_ns = ns(r->last_token_s),
						.end_ns = ns(answered ? r->last_token_s : r->arrived_s),
						.tokens = answered ? r->output : 0,
						.end = answered ? REQUEST_DONE : REQUEST_REFUSED};

		o.ended(o.self, &request, &t);
	}
	served_values(m, of);
	metrics_free(m);
}

static int read_requests(struct arena *a, const char *path, struct served_runs *runs, struct err *err)
{
	struct requests_row *rows;
	size_t n;

	if (requests_read(path, &rows, &n, err) != 0)
		return -1;
	runs->at = arena_alloc(a, sizeof *runs->at);
	runs->n = 1;
	served_begin(runs->at, path, 1);
	sum_up(rows, n, runs->at->of);
	free(rows);
	for (size_t i = 0; i < SLO_STATS; i++) /* a log has no gaps between tokens */
		runs->at->of[SERVED_ITL * SLO_STATS + i] = NAN;
	return 0;
}

/* ---- which is it? ---- */

enum kind { NONE, REQUESTS, SWEEP, JSON, TEXT };

/* By the first line that is no comment. */
static enum kind kind_of(struct arena *a, const char *path, const char *text)
{
	const char *at = text + strspn(text, " \t\r\n");
	struct csv csv;

	if (strstr(at, "Serving Benchmark Result"))
		return TEXT;
	if (*at == '{')
		return strstr(at, "\"mean_ttft_ms\"") || strstr(at, "\"request_throughput\"") ? JSON : NONE;
	while (*at == '#' || *at == '\n' || *at == '\r')
		at += strcspn(at, "\n") + (at[strcspn(at, "\n")] == '\n');
	if (csv_read(a, path, arena_printf(a, "%.*s", (int)strcspn(at, "\n"), at), &csv, NULL) != 0)
		return NONE;
	if (csv_column(&csv, "arrived_s") != (size_t)-1)
		return REQUESTS;
	for (size_t i = 0; i < csv.heads_n; i++) {
		double unit;

		if (find_metric(csv.heads[i], &unit) < SERVED_METRICS)
			return SWEEP;
	}
	return NONE;
}

bool served_are(const char *path)
{
	struct arena scratch = ARENA_INIT;
	char *text;
	size_t len;
	bool are = file_read(&scratch, path, SERVED_FILE_MAX, &text, &len, NULL) == 0 &&
		   kind_of(&scratch, path, text) != NONE;

	arena_release(&scratch);
	return are;
}

/* Such a character would reach the terminal in a message that quotes it. */
static int check_characters(const char *path, const char *text, struct err *err)
{
	int line = 1;

	for (const char *c = text; *c; c++) {
		const unsigned char x = (unsigned char)*c;

		line += x == '\n';
		if ((x < ' ' && x != '\t' && x != '\r' && x != '\n') || x == 127)
			return err_set(err, "%s:%d: the control character 0x%02x in the text", path, line, x);
	}
	return 0;
}

static int parse_kind(struct arena *a, const char *path, const char *text, struct served_runs *runs,
		      struct err *err)
{
	const enum kind kind = kind_of(a, path, text);

	*runs = (struct served_runs){.n = 0};
	text = kind == TEXT ? tidied(a, text, strlen(text)) : text;
	if (check_characters(path, text, err) != 0)
		return -1;
	switch (kind) {
	case TEXT:
		return served_read_text(a, path, text, runs, err);
	case SWEEP:
		return read_sweep(a, path, text, runs, err);
	case JSON:
		runs->at = arena_alloc(a, sizeof *runs->at);
		runs->n = 1;
		served_begin(runs->at, path, 1);
		return served_read_json(a, path, text, runs, err);
	case REQUESTS: /* read line by line, from its file */
	case NONE:
		break;
	}
	err_set(err, "%s: no measured run of a server", path);
	return err_hint(err, "a log of requests with arrived_s and first_token_s, what 'vllm bench serve "
			     "--save-result' wrote, or a csv with metrics such as ttft_ms_p95");
}

/* A message that quotes a text of several lines stays one line. */
int served_parse(struct arena *a, const char *path, const char *text, struct served_runs *runs,
		 struct err *err)
{
	const int rc = parse_kind(a, path, text, runs, err);

	for (char *c = err->msg; rc != 0 && *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = ' ';
	return rc;
}

int served_read(struct arena *a, const char *path, struct served_runs *runs, struct err *err)
{
	char *text;
	size_t len;

	*runs = (struct served_runs){.n = 0};
	if (file_read(a, path, SERVED_FILE_MAX, &text, &len, err) != 0)
		return -1;
	if (kind_of(a, path, text) == REQUESTS)
		return read_requests(a, path, runs, err);
	return served_parse(a, path, text, runs, err);
}
