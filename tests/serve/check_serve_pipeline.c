/* check_serve_pipeline.c - several batches in flight through the stages of a pipeline: against a simulation of its
 * queues step by step, its law of throughput, and a placement of the catalogue. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/serve/tandem.h"
#include "sim/serve/service.h"
#include "tests/fixtures.h"
#include "tests/serve/serve_toy.h"
#include "tests/suites.h"

/* ---- the stages as queues, moved on from one end of a stage to the next ---- */

enum { STAGES = 5, BATCHES = 6, CYCLES = 40 };

struct plain_batch {
	size_t stage; /* that it is in, or waits for */
	bool in;
	int64_t rest, since; /* of the stage; when it came to wait */
	int cycle;
	int64_t out[CYCLES];
};

static int64_t drawn[BATCHES][CYCLES][STAGES];

static size_t next_of(const struct plain_batch *b, size_t batches, size_t stage)
{
	size_t next = batches;

	for (size_t i = 0; i < batches; i++)
		if (b[i].cycle < CYCLES && !b[i].in && b[i].stage == stage &&
		    (next == batches || b[i].since < b[next].since))
			next = i;
	return next;
}

static bool is_held(const struct plain_batch *b, size_t batches, size_t stage)
{
	bool held = false;

	for (size_t i = 0; i < batches; i++)
		held |= b[i].in && b[i].stage == stage;
	return held;
}

static void let_in(struct plain_batch *b, size_t batches, size_t stages)
{
	for (size_t s = 0; s < stages; s++) {
		const size_t i = is_held(b, batches, s) ? batches : next_of(b, batches, s);

		if (i == batches)
			continue;
		b[i].in = true;
		b[i].rest = drawn[i][b[i].cycle][s];
	}
}

static void plain_pipeline(struct plain_batch *b, size_t batches, size_t stages)
{
	int64_t now = 0;

	for (size_t i = 0; i < batches; i++)
		b[i] = (struct plain_batch){.since = (int64_t)i - BATCHES};
	for (;;) {
		int64_t step = INT64_MAX;

		let_in(b, batches, stages);
		for (size_t i = 0; i < batches; i++)
			if (b[i].in && b[i].rest < step)
				step = b[i].rest;
		if (step == INT64_MAX)
			return;
		now += step;
		for (size_t i = 0; i < batches; i++) {
			if (!b[i].in || (b[i].rest -= step))
				continue;
			b[i].in = false;
			b[i].since = now * BATCHES +
				     (int64_t)i; /* of one instant, in the order of their numbers */
			if (++b[i].stage == stages) {
				b[i].out[b[i].cycle++] = now;
				b[i].stage = 0;
			}
		}
	}
}

START_TEST(stages_are_queues)
{
	for (uint64_t seed = 0; seed < 200; seed++) {
		struct rng *r = rng_new(seed, "pipeline");
		const size_t stages = (size_t)fixture_draw(r, 2, STAGES),
			     batches = (size_t)fixture_draw(r, 1, BATCHES);
		struct tandem p = tandem_new(stages);
		struct plain_batch b[BATCHES];
		struct clock at[BATCHES] = {{0, 0}};
		int cycle[BATCHES] = {0};

		/* odd and far apart: no two batches come to a stage at one instant, but at the start */
		for (size_t i = 0; i < batches; i++)
			for (int k = 0; k < CYCLES; k++)
				for (size_t s = 0; s < stages; s++)
					drawn[i][k][s] = fixture_draw(r, 1, 1000000007);
		plain_pipeline(b, batches, stages);
		for (;;) {
			size_t first = batches;

			for (size_t i = 0; i < batches; i++)
				if (cycle[i] < CYCLES &&
				    (first == batches || clock_since(at[first], at[i]) > 0))
					first = i;
			if (first == batches)
				break;
			at[first] = tandem_enter(&p, at[first], drawn[first][cycle[first]], 0);
			ck_assert_int_eq(at[first].ns * FS_PER_NS + at[first].fs, b[first].out[cycle[first]]);
			cycle[first]++;
		}
		tandem_release(&p);
		rng_free(r);
	}
}
END_TEST

/* ---- the engine ---- */

static const int64_t stage_ms[] = {3, 5, 2};

static void three_stages(void *self, const struct batch_mix *mix, int64_t *fs)
{
	(void)self;
	(void)mix;
	for (size_t i = 0; i < ARRAY_LEN(stage_ms); i++)
		fs[i] = stage_ms[i] * 1000000000000;
}

static struct batch_step ten_ms(void *self, const struct batch_mix *mix)
{
	(void)self;
	(void)mix;
	return (struct batch_step){.fs = 10000000000000, .steps = INT64_MAX};
}

/* n requests of 400 tokens, all at once, on `lanes` batches in flight of one sequence each; returns tokens a second. */
static double rate_of(size_t lanes, size_t n, struct fixture_outcome *o)
{
	const struct batch_time time = {.of = ten_ms,
					.stages = ARRAY_LEN(stage_ms),
					.stages_fs = three_stages,
					.windows = {INT64_MAX},
					.windows_n = 1};
	const struct serve_settings set = {
		.rules = SERVE_VLLM, .seqs = 1, .batched_tokens = 100, .block = 16};
	struct serve_server servers[3];
	const struct serve_config c = {.servers = servers, .servers_n = lanes, .route = ROUTE_LEAST_REQUESTS};
	struct request *q = xcalloc(n, sizeof *q);
	struct err err = ERR_INIT;

	for (size_t i = 0; i < lanes; i++)
		servers[i] = (struct serve_server){&set, &time, POOL_WHOLE, 1, 0};
	for (size_t i = 0; i < n; i++)
		q[i] = (struct request){.id = i, .prompt = 10, .output = 400};
	ck_assert_msg(serve_check(&c, &err) == 0, "%s", err.msg);
	fixture_serve(&c, (struct fixture_source){.at = q, .n = n}, o);
	free(q);
	return 400 * (double)n / ((double)o->result.end_ns / 1e9);
}

