/*
 * check_serve_job.c - the job serve: an assignment's servers under a load, and the metrics that come of it.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/predict/generate_job.h"
#include "sim/predict/metrics.h"
#include "sim/predict/predict.h"
#include "sim/predict/scenario_load.h"
#include "sim/predict/serve_job.h"
#include "sim/serve/service.h"
#include "tests/fixtures.h"
#include "tests/suites.h"

static struct fixture fixture;

#define HEAD                                                                                                 \
	"schema: lemursim/scenario/1\ntitle: served\nmodel: llama-3.1-8b\n"                                  \
	"precision: {weights: q4_K_M, kv: f16, compute: f16}\nruntime: llama.cpp\n"                          \
	"machines: {a: apple-m4-pro-16c-24gb, b: apple-m4-pro-16c-24gb, c: apple-m5-10c-24gb}\n"             \
	"links: {ab: {base: thunderbolt-4-tcp, between: [a, b]}, ac: {base: thunderbolt-4-tcp, between: "    \
	"[a, "                                                                                               \
	"c]}}\n"
#define EXACT "serve: {scheduler: static, seqs: 1, context: 8192 tok, request: 0 s, request_per_token: 0 s}"

static struct service *service_of(const char *name)
{
	const struct assignment *a = fixture.world->scenario->assignments.at;
	struct service *s;

	for (size_t i = 0; i < fixture.world->scenario->assignments.n; i++)
		if (!strcmp(a[i].name, name)) {
			s = service_new(&fixture.arena, fixture.world, &a[i], &fixture.diags);
			ck_assert_msg(s != NULL, "%s", fixture_complaints(&fixture));
			return s;
		}
	ck_abort_msg("no assignment %s", name);
}

static struct service_summary run_with(struct service *s, struct service_ask ask)
{
	struct service_summary m;
	struct err err = ERR_INIT;

	ck_assert_msg(service_run(s, &ask, &m, &err) == 0, "%s", err.msg);
	return m;
}

static void must_be_same(const struct service_summary *a, const struct service_summary *b)
{
	for (int v = 0; v < SERVICE_VALUES; v++)
		ck_assert_msg((isnan(a->of[v]) && isnan(b->of[v])) || a->of[v] == b->of[v],
			      "value %d: %.17g and %.17g", v, a->of[v], b->of[v]);
}

/* The times of `generate` by the first assignment of a scenario. */
static struct generate_times generated(const char *text)
{
	struct generate_times g;
	struct prediction p;
	struct placement at;

	fixture_text(&fixture, text, NULL);
	at = fixture_place(&fixture, 0);
	prediction_make(&fixture.arena, &at, &p);
	g = generate_job_times(&p.jobs[JOB_GENERATE]);
	prediction_release(&p);
	fixture_release(&fixture);
	return g;
}

/* What the servers of its assignment 'one' do. */
static struct service_summary served(const char *text)
{
	struct service_summary m;
	struct service *s;

	fixture_text(&fixture, text, NULL);
	s = service_of("one");
	m = run_with(s, (struct service_ask){.seed = 1});
	service_free(s);
	fixture_release(&fixture);
	return m;
}

/* One user who does not think, on a server that adds nothing of its own: the times of `generate`. The one decode
 * step looks at 512 rows, where the server's table of attention has a knot and is exact. */
START_TEST(one_user_is_generate)
{
	struct service_summary m;
	struct generate_times g;

	g = generated(HEAD "workload:\n  generate: {prompt: 511 tok, tokens: 2 tok}\n"
			   "assignments: [{name: one, place: [{on: a}]}]\n");
	m = served(HEAD "workload: {serve: {arrivals: {concurrency: 1}, requests: 4, prompt: 511 tok, "
			"output: 2 tok, measure: all}}\n"
			"assignments: [{name: one, place: [{on: a}], " EXACT "}]\n");
	ck_assert_int_eq(llround(m.of[SERVICE_TTFT_P50] * 1e9), llround(g.ttft_s * 1e9));
	ck_assert_int_eq(llround(m.of[SERVICE_TTFT_P99] * 1e9), llround(g.ttft_s * 1e9));
	ck_assert_int_eq(llround(m.of[SERVICE_E2EL_P95] * 1e9), llround(g.e2el_s * 1e9));
}
END_TEST

