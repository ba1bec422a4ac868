/* check_load.c - the load: variates against GSL, lengths, traces, arrivals. */
#include "tests/suites.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/load/arrivals.h"
#include "sim/load/lengths.h"
#include "sim/load/trace.h"
#include "sim/load/variates.h"
#include "sim/stats/quantile.h"
#include "sim/stats/summary.h"
#include "tests/serve/serveload.h"

enum { MANY = 20000 };

START_TEST(nanoseconds_round_halves_up)
{
	ck_assert_int_eq(exact_ns(1.5e-9), 2);
	ck_assert_int_eq(exact_ns(2.4e-9), 2);
	ck_assert_int_eq(exact_ns(0), 0);
	ck_assert_int_eq(exact_ns(1e300), INT64_MAX);
}
END_TEST

/* What any system must print for these seeds: + - * / and sqrt are rounded alike everywhere. */
START_TEST(variates_bit_for_bit)
{
	struct rng *r = rng_new(7, "bits");
	double x[5];
	char text[256];

	x[0] = exact_exponential(r, 2);
	x[1] = exact_normal(r);
	x[2] = exact_gamma(r, 0.7);
	x[3] = exact_gamma(r, 3.5);
	x[4] = exact_lognormal(r, 6, 1);
	rng_free(r);
	snprintf(text, sizeof text, "%a %a %a %a %a", x[0], x[1], x[2], x[3], x[4]);
	ck_assert_str_eq(text, "0x1.7e15dbfcd325ap+2 -0x1.f948a6eeae59p-2 0x1.1be8a706ccdc6p+1 "
			       "0x1.24e30a5bb01bcp+2 0x1.2dea588891999p+9");
}
END_TEST

struct family_model {
	const char *name;
	double a, b;
	double (*draw)(struct rng *r, double a, double b);
	double (*cdf)(double x, double a, double b);
	double mean, variance;
};

static double draw_exponential(struct rng *r, double a, double b)
{
	(void)b;
	return exact_exponential(r, a);
}

static double draw_normal(struct rng *r, double a, double b)
{
	return a + b * exact_normal(r);
}

static double draw_gamma(struct rng *r, double a, double b)
{
	return b * exact_gamma(r, a);
}

static double cdf_exponential(double x, double a, double b)
{
	(void)b;
	return gsl_cdf_exponential_P(x, a);
}

static double cdf_normal(double x, double a, double b)
{
	return gsl_cdf_gaussian_P(x - a, b);
}

static const struct family_model family_models[] = {
	{"exponential", 3, 0, draw_exponential, cdf_exponential, 3, 9},
	{"normal", 0, 1, draw_normal, cdf_normal, 0, 1},
	{"gamma 0.1", 0.1, 1, draw_gamma, gsl_cdf_gamma_P, 0.1, 0.1},
	{"gamma 0.7", 0.7, 2, draw_gamma, gsl_cdf_gamma_P, 1.4, 2.8},
	{"gamma 1", 1, 1, draw_gamma, gsl_cdf_gamma_P, 1, 1},
	{"gamma 2.5", 2.5, 1, draw_gamma, gsl_cdf_gamma_P, 2.5, 2.5},
	{"gamma 40", 40, 0.5, draw_gamma, gsl_cdf_gamma_P, 20, 10},
	{"lognormal", 1, 0.5, exact_lognormal, gsl_cdf_lognormal_P, 3.0802168489180310, 2.6948137545},
};

/* Kolmogorov and Smirnov: sqrt(n) D stays below 1.63 in 99 of 100 samples; the seeds are fixed. */
START_TEST(variate_is_distributed)
{
	const struct family_model *l = &family_models[_i];
	struct rng *r = rng_new(11, l->name);
	struct summary s = summary_empty();
	double *x = xmalloc(MANY * sizeof *x), d = 0;

	for (int i = 0; i < MANY; i++)
		summary_add(&s, x[i] = l->draw(r, l->a, l->b));
	rng_free(r);
	quantile_sort(x, MANY);
	for (int i = 0; i < MANY; i++) {
		const double p = l->cdf(x[i], l->a, l->b);

		d = fmax(d, fmax(p - (double)i / MANY, (double)(i + 1) / MANY - p));
	}
	free(x);
	ck_assert_double_lt(sqrt(MANY) * d, 1.63);
	ck_assert_double_eq_tol(s.mean, l->mean, 4 * sqrt(l->variance / MANY));
	ck_assert_double_eq_tol(summary_variance(&s) / l->variance, 1, 0.1);
}
END_TEST