/* One batch takes the sum of the stages; as many as stages come out at the pace of the longest. */
START_TEST(pace_of_the_longest_stage)
{
	struct fixture_outcome o = {0};

	ck_assert_double_eq_tol(rate_of(1, 3, &o), 1 / 0.010, 1e-9);
	fixture_watch_release(&o.watch);
	o = (struct fixture_outcome){0};
	ck_assert_double_eq_tol(rate_of(3, 3, &o), 1 / 0.005, 0.4);
	/* two hold all three stages busy half the time: 10 ms a cycle and two tokens in it */
	fixture_watch_release(&o.watch);
	o = (struct fixture_outcome){0};
	ck_assert_double_eq_tol(rate_of(2, 4, &o), 2 / 0.010, 0.4);
	fixture_watch_release(&o.watch);
}
END_TEST

START_TEST(what_is_no_pipeline)
{
	const struct batch_time time = {.of = ten_ms, .windows = {INT64_MAX}, .windows_n = 1};
	const struct serve_settings set = {
		.rules = SERVE_VLLM, .seqs = 1, .batched_tokens = 100, .block = 16};
	const struct serve_server server = {&set, &time, POOL_WHOLE, 1, 0};
	const struct serve_config c = {.servers = &server, .servers_n = 1};
	struct err err = ERR_INIT;

	ck_assert_int_ne(serve_check(&c, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.msg, "no pipeline"));
}
END_TEST

/* ---- two machines of the catalogue ---- */

static struct fixture fixture;

#define HEAD                                                                                                 \
	"schema: lemursim/scenario/1\ntitle: served\nmodel: llama-3.1-8b\n"                                  \
	"precision: {weights: q4_K_M, kv: f16, compute: f16}\nruntime: llama.cpp\n"                          \
	"machines: {a: apple-m4-pro-16c-24gb, b: apple-m4-pro-16c-24gb}\n"                                   \
	"links: {ab: {base: thunderbolt-4-tcp, between: [a, b]}}\n"
#define PLACE "place: [{on: a}, {layers: 16-31, on: b}, {op: head, on: b}]"
#define SERVE "scheduler: vllm, seqs: 32, context: 32768 tok, memory: 90 %%"
#define TWO                                                                                                  \
	"assignments:\n"                                                                                     \
	"  - {name: one in flight, " PLACE ", serve: {" SERVE ", pipelined: false}}\n"                       \
	"  - {name: two in flight, " PLACE ", serve: {" SERVE "}}\n"

static struct service_summary served(const char *load, size_t assignment, bool each_iteration)
{
	const struct assignment *a;
	struct service_summary m;
	struct err err = ERR_INIT;
	struct service *s;
	char text[4096];

	(void)snprintf(text, sizeof text, HEAD "workload: {serve: {%s}}\n" TWO, load);
	fixture_text(&fixture, text, NULL);
	a = fixture.world->scenario->assignments.at;
	s = service_new(&fixture.arena, fixture.world, &a[assignment], &fixture.diags);
	ck_assert_msg(s != NULL, "%s", fixture_complaints(&fixture));
	ck_assert_uint_eq(service_servers(s), 1);
	ck_assert_msg(service_run(s, &(struct service_ask){.seed = 1, .each_iteration = each_iteration}, &m,
				  &err) == 0,
		      "%s", err.msg);
	m.busy_ns = m.each = NULL;
	service_free(s);
	fixture_release(&fixture);
	return m;
}

/* A single user has the pipeline alone: the same times, to the nanosecond but for what shares of a pass round to. */
START_TEST(one_user_sees_no_pipeline)
{
	static const char load[] = "arrivals: {concurrency: 1}, requests: 8, prompt: 300 tok, output: 20 "
				   "tok, measure: all, replications: 1";
	const struct service_summary one = served(load, 0, false), two = served(load, 1, false);

	ck_assert_double_eq_tol(one.of[SERVICE_TTFT_P50], two.of[SERVICE_TTFT_P50], 2e-9);
	ck_assert_double_eq_tol(one.of[SERVICE_E2EL_P95], two.of[SERVICE_E2EL_P95], 50e-9);
}
END_TEST

/* Thirty-two at once: both machines work, less what a half-filled batch costs. */
START_TEST(many_users_fill_it)
{
	static const char load[] =
		"arrivals: {concurrency: 32}, requests: 96, prompt: 100 tok, output: 60 tok, "
		"measure: all, replications: 1";
	const struct service_summary one = served(load, 0, false), two = served(load, 1, false),
				     each = served(load, 1, true);

	ck_assert_double_gt(two.of[SERVICE_OUTPUT_PER_S], 1.15 * one.of[SERVICE_OUTPUT_PER_S]);
	ck_assert_double_lt(two.of[SERVICE_OUTPUT_PER_S], 2 * one.of[SERVICE_OUTPUT_PER_S]);
	for (int v = 0; v < SERVICE_VALUES; v++)
		ck_assert((isnan(two.of[v]) && isnan(each.of[v])) || two.of[v] == each.of[v]);
}
END_TEST

Suite *suite_serve_pipeline(void)
{
	Suite *s = suite_create("serve_pipeline");
	TCase *t = tcase_create("pipeline");

	tcase_add_test(t, stages_are_queues);
	tcase_add_test(t, pace_of_the_longest_stage);
	tcase_add_test(t, what_is_no_pipeline);
	tcase_add_test(t, one_user_sees_no_pipeline);
	tcase_add_test(t, many_users_fill_it);
	suite_add_tcase(s, t);
	return s;
}