/* A machine that keeps half of its arithmetic once it is hot reads prompts half as fast under a load, alone or in a pipeline; a single
 * request knows no heat but by a time constant. */
START_TEST(a_load_throttles)
{
	static const char *const head =
		"schema: lemursim/scenario/1\ntitle: served\nmodel: llama-3.1-8b\nruntime: llama.cpp\n"
		"precision: {weights: q4_K_M, kv: f16, compute: f16}\n"
		"machines: {a: {base: apple-m4-pro-16c-24gb%s}, b: {base: apple-m4-pro-16c-24gb%s}}\n"
		"links: {ab: {base: thunderbolt-4-tcp, between: [a, b]}}\n"
		"workload: {%s}\nassignments: [{name: one, place: [{on: a}%s]%s}]\n";
	static const char *const heat[] = {"", ", sustained: 50 %", ", sustained: 50 %, sustained_after: 1 h",
					   ", sustained: 50 %, sustained_after: 1 s"};
	static const char load[] =
		"serve: {arrivals: {concurrency: 1}, requests: 4, prompt: 4096 tok, output: 8 tok, "
		"measure: all}",
			  single[] = "generate: {prompt: 4096 tok, tokens: 8 tok}";
	struct service_summary m[4];
	struct generate_times g[4];
	char text[1024];

	for (int i = 0; i < 4; i++) {
		const char *half = _i ? ", {layers: 16-31, on: b}" : "";

		snprintf(text, sizeof text, head, heat[i], heat[i], load, half, ", " EXACT);
		m[i] = served(text);
		snprintf(text, sizeof text, head, heat[i], heat[i], single, half, "");
		g[i] = generated(text);
	}
	ck_assert_double_gt(m[1].of[SERVICE_TTFT_P50], 1.8 * m[0].of[SERVICE_TTFT_P50]);
	ck_assert_double_lt(m[1].of[SERVICE_TTFT_P50], 2.001 * m[0].of[SERVICE_TTFT_P50]);
	ck_assert_double_eq(g[1].ttft_s, g[0].ttft_s);
	ck_assert_double_eq(g[1].e2el_s, g[0].e2el_s);
	for (int i = 2; i < 4; i++) /* a load is hot however long that took */
		ck_assert_double_eq(m[i].of[SERVICE_TTFT_P50], m[1].of[SERVICE_TTFT_P50]);
	/* seconds of an hour are 0.5 (1 - exp(-t / 1 h)) slower, on average of a prompt half of that */
	ck_assert_double_gt(g[2].ttft_s, g[0].ttft_s * (1 + 0.2 * g[0].ttft_s / 3600));
	ck_assert_double_lt(g[2].ttft_s, g[0].ttft_s * (1 + 0.3 * g[0].ttft_s / 3600));
	/* what lasts many time constants is as slow as a load, but for the first of them */
	ck_assert_double_gt(g[3].ttft_s, 1.7 * g[0].ttft_s);
	ck_assert_double_lt(g[3].ttft_s, 2 * g[0].ttft_s);
}
END_TEST

/* So they are where mlx reads a prompt in pieces: the last layer's FFN of but one row, nothing behind the last cache, and
 * the last token apart; it looks at 4096 rows. */
START_TEST(one_user_of_mlx_is_generate)
{
	static const char *const models[] = {"llama-3.1-8b", "gemma-3n-e4b", "qwen3-30b-a3b"};
	const char *head = "schema: lemursim/scenario/1\ntitle: served\nruntime: mlx\n"
			   "precision: {weights: mlx_q4, kv: f16, compute: f16}\n"
			   "machines: {a: apple-m4-max-40c-128gb}\n";
	struct service_summary m;
	struct generate_times g;
	char text[1024];

	snprintf(text, sizeof text,
		 "%smodel: %s\nworkload:\n  generate: {prompt: 4096 tok, tokens: 1 tok}\n"
		 "assignments: [{name: one, place: [{on: a}]}]\n",
		 head, models[_i]);
	g = generated(text);
	snprintf(text, sizeof text,
		 "%smodel: %s\nworkload: {serve: {arrivals: {concurrency: 1}, requests: 2, prompt: 4096 tok, "
		 "output: 1 tok, measure: all}}\n"
		 "assignments: [{name: one, place: [{on: a}], serve: {prefix_cache: false, request: 0 s, "
		 "request_per_token: 0 s, detokenizer: 0 s, host_per_seq: 0 s}}]\n",
		 head, models[_i]);
	m = served(text);
	ck_assert_int_eq(llround(m.of[SERVICE_TTFT_P50] * 1e9), llround(g.ttft_s * 1e9));
}
END_TEST