/* The law behind `prompt:`, drawn MANY times, in order of size. */
static double *draw_lengths(const char *family_model, struct summary *s, double *mean)
{
	struct arena a = ARENA_INIT;
	char yaml[256];
	const struct serve *load;
	struct lengths l;
	struct rng *r = rng_new(5, family_model);
	double *x = xmalloc(MANY * sizeof *x);

	snprintf(yaml, sizeof yaml, "{arrivals: {rate: 1 req/s}, requests: 1, prompt: %s, output: 1 tok}",
		 family_model);
	load = serveload(&a, yaml);
	l = lengths_of(&a, &((const struct load_class *)load->classes.at)->prompt);
	*s = summary_empty();
	for (int i = 0; i < MANY; i++)
		summary_add(s, x[i] = (double)lengths_draw(&l, r));
	*mean = lengths_mean(&l);
	rng_free(r);
	arena_release(&a);
	quantile_sort(x, MANY);
	return x;
}

START_TEST(lengths_uniform)
{
	double mean, counts[7] = {0}, *x;
	struct summary s;

	x = draw_lengths("{uniform: [3 tok, 9 tok]}", &s, &mean);
	for (int i = 0; i < MANY; i++)
		counts[(int)x[i] - 3]++;
	for (int i = 0; i < 7; i++) /* five standard deviations of a count */
		ck_assert_double_eq_tol(counts[i], MANY / 7.0, 5 * sqrt(MANY / 7.0));
	ck_assert_double_eq(mean, 6);
	ck_assert(s.min == 3 && s.max == 9);
	free(x);
}
END_TEST

START_TEST(lengths_lognormal)
{
	double mean, *x;
	struct summary s;

	x = draw_lengths("{lognormal: {p50: 700 tok, p90: 2700 tok}}", &s, &mean);
	ck_assert_double_eq_tol(quantile_sorted(x, MANY, 0.5), 700, 20);
	ck_assert_double_eq_tol(quantile_sorted(x, MANY, 0.9), 2700, 100);
	ck_assert_double_eq_tol(s.mean / mean, 1, 0.03);
	free(x);
	x = draw_lengths("{lognormal: {mean: 100 tok, sigma: 0.5}, max: 200 tok}", &s, &mean);
	ck_assert_double_eq(s.max, 200);
	ck_assert_double_eq_tol(s.mean / mean, 1, 0.01);
	free(x);
}
END_TEST

START_TEST(lengths_histogram)
{
	double mean, *x;
	struct summary s;
	int few = 0;

	x = draw_lengths("{histogram: [{to: 5 tok, weight: 1}, {from: 10 tok, to: 19 tok, weight: 3}]}", &s,
			 &mean);
	for (int i = 0; i < MANY; i++) {
		MUST(x[i] == 5 || (x[i] >= 10 && x[i] <= 19));
		few += x[i] == 5;
	}
	ck_assert_double_eq_tol(few, MANY / 4.0, 5 * sqrt(MANY / 4.0));
	ck_assert_double_eq_tol(mean, 0.25 * 5 + 0.75 * 14.5, 1e-12);
	ck_assert_double_eq_tol(s.mean, mean, 0.2);
	free(x);
	x = draw_lengths("512 tok", &s, &mean);
	ck_assert(s.min == 512 && s.max == 512 && mean == 512);
	free(x);
}
END_TEST

static const struct {
	const char *text;
	int64_t ns[3], prompt[3], output[3]; /* ns of the second and third */
} texts[] = {
	{"arrived_s,prompt_tokens,output_tokens\n0.5,10,1\n0.500000001,20,2\n1e1,30,3\n",
	 {500000000, 500000001, 10000000000},
	 {10, 20, 30},
	 {1, 2, 3}},
	{"\xef\xbb\xbfrequest, output_tokens "
	 ",arrived_s,\"prompt_tokens\"\r\n\"a,\"\"b\",1,0,10\r\n\r\nb,2,2.1e-05,20.0"
	 "\r\nc,3,0.0000215,30",
	 {0, 21000, 21500},
	 {10, 20, 30},
	 {1, 2, 3}},
	{"TIMESTAMP,ContextTokens,GeneratedTokens\n2023-12-31 23:59:59.9000000,10,1\n2024-01-01 "
	 "00:00:00.1000000,20,2\n2024-03-01T00:00:00Z,30,3\n",
	 {0, 200000000, 5184000100000000},
	 {10, 20, 30},
	 {1, 2, 3}},
	{"Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
	 "5,s1,1.5,ChatGPT,10,1,11,Conversation log\n45,s1,2,GPT-4,20,2,22,API log\n45,,2,GPT-4,30,3,33,API "
	 "log\n",
	 {5000000000, 45000000000, 45000000000},
	 {10, 20, 30},
	 {1, 2, 3}},
	{"{\"timestamp\": 0, \"input_length\": 10, \"output_length\": 1, \"hash_ids\": [7]}\n"
	 "{\"other\":{\"a\":[1,\"]\\\"\"]},\"output_length\":2,\"input_length\":20,\"timestamp\":27.482}\n\n"
	 "{\"timestamp\":3000,\"input_length\":30,\"output_length\":3,\"hash_ids\":[]}",
	 {0, 27482000, 3000000000},
	 {10, 20, 30},
	 {1, 2, 3}},
};

