/* check_serve_metrics.c - log buckets, time lines, metrics and the lines of requests, against slow and simple
 * sums. */
#include "tests/suites.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/file.h"
#include "sim/base/rng.h"
#include "sim/load/arrivals.h"
#include "sim/load/requests_out.h"
#include "sim/serve/metrics.h"
#include "sim/serve/timeline.h"
#include "sim/stats/quantile.h"
#include "tests/serve/serveload.h"

START_TEST(buckets_meet_without_gap)
{
	for (size_t i = 0; i + 1 < LOGBUCKETS_N; i++) {
		const int64_t low = logbuckets_low(i), next = logbuckets_low(i + 1);

		MUST(logbuckets_index(low) == i && logbuckets_index(next - 1) == i && next > low);
		MUST((double)(next - low) <= 0.001 * (double)low || next - low == 1);
	}
	ck_assert_uint_eq(logbuckets_index(INT64_MAX), LOGBUCKETS_N - 1);
}
END_TEST

START_TEST(progression_is_its_terms)
{
	struct rng *r = rng_new(3, "progression");

	for (int i = 0; i < 300; i++) {
		struct logbuckets a = {.n = 0}, b = {.n = 0};
		const int64_t n = 1 + (int64_t)(rng_uniform(r) * 400),
			      weight = 1 + (int64_t)(rng_uniform(r) * 9);
		const int64_t first = (int64_t)(exp(rng_uniform(r) * 40)),
			      most = i % 3 ? (int64_t)exp(rng_uniform(r) * 30) : 0,
			      slope = i % 3 == 2 ? -(most % (first / n + 1)) : most;

		logbuckets_add_progression(&a, first, slope, n, weight);
		for (int64_t j = 0; j < n; j++)
			logbuckets_add(&b, first + j * slope, (uint64_t)weight);
		MUST(a.n == b.n && a.sum == b.sum && a.min == b.min && a.max == b.max);
		for (size_t row = 0; row < LOGBUCKETS_ROWS; row++)
			MUST(!a.rows[row] == !b.rows[row] &&
			     (!a.rows[row] ||
			      !memcmp(a.rows[row], b.rows[row], sizeof *a.rows[row] << LOGBUCKETS_BITS)));
		logbuckets_release(&a);
		logbuckets_release(&b);
	}
	rng_free(r);
}
END_TEST

START_TEST(bucket_quantiles)
{
	enum { N = 5000 };
	static const double shares[] = {0, 0.01, 0.5, 0.9, 0.99, 1};
	struct logbuckets b = {.n = 0};
	struct rng *r = rng_new(4, "quantiles");
	double *x = xmalloc(N * sizeof *x), above = 0;

	ck_assert(isnan(logbuckets_quantile(&b, 0.5)) && isnan(logbuckets_mean(&b)));
	for (int i = 0; i < N; i++) {
		x[i] = floor(exp(10 + 20 * rng_uniform(r)));
		logbuckets_add(&b, (int64_t)x[i], 1);
		above += x[i] > 5e6;
	}
	quantile_sort(x, N);
	for (size_t i = 0; i < ARRAY_LEN(shares); i++) {
		const double want = quantile_sorted(x, N, shares[i]);

		ck_assert_double_eq_tol(logbuckets_quantile(&b, shares[i]), want, 0.001 * want);
	}
	ck_assert_double_eq_tol(logbuckets_above(&b, 5e6), above, 3);
	logbuckets_release(&b);
	/* small numbers are exact */
	for (int i = 1; i <= 4; i++)
		logbuckets_add(&b, i, 1);
	ck_assert_double_eq(logbuckets_quantile(&b, 0.25), 1.75);
	ck_assert_double_eq(logbuckets_above(&b, 2), 2);
	logbuckets_release(&b);
	free(x);
	rng_free(r);
}
END_TEST

START_TEST(sums_do_not_overflow)
{
	struct logbuckets b = {.n = 0};

	/* a million seconds of gaps, in femtoseconds: beyond 64 bits */
	for (int i = 0; i < 100; i++)
		logbuckets_add_progression(&b, 50000000000000, 3, 2000, 100);
	ck_assert_double_eq_tol(logbuckets_mean(&b), 50000000000000 + 3 * 1999 / 2.0, 0.01);
	logbuckets_release(&b);
}
END_TEST