/* Equal requests that come at once, on a server that takes them as one batch: a batch of `generate`. */
START_TEST(all_at_once_is_a_batch)
{
	const int n = _i + 2;
	struct service_summary m;
	struct generate_times g;
	char text[1024];

	snprintf(text, sizeof text,
		 HEAD "workload:\n  generate: {prompt: 511 tok, tokens: 2 tok, batch: %d, chunk: 511 tok}\n"
		      "assignments: [{name: one, place: [{on: a}]}]\n",
		 n);
	g = generated(text);
	snprintf(text, sizeof text,
		 HEAD "workload: {serve: {arrivals: {all_at: 0 s}, requests: %d, prompt: 511 tok, "
		      "output: 2 tok, measure: all}}\n"
		      "assignments: [{name: one, place: [{on: a}], serve: {scheduler: static, seqs: %d, "
		      "context: 8192 tok, request: 0 s, request_per_token: 0 s}}]\n",
		 n, n);
	m = served(text);
	ck_assert_int_eq(llround(m.of[SERVICE_TTFT_P50] * 1e9), llround(g.ttft_s * 1e9));
	ck_assert_int_eq(llround(m.of[SERVICE_TTFT_P99] * 1e9), llround(g.ttft_s * 1e9));
	ck_assert_int_eq(llround(m.of[SERVICE_E2EL_P95] * 1e9), llround(g.e2el_s * 1e9));
}
END_TEST

#define LOAD(arrivals, more)                                                                                 \
	"workload: {serve: {arrivals: " arrivals ", prompt: {uniform: [50 tok, 600 tok]}, "                  \
	"output: {uniform: [10 tok, 120 tok]}, " more "}}\n"
#define SERVERS                                                                                              \
	"assignments:\n"                                                                                     \
	"  - {name: one, place: [{on: a}], serve: {slots: 4, context: 16384 tok}}\n"                         \
	"  - {name: two, replicas: [{place: [{on: a}]}, {place: [{on: b}]}], serve: {slots: 4, context: "    \
	"16384 tok}}\n"                                                                                      \
	"  - {name: unlike, replicas: [{place: [{on: a}]}, {place: [{on: c}]}], serve: {slots: 4, context: " \
	"16384 tok}}\n"                                                                                      \
	"  - {name: pools, pools: {prefill: [{place: [{on: c}]}], decode: [{place: [{on: a}]}]}, serve: "    \
	"{slots: 4, context: 16384 tok}}\n"

START_TEST(equal_replicas_share_a_table)
{
	static const struct {
		const char *name;
		size_t servers, tables;
	} of[] = {{"one", 1, 1}, {"two", 2, 1}, {"unlike", 2, 2}, {"pools", 2, 2}};

	fixture_text(&fixture, HEAD LOAD("{rate: 0.2 req/s}", "requests: 50") SERVERS, NULL);
	for (size_t i = 0; i < ARRAY_LEN(of); i++) {
		struct service *s = service_of(of[i].name);

		ck_assert_uint_eq(service_servers(s), of[i].servers);
		ck_assert_uint_eq(service_tables(s), of[i].tables);
		ck_assert(service_fits(s));
		service_free(s);
	}
	fixture_release(&fixture);
}
END_TEST