START_TEST(trace_rows)
{
	const struct trace_how provenance = {1, false};
	struct err err = ERR_INIT;
	struct trace_row row;
	struct trace *t = trace_of_text("f", texts[_i].text, strlen(texts[_i].text), &provenance, &err);

	ck_assert_msg(t != NULL, "%s", err.msg);
	for (int i = 0; i < 3; i++) {
		ck_assert_msg(trace_next(t, &row, &err) == 1, "%s", err.msg);
		ck_assert_int_eq(row.arrive_ns, texts[_i].ns[i]);
		ck_assert_int_eq(row.prompt, texts[_i].prompt[i]);
		ck_assert_int_eq(row.output, texts[_i].output[i]);
	}
	ck_assert_int_eq(trace_next(t, &row, &err), 0);
	trace_close(t);
}
END_TEST

#define OWN    "arrived_s,prompt_tokens,output_tokens\n"
#define COMMAS ",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,"
#define OBJECT "{\"timestamp\":1,\"input_length\":2,\"output_length\":3"
static const struct {
	const char *text, *msg, *hint;
} bad_traces[] = {
	{"", "f: the file is empty", "a trace begins with"},
	{"\n \n", "f: the file is empty", "a trace begins with"},
	{OWN, "f: the trace has no request", "a line for each"},
	{"time,tokens\n1,2\n", "f:1: no trace begins like 'time,tokens'", "arrived_s,prompt_tokens"},
	{"arrived_s,prompt_tokens\n1,2\n", "f:1: column 'output_tokens' is missing", "it goes with"},
	{"ContextTokens,GeneratedTokens\n", "f:1: column 'TIMESTAMP' is missing", "it goes with"},
	{OWN "1,2,3\n0.5,2,3\n", "f:3: the request comes 0.5 s before the one above it", "sort the rows"},
	{OWN "-1,2,3\n", "f:2:1: the time '-1' is negative", "begin at 0"},
	{OWN "x,2,3\n", "f:2:1: 'x' is not a number", "a time"},
	{OWN "nan,2,3\n", "f:2:1: 'nan' is not a number", "a time"},
	{OWN "0x1,2,3\n", "f:2:1: '0x1' is not a number", "a time"},
	{OWN "1e30,2,3\n", "f:2:1: the time '1e30' is beyond 30 years", "count from"},
	{OWN "1,two,3\n", "f:2:3: prompt_tokens: 'two' is not a number of tokens", "a whole number"},
	{OWN "1,2.5,3\n", "f:2:3: prompt_tokens: '2.5' is not a number of tokens", "a whole number"},
	{OWN "1,2,-3\n", "f:2:5: output_tokens: '-3' is negative", ""},
	{OWN "1,99999999999999999999,3\n", "f:2:3: prompt_tokens: '99999999999999999999' is more than", ""},
	{OWN "1,2,\n", "f:2:5: output_tokens: '' is not a number of tokens", "a whole number"},
	{OWN "1,2\n", "f:2: the line has 2 cells, column 3 is wanted", ""},
	{OWN "1,2,3,4\n", "f:2: the line has 4 cells, the first line 3", "in quotes"},
	{OWN "1,2,3" COMMAS "\n", "f:2: the line has 83 cells, the first line 3", "in quotes"},
	{"arrived_s,prompt_tokens,output_tokens" COMMAS "\n1,2,3\n", "f:1: more than 64 columns", ""},
	{OWN "1,2,0\n", "f:2: the request has no answer", "skip_failed"},
	{OWN "\"1,2,3\n", "f:2:1: the quotes of this cell do not close", ""},
	{OWN "\x01\x02,2,3\n", "f:2:1: '\?\?' is not a number", "a time"},
	{"TIMESTAMP,ContextTokens,GeneratedTokens\n2023-13-01 00:00:00,1,1\n",
	 "f:2:1: '2023-13-01 00:00:00' is not a date", "such as"},
	{"TIMESTAMP,ContextTokens,GeneratedTokens\n2023-02-29 00:00:00,1,1\n",
	 "f:2:1: '2023-02-29 00:00:00' is not a date", "such as"},
	{"TIMESTAMP,ContextTokens,GeneratedTokens\n2100-02-29 00:00:00,1,1\n",
	 "f:2:1: '2100-02-29 00:00:00' is not a date", "such as"},
	{"TIMESTAMP,ContextTokens,GeneratedTokens\n2024-02-29 00:00:00,1,1\n2024-02-30 00:00:00,1,1\n",
	 "f:3:1: '2024-02-30 00:00:00' is not a date", "such as"},
	{"TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-31 00:00:00,1,1\n",
	 "f:2:1: '2023-11-31 00:00:00' is not a date", "such as"},
	{"TIMESTAMP,ContextTokens,GeneratedTokens\n2023-12-00 00:00:00,1,1\n",
	 "f:2:1: '2023-12-00 00:00:00' is not a date", "such as"},
	{"TIMESTAMP,ContextTokens,GeneratedTokens\n2023-12-32 00:00:00,1,1\n",
	 "f:2:1: '2023-12-32 00:00:00' is not a date", "such as"},
	{"TIMESTAMP,ContextTokens,GeneratedTokens\n2023-12-02 00:00:00,1,1\n2023-12-01 00:00:00,1,1\n",
	 "f:3: the request comes 86400 s before", "sort the rows"},
	{OBJECT "\n", "f:1:50: ',' or '}' is wanted", ""},
	{OBJECT "} x\n", "f:1:52: something follows the object", ""},
	{OBJECT ",\"timestamp\":1}", "f:1:52: key 'timestamp' is there twice", ""},
	{"{\"timestamp\":1,\"input_length\":2}\n", "f:1: key 'output_length' is missing", "timestamp (ms)"},
	{OBJECT ",\"hash_ids\":[1,2]}", "f:1: hash_ids: 2 blocks for a prompt of 2 tokens", "one for each"},
	{OBJECT ",\"hash_ids\":[1,x]}", "f:1:65: hash_ids: a whole number is wanted", ""},
	{OBJECT ",\"hash_ids\":7}", "f:1:62: hash_ids: a list is wanted", ""},
	{"{}\n", "f:1: key 'timestamp' is missing", "timestamp (ms)"},
	{"{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1", "f:1:38: nested too deeply", ""},
};

