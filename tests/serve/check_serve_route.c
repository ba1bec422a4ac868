/* check_serve_route.c - room serve: requests are shared out by weights. */
#include "tests/suites.h"

#include <math.h>

#include "sim/base/err.h"
#include "tests/serve/serve_toy.h"

enum { SERVERS = 3 };

/* Servers that differ in speed by a factor, with some weights. */
struct weighted {
	struct fixture_time time[SERVERS];
	struct batch_time batch[SERVERS];
	struct serve_settings set;
	struct serve_server servers[SERVERS];
};

static void weighted_make(struct weighted *w, size_t n, const int64_t *weights, const int64_t *base_fs)
{
	*w = (struct weighted){
		.set = {.rules = SERVE_VLLM, .seqs = 4, .batched_tokens = 512, .block = 1, .kv_blocks = 0}};
	for (size_t i = 0; i < n; i++) {
		w->time[i] = (struct fixture_time){.base_fs = base_fs[i], .per_row_fs = 1000, .steps = 100};
		w->batch[i] = fixture_batch_time(&w->time[i], 0);
		w->servers[i] = (struct serve_server){&w->set, &w->batch[i], POOL_WHOLE, 0, weights[i]};
	}
}

static void run(struct weighted *w, size_t n, enum serve_route route, const struct request *q, size_t q_n,
		struct fixture_outcome *out)
{
	const struct serve_config c = {.servers = w->servers, .servers_n = n, .route = route, .seed = 1};

	fixture_serve(&c, (struct fixture_source){.at = q, .n = q_n}, out);
	ck_assert_int_eq(out->result.finished, (int64_t)q_n);
}

static const int64_t alike[SERVERS] = {1000000000, 1000000000, 1000000000};

/* nginx's own example of its smooth weighted round robin: 5, 1, 1 is a a b a c a a. */
START_TEST(in_turn_by_weight)
{
	static const int64_t weights[] = {5, 1, 1};
	static const uint32_t order[] = {0, 0, 1, 0, 2, 0, 0};
	struct request q[2 * ARRAY_LEN(order)];
	struct weighted w;
	struct fixture_outcome out;

	for (size_t i = 0; i < ARRAY_LEN(q); i++)
		q[i] = (struct request){
			.id = i, .arrive_ns = (int64_t)i * 1000000000, .prompt = 10, .output = 3};
	weighted_make(&w, SERVERS, weights, alike);
	run(&w, SERVERS, ROUTE_ROUND_ROBIN, q, ARRAY_LEN(q), &out);
	for (size_t i = 0; i < ARRAY_LEN(q); i++)
		ck_assert_uint_eq(fixture_end_of(&out.watch, i)->t.replica, order[i % ARRAY_LEN(order)]);
	fixture_watch_release(&out.watch);
}
END_TEST

/* Of eight that come at once, three quarters go to the one of weight 3; an idle one of more weight comes first. */
START_TEST(least_by_weight)
{
	static const int64_t weights[] = {1, 3};
	struct request q[8];
	struct weighted w;
	struct fixture_outcome out;
	int64_t sent[2] = {0};

	for (size_t i = 0; i < ARRAY_LEN(q); i++)
		q[i] = (struct request){.id = i, .prompt = 10, .output = 30};
	weighted_make(&w, 2, weights, alike);
	run(&w, 2, ROUTE_LEAST_REQUESTS, q, ARRAY_LEN(q), &out);
	for (size_t i = 0; i < ARRAY_LEN(q); i++)
		sent[fixture_end_of(&out.watch, i)->t.replica]++;
	ck_assert_int_eq(sent[0], 2);
	ck_assert_int_eq(sent[1], 6);
	ck_assert_uint_eq(fixture_end_of(&out.watch, 0)->t.replica, 1);
	fixture_watch_release(&out.watch);
}
END_TEST

/* By chance each gets its share, within four standard deviations. */
START_TEST(random_by_weight)
{
	static const int64_t weights[] = {1, 5, 2};
	enum { N = 4000 };
	struct request *q = xcalloc(N, sizeof *q);
	struct weighted w;
	struct fixture_outcome out;
	double sent[SERVERS] = {0};

	for (size_t i = 0; i < N; i++)
		q[i] = (struct request){.id = i, .arrive_ns = (int64_t)i * 1000, .prompt = 1, .output = 1};
	weighted_make(&w, SERVERS, weights, alike);
	run(&w, SERVERS, ROUTE_RANDOM, q, N, &out);
	for (size_t i = 0; i < N; i++)
		sent[out.watch.ends.at[i].t.replica]++;
	for (size_t i = 0; i < SERVERS; i++) {
		const double share = (double)weights[i] / 8;

		ck_assert_double_le(fabs(sent[i] - N * share), 4 * sqrt(N * share * (1 - share)));
	}
	fixture_watch_release(&out.watch);
	free(q);
}
END_TEST

static double mean_e2el_s(const struct fixture_outcome *out)
{
	double sum = 0;

	for (size_t i = 0; i < out->watch.ends.n; i++)
		sum += (double)(out->watch.ends.at[i].t.end_ns - out->watch.ends.at[i].r.arrive_ns) / 1e9;
	return sum / (double)out->watch.ends.n;
}

/* A server four times as fast beside a slow one: answers come sooner where it gets four times as many, and equal
 * weights, whatever they are, are none. */
START_TEST(weights_pay_between_unlike_servers)
{
	static const int64_t none[] = {0, 0}, equal[] = {7, 7}, by_speed[] = {1, 4},
			     speeds[] = {4000000000, 1000000000};
	struct rng *r = rng_new(5, "weights");

	for (int i = 0; i < 6; i++) {
		static const enum serve_route routes[] = {ROUTE_ROUND_ROBIN, ROUTE_RANDOM,
							  ROUTE_LEAST_REQUESTS};
		const enum serve_route route = routes[i % 3];
		struct request *q = fixture_requests(r, 400, 60000, 30, 40);
		struct weighted w;
		struct fixture_outcome out;
		double e2el[3];

		weighted_make(&w, 2, none, speeds);
		run(&w, 2, route, q, 400, &out);
		e2el[0] = mean_e2el_s(&out);
		fixture_watch_release(&out.watch);
		weighted_make(&w, 2, equal, speeds);
		run(&w, 2, route, q, 400, &out);
		e2el[1] = mean_e2el_s(&out);
		fixture_watch_release(&out.watch);
		weighted_make(&w, 2, by_speed, speeds);
		run(&w, 2, route, q, 400, &out);
		e2el[2] = mean_e2el_s(&out);
		fixture_watch_release(&out.watch);
		ck_assert(e2el[0] <= e2el[1] && e2el[1] <= e2el[0]);
		ck_assert_double_lt(e2el[2], e2el[0]);
		free(q);
	}
	rng_free(r);
}
END_TEST

Suite *suite_serve_route(void)
{
	Suite *s = suite_create("serve_route");
	TCase *t = tcase_create("weights");

	tcase_add_test(t, in_turn_by_weight);
	tcase_add_test(t, least_by_weight);
	tcase_add_test(t, random_by_weight);
	tcase_add_test(t, weights_pay_between_unlike_servers);
	suite_add_tcase(s, t);
	return s;
}