START_TEST(timeline_against_sums)
{
	enum { N = 400 };
	struct timeline t;
	struct rng *r = rng_new(6, "timeline");
	int64_t from[N], to[N], value[N], extra[N];
	double whole = 0, cut = 0, sum = 0, *means;
	int64_t edge;
	size_t cells;

	timeline_begin(&t, 2);
	for (int i = 0; i < N; i++) {
		from[i] = (int64_t)(rng_uniform(r) * 9e12);
		to[i] = from[i] + (int64_t)(rng_uniform(r) * 1e12);
		value[i] = (int64_t)(rng_uniform(r) * 50);
		extra[i] = i % 7;
		timeline_hold(&t, 1, 1, from[i], to[i], &value[i]);
		timeline_add(&t, 1, to[i], extra[i]);
		whole += (double)(to[i] - from[i]) * (double)value[i] + (double)extra[i];
	}
	ck_assert_double_eq_tol(timeline_integral(&t, 1, 0), whole, whole * 1e-12);
	ck_assert_double_eq(timeline_integral(&t, 0, 0), 0);
	edge = timeline_edge(&t, 4000000000000);
	ck_assert(edge >= 4000000000000 && edge < 4000000000000 + t.width_ns && edge % t.width_ns == 0);
	for (int i = 0; i < N; i++)
		if (to[i] > edge)
			cut += (double)(to[i] - (from[i] > edge ? from[i] : edge)) * (double)value[i] +
			       (double)extra[i];
	ck_assert_double_eq_tol(timeline_integral(&t, 1, 4000000000000), cut, cut * 1e-12);
	cells = timeline_cells(&t);
	ck_assert(cells > TIMELINE_CELLS / 2 - 1 && cells < TIMELINE_CELLS);
	means = xmalloc(cells * sizeof *means);
	timeline_means(&t, 1, cells, means);
	for (size_t i = 0; i < cells; i++)
		sum += means[i] * (double)t.width_ns;
	ck_assert_double_eq_tol(sum, whole - timeline_integral(&t, 1, (int64_t)cells * t.width_ns),
				whole * 1e-9);
	free(means);
	timeline_release(&t);
	rng_free(r);
}
END_TEST

static const char load_text[] =
	"{arrivals: {rate: 1 req/s}, requests: 9, output: 5 tok, classes: {"
	"chat: {share: 50 %, prompt: 10 tok, slo: {ttft_p95: 1 s, tpot_p50: 300 ms}}, "
	"batch: {share: 50 %, prompt: 10 tok, slo: {e2el_p99: 20 s, ttft_mean: 1 ms}}}}";

static struct metrics *new_metrics(struct arena *a, size_t keep)
{
	const struct serve *s = serveload(a, load_text);

	return metrics_new(&(struct metrics_how){s->classes.at, s->classes.n, keep});
}

static const int64_t S = 1000000000;

static void tell(struct observer *o, uint64_t id, uint32_t class_id, int64_t arrive, int64_t admitted,
		 int64_t first, int64_t last, int64_t tokens, enum request_end end)
{
	const struct request r = {
		.id = id, .arrive_ns = arrive, .prompt = 100, .output = 5, .class_id = class_id};
	const struct request_times t = {.queued_ns = arrive,
					.admitted_ns = admitted,
					.first_ns = first,
					.last_ns = last,
					.end_ns = last >= 0 ? last : arrive,
					.tokens = tokens,
					.cached = 25,
					.recomputed = 3,
					.preemptions = id == 1,
					.end = end};

	o->ended(o->self, &r, &t);
}