START_TEST(trace_is_refused)
{
	const struct trace_how provenance = {1, false};
	struct err err = ERR_INIT;
	struct trace_row row;
	const char *text = bad_traces[_i].text;
	struct trace *t = trace_of_text("f", text, strlen(text), &provenance, &err);
	int rc = -1;

	while (t && (rc = trace_next(t, &row, &err)) == 1)
		;
	trace_close(t);
	ck_assert(!rc || rc == -1);
	ck_assert_msg(str_starts(err.msg, bad_traces[_i].msg), "'%s', not '%s'", err.msg, bad_traces[_i].msg);
	ck_assert_msg(str_starts(err.hint, bad_traces[_i].hint) || strstr(err.hint, bad_traces[_i].hint),
		      "'%s'", err.hint);
}
END_TEST

START_TEST(trace_faster_and_failed)
{
	const struct trace_how provenance = {2, true};
	const char *text = OWN "1,2,3\n1.000000001,5,0\n1.000000003,7,8\n";
	struct err err = ERR_INIT;
	struct trace_row row;
	struct trace *t = trace_of_text("f", text, strlen(text), &provenance, &err);

	ck_assert_int_eq(trace_next(t, &row, &err), 1);
	ck_assert_int_eq(row.arrive_ns, 500000000);
	ck_assert_int_eq(trace_next(t, &row, &err), 1);
	ck_assert_int_eq(row.arrive_ns, 500000002); /* 500000001.5, halves upwards */
	ck_assert_int_eq(row.prompt, 7);
	ck_assert_uint_eq(trace_skipped(t).no_answer, 1);
	ck_assert_uint_eq(trace_skipped(t).no_prompt, 0);
	trace_close(t);
}
END_TEST

START_TEST(trace_line_too_long)
{
	const struct trace_how provenance = {1, false};
	struct err err = ERR_INIT;
	char *text = xmalloc(TRACE_LINE + 2);

	memset(text, 'x', TRACE_LINE + 2);
	ck_assert_ptr_null(trace_of_text("f", text, TRACE_LINE + 2, &provenance, &err));
	ck_assert_str_eq(err.msg, "f:1: the line is longer than 1048576 bytes");
	free(text);
}
END_TEST