/* Twice, after a draw, and iteration by iteration: the same bits. Under a draw: others. */
START_TEST(the_same_luck)
{
	static const char *const names[] = {"one", "two", "unlike", "pools"};
	const struct service_ask plain = {.seed = 3, .replications = 2};
	struct service_ask each = plain, drawn = plain;
	struct service_summary first, again;
	struct service *s;
	struct params *z;

	fixture_text(&fixture, HEAD LOAD("{rate: 0.3 req/s}", "requests: 60") SERVERS, NULL);
	z = arena_array(&fixture.arena, program_sources(fixture.world), sizeof *z);
	for (size_t i = 0; i < program_sources(fixture.world); i++)
		z[i].of[PARAM_MEMORY] = z[i].of[PARAM_ARITHMETIC] = 1;
	drawn.z = z;
	each.each_iteration = true;
	s = service_of(names[_i]);
	first = run_with(s, plain);
	again = run_with(s, drawn);
	ck_assert_double_ne(first.of[SERVICE_E2EL_P95], again.of[SERVICE_E2EL_P95]);
	again = run_with(s, plain);
	must_be_same(&first, &again);
	again = run_with(s, each);
	must_be_same(&first, &again);
	service_free(s);
	fixture_release(&fixture);
}
END_TEST

/* More than a server can do is said to be so, by its own reckoning and by the queue; less is not. */
START_TEST(overload_is_seen)
{
	static const struct {
		const char *rate;
		double per_s;
		bool over;
	} at[] = {{"{rate: 0.1 req/s}", 0.1, false},
		  {"{rate: 3 req/s}", 3, true},
		  {"{rate: 300 req/s}", 300,
		   true}, /* all have come before the queue's growth can be measured */
		  {"{rate: 30000 req/s}", 30000, true}};
	struct service_summary m;
	struct service *s;
	struct arena a = ARENA_INIT;

	fixture_text(&fixture,
		     arena_printf(&a, "%s" LOAD("%s", "requests: 400") "%s", HEAD, at[_i].rate, SERVERS),
		     NULL);
	s = service_of("one");
	m = run_with(s, (struct service_ask){.seed = 1, .replications = 2});
	ck_assert_int_eq(m.overloaded, at[_i].over);
	ck_assert_int_eq(m.of[SERVICE_OFFERED] > 1, at[_i].over);
	if (at[_i].over) /* what is not served waits */
		ck_assert_double_eq_tol(m.of[SERVICE_GROWTH] + m.of[SERVICE_REQUESTS_PER_S], at[_i].per_s,
					0.1 * at[_i].per_s);
	else
		ck_assert_double_eq_tol(m.of[SERVICE_REQUESTS_PER_S], 0.1, 0.01);
	service_free(s);
	fixture_release(&fixture);
	arena_release(&a);
}
END_TEST

static double metric_of(const struct assignment_row *row, const char *name)
{
	const struct metric *m = rows_metric(row, name);

	return m ? m->value : NAN;
}

/* Latencies of a growing queue are no metrics; what is served, and TPOT, are. */
/* A load without an end goes on until the interval of each bounded metric is narrow or on one side of its bound, and
 * says what a load of that length says. */
START_TEST(as_long_as_it_takes)
{
	static const char *const slo[] = {"slo: {ttft_p95: 2500 ms}", "slo: {ttft_p95: 60 s, tpot_p95: 60 s}",
					  "replications: 1"};
	struct service_summary m, again;
	struct service *s;

	for (size_t i = 0; i < ARRAY_LEN(slo); i++) {
		char text[4096];
		double value, half;

		(void)snprintf(text, sizeof text, HEAD LOAD("{rate: 0.15 req/s}", "%s") SERVERS, slo[i]);
		fixture_text(&fixture, text, NULL);
		s = service_of("one");
		m = run_with(s, (struct service_ask){.seed = 7});
		value = m.of[SERVICE_TTFT_P95];
		half = m.half[SERVICE_TTFT_P95];
		ck_assert_int_eq(m.stop, STEADY_SURE);
		ck_assert_msg(half <= 0.05 * value || (i == 0 && fabs(value - 2.5) > half) || i == 1,
			      "%g +- %g", value, half);
		ck_assert_uint_ge(m.requests, SERVICE_FIRST_REQUESTS);
		if (i == 1)
			ck_assert_uint_eq(m.requests, SERVICE_FIRST_REQUESTS);
		again = run_with(s, (struct service_ask){.seed = 7, .requests = m.requests});
		must_be_same(&m, &again);
		service_free(s);
		fixture_release(&fixture);
	}
}
END_TEST