START_TEST(metrics_by_hand)
{
	struct arena a = ARENA_INIT;
	struct metrics *m = new_metrics(&a, 0);
	struct observer o = metrics_observer(m);
	struct metrics_summary s;
	struct metrics_ends ends;

	/* chat: TTFT 1 s and TPOT 250 ms meet; TTFT 2 s does not; one token; batch: E2EL 9 s; and three that
	 * fail */
	tell(&o, 0, 0, 1 * S, 1 * S + S / 2, 2 * S, 3 * S, 5, REQUEST_DONE);
	tell(&o, 1, 0, 2 * S, 3 * S, 4 * S, 5 * S, 5, REQUEST_DONE);
	tell(&o, 2, 0, 4 * S, 4 * S, 5 * S, 5 * S, 1, REQUEST_DONE);
	tell(&o, 3, 1, 2 * S, 3 * S, 10 * S, 11 * S, 3, REQUEST_DONE);
	tell(&o, 4, 1, 5 * S, -1, -1, -1, 0, REQUEST_REFUSED);
	tell(&o, 5, 1, 5 * S, 6 * S, 6 * S, 7 * S, 2, REQUEST_TRUNCATED);
	tell(&o, 6, 1, 5 * S, 6 * S, -1, -1, 0, REQUEST_UNFINISHED);
	o.gaps(o.self, (struct clock){S, 0}, 200000000000000, 0, 9, 1);
	o.gaps(o.self, (struct clock){4 * S, 0}, 3000000000000000, 0, 1, 1);
	o.state(o.self, 0, 0, 4 * S, 2, 3, 7, 40 * S, true);
	o.state(o.self, 0, 4 * S, 8 * S, 0, 0, 0, 0, false);
	o.state(o.self, 0, 8 * S, 11 * S, 0, 1, 4, 12 * S, true);
	metrics_summarise(m, 0, &s);
	ck_assert(s.done == 4 && s.refused == 1 && s.truncated == 1 && s.unfinished == 1);
	ck_assert_double_eq(s.from_s, 1);
	ck_assert_double_eq(s.to_s, 11);
	ck_assert_double_eq_tol(s.requests_per_s, 0.5, 1e-12);
	ck_assert_double_eq_tol(s.output_tok_per_s, 1.6, 1e-12);
	ck_assert_double_eq_tol(s.total_tok_per_s, 51.6, 1e-12);
	ck_assert_double_eq_tol(s.goodput_per_s, 0.3, 1e-12);
	ck_assert_uint_eq(s.latency[LATENCY_TTFT].n, 5);
	ck_assert_double_eq_tol(s.latency[LATENCY_TTFT].mean, (1 + 2 + 1 + 8 + 1) / 5.0, 1e-12);
	ck_assert_double_eq_tol(s.latency[LATENCY_TTFT].p90, 2 + 0.6 * 6, 1e-12);
	ck_assert_uint_eq(s.latency[LATENCY_TPOT].n, 4);
	ck_assert_double_eq_tol(s.latency[LATENCY_TPOT].mean, (0.25 + 0.25 + 0.5 + 1) / 4, 1e-12);
	ck_assert_double_eq_tol(s.latency[LATENCY_E2EL].max, 9, 1e-12);
	ck_assert_double_eq_tol(s.latency[LATENCY_QUEUE].mean, (0.5 + 1 + 0 + 1 + 1) / 5, 1e-12);
	ck_assert_double_eq_tol(s.latency[LATENCY_PREFILL].mean, (0.5 + 1 + 1 + 7 + 0) / 5, 1e-12);
	ck_assert_double_eq_tol(s.itl.mean, 0.48, 1e-9);
	ck_assert_double_eq_tol(s.itl.p50, 0.2, 0.0002);
	ck_assert_double_eq_tol(s.stalled_share, 0.1, 1e-9);
	ck_assert_double_eq_tol(s.preemptions, 0.2, 1e-12);
	ck_assert_double_eq_tol(s.recomputed_share, 0.03, 1e-12);
	ck_assert_double_eq_tol(s.cached_share, 0.25, 1e-12);
	/* over 11 s from 0 */
	ck_assert_double_eq_tol(s.kv_blocks, 52 / 11.0, 1e-12);
	ck_assert_double_eq_tol(s.batch, 15 / 7.0, 1e-12);
	/* Little: the number in the system is the time that requests were in it */
	ck_assert_double_eq_tol(s.in_system, (2 + 3 + 1 + 9 + 2) / 11.0, 1e-12);
	/* of the classes: chat has three, batch one, one cut short, one refused and one unfinished */
	metrics_summarise_class(m, 0, 0, &s);
	ck_assert(s.done == 3 && !s.refused && !s.truncated && !s.unfinished);
	ck_assert_double_eq_tol(s.goodput_per_s, 0.2, 1e-12);
	ck_assert_double_eq_tol(s.requests_per_s, 0.3, 1e-12);
	ck_assert_double_eq_tol(s.latency[LATENCY_TTFT].mean, 4 / 3.0, 1e-12);
	ck_assert_double_eq_tol(s.preemptions, 1 / 3.0, 1e-12);
	ck_assert(isnan(s.itl.p50) && isnan(s.batch) && isnan(s.stalled_share));
	metrics_summarise_class(m, 1, 0, &s);
	ck_assert(s.done == 1 && s.refused == 1 && s.truncated == 1 && s.unfinished == 1);
	ck_assert_double_eq_tol(s.latency[LATENCY_E2EL].mean, 5.5, 1e-12);
	ck_assert_double_eq_tol(s.output_tok_per_s, 0.5, 1e-12);
	ends = metrics_ends_of(m, 1);
	ck_assert(ends.done == 1 && ends.refused == 1 && ends.truncated == 1 && ends.unfinished == 1);
	ck_assert_double_eq_tol(metrics_slo_value(m, 0, SLO_TTFT, SLO_P50, 0), 1, 1e-12);
	ck_assert_double_eq_tol(metrics_slo_value(m, 1, SLO_E2EL, SLO_MEAN, 0), 5.5, 1e-12);
	metrics_free(m);
	arena_release(&a);
}
END_TEST