static struct arrivals *begin(struct arena *a, const char *yaml, struct request_source *source)
{
	struct err err = ERR_INIT;
	struct arrivals *ar = arrivals_new(serveload(a, yaml), 1, 0, &err);

	ck_assert_msg(ar != NULL, "%s", err.msg);
	*source = arrivals_source(ar);
	return ar;
}

static void end_at(struct request_source *s, const struct request *r, int64_t ns, enum request_end provenance)
{
	const struct request_times t = {.end_ns = ns, .last_ns = ns, .tokens = r->output, .end = provenance};

	s->ended(s->self, r, &t);
}

/* Takes everything that comes by itself, each ended at once. */
static size_t take_all(const char *yaml, struct request *out, size_t room)
{
	struct arena a = ARENA_INIT;
	struct request_source s;
	struct arrivals *ar = begin(&a, yaml, &s);
	struct request r;
	int64_t last = 0;
	size_t n = 0;

	while (s.next(s.self, INT64_MAX, &r)) {
		MUST(r.arrive_ns >= last && r.id == n);
		last = r.arrive_ns;
		if (n < room)
			out[n] = r;
		n++;
		end_at(&s, &r, r.arrive_ns, REQUEST_DONE);
	}
	MUST(arrivals_made(ar) == n);
	arrivals_free(ar);
	arena_release(&a);
	return n;
}

#define TEN "prompt: 10 tok, output: 5 tok"
START_TEST(open_loads)
{
	struct request *r = xmalloc(MANY * sizeof *r), *faster = xmalloc(MANY * sizeof *r);

	/* N arrivals take N / rate, whatever the burstiness */
	ck_assert_uint_eq(
		take_all("{arrivals: {rate: 4 req/s, burstiness: 0.7}, requests: 1000, measure: all, " TEN
			 "}",
			 r, MANY),
		1000);
	ck_assert_int_le(llabs(r[999].arrive_ns - 250000000000), 1);
	/* twice the rate, the same random numbers */
	take_all("{arrivals: {rate: 2 req/s}, requests: 5000, " TEN "}", r, MANY);
	take_all("{arrivals: {rate: 4 req/s}, requests: 5000, " TEN "}", faster, MANY);
	for (int i = 0; i < 5000; i++)
		MUST(llabs(r[i].arrive_ns - 2 * faster[i].arrive_ns) <= 2);
	ck_assert_double_eq_tol((double)r[4999].arrive_ns / 1e9, 2500, 4 * sqrt(5000) / 2);
	ck_assert_uint_eq(take_all("{arrivals: {every: 0.5 s}, for: 2 s, " TEN "}", r, MANY), 4);
	ck_assert_int_eq(r[3].arrive_ns, 2000000000);
	ck_assert_uint_eq(take_all("{arrivals: {all_at: 1 s}, requests: 3, " TEN "}", r, MANY), 3);
	ck_assert(r[0].arrive_ns == 1000000000 && r[2].arrive_ns == 1000000000);
	ck_assert(r[0].prompt == 10 && r[0].output == 5 && !r[0].prefix_n && !r[0].session);
	ck_assert_double_eq_tol(
		(double)take_all("{arrivals: {rate: 60 req/min}, for: 1000 s, " TEN "}", r, MANY), 1000,
		4 * sqrt(1000));
	free(r);
	free(faster);
}
END_TEST

START_TEST(burstiness_is_the_shape)
{
	struct request *r = xmalloc(MANY * sizeof *r);
	struct summary s = summary_empty();

	take_all("{arrivals: {rate: 1 req/s, burstiness: 0.25}, requests: 20000, " TEN "}", r, MANY);
	for (int i = 1; i < MANY; i++)
		summary_add(&s, (double)(r[i].arrive_ns - r[i - 1].arrive_ns) / 1e9);
	ck_assert_double_eq_tol(s.mean, 1, 0.06);
	ck_assert_double_eq_tol(summary_sd(&s) / s.mean, 2, 0.1); /* 1 / sqrt(shape) */
	free(r);
}
END_TEST

START_TEST(classes_have_their_share)
{
	struct request *r = xmalloc(MANY * sizeof *r);
	int long_ones = 0;

	take_all("{arrivals: {rate: 1 req/s}, requests: 20000, output: 5 tok, classes: {chat: {share: 75 %, "
		 "prompt: 10 tok}, "
		 "long: {share: 25 %, prompt: 900 tok, priority: -3}}}",
		 r, MANY);
	for (int i = 0; i < MANY; i++) {
		MUST(r[i].prompt == (r[i].class_id ? 900 : 10) && r[i].priority == (r[i].class_id ? -3 : 0));
		long_ones += r[i].class_id == 1;
	}
	ck_assert_double_eq_tol(long_ones, 5000, 5 * sqrt(MANY * 0.25 * 0.75));
	free(r);
}
END_TEST