/* A bound that is drawn through the value can never be decided: the run ends when the value is precise. */
START_TEST(a_bound_at_the_value)
{
	struct service_summary m;
	struct service *s;
	char text[4096];
	double value;

	fixture_text(&fixture, HEAD LOAD("{rate: 0.25 req/s}", "requests: 100000, replications: 2") SERVERS,
		     NULL);
	s = service_of("one");
	value = run_with(s, (struct service_ask){.seed = 7}).of[SERVICE_TTFT_P95];
	service_free(s);
	fixture_release(&fixture);
	(void)snprintf(text, sizeof text,
		       HEAD LOAD("{rate: 0.25 req/s}", "slo: {ttft_p95: %.6f s}, replications: 2") SERVERS,
		       value);
	fixture_text(&fixture, text, NULL);
	s = service_of("one");
	m = run_with(s, (struct service_ask){.seed = 7});
	ck_assert_uint_gt(m.requests, SERVICE_FIRST_REQUESTS);
	ck_assert(m.stop != STEADY_SURE || m.half[SERVICE_TTFT_P95] <= 0.05 * m.of[SERVICE_TTFT_P95] ||
		  fabs(m.of[SERVICE_TTFT_P95] - value) > m.half[SERVICE_TTFT_P95]);
	service_free(s);
	fixture_release(&fixture);
}
END_TEST

/* Chance that two assignments share cancels in their difference; what is best has none. */
START_TEST(differences_are_paired)
{
	const struct placement *at;
	struct prediction p[4];
	struct assignment_row rows[4];
	struct draws d;
	double paired = 0, apart = 0;
	int best = 0;

	fixture_text(&fixture, HEAD LOAD("{rate: 0.15 req/s}", "requests: 400") SERVERS, NULL);
	at = scenario_place(&fixture.loader, fixture.world);
	ck_assert_ptr_nonnull(at);
	d = draws_make(&fixture.arena, fixture.world, 3, 1);
	for (size_t i = 0; i < 4; i++) {
		prediction_make(&fixture.arena, &at[i], &p[i]);
		ck_assert_int_eq(prediction_row(&fixture.arena, &p[i], &d, &rows[i], NULL), 0);
	}
	prediction_differences(&fixture.arena, p, rows, 4);
	for (size_t i = 0; i < 4; i++) {
		const struct metric *m = rows_metric(&rows[i], "e2el_s_p95");
		const struct metric *there = NULL;

		if (!m->best) {
			best++;
			continue;
		}
		for (size_t k = 0; k < 4; k++)
			if (!strcmp(rows[k].name, m->best))
				there = rows_metric(&rows[k], "e2el_s_p95");
		ck_assert_ptr_nonnull(there);
		ck_assert_double_eq_tol(m->difference, m->value - there->value, 1e-9);
		ck_assert_double_gt(m->difference, 0);
		paired += m->difference_ci;
		apart += hypot(m->ci, there->ci);
	}
	ck_assert_int_eq(best, 1);
	ck_assert_double_lt(paired, 0.8 * apart);
	for (size_t i = 0; i < 4; i++)
		prediction_release(&p[i]);
	fixture_release(&fixture);
}
END_TEST

/* Of a service that refuses all, nothing is the best, and no number is made of nothing. */
START_TEST(refused_loads_have_no_times)
{
	struct placement *at;
	struct prediction p;
	struct draws d;

	fixture_text(&fixture,
		     HEAD "workload: {serve: {arrivals: {rate: 3 req/s}, prompt: 5000 tok, output: 10 tok, "
			  "requests: 30, slo: {ttft_p95: 2 s}}}\nassignments:\n"
			  "  - {name: one, place: [{on: a}], serve: {slots: 4, context: 4096 tok}}\n",
		     NULL);
	at = scenario_place(&fixture.loader, fixture.world);
	ck_assert_msg(at != NULL, "%s", fixture_complaints(&fixture));
	d = draws_make(&fixture.arena, fixture.world, 1, 2);
	prediction_make(&fixture.arena, &at[0], &p);
	{
		struct assignment_row row;
		struct str said = STR_INIT;

		ck_assert_int_eq(prediction_row(&fixture.arena, &p, &d, &row, NULL), 0);
		ck_assert_double_eq(metric_of(&row, "holds"), 0);
		ck_assert_double_eq(metric_of(&row, "refused_share"), 1);
		ck_assert(isnan(metric_of(&row, "kv_share_mean")) && isnan(metric_of(&row, "batch_mean")));
		ck_assert(isnan(metric_of(&row, "stable")) &&
			  isnan(metric_of(&row, "energy_J_per_served_tok")));
		ck_assert_str_eq(row.bound, "every request is refused");
		p.jobs[JOB_SERVE].type->remark(&said, &p.jobs[JOB_SERVE]);
		ck_assert_str_eq(said.text,
				 "every request is refused: a server takes one of at most 1024 tokens, "
				 "prompt and answer together, as many as its context has: 'context' of the "
				 "server, or the model's own");
		str_release(&said);
	}
	prediction_release(&p);
	fixture_release(&fixture);
}
END_TEST