START_TEST(nothing_happened)
{
	struct arena a = ARENA_INIT;
	struct metrics *m = new_metrics(&a, 0);
	struct metrics_summary s;
	double *x, cell;

	metrics_summarise(m, 0, &s);
	ck_assert(!s.done && isnan(s.latency[LATENCY_TTFT].p99) && isnan(s.itl.mean) &&
		  isnan(s.cached_share));
	ck_assert_uint_eq(metrics_in_system(m, &x, &cell), 0);
	free(x);
	metrics_free(m);
	arena_release(&a);
}
END_TEST

/* A hundred requests, one a second, each a second long from 50 s on and ten before. */
static void tell_many(struct observer *o, int n)
{
	for (int i = 0; i < n; i++) {
		const int64_t at = i * S, took = i < n / 2 ? 10 * S : S;

		o->gaps(o->self, (struct clock){at + took / 10, 0}, took * 100000, 0, 10, 1);
		tell(o, (uint64_t)i, 0, at, at, at + took / 2, at + took, 11, REQUEST_DONE);
	}
}

START_TEST(beginning_is_cut)
{
	struct arena a = ARENA_INIT;
	struct metrics *m = new_metrics(&a, 0);
	struct observer o = metrics_observer(m);
	struct metrics_summary all, late;
	double *x;

	tell_many(&o, 10000);
	metrics_summarise(m, 0, &all);
	metrics_summarise(m, 7000 * S, &late);
	ck_assert_double_eq_tol(all.latency[LATENCY_E2EL].mean, 5.5, 1e-9);
	ck_assert_double_eq_tol(late.latency[LATENCY_E2EL].mean, 1, 1e-9);
	ck_assert_double_eq_tol(late.itl.p99, 0.1, 0.0001);
	ck_assert_double_eq_tol(all.itl.p99, 1, 0.001);
	ck_assert_double_eq_tol(late.requests_per_s, 1, 0.001);
	ck_assert_double_eq_tol(late.in_system, 1, 0.001);
	ck_assert_double_eq_tol(all.in_system, 5.5, 0.01);
	ck_assert_double_ge(late.from_s, 7000);
	ck_assert_uint_eq(metrics_series(m, LATENCY_TTFT, 0, 9990 * S, &x), 10);
	ck_assert_double_eq_tol(x[9], 0.5, 1e-12);
	free(x);
	ck_assert_uint_eq(metrics_series(m, LATENCY_TTFT, 1, 0, &x), 0);
	free(x);
	metrics_free(m);
	arena_release(&a);
}
END_TEST