START_TEST(users_wait_and_think)
{
	struct arena a = ARENA_INIT;
	struct request_source s;
	struct arrivals *ar = begin(&a, "{arrivals: {users: 2, think: 10 s}, requests: 4000, " TEN "}", &s);
	struct summary pauses = summary_empty();
	struct request r, out[2] = {{0}};
	int64_t ends[2] = {-1, -1}, free_since[2] = {0, 0};
	int n = 0;

	/* each request takes a second; two servers, so that nobody waits */
	for (;;) {
		const int first = ends[0] >= 0 && (ends[1] < 0 || ends[0] <= ends[1]) ? 0
				  : ends[1] >= 0                                      ? 1
										      : -1;

		if (!s.next(s.self, first < 0 ? INT64_MAX : ends[first] - 1, &r)) {
			if (first < 0)
				break;
			end_at(&s, &out[first], ends[first], REQUEST_DONE);
			free_since[first] = ends[first];
			ends[first] = -1;
			continue;
		}
		const int k = ends[0] < 0 ? 0 : 1;

		MUST(ends[k] < 0); /* never more than two at once */
		out[k] = r;
		ends[k] = r.arrive_ns + 1000000000;
		n++;
		summary_add(&pauses, (double)(r.arrive_ns - free_since[k]) / 1e9);
	}
	ck_assert_int_eq(n, 4000);
	/* a cycle is 1 s of service and 10 s of thought on average */
	ck_assert_double_eq_tol((double)r.arrive_ns / 1e9, 2000 * 11.0, 2000 * 11.0 * 0.05);
	ck_assert_double_eq_tol(pauses.mean, 10, 0.6);
	arrivals_free(ar);
	arena_release(&a);
}
END_TEST

START_TEST(concurrency_and_refusal)
{
	struct arena a = ARENA_INIT;
	struct request_source s;
	struct arrivals *ar = begin(&a, "{arrivals: {concurrency: 3}, for: 10 s, " TEN "}", &s);
	struct request r[5];

	for (int i = 0; i < 3; i++)
		ck_assert(s.next(s.self, 0, &r[i]) && r[i].arrive_ns == 0);
	ck_assert(!s.next(s.self, INT64_MAX, &r[3]));
	end_at(&s, &r[1], 4000000000, REQUEST_DONE);
	ck_assert(!s.next(s.self, 3999999999, &r[3]));
	ck_assert(s.next(s.self, 4000000000, &r[3]) && r[3].arrive_ns == 4000000000);
	end_at(&s, &r[3], 4000000000, REQUEST_REFUSED); /* at once, and again and again? */
	ck_assert(!s.next(s.self, 4999999999, &r[4]));
	end_at(&s, &r[0], 4500000000, REQUEST_DONE); /* an end makes an earlier arrival */
	ck_assert(s.next(s.self, INT64_MAX, &r[4]) && r[4].arrive_ns == 4500000000);
	ck_assert(s.next(s.self, INT64_MAX, &r[4]) && r[4].arrive_ns == 5000000000);
	end_at(&s, &r[4], 11000000000, REQUEST_DONE);
	ck_assert(!s.next(s.self, INT64_MAX, &r[4])); /* ten seconds are over */
	arrivals_free(ar);
	arena_release(&a);
}
END_TEST

START_TEST(client_holds_what_is_too_many)
{
	struct arena a = ARENA_INIT;
	struct request_source s;
	struct arrivals *ar =
		begin(&a, "{arrivals: {every: 1 s}, requests: 4, max_in_flight: 2, " TEN "}", &s);
	struct request r[4];

	ck_assert(s.next(s.self, INT64_MAX, &r[0]) && s.next(s.self, INT64_MAX, &r[1]) &&
		  r[1].arrive_ns == 2000000000);
	ck_assert(!s.next(s.self, INT64_MAX, &r[2]));
	end_at(&s, &r[0], 3500000000, REQUEST_DONE);
	ck_assert(s.next(s.self, INT64_MAX, &r[2]) && r[2].arrive_ns == 3500000000); /* was due at 3 */
	end_at(&s, &r[1], 3700000000, REQUEST_DONE);
	ck_assert(s.next(s.self, INT64_MAX, &r[3]) && r[3].arrive_ns == 4000000000);
	arrivals_free(ar);
	arena_release(&a);
}
END_TEST