START_TEST(a_growing_queue_has_no_latency)
{
	struct placement *at;
	struct prediction p;
	struct draws d;

	fixture_text(&fixture, HEAD LOAD("{rate: 3 req/s}", "requests: 300, slo: {ttft_p95: 2 s}") SERVERS,
		     NULL);
	at = scenario_place(&fixture.loader, fixture.world);
	ck_assert_ptr_nonnull(at);
	d = draws_make(&fixture.arena, fixture.world, 1, 2);
	prediction_make(&fixture.arena, &at[0], &p);
	{
		struct assignment_row row;

		ck_assert_int_eq(prediction_row(&fixture.arena, &p, &d, &row, NULL), 0);
		ck_assert(row.fits);
		ck_assert(isnan(metric_of(&row, "ttft_s_p95")) && isnan(metric_of(&row, "e2el_s_p95")));
		ck_assert_double_eq(metric_of(&row, "holds"), 0);
		ck_assert_double_eq(metric_of(&row, "stable"), 0);
		ck_assert(metric_of(&row, "growth_req_per_s") > 0 && metric_of(&row, "tpot_s_p95") > 0);
		ck_assert_ptr_nonnull(strstr(row.bound, "overloaded"));
	}
	prediction_release(&p);
	fixture_release(&fixture);
}
END_TEST

/* Tokens come out as they were asked for, and two machines are busy for no longer than the run. */
START_TEST(two_serve_what_one_cannot)
{
	struct service_summary one, two;
	struct service *s;

	fixture_text(&fixture, HEAD LOAD("{users: 12, think: 10 s}", "requests: 200") SERVERS, NULL);
	s = service_of("one");
	one = run_with(s, (struct service_ask){.seed = 1, .replications = 3});
	service_free(s);
	s = service_of("two");
	two = run_with(s, (struct service_ask){.seed = 1, .replications = 3});
	ck_assert_double_eq(one.tokens, two.tokens);
	ck_assert_double_gt(two.of[SERVICE_REQUESTS_PER_S], 1.2 * one.of[SERVICE_REQUESTS_PER_S]);
	ck_assert_double_lt(two.of[SERVICE_TTFT_P95], one.of[SERVICE_TTFT_P95]);
	ck_assert_double_le(two.busy_ns[0], two.span_s * 1e9 + 1);
	ck_assert(isfinite(two.half[SERVICE_TTFT_P95]));
	service_free(s);
	fixture_release(&fixture);
}
END_TEST

Suite *suite_serve_job(void)
{
	Suite *s = suite_create("serve_job");
	TCase *tc = tcase_create("serve_job");

	tcase_add_test(tc, one_user_is_generate);
	tcase_add_loop_test(tc, a_load_throttles, 0, 2);
	tcase_add_loop_test(tc, one_user_of_mlx_is_generate, 0, 3);
	tcase_add_loop_test(tc, all_at_once_is_a_batch, 0, 7);
	tcase_add_test(tc, equal_replicas_share_a_table);
	tcase_add_loop_test(tc, the_same_luck, 0, 4);
	tcase_add_loop_test(tc, overload_is_seen, 0, 4);
	tcase_add_test(tc, as_long_as_it_takes);
	tcase_add_test(tc, a_bound_at_the_value);
	tcase_add_test(tc, differences_are_paired);
	tcase_add_test(tc, refused_loads_have_no_times);
	tcase_add_test(tc, a_growing_queue_has_no_latency);
	tcase_add_test(tc, two_serve_what_one_cannot);
	suite_add_tcase(s, tc);
	return s;
}