START_TEST(beyond_what_is_kept)
{
	struct arena a = ARENA_INIT;
	struct metrics *m = new_metrics(&a, 100), *whole = new_metrics(&a, 0);
	struct observer o = metrics_observer(m), p = metrics_observer(whole);
	struct metrics_summary s, t;
	double *x;

	tell_many(&o, 1000);
	tell_many(&p, 1000);
	tell(&o, 0, 1, 0, 0, 300 * S, 400 * S, 11, REQUEST_DONE);
	tell(&p, 0, 1, 0, 0, 300 * S, 400 * S, 11, REQUEST_DONE);
	metrics_summarise_class(m, 0, 0, &s);
	metrics_summarise_class(whole, 0, 0, &t);
	ck_assert_uint_eq(s.latency[LATENCY_E2EL].n, 1000);
	ck_assert_double_eq_tol(s.latency[LATENCY_E2EL].max, t.latency[LATENCY_E2EL].max, 1e-9);
	ck_assert_double_eq_tol(metrics_slo_value(m, 1, SLO_TTFT, SLO_P50, 0), 300, 0.3);
	metrics_summarise(m, 0, &s);
	metrics_summarise(whole, 0, &t);
	ck_assert_uint_eq(s.latency[LATENCY_E2EL].n, 1001);
	ck_assert_double_eq_tol(s.latency[LATENCY_E2EL].p99, t.latency[LATENCY_E2EL].p99, 0.01);
	ck_assert_double_eq_tol(s.latency[LATENCY_TTFT].mean, t.latency[LATENCY_TTFT].mean, 1e-9);
	ck_assert_double_eq(s.goodput_per_s, t.goodput_per_s);
	ck_assert_uint_eq(metrics_series(m, LATENCY_TTFT, 0, 0, &x), 0);
	free(x);
	metrics_free(m);
	metrics_free(whole);
	arena_release(&a);
}
END_TEST

#define HEAD                                                                                                 \
	"request,prompt_tokens,output_tokens,arrived_s,queued_s,scheduled_s,first_token_s,last_token_s,"     \
	"cached_tokens,recomputed_tokens,preemptions,replica,class,end,replication\n"

static const struct requests_of no_names = {NULL, 0, 0};

static char *text_of(struct arena *a, const char *path)
{
	struct err err = ERR_INIT;
	size_t len;
	char *text;

	ck_assert_msg(file_read(a, path, 1 << 20, &text, &len, &err) == 0, "%s", err.msg);
	return text;
}

static void write_two(struct arena *a, const char *path)
{
	const struct serve *s = serveload(a, load_text);
	struct err err = ERR_INIT;
	const struct requests_of of = {s->classes.at, s->classes.n, 2};
	struct requests_out *out = requests_out_open(path, true, &of, &err);
	struct metrics *m = new_metrics(a, 0);
	struct observer inner = metrics_observer(m), o;
	struct metrics_summary sum;

	ck_assert_msg(out != NULL, "%s", err.msg);
	o = requests_out_observer(out, &inner);
	tell(&o, 0, 1, 5, 6, S + 1, 2 * S, 5, REQUEST_DONE);
	/* it is there already */
	ck_assert_ptr_nonnull(strstr(text_of(a, path), "2.000000000"));
	tell(&o, 1, 0, 3 * S, -1, -1, -1, 0, REQUEST_REFUSED);
	o.gaps(o.self, (struct clock){S, 0}, 1, 0, 1, 1);
	ck_assert_int_eq(requests_out_close(out, &err), 0);
	metrics_summarise(m, 0, &sum);
	ck_assert(sum.done == 1 && sum.refused == 1 && sum.itl.n == 1); /* it went on to the other observer */
	metrics_free(m);
}