START_TEST(conversations_carry_what_was_said)
{
	struct arena a = ARENA_INIT;
	struct request_source s;
	struct arrivals *ar =
		begin(&a,
		      "{arrivals: {rate: 3 req/s}, requests: 300, prompt: {uniform: [10 tok, 20 tok]}, "
		      "output: {uniform: [5 tok, 9 tok]}, prefix: {system: 100 tok, groups: 2, turns: 3, "
		      "think: 1 s}}",
		      &s);
	struct request r, first;
	struct prefix_piece said[2];
	uint64_t sessions = 0;
	int64_t last = 0;

	ck_assert(s.next(s.self, INT64_MAX, &first) && first.prefix_n == 2 && first.session);
	memcpy(said, first.prefix, sizeof said);
	ck_assert(said[0].tokens == 100 && said[0].tokens + said[1].tokens == first.prompt);
	end_at(&s, &first, first.arrive_ns, REQUEST_DONE);
	while (s.next(s.self, INT64_MAX, &r)) {
		MUST(r.prefix_n == 2 && r.prefix[0].tokens + r.prefix[1].tokens == r.prompt);
		MUST(r.prefix[0].group < 2);
		if (r.session == first.session) {
			MUST(r.prefix[1].group == said[1].group && r.prefix[0].group == said[0].group);
			/* all that was said, and 10 to 20 more */
			MUST(r.prompt >= first.prompt + first.output + 10 &&
			     r.prompt <= first.prompt + first.output + 20);
			first = r;
		} else {
			MUST(r.prefix[1].group != said[1].group);
		}
		sessions += r.prompt <= 120;
		last = r.arrive_ns;
		end_at(&s, &r, last, REQUEST_DONE);
	}
	sessions++; /* the first one */
	/* 300 requests are 100 conversations, or a few more whose end was cut off */
	ck_assert_uint_eq(arrivals_made(ar), 300);
	ck_assert(sessions >= 99 && sessions < 110);
	ck_assert_double_eq_tol((double)last / 1e9, 100, 30); /* 3 req/s, all turns counted */
	arrivals_free(ar);
	arena_release(&a);
}
END_TEST

/* A clock of nanoseconds ends after 292 years: a load without an end is asked for its first 2000 requests. */
START_TEST(loads_of_centuries_are_refused)
{
	static const struct {
		const char *load, *msg; /* NULL: it is served */
	} at[] = {
		{"{arrivals: {rate: 1e-9 req/s}, " TEN "}", "arrivals: the load lasts 63376 years"},
		{"{arrivals: {rate: 1e-6 req/s}, " TEN "}", NULL},
		{"{arrivals: {rate: 1e-9 req/s}, requests: 3, " TEN "}", NULL},
		{"{arrivals: {rate: 1e-9 req/s}, requests: 9, " TEN "}",
		 "arrivals: the load lasts 285 years"},
		{"{arrivals: {rate: 1e-9 req/s}, for: 1 h, " TEN "}", NULL},
		{"{arrivals: {every: 1e9 s}, requests: 10, " TEN "}", "arrivals: the load lasts 317 years"},
		{"{arrivals: {users: 1, think: 1e9 s}, requests: 10, " TEN "}",
		 "arrivals: the load lasts 317 years"},
		{"{arrivals: {users: 10, think: 1e9 s}, requests: 10, " TEN "}", NULL},
	};
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	const int rc = arrivals_check(serveload(&a, at[_i].load), 2000, &err);

	ck_assert_int_eq(rc, at[_i].msg ? -1 : 0);
	ck_assert_msg(str_starts(err.msg, at[_i].msg ? at[_i].msg : ""), "'%s'", err.msg);
	arena_release(&a);
}
END_TEST

START_TEST(replications_differ)
{
	struct arena a = ARENA_INIT;
	const struct serve *load = serveload(&a, "{arrivals: {rate: 1 req/s}, requests: 5, " TEN "}");
	struct err err = ERR_INIT;
	struct request r[3];

	for (int i = 0; i < 3; i++) {
		struct arrivals *ar = arrivals_new(load, 1, i & 1, &err);
		struct request_source s = arrivals_source(ar);

		ck_assert(s.next(s.self, INT64_MAX, &r[i]));
		arrivals_free(ar);
	}
	ck_assert_int_ne(r[0].arrive_ns, r[1].arrive_ns);
	ck_assert_int_eq(r[0].arrive_ns, r[2].arrive_ns);
	arena_release(&a);
}
END_TEST

/* Blocks that a cache without end would have, counted from the prefix chains: consecutive from the start. */
static void count_hits(const char *path, uint64_t *hits, uint64_t *blocks)
{
	enum { SLOTS = 1 << 16 };
	struct arena a = ARENA_INIT;
	uint64_t *seen = xcalloc(SLOTS, sizeof *seen);
	struct request_source s;
	struct request r;
	char yaml[128];
	struct arrivals *ar;

	snprintf(yaml, sizeof yaml, "{arrivals: {trace: %s}}", path);
	ar = begin(&a, yaml, &s);
	*hits = *blocks = 0;
	while (s.next(s.self, INT64_MAX, &r)) {
		bool hit = true;

		for (size_t i = 0; i < r.prefix_n; i++) {
			uint64_t h = r.prefix[i].group * 0x9e3779b97f4a7c15u >> 48;

			while (seen[h] && seen[h] != r.prefix[i].group + 1)
				h = (h + 1) % SLOTS;
			hit &= seen[h] != 0;
			seen[h] = r.prefix[i].group + 1;
			*hits += hit;
			++*blocks;
		}
		end_at(&s, &r, r.arrive_ns, REQUEST_DONE);
	}
	free(seen);
	arrivals_free(ar);
	arena_release(&a);
}

/* The counts are those of a few lines of Python over hash_ids. The whole files, in the same way: synthetic
 * 77953 of 121877 blocks, 64.0 %; conversation, its first 6000 requests, 52821 of 152537. */
START_TEST(mooncake_blocks_hit)
{
	uint64_t hits, blocks;

	count_hits("tests/data/traces/mooncake_synthetic.jsonl", &hits, &blocks);
	ck_assert_uint_eq(hits, 323);
	ck_assert_uint_eq(blocks, 5330);
	count_hits("tests/data/traces/mooncake_conversation.jsonl", &hits, &blocks);
	ck_assert_uint_eq(hits, 322);
	ck_assert_uint_eq(blocks, 5537);
}
END_TEST

START_TEST(trace_that_breaks)
{
	const char *path = "build/broken-trace.csv";
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct request_source s;
	struct request r;
	struct arrivals *ar;

	ck_assert_int_eq(file_write(path, OWN "1,2,3\n2,2,x\n", strlen(OWN "1,2,3\n2,2,x\n"), true, &err), 0);
	ar = begin(&a, "{arrivals: {trace: build/broken-trace.csv}}", &s);
	ck_assert(s.next(s.self, INT64_MAX, &r) && !s.next(s.self, INT64_MAX, &r));
	ck_assert_int_eq(arrivals_error(ar, &err), -1);
	ck_assert_str_eq(err.msg, "build/broken-trace.csv:3:5: output_tokens: 'x' is not a number of tokens");
	arrivals_free(ar); /* the first request never ended */
	arena_release(&a);
	remove(path);
}
END_TEST

Suite *suite_load(void)
{
	Suite *s = suite_create("load");
	TCase *c = tcase_create("variates");

	tcase_add_test(c, nanoseconds_round_halves_up);
	tcase_add_test(c, variates_bit_for_bit);
	tcase_add_loop_test(c, variate_is_distributed, 0, ARRAY_LEN(family_models));
	tcase_add_test(c, lengths_uniform);
	tcase_add_test(c, lengths_lognormal);
	tcase_add_test(c, lengths_histogram);
	suite_add_tcase(s, c);
	c = tcase_create("traces");
	tcase_add_loop_test(c, trace_rows, 0, ARRAY_LEN(texts));
	tcase_add_loop_test(c, trace_is_refused, 0, ARRAY_LEN(bad_traces));
	tcase_add_test(c, trace_faster_and_failed);
	tcase_add_test(c, trace_line_too_long);
	tcase_add_test(c, mooncake_blocks_hit);
	tcase_add_test(c, trace_that_breaks);
	suite_add_tcase(s, c);
	c = tcase_create("arrivals");
	tcase_add_test(c, open_loads);
	tcase_add_test(c, burstiness_is_the_shape);
	tcase_add_test(c, classes_have_their_share);
	tcase_add_test(c, users_wait_and_think);
	tcase_add_test(c, concurrency_and_refusal);
	tcase_add_test(c, client_holds_what_is_too_many);
	tcase_add_test(c, conversations_carry_what_was_said);
	tcase_add_loop_test(c, loads_of_centuries_are_refused, 0, 8);
	tcase_add_test(c, replications_differ);
	suite_add_tcase(s, c);
	return s;
}