START_TEST(lines_of_requests)
{
	const char *csv = "build/requests-test.csv", *jsonl = "build/requests-test.jsonl";
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct requests_row *rows;
	size_t n;

	write_two(&a, csv);
	ck_assert_str_eq(text_of(&a, csv), HEAD
			 "0,100,5,0.000000005,0.000000005,0.000000006,1.000000001,2.000000000,25,3,0,0,batch,"
			 "done,3\n1,100,0,3.000000000,3.000000000,,,,25,3,1,0,chat,refused,3\n");
	ck_assert_msg(requests_read(csv, &rows, &n, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(n, 2);
	ck_assert_double_eq(rows[0].first_token_s, 1.000000001);
	ck_assert(isnan(rows[1].last_token_s) && rows[1].preemptions == 1 && rows[0].cached == 25);
	free(rows);
	ck_assert_ptr_null(requests_out_open(csv, false, &no_names, &err));
	ck_assert_str_eq(err.hint, "--force overwrites it");
	write_two(&a, jsonl);
	ck_assert_ptr_nonnull(strstr(text_of(&a, jsonl),
				     "{\"request\":1,\"prompt_tokens\":100,\"output_tokens\":0,"
				     "\"arrived_s\":3.000000000,\"queued_s\":3.000000000,"
				     "\"scheduled_s\":null,"));
	remove(csv);
	remove(jsonl);
	arena_release(&a);
}
END_TEST

START_TEST(lines_that_cannot_be_written)
{
	struct err err = ERR_INIT;

	ck_assert_ptr_null(requests_out_open("build/requests.txt", true, &no_names, &err));
	ck_assert_str_eq(err.hint, "name a file .csv or .jsonl");
	err = (struct err)ERR_INIT;
	ck_assert_ptr_null(requests_out_open("build/no/such/dir.csv", true, &no_names, &err));
	ck_assert(str_starts(err.msg, "cannot write build/no/such/dir.csv: "));
	if (access("/dev/full", W_OK) != 0 || symlink("/dev/full", "build/full.csv") != 0)
		return;
	err = (struct err)ERR_INIT;
	ck_assert_int_eq(requests_out_close(requests_out_open("build/full.csv", true, &no_names, &err), &err),
			 -1);
	ck_assert(str_starts(err.msg, "cannot write build/full.csv: "));
	unlink("build/full.csv");
}
END_TEST

#define EIGHT                                                                                                \
	"request,prompt_tokens,output_tokens,arrived_s,queued_s,scheduled_s,first_token_s,last_token_s\n"
static const struct {
	const char *text, *msg;
} bad_lines[] = {
	{"", "build/bad-requests.csv: there is no request in it"},
	{EIGHT, "build/bad-requests.csv: there is no request in it"},
	{"request,prompt_tokens\n", "build/bad-requests.csv:1: column 'output_tokens' is missing"},
	{EIGHT "a,1,2,3\n", "build/bad-requests.csv:2: the line has 4 cells, column 5 is wanted"},
	{EIGHT "a,1,2,3,4,5,6,7,\n", "build/bad-requests.csv:2: the line has 9 cells, the first line 8"},
	{EIGHT "a,1,2,,4,5,6,7\n", "build/bad-requests.csv:2: arrived_s is empty"},
	{EIGHT "a,1,2,3,4,5,6,5.5\n", "build/bad-requests.csv:2: last_token_s is before first_token_s"},
	{EIGHT "a,1,2,3,4,5,x,7\n", "build/bad-requests.csv:2:13: 'x' is not a number"},
	{EIGHT "a,1,-2,3,4,5,6,7\n", "build/bad-requests.csv:2:5: output_tokens: '-2' is negative"},
};

START_TEST(lines_that_are_wrong)
{
	const char *path = "build/bad-requests.csv", *text = bad_lines[_i].text;
	struct err err = ERR_INIT, fine = ERR_INIT;
	struct requests_row *rows;
	size_t n;

	ck_assert_int_eq(file_write(path, text, strlen(text), true, &fine), 0);
	ck_assert_int_eq(requests_read(path, &rows, &n, &err), -1);
	ck_assert_str_eq(err.msg, bad_lines[_i].msg);
	ck_assert(!rows && !n);
	remove(path);
}
END_TEST

Suite *suite_serve_metrics(void)
{
	Suite *s = suite_create("serve_metrics");
	TCase *c = tcase_create("buckets");

	tcase_add_test(c, buckets_meet_without_gap);
	tcase_add_test(c, progression_is_its_terms);
	tcase_add_test(c, bucket_quantiles);
	tcase_add_test(c, sums_do_not_overflow);
	tcase_add_test(c, timeline_against_sums);
	suite_add_tcase(s, c);
	c = tcase_create("metrics");
	tcase_add_test(c, metrics_by_hand);
	tcase_add_test(c, nothing_happened);
	tcase_add_test(c, beginning_is_cut);
	tcase_add_test(c, beyond_what_is_kept);
	suite_add_tcase(s, c);
	c = tcase_create("lines");
	tcase_add_test(c, lines_of_requests);
	tcase_add_test(c, lines_that_cannot_be_written);
	tcase_add_loop_test(c, lines_that_are_wrong, 0, ARRAY_LEN(bad_lines));
	suite_add_tcase(s, c);
	return s;
}
